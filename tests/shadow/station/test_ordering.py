"""The reorder horizon: which events wait, when they are said, and in which order they are numbered."""

import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from demo.lived import AT_ONCE, Lived
from demo.script import Script
from diff.judge import judge, new_state
from ingest.frame import Frame, FrameKind
from shadow.codec import decode, encode
from shadow.config import DEFAULT, SECOND
from shadow.message import MessageType
from shadow.state import ChargerState
from shadow.station.state import MAX_WAITING
from shadow.step import step

TAG = "04A1B2C3"


def _running() -> Script:
    return Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7).wait(600)


def _said(lived: Lived) -> list[tuple[Any, ...]]:
    return [(event["eventType"], event["seqNo"], event["timestamp"]) for event in lived.events]


def test_an_event_waits_for_the_horizon_and_not_longer() -> None:
    """Two seconds after its frame it is said, at the time of its deadline, whichever frame or tick reveals it."""
    script = Script().boot().start(1, TAG, 1000, transaction=7)
    sent = script.frames[3].received_at
    for wait in (1.0, 1.7):
        assert Lived(DEFAULT).feed([*script.frames, *_tick(script.at + round(wait * SECOND))]).events == []
    for wait in (1.9, 50, 5000):
        lived = Lived(DEFAULT).feed([*script.frames, *_tick(script.at + round(wait * SECOND))])
        times = [message.at for message in lived.messages if message.payload.get("eventType") == "Started"]
        assert times == [sent + 2 * SECOND]


def _tick(at: int) -> list[Frame]:
    return [Frame("", "tick", 0, at, FrameKind.TICK)]


def test_without_a_horizon_nothing_waits() -> None:
    """0: what a frame brings comes with the frame."""
    assert len(Lived(AT_ONCE).feed(Script().boot().start(1, TAG, 1000, transaction=7).frames).events) == 1


def test_a_log_without_times_waits_for_nothing() -> None:
    """Where no clock runs no deadline ever falls due."""
    frames = [replace(frame, received_at=0) for frame in _running().stop(7, 2000).frames]
    assert [event["eventType"] for event in Lived(DEFAULT).feed(frames).events] == ["Started", "Ended"]


def test_events_are_numbered_by_the_time_of_the_station() -> None:
    """A queue that drains out of order: seqNo follows the timestamps, and nothing is called out of order."""
    script = _running()
    stamps = [script.ago(seconds) for seconds in (60, 240, 120, 180)]
    for place, at in enumerate(stamps):
        script.meter(1, 7, 1500 - place, at=at)
    lived = Lived(DEFAULT).feed(script.frames).settle()
    assert [stamp for _, _, stamp in _said(lived)[1:]] == sorted(stamps)
    assert [seq for _, seq, _ in _said(lived)] == [0, 1, 2, 3, 4]
    assert "session.out-of-order" not in lived.codes()


def test_what_comes_later_than_the_horizon_is_out_of_order() -> None:
    """Its seqNo is higher than that of what is younger: named."""
    script = _running().meter(1, 7, 1500).wait(3)
    lived = Lived(DEFAULT).feed(script.meter(1, 7, 1400, at=script.ago(120)).frames).settle()
    assert "session.out-of-order" in lived.codes()


def test_equal_times_keep_their_arrival() -> None:
    """A status and the sample beside it, stamped in the same second."""
    script = _running()
    at = script.now
    script.status(1, "Charging", at=at).meter(1, 7, 1500, at=at).status(1, "SuspendedEV", at=at)
    lived = Lived(DEFAULT).feed(script.frames).settle()
    assert [course[2] for course in lived.course[1:]] == ["Charging", None, "SuspendedEV"]


def test_started_is_first_and_ended_last_whatever_their_times() -> None:
    """A clock that is set back in between: the events of a transaction still have their order (§2.6.4, §2.6.5)."""
    script = Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7)
    script.meter(1, 7, 1010, at=script.ago(50)).stop(7, 1010, at=script.ago(70))
    lived = Lived(DEFAULT).feed(script.frames).settle()
    assert [event["eventType"] for event in lived.events] == ["Started", "Updated", "Ended"]


@pytest.mark.parametrize(("late", "inside"), [(1, True), (1.7, True), (2.2, False)])
def test_values_after_the_stop_belong_before_ended(late: float, *, inside: bool) -> None:
    """Inside the horizon they get a seqNo below that of Ended; later there is no event after Ended any more."""
    script = _running().stop(7, 2000)
    lived = Lived(DEFAULT).feed(script.wait(late - 0.2).meter(1, 7, 1700, at=script.ago(300)).frames).settle()
    kinds = [(event["eventType"], event["seqNo"]) for event in lived.events]
    if inside:
        assert kinds == [("Started", 0), ("Updated", 1), ("Ended", 2)]
        assert lived.codes() == set()
    else:
        assert kinds == [("Started", 0), ("Ended", 1)]
        assert lived.codes() == {"session.after-end"}
        assert len(lived.requests("MeterValues")) == 1


