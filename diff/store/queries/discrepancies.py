"""Discrepancies: by fingerprint, and one by one."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

import msgspec

from diff.judging import CURRENT
from diff.store.client import Store
from diff.store.queries.filters import ACTION, SEVERITY_RANK, Filter
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from diff.store.queries.weeks import Weeks, inside, outside, summarised, sums
from ingest.frame import Micros

__all__ = ["Choices", "Group", "Occurrence", "choices", "groups", "occurrences"]


class Group(msgspec.Struct, frozen=True):
    """The discrepancies of one fingerprint that meet a filter."""

    fingerprint: str
    severity: str
    code: str
    title: str
    class_: str
    chargers: int
    sessions: int
    occurrences: int
    """How often it was seen, over all its discrepancies."""
    open: int
    withdrawn: int
    first_seen: Micros
    last_seen: Micros
    delta: Decimal | None
    """Sum over the open ones that have one; None where none has."""
    unit: str | None
    total: int
    """Groups that meet the filter, listed or not."""


class Occurrence(msgspec.Struct, frozen=True):
    """One discrepancy in its newest version."""

    id: str
    code: str
    class_: str
    severity: str
    status: str
    charger_id: str
    connector_id: int | None
    evse_id: int | None
    session_id: str | None
    path: str
    primary: str | None
    shadow: str | None
    delta: Decimal | None
    unit: str | None
    frames: tuple[str, ...]
    occurrences: int
    occurred_at: Micros | None
    observed_at: Micros
    first_received_at: Micros
    fingerprint: str
    title: str
    detail: str
    vendor: str
    model: str
    firmware: str
    mapper_version: str
    policy_version: str


class Choices(msgspec.Struct, frozen=True):
    """What there is to choose from, of charging stations that have discrepancies. At most 1,000 each."""

    vendors: tuple[str, ...]
    models: tuple[str, ...]
    firmwares: tuple[str, ...]
    actions: tuple[str, ...] = ()


def groups(store: Store, chosen: Filter, limit: int = 200) -> list[Group]:
    """The fingerprints that meet the filter, the worst and then the most frequent first."""
    rows_of = counting(store, chosen.run)
    where, also, params = chosen.split(rows_of)
    weeks = Weeks() if chosen.narrow else summarised(store, rows_of, since=chosen.since, until=chosen.until)
    query = f"""
    SELECT fingerprint_key, any(severity), any(code), any(class), sum(occurrences),
        sumIf(row_count, status = 'open') AS open_count, sum(row_count) - open_count,
        toUnixTimestamp64Micro(min(s.first_received_at)), toUnixTimestamp64Micro(max(s.observed_at)),
        sumIf(s.delta, status = 'open'), any(unit), count() OVER (), min({SEVERITY_RANK}) AS rank
    FROM {sums(where, weeks, also=also)} AS s
    GROUP BY fingerprint_key ORDER BY rank, open_count DESC, fingerprint_key LIMIT %(limit)s"""
    found = read(store, query, params | {"limit": limit})
    if not found:
        return []
    # Counting distinct ones and reading texts is most of the work: it is done for those that are listed.
    listed = sums(f"{where} AND fingerprint_key IN %(listed)s", weeks, also=also, with_sets=True)
    query = f"""
    SELECT fingerprint_key, f.fingerprint, f.title, chargers, sessions
    FROM (
        SELECT fingerprint_key, uniqExactMerge(s.chargers) AS chargers,
            uniqExactMerge(s.sessions) - max(s.sessionless) AS sessions
        FROM {listed} AS s GROUP BY fingerprint_key
    ) AS d INNER JOIN (SELECT * FROM fingerprints FINAL) AS f ON f.fingerprint_key = d.fingerprint_key"""
    texts = {row[0]: row[1:] for row in read(store, query, params | {"listed": tuple(row[0] for row in found)})}
    # One that a new version has just moved to another group has no text here, and will be there when asked again.
    ranked = [(row[-1], _group(row, *texts[row[0]])) for row in found if row[0] in texts]
    return [group for _, group in sorted(ranked, key=lambda one: (one[0], -one[1].open, one[1].fingerprint))]


def occurrences(store: Store, chosen: Filter, limit: int = 20) -> list[Occurrence]:
    """The discrepancies that meet the filter, the latest first."""
    rows_of = counting(store, chosen.run)
    where, params = chosen.where(rows_of)
    # Found among all versions, which is many times quicker than among those that stand; one that no longer stands falls
    # away, and where too few are left of as many as were looked for, the others are looked through.
    found = _among_the_newest(store, chosen, rows_of, limit * _SLACK)
    if not found:
        found = read(store, _LATEST.format(rows="discrepancies", where=where), params | {"limit": limit * _SLACK})
    rows = _standing(store, where, params, limit, found)
    if len(rows) < limit and len(found) == limit * _SLACK:
        found = read(store, _LATEST.format(rows="discrepancies FINAL", where=where), params | {"limit": limit})
        rows = _standing(store, where, params, limit, found)
    return [_occurrence(row) for row in rows]


def _among_the_newest(store: Store, chosen: Filter, rows_of: str, limit: int) -> list[tuple[Any, ...]]:
    """The latest of a fingerprint from its newest weeks alone, or nothing where they may lie in others.

    One that is seen all the time has so many in the newest weeks, and the sums say how late those of the others are.
    """
    where, also, params = chosen.split(rows_of)
    weeks = summarised(store, rows_of) if chosen.fingerprint and also == "1" else Weeks()
    if not weeks.taken:
        return []
    query = f"""
    SELECT week, sum(row_count), toUnixTimestamp64Micro(max(w.observed_at)) FROM discrepancy_weeks AS w
    WHERE {inside(weeks)} AND {where} GROUP BY week ORDER BY week DESC"""
    sums_of = read(store, query, params)
    enough = next(
        (place for place, so_far in enumerate(accumulate(row[1] for row in sums_of)) if so_far >= limit), None
    )
    if enough is None:
        return []
    newest = f"{where} AND (toMonday(first_received_at) >= '{sums_of[enough][0]}' OR {outside(weeks)})"
    found = read(store, _LATEST.format(rows="discrepancies", where=newest), params | {"limit": limit})
    latest_of_others = max((row[2] for row in sums_of[enough + 1 :]), default=0)
    return found if len(found) == limit and found[-1][-1] > latest_of_others else []


def _standing(
    store: Store, where: str, params: dict[str, object], limit: int, found: list[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Of some rows those that meet a condition, in their newest versions, the latest first."""
    if not found:
        return []
    # When its first evidence came no version of a row changes: the weeks without any of them are not even looked at.
    moments = [row[4] for row in found]
    chosen = {"limit": limit, "keys": sorted({row[:4] for row in found}), "least": min(moments), "most": max(moments)}
    query = f"""
    SELECT {_OCCURRENCE} FROM discrepancies FINAL
    WHERE (charger_id, code, judging_run, id) IN %(keys)s AND {where}
        AND first_received_at >= fromUnixTimestamp64Micro(%(least)s, 'UTC')
        AND first_received_at <= fromUnixTimestamp64Micro(%(most)s, 'UTC')
    ORDER BY observed_at DESC, id LIMIT %(limit)s"""
    return read(store, query, params | chosen)


