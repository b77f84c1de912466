"""The embedded and the distributed runtime, fed the same recorded frames, end with the same store.

The frames are those of the recordings and of simulated traffic with ticks; each runtime reads them from a journal.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.stack.broker import Broker
from app.worker import read_worker_status
from demo.traffic import Traffic
from diff.store.engine import EmbeddedEngine
from ingest.frame import Frame, FrameKind
from ingest.journal import Journal
from ingest.recording import Reader
from tests.drills.distributed.outcome import COMPARED, difference, rows
from tests.drills.distributed.runtime import Runtime
from tests.running import ROOT, environment, until

RECORDINGS = ROOT / "../shared/recordings"
_DAY = 86_400_000_000
_LIVED = """
    SELECT charger_id, connection_id, groupBitmapMerge(seqs) AS frames, min(first_seq) AS first, max(last_seq) AS last
    FROM applied_counts GROUP BY ALL ORDER BY ALL"""


def _recorded() -> list[Frame]:
    """Every frame of the recordings."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"the recordings are not at {RECORDINGS}")
    found: list[Frame] = []
    for path in sorted(RECORDINGS.glob("*.jsonl")):
        with path.open("rb") as file:
            found += [item for item in Reader().read(file) if isinstance(item, Frame)]
    return found


def _frames() -> list[Frame]:
    """Recordings first, traffic behind them, a tick now and then and one at the end that makes everything due."""
    frames: list[Frame] = []
    for number, frame in enumerate((*_recorded(), *Traffic(seed=41, chargers=24, sessions_per_charger=4))):
        frames.append(frame)
        if number % 61 == 60:
            frames.append(Frame("", "tick-same", number, frame.received_at, FrameKind.TICK))
    last = max(frame.received_at for frame in frames)
    return [*frames, Frame("", "tick-same", len(frames), last + 3 * _DAY, FrameKind.TICK)]


def _part(module: str, given: dict[str, str], directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module], cwd=directory, env=environment(given), stdin=subprocess.DEVNULL
    )


@pytest.mark.drill
def test_both_runtimes_fill_the_same_store(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None]
) -> None:
    """Frames, messages, sessions, discrepancies and facts are equal, column for column, and so is what was lived."""
    frames = _frames()
    embedded, tap = tmp_path / "embedded", tmp_path / "tap"
    journal = Journal(embedded / "journal")
    assert {journal.append(frame) for frame in frames} == {""}
    journal.close()
    shutil.copytree(embedded / "journal", tap / "spool", ignore=shutil.ignore_patterns(".lock"))
    with Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        other = f"{runtime.database}_expected"
        given = runtime.given | {"SHADOW_DATA_DIR": str(embedded), "SHADOW_STORE_URL": drill_engine.url(other)}
        alone = _part("app.worker", given, tmp_path)
        publishing = _part("app.distributed.publishing", runtime.given | {"SHADOW_DATA_DIR": str(tap)}, tmp_path)
        try:
            runtime.start("worker")
            runtime.start("sink")
            until(lambda: runtime.unpublished() == 0, 60, "everything published")
            runtime.drain(tick=False)
            until(lambda: (s := read_worker_status(embedded)) and s.caught_up, 60, "the embedded worker caught up")
        finally:
            for process in (alone, publishing):
                process.terminate()
                process.wait(30)
        with runtime.store(other) as one, runtime.store() as two:
            ours, theirs = ({name: rows(store, name) for name in COMPARED} for store in (one, two))
            lived, also = (store.rows(_LIVED) for store in (one, two))
    counts = ", ".join(f"{len(ours[name])} {name}" for name in COMPARED)
    tell(f"embedded and distributed, the same {len(frames)} frames: {counts}, equal in every column")
    for name in COMPARED:
        assert len(ours[name]) > 10
        assert difference(theirs[name], ours[name], name) == ""
    assert lived == also
    stored = {row["frame_id"] for row in ours["frames"] if row["kind"] != "record"}
    assert sum(row["frames"] for row in lived) == len(stored)
    assert {frame.charger_id for frame in _recorded()} <= {row["charger_id"] for row in ours["frames"]}
