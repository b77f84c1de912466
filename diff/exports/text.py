"""Exported rows as CSV and as JSON, piece by piece, so that no table has to fit into memory. Pure.

Both are exact: decimals are written with their digits (in JSON as strings, because a JSON number becomes a float in
most readers), times as ISO 8601 in UTC.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from diff.exports.columns import Column, Kind
from ingest.timestamps import format_micros

__all__ = ["Row", "as_csv", "as_json", "unformulated"]

Row = Sequence[Any]
"""Values in the order of the columns; times as microseconds since 1970."""

_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?!\d+(?:\.\d+)?(?: \S*)?\Z)")
_ROWS: Final = 1000
"""Rows that are put together into one piece."""


def unformulated(text: str) -> str:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it; a signed number is none.

    Vendors, paths and values come from charging stations, and nobody vouches for those.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def as_csv(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """RFC 4180 with a header. What is not known is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([column.name for column in columns])
    for number, row in enumerate(rows, start=1):
        writer.writerow([_cell(column.kind, value) for column, value in zip(columns, row, strict=True)])
        if number % _ROWS == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def as_json(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """One array with an object a row, each on a line of its own. What is not known is null."""
    names = [column.name for column in columns]
    kinds = [column.kind for column in columns]
    before = "[\n"
    for row in rows:
        values = map(_value, kinds, row)
        yield before + msgspec.json.encode(dict(zip(names, values, strict=True))).decode()
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _cell(kind: Kind, value: Any) -> str:
    match kind:
        case _ if value is None:
            return ""
        case Kind.TEXT:
            return unformulated(value)
        case Kind.TEXTS:
            return msgspec.json.encode(list(value)).decode()
        case Kind.FLAG:
            return "true" if value else "false"
        case _:
            return str(_value(kind, value))


def _value(kind: Kind, value: Any) -> Any:
    match kind:
        case _ if value is None:
            return None
        case Kind.TIME:
            return format_micros(value)
        case Kind.DECIMAL:
            return f"{Decimal(value):f}"
        case Kind.TEXTS:
            return list(value)
        case Kind.FLAG:
            return bool(value)
        case _:
            return value
