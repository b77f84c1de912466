"""The page of the documentation that is made from the rules of 2.0.1."""

from pathlib import Path

from app.pages.rules import page
from shadow.native.rules import RULES

PAGE = Path(__file__).resolve().parents[3] / "docs/rules-2.0.1.md"


def test_page_in_the_documentation_is_the_one_the_rules_give() -> None:
    """docs/rules-2.0.1.md is what `python -m app.pages.rules` writes now."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_page_has_one_row_for_each_rule() -> None:
    """In their order, with five columns each."""
    rows = [line for line in page().splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [rule.id for rule in RULES]
    assert {row.count(" | ") for row in rows} == {4}
