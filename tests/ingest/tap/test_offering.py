"""Messages offered by a CSMS in its own process."""

import asyncio
import importlib.util
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

import ingest.tap
from ingest.field_policy import FieldPolicyError
from ingest.frame import Direction, Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.offering import Offering

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "offer_from_python_csms.py"


@pytest.fixture
def offering(tmp_path: Path) -> Iterator[Offering]:
    """An offering with little room."""
    running = Offering(tmp_path, max_bytes=100_000, max_items=50)
    yield running
    assert running.stop()


def _frames(directory: Path) -> list[Frame]:
    return [one for one in Reader().read(JournalReader(directory / "journal").follow()) if isinstance(one, Frame)]


def _holding(offering: Offering, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The thread waits at its disk until the event is set."""
    go = threading.Event()
    append = offering._journal.append

    def slow(frame: Frame) -> str:
        go.wait(10)
        return append(frame)

    monkeypatch.setattr(offering._journal, "append", slow)
    return go


def test_a_connection_in_the_journal(offering: Offering, tmp_path: Path) -> None:
    """What was offered stands in the journal in order, redacted, with its connection."""
    assert offering.opened("CP1", subprotocol="ocpp1.6", connection=7)
    assert offering.offer("CP1", "cp>cs", '[2,"1","Authorize",{"idTag":"TAG-1"}]', connection=7)
    assert offering.offer("CP1", "cs>cp", b'[3,"1",{}]', connection=7)
    assert offering.closed("CP1", 1000, connection=7)
    assert offering.stop()
    frames = _frames(tmp_path)
    assert [frame.kind.value for frame in frames] == ["opened", "message", "message", "closed"]
    assert [frame.seq for frame in frames] == [0, 1, 2, 3]
    assert len({frame.connection_id for frame in frames}) == 1
    assert "TAG-1" not in frames[1].text
    assert (frames[2].direction, frames[3].close_code) == (Direction.CS_TO_CP, 1000)


def test_rules_for_vendors_data_are_followed(tmp_path: Path) -> None:
    """What they drop is in no journal; rules that cannot be read are refused before anything is taken."""
    rules = tmp_path / "fields.toml"
    rules.write_text('[[rule]]\nvendor = "com.example"\npath = "driver"\ndo = "drop"\nreason = "names"\n')
    offering = Offering(tmp_path, field_policy=rules)
    data = r"{\"driver\":\"Ada Lovelace\",\"bay\":\"7\"}"
    assert offering.offer("CP1", "cp>cs", f'[2,"1","DataTransfer",{{"vendorId":"com.example","data":"{data}"}}]')
    assert offering.stop()
    (frame,) = _frames(tmp_path)
    assert "Lovelace" not in frame.text
    assert r"\"bay\":\"7\"" in frame.text
    rules.write_text("[[rule]]\ndo = 7\n")
    with pytest.raises(FieldPolicyError, match="field_policy_file"):
        Offering(tmp_path / "other", field_policy=rules)
    assert not (tmp_path / "other").exists()


def test_what_does_not_fit_is_a_gap(offering: Offering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that hangs holds up nobody: what does not fit is dropped, counted, and told by a gap with its size."""
    go = _holding(offering, monkeypatch)
    taken = [offering.offer("CP1", "cp>cs", f'[2,"{n}","Heartbeat",{{}}]') for n in range(200)]
    assert 50 <= sum(taken) <= 52
    assert offering.counters.dropped == 200 - sum(taken)
    go.set()
    while offering._queue:
        pass
    assert offering.offer("CP1", "cp>cs", "[2]")
    assert offering.stop()
    frames = _frames(tmp_path)
    [gap] = [frame.gap for frame in frames if frame.gap is not None]
    assert (gap.reason, gap.until_reconnect) == ("buffer-full", False)
    assert gap.bytes_missing == sum(len(f'[2,"{n}","Heartbeat",{{}}]') for n in range(200) if not taken[n])
    assert frames[-2].kind is FrameKind.GAP
    assert [frame.seq for frame in frames] == list(range(len(frames)))


def test_what_was_dropped_last_is_told_at_the_end(
    offering: Offering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that says nothing after a drop has its gap all the same."""
    go = _holding(offering, monkeypatch)
    for _ in range(60):
        offering.offer("CP1", "cp>cs", "[2]")
    offering.offer("CP2", "cp>cs", "[2]")
    go.set()
    assert offering.stop()
    assert {frame.charger_id for frame in _frames(tmp_path) if frame.gap is not None} == {"CP1", "CP2"}


def test_nothing_is_ever_raised(offering: Offering) -> None:
    """Whatever is offered: no message is a False and a number."""

    class Evil:
        def __str__(self) -> str:
            raise RuntimeError

    for arguments in (
        ("CP1", "up", "[2]"), ("", "cp>cs", "[2]"), (None, "cp>cs", "[2]"), ("CP1", "cp>cs", 7),
        ("C" * 999, "cp>cs", "x"), ("CP1", [], "x"), ("CP1", "cp>cs", "x" * (5 << 20)),
    ):  # fmt: skip
        assert not offering.offer(*arguments)
    assert not offering.offer("CP1", "cp>cs", "[2]", connection=Evil())
    assert offering.counters.refused == 8
    assert offering.offer("CP1", "cp>cs", b"\xff\xfe")
    assert offering.offer("CP1", "cp>cs", "\ud800 no utf-8")
    assert offering.stop()
    assert offering.counters.unwritten == 2


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is offered while the disk hangs, memory stays below the bound."""
    offering = Offering(tmp_path, max_bytes=1 << 20)
    go = _holding(offering, monkeypatch)
    tracemalloc.start()
    for number in range(5_000):
        offering.offer(f"CP{number % 100}", "cp>cs", "x" * 1000)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    go.set()
    assert used < 3 << 20
    assert offering.stop(20)


def test_the_functions_of_the_package(tmp_path: Path) -> None:
    """Before anything was started an offer is no error; afterwards it is taken."""
    ingest.tap._current.clear()
    assert not ingest.tap.offer("CP1", "cp>cs", "[2]")
    offering = ingest.tap.start_offering(tmp_path)
    assert ingest.tap.offer("CP1", "cp>cs", "[2]")
    assert offering.stop()
    assert not ingest.tap.offer("CP1", "cp>cs", "[2]")
    assert len(_frames(tmp_path)) == 1


def test_the_example_runs(tmp_path: Path) -> None:
    """The CSMS of the example answers a charging station, and all of it stands in the journal."""
    spec = importlib.util.spec_from_file_location("offer_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    async def work() -> None:
        stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
        csms = asyncio.create_task(example.main(tmp_path, 0, stop, started))
        url = f"ws://127.0.0.1:{await started}/ocpp/CP1"
        async with connect(url, subprotocols=["ocpp1.6"]) as charger:  # type: ignore[list-item]  # a NewType of str
            await charger.send('[2,"1","Heartbeat",{}]')
            assert (await charger.recv()).startswith('[3,"1"')
        stop.set()
        await csms

    asyncio.run(work())
    frames = _frames(tmp_path)
    assert [frame.kind.value for frame in frames] == ["opened", "message", "message", "closed"]
    assert frames[-1].close_code == 1000
