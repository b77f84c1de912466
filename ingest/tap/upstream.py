"""Addresses of backends: read, resolved, tried in turn.

A name is resolved again after a few seconds, so that a change of DNS is followed; where DNS fails, what it last said
holds. Addresses are tried in the order of RFC 8305 §4 (families take turns), the next one starts before the one before
it has failed (§5), and one that has failed goes to the end for a while.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import zip_longest
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

__all__ = ["Dialer", "Endpoint", "UpstreamError", "in_turns", "parse_upstream"]

_RESOLVE_SECONDS: Final = 10.0
_FAILED_SECONDS: Final = 30.0
_DELAY: Final = 0.25
"""The Connection Attempt Delay of RFC 8305 §5."""
_MAX_ENDPOINTS: Final = 16
_MAX_ADDRESSES: Final = 32


class UpstreamError(ValueError):
    """No address of a backend; the message says what to write instead."""


class Endpoint(NamedTuple):
    """One address of a backend, as it was written."""

    host: str
    port: int
    tls: bool = False


Family = int
Found = tuple[Family, tuple[Any, ...]]


def parse_upstream(text: str) -> tuple[Endpoint, ...]:
    """Read `ws://HOST[:PORT]` or `wss://HOST[:PORT]`, several separated by commas: they are tried in that order.

    Ports 80 and 443 are the defaults (RFC 6455 §3). A path is not used: the charger's own request passes unchanged.

    Raises:
        UpstreamError: one is another kind of address, or none.
    """
    found = tuple(_endpoint(part.strip()) for part in text.split(","))
    if len(found) > _MAX_ENDPOINTS:
        raise UpstreamError(f"upstream: {len(found)} addresses, at most {_MAX_ENDPOINTS} are tried")
    if len({one.tls for one in found}) > 1:
        raise UpstreamError("upstream: addresses of one backend are all ws:// or all wss://")
    return found


def _endpoint(url: str) -> Endpoint:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UpstreamError(f"upstream {url!r}: {error}; give it as ws://HOST:PORT or wss://HOST:PORT") from None
    if parts.username is not None or parts.password is not None:
        raise UpstreamError("upstream: credentials in the address are not used; chargers send their own")
    if parts.scheme not in ("ws", "wss") or not host:
        raise UpstreamError(f"upstream {url!r} is no WebSocket address; give it as ws://HOST:PORT or wss://HOST:PORT")
    tls = parts.scheme == "wss"
    return Endpoint(host, port or (443 if tls else 80), tls)


def in_turns(found: Iterable[Found]) -> list[Found]:
    """Order addresses so that families take turns, the first one's first (RFC 8305 §4)."""
    by_family: dict[Family, list[Found]] = {}
    for one in dict.fromkeys(found):
        by_family.setdefault(one[0], []).append(one)
    rows = zip_longest(*by_family.values())
    return [one for row in rows for one in row if one is not None][:_MAX_ADDRESSES]


class Dialer:
    """Connects with backends."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: how long all addresses of a backend together may take."""
        self._seconds = seconds
        self._known: dict[Endpoint, tuple[float, list[Found]]] = {}
        self._failed: dict[tuple[Any, ...], float] = {}
        self.resolutions_failed = 0
        self.failovers = 0
        """Connections that another address took than the first one."""

    async def dial(self, endpoints: tuple[Endpoint, ...], protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        """Connect with the first address that answers.

        Raises:
            OSError: none did, in the time there is.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._seconds):
            found: list[Found] = []
            for endpoint in endpoints:
                found += await self._resolve(endpoint)
            now = loop.time()
            found.sort(key=lambda one: self._failed.get(one[1], 0.0) > now)
            if not found:
                raise OSError("the name of the upstream cannot be resolved")
            sock = await self._race(found)
            await loop.create_connection(protocol, sock=sock)

    async def _resolve(self, endpoint: Endpoint) -> list[Found]:
        loop = asyncio.get_running_loop()
        until, known = self._known.get(endpoint, (0.0, []))
        if loop.time() < until:
            return known
        try:
            answer = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        except OSError:
            self.resolutions_failed += 1
            return known
        found = in_turns((family, address) for family, _, _, _, address in answer)
        self._known[endpoint] = (loop.time() + _RESOLVE_SECONDS, found)
        return found

    async def _race(self, found: list[Found]) -> socket.socket:
        """Start one attempt after the other; the first that connects wins, the others are given up."""
        if len(found) == 1:
            return await self._attempt(found[0])
        running: dict[asyncio.Task[socket.socket], Found] = {}
        waiting, last = list(found), OSError("no address")
        try:
            while running or waiting:
                if waiting:
                    one = waiting.pop(0)
                    running[asyncio.create_task(self._attempt(one))] = one
                done, _ = await asyncio.wait(
                    running, timeout=_DELAY if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    one = running.pop(task)
                    error = task.exception()
                    if error is None:
                        self.failovers += one is not found[0]
                        return task.result()
                    if not isinstance(error, OSError):
                        raise error
                    last = error
        finally:
            for task in running:
                task.add_done_callback(_close_late)
                task.cancel()
        raise last

    async def _attempt(self, one: Found) -> socket.socket:
        family, address = one
        loop = asyncio.get_running_loop()
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(0)
            await loop.sock_connect(sock, address)
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError):
                self._failed[address] = loop.time() + _FAILED_SECONDS
            raise
        self._failed.pop(address, None)
        return sock


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """One that connected after another had won."""
    with suppress(asyncio.CancelledError, OSError):
        task.result().close()
