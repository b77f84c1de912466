"""Drill: worker, engine and parser are killed while charging stations are served, and none of those notices."""

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest

from app.worker import WorkerStatus, read_worker_status
from demo.fleet import FleetConfig, FleetReport, run_fleet
from demo.plan import Pace
from demo.primary import Primary, PrimaryConfig
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.status import read_status
from tests.running import HORIZON_PASSED, QUICK, Held, Running, call, until

FLEET = FleetConfig(
    chargers=16,
    seed=9,
    fault_share=0.4,
    duration_seconds=11,
    pace=Pace(session=(4_000_000, 6_000_000), sample=500_000, gap=(200_000, 600_000), handling=100_000),
)
PARTS = ("app.worker", "diff.store.embedded", "ingest.tap.parser")


def _through(port: int, config: FleetConfig) -> FleetConfig:
    return msgspec.structs.replace(config, url=f"ws://127.0.0.1:{port}/ocpp")


class Drill:
    """One run whose parts were killed one after the other."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.killed: dict[str, int] = {}
        self.successors: dict[str, int] = {}
        asyncio.run(self._live())
        lines = JournalReader(directory / "data/journal").follow()
        self.frames = [item for item in Reader().read(lines) if isinstance(item, Frame)]
        journal = sorted((directory / "data/journal").glob("*.jsonl"))
        self.replay = call(["replay", *journal, "--json"], directory, QUICK)

    async def _live(self) -> None:
        async with Primary(PrimaryConfig(behaviours=FLEET.behaviours())) as primary:
            upstream = f"ws://127.0.0.1:{primary.port}"
            arguments = ("run", "--upstream", upstream, "--listen-port", "0", "--no-dashboard")
            running = Running.start(arguments, self.directory, QUICK)
            try:
                port = await asyncio.to_thread(lambda: running.tap_port)
                load = asyncio.create_task(run_fleet(_through(port, FLEET)))
                for part in PARTS:
                    await asyncio.sleep(1.5)
                    await asyncio.to_thread(self._kill, running, part)
                self.report: FleetReport = await load
                # A connection that was cut is mirrored again after it was made anew.
                again = FleetConfig(chargers=4, duration_seconds=1, fault_share=0, prefix="NEW", pace=FLEET.pace)
                self.report_after = await run_fleet(_through(port, again))
                await asyncio.sleep(HORIZON_PASSED)
                self.code = await asyncio.to_thread(running.stop)
                self.lines = running.lines
            finally:
                running.kill()

    def _kill(self, running: Running, part: str) -> None:
        pid = self.killed[part] = running.part(part)
        os.kill(pid, signal.SIGKILL)
        self.successors[part] = until(lambda: self._other(running, part, pid), 30, f"another {part}")

    @staticmethod
    def _other(running: Running, part: str, pid: int) -> int | None:
        found = running.part(part)
        return None if found == pid else found

    @property
    def worker(self) -> WorkerStatus:
        status = read_worker_status(self.directory / "data")
        assert status is not None
        return status


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """Done once for all tests of this file."""
    return Drill(tmp_path_factory.mktemp("parts"))


@pytest.mark.drill
def test_chargers_do_not_notice(drill: Drill) -> None:
    """No charging station failed, every session that began was ended, and the tap served new ones afterwards."""
    assert drill.report.failures == drill.report_after.failures == {}
    assert drill.report.started >= FLEET.chargers
    assert drill.report_after.stopped >= 4
    status = read_status(drill.directory / "data/tap-status.json")
    assert status is not None
    assert status.mirror["faults"] == 0


@pytest.mark.drill
def test_every_part_is_started_again_and_said(drill: Drill) -> None:
    """Each killed part has a successor; a line on stderr names it; the end is clean all the same."""
    assert all(drill.killed[part] != drill.successors[part] for part in PARTS)
    for part in ("worker", "store"):
        assert f"{part} ended by itself and is started again; the tap goes on" in drill.lines
    assert any(line.startswith("tap: the parser ended with status -9; forwarding goes on") for line in drill.lines)
    assert drill.code == 0
    assert "Traceback" not in "".join(drill.lines)


@pytest.mark.drill
def test_the_counts_are_right_in_the_end(drill: Drill) -> None:
    """The store holds every journalled frame once, and the sessions and discrepancies of a clean replay; what was not
    mirrored stands as a gap.
    """
    with EmbeddedEngine(drill.directory / "data/store") as engine, Store.connect(engine.url()) as store:
        stored = [row["frame_id"] for row in store.rows("SELECT frame_id FROM frames FINAL")]
        held = Held.of_store(store)
    assert len(stored) == len(set(stored))
    assert set(stored) == {frame.frame_id for frame in drill.frames if frame.kind is not FrameKind.TICK}
    assert drill.replay.code == 0
    clean = Held.of_replay(drill.replay.json)
    assert held.sessions == clean.sessions
    assert held.discrepancies == clean.discrepancies
    assert (drill.worker.frames, drill.worker.waiting) == (len(drill.frames), 0)
    reasons = {frame.gap.reason for frame in drill.frames if frame.gap is not None}
    assert reasons == {"parser-restarted"}
    new = [session for session in clean.sessions.values() if session[0].startswith("NEW")]
    assert len(new) >= 4
    assert all(complete and billed == lived for *_, complete, billed, lived in new)
