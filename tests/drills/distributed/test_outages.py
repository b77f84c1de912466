"""Drill: Kafka is away, Kafka is slow, ClickHouse is away, and a second worker joins and leaves, all under load."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.stack.broker import Broker
from diff.store.engine import EmbeddedEngine
from tests.drills.distributed.load import Load
from tests.drills.distributed.outcome import Outcome
from tests.drills.distributed.runtime import Runtime
from tests.running import until


@pytest.mark.drill
@pytest.mark.parametrize("away", [8, pytest.param(60, marks=pytest.mark.long)])
def test_kafka_away_costs_nothing(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None], away: int
) -> None:
    """While Kafka is away the spool grows; afterwards it is drained in order, and nobody outside has noticed."""
    with Load() as load, Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        runtime.start_all(load)
        runtime.kill("broker")
        before = len(runtime.recorded())
        time.sleep(away)
        spooled = len(runtime.recorded()) - before
        runtime.check()
        drill_broker.start()
        took = runtime.recovered()
        wire = load.enough()
        runtime.drain()
        outcome = Outcome.of(runtime)
    tell(f"Kafka away {away} s, {spooled} frames spooled, back after {took:.1f} s: {outcome.line}; {wire.line}")
    assert spooled > 20 * away
    outcome.check()
    assert outcome.letters == []
    wire.check(outcome.record.messages)


@pytest.mark.drill
@pytest.mark.parametrize("pulses", [4, pytest.param(40, marks=pytest.mark.long)])
def test_slow_kafka_and_clickhouse_away_cost_nothing(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None], pulses: int
) -> None:
    """A broker that stands still most of the time, then no ClickHouse: everything waits, nothing is lost."""
    with Load() as load, Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        runtime.start_all(load)
        runtime.pulse(drill_broker.pid, pulses, stopped=1.2, running=0.3)
        slow = runtime.recovered()
        runtime.kill("ClickHouse")
        # Frames are taken meanwhile, and so far that one flush of the sink at least has found nobody.
        behind = runtime.recorded()
        until(lambda: len(runtime.recorded()) > len(behind) + 200, 60, "200 frames more")
        drill_engine.restart()
        away = runtime.recovered()
        wire = load.enough()
        runtime.drain()
        outcome = Outcome.of(runtime)
    tell(
        f"Kafka slow ({pulses} pulses), back after {slow:.1f} s; ClickHouse away, back after {away:.1f} s: "
        f"{outcome.line}; {wire.line}"
    )
    outcome.check()
    assert outcome.letters == []
    wire.check(outcome.record.messages)


@pytest.mark.drill
@pytest.mark.parametrize("rounds", [1, pytest.param(8, marks=pytest.mark.long)])
def test_a_second_worker_joins_and_leaves(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None], rounds: int
) -> None:
    """It takes partitions over with their states and gives them back, once in order and once killed."""
    with Load() as load, Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        runtime.start_all(load)
        for number in range(rounds):
            for ending in (runtime.stop, runtime.kill):
                name = f"worker-{number}{ending.__name__}"
                runtime.start(name)
                until(lambda: runtime.workers() == 2, 60, f"partitions with two workers; {runtime.said()}")
                runtime.recovered()
                ending(name)
                until(lambda: runtime.workers() == 1, 60, f"partitions with one worker; {runtime.said()}")
                runtime.recovered()
        wire = load.enough()
        runtime.drain()
        outcome = Outcome.of(runtime)
    tell(f"a second worker joined and left {2 * rounds} times: {outcome.line}; {wire.line}")
    outcome.check()
    assert outcome.letters == []
    wire.check(outcome.record.messages)
