"""Drill: Kafka is away and the disk under the spool fills up, by the limit of the settings or for real.

What is lost then is said in gaps, the charging stations notice nothing, and with Kafka there is room again.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.stack.broker import Broker
from diff.store.engine import EmbeddedEngine
from ingest.tap.status import read_status
from tests.drills.distributed.load import Load
from tests.drills.distributed.outcome import Outcome
from tests.drills.distributed.runtime import Runtime

MEGABYTE = 1 << 20
BUFFER = 8 * MEGABYTE
"""That the tap's parser holds in memory while the disk takes nothing."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system of 4 MB")
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "drill", place]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system of 4 MB can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def _refused(data_dir: Path) -> int:
    """Frames that the journal has refused."""
    status = read_status(data_dir / "tap-status.json")
    return 0 if status is None else status.mirror["frames_refused"]


def _fill_and_recover(
    directory: Path, broker: Broker, engine: EmbeddedEngine, limit: int, flood: int, full: Callable[[Runtime], bool]
) -> tuple[str, Outcome]:
    """Kafka goes, the spool fills until frames are lost, Kafka comes back; and what is seen from then on is stored."""
    with Load(chargers=6) as load, Runtime(directory, broker, engine) as runtime:
        port = runtime.start_all(load, journal_bytes=str(limit))
        runtime.kill("broker")
        while not full(runtime):
            load.flood(port, flood)
        runtime.check()
        broker.start()
        took = runtime.recovered()
        wire = load.enough()
        runtime.drain()
        outcome = Outcome.of(runtime)
    gaps = [frame.gap for frame in outcome.record.frames if frame.gap is not None]
    assert gaps
    assert {gap.reason for gap in gaps} == {"journal-full"}
    assert not any(gap.until_reconnect for gap in gaps)
    assert sum(gap.bytes_missing for gap in gaps) > 0
    assert (wire.failures, wire.changed) == ({}, [])
    assert outcome.record.messages < wire.texts
    outcome.check()
    assert {row["charger_id"] for row in outcome.stored["discrepancies"] if row["code"] == "tap.gap"} >= {"FLOOD"}
    missing = sum(gap.bytes_missing for gap in gaps)
    return f"{len(gaps)} gaps over {missing} bytes, back after {took:.1f} s: {outcome.line}; {wire.line}", outcome


@pytest.mark.drill
def test_a_full_spool_loses_what_it_says_and_no_more(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None]
) -> None:
    """At the limit of the settings gaps stand in the place of frames, and frames after them go on."""

    def full(runtime: Runtime) -> bool:
        return _refused(runtime.directory / "tap") > 0

    line, _ = _fill_and_recover(tmp_path, drill_broker, drill_engine, MEGABYTE, 100_000, full)
    tell(f"spool at its limit of 1 MB: {line}")


@pytest.mark.drill
def test_a_full_disk_loses_what_it_says_and_no_more(
    tmp_path: Path, small_disk: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None]
) -> None:
    """The same where the disk is smaller than the limit: the spool that has filled it leaves it again."""
    (tmp_path / "tap").symlink_to(small_disk, target_is_directory=True)

    def full(runtime: Runtime) -> bool:
        # The status cannot be relied on: it lies on the full disk.
        free = os.statvfs(small_disk)
        if free.f_bavail * free.f_frsize:
            return False
        full.flooded += 1  # type: ignore[attr-defined]
        return full.flooded > 2 * BUFFER // MEGABYTE  # type: ignore[attr-defined]

    full.flooded = 0  # type: ignore[attr-defined]
    line, _ = _fill_and_recover(tmp_path, drill_broker, drill_engine, 4 * MEGABYTE, MEGABYTE, full)
    tell(f"disk of 4 MB full: {line}")