def choices(store: Store, run: str = CURRENT) -> Choices:
    """List the kinds of charging stations."""
    rows_of = counting(store, run)
    query = f"""
    SELECT arraySort(groupUniqArray(1000)(vendor)), arraySort(groupUniqArray(1000)(model)),
        arraySort(groupUniqArray(1000)(firmware)), arraySort(groupUniqArrayIf(1000)({ACTION}, match(path, '^[A-Z]')))
    FROM {sums(rows_of, summarised(store, rows_of))}"""
    row = read(store, query)[0]
    return Choices(*(tuple(value for value in column if value) for column in row))


def _group(row: tuple[Any, ...], fingerprint: str, title: str, chargers: int, sessions: int) -> Group:
    _, severity, code, class_, seen, open_, withdrawn, first, last, delta, unit, total, _ = row
    return Group(
        fingerprint,
        severity,
        code,
        title,
        class_,
        chargers,
        sessions,
        seen,
        open_,
        withdrawn,
        first,
        last,
        delta,
        unit,
        total,
    )


def _occurrence(row: tuple[object, ...]) -> Occurrence:
    return msgspec.convert(dict(zip(_FIELDS, row, strict=True)), Occurrence)


_SLACK: Final = 2
_LATEST: Final = """
    SELECT charger_id, code, judging_run, id, toUnixTimestamp64Micro(first_received_at),
        toUnixTimestamp64Micro(observed_at)
    FROM {rows} WHERE {where}
    ORDER BY observed_at DESC, id LIMIT %(limit)s"""
_FIELDS: Final = Occurrence.__struct_fields__
_TIMES: Final = {"occurred_at", "observed_at", "first_received_at"}
_OCCURRENCE: Final = ", ".join(
    f"toUnixTimestamp64Micro({field})" if field in _TIMES else field.rstrip("_") for field in _FIELDS
)
