"""A worker that lost the tail of a partition gets it without anything new being published."""

from __future__ import annotations

from app.distributed.stillness import Stillness


def test_who_moves_is_left_alone() -> None:
    """A partition that brings something between two looks is never waited for."""
    stillness = Stillness()
    assert [stillness.waiting({0: offset}, offset * 4.0) for offset in range(5)] == [[]] * 5


def test_a_lost_tail_is_fetched_again() -> None:
    """Twice five seconds at one offset that the partition holds: the consumer is sent there."""
    stillness = Stillness()
    assert stillness.waiting({0: 335, 1: 20}, 10.0) == []
    assert stillness.waiting({0: 335, 1: 20}, 14.0) == []
    assert stillness.waiting({0: 335, 1: 20}, 15.0) == [0, 1]
    assert stillness.lost({0: 335, 1: 20}, {0: 514, 1: 20}, 15.0) == {}
    assert stillness.waiting({0: 335, 1: 20}, 20.0) == [0, 1]
    assert stillness.lost({0: 335, 1: 20}, {0: 514, 1: 20}, 20.0) == {0: 335}
    assert stillness.sent_back == 1


def test_nobody_is_sent_back_twice_at_once() -> None:
    """Who was sent back, or has nothing more to bring, is asked again after five seconds only."""
    stillness = Stillness()
    stillness.waiting({0: 335}, 0.0)
    stillness.lost({0: 335}, {0: 514}, 5.0)
    assert stillness.waiting({0: 335}, 9.0) == []
    assert stillness.waiting({0: 335}, 10.0) == [0]


def test_a_broker_that_returns_is_given_time() -> None:
    """Its partition holds the record at once; when it has brought it by the next look, nobody is sent back."""
    stillness = Stillness()
    stillness.waiting({0: 335}, 0.0)
    assert stillness.lost({0: 335}, {0: 514}, 5.0) == {}
    assert stillness.waiting({0: 500}, 7.0) == []
    assert stillness.waiting({0: 500}, 12.0) == [0]
    assert stillness.lost({0: 500}, {0: 514}, 12.0) == {}


def test_a_rebalance_begins_anew() -> None:
    """The time before partitions came or went does not count."""
    stillness = Stillness()
    stillness.waiting({0: 335}, 0.0)
    stillness.forget()
    assert stillness.waiting({0: 335}, 6.0) == []


def test_a_partition_that_was_given_away_is_forgotten() -> None:
    """When it comes back, its time starts anew."""
    stillness = Stillness()
    stillness.waiting({0: 335}, 0.0)
    stillness.waiting({}, 2.0)
    assert stillness.waiting({0: 335}, 6.0) == []