def test_values_that_are_younger_than_the_stop_are_none_of_the_transaction() -> None:
    """Also inside the horizon: what was measured after the end is a MeterValuesRequest."""
    script = _running().stop(7, 2000)
    lived = Lived(DEFAULT).feed(script.meter(1, 7, 2000).frames).settle()
    assert [event["eventType"] for event in lived.events] == ["Started", "Ended"]
    assert lived.codes() == {"session.after-end"}


def test_a_late_end_sample_goes_into_ended() -> None:
    """Transaction.End after StopTransaction (E06.FR.11): no event of its own."""
    script = _running().stop(7, 2000)
    lived = Lived(DEFAULT).feed(script.meter(1, 7, 2000, "Transaction.End", at=script.ago(1)).frames).settle()
    assert [event["eventType"] for event in lived.events] == ["Started", "Ended"]
    assert len(lived.events[-1]["meterValue"]) == 2


def test_answers_wait_with_what_they_answer() -> None:
    """A CSMS answers no event before it is sent: the response follows its request."""
    lived = Lived(DEFAULT).feed(_running().stop(7, 2000).frames).settle()
    kinds = [message.type for message in lived.messages if message.action == "TransactionEvent"]
    assert kinds == [MessageType.REQUEST, MessageType.RESPONSE] * 2
    started, answered, *_ = (message for message in lived.messages if message.action == "TransactionEvent")
    assert answered.caused_by[0] == started.caused_by[-1]


def test_evse_stands_in_the_event_that_is_numbered_first_e01_fr_16() -> None:
    """Of a transaction that was adopted: the oldest event of the horizon, not the one that came first."""
    script = Script(connected=False).meter(1, 41, 5000)
    script.meter(1, 41, 4900, at=script.ago(60))
    lived = Lived(DEFAULT).feed(script.frames).settle()
    assert [(event["seqNo"], "evse" in event) for event in lived.events] == [(1, True), (2, False)]
    assert lived.events[0]["timestamp"] < lived.events[1]["timestamp"]


def test_a_queue_of_whole_sessions_loses_none() -> None:
    """Twenty sessions drain within two seconds: more than are remembered, each is said and compared."""
    script = Script().boot().status(1, "Available").close().wait(86_400).open()
    for number in range(20):
        began = script.ago(80_000 - 4000 * number)
        ended = script.ago(80_000 - 4000 * number - 1800)
        script.start(1, TAG, 1000 * number, transaction=number + 1, at=began).stop(
            number + 1, 1000 * number + 900, at=ended
        )
    lived = Lived(DEFAULT).feed(script.frames).settle()
    assert [event["eventType"] for event in lived.events] == ["Started", "Ended"] * 20
    assert lived.compared == 20
    assert lived.codes() == {"session.offline-replay"}


def test_no_more_wait_than_the_limit() -> None:
    """A flood is said early rather than hoarded: the state stays small."""
    script, state = _running(), ChargerState("CP1")
    for number in range(300):
        script.at -= 90_000  # a hundred messages in a second
        script.meter(1, 7, 1000 + number)
    most = 0
    for frame in script.frames:
        state, _ = step(state, frame)
        most = max(most, len(state.station.waiting))
    assert most <= MAX_WAITING


def test_a_state_that_is_stored_in_mid_horizon_lives_on_alike() -> None:
    """Stored and read between any two frames, everything comes out as it would have."""
    script = _running().meter(1, 7, "1.50", unit="kWh").status(1, "Charging").meter(1, 7, 1600, "Transaction.End")
    frames = [*script.stop(7, 1600).frames, *_tick(script.at + 10 * SECOND)]
    plain, stored = new_state("CP1"), new_state("CP1")
    for frame in frames:
        plain, one = judge(plain, frame, DEFAULT)
        stored, other = judge(decode(encode(stored), type(stored)), frame, DEFAULT)
        assert encode(one) == encode(other)


def test_ticks_in_between_change_nothing() -> None:
    """Every tenth of a second or none at all: the same messages in the same order."""
    script = _running().meter(1, 7, 1500).stop(7, 2000).meter(1, 7, 1400, at=_running().ago(60))
    last = script.at + 10 * SECOND
    often = [
        part
        for before, after in itertools.pairwise([*script.frames, *_tick(last)])
        for part in (before, *_tick((before.received_at + after.received_at) // 2))
    ]
    plain = Lived(DEFAULT).feed([*script.frames, *_tick(last)])
    assert Lived(DEFAULT).feed([*often, *_tick(last)]).messages == plain.messages
