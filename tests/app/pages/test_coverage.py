"""The page of the documentation that is made from the mapping tables and the rules of 2.0.1."""

from pathlib import Path

from app.pages.coverage import page
from shadow import schema
from shadow.mapping.registry import TABLES

PAGE = Path(__file__).resolve().parents[3] / "docs/coverage.md"


def test_page_in_the_documentation_is_the_one_the_tables_give() -> None:
    """docs/coverage.md is what `python -m app.pages.coverage` writes now (`make docs`)."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_action_has_its_section_and_its_line() -> None:
    """39 of OCPP 1.6, by name, each linked from the overview."""
    text = page()
    for action in schema.actions(schema.V16):
        assert text.count(f"\n### {action}\n") == 1
        assert f"| [{action}](#{action.lower()}) |" in text


def test_every_field_of_16_stands_in_its_table() -> None:
    """By its dotted name, in code."""
    text = page()
    for (action, _), table in TABLES.items():
        section = text.partition(f"\n### {action}\n")[2].partition("\n### ")[0]
        for rule in table.rules:
            assert not rule.source or f"| `{rule.source}` |" in section


def test_every_action_of_201_is_listed() -> None:
    """64 actions, request and answer: how many fields each has, and which requirements look at them."""
    native = page().partition("## Native OCPP 2.0.1")[2]
    for action in schema.actions(schema.V201):
        assert native.count(f"\n| {action} | ") == 2
    assert "`seqNo`: " in native


def test_table_rows_have_as_many_cells_as_their_head() -> None:
    """A reason with a bar in it would break its table."""
    head = 0
    for line in page().splitlines():
        if line.startswith("|"):
            cells = line.replace("\\|", "").count("|")
            head = head or cells
            assert cells == head, line
        else:
            head = 0
