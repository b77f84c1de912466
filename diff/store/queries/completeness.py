"""Completeness from the wire to the store: what became of the bytes and frames of each connection, step by step.

The tap's newest account of a connection tells the bytes, the frames that it wrote and those that Kafka has. Which of
them were applied, that is lived by a worker, and which are stored is counted as sets of their numbers. The numbers
reconcile, or a gap explains why not, or somebody has to look: the sums over a fleet would hide one blind connection
behind a thousand good ones.

A number that nobody told is not judged: how many were published, where nothing is (embedded runtime) or the tap is
older; how many were applied, of what came before the first worker that tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from diff.store.client import Store
from diff.store.queries.fleet import FOLLOWED
from diff.store.queries.reading import read
from ingest.frame import Micros

__all__ = [
    "LACKING",
    "SETTLE",
    "WINDOW",
    "Balance",
    "Chain",
    "ConnectionBalance",
    "Outcome",
    "completeness",
    "counted",
    "reconciled",
    "unreconciled",
]

_SECOND: Final[Micros] = 1_000_000
SETTLE: Final[Micros] = 120 * _SECOND
"""How long a frame may be on its way to the store before it counts as missing."""
WINDOW: Final[Micros] = 29 * 86_400 * _SECOND
"""Connections that opened before it are not judged: what is counted of stored frames is kept for 30 days."""


class Outcome(StrEnum):
    """What comes of holding the numbers of a connection against each other: the first step where they part."""

    RECONCILED = "reconciled"
    """Every byte was mirrored and parsed, and every frame is published, applied and stored."""
    EXPLAINED = "explained"
    """Something is missing, and a gap says so."""
    SETTLING = "settling"
    """Frames are on their way."""
    UNPUBLISHED = "unpublished"
    """Frames that the tap wrote are not in Kafka."""
    UNAPPLIED = "unapplied"
    """Frames that were published were not lived by a worker."""
    UNSTORED = "unstored"
    """Frames that were lived are not in the store."""
    UNEXPLAINED = "unexplained"
    """Bytes were not mirrored or not parsed, and no gap says so."""


LACKING: Final = (Outcome.UNEXPLAINED, Outcome.UNPUBLISHED, Outcome.UNAPPLIED, Outcome.UNSTORED)
"""What somebody has to look at, in the order of the steps."""


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
    frames_published: int | None
    """Acknowledged by Kafka, or seen to have come out of it; None where that is not known."""
    frames_applied: int | None
    """Lived by a worker; None where that is not known."""
    frames_stored: int
    gaps: int
    """Of the frames, those that say that something is missing."""


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


class Balance(msgspec.Struct, frozen=True):
    """The sums over all connections of one outcome."""

    outcome: Outcome
    connections: int
    chargers: int
    bytes_forwarded: int
    bytes_mirrored: int
    bytes_parsed: int
    frames: int
    frames_published: int
    published_of: int
    """Frames of the connections of which it is known how many were published."""
    frames_applied: int
    applied_of: int
    """Likewise."""
    frames_stored: int
    gaps: int


_OUTCOME: Final = """multiIf(
    bytes_mirrored < bytes_forwarded AND gaps = 0, 'unexplained',
    bytes_parsed < bytes_mirrored AND gaps = 0 AND state IN ('closed', 'unparsable'), 'unexplained',
    arrived < frames AND NOT holed AND last_frame_at > fromUnixTimestamp64Micro(%(settled)s), 'settling',
    published < frames, 'unpublished',
    applied < frames, 'unapplied',
    stored < frames, 'unstored',
    bytes_mirrored < bytes_forwarded OR (bytes_parsed < bytes_mirrored AND state != 'mirrored'), 'explained',
    'reconciled')"""
"""A living connection may have a frame that has begun and not ended: its bytes are parsed with the rest of it.

