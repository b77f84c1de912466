"""Late frames, from the broker to the store: worker, sink and rejudger leave what the canonical order says."""

import itertools
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaProducer
from msgspec.structs import replace

from app.rejudging import Rejudger
from demo.traffic import frames as fleet_frames
from diff.discrepancy import Status
from diff.policy import JUDGING_RUN
from diff.rejudge import judge_again
from diff.store.client import Store
from diff.store.queries.judged import charger_frames, stored_outcome
from diff.store.sink import Sink
from ingest import cloudevents
from ingest.frame import Frame
from ingest.topics import Topics
from tests.running import until

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def _worker(kafka: str, topics: Topics, data: Path) -> Iterator[None]:
    environment = {
        **os.environ,
        "SHADOW_KAFKA_BOOTSTRAP": kafka,
        "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
        "SHADOW_KAFKA_PARTITIONS": str(topics.partitions),
        "SHADOW_DATA_DIR": str(data),
        "SHADOW_WORKER_STORE": "memory://",
    }
    with (data / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "app.cli", "worker"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _running(*parts: Sink | Rejudger) -> Iterator[None]:
    threads = [threading.Thread(target=part.run) for part in parts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for part in parts:
            part.stopping = True
        for thread in threads:
            thread.join(60)


def _shuffled(frames: list[Frame]) -> list[Frame]:
    """Some frames come up to eight places too late."""
    chance, arrived = random.Random(3), list(frames)
    for at in range(20, len(arrived) - 10, 45):
        arrived.insert(at + chance.randrange(1, 8), arrived.pop(at))
    return arrived


def _publish(kafka: str, topics: Topics, frames: list[Frame]) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=10)
    for frame in frames:
        key, value, headers = cloudevents.encode(frame)
        producer.send(topics.frames, value, key, headers=headers)
    producer.flush()
    producer.close()


@pytest.mark.timeout(180)
def test_what_came_late_ends_as_if_it_had_come_in_order(
    kafka: str, topics: Topics, store: Store, tmp_path: Path
) -> None:
    """Sessions and discrepancies of each charging station are those of its frames in canonical order."""
    frames = list(itertools.islice(fleet_frames(21, 6, 4), 1500))
    _publish(kafka, topics, _shuffled(frames))
    sink = Sink(kafka, topics, store, judging_run=JUDGING_RUN, max_age=0.3)
    rejudger = Rejudger(kafka, topics, store)
    by_charger: dict[str, list[Frame]] = {}
    for frame in frames:
        by_charger.setdefault(frame.charger_id, []).append(frame)

    def settled() -> bool:
        return all(_said(store, key) == _canonical(own) for key, own in by_charger.items())

    with _worker(kafka, topics, tmp_path), _running(sink, rejudger):
        until(lambda: store.execute("SELECT count() FROM frames FINAL")[0][0] == len(frames), 60, "frames stored")
        until(settled, 60, "the canonical outcome")

    assert rejudger.corrected > 0
    assert rejudger.judged >= len(by_charger)
    for key, own in by_charger.items():
        stored = list(charger_frames(store, key, 0, frames[-1].received_at))
        assert stored == sorted(own, key=lambda frame: frame.order_key)


def _said(store: Store, charger_id: str) -> tuple[dict, dict]:
    outcome = stored_outcome(store, charger_id)
    return (
        {key: replace(row, version=0) for key, row in outcome.sessions.items() if row.status is Status.OPEN},
        {key: replace(row, version=0) for key, row in outcome.discrepancies.items() if row.status is Status.OPEN},
    )


def _canonical(frames: list[Frame]) -> tuple[dict, dict]:
    outcome = judge_again(frames, max(frame.received_at for frame in frames))
    return (
        {key: replace(row, version=0) for key, row in outcome.sessions.items()},
        {key: replace(row, version=0) for key, row in outcome.discrepancies.items() if row.status is Status.OPEN},
    )
