"""Frames are taken in the order of their offsets, whatever is delivered, and only what is kept is committed."""

import asyncio
import itertools
import random
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from mode.utils.locks import Event

from app.distributed.offsets import Places, commit_what_is_kept

clock = itertools.count(10, 2)
"""Seconds that are always enough for what was on its way."""


def _places(first: int = 100) -> Places:
    places = Places()
    places.begin(0, first)
    return places


def _deliver(places: Places, offsets: list[int]) -> list[int]:
    return [offset for offset in offsets if places.admit(0, offset)]


def test_what_comes_again_is_passed_over() -> None:
    """Each offset is taken once, also where the consumer goes back."""
    places = _places()

    assert _deliver(places, [99, 100, 101, 100, 101, 102, 102, 103]) == [100, 101, 102, 103]
    assert places.repeated == 4
    assert places.missing == {}


def test_behind_a_hole_nothing_is_taken() -> None:
    """The consumer is sent back to its beginning; then all of it comes in order."""
    places = _places()
    assert _deliver(places, [100, 103, 104]) == [100]
    back, given_up = places.holes_to_fill({0: 0}, next(clock))

    assert (back, given_up, places.holes) == ({0: 101}, {}, 1)
    assert _deliver(places, [105, 101, 102, 103, 104, 105]) == [101, 102, 103, 104, 105]


def test_a_hole_that_was_filled_meanwhile_sends_nobody_back() -> None:
    """A stretch that only came late needs no second delivery."""
    places = _places()
    _deliver(places, [101, 100, 101])

    assert places.holes_to_fill({0: 0}, next(clock)) == ({}, {})


def test_what_was_on_its_way_is_waited_for() -> None:
    """Records that were read before the consumer was sent back do not count as a second hole."""
    places = _places()
    _deliver(places, [103])
    assert places.holes_to_fill({0: 0}, 50.0) == ({0: 100}, {})
    _deliver(places, [104, 105])
    assert places.holes_to_fill({0: 0}, 50.5) == ({}, {})
    _deliver(places, [106])
    assert places.holes_to_fill({0: 0}, 51.5) == ({0: 100}, {})


def test_what_has_expired_is_given_up_and_told() -> None:
    """Retention took it while no worker ran."""
    places = _places()
    _deliver(places, [150])

    assert places.holes_to_fill({0: 150}, next(clock)) == ({0: 150}, {0: (100, 150)})
    assert _deliver(places, [150, 151]) == [150, 151]


def test_an_offset_that_never_comes_is_given_up_in_the_end() -> None:
    """Kafka may leave offsets out; after several tries the next one is taken."""
    places = _places()
    for _ in range(5):
        assert _deliver(places, [101]) == []
        assert places.holes_to_fill({0: 0}, next(clock)) == ({0: 100}, {})
    _deliver(places, [101])

    assert places.holes_to_fill({0: 0}, next(clock)) == ({0: 101}, {0: (100, 101)})
    assert _deliver(places, [101]) == [101]


@pytest.mark.parametrize("seed", range(10))
def test_any_delivery_ends_in_order(seed: int) -> None:
    """Stretches left out, repeated and shuffled at random: all is taken once and in order."""
    chance, places, taken = random.Random(seed), _places(0), []
    position = 0
    while len(taken) < 500:
        stretch = list(range(position, min(position + chance.randrange(1, 60), 500)))
        position = chance.choice([position, position + len(stretch), position + len(stretch) + chance.randrange(20)])
        taken += _deliver(places, stretch)
        if places.missing or position >= 500:
            back, given_up = places.holes_to_fill({0: 0}, next(clock))
            assert given_up == {}
            position = back.get(0, places.next[0])

    assert taken == list(range(500))


