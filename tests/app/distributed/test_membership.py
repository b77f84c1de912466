"""A worker that stood still asks its group before it writes."""

import asyncio

from app.distributed.membership import Membership


class Group:
    """Answers as it is told, and counts the questions."""

    def __init__(self, answers: tuple[bool, ...] = ()) -> None:
        self.answers = list(answers)
        self.now = 100.0

    async def ask(self) -> bool:
        return self.answers.pop(0)

    def membership(self) -> Membership:
        return Membership(8.0, self.ask, lambda: self.now)


def test_while_time_passes_nobody_is_asked() -> None:
    """A busy loop that is a little late is no doubt."""
    group = Group()
    membership = group.membership()
    for _ in range(5):
        group.now += 3.9
        assert asyncio.run(membership.holds())


def test_after_a_jump_the_group_is_asked_until_it_agrees() -> None:
    """A jump that the pulse saw first counts as well; once it is settled nobody is asked again."""
    group = Group((False, True))
    membership = group.membership()
    group.now += 30
    membership.beat()
    group.now += 0.1

    assert not asyncio.run(membership.holds())
    assert membership.refused == 1
    assert asyncio.run(membership.holds())
    assert asyncio.run(membership.holds())
    assert group.answers == []


def test_partitions_that_are_given_anew_settle_the_doubt() -> None:
    """Whoever was let in again need not ask."""
    group = Group()
    membership = group.membership()
    group.now += 30
    membership.beat()
    membership.renewed()

    assert asyncio.run(membership.holds())
