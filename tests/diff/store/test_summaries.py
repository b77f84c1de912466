"""Sums by week: whatever weeks have one, every answer is that of the rows themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Final, cast

import pytest

from bench.generated import Size, generate
from diff.policy import JUDGING_RUN
from diff.store import queries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries import Filter, weeks
from diff.store.queries.causes import DayCount, causes, daily
from diff.store.queries.compared import sessions_by_day
from diff.store.queries.fingerprints import at_the_same_place, fingerprint_lines
from diff.store.queries.runs import drop_rows
from diff.store.queries.weeks import standing, summarised
from diff.store.summaries import Summariser, summarise
from tests.running import until

_DAY: Final = 86_400_000_000
_SUMMED: Final = (weeks.DISCREPANCIES, weeks.SESSIONS)
_LIVE: Final = f"judging_run = '{JUDGING_RUN}'"
_SIZE: Final = Size(discrepancies=3_000, frames=1_000, messages=20, sessions=900, chargers=60, fingerprints=72)


@pytest.fixture(scope="module")
def filled(engine: EmbeddedEngine) -> Iterator[Store]:
    """Three months of discrepancies, summed up but for the last days; the tests write to it, each what it is about."""
    with Store.connect(engine.url("summaries")) as store:
        store.migrate()
        generate(store, _SIZE)
        yield store
        with store.beside("default") as server:
            server.execute("DROP DATABASE summaries")


def _answers(store: Store) -> dict[str, object]:
    """Everything that is read from sums, by every kind of filter."""
    now = _last(store)
    first = queries.groups(store, Filter(), limit=1)[0]
    path = queries.occurrences(store, Filter(fingerprint=first.fingerprint), limit=1)[0].path
    filters = {
        "withdrawn": Filter(status="withdrawn", losses=True),
        "a kind": Filter(vendors=("Cedar",), classes=("quality",), severities=("major", "minor")),
        "since 40 days": Filter(since=now - 40 * _DAY - 12_345),
        "ten days": Filter(since=now - 40 * _DAY, until=now - 30 * _DAY, status="open"),
        "a charging station": Filter(charger="CP-000000*"),
    }
    found: dict[str, object] = {name: queries.groups(store, one) for name, one in filters.items()}
    return found | {
        "severities": queries.severities(store),
        "money": queries.money_at_stake(store, Decimal("0.39")),
        "choices": queries.choices(store),
        "chargers": queries.chargers(store),
        "causes": causes(store, Filter(status="open"), now),
        "latest": queries.occurrences(store, Filter(fingerprint=first.fingerprint), limit=3),
        "latest open": queries.occurrences(store, Filter(fingerprint=first.fingerprint, status="open"), limit=3),
        "all of it": queries.occurrences(store, Filter(fingerprint=first.fingerprint), limit=1000),
        "denominators": queries.denominators(store),
        "overview": queries.overview(store),
        "daily": daily(store, first.fingerprint, now, days=100),
        "lines a month ago": fingerprint_lines(store, now - 30 * _DAY),
        "place": at_the_same_place(store, now, first.code, path),
    }


def _last(store: Store) -> int:
    return int(store.execute("SELECT toUnixTimestamp64Micro(max(observed_at)) FROM discrepancies")[0][0])


def _by_rows(store: Store, ask: Callable[[Store], dict[str, object]]) -> dict[str, object]:
    """The answers of a store without any sums."""
    columns = ("week", "made", "written", "observed", "quiet")
    kept = {of.made: store.execute(f"SELECT {', '.join(columns)} FROM {of.made} FINAL") for of in _SUMMED}
    for table in kept:
        store.execute(f"TRUNCATE TABLE {table}")
    answers = ask(store)
    for table, rows in kept.items():
        store.insert(table, columns, rows)
    return answers


def test_sums_give_the_answers_of_the_rows(filled: Store) -> None:
    """With every week but the last ones summed up, each question is answered as by reading all rows."""
    assert len(summarised(filled, _LIVE, exact=True).taken) >= 10
    assert len(standing(filled, weeks.SESSIONS, exact=True)) >= 10
    rows = _by_rows(filled, _answers)
    assert _answers(filled) == rows
    assert rows["causes"]
    assert sum(one.open for one in cast("list[DayCount]", rows["daily"])) > 0


def test_a_row_that_comes_late_makes_the_sum_absent_and_not_wrong(filled: Store) -> None:
    """A newer version of a row in a week of long ago is seen at once, before and after that week is summed up anew."""
    before = summarised(filled, _LIVE, exact=True).taken
    names = ", ".join(row[0] for row in filled.execute(_COLUMNS))
    late = f"SELECT {names} FROM discrepancies FINAL WHERE status = 'open'"
    late += " AND first_received_at < (SELECT min(first_received_at) FROM discrepancies) + INTERVAL 9 DAY"
    newer = f"SELECT * REPLACE ('withdrawn' AS status, version + 1 AS version) FROM ({late})"
    filled.execute(f"INSERT INTO discrepancies ({names}) {newer}")
    after = summarised(filled, _LIVE, exact=True).taken
    assert len(before) - len(after) in (2, 3)
    rows = _by_rows(filled, _answers)
    assert _answers(filled) == rows
    assert summarise(filled, quiet_seconds=-1) > 0
    assert len(summarised(filled, _LIVE, exact=True).taken) >= len(before)
    assert _answers(filled) == rows


def test_the_latest_may_be_of_long_ago(filled: Store) -> None:
    """What began in the first week and was seen again just now is the latest, before and after that is summed up."""
    wanted = queries.groups(filled, Filter(), limit=1)[0].fingerprint
    names = ", ".join(row[0] for row in filled.execute(_COLUMNS))
    old = f"SELECT {names} FROM discrepancies FINAL WHERE fingerprint = '{wanted}' ORDER BY first_received_at LIMIT 1"
    again = f"SELECT * REPLACE (now64(6) + INTERVAL 1 DAY AS observed_at, version + 1 AS version) FROM ({old})"
    filled.execute(f"INSERT INTO discrepancies ({names}) {again}")
    for _ in range(2):
        latest = queries.occurrences(filled, Filter(fingerprint=wanted), limit=2)
        assert (
            latest[0].first_received_at < latest[1].first_received_at <= latest[1].observed_at < latest[0].observed_at
        )
        summarise(filled, quiet_seconds=-1)


def test_a_session_that_comes_late_makes_the_sum_absent_and_not_wrong(filled: Store) -> None:
    """A session of long ago that is taken back is gone from every denominator, before and after it is summed up."""
    before, counted = standing(filled, weeks.SESSIONS, exact=True), queries.denominators(filled)
    names = ", ".join(row[0] for row in filled.execute(_COLUMNS.replace("discrepancies", "sessions")))
    late = f"SELECT {names} FROM sessions FINAL WHERE status = 'open' ORDER BY first_received_at LIMIT 20"
    newer = f"SELECT * REPLACE ('withdrawn' AS status, version + 1 AS version) FROM ({late})"
    filled.execute(f"INSERT INTO sessions ({names}) {newer}")
    assert 1 <= len(before) - len(standing(filled, weeks.SESSIONS, exact=True)) <= 2
    rows = _by_rows(filled, _answers)
    assert _answers(filled) == rows
    assert queries.denominators(filled).compared == counted.compared - 20
    assert summarise(filled, quiet_seconds=-1) > 0
    assert len(standing(filled, weeks.SESSIONS, exact=True)) == len(before)
    assert _answers(filled) == rows


def test_a_verdict_of_long_ago_counts_the_sessions_of_then(filled: Store) -> None:
    """A session counts by its newest evidence: a week of which one ended later is read row by row."""
    at = standing(filled, weeks.SESSIONS, exact=True)[5].observed - 1
    lines = fingerprint_lines(filled, at)
    assert lines
    assert lines == _by_rows(filled, lambda store: {"": fingerprint_lines(store, at)})[""]
    of_then = sessions_by_day(filled, _LIVE, until=at, exact=True)
    seen = filled.execute(f"SELECT sum(total) FROM {of_then}")[0][0]
    up_to = (
        f"SELECT count() FROM sessions FINAL WHERE status = 'open' AND toUnixTimestamp64Micro(last_received_at) <= {at}"
    )
    assert seen == filled.execute(up_to)[0][0] < queries.denominators(filled).sessions


def test_a_week_that_is_written_to_is_summed_up_for_a_moment(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large live week has a sum that pages take while it is young, and that nothing exact takes."""
    filled.execute(_LIVE_ROWS)
    quiet = len(summarised(filled, _LIVE, exact=True).taken)
    assert summarise(filled, quiet_seconds=3600, large=10_000_000) == 0
    assert summarise(filled, quiet_seconds=3600, large=1) > 0
    assert len(summarised(filled, _LIVE).taken) > quiet
    assert len(summarised(filled, _LIVE, exact=True).taken) == quiet
    monkeypatch.setattr(weeks, "STALE_SECONDS", 0)
    assert len(summarised(filled, _LIVE).taken) == quiet


