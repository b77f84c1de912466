"""The fleet as a whole: what is seen, what was compared, what it may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from diff.judging import CURRENT
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.compared import sessions_by_day
from diff.store.queries.filters import FAULTS, SEVERITY_RANK, pattern
from diff.store.queries.reading import read
from diff.store.queries.runs import counting, names
from diff.store.queries.weeks import Weeks, inside, outside, summarised, sums
from ingest.frame import Micros

__all__ = [
    "FOLLOWED",
    "NO_PRICE",
    "ChargerLine",
    "Denominators",
    "Money",
    "Overview",
    "Pulse",
    "SeverityCount",
    "StateCount",
    "chargers",
    "connection_states",
    "denominators",
    "money_at_stake",
    "overview",
    "pulse",
    "severities",
]

FOLLOWED: Final = frozenset({"mirrored", "pending", "unparsable", "closed"})
"""States of connections that ought to be mirrored: against their bytes completeness is measured."""

NO_PRICE: Final = Decimal()
"""For `money_at_stake` where only the energy is asked for."""

_PER_KWH: Final = 3
"""Powers of ten from Wh to kWh."""


class Denominators(msgspec.Struct, frozen=True):
    """Counts of the whole fleet that everything else is a part of. Much cheaper than `Overview`."""

    chargers: int
    """Charging stations that a frame, a connection or a judgement is stored of."""
    mirrored: bool
    """Whether a frame is stored."""
    sessions: int
    judged: int
    """Sessions on connectors that are enrolled for judgement."""
    compared: int
    """Judged sessions that ended on both sides and were compared."""
    complete: int


class Overview(msgspec.Struct, frozen=True):
    """Counts of the whole fleet, and of what is stored of it."""

    chargers: int
    """This and the sessions are those of `Denominators`."""
    frames: int
    gap_frames: int
    """Places where the mirrored copy was cut."""
    dead_letters: int
    sessions: int
    judged: int
    compared: int
    complete: int


class StateCount(msgspec.Struct, frozen=True):
    """The connections in one state, by the tap's newest account of each."""

    state: str
    """As the tap names it; `closed-unmirrored` for one that ended without a frame having been written."""
    connections: int
    chargers: int
    bytes_forwarded: int
    bytes_mirrored: int
    bytes_parsed: int
    frames: int
    gaps: int
    last_frame_at: Micros | None


class SeverityCount(msgspec.Struct, frozen=True):
    """The discrepancies of one severity."""

    severity: str
    fingerprints: int
    """Groups with at least one open discrepancy."""
    open: int
    withdrawn: int
    chargers: int
    """Charging stations with at least one open discrepancy."""


class Money(msgspec.Struct, frozen=True):
    """What open `session.energy` discrepancies come to at one price."""

    sessions: int
    """Sessions with such a discrepancy."""
    unknown: int
    """How many of them have no difference in Wh; they are not in the sums."""
    more_wh: Decimal
    """What the 2.0.1 sessions hold more, summed over those that hold more."""
    less_wh: Decimal
    """What the 2.0.1 sessions hold less, summed over those that hold less; not negative."""
    largest_wh: Decimal
    """The largest single difference, without its sign: one absurd reading may be most of the sum."""
    amount: Decimal
    """(more_wh + less_wh) / 1000 * price, exactly."""
    compared: int
    """Sessions compared: the denominator."""


class ChargerLine(msgspec.Struct, frozen=True):
    """One charging station."""

    charger_id: str
    vendor: str
    model: str
    firmware: str
    sessions: int
    compared: int
    critical: int
    major: int
    minor: int
    info: int
    last_frame_at: Micros | None
    state: str
    """Of its newest connection; empty where the tap has given no account."""
    gaps: int
    bytes_forwarded: int
    bytes_parsed: int
    total: int
    """Charging stations that meet the condition, listed or not."""


class Pulse(msgspec.Struct, frozen=True):
    """How fresh the store is. Cheap enough to be asked every few seconds."""

    last_frame_at: Micros | None
    """Tap clock of the newest frame."""
    last_account_at: Micros | None
    """When the tap gave its newest account."""
    last_judged_at: Micros | None
    """Tap clock of the newest version of a discrepancy or session."""
    frames: int
    """Rows of frames, repeats included: a figure that moves, not one to be shown."""
    discrepancies: int
    """Rows as they were written, newer versions too; `sessions` likewise."""
    sessions: int


