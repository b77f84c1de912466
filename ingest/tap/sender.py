"""The relay's end of the channel: a bounded queue that never waits.

Nothing here can hold up the relay: a full queue refuses, a dead parser is noticed, and that is all.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from ingest.frame import Micros
from ingest.tap.channel import ACK, OVERHEAD, Op, block

__all__ = ["Sender"]

_BUFFER: Final = 256 * 1024
"""Bytes handed to the kernel at a time: copying them takes well below a tenth of a millisecond."""
_GATHER: Final = 0.002
"""Seconds that records wait for company."""
_RESERVE: Final = 1024 * 1024
"""Room kept for records that say what became of a connection."""


class Sender:
    """A queue of records in front of a socket."""

    def __init__(
        self,
        limit: int,
        *,
        on_lost: Callable[[], None],
        on_room: Callable[[], None],
        on_ack: Callable[[int, int], None],
    ) -> None:
        self.records = 0
        """Records accepted since the parser was attached."""
        self._bytes = 0
        self._limit = limit
        self._on_lost = on_lost
        self._on_room = on_room
        self._on_ack = on_ack
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._loose: list[bytes] = []
        """What is not in a buffer yet."""
        self._loose_bytes = 0
        self._buffers: deque[bytes | memoryview] = deque()
        """Much goes into one: one system call."""
        self._armed = False
        self._blocked = False
        self._refused = False
        self._acks = bytearray()

    @property
    def queued(self) -> int:
        """Bytes that wait."""
        return self._bytes

    @property
    def attached(self) -> bool:
        """A parser is there."""
        return self._socket is not None

    def attach(self, sock: socket.socket) -> None:
        """Start anew with the socket of a new parser."""
        self.detach()
        sock.settimeout(0)
        self._socket = sock
        self.records = 0
        self._loop.add_reader(sock, self._on_readable)

    def detach(self) -> None:
        """Let go of the parser; what waited for it is gone."""
        sock, self._socket = self._socket, None
        self._buffers.clear()
        self._loose.clear()
        self._loose_bytes = 0
        self._acks.clear()
        self._bytes = 0
        self._refused = False
        if sock is not None:
            self._loop.remove_reader(sock)
            if self._blocked:
                self._loop.remove_writer(sock)
            sock.close()
        self._blocked = False

    def put(self, op: Op, number: int, at: Micros, payload: bytes = b"", *, urgent: bool = False) -> bool:
        """Queue a record, or refuse it: False where there is no room, or no parser. Never waits."""
        return self._queue([(op, number, at, payload)], self._limit + (_RESERVE if urgent else 0)) > 0

    def put_all(self, records: list[tuple[Op, int, Micros, bytes]]) -> int:
        """Queue records in their order, up to the first one that there is no room for; gives how many were queued."""
        return self._queue(records, self._limit)

    def _queue(self, records: list[tuple[Op, int, Micros, bytes]], limit: int) -> int:
        if self._socket is None:
            self._refused = True
            return 0
        text = block(records)
        if self._bytes + len(text) > limit:
            self._refused = True
            records = _fitting(records, limit - self._bytes)
            text = block(records)
        queued = len(records)
        if queued:
            self._loose.append(text)
            self._loose_bytes += len(text)
            self._bytes += len(text)
            self.records += queued
            if self._loose_bytes >= _BUFFER:
                self._seal()
            if not self._armed and not self._blocked:
                self._armed = True
                self._loop.call_later(_GATHER, self._flush)
        return queued

    async def drain(self, seconds: float) -> bool:
        """Wait until the queue is empty; False where it is not in time."""
        for _ in range(int(seconds / 0.01) + 1):
            if not self._bytes or self._socket is None:
                return self._socket is not None
            await asyncio.sleep(0.01)
        return False

    def _seal(self) -> None:
        self._buffers.append(b"".join(self._loose))
        self._loose.clear()
        self._loose_bytes = 0

    def _flush(self) -> None:
        self._armed = False
        sock = self._socket
        if sock is None or not self._bytes:
            return
        if not self._buffers:
            self._seal()
        try:
            self._sent(sock.send(self._buffers[0]))
        except (BlockingIOError, InterruptedError):
            if not self._blocked:
                self._blocked = True
                self._loop.add_writer(sock, self._flush)
            return
        except OSError:
            self._lost()
            return
        if self._blocked and not self._bytes:
            self._blocked = False
            self._loop.remove_writer(sock)
        elif self._bytes and not self._blocked:
            self._armed = True
            self._loop.call_soon(self._flush)
        if self._refused and self.queued < self._limit // 2:
            self._refused = False
            self._on_room()

    def _sent(self, count: int) -> None:
        self._bytes -= count
        buffer = self._buffers[0]
        if count < len(buffer):
            self._buffers[0] = memoryview(buffer)[count:]
        else:
            self._buffers.popleft()

    def _on_readable(self) -> None:
        sock = self._socket
        if sock is None:
            return
        try:
            data = sock.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        self._acks += data
        whole = len(self._acks) // ACK.size * ACK.size
        if whole:
            records, at = ACK.unpack_from(self._acks, whole - ACK.size)
            del self._acks[:whole]
            self._on_ack(records, at)

    def _lost(self) -> None:
        self.detach()
        self._on_lost()


def _fitting(records: list[tuple[Op, int, Micros, bytes]], room: int) -> list[tuple[Op, int, Micros, bytes]]:
    """Those from the first on that there is room for."""
    for count, record in enumerate(records):
        room -= OVERHEAD + len(record[-1])
        if room < 0:
            return records[:count]
    return records
