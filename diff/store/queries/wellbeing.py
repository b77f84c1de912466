"""How well the shadow sees and keeps: completeness step by step, dead letters, silence, and where copies were cut."""

from __future__ import annotations

from typing import Final

import msgspec

from diff.store.client import Store
from diff.store.queries.completeness import (
    ARRIVED,
    BALANCE,
    MISSING,
    OUTCOME,
    ConnectionBalance,
    balance_of,
    counted,
    params,
)
from diff.store.queries.reading import read
from ingest.frame import Micros

__all__ = ["Chain", "DeadLetters", "GapLine", "Silence", "dead_letters", "gap_lines", "reconciled", "silence"]

_MINUTE: Final[Micros] = 60_000_000
_OPENED: Final = """state IN %(followed)s AND opened_at >= fromUnixTimestamp64Micro(%(since)s, 'UTC')
    AND NOT (state = 'closed' AND frames = 0)"""


class Chain(msgspec.Struct, frozen=True):
    """What became of the bytes and frames of the connections that ought to be mirrored, step by step."""

    connections: int
    bytes_forwarded: int
    bytes_mirrored: int
    """Handed over to the parser."""
    bytes_parsed: int
    """Made into frames."""
    frames_parsed: int
    """Numbers that the tap gave to frames, by its newest account of each connection."""
    to_publish: int
    """Of those, the ones of connections that are known to be published: where nothing is, no connection is."""
    frames_published: int
    """Of `to_publish`, those that Kafka has acknowledged."""
    to_apply: int
    """Frames that got so far, of connections of which workers tell what they have lived."""
    frames_applied: int
    """Of `to_apply`, those that were lived."""
    to_store: int
    """Frames that got so far, of all connections."""
    frames_stored: int
    """Of `to_store`, those that the store holds; one that was written twice counts once."""
    behind: int
    """Connections of which fewer frames are stored than the tap numbered."""
    gaps: int
    cut: int
    """Connections with a gap."""
    accounts_at: Micros | None
    """When the tap gave the newest of these accounts; None where it gave none."""


class DeadLetters(msgspec.Struct, frozen=True):
    """What could not be taken, by source and reason."""

    source: str
    reason: str
    letters: int
    chargers: int
    last_at: Micros
    total: int
    """Of all sources and reasons, listed or not."""


class Silence(msgspec.Struct, frozen=True):
    """How long ago charging stations were last heard of, by their newest frame."""

    chargers: int
    quarter_hour: int
    """Heard of within the last 15 minutes."""
    hour: int
    """Within the last hour, and not within 15 minutes; the others likewise."""
    day: int
    longer: int


class GapLine(msgspec.Struct, frozen=True):
    """A charging station whose mirrored copy was cut."""

    charger_id: str
    gaps: int
    connections: int
    """With a gap."""
    bytes_lost: int
    """Forwarded and not made into frames, of these connections."""
    last_at: Micros
    total: int
    """Charging stations with a gap, listed or not."""


def reconciled(store: Store, now: Micros, since: Micros, limit: int = 100) -> tuple[Chain, list[ConnectionBalance]]:
    """Follow the connections that were opened since a time; and those of them that somebody has to look at.

    The latter are those of `diff.store.queries.completeness.unreconciled`: holding the numbers against each other is
    most of the work, and both need it. Frames are kept for a shorter time than accounts: of an older time the frames
    that are gone would look lost.
    """
    # Sorted by what is missing, the most first, then by name.
    lacking = ", ".join((f"-toInt64({MISSING})", "charger_id", "connection_id", *BALANCE))
    query = f"""
    SELECT count(), sum(bytes_forwarded), sum(bytes_mirrored), sum(bytes_parsed), sum(frames),
        sumIf(frames, published IS NOT NULL), sumIf(in_kafka, published IS NOT NULL),
        sumIf(in_kafka, applied IS NOT NULL), sumIf(in_worker, applied IS NOT NULL),
        sum(in_worker), sum(least(stored, in_worker)),
        countIf(stored < frames), sum(gaps), countIf(gaps > 0),
        if(count() = 0, NULL, toUnixTimestamp64Micro(max(at))),
        groupArraySortedIf({int(limit)})(({lacking}), frames > 0 AND outcome IN %(lacking)s)
    FROM (
        SELECT *, {OUTCOME} AS outcome FROM (
            SELECT *, least(ifNull(published, frames), frames) AS in_kafka,
                least(ifNull(applied, in_kafka), in_kafka) AS in_worker, {ARRIVED}
            FROM ({counted(_OPENED)})
        )
    )"""
    *sums, found = read(store, query, params(now, since))[0]
    return Chain(*sums), [balance_of(row[3:]) for row in found]


def dead_letters(store: Store, since: Micros, limit: int = 100) -> list[DeadLetters]:
    """Dead letters since a time, the latest reasons first."""
    query = """
    SELECT source, reason, count(), uniqExact(charger_id), toUnixTimestamp64Micro(max(received_at)) AS last,
        sum(count()) OVER ()
    FROM dead_letters FINAL WHERE received_at >= fromUnixTimestamp64Micro(%(since)s, 'UTC')
    GROUP BY source, reason ORDER BY last DESC, source, reason LIMIT %(limit)s"""
    return [DeadLetters(*row) for row in read(store, query, {"since": since, "limit": limit})]


def silence(store: Store, now: Micros) -> Silence:
    """Sort the charging stations by the age of their newest frame."""
    query = """
    SELECT count(), countIf(age < 15), countIf(age >= 15 AND age < 60), countIf(age >= 60 AND age < 1440),
        countIf(age >= 1440)
    FROM (
        SELECT intDiv(%(now)s - toUnixTimestamp64Micro(max(last_received_at)), %(minute)s) AS age
        FROM frame_counts WHERE charger_id != '' GROUP BY charger_id
    )"""
    return Silence(*read(store, query, {"now": now, "minute": _MINUTE})[0])


def gap_lines(store: Store, since: Micros, limit: int = 100) -> list[GapLine]:
    """The charging stations whose copies were cut on connections opened since a time, the most bytes lost first."""
    query = """
    SELECT charger_id, sum(c.gaps) AS cuts, count(), sum(greatest(toInt64(bytes_forwarded) - toInt64(bytes_parsed), 0))
        AS lost, toUnixTimestamp64Micro(max(c.at)), count() OVER ()
    FROM connections AS c FINAL
    WHERE c.gaps > 0 AND c.opened_at >= fromUnixTimestamp64Micro(%(since)s, 'UTC')
    GROUP BY charger_id ORDER BY lost DESC, cuts DESC, charger_id LIMIT %(limit)s"""
    return [GapLine(*row) for row in read(store, query, {"since": since, "limit": limit})]
