"""Sums by week: whatever weeks have one, every answer is that of the rows themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

import pytest

from bench.generated import Size, generate
from diff.policy import JUDGING_RUN
from diff.store import queries
from diff.store.client import Store
from diff.store.queries import Filter, weeks
from diff.store.queries.causes import causes
from diff.store.queries.fingerprints import at_the_same_place, fingerprint_lines
from diff.store.queries.runs import drop_rows
from diff.store.queries.weeks import summarised
from diff.store.summaries import summarise

_DAY: Final = 86_400_000_000
_LIVE: Final = f"judging_run = '{JUDGING_RUN}'"
_SIZE: Final = Size(discrepancies=3_000, frames=1_000, messages=20, sessions=900, chargers=60, fingerprints=72)


@pytest.fixture
def filled(store: Store) -> Store:
    """Three months of discrepancies, summed up but for the last days."""
    generate(store, _SIZE)
    return store


def _answers(store: Store) -> dict[str, object]:
    """Everything that is read from sums, by every kind of filter."""
    now = _last(store)
    first = queries.groups(store, Filter(), limit=1)[0]
    path = queries.occurrences(store, Filter(fingerprint=first.fingerprint), limit=1)[0].path
    filters = {
        "all": Filter(),
        "open": Filter(status="open"),
        "withdrawn": Filter(status="withdrawn"),
        "critical": Filter(severities=("critical",)),
        "a vendor": Filter(vendors=("Cedar",), classes=("quality",)),
        "losses too": Filter(losses=True, codes=("clock.skew", "session.energy")),
        "since 40 days": Filter(since=now - 40 * _DAY - 12_345),
        "until 40 days ago": Filter(until=now - 40 * _DAY),
        "ten days": Filter(since=now - 40 * _DAY, until=now - 30 * _DAY, status="open"),
        "a charging station": Filter(charger="CP-000000*"),
        "a fingerprint": Filter(fingerprint=first.fingerprint),
    }
    found: dict[str, object] = {name: queries.groups(store, one) for name, one in filters.items()}
    return found | {
        "severities": queries.severities(store),
        "money": queries.money_at_stake(store, Decimal("0.39")),
        "choices": queries.choices(store),
        "chargers": queries.chargers(store),
        "causes": causes(store, Filter(status="open"), now),
        "lines": fingerprint_lines(store, now),
        "lines a month ago": fingerprint_lines(store, now - 30 * _DAY),
        "place": at_the_same_place(store, now, first.code, path),
    }


def _last(store: Store) -> int:
    return int(store.execute("SELECT toUnixTimestamp64Micro(max(observed_at)) FROM discrepancies")[0][0])


def _by_rows(store: Store, ask: Callable[[Store], dict[str, object]]) -> dict[str, object]:
    """The answers of a store without any sums."""
    kept = store.execute("SELECT week, made, written, observed, quiet FROM summarised_weeks FINAL")
    store.execute("TRUNCATE TABLE summarised_weeks")
    answers = ask(store)
    store.insert("summarised_weeks", ("week", "made", "written", "observed", "quiet"), kept)
    return answers


def test_sums_give_the_answers_of_the_rows(filled: Store) -> None:
    """With every week but the last ones summed up, each question is answered as by reading all rows."""
    assert len(summarised(filled, _LIVE, exact=True).taken) >= 10
    rows = _by_rows(filled, _answers)
    assert _answers(filled) == rows
    assert rows["causes"]
    assert rows["lines a month ago"] != rows["lines"]


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
    assert len(summarised(filled, _LIVE, exact=True).taken) > len(before)
    assert _answers(filled) == rows


def test_a_week_that_is_written_to_is_summed_up_for_a_moment(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large live week has a sum that pages take while it is young, and that nothing exact takes."""
    quiet = len(summarised(filled, _LIVE, exact=True).taken)
    assert summarise(filled, quiet_seconds=3600, large=10_000_000) == 0
    assert summarise(filled, quiet_seconds=3600, large=1) > 0
    assert len(summarised(filled, _LIVE).taken) > quiet
    assert len(summarised(filled, _LIVE, exact=True).taken) == quiet
    monkeypatch.setattr(weeks, "STALE_SECONDS", 0)
    assert len(summarised(filled, _LIVE).taken) == quiet


def test_a_run_that_is_dropped_leaves_its_sums_too(filled: Store) -> None:
    """What a judging run was summed up to goes with its rows."""
    names = ", ".join(row[0] for row in filled.execute(_COLUMNS))
    other = f"SELECT {names} FROM (SELECT * REPLACE ('tried' AS judging_run) FROM discrepancies FINAL)"
    filled.execute(f"INSERT INTO discrepancies ({names}) {other}")
    summarise(filled, quiet_seconds=-1)
    assert queries.groups(filled, Filter(run="tried"))
    drop_rows(filled, "tried")
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


def test_sums_do_not_answer_for_another_run_that_is_current(filled: Store) -> None:
    """Where a stretch of another judging run counts, every row is looked at."""
    assert summarised(filled, f"({_LIVE} AND NOT (first_received_at >= now()))").taken == ()


_COLUMNS: Final = """
    SELECT name FROM system.columns
    WHERE database = currentDatabase() AND table = 'discrepancies' AND default_kind != 'MATERIALIZED'"""
