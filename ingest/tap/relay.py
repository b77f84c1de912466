"""The splice: bytes in, the same bytes out, both ways.

It understands nothing of what it forwards, so nothing can be understood wrongly. It never originates, answers,
holds back or drops a byte (law 1 of the design); the copy is handed over after the chunk was forwarded, to something
that cannot reach a socket. Back-pressure, half-closed connections and the end of each side pass through. What there is
beyond that (TLS, PROXY headers, routes) is asked for by `ingest.tap.limits.Manner`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from ingest.frame import Direction
from ingest.tap.admission import Admission
from ingest.tap.limits import Manner, RelayCounters, RelayLimits
from ingest.tap.pair import Pair
from ingest.tap.upstream import Dialer, Endpoint
from ingest.tap.wire import Wire

__all__ = ["Copier", "Relay", "RelayCounters", "RelayLimits"]

_BACKLOG: Final = 1024
_ACCEPTS: Final = 32
"""Connections accepted at a time: a flood of them does not hold up what is forwarded."""
_BREATHER: Final = 0.5
"""Seconds without accepting when the machine is short of something."""
_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Copier(Protocol):
    """Where the copies of one connection go."""

    def wire(self, wire: Wire) -> None:
        """Take what is known of the socket; before any data."""

    def data(self, direction: Direction, chunk: bytes) -> None:
        """Take the copy of a chunk that was forwarded."""

    def closed(self) -> None:
        """Both sockets are gone."""


class Relay:
    """Listens, connects each charging station with a backend, and forwards."""

    def __init__(
        self,
        upstream: tuple[Endpoint, ...],
        open_copy: Callable[[str], Copier] | None,
        limits: RelayLimits | None = None,
        manner: Manner | None = None,
    ) -> None:
        self.counters = RelayCounters()
        self.limits = limits or RelayLimits()
        self.manner = manner or Manner()
        self.upstream = upstream
        self.open_copy = open_copy
        self.admission = Admission(self.limits, self.manner.trusted)
        self.dialer = Dialer(self.limits.connect_seconds)
        self.pairs: set[Pair] = set()
        self.port = 0
        """The port taken, once bound."""
        self.listeners: list[socket.socket] = []
        self._accepting = False
        self._serving = False
        self._memory_short = False
        self._entering: set[asyncio.Task[None]] = set()

    async def bind(self, host: str, port: int, *, shared: bool = False) -> int:
        """Take the port without accepting yet; give the port taken. A `shared` one may be taken by other workers too.

        Raises:
            OSError: the port is taken, or the address is not one of this machine.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, address in dict.fromkeys((one[0], one[4]) for one in found):
                self._listen(family, (address[0], self.port or port, *address[2:]), shared=shared)
        except OSError:
            self._close_listeners()
            raise
        return self.port

    async def serve(self) -> None:
        """Accept connections."""
        self._serving = True
        self._go_on()

    def leave_door(self) -> None:
        """Accept no more; what lives goes on, and what waits at the door is still let in."""
        self._serving = False
        for sock in self.listeners if self._accepting else ():
            for _ in range(_BACKLOG // _ACCEPTS):
                self._accept(sock)
        self._hold()
        self._close_listeners()

    async def stop(self, seconds: float = 2.0) -> None:
        """Accept no more, close both ends of every connection, and wait until they are gone."""
        self.leave_door()
        for pair in list(self.pairs):
            pair.close()
        for _ in range(int(seconds / 0.01)):
            if not self.pairs:
                return
            await asyncio.sleep(0.01)
        for pair in list(self.pairs):
            pair.abort()
        await asyncio.sleep(0.01)

    def look_after_memory(self) -> None:
        """Accept nothing while this process holds more memory than it may."""
        short = 0 < self.limits.memory_bytes < _resident()
        if short and not self._memory_short:
            self.counters.refused_at_ceiling += 1
        self._memory_short = short
        if short:
            self._hold()
        else:
            self._go_on()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Law 1: whatever breaks in the shadow is counted, and the forwarding goes on."""
        try:
            yield
        except Exception:  # noqa: BLE001 - law 1: it is not known what breaks, and none of it may reach a charger
            self.counters.copy_errors += 1

    def left(self, pair: Pair) -> None:
        """A connection has ended."""
        if pair in self.pairs:
            self.pairs.discard(pair)
            self.counters.open -= 1
            self.admission.leave(pair.source, answered=pair.answered)
            self._go_on()

    def _listen(self, family: int, address: tuple[object, ...], *, shared: bool) -> None:
        sock = socket.socket(family, socket.SOCK_STREAM)
        self.listeners.append(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.settimeout(0)
        self.port = int(sock.getsockname()[1])

    def _close_listeners(self) -> None:
        for sock in self.listeners:
            sock.close()
        self.listeners.clear()

    def _go_on(self) -> None:
        if self._serving and not self._accepting and not self._memory_short and not self.admission.is_full:
            self._accepting = True
            loop = asyncio.get_running_loop()
            for sock in self.listeners:
                loop.add_reader(sock, self._accept, sock)

    def _hold(self) -> None:
        if self._accepting:
            self._accepting = False
            loop = asyncio.get_running_loop()
            for sock in self.listeners:
                loop.remove_reader(sock)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS):
            if self.admission.is_full:
                self.counters.refused_at_ceiling += 1
                self._hold()
                return
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _SHORTAGES:
                    self.counters.refused_at_ceiling += 1
                    self._hold()
                    asyncio.get_running_loop().call_later(_BREATHER, self._go_on)
                    return
                continue  # it had gone before it was accepted
            if self.admission.enter(address[0]):
                self.counters.refused_per_source += 1
                sock.close()
                continue
            self._enter(sock, (address[0], address[1]))

    def _enter(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        sock.settimeout(0)
        pair = Pair(self, peer)
        self.pairs.add(pair)
        self.counters.connections += 1
        self.counters.open += 1
        task = asyncio.get_running_loop().create_task(_take(pair, sock))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)


async def _take(pair: Pair, sock: socket.socket) -> None:
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: pair.charger, sock)
    except OSError:
        sock.close()
        pair.never_accepted()


def _resident() -> int:
    with suppress(OSError, ValueError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    return 0
