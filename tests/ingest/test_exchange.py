"""Pairing a CALL with its answer, per connection and direction."""

import pytest

from ingest.exchange import (
    MAX_ANSWERED,
    MAX_PENDING,
    Answered,
    Called,
    DuplicateCall,
    Event,
    Orphan,
    Pairing,
    Unreadable,
    close_connection,
    pair,
)
from ingest.frame import Direction, Frame, FrameKind
from ingest.ocppj import parse

UP, DOWN = Direction.CP_TO_CS, Direction.CS_TO_CP


class Wire:
    """Pairs texts in the order in which they are said."""

    def __init__(self) -> None:
        self.state = Pairing()
        self.seq = 0

    def say(self, text: str, direction: Direction = UP, connection: str = "c") -> Event:
        self.seq += 1
        frame = Frame("CP", connection, self.seq, self.seq, FrameKind.MESSAGE, direction, text)
        return pair(self.state, frame, parse(text))


def test_a_call_and_its_answer() -> None:
    """The answer comes with the call that asked for it, and nothing stays open."""
    wire = Wire()
    called = wire.say('[2,"1","Heartbeat",{}]')
    answered = wire.say('[3,"1",{}]', DOWN)
    assert isinstance(called, Called)
    assert isinstance(answered, Answered)
    assert answered.request == called.pending
    assert answered.request.frame_id == "c/1"
    assert wire.state.pending == {}


def test_one_id_may_be_open_in_both_directions() -> None:
    """A message id belongs to its sender (§4.1.4)."""
    wire = Wire()
    wire.say('[2,"1","Heartbeat",{}]', UP)
    wire.say('[2,"1","Reset",{}]', DOWN)
    first, second = wire.say('[3,"1",{}]', UP), wire.say('[3,"1",{}]', DOWN)
    assert isinstance(first, Answered)
    assert isinstance(second, Answered)
    assert (first.request.call.action, second.request.call.action) == ("Reset", "Heartbeat")


def test_connections_know_nothing_of_each_other() -> None:
    """The answer on another connection is an orphan."""
    wire = Wire()
    wire.say('[2,"1","Heartbeat",{}]', UP, "a")
    assert isinstance(wire.say('[3,"1",{}]', DOWN, "b"), Orphan)


@pytest.mark.parametrize("answered", [False, True])
def test_the_same_text_again_is_a_retry(*, answered: bool) -> None:
    """While it is open, and lately after its answer."""
    wire = Wire()
    wire.say('[2,"1","Heartbeat",{}]')
    if answered:
        wire.say('[3,"1",{}]', DOWN)
    again = wire.say('[2,"1","Heartbeat",{}]')
    assert isinstance(again, DuplicateCall)
    assert (again.first is None) is answered


@pytest.mark.parametrize("answered", [False, True])
def test_another_text_under_the_id_is_a_new_call(*, answered: bool) -> None:
    """Lived, and named as a reuse; the newest is the one that an answer belongs to."""
    wire = Wire()
    wire.say('[2,"1","Heartbeat",{}]')
    if answered:
        wire.say('[3,"1",{}]', DOWN)
    again = wire.say('[2,"1","Authorize",{}]')
    assert isinstance(again, Called)
    assert again.reused_id
    answer = wire.say('[3,"1",{}]', DOWN)
    assert isinstance(answer, Answered)
    assert answer.request.call.action == "Authorize"


def test_a_second_answer_is_an_orphan() -> None:
    """A call is answered once."""
    wire = Wire()
    wire.say('[2,"1","Heartbeat",{}]')
    wire.say('[3,"1",{}]', DOWN)
    assert isinstance(wire.say('[4,"1","InternalError","",{}]', DOWN), Orphan)


def test_a_closed_connection_gives_back_what_was_open() -> None:
    """In order of arrival, and forgets what was answered there; other connections keep theirs."""
    wire = Wire()
    for number in range(3):
        wire.say(f'[2,"{number}","Heartbeat",{{}}]', UP, "a")
    wire.say('[2,"9","Heartbeat",{}]', UP, "ab")
    wire.say('[3,"1",{}]', DOWN, "a")
    gone = close_connection(wire.state, "a")
    assert [pending.call.message_id for pending in gone] == ["0", "2"]
    assert len(wire.state.pending) == 1
    assert wire.state.answered == {}


def test_a_text_that_is_no_message_is_unreadable() -> None:
    """And leaves the state alone."""
    wire = Wire()
    assert isinstance(wire.say("junk"), Unreadable)
    assert wire.state == Pairing()


def test_the_state_is_bounded() -> None:
    """The oldest open calls and the oldest answered ids are let go."""
    wire = Wire()
    for number in range(MAX_PENDING + 50):
        wire.say(f'[2,"{number}","Heartbeat",{{}}]')
    assert len(wire.state.pending) == MAX_PENDING
    assert isinstance(wire.say('[3,"0",{}]', DOWN), Orphan)
    for number in range(50, MAX_PENDING + 50):
        assert isinstance(wire.say(f'[3,"{number}",{{}}]', DOWN), Answered)
    assert len(wire.state.answered) == MAX_ANSWERED
