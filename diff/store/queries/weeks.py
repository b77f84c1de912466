"""All discrepancies as sums: from the summaries of the weeks that have one, row by row from the others.

Every week is read in one of the two ways, and both give the same columns, so the sums over them are exact whichever
weeks have a summary. Conditions may speak of what a row is grouped by (run, fingerprint, status, severity, class) and
of what a fingerprint fixes (code, vendor, model, firmware, action); of times where they cut no week; a question about
single charging stations or sessions is asked of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from diff.gates.evidence import DAY
from diff.store.client import Store
from diff.store.queries.reading import read
from ingest.frame import Micros

__all__ = [
    "COLUMNS",
    "DISCREPANCIES",
    "SESSIONS",
    "STALE_SECONDS",
    "Summed",
    "Week",
    "Weeks",
    "inside",
    "outside",
    "rows_of_weeks",
    "standing",
    "summarised",
    "sums",
]


STALE_SECONDS: Final = 90


class Summed(msgspec.Struct, frozen=True):
    """A table whose quiet weeks are summed up, and the tables that say which of the sums stand."""

    rows: str
    writes: str
    """How often each week was written to."""
    made: str
    """The last summary of each week."""


DISCREPANCIES: Final = Summed("discrepancies", "discrepancy_writes", "summarised_weeks")
SESSIONS: Final = Summed("sessions", "session_writes", "summarised_session_weeks")


class Week(msgspec.Struct, frozen=True):
    """A week whose summary still stands."""

    begin: date
    """A Monday, by UTC."""
    made: int
    """Which of its summaries."""
    observed: Micros
    """When the last evidence of its discrepancies or sessions came."""

    @property
    def first(self) -> Micros:
        """Its first moment."""
        return (self.begin - date(1970, 1, 1)).days * DAY

    @property
    def end(self) -> Micros:
        """The first moment behind it."""
        return self.first + 7 * DAY


class Weeks(msgspec.Struct, frozen=True):
    """What need not be read row by row for a question."""

    taken: tuple[Week, ...] = ()
    """All their discrepancies meet its times: their sums are taken."""
    left_out: tuple[Week, ...] = ()
    """None of theirs does."""


def summarised(
    store: Store, counting: str, *, since: Micros | None = None, until: Micros | None = None, exact: bool = False
) -> Weeks:
    """The weeks with a summary that still stands, for a question about rows seen since a time and begun before one.

    Of a week that is being written to a summary may be `STALE_SECONDS` old, unless `exact`: no page minds, verdicts do.

    `counting`: the condition for the rows of a run. Where it speaks of times, as while another run than the live one is
    current for a stretch, no sum meets it.
    """
    if "first_received_at" in counting:
        return Weeks()
    taken, left_out = list[Week](), list[Week]()
    for week in standing(store, DISCREPANCIES, exact=exact):
        if (since is not None and week.observed < since) or (until is not None and week.first >= until):
            left_out.append(week)
        elif (since is None or week.first >= since) and (until is None or week.end <= until):
            taken.append(week)
    return Weeks(tuple(taken), tuple(left_out))


def standing(store: Store, of: Summed, *, exact: bool) -> list[Week]:
    """The weeks with a summary that still stands, the first first; see `summarised`."""
    query = _STANDING.format(of=of)
    return [Week(*row) for row in read(store, query, {"stale": 0 if exact else STALE_SECONDS})]


def sums(where: str, weeks: Weeks, *, also: str = "1", with_sets: bool = False) -> str:
    """SQL: sums by run, week, fingerprint, status, severity and class, of all rows that meet a condition.

    `where` is asked of rows and of sums, `also` of the rows alone that are read one by one: `weeks` has to be such that
    the sums meet it. `with_sets`: with the sets of charging stations and sessions, to be merged (`uniqExactMerge`);
    leave them out where nobody asks.
    """
    direct = rows_of_weeks(where, f"{also} AND {outside(weeks)}", with_sets=with_sets)
    if not weeks.taken:
        return f"({direct})"
    columns = ", ".join((*_KEY, *_SUMS, *(_SETS if with_sets else ())))
    return f"""(
    SELECT {columns} FROM discrepancy_weeks WHERE {inside(weeks)} AND {where}
    UNION ALL
    {direct})"""


def rows_of_weeks(where: str, also: str, *, with_sets: bool) -> str:
    """SQL: the same sums, row by row."""
    chosen = _SUMS | (_SETS if with_sets else {})
    columns = ", ".join(f"{sql} AS {name}" for name, sql in chosen.items())
    return f"""
    SELECT d.judging_run AS judging_run, toMonday(d.first_received_at) AS week, d.fingerprint_key AS fingerprint_key,
        d.status AS status, d.severity AS severity, d.class AS class, {columns}
    FROM (SELECT *, charger_key, session_key, fingerprint_key FROM discrepancies FINAL WHERE {where} AND {also}) AS d
    GROUP BY judging_run, week, fingerprint_key, status, severity, class"""


def inside(weeks: Weeks) -> str:
    """SQL: the condition for the summaries of the weeks that are taken, of which there has to be one."""
    pairs = ", ".join(f"('{one.begin}', {one.made})" for one in weeks.taken)
    return f"(week, made) IN ({pairs})"


def outside(weeks: Weeks) -> str:
    """SQL: the condition for the rows of all other weeks.

    As ranges of time, by which partitions are left out before anything of them is read.
    """
    begins = sorted(one.begin for one in weeks.taken + weeks.left_out)
    ranges = [
        f"(first_received_at >= {_moment(begin)} AND first_received_at < {_moment(end)})"
        for begin, end in _stretches(begins)
    ]
    return f"NOT ({' OR '.join(ranges)})" if ranges else "1"


def _stretches(begins: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Weeks that follow each other, as one: from the first day to the day behind the last."""
    begin: date | None = None
    for place, day in enumerate(begins):
        begin = begin or day
        if place + 1 == len(begins) or begins[place + 1] != day + _WEEK:
            yield begin, day + _WEEK
            begin = None


