"""Drill: the charging stations lose their network, and then the tap between them and the primary is killed.

They go on charging, queue what they have to say, and flush it when they are back; some of their clocks are wrong.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.stack.broker import Broker
from diff.store.engine import EmbeddedEngine
from ingest.frame import FrameKind
from tests.drills.distributed.load import Load, outposts
from tests.drills.distributed.outcome import Outcome
from tests.drills.distributed.runtime import Runtime
from tests.running import until

CHARGERS = 18


@pytest.mark.drill
@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=pytest.mark.long)])
def test_what_was_queued_is_lived_when_it_comes(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None], rounds: int
) -> None:
    """Every message arrives at the primary, which bills every transaction right; every frame that the tap had
    acknowledged before it was killed is in the store once, and all is judged as in an undisturbed run.
    """
    plans = outposts(CHARGERS, sessions=4 * rounds)
    with Load(outposts=plans) as load, Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        runtime.start_all(load, waves=False)
        acknowledged: set[str] = set()
        for _ in range(rounds):
            queued = {one: one.queued_offline for one in load.outposts}
            load.black_out()
            until(lambda q=queued: all(one.queued_offline >= q[one] + 4 for one in load.outposts), 60, "queues")
            load.light_up()
            runtime.recovered()
            runtime.kill("tap")
            acknowledged |= {frame.frame_id for frame in runtime.recorded()}
            runtime.start_tap(load.upstream)
            runtime.recovered()
        load.enough(120)
        runtime.drain()
        outcome = Outcome.of(runtime)
    offline = sum(one.queued_offline for one in load.outposts)
    cuts = sum(one.connections - 1 for one in load.outposts)
    tell(
        f"chargers without network and tap killed {rounds}x: {cuts} connections cut, {offline} messages queued, "
        f"{len(load.billed)} transactions billed; {outcome.line}"
    )
    assert cuts >= 2 * rounds * CHARGERS
    assert sum(one.undelivered for one in load.outposts) == 0
    driven = {one.plan.charger_id: list(one.transactions) for one in load.outposts}
    assert {name: len(rows) for name, rows in driven.items()} == dict.fromkeys(driven, 4 * rounds)
    assert {row.energy_wh for row in load.billed} == {6 * 25}
    outcome.check()
    assert outcome.letters == []
    assert acknowledged <= outcome.record.ids
    ended = [frame for frame in outcome.record.frames if frame.gap is not None and frame.gap.reason == "tap-ended"]
    assert {frame.charger_id for frame in ended} == set(driven)
    assert sum(frame.kind is FrameKind.OPENED for frame in outcome.record.frames) >= cuts
    wrong = {plan.charger_id for plan in plans if plan.clock_off}
    assert {row["charger_id"] for row in outcome.stored["discrepancies"] if row["code"].startswith("clock.")} == wrong
