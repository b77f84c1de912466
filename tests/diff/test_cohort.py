"""Cohorts: who belongs together, and what is said of a file that cannot be followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diff.cohort import FLEET, Cohort, CohortError, Cohorts, Member, ad_hoc, members, parse_cohorts
from diff.document import DocumentError

TEXT = """
[sites]
"Depot North" = ["DN-*", "CP-17"]
south = ["DS-*"]

[waves]
first = ["DN-1", "DS-1", "DN-77"]

[[cohort]]
name = "north on 2.x"
sites = ["Depot North"]
firmwares = ["2.*"]
exclude = ["DN-9*"]

[[cohort]]
name = "first wave"
waves = ["first"]
"""

FLEET_OF = [
    Member("DN-1", "ACME", "One", "2.0"),
    Member("DN-2", "ACME", "One", "1.9"),
    Member("DN-91", "ACME", "One", "2.0"),
    Member("CP-17", "Birch", "Two", "2.1"),
    Member("DS-1", "Birch", "Two", "2.1"),
]


def _names(cohort: Cohort, cohorts: Cohorts) -> list[str]:
    return [one.charger_id for one in members(cohort, cohorts, FLEET_OF)[0]]


def test_all_fields_have_to_fit_and_values_are_alternatives() -> None:
    """A site by globs and ids, a firmware by glob, less what is excluded; a wave over several sites."""
    cohorts = parse_cohorts(TEXT)
    assert _names(cohorts.named("north on 2.x"), cohorts) == ["CP-17", "DN-1"]
    assert _names(cohorts.named("first wave"), cohorts) == ["DN-1", "DS-1"]
    assert len(_names(FLEET, cohorts)) == 5


def test_who_was_named_and_never_seen_is_told() -> None:
    """DN-77 stands in the wave by its id; globs name nobody."""
    cohorts = parse_cohorts(TEXT)
    assert members(cohorts.named("first wave"), cohorts, FLEET_OF)[1] == ["DN-77"]
    assert members(cohorts.named("north on 2.x"), cohorts, FLEET_OF)[1] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vendor=ACME", ["DN-1", "DN-2", "DN-91"]),
        ("vendor=ACME firmware=2.*", ["DN-1", "DN-91"]),
        ("vendor=ACME,model=Two", []),
        ("model=One model=Two charger=*-1", ["DN-1", "DS-1"]),
        ("site=south", ["DS-1"]),
        ("wave=first site='Depot North'", ["DN-1"]),
        ("vendor=acme", []),
        ("vendor=ACME exclude=DN-?", ["DN-91"]),
    ],
)
def test_a_selection_of_the_moment(text: str, expected: list[str]) -> None:
    """Fields and globs as in the file, on one line; case counts."""
    cohorts = parse_cohorts(TEXT)
    assert _names(cohorts.named(text), cohorts) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("third", "no cohort is called 'third': there are 'north on 2.x', 'first wave', 'fleet'"),
        ("seller=ACME", "write FIELD=VALUE with one of charger, vendor"),
        ("vendor=", "write FIELD=VALUE"),
        ("site=west", "'west' is none of the sites"),
        ("vendor='ACME", "No closing quotation"),
    ],
)
def test_a_cohort_that_is_not_there(text: str, reason: str) -> None:
    """What there is stands in the error."""
    with pytest.raises(CohortError) as caught:
        parse_cohorts(TEXT).named(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[[cohort]]\nname = 'a'\n[[cohort]]\nname = ''\n", 4, "cohort.1.name"),
        ("[[cohort]]\nname = 'a'\n[[cohort]]\nname = 'b'\nvendor = ['x']\n", 5, "cohort.1.vendor: Extra inputs"),
        ("[[cohort]]\nname = 'a'\nsites = ['x']\n", None, "cohort 'a' names site 'x', which the file does not list"),
        ("[[cohort]]\nname = 'a'\n[[cohort]]\nname = 'a'\n", None, "two cohorts are called 'a'"),
        ("[[cohort]]\nname = 'fleet'\n", None, "'fleet' is the name of all charging stations"),
        ("[sites]\nnorth = 'DN-*'\n", 2, "sites.north"),
        ("[[cohort]\n", 1, "no TOML"),
    ],
)
def test_a_broken_file_is_named_with_line_and_reason(text: str, line: int | None, reason: str) -> None:
    """The second of two tables is told from the first."""
    with pytest.raises(DocumentError) as caught:
        parse_cohorts(text)
    assert reason in str(caught.value)
    assert caught.value.line == line


_name = st.text("AB1*?[]-", min_size=1, max_size=5)


@given(st.lists(_name, min_size=1, max_size=4), st.lists(st.text("AB1-", min_size=1, max_size=5), max_size=6))
def test_a_cohort_is_part_of_the_fleet_and_exclusion_only_takes_away(patterns: list[str], ids: list[str]) -> None:
    """Whatever the globs: nobody twice, nobody from outside, and excluding the same globs leaves nobody."""
    fleet = [Member(name, "V", "M", "1") for name in sorted(set(ids))]
    found, missing = members(Cohort(name="c", chargers=tuple(patterns)), Cohorts(), fleet)
    assert {one.charger_id for one in found} <= {one.charger_id for one in fleet}
    assert len({one.charger_id for one in found}) == len(found)
    assert not set(missing) & set(ids)
    assert members(Cohort(name="c", chargers=("*",), exclude=tuple(patterns)), Cohorts(), fleet)[0] == [
        one for one in fleet if one not in found
    ]


def test_a_selection_without_a_file_knows_no_sites() -> None:
    """Vendor and model need none."""
    assert ad_hoc("vendor=ACME").vendors == ("ACME",)
    with pytest.raises(CohortError, match="none of the sites"):
        ad_hoc("site=north")
