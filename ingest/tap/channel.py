"""The records that walk from the relay to the parser process, and the acknowledgements that walk back.

Records travel in blocks: a length, and a MessagePack array of records. What is written and read for each chunk that a
charging station sends is so written and read by a library in C, many at a time. Records of one channel keep their
order, so `received_at`, which the relay stamps, never runs backwards for the parser. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from struct import Struct
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = ["ACK", "CUT", "MAX_BLOCK", "OVERHEAD", "TOTALS", "ChannelError", "Op", "Record", "RecordReader", "block"]

_LENGTH: Final = 4
OVERHEAD: Final = 40
"""Bytes that a record takes beside its payload, at most, with its share of a block's length."""
ACK: Final = Struct("<QQ")
"""Records whose frames are safe on the disk, counted from the start of this parser; `received_at` of the last one."""
CUT: Final = Struct("<QQ")
"""Bytes missing at least, and since when; the reason follows as UTF-8."""
TOTALS: Final = Struct("<QQ")
"""Bytes forwarded and bytes handed over of one connection."""

MAX_BLOCK: Final = 64 * 1024 * 1024
"""A longer block cannot be: the channel is out of step."""


class Op(IntEnum):
    """What a record says."""

    OPENED = 1
    """A charging station connected; payload: its address."""
    FROM_CHARGER = 2
    FROM_CSMS = 3
    CLOSED = 4
    """Both sockets are gone; payload: TOTALS."""
    CUT = 5
    """The copy was cut; payload: CUT and the reason. No more bytes of this connection come."""
    TOTALS = 6
    """How far a cut connection has come; payload: TOTALS."""
    HEAD_FROM_CHARGER = 7
    """The beginning of what the charging station sent, told again because the copy was cut."""
    HEAD_FROM_CSMS = 8
    COUNTERS = 9
    """The relay's counters, as JSON."""
    TICK = 10
    SYNCED = 11
    """After a restart of the parser: every connection that lives, or ended unseen, has been told."""
    STOP = 12
    """The tap ends in good order."""
    WIRE = 13
    """What is known of the socket, as JSON."""


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One record as the parser reads it."""

    op: Op
    number: int
    """The connection, counted by the relay from 1; 0 where the record is about none."""
    at: Micros
    payload: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[Record]).decode


class ChannelError(Exception):
    """The channel is out of step: the parser must be started anew."""


def block(records: Sequence[tuple[Op, int, Micros, bytes]]) -> bytes:
    """Records as they walk; each is what `Record` has, in its order."""
    text = _encode(records)
    return len(text).to_bytes(_LENGTH, "little") + text


class RecordReader:
    """Cuts the byte stream back into records."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Record]:
        """Take the next bytes, cut anywhere.

        Raises:
            ChannelError: what stands there are no records.
        """
        if self._rest:
            data = self._rest + data
        records: list[Record] = []
        view, start, length = memoryview(data), 0, len(data)
        while length - start >= _LENGTH:
            size = int.from_bytes(view[start : start + _LENGTH], "little")
            if size > MAX_BLOCK:
                raise ChannelError(f"a block of {size} bytes")
            begin = start + _LENGTH
            end = begin + size
            if end > length:
                break
            try:
                records += _decode(view[begin:end])
            except msgspec.MsgspecError as error:
                raise ChannelError(f"a block of {size} bytes that holds no records: {error}") from None
            start = end
        self._rest = data[start:]
        return records
