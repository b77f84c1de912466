"""Ranges of frames that were lived."""

from collections import defaultdict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diff import applied
from diff.applied import LONGEST, AppliedFrames, FrameRange, applied_by, extended
from diff.published import decode, encode
from ingest.cloudevents import UndecodableError
from ingest.frame import Frame, FrameKind


def _frame(connection: str, seq: int, kind: FrameKind = FrameKind.MESSAGE) -> Frame:
    return Frame("CP", connection, seq, seq + 1, kind)


def _numbers(ranges: tuple[FrameRange, ...]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for one in ranges:
        found[one.connection_id] |= set(range(one.first, one.last + 1))
    return found


LIVED = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), min_size=1, max_size=40)


@given(LIVED)
def test_ranges_hold_the_numbers_that_were_lived_and_no_other(lived: list[tuple[str, int]]) -> None:
    """In whatever order and however often frames came, of two connections in turns."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for name, seq in lived:
        wanted[name].add(seq)
    found = applied_by("CP", [_frame(name, seq) for name, seq in lived])
    assert found is not None
    assert _numbers(found.ranges) == wanted
    assert found.at == 1 + max(seq for _, seq in lived)


@given(LIVED, st.integers(1, 5))
def test_frames_told_one_by_one_are_the_same_numbers(lived: list[tuple[str, int]], longest: int) -> None:
    """A frame that is told a second time gives the range that it gave; no range is longer than it may be."""
    ranges: list[FrameRange] = []
    before = None
    for name, seq in lived:
        frame = _frame(name, seq)
        before = extended(before, frame, longest)
        assert extended(before, frame, longest) == before
        assert before.last - before.first < longest
        ranges.append(before)
    wanted: dict[str, set[int]] = defaultdict(set)
    for name, seq in lived:
        wanted[name].add(seq)
    assert _numbers(tuple(ranges)) == wanted


def test_frames_in_order_are_one_range_and_a_hole_makes_two() -> None:
    """The frame that could not be lived is in neither."""
    frames = [_frame("a", seq) for seq in (3, 4, 6, 7)]
    found = applied_by("CP", frames)
    assert found == AppliedFrames("CP", 8, (FrameRange("a", 3, 4), FrameRange("a", 6, 7)))


def test_ticks_and_billing_records_are_no_frames_of_a_connection() -> None:
    """Where nothing else was lived there is nothing to tell."""
    assert applied_by("CP", [_frame("a", 1, FrameKind.TICK), _frame("b", 1, FrameKind.RECORD)]) is None


def test_a_batch_longer_than_a_range_is_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no record is refused by whoever counts it."""
    monkeypatch.setattr(applied, "LONGEST", 2)
    found = applied_by("CP", [_frame("a", seq) for seq in range(5)])
    assert found is not None
    assert [(one.first, one.last) for one in found.ranges] == [(0, 1), (2, 3), (4, 4)]


@pytest.mark.parametrize("numbers", [(-1, 2), (3, 2), (0, LONGEST), (2**32 - 1, 2**32 - 1)])
def test_a_record_with_an_impossible_range_is_refused(numbers: tuple[int, int]) -> None:
    """Nobody counts four thousand million numbers because a record says so."""
    first, last = numbers
    value = {"charger_id": "CP", "at": 1, "ranges": [{"connection_id": "a", "first": first, "last": last}]}
    with pytest.raises(UndecodableError, match="no range of at most"):
        decode(msgspec.json.encode(value), AppliedFrames)


def test_records_with_other_frames_have_other_ids() -> None:
    """Also where the first and the last frame are the same; the same record twice has one id."""
    one = AppliedFrames("CP", 5, (FrameRange("a", 0, 5), FrameRange("b", 0, 1)))
    other = AppliedFrames("CP", 5, (FrameRange("a", 0, 2), FrameRange("b", 0, 1)))
    names = [dict(encode(record)[2])["ce_id"] for record in (one, other, one)]
    assert names[0] == names[2] == b"a/0-b/1+8"
    assert names[1] == b"a/0-b/1+5"
    assert decode(encode(one)[1], AppliedFrames) == one
