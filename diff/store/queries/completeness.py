"""Completeness from the wire to the store: what of each connection was forwarded, mirrored, parsed, written and stored.

The tap's newest account of a connection tells the bytes and the frames that it wrote; how many of them are stored is
counted from the stored frames themselves. The numbers reconcile, or a gap explains why not, or somebody has to look:
the sums over a fleet would hide one blind connection behind a thousand good ones.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from diff.store.client import Store
from diff.store.queries.fleet import FOLLOWED
from diff.store.queries.reading import read
from ingest.frame import Micros

__all__ = ["Balance", "ConnectionBalance", "Outcome", "completeness", "unreconciled"]

_SECOND: Final[Micros] = 1_000_000
SETTLE: Final[Micros] = 120 * _SECOND
"""How long a frame may be on its way to the store before it counts as missing."""
WINDOW: Final[Micros] = 29 * 86_400 * _SECOND
"""Connections that opened before it are not judged: what is counted of stored frames is kept for 30 days."""


class Outcome(StrEnum):
    """What comes of holding the numbers of a connection against each other."""

    RECONCILED = "reconciled"
    """Every byte was mirrored and parsed, and every frame is stored."""
    EXPLAINED = "explained"
    """Something is missing, and a gap says so."""
    SETTLING = "settling"
    """Frames are on their way."""
    UNSTORED = "unstored"
    """Frames that the tap wrote are not in the store."""
    UNEXPLAINED = "unexplained"
    """Bytes were not mirrored or not parsed, and no gap says so."""


class ConnectionBalance(msgspec.Struct, frozen=True):
    """The account of one connection."""

    charger_id: str
    connection_id: str
    state: str
    """As the tap names it."""
    outcome: Outcome
    opened_at: Micros
    last_frame_at: Micros | None
    at: Micros
    """When the tap counted."""
    bytes_forwarded: int
    bytes_mirrored: int
    """Handed over to the parser."""
    bytes_parsed: int
    """Made into frames."""
    frames: int
    """Written by the tap."""
    frames_stored: int
    gaps: int
    """Of the frames, those that say that something is missing."""


class Balance(msgspec.Struct, frozen=True):
    """The sums over all connections of one outcome."""

    outcome: Outcome
    connections: int
    chargers: int
    bytes_forwarded: int
    bytes_mirrored: int
    bytes_parsed: int
    frames: int
    frames_stored: int
    gaps: int


_OUTCOME: Final = """multiIf(
    bytes_mirrored < bytes_forwarded AND gaps = 0, 'unexplained',
    bytes_parsed < bytes_mirrored AND gaps = 0 AND state IN ('closed', 'unparsable'), 'unexplained',
    stored < frames AND last_frame_at > fromUnixTimestamp64Micro(%(settled)s), 'settling',
    stored < frames, 'unstored',
    bytes_mirrored < bytes_forwarded OR (bytes_parsed < bytes_mirrored AND state != 'mirrored'), 'explained',
    'reconciled')"""
"""A living connection may have a frame that has begun and not ended: its bytes are parsed with the rest of it."""

_ACCOUNTS: Final = """
    SELECT charger_id, connection_id, state, opened_at, last_frame_at, at, bytes_forwarded, bytes_mirrored,
        bytes_parsed, frames, gaps, stored
    FROM (
        SELECT * FROM connections FINAL
        WHERE state IN %(followed)s AND frames > 0 AND opened_at > fromUnixTimestamp64Micro(%(since)s)
    ) AS accounts
    LEFT JOIN (
        SELECT charger_id, connection_id, groupBitmapMerge(seqs) AS stored
        FROM frame_counts GROUP BY charger_id, connection_id
    ) AS counts USING (charger_id, connection_id)"""


def completeness(store: Store, now: Micros) -> list[Balance]:
    """The sums by outcome, over the connections of enrolled charging stations. Empty where no tap has reported."""
    query = f"""
    SELECT {_OUTCOME} AS outcome, count(), uniqExact(charger_id), sum(bytes_forwarded), sum(bytes_mirrored),
        sum(bytes_parsed), sum(frames), sum(least(stored, frames)), sum(gaps)
    FROM ({_ACCOUNTS}) GROUP BY outcome ORDER BY outcome"""
    return [Balance(Outcome(row[0]), *row[1:]) for row in read(store, query, _params(now))]


def unreconciled(store: Store, now: Micros, limit: int = 200) -> list[ConnectionBalance]:
    """The connections that somebody has to look at, those that miss most first."""
    query = f"""
    SELECT charger_id, connection_id, state, {_OUTCOME} AS outcome, toUnixTimestamp64Micro(opened_at),
        toUnixTimestamp64Micro(last_frame_at), toUnixTimestamp64Micro(at), bytes_forwarded, bytes_mirrored,
        bytes_parsed, frames, stored, gaps
    FROM ({_ACCOUNTS}) WHERE outcome IN ('unexplained', 'unstored')
    ORDER BY (bytes_forwarded - least(bytes_parsed, bytes_forwarded)) + (frames - least(stored, frames)) DESC,
        charger_id, connection_id
    LIMIT %(limit)s"""
    rows = read(store, query, {**_params(now), "limit": limit})
    return [ConnectionBalance(row[0], row[1], row[2], Outcome(row[3]), *row[4:]) for row in rows]


def _params(now: Micros) -> dict[str, object]:
    return {"followed": sorted(FOLLOWED), "settled": now - SETTLE, "since": now - WINDOW}
