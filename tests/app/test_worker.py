"""The worker's end: nothing that the journal holds by then is left for the next start."""

from pathlib import Path

import pytest

import app.worker
from app.worker import Worker, read_worker_status
from diff.fleet import Fleet
from diff.store.client import Store
from ingest.frame import Direction, Frame, FrameKind
from ingest.journal import Journal


def test_what_comes_while_it_sleeps_is_taken_after_the_signal(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tap writes its last frames and the signal comes, both while the worker sleeps: they are stored."""
    journal = Journal(tmp_path / "journal")
    worker = Worker(tmp_path, store, Fleet())
    frame = Frame(
        "CP", "CP@0", 0, 1_772_359_200_000_000, FrameKind.MESSAGE, Direction.CP_TO_CS, '[2,"a","Heartbeat",{}]'
    )

    def sleep(_seconds: float) -> None:
        if not worker.stopping:
            journal.append(frame)
            journal.sync()
            worker.stopping = True

    monkeypatch.setattr(app.worker.time, "sleep", sleep)
    worker.run()
    journal.close()

    assert [row["frame_id"] for row in store.rows("SELECT frame_id FROM frames FINAL")] == [frame.frame_id]
    status = read_worker_status(tmp_path)
    assert status is not None
    assert (status.frames, status.waiting, status.caught_up) == (1, 0, True)
