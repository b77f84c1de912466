"""Late frames without Kafka or a store: the worker, the sink and whoever judges again, each as slow as it likes."""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.distributed import correcting
from app.distributed.living import Arrival, Living
from demo.script import Script
from demo.traffic import frames as fleet_frames
from diff.discrepancy import Discrepancy, JudgedSession, Status
from diff.published import decode
from diff.rejudge import Outcome, RejudgeRequest, judge_again
from ingest.frame import Frame, FrameKind, Micros
from ingest.topics import Topics

TOPICS = Topics()
MINUTE = 60_000_000
KINDS: dict[str, type[Any]] = {TOPICS.sessions: JudgedSession, TOPICS.discrepancies: Discrepancy}


class Runtime:
    """One partition: what was published stands in a list, and the sink has stored the first of it."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.states: dict[tuple[int, str], bytes] = {}
        self.living = Living(TOPICS, lambda partition, charger: self.states.get((partition, charger)))
        self.frames: list[Frame] = []
        self.lived = 0
        self.published: list[Any] = []
        self.stored = 0
        self.rows: dict[str, Any] = {}
        self.requests: list[RejudgeRequest] = []

    def live(self, frames: list[Frame]) -> None:
        """Live a batch: its outputs are published, then its requests."""
        arrivals = [Arrival(0, number, frame) for number, frame in enumerate(frames, self.lived)]
        self.lived += len(arrivals)
        self.frames += [frame for frame in frames if frame.kind is not FrameKind.TICK]
        batch = self.living.live(arrivals)
        for (topic, _), records in batch.outputs.items():
            if topic in KINDS:
                self.published += [decode(record.value, KINDS[topic]) for record in records]
        self.requests += [decode(one.value, RejudgeRequest) for records in batch.requests.values() for one in records]
        self.states.update(batch.states)

    def store(self, least: int) -> None:
        """Store what was published, at least so much of it; of equal versions the one that came last stands."""
        for row in self.published[self.stored : max(least, self.chance.randint(self.stored, len(self.published)))]:
            self.stored += 1
            key = row.session_id if isinstance(row, JudgedSession) else row.id
            if key not in self.rows or row.version >= self.rows[key].version:
                self.rows[key] = row

    def judge_again(self) -> None:
        """Take the oldest request, behind what was published before it was taken."""
        request = self.requests.pop(0)
        self.store(len(self.published))
        with self._readable():
            fixed = correcting.again(None, request)  # type: ignore[arg-type]
        self.published += [*fixed.sessions, *fixed.discrepancies]

    def outcome(self, charger_id: str) -> Outcome:
        """As it is stored."""
        rows = [row for row in self.rows.values() if row.charger_id == charger_id]
        return Outcome(
            {row.session_id: row for row in rows if isinstance(row, JudgedSession)},
            {row.id: row for row in rows if isinstance(row, Discrepancy)},
        )

    def open_codes(self) -> list[str]:
        """What stands when the sink has stored everything."""
        self.store(len(self.published))
        return [row.code for row in self.rows.values() if isinstance(row, Discrepancy) and row.status is Status.OPEN]

    @contextmanager
    def _readable(self) -> Iterator[None]:
        def of(charger_id: str, since: Micros, until: Micros) -> list[Frame]:
            mine = (one for one in self.frames if one.charger_id == charger_id and since <= one.received_at <= until)
            return sorted(mine, key=attrgetter("order_key"))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(correcting, "stored_outcome", lambda _, charger: self.outcome(charger))
            patch.setattr(correcting, "charger_frames", lambda _, *asked: of(*asked))
            patch.setattr(correcting, "first_seen", lambda _, charger: of(charger, 0, 1 << 62)[0].received_at)
            yield


def _shuffled(chance: random.Random, frames: list[Frame]) -> list[Frame]:
    arrived = list(frames)
    for at in range(20, len(arrived) - 30, 45):
        arrived.insert(at + chance.choice([1, 3, 8, 25]), arrived.pop(at))
    return arrived


def _open(outcome: Outcome) -> tuple[dict, dict]:
    return (
        {key: replace(row, version=0) for key, row in outcome.sessions.items() if row.status is Status.OPEN},
        {key: replace(row, version=0) for key, row in outcome.discrepancies.items() if row.status is Status.OPEN},
    )


def _tick(at: Micros) -> Frame:
    return Frame("", f"tick-{at}", 0, at, FrameKind.TICK)


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=8)
def test_whoever_is_slow_the_canonical_outcome_stands_at_the_end(seed: int) -> None:
    """Any cutting into batches, and any delay of the sink and of judging again, leave what the canonical order says."""
    chance = random.Random(seed)
    frames = list(itertools.islice(fleet_frames(21, 6, 4), 1500))
    end = frames[-1].received_at + 10 * MINUTE
    runtime, rest = Runtime(chance), [*_shuffled(chance, frames), _tick(end)]
    while rest:
        size = chance.randint(1, chance.choice([5, 50, 200, 500, 1500]))
        runtime.live(rest[:size])
        del rest[:size]
        runtime.store(0)
        while runtime.requests and chance.random() < 0.6:
            runtime.judge_again()
    while runtime.requests:
        runtime.judge_again()
    runtime.store(len(runtime.published))

    for charger_id in {frame.charger_id for frame in frames}:
        own = [frame for frame in frames if frame.charger_id == charger_id]
        assert _open(runtime.outcome(charger_id)) == _open(judge_again(own, end))


NOW = {"currentTime": "2030-01-01T12:10:00Z"}


def test_a_deadline_that_falls_due_behind_the_correction_does_not_stand() -> None:
    """A call that came behind its answer stays open for the worker, which says so when all was judged again."""
    frames = Script("CP1").boot().wait(600).call("Heartbeat", {}).answer(NOW).frames
    *before, call, answer = frames
    runtime = Runtime(random.Random(0))
    runtime.live([*before, answer, call])
    runtime.judge_again()
    runtime.live([_tick(call.received_at + 2 * MINUTE)])
    assert runtime.open_codes() == ["rpc.unanswered"]

    runtime.live([_tick(call.received_at + 6 * MINUTE)])
    runtime.judge_again()
    assert runtime.open_codes() == []
    assert not runtime.requests


def test_a_count_that_goes_on_from_a_wrong_one_does_not_stand() -> None:
    """Long after all was judged again, the next occurrence is counted as the canonical order counts it."""
    script = Script("CP1").boot().wait(600).call("Heartbeat", {}).answer(NOW)
    *before, call, answer = script.frames
    lost = script.wait(36_000).call("Heartbeat", {}).frames[-1]
    runtime = Runtime(random.Random(0))
    runtime.live([*before, answer, call])
    runtime.live([_tick(call.received_at + 2 * MINUTE)])
    runtime.live([_tick(call.received_at + 6 * MINUTE)])
    while runtime.requests:
        runtime.judge_again()
    assert runtime.open_codes() == []

    runtime.live([lost])
    runtime.live([_tick(lost.received_at + 2 * MINUTE)])
    runtime.judge_again()
    assert runtime.open_codes() == ["rpc.unanswered"]
    (row,) = [row for row in runtime.outcome("CP1").discrepancies.values() if row.status is Status.OPEN]
    assert (row.occurrences, row.frames) == (1, (lost.frame_id,))
