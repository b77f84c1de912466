"""The catalogue of discrepancy codes."""

import re
from pathlib import Path

import pytest

from diff.catalogue import CATALOGUE, Code
from diff.discrepancy import Class, Severity

SOURCE = Path(__file__).resolve().parents[2] / "../shared/discrepancies.md"
FAMILIES = {
    *("session", "meter", "clock", "schema", "rpc", "keepalive", "tap", "status", "topology", "profile", "rollout"),
    *("device", "vendor", "security"),
}
OWN = {
    *("message.field-lost", "message.no-answer", "rpc.subprotocol", "rule.v201"),
    *("session.duplicate-record", "session.late-record", "session.record-amount", "session.unjudged-record"),
}
"""Codes that the agreed list does not have: it may be extended, and nothing in it renamed."""
LATER = {"profile.schedule"}
ENTRIES = [pytest.param(entry, id=code) for code, entry in CATALOGUE.items()]


@pytest.mark.parametrize("entry", ENTRIES)
def test_code_says_what_it_means_and_what_to_do_in_one_sentence(entry: Code) -> None:
    """Meaning and remedy are one sentence each: a capital first, one full stop, at the end."""
    for text in (entry.meaning, entry.remedy):
        assert text[0].isupper() or text.startswith("meter")
        assert text.endswith(".")
        assert not re.search(r"\.\s+[A-Z]", text), f"two sentences: {text}"
        assert "  " not in text


@pytest.mark.parametrize("entry", ENTRIES)
def test_code_with_a_delta_names_its_unit(entry: Code) -> None:
    """A delta without a unit cannot be read."""
    assert not entry.values.delta or entry.unit


def test_codes_are_well_formed_and_keyed_by_themselves() -> None:
    """A code is `family.words-in-lower-case` and stands under its own name."""
    for key, entry in CATALOGUE.items():
        assert key == entry.code
        assert re.fullmatch(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*", key)


def test_catalogue_agrees_with_the_agreed_list() -> None:
    """Codes, classes and severities are those of the list that operators were given."""
    if not SOURCE.exists():
        pytest.skip("the agreed list of codes lies outside of the repository and is absent here")
    agreed: dict[str, tuple[str, str]] = {}
    for line in SOURCE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[1].startswith("`"):
            agreed.update((code, (cells[2], cells[3])) for code in re.findall(r"`([^`]+)`", cells[1]))
    agreed = {code: row for code, row in agreed.items() if code.partition(".")[0] in FAMILIES and code not in LATER}
    assert set(CATALOGUE) - OWN == set(agreed)
    for code, (classes, severities) in agreed.items():
        assert CATALOGUE[code].class_ in {Class(name.strip()) for name in classes.split("/")}
        assert CATALOGUE[code].severity in _severities(severities), code


def _severities(text: str) -> set[Severity]:
    """`minor…major` is a range, `major/minor` a choice, a bare name itself."""
    order = [Severity.INFO, Severity.MINOR, Severity.MAJOR, Severity.CRITICAL]
    if "…" in text:
        first, last = (order.index(Severity(name.strip())) for name in text.split("…"))
        return set(order[first : last + 1])
    return {Severity(name.strip()) for name in text.split("/")}
