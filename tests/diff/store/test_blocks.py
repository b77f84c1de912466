"""Finding the end of a native block without decoding it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diff.store.blocks import Buffer, ProtocolError, check_type, skip_block

ROOT = Path(__file__).resolve().parents[3]

EXPRESSIONS = [
    "number",
    "toInt128(number) * -1",
    "toUInt256(number)",
    "number % 3 = 0",
    "toString(number * 12345678901)",
    "repeat('y', number * 9)",
    "toFixedString('abc', 5)",
    "toLowCardinality(toString(number % 4))",
    "CAST(if(number % 2, NULL, 'k'), 'LowCardinality(Nullable(String))')",
    "if(number % 2, NULL, toDecimal128('1.5', 6))",
    "toDecimal32('1.5', 2)",
    "toDecimal256('1.5', 40)",
    "toDateTime64('2024-01-01 00:00:00.5', 6, 'UTC')",
    "toDate32('2024-01-01')",
    "CAST('a, (b)', 'Enum8(\\'a, (b)\\' = 1, \\'c\\\\\\'d\\' = 2)')",
    "generateUUIDv4()",
    "arrayMap(x -> toString(x), range(number % 5))",
    "CAST(range(number % 3), 'Array(LowCardinality(String))')",
    "arrayMap(x -> range(x), range(number % 4))",
    "CAST(map('k', toString(number)), 'Map(LowCardinality(String), Nullable(String))')",
    "CAST(tuple(number, 'x'), 'Tuple(a UInt8, `b c` String)')",
    "tuple(number, toLowCardinality('z'), [1.5])",
    "toIPv4('10.0.0.1')",
    "toIPv6('::1')",
    "toIntervalDay(number)",
    "NULL",
    "tuple(number, number)::Tuple(Float64, Nullable(Int16))",
]


@pytest.fixture(scope="module")
def native() -> dict[str, str]:
    """What ClickHouse itself writes for each expression, over 40 rows, in hex. Made in a process of its own."""
    script = (
        "import json, sys; from chdb.session import Session; session = Session(':memory:')\n"
        "print(json.dumps({e: session.query(f'SELECT {e} AS v, {e} AS w FROM numbers(40)', 'Native').bytes().hex()"
        " for e in json.load(sys.stdin)}))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, input=json.dumps(EXPRESSIONS), capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def trickle(data: bytes, size: int) -> Buffer:
    """A buffer that the bytes reach in pieces."""
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return Buffer(lambda _: pieces.pop(0) if pieces else b"", limit=1 << 20)


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_end_is_found_in_whatever_pieces_it_arrives(native: dict[str, str], expression: str, size: int) -> None:
    """For every type that ClickHouse writes the walk ends exactly at the end of the block."""
    block = bytes.fromhex(native[expression])
    buffer = trickle(block + b"next", size)
    columns: list[tuple[str, str]] = []
    assert skip_block(buffer, columns) == 40
    assert buffer.since(0) == block
    assert [name for name, _ in columns] == ["v", "w"]
    assert buffer.read(4) == b"next"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_block_that_is_cut_off_is_an_end_of_file(native: dict[str, str], expression: str) -> None:
    """Half a block is never taken for a whole one."""
    block = bytes.fromhex(native[expression])
    with pytest.raises(EOFError):
        skip_block(trickle(block[: len(block) - 1], 64))


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_end_in_rows_or_a_named_error(data: bytes) -> None:
    """Nothing but the two errors comes out of noise, and no memory is taken for what it claims to hold."""
    with contextlib.suppress(EOFError, ProtocolError):
        assert skip_block(trickle(data, 64)) >= 0


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.sampled_from(["String", "UInt8", "LowCardinality(String)", "Decimal(38, 6)", "Nullable(Int64)"]),
        lambda inner: st.one_of(
            inner.map(lambda one: f"Array({one})"),
            st.tuples(inner, inner).map(lambda two: f"Map({two[0]}, {two[1]})"),
            st.lists(inner, min_size=1, max_size=3).map(lambda some: f"Tuple({', '.join(some)})"),
        ),
        max_leaves=6,
    ),
    st.binary(max_size=200),
)
def test_noise_behind_any_type_ends_in_rows_or_a_named_error(kind: str, noise: bytes) -> None:
    """The walkers of nested types meet noise as calmly as those of simple ones."""
    block = bytes([1, 5, 1]) + b"c" + bytes([len(kind)]) + kind.encode() + noise
    with contextlib.suppress(EOFError, ProtocolError):
        assert skip_block(trickle(block, 64)) == 5


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"\xff\xff\xff\xff\x0f\x01", "a block of 4294967295 columns"),
        (b"\x01\xff\xff\xff\xff\x0f", "and 4294967295 rows"),
        (b"\xff" * 11, "more than 64 bits"),
        (b"\x01\x01\xff\xff\x7f", "a text of 2097151 bytes, at most 65536"),
        (b"\x01\x01\x01\xff\x01c", "not UTF-8"),
        (b"\x01\x01\x01c\x06String\xff\xff\xff\xff\x0f", "more than 1048576 bytes in one piece"),
        (b"\x01\x01\x01c\x0dArray(String)" + b"\xff" * 8, "an array column of 18446744073709551615 elements"),
        (b"\x01\x01\x01c\x16LowCardinality(String)" + bytes(8) + bytes(8) + b"\xff" * 8, "a dictionary of"),
    ],
)
def test_every_limit_is_named(block: bytes, reason: str) -> None:
    """A size beyond a limit is refused before memory is taken for it, and the text says which."""
    with pytest.raises(ProtocolError, match=reason):
        skip_block(trickle(block, 1000))


@pytest.mark.parametrize("kind", ["JSON", "Dynamic", "Variant(String, UInt8)", "AggregateFunction(sum, UInt8)", "Huh"])
def test_a_type_that_cannot_be_walked_is_named(kind: str) -> None:
    """Types of another layout are refused by name, with what to send instead."""
    with pytest.raises(ProtocolError) as refusal:
        check_type(kind)
    assert str(refusal.value) == f"columns of type {kind} cannot be inserted through this engine: send a String"


def test_types_nested_without_end_are_refused() -> None:
    """Nesting is bounded, so that a type name cannot exhaust the stack."""
    with pytest.raises(ProtocolError, match="nested more than 16 deep"):
        check_type("Array(" * 40 + "String" + ")" * 40)
