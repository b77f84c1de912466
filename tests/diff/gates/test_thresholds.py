"""The file of thresholds: its defaults, and what is said of one that is broken."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from diff.document import LONGEST_DOCUMENT, DocumentError
from diff.gates.thresholds import DEFAULT, ThresholdsInForce, parse_thresholds


def test_the_defaults_are_those_of_the_design() -> None:
    """300 settled sessions, 7 days, 0.5 %, 30 and 3 times, 99.9 %, three vendors."""
    assert parse_thresholds("") == DEFAULT
    assert (DEFAULT.money.sessions, DEFAULT.critical.days) == (300, 7)
    assert (DEFAULT.rate.upper_percent, DEFAULT.sight.complete_percent) == (Decimal("0.5"), Decimal("99.9"))
    assert (DEFAULT.coverage.session_action, DEFAULT.coverage.other_action, DEFAULT.coverage.vendors) == (30, 3, 3)


def test_a_file_names_what_differs() -> None:
    """The rest keeps its default, and a number with a point is exact."""
    found = parse_thresholds('version = "pilot"\n[rate]\nupper_percent = 0.1\n[coverage]\nexempt = ["Reset"]\n')
    assert (found.version, found.rate.upper_percent, found.coverage.exempt) == ("pilot", Decimal("0.1"), ("Reset",))
    assert found.money == DEFAULT.money


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[money]\nsessions = ", 2, "no TOML"),
        ("version = '1'\n\n[money]\nsessions = 0\n", 4, "money.sessions: Input should be greater than or equal to 3"),
        ("[rate]\n# none\nupper_percent = 'much'\n", 3, "rate.upper_percent"),
        ("[rate]\nupper_percent = 100\n", 2, "less than 100"),
        ("[rate]\nupper_percent = nan\n", 2, "rate.upper_percent"),
        ("[critical]\ndays = 7\n[mony]\nsessions = 5\n", 3, "mony: Extra inputs"),
        ("[coverage]\n\nvendor = 3\n", 3, "coverage.vendor: Extra inputs"),
        ("evidence_days = 1.5\n", 1, "evidence_days"),
        ("x = " + "[" * 2000, None, "nested too deeply"),
    ],
)
def test_a_broken_file_is_named_with_line_and_reason(text: str, line: int | None, reason: str) -> None:
    """One line to look at, and why."""
    with pytest.raises(DocumentError) as caught:
        parse_thresholds(text)
    assert reason in str(caught.value)
    assert caught.value.line == line


def test_a_file_beyond_all_measure_is_not_read() -> None:
    """Its size is said instead."""
    with pytest.raises(DocumentError, match="characters: at most"):
        parse_thresholds("#" * (LONGEST_DOCUMENT + 1))


def test_the_last_good_one_stays_in_force() -> None:
    """While the file is broken the problem is said; once it is mended the new numbers hold."""
    held = ThresholdsInForce()
    held.take("[money]\nsessions = 500\n")
    held.take("[money]\nsessions = many\n")
    assert (held.current.money.sessions, held.problem[:7]) == (500, "line 2:")
    held.take("[money]\nsessions = 600\n")
    assert (held.current.money.sessions, held.problem) == (600, "")


def test_the_page_shows_every_threshold_with_its_default() -> None:
    """The file in docs/gates.md is the defaults, whole, under a name of its own."""
    page = (Path(__file__).resolve().parents[3] / "docs/gates.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(version.*?)```", page, re.DOTALL)
    shown = parse_thresholds(text)
    assert shown.model_copy(update={"version": DEFAULT.version}) == DEFAULT
    assert shown.model_fields_set == set(type(shown).model_fields)
    for name in ("sight", "money", "critical", "rate", "coverage", "noise", "baseline"):
        part = getattr(shown, name)
        assert part.model_fields_set == set(type(part).model_fields)
