"""Drill: `run` is killed with SIGKILL under load, and started again on the same data directory."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from demo.fleet import FleetConfig, run_fleet
from demo.plan import Pace
from demo.primary import Primary, PrimaryConfig
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.status import TapStatus, read_status
from tests.running import HORIZON_PASSED, QUICK, Held, Running, alive, call, family, until

PACE = Pace(session=(4_000_000, 6_000_000), sample=500_000, gap=(200_000, 600_000), handling=100_000)


def _fleet(prefix: str, port: int, seed: int) -> FleetConfig:
    url = f"ws://127.0.0.1:{port}/ocpp"
    return FleetConfig(url=url, chargers=20, seed=seed, fault_share=0.5, duration_seconds=6, pace=PACE, prefix=prefix)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _frames(directory: Path) -> list[Frame]:
    lines = JournalReader(directory / "data/journal").follow()
    return [item for item in Reader().read(lines) if isinstance(item, Frame)]


def _status(directory: Path) -> TapStatus | None:
    return read_status(directory / "data/tap-status.json")


class Drill:
    """What was seen of the two lives of one `run`."""

    def __init__(self, directory: Path, *, dashboard: bool) -> None:
        self.directory = directory
        self.port = _free_port()
        self.arguments = ["run", "--listen-port", self.port, "--dashboard-port", "0"]
        if not dashboard:
            self.arguments.append("--no-dashboard")
        asyncio.run(self._live())
        self.frames = _frames(directory)
        journal = sorted((directory / "data/journal").glob("*.jsonl"))
        self.replay = call(["replay", *journal, "--json"], directory, QUICK)

    async def _live(self) -> None:
        first, second = _fleet("ONE", self.port, 3), _fleet("TWO", self.port, 4)
        async with Primary(PrimaryConfig(behaviours=first.behaviours() | second.behaviours())) as primary:
            self.arguments += ["--upstream", f"ws://127.0.0.1:{primary.port}"]
            async with self._running() as running:
                load = asyncio.create_task(run_fleet(first))
                await asyncio.to_thread(until, lambda: self._acknowledged() >= 400, 30, "400 acknowledged lines")
                self.relatives = family(running.process.pid)
                running.process.kill()
                # Read at once after the kill: nothing that was acknowledged by now may be missing later.
                self.acknowledged = self._acknowledged()
                self.journalled = {frame.frame_id for frame in _frames(self.directory)}
                await asyncio.to_thread(running.process.wait)
            # At once: what the killed one has left behind may still be on its way out.
            async with self._running() as again:
                self.cut = len((await load).failures)
                report = await run_fleet(second)
                self.failures_after = report.failures
                await asyncio.sleep(HORIZON_PASSED)
                self.code = await asyncio.to_thread(again.stop)
                self.lines = again.lines

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[Running]:
        running = Running.start(self.arguments, self.directory, QUICK)
        try:
            await asyncio.to_thread(running.said, "^tap on")
            yield running
        finally:
            running.kill()

    def _acknowledged(self) -> int:
        status = _status(self.directory)
        return 0 if status is None else status.journal.acknowledged


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """Done once for all tests of this file."""
    return Drill(tmp_path_factory.mktemp("killed"), dashboard=True)


@pytest.mark.drill
def test_the_kill_came_under_load(drill: Drill) -> None:
    """Charging stations were cut off in the middle of their work, and the second life served everybody."""
    assert drill.cut >= 10
    assert drill.failures_after == {}
    assert drill.code == 0
    assert "Traceback" not in "".join(drill.lines)


@pytest.mark.drill
def test_no_part_outlives_the_killed_process(drill: Drill) -> None:
    """Engine, worker, page and parser were there when it was killed, and all of them have ended."""
    parts = "".join(drill.relatives.values())
    for module in ("diff.store.embedded", "app.worker", "app.page", "ingest.tap.parser"):
        assert f"-m {module} " in parts
    assert [line for pid, line in drill.relatives.items() if alive(pid, line)] == []


@pytest.mark.drill
def test_nothing_acknowledged_is_lost_and_nothing_is_twice(drill: Drill) -> None:
    """Every line that the journal had acknowledged before the kill is a frame of the store, and no id stands twice;
    sessions and discrepancies are those of a clean replay of the whole journal.
    """
    assert drill.acknowledged >= 400
    assert len(drill.journalled) >= drill.acknowledged
    everything = {frame.frame_id for frame in drill.frames}
    assert len(everything) == len(drill.frames)
    assert drill.journalled <= everything
    with EmbeddedEngine(drill.directory / "data/store") as engine, Store.connect(engine.url()) as store:
        stored = [row["frame_id"] for row in store.rows("SELECT frame_id FROM frames FINAL")]
        held = Held.of_store(store)
    assert len(stored) == len(set(stored))
    assert set(stored) == {frame.frame_id for frame in drill.frames if frame.kind is not FrameKind.TICK}
    assert drill.replay.code == 0
    clean = Held.of_replay(drill.replay.json)
    assert held.sessions == clean.sessions
    assert held.discrepancies == clean.discrepancies
    assert {charger.partition("-")[0] for charger, *_ in clean.sessions.values()} == {"ONE", "TWO"}


@pytest.mark.drill
def test_the_cut_is_said(drill: Drill) -> None:
    """Connections that ended with the tap are closed behind a gap that says so, and what they had open is not judged
    as if it had been seen to its end.
    """
    gaps = [frame for frame in drill.frames if frame.gap is not None and frame.gap.reason == "tap-ended"]
    assert len(gaps) >= 10
    chargers = {frame.charger_id for frame in gaps}
    rows = [row for row in drill.replay.json["discrepancies"] if row["code"] == "tap.gap"]
    assert {row["charger_id"] for row in rows} >= chargers
