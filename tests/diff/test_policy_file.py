"""Policy files: what they may say, where a broken one is wrong, what stays in force, and how two differ."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from diff.document import DocumentError
from diff.policy import DEFAULT, SECOND, Kind, Numbers, Words, named
from diff.policy_file import FIELDS, PolicyInForce, changes, parse_policy, said
from diff.tariff.book import parse_book

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "policy.toml"


def test_a_file_that_names_nothing_says_what_is_built_in() -> None:
    """Under its own version, with a digest."""
    found = parse_policy('version = "mine"\n')
    assert replace(found, version="1") == DEFAULT
    assert found.version.startswith("mine+")
    assert changes(DEFAULT, found) == []


def test_the_example_can_be_followed_and_says_what_its_comments_promise() -> None:
    """Every kind of rule is in it."""
    found = parse_policy(EXAMPLE.read_text(encoding="utf-8"))
    assert found.energy == Numbers(Kind.TOLERANCE, Decimal(5), Decimal("0.2"), resolution=True)
    assert found.stop.kind is Kind.EXACT
    assert found.record_token.reason.startswith("the roaming hub masks the uid")
    assert found.token.equal("fleet-master", "FLEET-BACKUP")
    assert found.stop_reason.equal("Local", "EVDisconnected")
    assert found.stop_reason.equal("Other", "Local")
    assert found.stop_reason.equal("HardReset", "ImmediateReset")
    assert not found.stop_reason.equal("PowerLoss", "Local")
    assert found.record_window == 300 * SECOND
    kinds = {getattr(found, one.attribute).kind for one in FIELDS}
    assert kinds == set(Kind)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[energy", "line 1: no TOML"),
        ("", "version: Field required"),
        ('version = "a b"', "line 1: version: "),
        ('version = "a"\n\n[stop]\nkind = "ignore"\n', 'line 3: stop: kind = "ignore" needs a reason'),
        ('version = "a"\n[stop]\nkind = "ignore"\nreason = " "\n', "needs a reason"),
        ('version = "a"\n[stop]\nkind = "exact"\nreason = "x"\n', 'a reason goes with kind = "ignore"'),
        ('version = "a"\n[stop]\nkind = "exact"\nabsolute = 1\n', "absolute says nothing with kind = 'exact'"),
        ('version = "a"\n[stop]\nkind = "tolerance"\n', "needs absolute"),
        ('version = "a"\n[stop]\nkind = "tolerance"\nabsolute = -1\n', "line 4: stop.absolute: "),
        ('version = "a"\n[stop]\nkind = "tolerance"\nabsolute = nan\n', "line 4: stop.absolute: "),
        ('version = "a"\n[stop]\nkind = "semantic"\n', "line 3: stop.kind: "),
        ('version = "a"\n[stop]\nkind = "tolerance"\nrelative_percent = 1\n', "line 4: stop.relative_percent: "),
        ('version = "a"\n[token]\nkind = "semantic"\nsame = [["one"]]\n', "line 4: token.same.0: "),
        ('version = "a"\n[record.energy]\nkind = "close"\n', "line 3: record.energy.kind: "),
        ('version = "a"\n[stop_reasons]\nkind = "exact"\n', "line 2: stop_reasons: "),
        ('version = "a"\n[settle]\nmissing_seconds = 0\n', "line 3: settle.missing_seconds: "),
    ],
)
def test_what_no_policy_can_say_is_refused_with_line_and_rule(text: str, error: str) -> None:
    """A policy that cannot be followed is never followed in part."""
    with pytest.raises(DocumentError) as caught:
        parse_policy(text)
    assert error in str(caught.value)


def test_two_files_of_one_name_that_differ_have_different_versions() -> None:
    """The digest is of what a file says, not of how it is written: comments and zeros do not count."""
    one = parse_policy('version = "a"\n[start]\nkind = "tolerance"\nabsolute = 1.0 # second\n')
    other = parse_policy('version = "a"\n[start]\nkind = "tolerance"\nabsolute = 1.5\n')
    assert one.version == parse_policy('version = "a"').version
    assert one.version != other.version
    assert {version.split("+")[0] for version in (one.version, other.version)} == {"a"}


def test_a_policy_without_a_file_keeps_the_plain_version_only_where_it_is_the_built_in_one() -> None:
    """Other tariffs are another policy, too: they make other amounts."""
    tariff = {"id": "t", "currency": "EUR", "elements": [{"price_components": [
        {"type": "ENERGY", "price": Decimal("0.4"), "step_size": 1}]}]}  # fmt: skip
    book = parse_book({"tariffs": [tariff]})
    assert named(DEFAULT) == DEFAULT
    assert named(replace(DEFAULT, tariffs=book)).version == named(replace(DEFAULT, tariffs=book)).version
    versions = {named(replace(DEFAULT, settle_missing=1)).version, named(replace(DEFAULT, tariffs=book)).version, "1"}
    assert len(versions) == 3


def test_a_broken_file_leaves_the_last_good_policy_in_force_and_is_named() -> None:
    """Until it is corrected."""
    held = PolicyInForce(DEFAULT)
    assert held.take('version = "good"\n[stop]\nkind = "exact"\n')
    good = held.current
    assert not held.take('version = "worse"\n[stop]\nkind = "about"\n')
    assert (held.current, held.problem) == (good, "line 3: stop.kind: Input should be 'exact', 'tolerance' or 'ignore'")
    assert not held.take('version = "good"\n[stop]\nkind = "exact"\n')
    assert (held.current, held.problem) == (good, "")


def test_how_two_policies_differ_is_said_line_by_line() -> None:
    """Old value, new value; what one of them does not say is None."""
    other = parse_policy('version = "a"\n[zero]\nkind = "ignore"\nreason = "known"\n[settle]\nreboot_seconds = 60\n')
    assert [(one.name, one.before, one.after) for one in changes(DEFAULT, other)] == [
        ("zero.kind", "tolerance", "ignore"),
        ("zero.absolute", "3", None),
        ("settle.reboot_seconds", "600", "60"),
        ("zero.reason", None, "known"),
    ]
    assert changes(other, other) == []


@given(
    absolute=st.decimals(0, 10**6, places=3),
    percent=st.decimals(0, 100, places=2),
    primary=st.decimals(-(10**9), 10**9, places=3),
    resolution=st.decimals(0, 1000, places=1),
)
def test_a_tolerance_is_the_sum_of_its_parts(
    absolute: Decimal, percent: Decimal, primary: Decimal, resolution: Decimal
) -> None:
    """Absolute, the share of the primary's value, and the resolution where it counts; exactly."""
    rule = Numbers(Kind.TOLERANCE, absolute, percent)
    assert rule.allowed(primary, resolution) == absolute + abs(primary) * percent / 100
    assert replace(rule, resolution=True).allowed(primary, resolution) == rule.allowed(primary) + resolution
    assert replace(rule, kind=Kind.EXACT).allowed(primary, resolution) == 0


@given(st.text(max_size=8), st.text(max_size=8))
def test_words_are_equal_as_their_kind_says(one: str, other: str) -> None:
    """Exact by every character, semantic by group, ignored always; equality goes both ways."""
    assert Words(Kind.EXACT).equal(one, other) == (one == other)
    assert Words(Kind.IGNORE, reason="x").equal(one, other)
    assert Words(same=((one, other),)).equal(one, other)
    assert Words().equal(one, other) == Words().equal(other, one) == (one == other)


def test_every_field_of_a_policy_is_said() -> None:
    """A line for the kind of each."""
    assert {f"{one.name}.kind" for one in FIELDS} <= set(said(DEFAULT))
    assert len({one.attribute for one in FIELDS}) == len(FIELDS) == 11
