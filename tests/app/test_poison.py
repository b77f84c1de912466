"""A frame over which the core stumbles: an error of ours costs that frame, and neither the stream nor the others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import diff.fleet
from app import replaying
from app.setting_sources import load
from app.worker import Worker, read_worker_status
from diff.fleet import Fleet
from diff.store.client import Store
from ingest.frame import Direction, Frame, FrameKind
from ingest.journal import Journal
from ingest.recording import encode_line

SECRET = "04A1B2C3D4E5F6"


def _frames() -> list[Frame]:
    text = f'[2,"a","Authorize",{{"idTag":"{SECRET}"}}]'
    return [
        Frame(charger, f"{charger}@0", seq, 1_772_359_200_000_000 + seq, FrameKind.MESSAGE, Direction.CP_TO_CS, text)
        for seq in range(3)
        for charger in ("CP-BAD", "CP-GOOD")
    ]


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core stumbles over the second frame of one charging station, with a message that holds its text."""
    judge: Callable[..., Any] = diff.fleet.judge

    def stumble(state: Any, frame: Frame, *rest: Any) -> Any:
        if frame.frame_id == "CP-BAD@0/1":
            raise KeyError(frame.text)
        return judge(state, frame, *rest)

    monkeypatch.setattr(diff.fleet, "judge", stumble)


def test_the_worker_goes_on(poisoned: None, store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every frame is stored, the poisoned one with a dead letter that names type and place of the error, and the
    status counts one fault.
    """
    journal = Journal(tmp_path / "journal")
    for frame in _frames():
        assert journal.append(frame) == ""
    journal.close()
    worker = Worker(tmp_path, store, Fleet())
    worker.stopping = True
    worker.run()

    status = read_worker_status(tmp_path)
    assert status is not None
    assert (status.frames, status.faults, status.waiting) == (6, 1, 0)
    stored = {row["frame_id"] for row in store.rows("SELECT frame_id FROM frames FINAL")}
    assert stored == {frame.frame_id for frame in _frames()}
    (letter,) = store.rows("SELECT * FROM dead_letters FINAL")
    assert (letter["charger_id"], letter["source"], letter["position"]) == ("CP-BAD", "judge", "CP-BAD@0/1")
    assert letter["reason"].startswith("KeyError in ")
    told = capfd.readouterr().err
    assert "frame CP-BAD@0/1 of CP-BAD could not be judged: KeyError in " in told
    assert SECRET not in told + letter["reason"]


def test_a_replay_goes_on_and_says_that_it_failed(
    poisoned: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The document holds what could be judged, stderr names the frame, and the exit code is 1."""
    path = tmp_path / "recording.jsonl"
    path.write_bytes(b"".join(map(encode_line, _frames())))
    code = replaying.run(load(data_dir=tmp_path), [path], replaying.Options(as_json=True))
    told = capfd.readouterr()
    assert code == 1
    assert msgspec.json.decode(told.out)["frames"] == 6
    assert "frame CP-BAD@0/1 of CP-BAD could not be judged: KeyError in " in told.err
    assert SECRET not in told.err


def test_a_tick_wakes_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that fails does not keep a tick from the charging stations behind it, and is not tried at each one."""
    fleet = Fleet()
    for frame in _frames()[:2]:
        list(fleet.feed(frame))
    woken: list[str] = []
    judge: Callable[..., Any] = diff.fleet.judge

    def stumble(state: Any, frame: Frame, *rest: Any) -> Any:
        charger_id = state.charger.charger_id
        woken.append(charger_id)
        if charger_id == "CP-BAD":
            raise ZeroDivisionError
        return judge(state, frame, *rest)

    monkeypatch.setattr(diff.fleet, "judge", stumble)
    for seq in range(2):
        list(fleet.feed(Frame("", "tick", seq, 1_772_400_000_000_000 + seq, FrameKind.TICK)))
    assert woken == ["CP-BAD", "CP-GOOD"]
    assert [fault.charger_id for fault in fleet.take_faults()] == ["CP-BAD"]
    assert fleet.take_faults() == []