def test_weeks_are_summed_up_by_a_thread(filled: Store) -> None:
    """What is absent comes by itself, and a store that refuses ends nothing."""
    filled.execute(_LIVE_ROWS)
    quiet = len(summarised(filled, _LIVE, exact=True).taken)
    filled.execute("RENAME TABLE discrepancy_weeks TO elsewhere")
    with Summariser(filled, every=0.01, quiet_seconds=-1):
        time.sleep(0.1)
        filled.execute("RENAME TABLE elsewhere TO discrepancy_weeks")
        until(lambda: len(summarised(filled, _LIVE, exact=True).taken) > quiet, 30, "a sum of a quiet week")


def test_a_run_that_is_dropped_leaves_its_sums_too(filled: Store) -> None:
    """What a judging run was summed up to goes with its rows."""
    names = ", ".join(row[0] for row in filled.execute(_COLUMNS))
    other = f"SELECT {names} FROM (SELECT * REPLACE ('tried' AS judging_run) FROM discrepancies FINAL)"
    filled.execute(f"INSERT INTO discrepancies ({names}) {other}")
    summarise(filled, quiet_seconds=-1)
    assert queries.groups(filled, Filter(run="tried"))
    assert queries.pulse(filled, "tried").discrepancies > 0
    assert any(one.critical for one in queries.chargers(filled, "tried"))
    drop_rows(filled, "tried")
    assert not any(one.critical for one in queries.chargers(filled, "tried"))
    assert queries.pulse(filled, "tried").last_judged_at is None
    assert queries.groups(filled, Filter(run="tried")) == []
    assert queries.groups(filled, Filter())


