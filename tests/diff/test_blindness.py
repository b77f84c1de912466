"""When a charging station was seen: its connections and the gaps of its copy as stretches of time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diff.blindness import Cut, Link, Sight, Stretch, blind_for, stretches


def link(name: str, opened: int, closed: int | None, state: str = "closed", frames: int = 9) -> Link:
    """A connection."""
    return Link(name, state, opened, closed, closed, "ocpp1.6", frames, 0, 100, 100, 100, 1)


def cut(name: str, since: int, at: int, *, lasting: bool) -> Cut:
    """A gap on a connection."""
    return Cut(f"{name}/7", since, at, "buffer-full", 10, lasting=lasting)


def test_between_two_connections_the_station_was_away() -> None:
    """No connection is not blindness: there was nothing to see."""
    found = stretches([link("a", 10, 20), link("b", 30, None, "mirrored")], [], 0, 40)
    assert [(one.begin, one.end, one.sight) for one in found] == [
        (0, 10, Sight.AWAY),
        (10, 20, Sight.SEEN),
        (20, 30, Sight.AWAY),
        (30, 40, Sight.SEEN),
    ]
    assert blind_for(found) == (0, 20)


def test_a_connection_that_is_not_mirrored_is_blindness_with_its_state() -> None:
    """What was forwarded only counts against the time that the station was connected."""
    found = stretches([link("a", 0, 10, "not-enrolled", frames=0), link("b", 10, 20)], [], 0, 20)
    assert found[0] == Stretch(0, 10, Sight.BLIND, "not-enrolled", "a")
    assert blind_for(found) == (10, 20)


def test_a_lasting_cut_blinds_until_the_connection_ends() -> None:
    """A parser that lost its place finds none before the station reconnects; a passing gap ends with its frame."""
    lasting = stretches([link("a", 0, 100)], [cut("a", 40, 50, lasting=True)], 0, 100)
    passing = stretches([link("a", 0, 100)], [cut("a", 40, 50, lasting=False)], 0, 100)
    assert blind_for(lasting) == (60, 100)
    assert blind_for(passing) == (10, 100)


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 60), st.booleans()), max_size=6))
def test_stretches_have_no_holes_and_no_overlaps(given_: list[tuple[int, int, bool]]) -> None:
    """Whatever connections and cuts there are, every moment of the range is in exactly one stretch."""
    links = [link(str(n), begin, begin + length) for n, (begin, length, _) in enumerate(given_)]
    cuts = [cut(str(n), begin + 1, begin + 5, lasting=hard) for n, (begin, _, hard) in enumerate(given_)]
    found = stretches(links, cuts, 0, 100)
    assert [one.begin for one in found] == [0, *(one.end for one in found[:-1])]
    assert found[-1].end == 100
    assert all(one.end > one.begin for one in found)
