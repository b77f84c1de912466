"""Drill: frames are delivered twice, and out of order, as by two publishers of one spool and by two taps."""

from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from app.stack.broker import Broker
from demo.traffic import Traffic
from diff.discrepancy import Status
from diff.rejudge import Outcome as Standing
from diff.rejudge import judge_again
from diff.store.engine import EmbeddedEngine
from diff.store.queries.judged import stored_outcome
from ingest.frame import Frame, FrameKind
from tests.drills.distributed.outcome import Outcome
from tests.drills.distributed.runtime import Runtime
from tests.running import until


def _traffic(seed: int, chargers: int = 12, sessions: int = 3) -> list[Frame]:
    return list(Traffic(seed=seed, chargers=chargers, sessions_per_charger=sessions))


def _ticked(frames: Iterable[Frame]) -> list[Frame]:
    """With the tap's ticks between them."""
    found: list[Frame] = []
    for number, frame in enumerate(frames):
        found.append(frame)
        if number % 97 == 96:
            found.append(Frame("", "drill-tick", number // 97, frame.received_at, FrameKind.TICK))
    return found


def _twice(frames: list[Frame]) -> list[Frame]:
    """Every tenth frame comes again at once, and twice a long stretch is published once more from its beginning."""
    found: list[Frame] = []
    for number, frame in enumerate(frames):
        found += [frame] * (2 if number % 10 == 0 else 1)
    third = len(found) // 3
    return [*found[: 2 * third], *found[third : 2 * third], *found[2 * third :], *found[-third:]]


def _swapped(frames: list[Frame], chance: Random) -> list[Frame]:
    """Some frames come up to eight places of their charging station too late, so that connections overlap too."""
    by_charger: dict[str, list[Frame]] = {}
    for frame in frames:
        by_charger.setdefault(frame.charger_id, []).append(frame)
    for own in by_charger.values():
        for at in range(12, len(own) - 9, 30):
            own.insert(at + chance.randrange(1, 9), own.pop(at))
    return [frame for own in by_charger.values() for frame in own]


def _late(frames: list[Frame]) -> int:
    """Frames behind a later one of the same charging station."""
    furthest: dict[str, tuple[int, str, int]] = {}
    late = 0
    for frame in frames:
        last = furthest.setdefault(frame.charger_id, frame.order_key)
        late += frame.order_key < last
        furthest[frame.charger_id] = max(frame.order_key, last)
    return late


@pytest.mark.drill
def test_what_comes_twice_counts_once(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None]
) -> None:
    """Frames, messages, sessions and discrepancies are those of frames that came once each."""
    frames = _twice(_ticked(_traffic(31)))
    with Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        runtime.start("worker")
        runtime.start("sink")
        runtime.publish(frames)
        runtime.drain()
        outcome = Outcome.of(runtime)
    tell(f"delivered twice: {outcome.line}")
    assert len(outcome.record.frames) > 1.5 * len(outcome.record.ids)
    outcome.check()
    assert outcome.letters == []


def _standing(outcome: Standing) -> tuple[dict[str, object], dict[str, object]]:
    """What stands, without how often it was corrected."""
    return (
        {key: replace(row, version=0) for key, row in outcome.sessions.items() if row.status is Status.OPEN},
        {key: replace(row, version=0) for key, row in outcome.discrepancies.items() if row.status is Status.OPEN},
    )


@pytest.mark.drill
def test_what_comes_late_is_judged_again(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None]
) -> None:
    """Frames come behind later ones, some of them twice: in the end sessions and discrepancies are those of the
    canonical order.
    """
    frames = _traffic(32, chargers=8)
    arrived = _swapped(frames, Random(5))
    late = _late(arrived)
    by_charger: dict[str, list[Frame]] = {}
    for frame in frames:
        by_charger.setdefault(frame.charger_id, []).append(frame)
    with Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        for part in ("worker", "sink", "rejudge"):
            runtime.start(part)
        settings = runtime.settings
        expected = {
            name: _standing(judge_again(own, own[-1].received_at, settings.shadow_config(), settings.policy()))
            for name, own in by_charger.items()
        }
        runtime.publish([frame for one in arrived for frame in [one] * (1 + (one.seq % 7 == 0))])
        with runtime.store() as store:
            until(
                lambda: {name: _standing(stored_outcome(store, name)) for name in by_charger} == expected,
                90,
                f"the outcome of the canonical order; {runtime.said()}",
            )
            count = store.execute("SELECT count(), uniqExact(frame_id) FROM frames FINAL")[0]
        for part in ("worker", "sink", "rejudge"):
            runtime.stop(part)
    sessions = sum(len(one) for one, _ in expected.values())
    discrepancies = sum(len(two) for _, two in expected.values())
    tell(
        f"out of order: {late} frames came late, {count[0]} frames stored once, {sessions} sessions and "
        f"{discrepancies} discrepancies as in the canonical order"
    )
    assert count == (len(frames), len(frames))
    assert late > 20
    assert discrepancies > 5
