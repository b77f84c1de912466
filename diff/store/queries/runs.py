"""Judging runs: which rows of the judged tables count, what runs there are, and what people decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from diff.judging import CURRENT, Decision, JudgingRun, Stretch, in_force, name_of
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.reading import read
from ingest.frame import Micros

__all__ = [
    "condition",
    "counting",
    "decide",
    "decisions",
    "drop_rows",
    "judging_runs",
    "names",
    "open_rows",
    "placed_rows",
    "save_run",
    "stretches",
    "unstored",
]

_RUN: Final = JudgingRun.__struct_fields__
_DECISION: Final = Decision.__struct_fields__
_TIMES: Final = frozenset({"since", "until", "lived_until", "at"})


def counting(store: Store, run: str = CURRENT) -> str:
    """The condition on `sessions` or `discrepancies` for the rows that count: of one run, or of whichever is current.

    Asks one table of a few rows. Where nothing but the live run is current the condition is about its name alone.
    """
    return condition(stretches(store)) if run == CURRENT else f"judging_run = '{_checked(run)}'"


def names(store: Store, run: str = CURRENT) -> tuple[str, ...]:
    """The runs of which `counting` has rows count, whenever their first evidence came."""
    return (JUDGING_RUN, *(one.run for one in stretches(store))) if run == CURRENT else (run,)


def condition(current: tuple[Stretch, ...]) -> str:
    """The condition as SQL. A row belongs to the time of its first evidence, which none of its versions changes."""
    live = f"judging_run = '{JUDGING_RUN}'"
    if not current:
        return live
    names = ", ".join(f"'{name}'" for name in sorted({JUDGING_RUN, *(_checked(one.run) for one in current)}))
    elsewhere = " AND ".join(f"NOT ({_within(one)})" for one in current)
    ranges = " OR ".join(f"(judging_run = '{one.run}' AND {_within(one)})" for one in current)
    # The names stand by themselves, too: they are part of the primary key.
    return f"(judging_run IN ({names}) AND (({live} AND {elsewhere}) OR {ranges}))"


def stretches(store: Store) -> tuple[Stretch, ...]:
    """Where another run than the live one is current."""
    return in_force(decisions(store))


def decisions(store: Store) -> list[Decision]:
    """All that was decided, the first first."""
    query = f"SELECT {_columns(_DECISION)} FROM current_runs AS r FINAL ORDER BY r.at"
    return [Decision(*row) for row in read(store, query)]


def decide(store: Store, decision: Decision) -> None:
    """Keep a decision. It holds from the next query on."""
    store.insert("current_runs", _DECISION, [msgspec.structs.astuple(decision)])


def judging_runs(store: Store) -> list[JudgingRun]:
    """The runs that there are, those that were judged last first; the live one is not among them."""
    query = f"SELECT {_columns(_RUN)} FROM judging_runs AS r FINAL WHERE NOT r.dropped ORDER BY r.at DESC, r.name"
    return [msgspec.convert(dict(zip(_RUN, row, strict=True)), JudgingRun) for row in read(store, query)]


def save_run(store: Store, run: JudgingRun) -> None:
    """Keep a run as it stands."""
    store.insert("judging_runs", _RUN, [(*msgspec.structs.astuple(run),)])


def placed_rows(store: Store, table: str, charger_ids: Sequence[str]) -> dict[str, Micros]:
    """When the first evidence of the live run's rows of some charging stations came, by id."""
    key = {"sessions": "session_id", "discrepancies": "id"}[table]
    # Without FINAL: all versions of a row have the same time.
    query = f"""
    SELECT {key}, toUnixTimestamp64Micro(min(first_received_at)) FROM {table}
    WHERE charger_id IN %(chargers)s AND judging_run = '{JUDGING_RUN}' GROUP BY {key}"""
    return dict(read(store, query, {"chargers": tuple(charger_ids)}))


def open_rows(store: Store, table: str, run: str) -> int:
    """How many rows of a run hold."""
    query = f"SELECT count() FROM {table} FINAL WHERE judging_run = '{_checked(run)}' AND status = 'open'"
    return int(read(store, query)[0][0])


def drop_rows(store: Store, run: str) -> None:
    """Remove a run's rows; returns when they are gone."""
    for table in _OF_RUNS:
        query = f"ALTER TABLE {table} DELETE WHERE judging_run = '{name_of(run)}'"
        store.execute(query, settings={"mutations_sync": 1})


def unstored(store: Store, since: Micros, until: Micros, only: tuple[str, ...] = ()) -> tuple[int, Micros]:
    """How many charging stations have sessions in a range whose frames are not stored any more, and the latest of them.

    Told by the live run: a session that begins before the oldest frame that is left of its charging station.
    """
    query = f"""
    SELECT uniqExact(s.charger_id), toUnixTimestamp64Micro(max(greatest(s.first_received_at, f.oldest)))
    FROM (
        SELECT charger_id, first_received_at FROM sessions FINAL
        WHERE judging_run = '{JUDGING_RUN}' AND status = 'open' AND first_received_at >= {_moment(since)}
            AND first_received_at < {_moment(until)} AND (charger_id IN %(only)s OR %(all)s)
    ) AS s
    LEFT JOIN (
        SELECT charger_id, min(received_at) AS oldest FROM frames GROUP BY charger_id
    ) AS f ON f.charger_id = s.charger_id
    WHERE f.charger_id = '' OR s.first_received_at < f.oldest"""
    count, latest = read(store, query, {"only": only or ("",), "all": not only})[0]
    return int(count), int(latest)


def _within(one: Stretch) -> str:
    return f"first_received_at >= {_moment(one.since)} AND first_received_at < {_moment(one.until)}"


def _moment(at: Micros) -> str:
    return f"fromUnixTimestamp64Micro({int(at)}, 'UTC')"


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(f"toUnixTimestamp64Micro(r.{name})" if name in _TIMES else f"r.{name}" for name in names)


def _checked(name: Any) -> str:
    return JUDGING_RUN if name == JUDGING_RUN else name_of(name)


_OF_RUNS: Final = ("sessions", "discrepancies", "discrepancy_weeks", "charger_weeks", "session_weeks", "judged_writes")
