"""`run` and `record` with a simulated fleet and a small primary, over real sockets: the live outcome and its replay."""

import asyncio
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.worker import WorkerStatus, read_worker_status
from demo.fleet import Fleet, FleetConfig, FleetReport
from demo.plan import Pace
from demo.primary import Primary, PrimaryConfig
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.status import TapStatus, read_status
from tests.running import HORIZON_PASSED, QUICK, Held, Running, alive, call, family, until

FLEET = FleetConfig(
    chargers=10,
    seed=5,
    fault_share=0.5,
    duration_seconds=9,
    pace=Pace(session=(4_000_000, 6_000_000), sample=1_000_000, gap=(200_000, 600_000), handling=100_000),
)


def _told(running: "Running | Lived") -> bool:
    line = re.compile(r"copies dropped 0; \d+ frames lived, [1-9]\d* sessions compared, \d+ rows wait")
    return any(line.search(told) for told in running.lines)


class Lived:
    """A fleet that went through a tap, and everything that is left of it."""

    def __init__(self, directory: Path, command: str) -> None:
        self.directory = directory
        self.report, self.billed = asyncio.run(self._live(command))
        self.frames = [
            item
            for item in Reader().read(JournalReader(directory / "data/journal").follow())
            if isinstance(item, Frame)
        ]
        journal = sorted((directory / "data/journal").glob("*.jsonl"))
        self.replay = call(["replay", *journal, "--json"], directory, QUICK)

    async def _live(self, command: str) -> tuple[FleetReport, dict[tuple[str, str], int | None]]:
        async with Primary(PrimaryConfig(behaviours=FLEET.behaviours())) as primary:
            upstream = f"ws://127.0.0.1:{primary.port}"
            options = ("--no-dashboard",) if command == "run" else ()
            arguments = (command, "--upstream", upstream, "--listen-port", "0", *options)
            running = Running.start(arguments, self.directory, QUICK)
            try:
                port = await asyncio.to_thread(lambda: running.tap_port)
                report = await Fleet(msgspec.structs.replace(FLEET, url=f"ws://127.0.0.1:{port}/ocpp")).run()
                if command == "run":
                    await asyncio.sleep(HORIZON_PASSED)
                    await asyncio.to_thread(lambda: until(lambda: _told(running), 20, "a line about sessions"))
                    beside = ["gate", "--json", "--data-dir", "data"]
                    self.beside = await asyncio.to_thread(call, beside, self.directory, QUICK)
                relatives = family(running.process.pid)
                self.code = await asyncio.to_thread(running.stop)
                self.orphans = [pid for pid, line in relatives.items() if alive(pid, line)]
            finally:
                running.kill()
            self.lines = running.lines
            return report, {(row.charger_id, str(row.transaction_id)): row.energy_wh for row in primary.ledger}

    @property
    def worker(self) -> WorkerStatus:
        status = read_worker_status(self.directory / "data")
        assert status is not None
        return status

    @property
    def tap(self) -> TapStatus:
        status = read_status(self.directory / "data/tap-status.json")
        assert status is not None
        return status


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """`run`, once for all tests of this file."""
    return Lived(tmp_path_factory.mktemp("run"), "run")


@pytest.fixture(scope="module")
def store(lived: Lived) -> Iterator[Store]:
    """What `run` left in its store."""
    with EmbeddedEngine(lived.directory / "data/store") as engine, Store.connect(engine.url()) as client:
        yield client


def _rows(store: Store, query: str) -> list[dict[str, Any]]:
    return store.rows(query)


def test_the_fleet_goes_through_and_the_command_ends_cleanly(lived: Lived) -> None:
    """No charging station failed, SIGTERM ended it with 0 and no traceback, and nothing was left running."""
    assert lived.report.failures == {}
    assert lived.report.stopped >= 10
    assert lived.code == 0
    assert lived.orphans == []
    assert "Traceback" not in "".join(lived.lines)
    assert any("is started again" in line for line in lived.lines) is False


def test_a_verdict_is_given_while_it_runs(lived: Lived, store: Store) -> None:
    """`gate` asks the store of the running process, keeps its verdict there, and nothing is left behind at the end."""
    assert lived.beside.code in (10, 20), lived.beside.err
    assert lived.beside.json["verdicts"][0]["verdict"]["chargers"] == FLEET.chargers
    assert _rows(store, "SELECT outcome FROM verdicts") == [{"outcome": lived.beside.json["outcome"]}]
    assert not (lived.directory / "data/store.url").exists()


def test_it_tells_how_it_is_doing(lived: Lived) -> None:
    """Lines of progress name frames, sessions compared and copies dropped, of which there are none."""
    told = [line for line in lived.lines if line.startswith("tap: ")]
    assert told
    assert _told(lived)


