"""One charging station's evidence and outcome as records again: what judging again starts from.

The inverse of `diff.store.rows`, less what a column could not hold (an energy beyond 32 digits is NULL there).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from diff.discrepancy import Discrepancy, JudgedSession
from diff.policy import JUDGING_RUN
from diff.rejudge import Outcome
from diff.store.client import Store
from diff.store.queries.frames import stored_frames
from diff.store.queries.reading import read
from ingest.frame import Frame, Micros

__all__ = ["charger_frames", "chargers_between", "first_seen", "frames_a_charger", "stored_outcome"]

_TIMES: Final = frozenset(
    {"started_at", "stopped_at", "first_received_at", "last_received_at", "occurred_at", "observed_at"}
)
_PAGE: Final = 20_000


def first_seen(store: Store, charger_id: str, run: str = JUDGING_RUN) -> Micros | None:
    """When the first frame ever came of a charging station; None where it is not known."""
    query = """
    SELECT toUnixTimestamp64Micro(min(first_seen)), count() FROM chargers
    WHERE charger_id = %(charger)s AND judging_run = %(run)s"""
    at, count = store.execute(query, {"charger": charger_id, "run": run})[0]
    return int(at) if count else None


def chargers_between(store: Store, since: Micros, until: Micros) -> list[str]:
    """Charging stations that have frames in a time range, both ends included."""
    query = """
    SELECT DISTINCT charger_id FROM frames WHERE charger_id != ''
        AND received_at BETWEEN fromUnixTimestamp64Micro(%(since)s) AND fromUnixTimestamp64Micro(%(until)s)
    ORDER BY charger_id"""
    return [row[0] for row in store.execute(query, {"since": since, "until": until})]


def frames_a_charger(store: Store, since: Micros, until: Micros, only: Sequence[str] = ()) -> dict[str, int]:
    """How many frames charging stations have in a time range, both ends included; repeats count.

    `only`: of these; none: of all that have any.
    """
    query = """
    SELECT charger_id, count() FROM frames
    WHERE charger_id != '' AND (charger_id IN %(only)s OR %(all)s)
        AND received_at BETWEEN fromUnixTimestamp64Micro(%(since)s) AND fromUnixTimestamp64Micro(%(until)s)
    GROUP BY charger_id ORDER BY charger_id"""
    params = {"since": since, "until": until, "only": tuple(only) or ("",), "all": not only}
    return dict(read(store, query, params))


def charger_frames(store: Store, charger_id: str, since: Micros, until: Micros) -> Iterator[Frame]:
    """A charging station's frames in canonical order, page by page, both ends included."""
    after = (since, "", 0)
    while True:
        page = stored_frames(store, charger_id, after, until, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1]
        after = (last.received_at, last.connection_id, last.seq + 1)


def stored_outcome(store: Store, charger_id: str, run: str = JUDGING_RUN) -> Outcome:
    """A charging station's sessions and discrepancies in their newest versions."""
    sessions = _records(store, "sessions", JudgedSession, charger_id, run)
    discrepancies = _records(store, "discrepancies", Discrepancy, charger_id, run)
    return Outcome({one.session_id: one for one in sessions}, {one.id: one for one in discrepancies})


def _records(store: Store, table: str, kind: type[Any], charger_id: str, run: str) -> list[Any]:
    fields = msgspec.structs.fields(kind)
    columns = ", ".join(
        f"toUnixTimestamp64Micro({field.encode_name})" if field.encode_name in _TIMES else f"`{field.encode_name}`"
        for field in fields
    )
    query = f"SELECT {columns} FROM {table} FINAL WHERE charger_id = %(charger)s AND judging_run = %(run)s"
    rows = store.execute(query, {"charger": charger_id, "run": run})
    names = [field.encode_name for field in fields]
    return [msgspec.convert(dict(zip(names, row, strict=True)), kind) for row in rows]
