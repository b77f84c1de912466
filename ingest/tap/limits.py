"""Bounds of the relay, what it counts, and how it treats the ends of a connection."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Literal

import msgspec

from ingest.tap.routes import NO_ROUTES, RoutingTable
from ingest.tap.upstream import Endpoint
from ingest.tap.wire import Networks

__all__ = ["Manner", "RelayCounters", "RelayLimits"]


class RelayCounters(msgspec.Struct):
    """What the relay did, since its start."""

    connections: int = 0
    open: int = 0
    refused_at_ceiling: int = 0
    """Times that accepting paused because a ceiling was reached."""
    refused_per_source: int = 0
    """Connections closed because their source had too many."""
    refused_proxy: int = 0
    """Connections of a trusted source that did not begin with a PROXY header."""
    handshakes_expired: int = 0
    """TLS handshakes or PROXY headers that never came to their end."""
    tls_faults: int = 0
    """TLS handshakes with charging stations that failed, and TLS that broke."""
    upstream_tls_faults: int = 0
    heads_unread: int = 0
    """Requests that could not be routed or added to: too long, too slow, no HTTP. They went to the upstream as is."""
    routed: int = 0
    upstream_refused: int = 0
    bytes_from_charger: int = 0
    bytes_from_csms: int = 0
    copy_errors: int = 0
    """Faults of the shadow that were kept away from the forwarding. Zero, or a bug."""


class RelayLimits(msgspec.Struct, frozen=True):
    """Bounds that keep one relay within its machine. None of them ends a connection that the primary has answered."""

    connections: int = 9_000
    """Each costs two open files."""
    per_source: int = 0
    """Connections of one address; 0: no bound. Many stations may share the address of a site or a mobile network."""
    unanswered_per_source: int = 1_000
    """Of them, those to which the primary has not said anything yet."""
    memory_bytes: int = 2 << 30
    """Of the relay's process; beyond it nothing more is accepted until it is less. 0: no bound."""
    early_bytes: int = 64 * 1024
    """What a charging station may send before the upstream is connected; then its socket is not read any further."""
    handshake_seconds: float = 60.0
    """For a TLS handshake or a PROXY header, which are the tap's own affair; and for a head that has to be read before
    it can be forwarded: then it is forwarded as it is. HTTP itself has no deadline, the primary decides that."""
    connect_seconds: float = 60.0
    """For all addresses of a backend together."""
    lingering_seconds: int = 300
    """How long what one side sent before it left may wait for the other side to read it."""
    keepalive_idle: int = 600
    """Seconds of silence before the kernel asks whether the peer still lives. Without it the tap would hide a dead
    charging station from an upstream that relies on TCP keep-alive."""


def _no_tls() -> ssl.SSLContext | None:
    return None


class Manner(msgspec.Struct, frozen=True):
    """How connections are taken from charging stations and made to backends."""

    tls: Callable[[], ssl.SSLContext | None] = _no_tls
    """The context that the next charging station is met with; None speaks no TLS."""
    upstream_tls: ssl.SSLContext | None = None
    """For backends that are `wss://`."""
    upstream_name: str = ""
    """Name that their certificates have to carry; empty: the host of the address."""
    trusted: Networks = msgspec.field(default_factory=Networks)
    """Load balancers and terminators."""
    proxy_in: bool = False
    """Trusted sources begin with a PROXY header."""
    proxy_out: Literal["", "v1", "v2"] = ""
    """The PROXY header that the backend gets."""
    forwarded_for: bool = False
    """The request gets an X-Forwarded-For line."""
    headers_in: bool = False
    """What headers of trusted sources say of the charging station is believed."""
    routes: Callable[[], RoutingTable] = lambda: NO_ROUTES

    def reads_head(self) -> bool:
        """The request has to be read before it can be forwarded."""
        return self.forwarded_for or len(self.routes()) > 0

    def upstream_of(self, endpoint: Endpoint) -> str:
        """The name that the backend's certificate has to carry."""
        return self.upstream_name or endpoint.host
