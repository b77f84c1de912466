"""Where a block of ClickHouse's Native format ends.

A Data packet of the native protocol carries no length: the only way to find its end is to walk the block by the
types of its columns. This module walks and copies, it never decodes a value, so the bytes that chDB reads are the
bytes that the client wrote. Layout: ClickHouse `src/Formats/NativeReader.cpp`, without the custom serialisations
that came with revision 54454 (the protocol of this engine stays below it).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol

__all__ = ["MAX_BLOCK_BYTES", "MAX_BLOCK_ROWS", "Buffer", "ProtocolError", "check_type", "skip_block"]

MAX_BLOCK_BYTES: Final = 256 * 1024 * 1024
"""Largest block that is taken. clickhouse-driver cuts an insert at `insert_block_size` rows, so a client stays
below by sending fewer rows at a time."""

MAX_BLOCK_ROWS: Final = 4 * 1024 * 1024
_MAX_COLUMNS: Final = 1024
_MAX_NAME: Final = 64 * 1024
_MAX_TYPE_DEPTH: Final = 16
_CHUNK: Final = 256 * 1024


class ProtocolError(Exception):
    """The other side sent what the protocol, or a limit of this engine, does not allow."""


class Buffer:
    """Bytes as they arrive, kept from `mark()` on, so that a walked block can be taken as it stood."""

    def __init__(self, receive: Callable[[int], bytes], limit: int = MAX_BLOCK_BYTES) -> None:
        self._receive = receive
        self._limit = limit
        self.data = bytearray()
        self.position = 0

    def need(self, size: int) -> None:
        """Have `size` bytes at hand behind the position.

        Raises `EOFError` where the other side has gone and `ProtocolError` beyond the limit.
        """
        end = self.position + size
        if end > self._limit:
            raise ProtocolError(f"more than {self._limit} bytes in one piece: send smaller blocks")
        while len(self.data) < end:
            piece = self._receive(_CHUNK)
            if not piece:
                raise EOFError
            self.data += piece

    def mark(self) -> None:
        """Forget what has been read."""
        del self.data[: self.position]
        self.position = 0

    def since(self, start: int) -> bytes:
        """What was read since `start` (a position noted after the last `mark`)."""
        with memoryview(self.data) as view:
            return bytes(view[start : self.position])

    def read(self, size: int) -> bytes:
        """Read `size` bytes."""
        self.need(size)
        start = self.position
        self.position += size
        return bytes(self.data[start : self.position])

    def skip(self, size: int) -> None:
        """Pass over `size` bytes."""
        self.need(size)
        self.position += size

    def varint(self) -> int:
        """An unsigned LEB128 number of at most 64 bits."""
        value = shift = 0
        while True:
            self.need(1)
            byte = self.data[self.position]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ProtocolError("a variable-length number of more than 64 bits")

    def uint64(self) -> int:
        """Eight bytes, little endian."""
        return int.from_bytes(self.read(8), "little")

    def text(self, limit: int) -> str:
        """A string with its length before it, of at most `limit` bytes."""
        size = self.varint()
        if size > limit:
            raise ProtocolError(f"a text of {size} bytes, at most {limit} are taken here")
        try:
            return self.read(size).decode()
        except UnicodeDecodeError as error:
            raise ProtocolError(f"a text that is not UTF-8: {error}") from None


class _Walker(Protocol):
    """How to pass over one column of a type."""

    def prefix(self, buffer: Buffer) -> None:
        """Pass over what stands once before the values (dictionary versions)."""

    def values(self, buffer: Buffer, rows: int) -> None:
        """Pass over `rows` values."""


class _Fixed:
    def __init__(self, size: int) -> None:
        self.size = size

    def prefix(self, buffer: Buffer) -> None:
        pass

    def values(self, buffer: Buffer, rows: int) -> None:
        buffer.skip(self.size * rows)


class _String(_Fixed):
    def values(self, buffer: Buffer, rows: int) -> None:
        data = buffer.data
        for _ in range(rows):
            position = buffer.position
            # Nearly all strings are shorter than 128 bytes and have arrived: this loop is the cost of an insert.
            if position < len(data) and (size := data[position]) < 0x80 and position + size < len(data):
                buffer.position = position + 1 + size
            else:
                buffer.skip(buffer.varint())


class _Nullable:
    def __init__(self, inner: _Walker) -> None:
        self.inner = inner

    def prefix(self, buffer: Buffer) -> None:
        self.inner.prefix(buffer)

    def values(self, buffer: Buffer, rows: int) -> None:
        buffer.skip(rows)
        self.inner.values(buffer, rows)


class _Array:
    def __init__(self, inner: _Walker) -> None:
        self.inner = inner

    def prefix(self, buffer: Buffer) -> None:
        self.inner.prefix(buffer)

    def values(self, buffer: Buffer, rows: int) -> None:
        if not rows:
            return
        buffer.skip(8 * (rows - 1))
        total = buffer.uint64()  # offsets are cumulative, so the last one counts the elements of all rows
        if total > MAX_BLOCK_BYTES:
            raise ProtocolError(f"an array column of {total} elements")
        self.inner.values(buffer, total)


class _Tuple:
    def __init__(self, parts: tuple[_Walker, ...]) -> None:
        self.parts = parts

    def prefix(self, buffer: Buffer) -> None:
        for part in self.parts:
            part.prefix(buffer)

    def values(self, buffer: Buffer, rows: int) -> None:
        for part in self.parts:
            part.values(buffer, rows)


class _LowCardinality:
    def __init__(self, inner: _Walker) -> None:
        self.inner = inner

    def prefix(self, buffer: Buffer) -> None:
        buffer.skip(8)

    def values(self, buffer: Buffer, rows: int) -> None:
        if not rows:
            return
        width = 1 << (buffer.uint64() & 0x3)
        keys = buffer.uint64()
        if keys > MAX_BLOCK_ROWS:
            raise ProtocolError(f"a dictionary of {keys} keys")
        self.inner.values(buffer, keys)
        buffer.skip(8 + width * rows)


_WIDTHS: Final = {
    **dict.fromkeys(("UInt8", "Int8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("UInt16", "Int16", "Date", "Enum16", "BFloat16"), 2),
    **dict.fromkeys(("UInt32", "Int32", "Float32", "Date32", "DateTime", "IPv4", "Decimal32"), 4),
    **dict.fromkeys(("UInt64", "Int64", "Float64", "DateTime64", "Decimal64"), 8),
    **dict.fromkeys(("UInt128", "Int128", "UUID", "IPv6", "Decimal128"), 16),
    **dict.fromkeys(("UInt256", "Int256", "Decimal256"), 32),
}
_NAMED: Final = re.compile(r"(?:`(?:[^`\\]|\\.)*`|[A-Za-z_][A-Za-z0-9_.]*) +(?=[A-Z])")


def check_type(name: str) -> None:
    """Raise `ProtocolError` where a column of this type cannot be taken in."""
    _walker(name)


def skip_block(buffer: Buffer, header: list[tuple[str, str]] | None = None) -> int:
    """Pass over one block (without its block info) and return how many rows it holds.

    Names and types of its columns are added to `header`.
    """
    columns = buffer.varint()
    rows = buffer.varint()
    if columns > _MAX_COLUMNS or rows > MAX_BLOCK_ROWS:
        raise ProtocolError(
            f"a block of {columns} columns and {rows} rows, at most {_MAX_COLUMNS} and {MAX_BLOCK_ROWS} are taken"
        )
    for _ in range(columns):
        name, kind = buffer.text(_MAX_NAME), buffer.text(_MAX_NAME)
        if header is not None:
            header.append((name, kind))
        walker = _walker(kind)
        if rows:
            walker.prefix(buffer)
            walker.values(buffer, rows)
    return rows


@lru_cache(maxsize=512)
def _walker(name: str, depth: int = 0) -> _Walker:
    if depth > _MAX_TYPE_DEPTH:
        raise ProtocolError(f"a type nested more than {_MAX_TYPE_DEPTH} deep")
    base, _, rest = name.partition("(")
    arguments = _arguments(rest.removesuffix(")")) if rest else []
    if (width := _WIDTHS.get(base)) is not None:
        return _Fixed(width)
    if base.startswith("Interval"):
        return _Fixed(8)
    inner = [_NAMED.sub("", argument, count=1) if base in ("Tuple", "Nested") else argument for argument in arguments]
    match base, inner:
        case "String", []:
            return _String(0)
        case "FixedString", [size] if size.isdigit():
            return _Fixed(int(size))
        case "Decimal", [precision, *_] if precision.isdigit():
            digits = int(precision)
            return _Fixed(4 if digits <= 9 else 8 if digits <= 18 else 16 if digits <= 38 else 32)
        case "Nullable", [one]:
            return _Nullable(_walker(one, depth + 1))
        case "Array", [one]:
            return _Array(_walker(one, depth + 1))
        case "LowCardinality", [one]:
            keys = one.removeprefix("Nullable(").removesuffix(")") if one.startswith("Nullable(") else one
            return _LowCardinality(_walker(keys, depth + 1))
        case "Map", [_, _]:
            return _Array(_Tuple(tuple(_walker(part, depth + 1) for part in inner)))
        case "Tuple", _:
            return _Tuple(tuple(_walker(part, depth + 1) for part in inner))
        case "Nested", _:
            return _Array(_Tuple(tuple(_walker(part, depth + 1) for part in inner)))
        case "SimpleAggregateFunction", [_, one]:
            return _walker(one, depth + 1)
        case _:
            raise ProtocolError(f"columns of type {name} cannot be inserted through this engine: send a String")


def _arguments(text: str) -> list[str]:
    """Split at the commas outside brackets and quotes."""
    parts: list[str] = []
    depth = start = index = 0
    quote = ""
    while index < len(text):
        char = text[index]
        if quote:
            if char == "\\":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "'`":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
        index += 1
    parts.append(text[start:].strip())
    return parts