def test_the_consumer_is_sent_back_by_its_own_thread() -> None:
    """What was fetched belongs to the thread that fetches: nobody else takes from it."""
    app = SimpleNamespace(transport=SimpleNamespace())
    commit_what_is_kept(app, {})
    consumer = object.__new__(app.transport.Consumer)
    sought: list[tuple[TP, int, bool]] = []

    class Thread:
        own = False

        def seek(self, partition: TP, offset: int) -> None:
            sought.append((partition, offset, self.own))

        async def call_thread(self, method: Any) -> None:
            self.own = True
            await method()

    consumer._thread = Thread()
    asyncio.run(consumer._seek(TP("frames", 0), 335))
    assert sought == [(TP("frames", 0), 335, True)]


def test_faust_commits_what_is_kept_and_nothing_else() -> None:
    """Whatever Faust believes to be acknowledged."""
    app, kept = SimpleNamespace(transport=SimpleNamespace()), {TP("frames", 0): 803}
    commit_what_is_kept(app, kept)
    consumer = object.__new__(app.transport.Consumer)
    consumer._acked = defaultdict(list, {TP("frames", 0): [799, 800, 800, 850]})
    consumer._acked_index = defaultdict(set)

    assert consumer._new_offset(TP("frames", 0)) == 803
    assert consumer._new_offset(TP("frames", 1)) is None
    assert consumer._acked[TP("frames", 0)] == []


class _Flow:
    """As far as a consumer's flow goes: what Faust asks it for each record."""

    def __init__(self) -> None:
        app = SimpleNamespace(transport=SimpleNamespace())
        commit_what_is_kept(app, {})
        self.consumer = object.__new__(app.transport.Consumer)
        self.consumer._stopped, self.consumer._crashed = Event(), Event()
        self.consumer._shutdown = Event()
        self.consumer.loop = asyncio.get_running_loop()
        self.consumer.suspend_flow = asyncio.Event()
        self.tasks = 0
        asyncio.get_running_loop().set_task_factory(self._task)

    def _task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **named: Any) -> asyncio.Task[Any]:
        self.tasks += 1
        return asyncio.Task(coroutine, loop=loop, **named)

    async def hand_on(self, coroutine: Any) -> Any:
        return await self.consumer.wait_first(coroutine, self.consumer.suspend_flow.wait())


def test_a_record_that_is_taken_at_once_costs_no_task() -> None:
    """What it gives comes back, and what it raises is raised."""

    async def taken() -> str:
        return "taken"

    async def broken() -> str:
        raise ValueError("broken")

    async def work() -> None:
        flow = _Flow()
        given = await flow.hand_on(taken())
        assert (given.results, given.stopped, flow.tasks) == (["taken"], False, 0)
        with pytest.raises(ValueError, match="broken"):
            await flow.hand_on(broken())

    asyncio.run(work())


def test_a_record_that_has_to_wait_is_waited_for() -> None:
    """Its steps and what they give come in their order, an error that it catches included."""

    async def waiting() -> list[str]:
        seen = [await asyncio.sleep(0.01, "slept")]
        await asyncio.sleep(0)
        failing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failing.get_loop().call_soon(failing.set_exception, OSError("away"))
        try:
            await failing
        except OSError as error:
            seen.append(str(error))
        return seen

    async def work() -> None:
        flow = _Flow()
        given = await flow.hand_on(waiting())
        assert (given.results, given.stopped) == ([["slept", "away"]], False)

    asyncio.run(work())


@pytest.mark.parametrize("what", ["suspend_flow", "_stopped"])
def test_a_record_that_waits_is_given_up_when_the_flow_ends(what: str) -> None:
    """A rebalance suspends the flow: the record hears of it and is not waited for any longer. So it is at the end."""

    async def work() -> None:
        flow, heard = _Flow(), asyncio.Event()

        async def stuck() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                heard.set()
                raise

        end = getattr(flow.consumer, what)
        asyncio.get_running_loop().call_later(0.01, end.set)
        await asyncio.wait_for(flow.hand_on(stuck()), 5)
        await asyncio.wait_for(heard.wait(), 5)

    asyncio.run(work())