def denominators(store: Store, run: str = CURRENT) -> Denominators:
    """Count what there is."""
    query = f"""
    SELECT (SELECT uniqExact(charger_id) FROM ({_KNOWN_CHARGERS})), (SELECT count() > 0 FROM frame_counts),
        sum(total), sum(judged_count), sum(compared_count), sum(complete_count)
    FROM {sessions_by_day(store, counting(store, run))}"""
    chargers_seen, mirrored, *sessions = read(store, query)[0]
    return Denominators(chargers_seen, bool(mirrored), *sessions)


def overview(store: Store, run: str = CURRENT) -> Overview:
    """Count everything."""
    query = """
    SELECT sum(n), sum(g), (SELECT count() FROM dead_letters FINAL)
    FROM (
        SELECT groupBitmapMerge(seqs) AS n, groupBitmapMerge(gaps) AS g FROM frame_counts
        GROUP BY charger_id, connection_id
    )"""
    of, (frames, gaps, letters) = denominators(store, run), read(store, query)[0]
    return Overview(of.chargers, frames, gaps, letters, of.sessions, of.judged, of.compared, of.complete)


def connection_states(store: Store) -> list[StateCount]:
    """The tap's accounts, by state. Empty where no tap has reported, as after a replay of recordings."""
    query = f"""
    SELECT {_STATE} AS shown, count(), uniqExact(charger_id), sum(bytes_forwarded), sum(bytes_mirrored),
        sum(bytes_parsed), sum(frames), sum(gaps), toUnixTimestamp64Micro(max(last_frame_at))
    FROM connections FINAL GROUP BY shown ORDER BY shown"""
    return [StateCount(*row) for row in read(store, query)]


def severities(store: Store, run: str = CURRENT) -> list[SeverityCount]:
    """Faults by severity, the worst first; a severity without any is not listed, and expected losses do not count."""
    rows = counting(store, run)
    found = sums(f"{rows} AND {FAULTS}", summarised(store, rows), with_sets=True)
    query = f"""
    SELECT severity, uniqExactIf(fingerprint_key, status = 'open'), sumIf(row_count, status = 'open'),
        sumIf(row_count, status != 'open'), uniqExactMergeIf(chargers, status = 'open')
    FROM {found} GROUP BY severity ORDER BY {SEVERITY_RANK}"""
    return [SeverityCount(*row) for row in read(store, query)]


def money_at_stake(store: Store, price_per_kwh: Decimal, run: str = CURRENT) -> Money:
    """Price the open energy differences. Raises `ValueError` for a price finer than six decimals."""
    scaled = price_per_kwh.scaleb(6)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"a price per kWh has at most six decimals, not {price_per_kwh:f}")
    rows = counting(store, run)
    found = sums(f"{rows} AND code = 'session.energy' AND status = 'open'", summarised(store, rows), with_sets=True)
    query = f"""
    SELECT uniqExactMerge(s.sessions) - max(s.sessionless), sum(s.unknown), sum(s.more), sum(s.less), max(s.largest),
        toDecimal256(ifNull(sum(s.more), 0) + ifNull(sum(s.less), 0), 6) * toDecimal256(%(price)s, 6),
        (SELECT sum(compared_count) FROM {sessions_by_day(store, rows)})
    FROM {found} AS s"""
    row = read(store, query, {"price": f"{price_per_kwh:f}"})[0]
    sessions, unknown, more, less, largest, milli, compared = row
    energies = (more or Decimal(), less or Decimal(), largest or Decimal())
    return Money(sessions, unknown, *energies, milli.scaleb(-_PER_KWH), compared)


