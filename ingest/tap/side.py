"""One socket of a connection: bytes in, the same bytes out on the other one; ends and back-pressure pass through."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from ingest.frame import Direction
from ingest.tap.tls import TlsError, TlsSession

if TYPE_CHECKING:
    from ingest.tap.pair import Pair

__all__ = ["Side"]


class Side(asyncio.Protocol):
    """The charging station's socket, or the backend's."""

    __slots__ = ("_from_charger", "_paused", "direction", "ended", "gone", "other", "pair", "sink", "tls", "transport")

    def __init__(self, pair: Pair, direction: Direction) -> None:
        self.pair = pair
        self.direction = direction
        self.other: Side = self
        self.transport: asyncio.Transport | None = None
        self.tls: TlsSession | None = None
        self.sink: Callable[[bytes], None] | None = None
        """Writes to the other side; None while the way is not open."""
        self.ended = False
        """This side sends no more."""
        self.gone = False
        self._paused = False
        self._from_charger = direction is Direction.CP_TO_CS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self.transport = cast(asyncio.Transport, transport)
        _tune(self.transport, self.pair.relay.limits.keepalive_idle)
        if not self._from_charger:
            # Here and not after the dialing task has woken up: later bytes must not overtake the early ones.
            self.pair.connected()
        else:
            name = self.transport.get_extra_info("sockname")
            self.pair.accepted((name[0], name[1]) if isinstance(name, tuple) else None)

    def data_received(self, data: bytes) -> None:
        """Forward first, then hand over the copy."""
        if self.tls is not None:
            self._ciphertext(self.tls, data)
            return
        sink = self.sink
        if sink is None:
            self.pair.came_early(data)
            return
        sink(data)
        # As `copied` has it: a call less for every chunk.
        pair = self.pair
        if self._from_charger:
            pair.relay.counters.bytes_from_charger += len(data)
        else:
            pair.relay.counters.bytes_from_csms += len(data)
        if pair.copy is not None:
            try:
                pair.copy.data(self.direction, data)
            except Exception:  # noqa: BLE001 - law 1: whatever breaks in the shadow, the forwarding goes on
                pair.relay.counters.copy_errors += 1

    def copied(self, data: bytes) -> None:
        """Hand over the copy of what was forwarded."""
        relay = self.pair.relay
        if self._from_charger:
            relay.counters.bytes_from_charger += len(data)
        else:
            relay.counters.bytes_from_csms += len(data)
        copy = self.pair.copy
        if copy is not None:
            try:
                copy.data(self.direction, data)
            except Exception:  # noqa: BLE001 - law 1: whatever breaks in the shadow, the forwarding goes on
                relay.counters.copy_errors += 1

    def writer(self) -> Callable[[bytes], None]:
        """What writes plaintext to this socket."""
        assert self.transport is not None
        return self.transport.write if self.tls is None else self._encrypted

    def eof_received(self) -> bool:
        """The end of this side's bytes, which passes on; the other may go on sending."""
        self._heard_end()
        return True

    def end(self) -> None:
        """Say on this socket that no more comes."""
        transport = self.transport
        if transport is None or self.gone:
            return
        with suppress(OSError, RuntimeError):
            if self.tls is not None and (last := self.tls.end()):
                transport.write(last)
            transport.write_eof()

    def pause(self) -> None:
        """Read no further."""
        if not self._paused and self.transport is not None and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused and self.transport is not None and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """This socket takes no more: stop reading from the other side."""
        self.other.pause()

    def resume_writing(self) -> None:
        """This socket takes bytes again."""
        self.other.resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface of asyncio
        """This socket is gone."""
        if not self.gone:
            self.gone = True
            self.pair.lost(self)

    def close(self) -> None:
        """Send what is buffered, then close."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self.tls is not None and (last := self.tls.end()):
            transport.write(last)
        transport.close()

    def _heard_end(self) -> None:
        if self.ended:
            return
        self.ended = True
        other = self.other
        if other.ended:
            # Both have said all: closing sends what is still buffered first.
            self.pair.close()
        elif other.transport is None or (self.sink is None and other is self.pair.upstream):
            self.pair.ended_early()
        else:
            other.end()

    def _ciphertext(self, tls: TlsSession, data: bytes) -> None:
        transport = self.transport
        before = tls.established
        try:
            plain = tls.receive(data)
        except TlsError:
            self.pair.fault(self)
            return
        if transport is not None and (answer := tls.pending()):
            transport.write(answer)
        if tls.established and not before:
            self.pair.established(self)
        if plain:
            if self.sink is None:
                self.pair.came_early(plain)
            else:
                self.sink(plain)
                self.copied(plain)
        if tls.ended:
            self._heard_end()

    def _encrypted(self, data: bytes) -> None:
        transport, tls = self.transport, self.tls
        if transport is None or tls is None:
            return
        try:
            sealed = tls.send(data)
        except TlsError:
            self.pair.fault(self)
            return
        if sealed:
            transport.write(sealed)


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
