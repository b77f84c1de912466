"""Exports as text: exact, in UTC, bounded pieces, and nothing that a spreadsheet would carry out."""

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from diff.exports.columns import DATASETS, Column, Kind
from diff.exports.selection import Selection, misplaced
from diff.exports.text import as_csv, as_json, unformulated

COLUMNS = tuple(Column(kind.name, kind, "") for kind in Kind)
ROW = ("=1+1", ("a", '"b'), 7, Decimal("1E+3"), 1_780_300_800_123_456, True)
NOTHING = (None,) * len(COLUMNS)


def test_csv_is_exact_and_guarded() -> None:
    """A decimal with its digits, a time in UTC, a list as JSON, an apostrophe before a formula, empty for nothing."""
    text = "".join(as_csv(COLUMNS, [ROW, NOTHING]))
    header, first, second = csv.reader(io.StringIO(text))
    assert header == [kind.name for kind in Kind]
    assert first == ["'=1+1", '["a","\\"b"]', "7", "1000", "2026-06-01T08:00:00.123456Z", "true"]
    assert second == [""] * len(COLUMNS)
    assert text.endswith("\r\n")


def test_json_is_one_array_with_decimals_as_strings() -> None:
    """No float anywhere; null for nothing; an empty table is an empty array."""
    first, second = json.loads("".join(as_json(COLUMNS, [ROW, NOTHING])))
    assert first["DECIMAL"] == "1000"
    assert first["TIME"] == "2026-06-01T08:00:00.123456Z"
    assert (first["TEXT"], first["TEXTS"], first["FLAG"]) == ("=1+1", ["a", '"b'], True)
    assert set(second.values()) == {None}
    assert json.loads("".join(as_json(COLUMNS, []))) == []


def test_a_long_table_comes_in_pieces() -> None:
    """Rows are taken as the pieces are asked for, not all before the first one."""
    taken: list[int] = []

    def rows() -> Iterator[tuple[int]]:
        for number in range(5000):
            taken.append(number)
            yield (number,)

    pieces = as_csv((Column("n", Kind.WHOLE, ""),), rows())
    next(pieces)
    assert len(taken) == 1000
    assert "".join(pieces).endswith("4999\r\n")


@given(st.text())
def test_no_text_begins_like_a_formula(text: str) -> None:
    """Whatever a charging station calls itself; numbers with a sign stay as they are."""
    guarded = unformulated(text)
    assert guarded.endswith(text)
    assert guarded[:1] not in ("=", "@", "\t", "\r")
    assert unformulated("-12.5 Wh") == "-12.5 Wh"
    assert unformulated("-1+cmd") == "'-1+cmd"


def test_every_filter_is_a_field_and_misplaced_ones_are_named() -> None:
    """What narrows a table is known of each, and what does not is refused rather than passed over."""
    fields = set(Selection.__struct_fields__)
    assert all(set(one.filters) <= fields for one in DATASETS.values())
    assert misplaced(DATASETS["sessions"], Selection(codes=("a",), charger="CP*")) == ["codes"]
    assert misplaced(DATASETS["discrepancies"], Selection(codes=("a",), since=1, faults=True)) == []
