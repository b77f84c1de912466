"""An audit's document as Markdown (CommonMark with the tables of GitHub). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from diff.audit.document import Cell, Chart, Document, Facts, Mark, Picture, Sentence, Table, Tone

__all__ = ["SIGNS", "render"]

SIGNS: Final = {Tone.GOOD: "✓", Tone.PART: "◐", Tone.BAD: "✗", Tone.OPEN: "?"}
"""Beside the word, so that a reader finds it at a glance."""

_MARKS: Final = re.compile(r"[\\`*\[\]<>|&~]|(?<!\w)_|_(?!\w)|(?<=\w)@(?=\w)|:(?=//)|(?<=www)\.")
"""What would be read as markup, or made a link, in the middle of a line."""


def render(document: Document) -> str:
    """The document as one text. Everything that came from outside is shown as it stands and does nothing else."""
    lines = [f"# {escaped(document.title)}"]
    for section in document.sections:
        lines += ["", f"## {escaped(section.title)}"]
        for part in section.parts:
            lines += ["", *_part(part)]
    # A picture leaves two empty lines behind where the table beside it says the same.
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _part(part: Sentence | Facts | Table | Picture | Chart) -> Iterator[str]:
    match part:
        case Sentence(text=text):
            yield escaped(text)
        case Facts(rows=rows):
            yield from (f"- **{escaped(term)}:** {escaped(text)}" for term, text in rows)
        case Table(caption=caption, head=head, rows=rows):
            yield f"**{escaped(caption)}**"
            yield ""
            yield f"| {' | '.join(map(escaped, head))} |"
            yield f"|{' --- |' * len(head)}"
            yield from (f"| {' | '.join(map(_cell, row))} |" for row in rows)
        case Picture():
            pass
        case Chart(title=title, said=said):
            yield f"{escaped(title)}: {escaped(said)}."


def _cell(cell: Cell) -> str:
    return f"{SIGNS[cell.tone]} {escaped(cell.word)}" if isinstance(cell, Mark) else escaped(cell)


def escaped(text: str) -> str:
    """A text as Markdown that shows it as it stands."""
    return _MARKS.sub(r"\\\g<0>", text)