def _moment(day: date) -> str:
    return f"toDateTime64('{day} 00:00:00', 6, 'UTC')"


_WEEK: Final = timedelta(days=7)
_KEY: Final = ("judging_run", "week", "fingerprint_key", "status", "severity", "class")
_SUMS: Final = {
    "fingerprint": "any(d.fingerprint)",
    "title": "any(d.title)",
    "code": "any(d.code)",
    "path": "any(d.path)",
    "vendor": "any(d.vendor)",
    "model": "any(d.model)",
    "firmware": "any(d.firmware)",
    "unit": "any(d.unit)",
    "row_count": "count()",
    "occurrences": "sum(d.occurrences)",
    "first_received_at": "min(d.first_received_at)",
    "observed_at": "max(d.observed_at)",
    "delta": "sum(d.delta)",
    "magnitude": "sumIf(abs(d.delta), d.unit = 'Wh')",
    "more": "sumIf(d.delta, d.delta > 0)",
    "less": "sumIf(-d.delta, d.delta < 0)",
    "largest": "max(abs(d.delta))",
    "unknown": "countIf(d.delta IS NULL)",
    "days": f"""arrayDistinct(arrayConcat(
        groupUniqArray(toUInt32(intDiv(toUnixTimestamp64Micro(d.first_received_at), {DAY}))),
        groupUniqArray(toUInt32(intDiv(toUnixTimestamp64Micro(d.observed_at), {DAY})))))""",
    "begun": f"[{', '.join(f'countIf(toDayOfWeek(d.first_received_at) = {number})' for number in range(1, 8))}]",
}
_SETS: Final = {
    "chargers": "uniqExactState(d.charger_key)",
    "sessions": "uniqExactState(d.session_key)",
    "sessionless": "max(d.session_key = 0)",
    # A sum goes when its rows do, however late it was made.
    "ingested_at": "max(d.ingested_at)",
}
COLUMNS: Final = (*_KEY, *_SUMS, *_SETS)
"""What `rows_of_weeks` gives with sets, and what the table `discrepancy_weeks` holds."""
_STANDING: Final = """
    SELECT s.week, s.made, s.observed FROM (SELECT * FROM {of.made} FINAL) AS s
    INNER JOIN (SELECT week, sum(written) AS written FROM {of.writes} GROUP BY week) AS w ON w.week = s.week
    WHERE (s.quiet AND s.written = w.written)
        OR (NOT s.quiet AND s.made > toUnixTimestamp64Micro(now64(6)) - toInt64(%(stale)s) * 1000000)
    ORDER BY s.week"""
