"""Deadlines of settling: kept in order, taken when due, bounded."""

from hypothesis import given, settings
from hypothesis import strategies as st

from diff.settle import Deadline, Kind, arm, take_due

_deadline = st.builds(Deadline, st.integers(0, 100), st.sampled_from(Kind), st.sampled_from("abc"))


@settings(deadline=None, max_examples=200)
@given(st.lists(_deadline, max_size=30), st.integers(-1, 101))
def test_what_is_due_is_taken_in_order(deadlines: list[Deadline], now: int) -> None:
    """And what is not stays, in order."""
    waiting: list[Deadline] = []
    for one in deadlines:
        arm(waiting, one)
    assert waiting == sorted(deadlines)
    assert take_due(waiting, now) == sorted(one for one in deadlines if one.due <= now)
    assert waiting == sorted(one for one in deadlines if one.due > now)


def test_deadlines_are_bounded() -> None:
    """The farthest are let go."""
    waiting: list[Deadline] = []
    for number in range(1000):
        arm(waiting, Deadline(1000 - number, Kind.SILENT, "s"))
    assert len(waiting) == 512
    assert waiting[0].due == 1
