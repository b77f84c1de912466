"""The charger's clock: what its stamps say of it, and what was queued while it was offline."""

import pytest
from msgspec.structs import replace

from demo.lived import Lived
from demo.script import Script
from ingest.frame import UNKNOWN_TIME


def _statuses(offset: float, count: int = 4) -> Script:
    script = Script().boot()
    for number in range(count):
        script.wait(10).status(1, "Available" if number % 2 else "Preparing", at=script.ago(-offset))
    return script


@pytest.mark.parametrize(("offset", "named"), [(0, False), (25, False), (-25, False), (420, True), (-300, True)])
def test_a_clock_that_is_off_is_named_once(offset: float, *, named: bool) -> None:
    """More than thirty seconds from the tap's clock; the delta says how far it is behind."""
    lived = Lived().feed(_statuses(offset).frames)
    rows = lived.rows("clock.skew")
    assert [row.occurrences for row in rows] == ([1] if named else [])
    if named:
        assert rows[0].delta is not None
        assert abs(rows[0].delta + round(offset)) < 1


def test_local_time_marked_z_is_told_from_a_clock_that_was_never_set() -> None:
    """Two hours ahead to the second is a zone, seven minutes is none."""
    zone, unset = (Lived().feed(_statuses(offset).frames).rows("clock.skew")[0].detail for offset in (7200, 420))
    assert "quarter hours" in zone
    assert zone != unset


def test_a_clock_that_is_set_in_between_is_named_again() -> None:
    """Off, right for a while, off again: two occurrences of one discrepancy."""
    script = _statuses(600)
    for offset in (0.0, 600.0):
        for number in range(30):
            script.wait(10).status(1, "Available" if number % 2 else "Preparing", at=script.ago(-offset))
    assert [row.occurrences for row in Lived().feed(script.frames).rows("clock.skew")] == [2]


def test_sessions_of_one_length_set_no_clock_back() -> None:
    """Each stop tells the reading of its begin, three quarters of an hour ago, between stamps of the right clock."""
    script = Script().boot()
    for number in range(5):
        begun = script.status(1, "Preparing").start(1, "AA", number * 100, transaction=number + 1).ago(0.1)
        sample = {"value": str(number * 100), "context": "Transaction.Begin", "unit": "Wh"}
        data = [{"timestamp": begun, "sampledValue": [sample]}]
        script.wait(2700).stop(number + 1, number * 100 + 100, transactionData=data).status(1, "Available").wait(600)
    assert Lived().feed(script.frames).codes() == set()


def test_a_log_without_zones_may_be_off_by_whole_quarter_hours() -> None:
    """The logger's local time proves nothing of the charger's clock; what is left beyond a zone does."""
    zoned = [replace(frame, zoneless=True) for frame in _statuses(7200).frames]
    assert Lived().feed(zoned).codes() == set()
    off = [replace(frame, zoneless=True) for frame in _statuses(7200 + 300).frames]
    assert Lived().feed(off).codes() == {"clock.skew"}


def test_a_log_without_times_judges_no_clock() -> None:
    """Nothing that compares clocks judges a frame whose log gave no time at all."""
    timeless = [replace(frame, received_at=UNKNOWN_TIME) for frame in _statuses(420).frames]
    assert Lived().feed(timeless).codes() == set()


@pytest.mark.parametrize(
    ("stamp", "code"),
    [
        ("2030-01-01T12:00:00", "clock.no-zone"),
        ("2030-01-01T14:00:00+02", "clock.no-zone"),
        ("2030-01-01T14:00:00+0200", "clock.no-zone"),
        ("2030-01-01T14:00:00+02:00", None),
        ("1970-01-01T00:00:01.120Z", "clock.epoch"),
        ("0000-00-00T00:00:00Z", "clock.unparseable"),
        ("yesterday", "clock.unparseable"),
        ("2030-01-01T12:00:00.123456789Z", None),
    ],
)
def test_flaws_of_a_stamp_have_their_codes(stamp: str, code: str | None) -> None:
    """Each is named with the text as sent, and a 2.0.1 timestamp goes out all the same."""
    lived = Lived().feed(Script().boot().status(1, "Available", at=stamp).frames)
    assert lived.codes() - {"schema.v16"} == ({code} if code else set())
    assert len(lived.requests("StatusNotification")) == 1


def test_a_delivery_late_by_a_skewed_clock_is_not_offline() -> None:
    """Five minutes behind is the clock, not the queue: its offset is taken out first."""
    script = _statuses(-300)
    script.start(1, "AA", 0, transaction=7, at=script.ago(300)).wait(60)
    lived = Lived().feed(script.stop(7, 10, at=script.ago(300)).frames)
    assert [event.get("offline") for event in lived.events] == [None] * len(lived.events)
    assert len(lived.events) >= 2


def test_without_connection_events_an_hour_late_is_offline() -> None:
    """A log that tells of no connections: what arrives so much later than it happened was queued."""
    script = Script(connected=False).status(1, "Available").wait(10).status(1, "Preparing").wait(3600)
    lived = Lived().feed(script.start(1, "AA", 0, transaction=7, at=script.ago(1800)).frames)
    assert [event.get("offline") for event in lived.events] == [True]
