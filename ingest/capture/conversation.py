"""One TCP connection of a capture: who is the charging station, and what has been told of it so far. Pure."""

from __future__ import annotations

from enum import StrEnum

from ingest.capture.packets import End
from ingest.capture.stream import MAX_WAITING, Stream
from ingest.frame import Direction, Micros

__all__ = ["Conversation", "Fate"]


class Fate(StrEnum):
    """What a connection turned out to be."""

    SILENT = "silent"
    """Nothing was said on it that would tell."""
    WEBSOCKET = "websocket"
    """It asked for an upgrade: it is mirrored."""
    SOAP = "soap"
    HTTP = "http"
    """HTTP without an upgrade."""
    ENCRYPTED = "encrypted"
    """TLS: nothing can be read of it."""
    MIDWAY = "midway"
    """It began before the capture: it can be read from its next upgrade on."""
    OTHER = "other"
    """Another protocol."""


class Conversation:
    """State of one connection; the rules that change it stand in `ingest.capture.assembler`."""

    __slots__ = (
        "charger", "client_isn", "counted", "fate", "fins", "head", "held", "hole_since", "ignored", "lost", "number",
        "opened_at", "seen_at", "streams",
    )  # fmt: skip

    def __init__(self, at: Micros) -> None:
        self.number = 0
        """Under which the mirror knows it; 0 while it was not told."""
        self.fate = Fate.SILENT
        self.opened_at = self.seen_at = at
        self.charger: End | None = None
        """The end that connects; None while the capture has not shown which one does."""
        self.client_isn: int | None = None
        """The initial sequence number of that end."""
        self.streams: dict[Direction, Stream] = {}
        self.held = {direction: bytearray() for direction in Direction}
        """Bytes in order that wait for those of the other direction which they answer."""
        self.counted = 0
        """Waiting bytes, as the assembler has counted them."""
        self.head = bytearray()
        """The beginning of a request that may become an upgrade."""
        self.hole_since: Micros | None = None
        """Since when bytes are missing that the receiver has acknowledged."""
        self.lost = False
        """The mirror was told that it is cut."""
        self.ignored = False
        """It can never become an upgrade: only its end is waited for."""
        self.fins: set[End] = set()

    @property
    def told(self) -> bool:
        """The mirror follows it."""
        return self.number > 0

    @property
    def waiting(self) -> int:
        """Bytes that wait because of holes."""
        behind = sum(stream.waiting for stream in self.streams.values())
        return behind + sum(len(held) for held in self.held.values())

    @property
    def overfull(self) -> bool:
        """More waits than is kept."""
        return any(stream.overfull for stream in self.streams.values()) or self.waiting > 2 * MAX_WAITING

    def let_go(self) -> None:
        """Forget all bytes; only the end of the connection is waited for."""
        self.streams.clear()
        self.head.clear()
        for held in self.held.values():
            held.clear()
        self.hole_since = None
        self.counted = 0
