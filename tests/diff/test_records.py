"""Discrepancies in their newest versions: raised, repeated, stated, withdrawn, and bounded."""

import pytest

from diff.catalogue import CATALOGUE
from diff.discrepancy import Status
from diff.policy import Policy
from diff.records import Charger, Evidence, Records

CHARGER = Charger("CP", "Alder", "Curb 11", "1.0")
POLICY = Policy()


def _evidence(at: int = 1, frames: tuple[str, ...] = ("c/1",), **more: str) -> Evidence:
    return Evidence("session.energy", "energy", at, frames, "s1", 1, 1, **more)


def test_a_new_row_is_made_of_the_catalogue_and_the_evidence() -> None:
    """Class, severity and unit are the code's; the first evidence never changes."""
    row = Records().add(CHARGER, _evidence(5, primary="1"), POLICY)
    entry = CATALOGUE["session.energy"]
    assert (row.class_, row.severity, row.unit) == (entry.class_, entry.severity, entry.unit)
    assert (row.first_received_at, row.observed_at, row.occurrences, row.version) == (5, 5, 1, 5)
    assert (row.vendor, row.model, row.firmware) == ("Alder", "Curb 11", "1.0")


def test_seen_again_it_counts_and_keeps_its_beginning() -> None:
    """One row, one more occurrence, a newer version."""
    records = Records()
    first = records.add(CHARGER, _evidence(5), POLICY)
    second = records.add(CHARGER, _evidence(9, ("c/2",)), POLICY)
    assert second.id == first.id
    assert (second.occurrences, second.first_received_at, second.observed_at) == (2, 5, 9)
    assert second.frames == ("c/1", "c/2")
    assert second.version > first.version


def test_what_is_stated_again_is_no_news() -> None:
    """A comparison repeated with the same values gives no row; other values replace, and do not count up."""
    records = Records()
    assert records.state(CHARGER, _evidence(5, primary="1"), POLICY) is not None
    assert records.state(CHARGER, _evidence(6, primary="1"), POLICY) is None
    changed = records.state(CHARGER, _evidence(7, primary="2"), POLICY)
    assert changed is not None
    assert (changed.primary, changed.occurrences) == ("2", 1)


def test_withdrawn_and_stated_again_it_is_open_again() -> None:
    """Second thoughts may have third ones."""
    records = Records()
    records.state(CHARGER, _evidence(5), POLICY)
    gone = records.withdraw("CP", "s1", "session.energy", "energy", 6)
    assert gone is not None
    assert gone.status is Status.WITHDRAWN
    assert records.withdraw("CP", "s1", "session.energy", "energy", 7) is None
    back = records.state(CHARGER, _evidence(8), POLICY)
    assert back is not None
    assert back.status is Status.OPEN
    assert back.version > gone.version


def test_one_of_two_occurrences_withdrawn_leaves_one() -> None:
    """Two calls unanswered, one of them answered late: it falls with the last one only."""
    records = Records()
    records.add(CHARGER, _evidence(5), POLICY)
    records.add(CHARGER, _evidence(6), POLICY)
    first = records.withdraw("CP", "s1", "session.energy", "energy", 7)
    second = records.withdraw("CP", "s1", "session.energy", "energy", 8)
    assert first is not None
    assert second is not None
    assert [(row.status.value, row.occurrences) for row in (first, second)] == [("open", 1), ("withdrawn", 0)]


def test_nothing_is_withdrawn_that_was_not_said() -> None:
    """No row of it."""
    assert Records().withdraw("CP", None, "session.energy", "energy", 1) is None


def test_the_proof_is_the_first_and_the_last_frames() -> None:
    """At most eight, however often it is seen."""
    records = Records()
    for number in range(20):
        row = records.add(CHARGER, _evidence(number, (f"c/{number}",)), POLICY)
    assert row.frames == tuple(f"c/{number}" for number in (0, 1, 2, 3, 16, 17, 18, 19))


@pytest.mark.parametrize("count", [1500])
def test_rows_are_bounded_and_versions_rise_even_after_forgetting(count: int) -> None:
    """A row that was let go and is raised anew has a larger version than it ever had."""
    records = Records()
    old = records.add(CHARGER, _evidence(1), POLICY)
    for number in range(count):
        records.add(CHARGER, Evidence("rpc.malformed", f"p{number}", number, ("c/1",)), POLICY)
    assert len(records.by_id) == 1024
    assert old.id not in records.by_id
    assert records.add(CHARGER, _evidence(count), POLICY).version > old.version
