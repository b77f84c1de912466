"""Drill: publisher, worker, sink, ClickHouse and broker are killed with SIGKILL in turn, under load.

The tap itself is not: charging stations must notice nothing at all.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.stack.broker import Broker
from diff.store.engine import EmbeddedEngine
from tests.drills.distributed.load import Load
from tests.drills.distributed.outcome import Outcome
from tests.drills.distributed.runtime import Runtime

VICTIMS = ("publisher", "worker", "sink", "ClickHouse", "broker")


def _kill_in_turn(runtime: Runtime, rounds: int) -> list[str]:
    took = []
    for _ in range(rounds):
        for victim in VICTIMS:
            runtime.kill(victim)
            match victim:
                case "broker":
                    runtime.broker.start()
                case "ClickHouse":
                    runtime.engine.restart()
                case "worker" | "sink":
                    runtime.start(victim)
            took.append(f"{victim} {runtime.recovered():.1f} s")
    return took


@pytest.mark.drill
@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=pytest.mark.long)])
def test_a_killed_part_costs_nothing(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None], rounds: int
) -> None:
    """Every part comes back by itself, every frame is stored once and judged as without the kills, and no charging
    station had its connection cut, a text changed or an answer held up.
    """
    with Load() as load, Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        runtime.start_all(load)
        took = _kill_in_turn(runtime, rounds)
        wire = load.enough()
        runtime.drain()
        outcome = Outcome.of(runtime)
    tell(f"killed {rounds}x, back after: {', '.join(took)}; {outcome.line}; {wire.line}")
    assert runtime.killed == dict.fromkeys(VICTIMS, rounds)
    outcome.check()
    assert outcome.letters == []
    wire.check(outcome.record.messages)
