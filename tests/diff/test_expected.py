"""Files of expected failures: what is declared, and what is refused."""

from typing import Any

import pytest

from diff.expected import Expected, parse

KNOWN = {"schema.v16", "certification.schema"}
FULL = {"code": "schema.v16", "path": "Heart*", "charger": "CP?", "reason": "known", "finding": "T-1", "owner": "me"}


def test_a_file_with_everything() -> None:
    """In its order; what is left out fits everything."""
    short = {"code": "certification.schema", "reason": "known", "owner": "me"}
    found = parse({"expected": [FULL, short]}, KNOWN)
    assert found == (Expected(**FULL), Expected("certification.schema", "known", owner="me"))
    assert [one.label for one in found] == ["schema.v16 at Heart* on CP?", "certification.schema"]


@pytest.mark.parametrize(
    ("code", "path", "charger", "fits"),
    [
        ("schema.v16", "Heartbeat.a:type", "CP1", True),
        ("schema.v201", "Heartbeat.a:type", "CP1", False),
        ("schema.v16", "Reset.a:type", "CP1", False),
        ("schema.v16", "Heartbeat.a:type", "CP12", False),
        ("schema.v16", "heartbeat.a:type", "CP1", False),  # capitals count
    ],
)
def test_all_patterns_have_to_fit(code: str, path: str, charger: str, *, fits: bool) -> None:
    """Code, path and charging station."""
    assert Expected(**FULL).fits(code, path, charger) is fits


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"expect": []}, "an entry 'expect'"),
        ({"expected": {}}, r"write \[\[expected\]\]"),
        ({"expected": [{**FULL, "code": "schema.v17"}]}, "number 1: there is no code 'schema.v17'"),
        ({"expected": [{**FULL, "reason": " "}]}, "number 1: reason is empty"),
        ({"expected": [{**FULL, "finding": "", "owner": ""}]}, "number 1: give finding"),
        ({"expected": [{"code": "schema.v16", "owner": "me"}]}, "missing required field `reason`"),
        ({"expected": [{**FULL, "until": "2030"}]}, "unknown field `until`"),
        ({"expected": [{**FULL, "path": "x" * 501}]}, "no text is longer than 500"),
        ({"expected": [FULL, {**FULL, "reason": "again"}]}, "number 2: schema.v16 at .* stands in a table before it"),
    ],
)
def test_what_cannot_be_declared_is_said_precisely(document: dict[str, Any], said: str) -> None:
    """Which table and what is wrong with it."""
    with pytest.raises(ValueError, match=said):
        parse(document, KNOWN)
