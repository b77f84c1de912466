"""What is doubtful in a mapping file that can be used."""

import tomllib
from pathlib import Path

import pytest

from shadow.device_model import vendor_check
from shadow.device_model.vendor_check import covers, remarks
from shadow.device_model.vendor_file import parse

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/vendor-mapping.toml"


def _remarks(text: str) -> list[str]:
    return [f"{one.where}: {one.text}" for one in remarks(parse(tomllib.loads(text)))]


def _keys(*pairs: tuple[str, str], station: str = "") -> str:
    entries = "".join(f"[[station.key]]\nkey = '{key}'\nvariable = '{variable}'\n" for key, variable in pairs)
    return f"[[station]]\n{station}\n{entries}"


def _transfer(vendor_id: str) -> str:
    field = "[[station.transfer.field]]\nvariable = 'A/Count'\n"
    return f"[[station.transfer]]\nvendor_id = '{vendor_id}'\nparser = 'text'\n{field}"


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("[[station]]", "[[station]] number 1: holds no key and no transfer"),
        (_keys(("X*", "A/Count"), ("X{connector}", "EVSE@{evse}/Q")), "key X{connector}: is never used: X* of"),
        (
            _keys(("x", "A/Count")) + _keys(("X", "A/Count")),
            "number 2, key X: is never used: x of [[station]] number 1",
        ),
        (
            _keys(("M{connector}", "EVSE@{evse}/P"), ("M1", "A/Count")),
            "key M1: is never used: M{connector} of [[station]] number 1",
        ),
        (_keys(("X", "A/Count"), ("Y", "a/count")), "key Y: fills a/count, as X does: one value hides the other"),
        (_keys(("X?", "A/Count")), "key X?: is a glob: of several keys that it fits, one hides the others in A/Count"),
        (
            _keys(("X", "ocppcommctrlr/HeartbeatInterval")),
            "is filled by HeartbeatInterval, a key of the standard",
        ),
        (_keys(("X", "OCPP16LegacyCtrlr/X")), "is where keys without a mapping are"),
        (
            "[[station]]\n[[station.transfer]]\nvendor_id = 'V'\nparser = 'text'",
            "transfer V/*: has no fields: it counts as known",
        ),
        (
            f"[[station]]\n{_transfer('V*')}{_transfer('va')}",
            "transfer va/*: is never used: V*/* comes first",
        ),
    ],
)
def test_what_is_doubtful_is_named(text: str, remark: str) -> None:
    """With its table and rule; the same file without the doubtful part says nothing of it."""
    assert [one for one in _remarks(text) if remark in one] != []
    assert [one for one in _remarks(_keys(("X", "A/Count"))) if remark in one] == []


def test_a_rule_for_other_stations_is_not_in_the_way() -> None:
    """Only a table that fits all the stations of a later one hides its keys."""
    one, other = _keys(("X", "A/Count"), station="vendor = 'V'"), _keys(("X", "A/Count"), station="vendor = 'W*'")
    assert _remarks(one + other) == []
    assert _remarks(other + _keys(("X", "A/Count"), station="vendor = 'W1'")) != []


def test_a_variable_that_the_standard_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the one place that asks the registry, without the EVSE that the file leaves open."""
    asked = []
    monkeypatch.setattr(vendor_check, "known", asked.append)
    (found,) = _remarks(_keys(("X{connector}", "EVSE@{evse}/Pover")))
    assert "EVSE@{evse}/Pover is no variable that the standard knows" in found
    assert [str(one) for one in asked] == ["EVSE@1/Pover"]


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        ("*", "a[bc]", True),
        ("a*", "ab*", True),
        ("a?", "a*", False),
        ("a?", "ab", True),
        ("a[bc]", "ab", True),
        ("ab", "a*", False),
        ("ab*", "a*", False),
    ],
)
def test_a_glob_covers_another_only_where_that_is_sure(first: str, later: str, *, expected: bool) -> None:
    """A question mark fits the sign `*`, and not all that it stands for."""
    assert covers(first, later) is expected


def test_the_example_file_is_free_of_doubt() -> None:
    """examples/vendor-mapping.toml can be used as it is."""
    mapping = parse(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")))
    assert remarks(mapping) == []
    assert len(mapping) == 10