def test_what_is_compared_equals_the_books_of_the_primary(lived: Lived, store: Store) -> None:
    """Each transaction that the primary billed stands in the store with that energy; of charging stations that planted
    nothing the shadow found the same.
    """
    sessions = _rows(store, "SELECT * FROM sessions FINAL")
    compared = [row for row in sessions if row["compared"]]
    assert len(compared) == lived.worker.compared > 0
    judged = {(row["charger_id"], row["primary_transaction_id"]): row for row in compared}
    misbehaving = {planted.charger_id for planted in lived.report.planted}
    clean = {key: energy for key, energy in lived.billed.items() if key[0] not in misbehaving}
    assert len(clean) >= 3
    for key, energy in clean.items():
        assert judged[key]["primary_energy_wh"] == judged[key]["shadow_energy_wh"] == energy
    for key, row in judged.items():
        assert row["primary_energy_wh"] == lived.billed[key]
    rows = _rows(store, "SELECT * FROM discrepancies FINAL WHERE status = 'open' AND class != 'expected-loss'")
    chargers = {row["charger_id"] for row in rows}
    assert chargers
    assert chargers <= misbehaving


def test_every_frame_is_in_the_store(lived: Lived, store: Store) -> None:
    """The journal's frames but for ticks are the store's, without a hole in any connection."""
    journalled = {frame.frame_id for frame in lived.frames if frame.kind is not FrameKind.TICK}
    stored = [row["frame_id"] for row in _rows(store, "SELECT frame_id FROM frames FINAL")]
    assert len(stored) == len(set(stored))
    assert set(stored) == journalled
    assert lived.worker.frames == len(lived.frames)
    assert (lived.worker.waiting, lived.worker.caught_up, lived.worker.store_error) == (0, True, "")
    assert (lived.worker.rejected, lived.worker.faults) == (0, 0)
    assert lived.tap.journal.acknowledged == lived.tap.journal.accepted == len(lived.frames)


def test_no_token_of_the_fleet_is_on_the_disk(lived: Lived) -> None:
    """Tags are pseudonyms in the journal and in the store's files alike."""
    tags = {session.id_tag.encode() for session in lived.report.sessions if session.id_tag}
    assert len(tags) > 5
    for path in (lived.directory / "data").rglob("*"):
        if path.is_file() and path.name != "redaction-key.json":
            content = path.read_bytes()
            assert [tag for tag in tags if tag in content] == [], path


def test_the_journal_replays_to_the_live_outcome(lived: Lived, store: Store) -> None:
    """Same sessions with the same energies, same discrepancies with ids, codes, status, occurrences and evidence."""
    assert (lived.replay.code, lived.replay.err) == (0, "")
    assert lived.replay.json["frames"] == len(lived.frames)
    live, replayed = Held.of_store(store), Held.of_replay(lived.replay.json)
    assert live.sessions == replayed.sessions
    assert live.discrepancies == replayed.discrepancies
    assert live.discrepancies


def test_a_recording_holds_the_same_and_needs_no_store(tmp_path: Path) -> None:
    """`record` writes what `replay` lives: every billed energy, every code, and no store and no worker beside it."""
    lived = Lived(tmp_path, "record")
    assert (lived.report.failures, lived.code, lived.orphans) == ({}, 0, [])
    assert not (tmp_path / "data/store").exists()
    assert not (tmp_path / "data/worker-status.json").exists()
    document = lived.replay.json
    sessions = {(row["charger_id"], row["primary_transaction_id"]): row for row in document["sessions"]}
    misbehaving = {planted.charger_id for planted in lived.report.planted}
    clean = {key: energy for key, energy in lived.billed.items() if key[0] not in misbehaving}
    assert len(clean) >= 3
    for key, energy in clean.items():
        row = sessions[key]
        assert Decimal(row["primary_energy_wh"]) == Decimal(row["shadow_energy_wh"]) == energy
    assert document["malformed"] == sum("malformed" in planted.fault for planted in lived.report.planted)
    assert len({row["code"] for row in document["discrepancies"]}) >= 3
    assert any(f"shadow-csms replay {Path('data/journal')}/*.jsonl" in line for line in lived.lines)


@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "store-url"])
def test_the_dashboard_comes_up_without_a_tap(store: Store, tmp_path: Path, *, embedded: bool) -> None:
    """`dashboard` answers on its port, with an engine of its own or with the store that is named, and ends cleanly."""
    arguments = ["dashboard", "--dashboard-port", "0"]
    address = store.address
    if not embedded:
        url = f"clickhouse://{address.user}:{address.password}@{address.host}:{address.port}/{address.database}"
        arguments += ["--store-url", url]
    running = Running.start(arguments, tmp_path)
    try:
        port = int(running.said(r"^dashboard on http://127\.0\.0\.1:(\d+)")[1])
        relatives = family(running.process.pid)
        assert len(relatives) == 1 + embedded
        page = until(lambda: _get(port, "/_stcore/health"), 30, "an answer of the dashboard")
        assert page == b"ok"
        assert running.stop() == 0
        assert address.password not in "".join(running.lines)
        until(lambda: not any(alive(*one) for one in relatives.items()), 20, "the end of its parts")
    finally:
        running.kill()


def _get(port: int, path: str) -> bytes | None:
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
