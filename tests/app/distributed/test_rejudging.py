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

from app.distributed.correcting import Corrector
from app.distributed.rejudging import Rejudger
from demo.traffic import frames as fleet_frames
from diff.discrepancy import Status
from diff.policy import JUDGING_RUN
from diff.rejudge import judge_again
from diff.store.client import Store
from diff.store.queries.judged import charger_frames, stored_outcome
from diff.store.sink import Sink
from diff.store.writer import Writer
from ingest import cloudevents
from ingest.frame import Frame, FrameKind
from ingest.timestamps import format_micros
from ingest.topics import Topics
from tests.running import call, until

ROOT = Path(__file__).resolve().parents[3]


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
        for partition in range(topics.partitions) if frame.kind is FrameKind.TICK else [None]:
            producer.send(topics.frames, value, key, headers=headers, partition=partition)
    producer.flush()
    producer.close()


@pytest.mark.timeout(180)
def test_what_came_late_ends_as_if_it_had_come_in_order(
    kafka: str, topics: Topics, store: Store, tmp_path: Path
) -> None:
    """Sessions and discrepancies of each charging station are those of its frames in canonical order."""
    frames = list(itertools.islice(fleet_frames(21, 6, 4), 1500))
    end = frames[-1].received_at + 600_000_000
    _publish(kafka, topics, [*_shuffled(frames), Frame("", "tick-1", 0, end, FrameKind.TICK)])
    sink = Sink(kafka, topics, store, judging_run=JUDGING_RUN, max_age=0.3)
    corrector = Corrector(kafka, topics, store)
    rejudger = Rejudger(kafka, topics, store, corrector)
    by_charger: dict[str, list[Frame]] = {}
    for frame in frames:
        by_charger.setdefault(frame.charger_id, []).append(frame)

    def settled() -> bool:
        return all(_said(store, key) == _canonical(own, end) for key, own in by_charger.items())

    with _worker(kafka, topics, tmp_path), _running(sink, rejudger):
        until(lambda: store.execute("SELECT count() FROM frames FINAL")[0][0] == len(frames), 60, "frames stored")
        until(settled, 60, "the canonical outcome")

    corrector.close()
    assert rejudger.corrections > 0
    assert rejudger.requests >= len(by_charger)
    for key, own in by_charger.items():
        stored = list(charger_frames(store, key, 0, frames[-1].received_at))
        assert stored == sorted(own, key=lambda frame: frame.order_key)


@pytest.mark.timeout(120)
def test_a_range_that_somebody_names_is_judged_again(kafka: str, topics: Topics, store: Store, tmp_path: Path) -> None:
    """What differs is corrected through the topics, and only said with --dry-run; then nothing is left to do."""
    frames = [frame for frame in itertools.islice(fleet_frames(21, 6, 4), 1500) if frame.charger_id == "DEMO-0002"]
    writer = Writer(store, judging_run=JUDGING_RUN)
    for frame in frames:
        writer.add_frame(frame)
    writer.flush()
    at = store.address
    environment = {
        "SHADOW_KAFKA_BOOTSTRAP": kafka,
        "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
        "SHADOW_STORE_URL": f"clickhouse://{at.user}:{at.password}@{at.host}:{at.port}/{at.database}",
    }
    begin, end = format_micros(frames[0].received_at), format_micros(frames[-1].received_at)
    said = ["rejudge", "--since", begin, "--until", end, "--json"]

    dry = call([*said, "--dry-run"], tmp_path, environment)
    assert (dry.code, dry.json["published"]) == (0, False)
    assert stored_outcome(store, "DEMO-0002").sessions == {}
    first = call(said, tmp_path, environment)
    assert first.json["chargers"][0]["sessions"] > 0
    sink = Sink(kafka, topics, store, judging_run=JUDGING_RUN, max_age=0.1)
    until(
        lambda: sink.step() == 0 and _said(store, "DEMO-0002") == _canonical(frames, frames[-1].received_at),
        30,
        "the corrections",
    )
    sink.close()
    second = call(said, tmp_path, environment)
    assert second.json["chargers"] == [{"charger_id": "DEMO-0002", "sessions": 0, "discrepancies": 0}]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--dry-run"], "need --since"),
        (["--since", "yesterday"], "is no time"),
        (["--since", "2026-05-02T00:00:00Z", "--until", "2026-05-01T00:00:00Z"], "ends before it begins"),
        (["--since", "2026-05-01T00:00:00Z"], "store_url"),
    ],
)
def test_a_range_that_cannot_be_judged_is_refused(tmp_path: Path, arguments: list[str], word: str) -> None:
    """With exit code 2 and a line that says what to do."""
    outcome = call(["rejudge", *arguments], tmp_path)

    assert outcome.code == 2
    assert word in outcome.err
    assert "Traceback" not in outcome.err


def _said(store: Store, charger_id: str) -> tuple[dict, dict]:
    outcome = stored_outcome(store, charger_id)
    return (
        {key: replace(row, version=0) for key, row in outcome.sessions.items() if row.status is Status.OPEN},
        {key: replace(row, version=0) for key, row in outcome.discrepancies.items() if row.status is Status.OPEN},
    )


def _canonical(frames: list[Frame], end: int) -> tuple[dict, dict]:
    outcome = judge_again(frames, end)
    return (
        {key: replace(row, version=0) for key, row in outcome.sessions.items()},
        {key: replace(row, version=0) for key, row in outcome.discrepancies.items() if row.status is Status.OPEN},
    )