def chargers(store: Store, run: str = CURRENT, *, charger: str = "", limit: int = 500) -> list[ChargerLine]:
    """The charging stations, those with the worst open discrepancies first. `charger` may hold `*`."""
    operator, value = pattern(charger or "*")
    rows = counting(store, run)
    weeks = Weeks() if charger else summarised(store, rows)
    summed = _CHARGER_WEEKS.format(rows=rows, inside=inside(weeks)) if weeks.taken else ""
    found = _CHARGER_PARTS.format(rows=rows, outside=outside(weeks), summed=summed)
    query = f"""
    SELECT charger_id, argMax(vendor, version), argMax(model, version), argMax(firmware, version),
        sum(sessions), sum(compared), sum(critical) AS critical_count, sum(major) AS major_count,
        sum(minor) AS minor_count, sum(info) AS info_count,
        nullIf(max(seen), 0), argMax(state, opened), sum(gaps), sum(forwarded), sum(parsed), count() OVER ()
    FROM ({found})
    WHERE charger_id {operator} %(charger)s AND charger_id != ''
    GROUP BY charger_id
    ORDER BY critical_count DESC, major_count DESC, minor_count DESC, info_count DESC, charger_id
    LIMIT %(limit)s"""
    return [ChargerLine(*row) for row in read(store, query, {"charger": value, "limit": limit})]


def pulse(store: Store, run: str = CURRENT) -> Pulse:
    """Say how fresh everything is, without reading it: writes were counted when they came."""
    query = """
    SELECT (SELECT if(count() = 0, NULL, toUnixTimestamp64Micro(max(last_received_at))) FROM frame_counts),
        (SELECT if(count() = 0, NULL, toUnixTimestamp64Micro(max(at))) FROM connections),
        if(count() = 0, NULL, toUnixTimestamp64Micro(max(w.newest))),
        (SELECT count() FROM frames),
        sumIf(w.written, source = 'discrepancies' AND counts), sumIf(w.written, source = 'sessions')
    FROM judged_writes AS w WHERE judging_run IN %(runs)s"""
    return Pulse(*read(store, query, {"runs": names(store, run)})[0])


_STATE: Final = "if(state = 'closed' AND frames = 0, 'closed-unmirrored', toString(state))"

_KNOWN_CHARGERS: Final = """
    SELECT charger_id FROM frame_counts WHERE charger_id != ''
    UNION ALL SELECT charger_id FROM connections WHERE charger_id != ''
    UNION ALL SELECT charger_id FROM chargers WHERE charger_id != ''
    UNION ALL SELECT charger_id FROM sessions WHERE charger_id != ''"""

# Each part gives every column, zero or empty where it knows nothing: one pass and no join.
_CHARGER_PARTS: Final = f"""
    SELECT charger_id, toString(vendor) AS vendor, toString(model) AS model, toString(firmware) AS firmware,
        version, 0 AS sessions, 0 AS compared, 0 AS critical, 0 AS major, 0 AS minor, 0 AS info,
        toInt64(0) AS seen, '' AS state, toInt64(0) AS opened, 0 AS gaps, 0 AS forwarded, 0 AS parsed
    FROM chargers FINAL WHERE judging_run = '{JUDGING_RUN}'
    UNION ALL
    SELECT charger_id, '', '', '', 0, count(), countIf(judged AND s.compared), 0, 0, 0, 0, 0, '', 0, 0, 0, 0
    FROM sessions AS s FINAL WHERE {{rows}} AND status = 'open' GROUP BY charger_id
    UNION ALL
    SELECT charger_id, '', '', '', 0, 0, 0, countIf(severity = 'critical'), countIf(severity = 'major'),
        countIf(severity = 'minor'), countIf(severity = 'info'), 0, '', 0, 0, 0, 0
    FROM discrepancies FINAL WHERE {{rows}} AND status = 'open' AND {FAULTS} AND {{outside}} GROUP BY charger_id
    {{summed}}
    UNION ALL
    SELECT charger_id, '', '', '', 0, 0, 0, 0, 0, 0, 0, toUnixTimestamp64Micro(max(last_received_at)), '', 0, 0, 0, 0
    FROM frame_counts GROUP BY charger_id
    UNION ALL
    SELECT charger_id, '', '', '', 0, 0, 0, 0, 0, 0, 0,
        ifNull(toUnixTimestamp64Micro(max(last_frame_at)), 0), toString(argMax(c.state, opened_at)),
        toUnixTimestamp64Micro(max(opened_at)), sum(c.gaps), sum(bytes_forwarded), sum(bytes_parsed)
    FROM connections AS c FINAL GROUP BY charger_id"""
_CHARGER_WEEKS: Final = """
    UNION ALL
    SELECT charger_id, '', '', '', 0, 0, 0, sum(w.critical), sum(w.major), sum(w.minor), sum(w.info), 0, '', 0, 0, 0, 0
    FROM charger_weeks AS w WHERE {rows} AND {inside} GROUP BY charger_id"""
