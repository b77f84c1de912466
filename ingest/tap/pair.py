"""One connection: the charging station's socket, the backend's, and what has to happen before bytes just pass.

Until the way is open a connection goes through stages, most of which most taps never see: a PROXY header (from a
trusted load balancer), a TLS handshake, a request that has to be read (to route it, or to add X-Forwarded-For), the
backend's address. From then on a chunk that arrives is written to the other side, and then its copy is handed over.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from ingest.frame import Direction
from ingest.tap import proxy_protocol
from ingest.tap.forwarded import add_forwarded_for
from ingest.tap.handshake import MAX_HEAD
from ingest.tap.proxy_protocol import Address, Proxied, ProxyError
from ingest.tap.routes import asked_of
from ingest.tap.side import Side
from ingest.tap.tls import TlsSession
from ingest.tap.wire import Wire

if TYPE_CHECKING:
    from ingest.tap.relay import Copier, Relay
    from ingest.tap.upstream import Endpoint

__all__ = ["Pair", "Stage"]

_END_OF_HEAD: Final = b"\r\n\r\n"


class Stage(IntEnum):
    """What is awaited."""

    PROXY = 1
    TLS = 2
    HEAD = 3
    BACKEND = 4
    OPEN = 5


class Pair:
    """The two sides of one connection."""

    __slots__ = (
        "_deadline", "_dialing", "_lingering", "_parted", "_peer", "_shown_to", "_wire", "accepted_ns", "answered",
        "charger", "copy", "early", "relay", "source", "stage", "upstream",
    )  # fmt: skip

    def __init__(self, relay: Relay, peer: Address) -> None:
        self.relay = relay
        self.source = peer[0]
        """The address that ceilings count by: of the socket, not what somebody says."""
        self.charger = Side(self, Direction.CP_TO_CS)
        self.upstream = Side(self, Direction.CS_TO_CP)
        self.charger.other, self.upstream.other = self.upstream, self.charger
        self.upstream.sink = self._first_answer
        self.copy: Copier | None = None
        self.early = bytearray()
        """What came before the way was open."""
        self.answered = False
        self.stage = Stage.BACKEND
        self.accepted_ns = time.monotonic_ns()
        self._peer: Address = peer
        self._shown_to: Address | None = None
        """Where the charging station connected to."""
        self._wire = Wire(trusted=relay.manner.headers_in and self.source in relay.manner.trusted)
        self._deadline: asyncio.TimerHandle | None = None
        self._dialing: asyncio.Task[None] | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._parted = False

    def accepted(self, shown_to: Address | None) -> None:
        """The charging station's socket is ready."""
        self._shown_to = shown_to
        manner = self.relay.manner
        if manner.proxy_in and self.source in manner.trusted:
            self.stage = Stage.PROXY
            self._within(self.relay.limits.handshake_seconds)
        else:
            self._identified()

    def came_early(self, data: bytes) -> None:
        """Take what the charging station sent while the way is not open."""
        self.early += data
        match self.stage:
            case Stage.PROXY:
                self._proxy_header()
            case Stage.HEAD:
                self._head()
            case _ if len(self.early) >= self.relay.limits.early_bytes:
                self.charger.pause()

    def established(self, side: Side) -> None:
        """The TLS handshake of one side is done."""
        assert side.tls is not None
        if side is self.upstream:
            self._open()
            return
        took = (time.monotonic_ns() - self.accepted_ns) // 1000
        self._wire = Wire(**side.tls.facts(), tls_handshake_us=took, trusted=self._wire.trusted)  # type: ignore[arg-type]  # by the names of Wire
        self._tell()
        self._secured()

    def connected(self) -> None:
        """The backend's socket is ready; called before any byte of it is read."""
        if self.charger.gone:
            self.upstream.close()
            return
        manner, transport = self.relay.manner, self.upstream.transport
        assert transport is not None
        if manner.proxy_out:
            write = proxy_protocol.write_v1 if manner.proxy_out == "v1" else proxy_protocol.write_v2
            transport.write(write(self._peer, self._shown_to))
        if self.upstream.tls is None:
            self._open()
        else:
            self._within(self.relay.limits.connect_seconds)
            transport.write(self.upstream.tls.begin())

    def ended_early(self) -> None:
        """The charging station sends no more, and the way is not open."""
        if self.stage in (Stage.PROXY, Stage.TLS):
            self.abort()
        elif self.stage is Stage.HEAD:
            self._unread()

    def fault(self, side: Side) -> None:
        """TLS of one side broke: what is pending (an alert) is sent, and both ends close."""
        counters = self.relay.counters
        if side is self.charger:
            counters.tls_faults += 1
        else:
            counters.upstream_tls_faults += 1
        if side.tls is not None and side.transport is not None:
            side.transport.write(side.tls.pending())
        self.close()

    def lost(self, side: Side) -> None:
        """One socket is gone: let the other send what it still holds, then close it."""
        other = side.other
        if other.gone or other.transport is None:
            if self._dialing is not None:
                self._dialing.cancel()
            self._end()
            return
        other.close()
        if self._lingering is None:
            loop = asyncio.get_running_loop()
            self._lingering = loop.call_later(self.relay.limits.lingering_seconds, self.abort)

    def close(self) -> None:
        """Close both sides in good order."""
        self.charger.close()
        self.upstream.close()

    def abort(self) -> None:
        """Close both sides at once."""
        for side in (self.charger, self.upstream):
            if side.transport is not None:
                side.transport.abort()

    def never_accepted(self) -> None:
        """The charging station's socket could not be taken."""
        self.charger.gone = True
        self._end()

    def _proxy_header(self) -> None:
        try:
            header = proxy_protocol.read(self.early)
        except ProxyError:
            self.relay.counters.refused_proxy += 1
            self.abort()
            return
        if header is None:
            return
        rest = bytes(self.early[header.size :])
        self.early.clear()
        self._spoken_for(header)
        self._identified()
        if rest:
            self.charger.data_received(rest)

    def _spoken_for(self, header: Proxied) -> None:
        if header.source is not None:
            self._peer = header.source
            self._shown_to = header.destination
        subject = None if header.common_name is None else f"CN={header.common_name}"
        self._wire = Wire(
            tls_version=header.tls_version,
            tls_cipher=header.tls_cipher,
            certificate_subject=subject,
            trusted=self._wire.trusted,
        )

    def _identified(self) -> None:
        """Whose connection it is, is known: the shadow is told of it."""
        relay = self.relay
        if relay.open_copy is not None:
            host, port = self._peer
            with relay.shielded():
                self.copy = relay.open_copy(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        if self._wire != Wire():
            self._tell()
        context = relay.manner.tls()
        if context is None:
            self._secured()
            return
        self.stage = Stage.TLS
        self.charger.tls = TlsSession(context, server_side=True)
        if self._deadline is None:
            self._within(relay.limits.handshake_seconds)

    def _secured(self) -> None:
        if self.relay.manner.reads_head():
            self.stage = Stage.HEAD
            self._within(self.relay.limits.handshake_seconds)
        else:
            self._dial(self.relay.upstream)

    def _head(self) -> None:
        end = self.early.find(_END_OF_HEAD)
        if end < 0:
            if len(self.early) > MAX_HEAD:
                self._unread()
            return
        asked = asked_of(bytes(self.early[:end]))
        if asked is None:
            self._unread()
            return
        routed = self.relay.manner.routes().upstream(asked)
        self.relay.counters.routed += routed is not None
        self._dial(routed or self.relay.upstream)

    def _unread(self) -> None:
        """Nothing can be said of it, so nothing is said: it goes to the upstream as it is."""
        self.relay.counters.heads_unread += 1
        self._dial(self.relay.upstream)

    def _dial(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.stage = Stage.BACKEND
        self._in_time()
        if len(self.early) >= self.relay.limits.early_bytes:
            self.charger.pause()
        manner = self.relay.manner
        if endpoints[0].tls and manner.upstream_tls is not None:
            name = manner.upstream_of(endpoints[0])
            self.upstream.tls = TlsSession(manner.upstream_tls, server_side=False, server_name=name)
        self._dialing = asyncio.get_running_loop().create_task(self._connect(endpoints))

    async def _connect(self, endpoints: tuple[Endpoint, ...]) -> None:
        try:
            await self.relay.dialer.dial(endpoints, lambda: self.upstream)
        except OSError:
            self.relay.counters.upstream_refused += 1
            self.charger.close()

    def _open(self) -> None:
        """The backend is there: send what came before it was, and let bytes pass from now on."""
        charger, upstream = self.charger, self.upstream
        if charger.gone or upstream.transport is None:
            return
        self._in_time()
        read, self.stage = self.relay.manner.reads_head(), Stage.OPEN
        charger.sink = upstream.writer()
        if self.early:
            data, self.early = bytes(self.early), bytearray()
            charger.sink(self._added(data) if read and self.relay.manner.forwarded_for else data)
            charger.copied(data)
        if charger.ended:
            upstream.end()
        charger.resume()

    def _added(self, data: bytes) -> bytes:
        end = data.find(_END_OF_HEAD)
        if not 0 <= end <= MAX_HEAD or asked_of(data[:end]) is None:
            return data
        head, rest = data[: end + 4], data[end + 4 :]
        return add_forwarded_for(head, self._peer[0]) + rest

    def _first_answer(self, data: bytes) -> None:
        self.answered = True
        self.relay.admission.answered(self.source)
        self.upstream.sink = self.charger.writer()
        self.upstream.sink(data)

    def _tell(self) -> None:
        if self.copy is not None:
            with self.relay.shielded():
                self.copy.wire(self._wire)

    def _within(self, seconds: float) -> None:
        self._in_time()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._expired)

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expired(self) -> None:
        if self.stage is Stage.HEAD:
            self._unread()
        elif self.stage is not Stage.OPEN:
            if self.stage is Stage.BACKEND:
                self.relay.counters.upstream_refused += 1
            else:
                self.relay.counters.handshakes_expired += 1
            self.abort()

    def _end(self) -> None:
        self._in_time()
        if self._lingering is not None:
            self._lingering.cancel()
        self.relay.left(self)
        if self.copy is not None:
            copy, self.copy = self.copy, None
            with suppress(Exception), self.relay.shielded():
                copy.closed()
        if self._dialing is None or self._dialing.done():
            self._part()
        else:
            self._dialing.add_done_callback(self._part)

    def _part(self, *_: object) -> None:
        """Let go of both sides, once nothing can call them any more.

        What refers to itself would wait for the garbage collector, and while that looks through thousands of
        connections nothing is forwarded.
        """
        if self._parted:
            return
        charger, upstream = self.charger, self.upstream
        if charger.gone and (upstream.gone or upstream.transport is None):
            self._parted = True
            del charger.other, upstream.other, self.charger, self.upstream
