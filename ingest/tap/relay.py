"""The splice: bytes in, the same bytes out, both ways.

It understands nothing of what it forwards, so nothing can be understood wrongly. It never originates, answers,
holds back or drops a byte (law 1 of the design); the copy is handed over after the chunk was forwarded, to something
that cannot reach a socket. Back-pressure, half-closed connections and the end of each side pass through.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, cast

import msgspec

from ingest.frame import Direction

__all__ = ["Copier", "Relay", "RelayCounters", "RelayLimits"]


class Copier(Protocol):
    """Where the copies of one connection go."""

    def data(self, direction: Direction, chunk: bytes) -> None:
        """Take the copy of a chunk that was forwarded."""

    def closed(self) -> None:
        """Both sockets are gone."""


class RelayCounters(msgspec.Struct):
    """What the relay did, since its start."""

    connections: int = 0
    open: int = 0
    refused_at_ceiling: int = 0
    upstream_refused: int = 0
    bytes_from_charger: int = 0
    bytes_from_csms: int = 0
    copy_errors: int = 0
    """Faults of the shadow that were kept away from the forwarding. Zero, or a bug."""


class RelayLimits(msgspec.Struct, frozen=True):
    """Bounds that keep one relay within its machine."""

    connections: int = 9_000
    """Each costs two open files."""
    early_bytes: int = 64 * 1024
    """What a charging station may send before the upstream is connected; then its socket is not read any further."""
    lingering_seconds: int = 300
    """How long what one side sent before it left may wait for the other side to read it."""
    keepalive_idle: int = 600
    """Seconds of silence before the kernel asks whether the peer still lives. Without it the tap would hide a dead
    charging station from an upstream that relies on TCP keep-alive."""


class Relay:
    """Listens, connects each charging station with the upstream, and forwards."""

    def __init__(
        self, upstream: tuple[str, int], open_copy: Callable[[str], Copier] | None, limits: RelayLimits | None = None
    ) -> None:
        self.counters = RelayCounters()
        self.limits = limits or RelayLimits()
        self.upstream = upstream
        self.open_copy = open_copy
        self.pairs: set[_Pair] = set()
        self.port = 0
        """The port taken, once bound."""
        self._server: asyncio.Server | None = None

    async def bind(self, host: str, port: int) -> int:
        """Take the port without accepting yet; give the port taken.

        Raises:
            OSError: the port is taken, or the address is not one of this machine.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Side(self), host, port, backlog=1024, start_serving=False)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def serve(self) -> None:
        """Accept connections."""
        if self._server is not None:
            await self._server.start_serving()

    async def stop(self, seconds: float = 2.0) -> None:
        """Accept no more, close both ends of every connection, and wait until they are gone."""
        if self._server is not None:
            self._server.close()
        for pair in list(self.pairs):
            pair.close()
        for _ in range(int(seconds / 0.01)):
            if not self.pairs:
                return
            await asyncio.sleep(0.01)
        for pair in list(self.pairs):
            pair.abort()
        await asyncio.sleep(0.01)


class _Pair:
    """The two sides of one connection."""

    __slots__ = ("charger", "connecting", "copy", "relay", "upstream", "waiting")

    def __init__(self, relay: Relay, charger: _Side) -> None:
        self.relay = relay
        self.charger = charger
        self.upstream = _Side(relay, self)
        self.copy: Copier | None = None
        self.waiting: asyncio.TimerHandle | None = None
        relay.pairs.add(self)
        relay.counters.connections += 1
        relay.counters.open += 1
        self.connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        host, port = self.relay.upstream
        try:
            await loop.create_connection(lambda: self.upstream, host, port)
        except OSError:
            self.relay.counters.upstream_refused += 1
            self.charger.close()

    def lost(self, side: _Side) -> None:
        """One socket is gone: let the other send what it still holds, then close it."""
        other = side.other
        if other.gone or other.transport is None:
            self.connecting.cancel()
            self._end()
            return
        other.close()
        if self.waiting is None:
            loop = asyncio.get_running_loop()
            self.waiting = loop.call_later(self.relay.limits.lingering_seconds, self.abort)

    def close(self) -> None:
        """Close both sides in good order."""
        self.charger.close()
        self.upstream.close()

    def abort(self) -> None:
        """Close both sides at once."""
        for side in (self.charger, self.upstream):
            if side.transport is not None:
                side.transport.abort()

    def _end(self) -> None:
        if self.waiting is not None:
            self.waiting.cancel()
        if self in self.relay.pairs:
            self.relay.pairs.discard(self)
            self.relay.counters.open -= 1
            if self.copy is not None:
                self.copy.closed()


