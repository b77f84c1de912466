"""How well the shadow sees and keeps: dead letters, silence, and where copies were cut."""

from __future__ import annotations

from typing import Final

import msgspec

from diff.store.client import Store
from diff.store.queries.reading import read
from ingest.frame import Micros

__all__ = ["DeadLetters", "GapLine", "Silence", "dead_letters", "gap_lines", "silence"]

_MINUTE: Final[Micros] = 60_000_000


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
