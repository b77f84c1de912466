"""Sessions as sums by vendor, model, firmware and day: the denominators of every rate.

As with discrepancies (`diff.store.queries.weeks`) each week is read in one of two ways, from its summary or row by row,
and both give the same. Only sessions that hold are counted.
"""

from __future__ import annotations

from typing import Final

from diff.gates.evidence import DAY
from diff.store.client import Store
from diff.store.queries.weeks import SESSIONS, Weeks, inside, outside, standing
from ingest.frame import Micros

__all__ = ["SUMMED", "rows_by_day", "sessions_by_day"]


def sessions_by_day(
    store: Store, counting: str, *, until: Micros | None = None, place: str = "1", exact: bool = False
) -> str:
    """SQL: `total`, `judged_count`, `compared_count` and `complete_count` by run, vendor, model, firmware and day.

    A day (since 1970, UTC) is that of a session's newest evidence. `counting`: the condition for the rows of a run.
    `until`: with newest evidence up to a time. `place`: on which charging stations, a condition that only rows can
    answer. `exact`: see `diff.store.queries.weeks.summarised`.
    """
    weeks = _weeks(store, counting, until, exact=exact) if place == "1" else Weeks()
    up_to = "1" if until is None else f"last_received_at <= fromUnixTimestamp64Micro({int(until)}, 'UTC')"
    direct = rows_by_day(f"{counting} AND {up_to} AND {place} AND {outside(weeks)}")
    if not weeks.taken:
        return f"({direct})"
    return f"""(
    SELECT {", ".join((*_KEY, *_COUNTS))} FROM session_weeks WHERE {inside(weeks)} AND {counting}
    UNION ALL
    {direct})"""


def rows_by_day(where: str) -> str:
    """SQL: the same, row by row."""
    counts = ", ".join(f"{sql} AS {name}" for name, sql in _COUNTS.items())
    return f"""
    SELECT s.judging_run AS judging_run, s.vendor AS vendor, s.model AS model, s.firmware AS firmware,
        toUInt32(intDiv(toUnixTimestamp64Micro(s.last_received_at), {DAY})) AS day, {counts}
    FROM (SELECT * FROM sessions FINAL WHERE {where} AND status = 'open') AS s
    GROUP BY judging_run, vendor, model, firmware, day"""


def _weeks(store: Store, counting: str, until: Micros | None, *, exact: bool) -> Weeks:
    if "first_received_at" in counting:
        return Weeks()
    every = standing(store, SESSIONS, exact=exact)
    if until is None:
        return Weeks(tuple(every))
    # A session may end weeks after its week: the newest evidence says whether all of them meet the time.
    taken = tuple(one for one in every if one.observed <= until)
    return Weeks(taken, tuple(one for one in every if one.first > until))


_KEY: Final = ("judging_run", "vendor", "model", "firmware", "day")
_COUNTS: Final = {
    "total": "count()",
    "judged_count": "countIf(s.judged)",
    "compared_count": "countIf(s.judged AND s.compared)",
    "complete_count": "countIf(s.judged AND s.complete)",
    # A sum goes when its rows do, however late it was made.
    "ingested_at": "max(s.ingested_at)",
}
SUMMED: Final = (*_KEY, *_COUNTS)
"""What `rows_by_day` gives."""
