"""The chart of a session."""

from dashboard.lanes import as_caused
from diff.store.queries import FrameLine, MessageLine


def _frame(seq: int, at: int) -> FrameLine:
    return FrameLine(f"c/{seq}", "c", seq, at, "message", "cp>cs", "MeterValues", "call", "m", "", 0, "", 1)


def _message(at: int, *caused_by: str) -> MessageLine:
    what = ("TransactionEvent", "request", "cp>cs", "{}")
    return MessageLine("m#1", 1, at, *what, caused_by, {}, "t", 1, "", "", own=True)


def test_a_message_stands_where_its_frame_came() -> None:
    """That of the last frame it was made of; where no such frame is shown, at its own time."""
    frames = [_frame(1, 100), _frame(2, 250)]
    messages = [_message(2_000_250, "c/1", "c/2"), _message(2_000_400, "c/9"), _message(7)]
    assert [one.at for one in as_caused(messages, frames)] == [250, 2_000_400, 7]
