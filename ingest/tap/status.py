"""The status file: what the tap sees, for pages and alerts, and where the next parser process takes over.

It is replaced as a whole, so that a reader never finds half of it. Nothing in it is secret: no text, no address.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from ingest.frame import FrameKind, Micros
from ingest.journal import JournalReader, Position
from ingest.tap.connection import Connection, ConnectionStatus, Recovered, State
from ingest.timestamps import parse_stamp

__all__ = ["ConnectionStatus", "JournalStatus", "TapStatus", "describe", "read_status", "recover", "write_status"]

_MAX_LISTED: Final = 20_000


class JournalStatus(msgspec.Struct, frozen=True):
    """The journal."""

    segment: int
    offset: int
    settled: bool
    """All frames counted in this status stand before that position."""
    accepted: int
    acknowledged: int
    torn_bytes: int
    error: str


class TapStatus(msgspec.Struct, frozen=True):
    """The file."""

    at: Micros
    run: str
    relay: dict[str, Any]
    mirror: dict[str, int]
    journal: JournalStatus
    enrolment_error: str
    ticks: int
    connections: tuple[ConnectionStatus, ...]
    """Those that live, then the ones that ended, newest first; at most 20,000."""
    key_error: str = ""
    """Why the key file cannot be followed as it stands; empty where it can."""
    key_version: str = ""
    """The key that connections which open now are redacted under."""


def describe(living: Iterable[Connection], ended: Iterable[Connection]) -> tuple[ConnectionStatus, ...]:
    """List connections, the living ones first: nothing that lives may fall off the list before what has ended."""
    listed = [_describe(connection) for connection in living]
    for connection in ended:
        if len(listed) >= _MAX_LISTED:
            break
        account = connection.account
        if account is None or (account.frames, account.gaps) != (connection.seq, connection.gaps):
            # Whoever has ended is described once: only a gap may follow.
            account = connection.account = _describe(connection)
        listed.append(account)
    return tuple(listed)


def _describe(connection: Connection) -> ConnectionStatus:
    forwarded, handed_over = connection.totals or (connection.received, connection.received)
    response = connection.response
    return ConnectionStatus(
        charger_id=connection.charger_id,
        connection_id=connection.connection_id,
        state=connection.state.value,
        reason=connection.reason,
        subprotocol=None if response is None else response.subprotocol,
        compression=response is not None and response.deflate is not None,
        opened_at=connection.opened_at,
        closed_at=connection.closed_at,
        last_frame_at=connection.last_frame_at or None,
        bytes_forwarded=forwarded,
        bytes_mirrored=handed_over,
        bytes_parsed=connection.parsed,
        frames=connection.seq,
        gaps=connection.gaps,
    )


def write_status(path: Path, status: TapStatus) -> None:
    """Replace the file.

    Raises:
        OSError: it cannot be written; the file before it stands.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(msgspec.json.encode(status))
    draft.replace(path)


def read_status(path: Path) -> TapStatus | None:
    """Read the file; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=TapStatus)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None


class _Line(msgspec.Struct):
    """The little of a journal line that is needed to take over."""

    conn: str = ""
    cp: str = ""
    seq: int = 0
    kind: str = ""
    t: str = ""


_decode: Final = msgspec.json.Decoder(_Line).decode


def recover(status: TapStatus | None, journal: Path) -> list[Recovered]:
    """Find the connections whose end the journal does not hold, and where their counting stands.

    The status tells how things stood at a position of the journal, the journal tells the rest. Without a status that
    can be relied on, the whole journal is read.
    """
    known: dict[str, Recovered] = {}
    position = Position(0, 0)
    if status is not None and status.journal.settled:
        position = Position(status.journal.segment, status.journal.offset)
        for entry in status.connections:
            if entry.frames and entry.state != State.CLOSED:
                known[entry.connection_id] = Recovered(
                    entry.connection_id, entry.charger_id, entry.frames, entry.last_frame_at or 0, entry.bytes_parsed
                )
        if status.ticks:
            name = f"tick-{status.run}"
            known[name] = Recovered(name, "", status.ticks, status.at)
    closed: set[str] = set()
    for raw in JournalReader(journal, position).follow():
        try:
            line = _decode(raw)
        except (msgspec.MsgspecError, UnicodeError):
            continue
        if line.kind == FrameKind.CLOSED:
            known.pop(line.conn, None)
            closed.add(line.conn)
            continue
        if line.conn in closed:
            continue  # a gap that stands behind the end: its charging station was removed while it was away
        before = known.get(line.conn)
        at = parse_stamp(line.t).at or 0
        known[line.conn] = Recovered(line.conn, line.cp, line.seq + 1, at, 0 if before is None else before.parsed)
    return list(known.values())
