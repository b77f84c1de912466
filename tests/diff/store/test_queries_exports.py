"""Exports out of a real store: every column is there, filters hold, and a reader may stop in the middle."""

import time
from typing import Any

import pytest

from diff.applied import AppliedFrames, FrameRange
from diff.exports.columns import DATASETS, Kind
from diff.exports.selection import Selection
from diff.store.client import Store
from diff.store.queries.exports import exported
from diff.store.tables import TABLES, StoredVerdict
from diff.store.writer import Writer
from ingest.control import Acknowledgement
from ingest.frame import Direction, Frame
from tests.diff.store.generated import AT, DAY, a_fault, a_session, add, an_account, generate


def _rows(store: Store, name: str, **chosen: Any) -> list[dict[str, Any]]:
    dataset = DATASETS[name]
    names = [column.name for column in dataset.columns]
    return [dict(zip(names, row, strict=True)) for row in exported(store, dataset, Selection(**chosen), AT)]


@pytest.mark.parametrize("name", ["discrepancies", "sessions", "verdicts", "connections"])
def test_every_stored_column_is_exported(name: str) -> None:
    """A column that a migration adds has to get its meaning here."""
    counted = {"frames_applied", "frames_stored"} if name == "connections" else set()
    assert {column.name for column in DATASETS[name].columns} == set(TABLES[name].columns) | counted


def test_rows_and_filters(store: Store) -> None:
    """Discrepancies by severity, charger and time; sessions by status; causes and chargers by vendor."""
    generate(store, 30)
    fault = a_fault("session.energy", AT - DAY)
    add(store, fault, a_fault("clock.no-zone", AT - 3 * DAY, charger=2, session=None, delta=None, unit=None))
    assert {row["code"] for row in _rows(store, "discrepancies")} == {"session.energy", "clock.no-zone"}
    (row,) = _rows(store, "discrepancies", severities=("critical",), charger="CP-*")
    assert (row["delta"], row["observed_at"], row["frames"]) == (fault.delta, AT - DAY, ["CP-1@0/1"])
    assert [row["code"] for row in _rows(store, "discrepancies", until=AT - 2 * DAY)] == ["clock.no-zone"]
    assert len(_rows(store, "sessions", vendors=("ACME",))) == 10
    assert _rows(store, "sessions", status="withdrawn") == []
    assert [row["charger_id"] for row in _rows(store, "chargers", vendors=("Birch",))] == ["CP-2"]
    assert [row["code"] for row in _rows(store, "fingerprints", charger="CP-1")] == ["session.energy"]
    assert _rows(store, "fingerprints", charger="CP-[1]") == []
    kinds = {column.name: column.kind for column in DATASETS["sessions"].columns}
    values = _rows(store, "sessions", session_id="s0")[0]
    assert all(isinstance(values[name], int) for name, kind in kinds.items() if kind is Kind.TIME)


def test_connections_carry_what_became_of_their_frames(store: Store) -> None:
    """What was published, applied and stored, each empty where it is not known or no longer counted."""
    now = time.time_ns() // 1000
    old = an_account("CP-1", opened_at=now - 40 * DAY)
    told = an_account("CP-2", opened_at=now + DAY, frames=3, frames_published=1, at=now)
    frame = Frame("CP-2", told.connection_id, 0, told.opened_at, direction=Direction.CP_TO_CS, text="[]")
    ranges = (FrameRange(told.connection_id, 0, 1),)
    untold = an_account("CP-3", opened_at=now - DAY)
    add(store, old, told, untold, frame, AppliedFrames("CP-2", told.opened_at, ranges))
    names = ("frames_published", "frames_applied", "frames_stored")
    found = {row["charger_id"]: tuple(row[name] for name in names) for row in _rows(store, "connections")}
    assert found == {"CP-1": (None, None, None), "CP-2": (2, 2, 1), "CP-3": (None, None, 0)}
    assert [row["charger_id"] for row in _rows(store, "connections", charger="CP-2", since=now)] == ["CP-2"]
    assert _rows(store, "connections", until=now - 41 * DAY) == []


def test_acknowledgements_and_verdicts(store: Store) -> None:
    """With where they stand, and by cohort."""
    add(store, Acknowledgement("0123456789abcdef", "known", "ann", AT + DAY, at=AT - DAY))
    (row,) = _rows(store, "acknowledgements")
    assert (row["owner"], row["standing"], row["open"]) == ("ann", "holds", 0)
    writer = Writer(store)
    for cohort in ("a", "b"):
        writer.add_verdict(StoredVerdict(cohort, AT, "GO", "", "b", "", 1, 2, "1", "1", "{}", "{}", AT))
    writer.flush()
    assert [row["cohort"] for row in _rows(store, "verdicts", cohort="b")] == ["b"]
    assert len(_rows(store, "verdicts", since=AT)) == 2
    assert _rows(store, "verdicts", until=AT) == []


def test_a_reader_that_stops_in_the_middle_leaves_the_store_usable(store: Store) -> None:
    """The connection with the rest of the answer on it is given up, and the next statement takes another."""
    add(store, *(a_session(number, AT - number) for number in range(30)))
    rows = store.stream("SELECT number FROM numbers(1000000)", settings={"max_block_size": 1000})
    assert [next(rows) for _ in range(3)] == [(0,), (1,), (2,)]
    rows.close()  # type: ignore[attr-defined]
    assert store.execute("SELECT 1") == [(1,)]
    assert sum(1 for _ in store.stream("SELECT number FROM numbers(20000)")) == 20_000
