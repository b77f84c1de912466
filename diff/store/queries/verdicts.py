"""Verdicts that were given: what the last one was, and how they changed."""

from __future__ import annotations

from typing import Final

from diff.store.client import Store
from diff.store.queries.reading import read
from diff.store.tables import StoredVerdict
from ingest.frame import Micros

__all__ = ["COLUMNS", "latest_verdict", "verdict_history"]

_TIMES: Final = {"at", "decided_at"}
COLUMNS: Final = ", ".join(
    f"toUnixTimestamp64Micro(v.{name})" if name in _TIMES else f"v.{name}" for name in StoredVerdict.__struct_fields__
)
"""SQL: a row of `verdicts AS v` in the order of `StoredVerdict`."""


def verdict_history(store: Store, cohort: str = "", limit: int = 200) -> list[StoredVerdict]:
    """The verdicts on a cohort, or on all of them, the latest first."""
    query = f"""
    SELECT {COLUMNS} FROM verdicts AS v FINAL WHERE v.cohort = %(cohort)s OR %(cohort)s = ''
    ORDER BY v.at DESC, v.cohort LIMIT %(limit)s"""
    return [StoredVerdict(*row) for row in read(store, query, {"cohort": cohort, "limit": limit})]


def latest_verdict(store: Store, cohort: str = "", before: Micros | None = None) -> StoredVerdict | None:
    """The latest verdict about a time before another; on any cohort where none is named. None where there is none."""
    query = f"""
    SELECT {COLUMNS} FROM verdicts AS v FINAL
    WHERE (v.cohort = %(cohort)s OR %(cohort)s = '')
        AND (%(before)s = 0 OR v.at < fromUnixTimestamp64Micro(%(before)s, 'UTC'))
    ORDER BY v.at DESC, v.decided_at DESC, v.cohort LIMIT 1"""
    found = read(store, query, {"cohort": cohort, "before": before or 0})
    return StoredVerdict(*found[0]) if found else None
