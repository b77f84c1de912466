"""A worker that goes on, one that cannot, and one that will not: what the watch makes of each."""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.stack.broker import Broker
from app.watch.progress import Standstill
from demo.traffic import frames as fleet_frames
from ingest.frame import Frame, FrameKind
from ingest.topic_admin import create
from ingest.topics import Topics
from tests.app.watched import Part, publish
from tests.running import ROOT, environment, until

BROKEN = """
import sys, time
from app.distributed import stream
from app.setting_sources import load

point, how = sys.argv[1:]

def crash(here):
    if here == point:
        if how == "raise":
            raise RuntimeError("this agent is broken")
        time.sleep(3600)

class Broken(stream.Stream):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.crash = crash

stream.Stream = Broken
stream.start(load())
"""


def _frames(count: int) -> list[Frame]:
    return list(itertools.islice(fleet_frames(5, 8, 4), count))


def test_standing_still_is_not_to_move_although_there_is_something_to_do() -> None:
    """Without records that wait, or with any movement, nobody stands still."""
    still = Standstill()

    assert still.look(0, 5, "a") == 0
    assert still.look(10, 5, "a") == 10
    assert still.look(20, 5, "b") == 0
    assert still.look(30, 5, "b") == 10
    assert still.look(40, 0, "b") == 0
    assert still.look(50, 5, "b") == 10
    still.forget(60)
    assert still.look(70, 5, "b") == 0


def _file(policy: Path) -> dict[str, str]:
    """A policy file, and no setting that says the same."""
    return {"policy_file": str(policy), "settle_missing_seconds": "", "settle_reboot_seconds": ""}


def test_a_workers_metrics_are_what_it_did(tmp_path: Path, kafka: str, topics: Topics) -> None:
    """Frames, batches, comparisons and discrepancies as published, a broken policy; SIGTERM ends it with 0."""
    frames, policy = _frames(400), tmp_path / "policy.toml"
    policy.write_text('version = "good"\n')
    with Part("worker", tmp_path, kafka, topics, stop_seconds="15", **_file(policy)) as part:
        part.until("healthy")
        published = publish(kafka, topics, frames)
        until(lambda: part.metrics()["shadow_worker_frames_total"] == published, 30, "all frames are lived")
        lag = f'shadow_consumer_lag{{topic="{topics.frames}"}}'
        until(lambda: part.metrics().get(lag) == 0, 10, "no lag")
        shown = part.metrics()
        policy.write_text('version = "worse"\n[stop]\nkind = "about"\n')
        publish(kafka, topics, frames[:1])
        until(lambda: part.metrics()["shadow_policy_broken"] == 1, 10, "the broken policy is told")
        part.until("degraded")
        began = time.monotonic()
        assert part.running.stop() == 0
        took = time.monotonic() - began

    assert took < 15
    assert shown["shadow_policy_broken"] == 0
    assert shown["shadow_worker_partitions"] == topics.partitions
    batches = shown["shadow_worker_batches_total"]
    assert 1 <= batches <= published
    assert shown['shadow_step_seconds_count{stage="live"}'] == batches
    assert shown['shadow_step_seconds_count{stage="write"}'] == batches
    assert shown["shadow_worker_state_written_bytes_total"] > 0
    assert shown["shadow_worker_state_bytes"] > 0
    assert shown["shadow_comparisons_total"] > 0
    newest = max(frame.received_at for frame in frames) / 1e6
    assert shown["shadow_last_frame_timestamp_seconds"] <= newest + 1e-3


@contextmanager
def _broken(directory: Path, kafka: str, topics: Topics, point: str, how: str) -> Iterator[subprocess.Popen[str]]:
    given = {
        "SHADOW_DATA_DIR": str(directory),
        "SHADOW_KAFKA_BOOTSTRAP": kafka,
        "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
        "SHADOW_KAFKA_PARTITIONS": str(topics.partitions),
        "SHADOW_WORKER_STORE": "memory://",
        "SHADOW_STALL_SECONDS": "3",
    }
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", BROKEN, point, how],
        cwd=ROOT, env=environment(given), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise", "worker: the agent failed with RuntimeError: this agent is broken; the process ends itself"),
        ("hang", "although 300 records wait; the process ends itself"),
    ],
)
def test_a_worker_that_will_not_go_on_ends_itself(
    tmp_path: Path, kafka: str, topics: Topics, how: str, said: str
) -> None:
    """An agent that failed, and one that hangs with the whole event loop: status 1 and a line that says why."""
    frames = [frame for frame in _frames(400) if frame.kind is not FrameKind.TICK][:300]
    publish(kafka, topics, frames)
    with _broken(tmp_path, kafka, topics, "lived", how) as process:
        _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert said in err


@pytest.mark.long
def test_a_worker_outlives_its_broker(tmp_path: Path, own_broker: Broker) -> None:
    """Degraded and 200 while Kafka is away, however long; healthy when it is back, and it goes on with the frames."""
    topics = Topics("outage.", 3)
    create(own_broker.bootstrap, topics)
    frames = _frames(200)
    with Part("worker", tmp_path, own_broker.bootstrap, topics, stall_seconds="4", worker_store="memory://") as part:
        published = publish(own_broker.bootstrap, topics, frames[:100])
        until(lambda: part.metrics().get("shadow_worker_frames_total") == published, 30, "frames are lived")
        own_broker.kill()
        status, _, _ = part.until("degraded", "Kafka does not answer")
        time.sleep(6)
        still = part.ready()
        own_broker.start()
        published += publish(own_broker.bootstrap, topics, frames[100:])
        part.until("healthy", seconds=60)
        until(lambda: part.metrics()["shadow_worker_frames_total"] >= published, 60, "it goes on")
        assert part.running.stop() == 0
    assert (status, still[:2]) == (200, (200, "degraded"))
