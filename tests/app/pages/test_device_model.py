"""The page of the documentation that is made from the registry and the table of keys."""

from pathlib import Path

from app.pages.device_model import page
from shadow.device_model.standard import STANDARD
from shadow.mapping.keys import KEYS, PUBLIC_KEY

PAGE = Path(__file__).resolve().parents[3] / "docs/device-model.md"


def test_page_in_the_documentation_is_the_one_the_tables_give() -> None:
    """docs/device-model.md is what `python -m app.pages.device_model` writes now (`make docs`)."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_variable_that_some_document_requires_has_its_row() -> None:
    """With what each document says of it; those of blocks that nobody requires anything of have none."""
    text = page().partition("## Required variables")[2].partition("## Configuration keys")[0]
    for one in STANDARD.values():
        assert (f"| `{one.address}` |" in text) is any(one.said.values()), one.address


def test_every_key_has_its_row_with_its_fate() -> None:
    """67 of them, each once."""
    text = page().partition("## Configuration keys of 1.6")[2].partition("### What the presence")[0]
    keys = [*KEYS.values(), PUBLIC_KEY]
    assert len(keys) == 67
    for key in keys:
        assert text.count(f"| `{key.name}` | {key.relation} | {key.fate} |") == 1, key.name


def test_every_choice_is_told() -> None:
    """Behind its key."""
    text = page().partition("## Where sources disagree")[2]
    for key in KEYS.values():
        assert not key.choice or f"| `{key.name}` | {key.choice} |" in text, key.name


def test_table_rows_have_as_many_cells_as_their_head() -> None:
    """A reason with a bar in it would break its table."""
    head = 0
    for line in page().splitlines():
        if line.startswith("|"):
            head = head or line.count("|")
            assert line.count("|") == head, line
        else:
            head = 0
