"""The page of the documentation that is made from the catalogue."""

from pathlib import Path

from app.pages.catalogue import page
from diff.catalogue import CATALOGUE

PAGE = Path(__file__).resolve().parents[3] / "docs/discrepancies.md"


def test_page_in_the_documentation_is_the_one_the_catalogue_gives() -> None:
    """docs/discrepancies.md is what `python -m app.pages.catalogue` writes now."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_page_has_one_heading_for_each_code() -> None:
    """No code is left out and none stands twice, whatever the order of the catalogue."""
    headings = [line.removeprefix("### ").strip("`") for line in page().splitlines() if line.startswith("### ")]
    assert headings == list(CATALOGUE)


def test_page_has_one_section_for_each_family() -> None:
    """Codes of a family stand together, otherwise a section would appear twice."""
    sections = [line for line in page().splitlines() if line.startswith("## ")]
    assert len(sections) == len(set(sections)) == len({code.partition(".")[0] for code in CATALOGUE})
