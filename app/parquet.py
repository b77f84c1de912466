"""Exported rows as a Parquet file, a group of rows at a time. The only module that knows pyarrow.

Decimals are DECIMAL(38, 6), times TIMESTAMP in UTC with microseconds; nothing goes through a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, Final

from diff.exports.columns import Column, Kind
from diff.exports.text import Row

__all__ = ["write"]

_GROUP: Final = 20_000
_SCALE: Final = Decimal("0.000001")


def write(columns: Sequence[Column], rows: Iterable[Row], file: BinaryIO) -> int:
    """Write all rows and return how many."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {
        Kind.TEXT: pa.string(),
        Kind.TEXTS: pa.list_(pa.string()),
        Kind.WHOLE: pa.int64(),
        Kind.DECIMAL: pa.decimal128(38, 6),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.FLAG: pa.bool_(),
    }
    schema = pa.schema([(column.name, kinds[column.kind]) for column in columns])
    done, left = 0, iter(rows)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(left, _GROUP)):
            values = [
                pa.array([_value(column.kind, row[place]) for row in group], type=kinds[column.kind])
                for place, column in enumerate(columns)
            ]
            writer.write_table(pa.Table.from_arrays(values, schema=schema))
            done += len(group)
    return done


def _value(kind: Kind, value: Any) -> Any:
    match kind:
        case _ if value is None:
            return None
        case Kind.DECIMAL:
            return Decimal(value).quantize(_SCALE)
        case Kind.TEXTS:
            return list(value)
        case Kind.FLAG:
            return bool(value)
        case _:
            return value