class _Side(asyncio.Protocol):
    """One socket of a pair: the charger's (`pair` is made on its connection) or the upstream's."""

    __slots__ = ("direction", "early", "ended", "gone", "other", "pair", "paused", "relay", "transport")

    def __init__(self, relay: Relay, pair: _Pair | None = None) -> None:
        self.relay = relay
        self.pair = pair
        self.transport: asyncio.Transport | None = None
        self.direction: Final = Direction.CP_TO_CS if pair is None else Direction.CS_TO_CP
        self.other: _Side = self if pair is None else pair.charger
        self.early = bytearray()
        self.ended = False
        """This side sends no more."""
        self.gone = False
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket; the charger's asks for an upstream."""
        self.transport = cast(asyncio.Transport, transport)
        _tune(self.transport, self.relay.limits.keepalive_idle)
        if self.pair is not None:
            if self.other.gone:
                self.transport.close()
            else:
                # Here and not after the connecting task has woken up: later bytes must not overtake the early ones.
                self.other.release()
            return
        if len(self.relay.pairs) >= self.relay.limits.connections:
            self.relay.counters.refused_at_ceiling += 1
            self.gone = True
            self.transport.abort()
            return
        self.pair = _Pair(self.relay, self)
        self.other = self.pair.upstream
        if self.relay.open_copy is not None:
            self.pair.copy = self.relay.open_copy(_address(self.transport))

    def data_received(self, data: bytes) -> None:
        """Forward first, then hand over the copy."""
        other, pair = self.other.transport, self.pair
        if pair is None:
            return
        if other is None:
            self.early += data
            if len(self.early) >= self.relay.limits.early_bytes and not self.paused and self.transport is not None:
                self.paused = True
                self.transport.pause_reading()
            return
        other.write(data)
        self._copied(pair, data)

    def _copied(self, pair: _Pair, data: bytes) -> None:
        if self.direction is Direction.CP_TO_CS:
            self.relay.counters.bytes_from_charger += len(data)
        else:
            self.relay.counters.bytes_from_csms += len(data)
        if pair.copy is not None:
            try:
                pair.copy.data(self.direction, data)
            except Exception:  # noqa: BLE001 - law 1: whatever breaks in the shadow, the forwarding goes on
                self.relay.counters.copy_errors += 1

    def release(self) -> None:
        """The upstream is there: send what came before it was."""
        other, pair = self.other.transport, self.pair
        if other is None or pair is None or self.gone:
            return
        if self.early:
            data, self.early = bytes(self.early), bytearray()
            other.write(data)
            self._copied(pair, data)
        if self.ended:
            other.write_eof()
        if self.paused and self.transport is not None and not self.transport.is_closing():
            self.paused = False
            self.transport.resume_reading()

    def eof_received(self) -> bool:
        """Pass the end of this side on; the other may go on sending."""
        self.ended = True
        other = self.other.transport
        if other is None or self.other.gone:
            return True
        if self.other.ended:
            # Both have said all: closing sends what is still buffered first.
            other.close()
            return False
        with suppress(OSError, RuntimeError):
            other.write_eof()
        return True

    def pause_writing(self) -> None:
        """This socket takes no more: stop reading from the other side."""
        other = self.other.transport
        if other is not None and not other.is_closing():
            other.pause_reading()

    def resume_writing(self) -> None:
        """This socket takes bytes again."""
        other = self.other.transport
        if other is not None and not other.is_closing():
            other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface of asyncio
        """This socket is gone."""
        if self.gone:
            return
        self.gone = True
        if self.pair is not None:
            self.pair.lost(self)

    def close(self) -> None:
        """Send what is buffered, then close."""
        if self.transport is not None:
            self.transport.close()


def _tune(transport: asyncio.Transport, idle: int) -> None:
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _address(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return ""
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