Frames of a connection travel in order. So only those at its end can be on their way: one that is missing before others
has been passed over, however young it is, and connections that never fall silent are judged as well.
"""

_JUDGED: Final = """state IN %(followed)s AND frames > 0 AND opened_at > fromUnixTimestamp64Micro(%(since)s)"""
_OPENED: Final = """state IN %(followed)s AND opened_at >= fromUnixTimestamp64Micro(%(since)s, 'UTC')
    AND NOT (state = 'closed' AND frames = 0)"""


def counted(accounts: str) -> str:
    """The query of the newest accounts that meet a condition on `t`, with what is counted of their frames downstream.

    `published`, `applied` and `stored` may exceed `frames`, since the account is some seconds old; the first two are
    NULL where nobody told. What was applied or stored was published, whatever an account says that was given before.
    `holed`: a frame is missing before others. The parameter `since` bounds what is read of counts: no connection that
    is asked for was opened before.
    """
    return f"""
    WITH (SELECT minOrNull(first_told_at) FROM applied_counts) AS told_since
    SELECT *,
        multiIf(told_since IS NULL, NULL, opened_at >= told_since, lived, lived = 0, NULL, lived + first_lived)
            AS applied,
        if(frames_published IS NULL, NULL, greatest(assumeNotNull(frames_published), ifNull(applied, 0), stored))
            AS published,
        (stored > 0 AND stored <= last_stored)
            OR (lived > 0 AND lived + if(opened_at >= told_since, 0, first_lived) <= last_lived) AS holed
    FROM (SELECT * FROM connections AS t FINAL WHERE {accounts}) AS account
    LEFT JOIN (
        SELECT charger_id, connection_id, bitmapCardinality(seqs) AS stored, bitmapMax(seqs) AS last_stored
        FROM (
            SELECT charger_id, connection_id, groupBitmapMergeState(seqs) AS seqs FROM frame_counts
            WHERE last_received_at >= fromUnixTimestamp64Micro(%(since)s) GROUP BY charger_id, connection_id
        )
    ) AS kept USING (charger_id, connection_id)
    LEFT JOIN (
        SELECT charger_id, connection_id, groupBitmapMerge(seqs) AS lived, min(first_seq) AS first_lived,
            max(last_seq) AS last_lived
        FROM applied_counts WHERE last_received_at >= fromUnixTimestamp64Micro(%(since)s)
        GROUP BY charger_id, connection_id
    ) AS told USING (charger_id, connection_id)"""


_ARRIVED: Final = "least(stored, ifNull(applied, frames), ifNull(published, frames)) AS arrived"
_ACCOUNTS: Final = f"SELECT *, {_ARRIVED} FROM ({counted(_JUDGED)})"


def completeness(store: Store, now: Micros) -> list[Balance]:
    """The sums by outcome, over the connections of enrolled charging stations. Empty where no tap has reported."""
    query = f"""
    SELECT {_OUTCOME} AS outcome, count(), uniqExact(charger_id), sum(bytes_forwarded), sum(bytes_mirrored),
        sum(bytes_parsed), sum(frames), sum(if(published IS NULL, 0, least(published, frames))),
        sumIf(frames, published IS NOT NULL), sum(if(applied IS NULL, 0, least(applied, frames))),
        sumIf(frames, applied IS NOT NULL), sum(least(stored, frames)), sum(gaps)
    FROM ({_ACCOUNTS}) GROUP BY outcome ORDER BY outcome"""
    return [Balance(Outcome(row[0]), *row[1:]) for row in read(store, query, _params(now, None))]


def unreconciled(
    store: Store, now: Micros, limit: int = 200, *, since: Micros | None = None
) -> list[ConnectionBalance]:
    """The connections that somebody has to look at, those that miss most first.

    `since`: those that were opened since then; since the beginning of `WINDOW` at the earliest.
    """
    query = f"""
    SELECT {", ".join(_BALANCE)}
    FROM (SELECT *, {_OUTCOME} AS outcome FROM ({_ACCOUNTS})) WHERE outcome IN %(lacking)s
    ORDER BY {_MISSING} DESC, charger_id, connection_id
    LIMIT %(limit)s"""
    return [_balance_of(row) for row in read(store, query, _params(now, since) | {"limit": limit})]


def reconciled(store: Store, now: Micros, since: Micros, limit: int = 100) -> tuple[Chain, list[ConnectionBalance]]:
    """Follow the connections that were opened since a time; and those of them that somebody has to look at.

    The latter are those of `unreconciled`: holding the numbers against each other is most of the work, and both need
    it. Frames are kept for a shorter time than accounts: of an older time the frames that are gone would look lost.
    """
    # Sorted by what is missing, the most first, then by name.
    lacking = ", ".join((f"-toInt64({_MISSING})", "charger_id", "connection_id", *_BALANCE))
    query = f"""
    SELECT count(), sum(bytes_forwarded), sum(bytes_mirrored), sum(bytes_parsed), sum(frames),
        sumIf(frames, published IS NOT NULL), sumIf(in_kafka, published IS NOT NULL),
        sumIf(in_kafka, applied IS NOT NULL), sumIf(in_worker, applied IS NOT NULL),
        sum(in_worker), sum(least(stored, in_worker)),
        countIf(stored < frames), sum(gaps), countIf(gaps > 0),
        if(count() = 0, NULL, toUnixTimestamp64Micro(max(at))),
        groupArraySortedIf({int(limit)})(({lacking}), frames > 0 AND outcome IN %(lacking)s)
    FROM (
        SELECT *, {_OUTCOME} AS outcome FROM (
            SELECT *, least(ifNull(published, frames), frames) AS in_kafka,
                least(ifNull(applied, in_kafka), in_kafka) AS in_worker, {_ARRIVED}
            FROM ({counted(_OPENED)})
        )
    )"""
    *sums, found = read(store, query, _params(now, since))[0]
    return Chain(*sums), [_balance_of(row[3:]) for row in found]


def _balance_of(row: Sequence[Any]) -> ConnectionBalance:
    """The account that stands in a row of `_BALANCE`."""
    return ConnectionBalance(row[0], row[1], row[2], Outcome(row[3]), *row[4:])


def _params(now: Micros, since: Micros | None) -> dict[str, object]:
    """What the queries of this module bind. `since`: since the beginning of `WINDOW` at the earliest."""
    begin = max(now - WINDOW, since or 0)
    lacking = [one.value for one in LACKING]
    return {"followed": sorted(FOLLOWED), "settled": now - SETTLE, "since": begin, "lacking": lacking}


_MISSING: Final = "(bytes_forwarded - least(bytes_parsed, bytes_forwarded)) + (frames - least(arrived, frames))"
"""SQL: what a connection misses, in bytes and frames."""
_TIMES: Final = frozenset({"opened_at", "last_frame_at", "at"})
_NAMES: Final = {"frames_published": "published", "frames_applied": "applied", "frames_stored": "stored"}
_BALANCE: Final = tuple(
    f"toUnixTimestamp64Micro({name})"
    if name in _TIMES
    else f"toString({name})"
    if name == "state"
    else _NAMES.get(name, name)
    for name in ConnectionBalance.__struct_fields__
)
"""SQL: the columns of a `ConnectionBalance`."""
