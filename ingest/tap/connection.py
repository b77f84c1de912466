"""What the parser process knows of one connection."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from ingest.frame import Direction, Handshake, Micros
from ingest.tap.debt import Debt
from ingest.tap.deflate import Inflater
from ingest.tap.forwarded import Forwarded, told
from ingest.tap.handshake import HeadReader, Request, Response, facts
from ingest.tap.websocket import FrameReader
from ingest.tap.wire import NOTHING_KNOWN, Wire

__all__ = ["Connection", "ConnectionStatus", "Recovered", "State"]


class State(StrEnum):
    """How far the mirror follows a connection."""

    HANDSHAKE = "handshake"
    """The upgrade is not complete."""
    REFUSED = "refused"
    """The CSMS answered something else than 101."""
    SOAP = "soap"
    """OCPP over SOAP: it is named once, and nothing of it is mirrored."""
    MIRRORED = "mirrored"
    PENDING = "pending"
    """Enrolled in mid-life, and compressed: it joins at its next handshake."""
    NOT_ENROLLED = "not-enrolled"
    UNPARSABLE = "unparsable"
    """Cut or illegal: it is followed no further until it reconnects."""
    CLOSED = "closed"


class Recovered(msgspec.Struct, frozen=True):
    """A connection that frames were written of before this process started, and whose end was not."""

    connection_id: str
    charger_id: str
    next_seq: int
    last_frame_at: Micros
    parsed: int = 0


class ConnectionStatus(msgspec.Struct, frozen=True):
    """One connection as the status file tells it."""

    charger_id: str
    """Empty where the handshake named none."""
    connection_id: str
    state: str
    """`handshake`, `refused`, `soap`, `mirrored`, `pending`, `not-enrolled`, `unparsable` or `closed`."""
    reason: str
    """Why it is unparsable."""
    subprotocol: str | None
    compression: bool
    opened_at: Micros
    closed_at: Micros | None
    last_frame_at: Micros | None
    bytes_forwarded: int
    bytes_mirrored: int
    """Handed over to the parser."""
    bytes_parsed: int
    """Made into frames, handshake included. Stays behind where the charger is not enrolled."""
    frames: int
    gaps: int


class Connection:
    """State of one connection; the rules that change it stand in `ingest.tap.mirror`."""

    __slots__ = (
        "account", "announced", "charger_id", "close_code", "closed_at", "connection_id", "connectors", "debt", "early",
        "forwarded", "gaps", "heads", "key_version", "last_frame_at", "number", "opened_at", "parsed", "peer",
        "readers", "reason", "received", "redact", "request", "response", "seq", "state", "totals", "wire",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        connection_id: str,
        peer: str,
        opened_at: Micros,
        redact: Callable[[str], str] | None = None,
        key_version: str = "",
    ) -> None:
        self.number = number
        self.connection_id = connection_id
        self.peer = peer
        self.opened_at = opened_at
        self.redact = redact
        """Under the key that was current when it opened; None of a connection that has no messages."""
        self.key_version = key_version
        self.closed_at: Micros | None = None
        self.charger_id = ""
        self.state = State.HANDSHAKE
        self.reason = ""
        """Why it is unparsable."""
        self.wire: Wire = NOTHING_KNOWN
        self.forwarded: Forwarded | None = None
        """What a trusted terminator said of the charging station."""
        self.request: Request | None = None
        self.response: Response | None = None
        self.heads: dict[Direction, HeadReader] = {direction: HeadReader() for direction in Direction}
        self.early = dict.fromkeys(Direction, b"")
        """What came behind one half of the handshake before the other half was there."""
        self.readers: dict[Direction, FrameReader] = {}
        self.connectors: tuple[int, ...] | None = None
        self.close_code: int | None = None
        self.seq = 0
        """Of the next frame; so many frames have been written."""
        self.announced = False
        """An `opened` frame was written, or is owed."""
        self.debt: Debt | None = None
        """What stands for the frames that the journal refused."""
        self.last_frame_at: Micros = 0
        self.received = 0
        self.parsed = 0
        self.totals: tuple[int, int] | None = None
        """Bytes forwarded and handed over, as the relay counted them; None while nothing was cut."""
        self.gaps = 0
        self.account: ConnectionStatus | None = None
        """How it stood at its end."""

    @property
    def is_open(self) -> bool:
        """Its frames can be followed."""
        return bool(self.readers)

    @property
    def remembers(self) -> bool:
        """Messages build on the ones before them, so that it can be joined at its handshake only."""
        deflate = None if self.response is None else self.response.deflate
        return deflate is not None and (deflate.charger_takeover or deflate.csms_takeover)

    @property
    def unparsed(self) -> int:
        """Bytes that came and were not made into frames."""
        return max(0, self.received - self.parsed)

    @property
    def half_frame(self) -> int:
        """Bytes of frames that have begun and not ended; none behind a close frame."""
        return sum(reader.half_frame for reader in self.readers.values())

    def facts(self) -> Handshake:
        """What is known of the upgrade."""
        wire, peer = told(self.wire, self.forwarded), self.peer
        if self.forwarded is not None and self.forwarded.peer:
            peer = self.forwarded.peer
        known = Handshake(peer=peer or None) if self.request is None else facts(self.request, self.response, peer)
        return _with_wire(known, wire, self.key_version)

    def ask_again(self) -> None:
        """Begin another handshake on the same socket, after a refusal."""
        self.state = State.HANDSHAKE
        self.request = self.response = None
        self.heads = {direction: HeadReader() for direction in Direction}
        self.early = dict.fromkeys(Direction, b"")
        self.announced = False

    def open(self) -> None:
        """Get ready to read frames, after a handshake that succeeded."""
        deflate = None if self.response is None else self.response.deflate
        to_csms = to_charger = None
        if deflate is not None:
            to_csms = Inflater(takeover=deflate.charger_takeover, window_bits=deflate.charger_window_bits)
            to_charger = Inflater(takeover=deflate.csms_takeover, window_bits=deflate.csms_window_bits)
        self.readers = {
            Direction.CP_TO_CS: FrameReader(masked=True, inflater=to_csms, decode=False),
            Direction.CS_TO_CP: FrameReader(masked=False, inflater=to_charger, decode=False),
        }

    def listen(self, state: State) -> None:
        """Decode messages, from the next boundary on, or do so no longer."""
        self.state = state
        for reader in self.readers.values():
            reader.decode = state is State.MIRRORED

    def lose(self, reason: str) -> None:
        """Follow it no further."""
        self.state, self.reason = State.UNPARSABLE, self.reason or reason
        self._forget()

    def end(self, at: Micros) -> None:
        """Keep only what the status shows."""
        self.state, self.closed_at = State.CLOSED, at
        self.redact = None
        self._forget()

    def _forget(self) -> None:
        self.readers = {}
        self.heads = {}
        self.early = dict.fromkeys(Direction, b"")


def _with_wire(handshake: Handshake, wire: Wire, key_version: str) -> Handshake:
    return msgspec.structs.replace(
        handshake,
        tls_version=wire.tls_version,
        tls_cipher=wire.tls_cipher,
        tls_resumed=wire.tls_resumed,
        tls_handshake_us=wire.tls_handshake_us,
        client_certificate_subject=wire.certificate_subject,
        client_certificate_serial=wire.certificate_serial,
        client_certificate_fingerprint=wire.certificate_fingerprint,
        key_version=key_version,
    )
