"""One direction of a TCP connection, put in order (RFC 9293 §3.4). Pure.

Sequence numbers are unwrapped to offsets that only grow. What was delivered first stands: a retransmission or an
overlap adds what is new behind it. Nothing is delivered behind a hole. A hole that the other side has acknowledged was
on the wire and is not in the capture; whoever feeds the stream decides when it counts as lost.
"""

from __future__ import annotations

from bisect import insort
from typing import Final

__all__ = ["MAX_WAITING", "Stream"]

MAX_WAITING: Final = 1024 * 1024
"""Bytes that wait behind a hole; more than a window that a charging station ever offers."""
_MAX_PIECES: Final = 4096
_REACH: Final = 1 << 30
"""The largest window there can be (RFC 7323 §2.3): what lies further off belongs to another connection."""
_HALF: Final = 1 << 31
_WHOLE: Final = 1 << 32


class Stream:
    """Feed it segments; it gives the bytes in order."""

    __slots__ = ("_acked", "_base", "_end", "_pieces", "_position", "_seen", "strays", "waiting")

    def __init__(self, seq: int) -> None:
        """`seq`: the sequence number of the first byte."""
        self._base = seq
        self._position = 0
        self._acked = 0
        self._seen = 0
        """The end of the furthest byte that is known of."""
        self._end: int | None = None
        """Where the stream ends, once a FIN said so."""
        self._pieces: list[tuple[int, bytes]] = []
        self.waiting = 0
        """Bytes that wait behind a hole."""
        self.strays = 0
        """Segments that were of no use: far off, or behind the end."""

    @property
    def finished(self) -> bool:
        """All bytes up to the FIN were delivered."""
        return self._end is not None and self._position >= self._end

    @property
    def missing(self) -> int:
        """Bytes known of and not delivered, at least; 0 where there is no hole."""
        return max(self._seen, self._acked, self._position) - self._position

    @property
    def acknowledged_hole(self) -> bool:
        """The receiver has what the capture lacks: no retransmission will come."""
        return self._acked > self._position

    @property
    def overfull(self) -> bool:
        """More waits than is kept."""
        return self.waiting > MAX_WAITING or len(self._pieces) > _MAX_PIECES

    def acknowledge(self, ack: int) -> None:
        """The other side has everything before `ack`."""
        offset = self._offset(ack)
        if self._end is not None:
            offset = min(offset, self._end)  # the FIN counts as one
        if self._acked < offset <= self._position + _REACH:
            self._acked = offset

    def take(self, seq: int, payload: bytes, size: int, *, fin: bool = False) -> bytes:
        """Take a segment whose payload had `size` bytes on the wire; give what can be delivered now."""
        begin = self._offset(seq)
        if not -_REACH <= begin - self._position <= _REACH:
            self.strays += 1
            return b""
        if fin and self._end is None:
            self._end = begin + size
        self._seen = max(self._seen, begin + size)
        if self._end is not None and begin + len(payload) > self._end:
            self.strays += 1
            payload = payload[: max(0, self._end - begin)]
        if not payload or begin + len(payload) <= self._position:
            return b""
        if begin > self._position:
            insort(self._pieces, (begin, payload))
            self.waiting += len(payload)
            return b""
        out = payload[self._position - begin :]
        self._position += len(out)
        return out if not self._pieces else out + self._drain()

    def _drain(self) -> bytes:
        parts = []
        used = 0
        for begin, payload in self._pieces:
            if begin > self._position:
                break
            used += 1
            self.waiting -= len(payload)
            fresh = payload[self._position - begin :]
            self._position += len(fresh)
            parts.append(fresh)
        del self._pieces[:used]
        return b"".join(parts)

    def _offset(self, seq: int) -> int:
        """The offset that a sequence number stands for: of all that it may be, the one next to the position."""
        ahead = (seq - self._base - self._position) % _WHOLE
        return self._position + (ahead - _WHOLE if ahead >= _HALF else ahead)
