"""What is on the screen, as CSV. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from diff.exports.text import unformulated

__all__ = ["to_csv"]


def to_csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    """The rows with a header, in UTF-8 with the mark that spreadsheets look for.

    A text that a spreadsheet would take for a formula gets an apostrophe before it: vendors, paths and values come
    from charging stations, and nobody vouches for those.
    """
    buffer = io.StringIO()
    if rows:
        writer = csv.DictWriter(buffer, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _safe(value) for name, value in row.items()} for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def _safe(value: object) -> object:
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return unformulated(value) if isinstance(value, str) else value
