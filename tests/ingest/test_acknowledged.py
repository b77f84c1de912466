"""Frames that Kafka has acknowledged, counted by connection."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ingest import acknowledged
from ingest.acknowledged import Acknowledged, Count
from ingest.frame import Frame, FrameKind

MINUTE = 60_000_000


def _frame(seq: int, connection: str = "c1", kind: FrameKind = FrameKind.MESSAGE, at: int = 0) -> Frame:
    return Frame("CP", connection, seq, at or seq + 1, kind)


@given(st.integers(0, 40), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=5))
def test_frames_that_are_published_again_count_once(length: int, again: list[tuple[int, int]]) -> None:
    """However often the publisher goes back to a place that it had reached: the count never shrinks nor exceeds."""
    counts = Acknowledged()
    before = 0
    order = list(range(length))
    for begin, count in again:
        order += [seq for seq in range(begin, begin + count) if seq < length]
    for seq in order:
        counts.take(_frame(seq))
        now = counts.of("c1", 1) or 0
        assert before <= now <= seq + 1 or now == length
        before = now
    assert counts.of("c1", 1) == length


def test_a_number_whose_line_held_no_frame_is_no_published_frame() -> None:
    """In the middle, and at the beginning of a connection; what follows it counts."""
    counts = Acknowledged()
    for seq in (0, 1, 3, 4):
        counts.take(_frame(seq))
    for seq in (1, 2):
        counts.take(_frame(seq, "c2"))
    assert (counts.of("c1", 1), counts.of("c2", 1)) == (4, 2)


def test_what_was_published_before_anybody_counted_is_taken_as_published() -> None:
    """Of a connection from before: unknown until its next frame comes, and then all that came before it."""
    counts = Acknowledged(since=100)
    assert (counts.of("c1", 99), counts.of("c1", 100)) == (None, 0)
    counts.take(_frame(7))
    assert (counts.of("c1", 99), counts.of("c1", 100)) == (8, 1)


def test_ticks_and_billing_records_are_no_frames_of_a_connection() -> None:
    """They have numbers of their own and no account."""
    counts = Acknowledged()
    counts.take(_frame(5, kind=FrameKind.TICK))
    counts.take(_frame(5, kind=FrameKind.RECORD))
    assert counts.counts == {}


def test_connections_that_the_tap_lists_no_more_are_forgotten() -> None:
    """But for those that are too new to be in its list; without a list none is."""
    counts = Acknowledged()
    for connection, at in (("listed", 1), ("gone", 1), ("new", 5 * MINUTE)):
        counts.take(_frame(0, connection, at=at))
    counts.tidy()
    assert set(counts.counts) == {"listed", "gone", "new"}
    counts.listed(["listed"], 5 * MINUTE)
    counts.tidy()
    assert set(counts.counts) == {"listed", "new"}


def test_the_number_of_connections_is_bounded(monkeypatch) -> None:
    """Beyond the limit those that have been quiet for longest go."""
    monkeypatch.setattr(acknowledged, "_MOST", 8)
    counts = Acknowledged()
    for number in range(9):
        counts.take(_frame(0, f"c{number}", at=100 - number))
    counts.tidy()
    assert set(counts.counts) == {f"c{number}" for number in range(7)}


def test_counts_are_saved_and_read_again() -> None:
    """As short lists of numbers."""
    counts = Acknowledged()
    for seq in (0, 2):
        counts.take(_frame(seq))
    saved = msgspec.json.encode(counts.counts)
    assert saved == b'{"c1":[0,3,1,3]}'
    assert Acknowledged(0, msgspec.json.decode(saved, type=dict[str, Count])).of("c1", 1) == 2