def test_times_take_leave_out_or_cut_a_week(filled: Store) -> None:
    """A week that a question's times cut is read row by row; one beyond them is neither read nor summed."""
    every = summarised(filled, _LIVE, exact=True).taken
    middle = every[len(every) // 2]
    cut = summarised(filled, _LIVE, since=middle.first + 1, exact=True)
    assert middle not in cut.taken + cut.left_out or middle.observed < middle.first + 1
    assert set(cut.left_out) == {one for one in every if one.observed < middle.first + 1}
    assert {one.begin for one in cut.taken} == {one.begin for one in every if one.begin > middle.begin}
    assert all(one.begin.weekday() == date(2026, 11, 30).weekday() for one in every)


def test_a_sum_is_as_old_as_its_rows(filled: Store) -> None:
    """Retention counts from when the rows were stored, not from when they were summed up."""
    oldest = "SELECT min(ingested_at) FROM"
    filled.execute("ALTER TABLE discrepancies UPDATE ingested_at = '2026-01-02 03:04:05' WHERE 1", settings=_AT_ONCE)
    filled.execute("TRUNCATE TABLE summarised_weeks")
    assert summarise(filled, quiet_seconds=-1) > 0
    for table in ("discrepancy_weeks", "charger_weeks"):
        assert filled.execute(f"{oldest} {table}") == filled.execute(f"{oldest} discrepancies")
    assert filled.execute(f"{oldest} session_weeks") == filled.execute(f"{oldest} sessions")


def test_sums_do_not_answer_for_another_run_that_is_current(filled: Store) -> None:
    """Where a stretch of another judging run counts, every row is looked at."""
    assert summarised(filled, f"({_LIVE} AND NOT (first_received_at >= now()))").taken == ()


_AT_ONCE: Final = {"mutations_sync": 1}
_LIVE_ROWS: Final = """
    INSERT INTO discrepancies SELECT * FROM discrepancies
    WHERE first_received_at >= (SELECT max(first_received_at) FROM discrepancies) - INTERVAL 7 DAY LIMIT 10"""
_COLUMNS: Final = """
    SELECT name FROM system.columns
    WHERE database = currentDatabase() AND table = 'discrepancies' AND default_kind != 'MATERIALIZED'"""
