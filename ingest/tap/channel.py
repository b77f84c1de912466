"""The records that walk from the relay to the parser process, and the acknowledgements that walk back.

A record is a header and a payload. Records of one channel keep their order, so `received_at`, which the relay stamps,
never runs backwards for the parser. Pure.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = ["ACK", "CUT", "HEAD", "MAX_PAYLOAD", "TOTALS", "ChannelError", "Op", "Record", "RecordReader", "header"]

_HEADER: Final = Struct("<IBQQ")
HEAD: Final = _HEADER.size
"""Bytes of a record before its payload."""
header: Final = _HEADER.pack
"""The header of a record: bytes of its payload, op, number and time of `Record`."""
_unpack: Final = _HEADER.unpack_from
ACK: Final = Struct("<QQ")
"""Records whose frames are safe on the disk, counted from the start of this parser; `received_at` of the last one."""
CUT: Final = Struct("<QQ")
"""Bytes missing at least, and since when; the reason follows as UTF-8."""
TOTALS: Final = Struct("<QQ")
"""Bytes forwarded and bytes handed over of one connection."""

MAX_PAYLOAD: Final = 64 * 1024 * 1024
"""A longer payload cannot be: the channel is out of step."""


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


_OPS: Final = {op.value: op for op in Op}
"""By number: asking the enumeration itself costs more than reading the rest of a record."""


class Record(msgspec.Struct, frozen=True):
    """One record as the parser reads it."""

    op: Op
    number: int
    """The connection, counted by the relay from 1; 0 where the record is about none."""
    at: Micros
    payload: bytes


class ChannelError(Exception):
    """The channel is out of step: the parser must be started anew."""


class RecordReader:
    """Cuts the byte stream back into records."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Record]:
        """Take the next bytes, cut anywhere.

        Raises:
            ChannelError: what stands there is no record.
        """
        if self._rest:
            data = self._rest + data
        records: list[Record] = []
        start, length = 0, len(data)
        while length - start >= HEAD:
            size, kind, number, at = _unpack(data, start)
            op = _OPS.get(kind)
            if size > MAX_PAYLOAD or op is None:
                raise ChannelError(f"a record of kind {kind} with {size} bytes")
            begin = start + HEAD
            end = begin + size
            if end > length:
                break
            records.append(Record(op, number, at, data[begin:end]))
            start = end
        self._rest = data[start:]
        return records
