"""Sums up weeks of discrepancies and sessions that nothing was written to for a while: pages need not read their rows.

A summary is made of a whole week at once, under the count of writes that was there before it was begun. Readers take it
only while that count still stands (`diff.store.queries.weeks`), so a row that comes late makes it absent, never wrong.
A large week that is being written to is summed up every minute for pages, which may be so old.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, Self

from diff.store.client import Store
from diff.store.errors import StoreError, StoreUnavailable
from diff.store.queries.compared import SUMMED as BY_DAY
from diff.store.queries.compared import rows_by_day
from diff.store.queries.filters import FAULTS, SEVERITIES
from diff.store.queries.reading import read
from diff.store.queries.weeks import COLUMNS, DISCREPANCIES, SESSIONS, rows_of_weeks
from ingest.frame import Micros

__all__ = ["Summariser", "summarise"]

_log = logging.getLogger(__name__)

QUIET_SECONDS: Final = 120
"""A week is summed up when nothing was written to it for so long: what a statement has begun is visible by then."""
LARGE: Final = 200_000
"""Rows from which on a week that is being written to is worth it; fewer are read in a moment."""
_EVERY_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 5.0
_KEEP: Final[Micros] = 600_000_000
"""Summaries that a newer one has replaced stay for so long: a page may have begun to read them."""
_MOST: Final = 10
"""Of them, so many lie about before they are deleted."""


def summarise(
    store: Store,
    *,
    quiet_seconds: int = QUIET_SECONDS,
    large: int = LARGE,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Make the summaries that are absent and say how many. Raises what `Store` raises.

    `stop` is asked between two weeks.
    """
    done = 0
    for of, make, tables in _KINDS:
        for week, written, quiet in read(store, _DUE.format(of=of), {"quiet": quiet_seconds, "large": large}):
            if stop():
                return done
            made = int(store.execute("SELECT toUnixTimestamp64Micro(now64(6))")[0][0])
            params = {"week": week, "made": made}
            for query in make:
                read(store, query, params)
            observed = int(read(store, _OBSERVED[of], params)[0][0])
            store.insert(of.made, _MADE, [(week, made, written, observed, quiet)])
            for table in tables:
                if read(store, _OLD.format(f"SELECT uniqExact(made) FROM {table}"), params)[0][0] >= _MOST:
                    store.execute(_OLD.format(f"ALTER TABLE {table} DELETE"), params)
            done += 1
    return done


class Summariser:
    """Sums up in a thread of its own, on connections of its own. A store that is away is asked again later."""

    def __init__(self, store: Store, *, every: float = _EVERY_SECONDS, quiet_seconds: int = QUIET_SECONDS) -> None:
        self._store, self._every, self._quiet_seconds = store, every, quiet_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="summaries", daemon=True)
        self._failure = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let the week that is being summed up come to its end, unless the store does not answer."""
        self._ended.set()
        self._thread.join(_PATIENCE_SECONDS)

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                summarise(self._store, quiet_seconds=self._quiet_seconds, stop=self._ended.is_set)
                self._failure = ""
            except StoreUnavailable:
                pass  # whoever writes says so; without sums pages read the rows
            except StoreError as error:
                if str(error) != self._failure:
                    self._failure = str(error)
                    _log.warning("weeks cannot be summed up, so pages read every row: %s", error)


_DUE: Final = """
    SELECT w.week, w.written, w.last < now('UTC') - toIntervalSecond(%(quiet)s) AS is_quiet
    FROM (SELECT week, sum(written) AS written, max(last) AS last FROM {of.writes} GROUP BY week) AS w
    LEFT JOIN (SELECT week, written, quiet FROM {of.made} FINAL) AS s ON s.week = w.week
    WHERE (s.written != w.written AND (is_quiet OR w.written >= %(large)s)) OR (is_quiet AND NOT s.quiet)
    ORDER BY w.week DESC"""
_MADE: Final = ("week", "made", "written", "observed", "quiet")
_OF_WEEK: Final = "toMonday(first_received_at) = %(week)s"
_COLUMNS: Final = ", ".join(COLUMNS)
_BY_FINGERPRINT: Final = f"""
    INSERT INTO discrepancy_weeks ({_COLUMNS}, made)
    SELECT {_COLUMNS}, %(made)s FROM ({rows_of_weeks("1", _OF_WEEK, with_sets=True)})"""
_COUNTS: Final = ", ".join(f"countIf(severity = '{one}')" for one in SEVERITIES)
_BY_CHARGER: Final = f"""
    INSERT INTO charger_weeks (judging_run, week, made, charger_id, {", ".join(SEVERITIES)}, ingested_at)
    SELECT judging_run, %(week)s, %(made)s, charger_id, {_COUNTS}, max(ingested_at)
    FROM discrepancies FINAL
    WHERE {_OF_WEEK} AND status = 'open' AND {FAULTS}
    GROUP BY judging_run, charger_id"""
_DAYS: Final = ", ".join(BY_DAY)
_BY_DAY: Final = f"""
    INSERT INTO session_weeks ({_DAYS}, week, made)
    SELECT {_DAYS}, %(week)s, %(made)s FROM ({rows_by_day(_OF_WEEK)})"""
_KINDS: Final = (
    (DISCREPANCIES, (_BY_FINGERPRINT, _BY_CHARGER), ("discrepancy_weeks", "charger_weeks")),
    (SESSIONS, (_BY_DAY,), ("session_weeks",)),
)
_OBSERVED: Final = {
    DISCREPANCIES: """
    SELECT toUnixTimestamp64Micro(max(observed_at)) FROM discrepancy_weeks
    WHERE week = %(week)s AND made = %(made)s""",
    # Row by row, since only the day stands in the sums. A row that comes meanwhile makes the summary absent.
    SESSIONS: f"SELECT toUnixTimestamp64Micro(max(last_received_at)) FROM sessions WHERE {_OF_WEEK}",
}
_OLD: Final = f"{{}} WHERE week = %(week)s AND made < %(made)s - {_KEEP}"
