"""The frame: one thing that happened on one charging station's connection, as the tap saw it.

Every room downstream is fed with frames and nothing else. Time enters the product only through
`Frame.received_at`; order within a connection is `seq`; across connections of one charger it is
`order_key`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

__all__ = ["UNKNOWN_TIME", "Direction", "Frame", "FrameKind", "Gap", "Handshake", "Micros"]

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z. Integers, so that no duration is ever rounded."""

UNKNOWN_TIME: Final[Micros] = 0
"""`received_at` of a frame whose log gave no time at all. Nothing that compares clocks judges it."""


class Direction(StrEnum):
    """Who sent the text: the charging station (`cp`) or the CSMS (`cs`)."""

    CP_TO_CS = "cp>cs"
    CS_TO_CP = "cs>cp"

    @property
    def opposite(self) -> Direction:
        """The direction in which the answer travels."""
        return Direction.CS_TO_CP if self is Direction.CP_TO_CS else Direction.CP_TO_CS


class FrameKind(StrEnum):
    """What happened."""

    MESSAGE = "message"
    OPENED = "opened"
    CLOSED = "closed"
    GAP = "gap"
    PING = "ping"
    PONG = "pong"
    TICK = "tick"
    RECORD = "record"


class Handshake(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts of the WebSocket upgrade. Never a secret: of basic auth only the presence is kept."""

    path: str = ""
    """The raw request target, percent escapes kept, credentials and query values removed."""
    subprotocol: str | None = None
    """What the CSMS chose (`ocpp1.6`), or None where it chose none; `SOAP` where XML is posted instead (OCPP-S)."""
    offered: tuple[str, ...] = ()
    """What the charging station offered, in its order."""
    status: int | None = None
    """The HTTP status of the CSMS's answer; 101 where the upgrade succeeded."""
    basic_auth: bool = False
    tls_version: str | None = None
    client_certificate_subject: str | None = None
    compression: bool = False
    """permessage-deflate (RFC 7692) was agreed."""
    peer: str | None = None
    """Address of the charging station as the tap saw it, or as a trusted proxy before it said."""
    tls_cipher: str | None = None
    tls_resumed: bool = False
    """The TLS session was resumed."""
    tls_handshake_us: int | None = None
    """Microseconds from the accepted socket to the end of the TLS handshake."""
    client_certificate_serial: str | None = None
    """Hexadecimal."""
    client_certificate_fingerprint: str | None = None
    """SHA-256 of the certificate, hexadecimal."""
    key_version: str = ""
    """The key that the tokens of this connection are pseudonyms under, for as long as it lives; empty: not known."""


class Gap(msgspec.Struct, frozen=True, omit_defaults=True):
    """The copy was cut here: what is missing, and since when."""

    bytes_missing: int
    """At least so many bytes were forwarded and not mirrored."""
    since: Micros
    reason: str
    """`buffer-full`, `parser-restarted`, `joined-late`, `unparsable`, `journal-full` …"""
    until_reconnect: bool = True
    """The connection cannot be parsed again until it reconnects."""


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened on one connection.

    `text` is the text as received less redactions (law 8 of the design): spans are replaced, the rest is
    never re-serialised.
    """

    charger_id: str
    connection_id: str
    seq: int
    """Per connection over both directions, from 0, no holes."""
    received_at: Micros
    kind: FrameKind = FrameKind.MESSAGE
    direction: Direction | None = None
    text: str = ""
    handshake: Handshake | None = None
    gap: Gap | None = None
    close_code: int | None = None
    """The WebSocket close code (RFC 6455 §7.4) of a `closed` frame, None where the socket just ended."""
    judged_connectors: tuple[int, ...] | None = None
    """Connectors enrolled for judgement; None means all of the charger's. The rest is lived, not judged."""
    zoneless: bool = False
    """`received_at` comes from a log whose times carry no zone: right but for a whole number of quarter hours."""

    @property
    def frame_id(self) -> str:
        """`connection_id/seq`: the name under which evidence is kept."""
        return f"{self.connection_id}/{self.seq}"

    @property
    def order_key(self) -> tuple[Micros, str, int]:
        """The canonical order across the connections of one charger."""
        return (self.received_at, self.connection_id, self.seq)
