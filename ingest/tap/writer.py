"""Writing frames: each gets the next number of its connection, and what the journal refuses is owed, not forgotten."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake, Micros
from ingest.tap.connection import Connection
from ingest.tap.debt import add_refused

__all__ = ["FrameWriter", "MirrorCounters"]


class MirrorCounters(msgspec.Struct):
    """What the parser did since its start."""

    frames: int = 0
    messages: int = 0
    messages_from_charger: int = 0
    """Of them."""
    binary_messages: int = 0
    gaps: int = 0
    undecodable_messages: int = 0
    unparsable_connections: int = 0
    connections_without_charger: int = 0
    frames_refused: int = 0
    """The journal did not take them; a gap says so as soon as it takes frames again."""
    redaction_errors: int = 0
    faults: int = 0
    """Errors of the parser itself that cost one connection its mirror. Zero, or a bug."""


class FrameWriter:
    """Makes frames and gives them to the journal."""

    def __init__(self, write: Callable[[Frame], str]) -> None:
        self.counters = MirrorCounters()
        self.now: Micros = 0
        """The time that frames are stamped with: `received_at` of the last record."""
        self._write = write
        self._owing: dict[str, Connection] = {}

    def settle(self) -> None:
        """Write the gaps of frames that the journal had refused, as far as it takes them now."""
        for connection in list(self._owing.values()):
            if not self._pay(connection):
                return

    def announce(self, connection: Connection) -> None:
        """Write the `opened` frame of a connection."""
        connection.announced = True
        self.emit(connection, FrameKind.OPENED, handshake=connection.facts())

    def gap(self, connection: Connection, reason: str, missing: int, since: Micros, *, until_reconnect: bool) -> None:
        """Write a gap: what is missing at least, and since when."""
        connection.gaps += 1
        self.counters.gaps += 1
        gap = Gap(max(0, missing), min(since, self.now), reason, until_reconnect)
        self.emit(connection, FrameKind.GAP, gap=gap)

    def emit(
        self,
        connection: Connection,
        kind: FrameKind,
        direction: Direction | None = None,
        text: str = "",
        *,
        handshake: Handshake | None = None,
        gap: Gap | None = None,
        close_code: int | None = None,
    ) -> None:
        """Write a frame, after the gap of those that were refused before it."""
        paid = connection.debt is None or self._pay(connection)
        frame = Frame(
            connection.charger_id, connection.connection_id, connection.seq, self.now, kind, direction, text, handshake,
            gap, close_code, connection.connectors,
        )  # fmt: skip
        refusal = self._write(frame) if paid else "journal-full"
        if not refusal:
            self._written(connection)
            return
        self.counters.frames_refused += 1
        # A tick that was refused is no loss: the next one fires the same deadlines.
        if kind is not FrameKind.TICK:
            connection.debt = add_refused(connection.debt, frame, refusal)
            self._owing[connection.connection_id] = connection

    def _pay(self, connection: Connection) -> bool:
        """Write what stands for the frames that were refused. True where nothing is owed any more."""
        debt = connection.debt
        if debt is None:
            return True
        for frame in debt.frames(self.now):
            if self._try(connection, frame):
                return False
            debt.paid()
        connection.debt = None
        self._owing.pop(connection.connection_id, None)
        return True

    def _try(self, connection: Connection, frame: Frame) -> str:
        refusal = self._write(msgspec.structs.replace(frame, seq=connection.seq))
        if not refusal:
            self._written(connection)
        return refusal

    def _written(self, connection: Connection) -> None:
        connection.seq += 1
        connection.last_frame_at = self.now
        self.counters.frames += 1
