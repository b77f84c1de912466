"""What a frame and a charging station take: bytes in Kafka, spool and ClickHouse, state, and recovery of that state.

Frames of a simulated fleet go through a real broker, a real worker and the real writer. Bytes in Kafka are those of
the log segments. Recovery is timed with a changelog of copies of real states under further ids: a worker without a
local store is started, and the seconds until it has taken a new frame are compared with those on an empty changelog.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from app.distributed.living import Arrival, Living
from app.stack.broker import Broker
from demo.stored import fill
from demo.traffic import frames as fleet_frames
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from ingest.cloudevents import encode
from ingest.frame import Frame
from ingest.recording import encode_line
from ingest.topic_admin import create
from ingest.topics import Topics

__all__ = ["main"]

_LIMIT: Final = 240.0
_FULL_AFTER: Final = 36_000
"""Frames of six charging stations until their states grow no more."""
_ONE_BY_ONE: Final = 500
_ROUNDS: Final = 20
_PRODUCER: Final = {"compression_type": "zstd", "linger_ms": 20, "batch_size": 256 * 1024, "acks": "all"}
"""As `ingest.publisher` has it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench footprint", description=__doc__)
    parser.add_argument("--frames", type=int, default=40_000)
    parser.add_argument("--chargers", type=int, default=200)
    parser.add_argument("--changelog", type=int, default=200, help="MB of states that a worker recovers")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(argv)
    frames = list(itertools.islice(fleet_frames(1, options.chargers, 1000), options.frames))
    with tempfile.TemporaryDirectory(prefix="shadow-bench-") as folder, Broker(Path(folder) / "kafka") as broker:
        found: dict[str, Any] = {"load": os.getloadavg()[0], "frames": len(frames), "chargers": options.chargers}
        found["text_bytes_a_frame"] = round(sum(len(frame.text.encode()) for frame in frames) / len(frames), 1)
        found["spool_bytes_a_frame"] = round(sum(len(encode_line(frame)) for frame in frames) / len(frames), 1)
        states = _lived(broker, frames, Path(folder), found)
        found["full_state"] = _full_state()
        found["clickhouse"] = _clickhouse(frames, Path(folder))
        if options.changelog:
            found["recovery"] = _recovery(broker, states, options.changelog * 1_000_000, Path(folder))
    print(
        json.dumps(found, indent=2) if options.json else "\n".join(f"{name}: {value}" for name, value in found.items())
    )
    return 0


def _lived(broker: Broker, frames: list[Frame], folder: Path, found: dict[str, Any]) -> list[bytes]:
    topics = Topics("footprint.", 4)
    create(broker.bootstrap, topics)
    _publish(broker.bootstrap, topics, frames)
    _worker(broker.bootstrap, topics, len(frames), folder / "lived")
    names = {
        "frames": topics.frames,
        "messages": topics.messages,
        "sessions": topics.sessions,
        "discrepancies": topics.discrepancies,
        "chargers": topics.chargers,
        "applied": topics.applied,
        "device_facts": topics.device_facts,
        "state": topics.state,
    }
    found["kafka_bytes_a_frame"] = {key: round(_segments(broker, name) / len(frames), 1) for key, name in names.items()}
    newest = {record.key: record.value for record in _all(broker.bootstrap, topics.state)}
    sizes = sorted(map(len, newest.values()))
    rank = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    found["state_bytes"] = {name: sizes[min(int(part * len(sizes)), len(sizes) - 1)] for name, part in rank.items()}
    store = [file.stat().st_size for file in (folder / "lived").rglob("*.sst")]
    store += [file.stat().st_size for file in (folder / "lived").rglob("*.log") if file.stem.isdigit()]
    found["rocksdb_bytes_a_charger"] = round(sum(store) / len(sizes))
    return list(newest.values())


def _full_state() -> dict[str, float]:
    """States that hold as many sessions as they ever will, and frames/s where each frame is of another station."""
    states: dict[str, bytes] = {}
    living = Living(Topics(), lambda _, charger: states.get(charger))
    traffic, offsets = fleet_frames(1, 6, 1000), itertools.count()

    def live(count: int, together: int) -> float:
        begin = time.process_time()
        for _ in range(count):
            batch = living.live(Arrival(0, next(offsets), frame) for frame in itertools.islice(traffic, together))
            states.update((charger, data) for (_, charger), data in batch.states.items())
        return time.process_time() - begin

    live(_FULL_AFTER // 1000, 1000)
    seconds = live(_ONE_BY_ONE, 1)
    sizes = sorted(map(len, states.values()))
    return {
        "p50": sizes[len(sizes) // 2],
        "max": sizes[-1],
        **_compressed(list(states.values())),
        "frames_a_cpu_second": round(_ONE_BY_ONE / seconds, 1),
    }


def _compressed(states: list[bytes]) -> dict[str, float]:
    """Bytes in a Kafka batch over bytes of state, and states/s, as the worker's producer compresses."""
    from aiokafka.codec import zstd_encode

    joined = b"".join(states)
    begin = time.process_time()
    for _ in range(_ROUNDS):
        small = zstd_encode(joined)
    seconds = time.process_time() - begin
    return {
        "zstd_share": round(len(small) / len(joined), 3),
        "compressed_a_cpu_second": round(_ROUNDS * len(states) / seconds, 1),
    }


def _recovery(broker: Broker, states: list[bytes], size: int, folder: Path) -> dict[str, float]:
    seconds = {}
    written = 0
    for name, wanted in (("empty", 0), ("full", size)):
        topics = Topics(f"recovery-{name}.", 4)
        create(broker.bootstrap, topics)
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap, **_PRODUCER)
        for number, state in enumerate(itertools.cycle(states)):
            if written >= wanted:
                break
            producer.send(topics.state, state, f"copy-{number}".encode())
            written += len(state)
        producer.flush()
        producer.close()
        _publish(broker.bootstrap, topics, itertools.islice(fleet_frames(2, 40, 2), 40))
        begin = time.perf_counter()
        _worker(broker.bootstrap, topics, 40, folder / f"recovery-{name}")
        seconds[name] = time.perf_counter() - begin
        log = _segments(broker, topics.state)
    taken = max(seconds["full"] - seconds["empty"], 0.001)
    return {
        "state_bytes": written,
        "log_bytes": log,
        "seconds": round(taken, 2),
        "seconds_with_nothing": round(seconds["empty"], 2),
        "seconds_per_gb_of_state": round(taken / written * 1e9, 1),
    }


def _publish(bootstrap: str, topics: Topics, frames: Iterable[Frame]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, **_PRODUCER)
    for frame in frames:
        key, value, headers = encode(frame)
        producer.send(topics.frames, value, key, headers=headers)
    producer.flush()
    producer.close()


def _worker(bootstrap: str, topics: Topics, count: int, data: Path) -> None:
    """Run a worker until so many frames are committed."""
    environment = {
        **os.environ,
        "SHADOW_KAFKA_BOOTSTRAP": bootstrap,
        "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
        "SHADOW_KAFKA_PARTITIONS": str(topics.partitions),
        "SHADOW_DATA_DIR": str(data),
    }
    data.mkdir(parents=True)
    with (data / "log").open("wb") as log:
        command = [sys.executable, "-W", "ignore", "-m", "app.cli", "worker"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    until = time.monotonic() + _LIMIT
    try:
        with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
            while _committed(admin, topics) < count:
                if time.monotonic() > until or process.poll() is not None:
                    raise SystemExit(f"the worker did not come to the end: {(data / 'log').read_text()[-2000:]}")
                time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _committed(admin: KafkaAdminClient, topics: Topics) -> int:
    try:
        offsets = admin.list_group_offsets(topics.worker)[topics.worker]
    except KafkaError:  # the coordinator of a new group is not there at once
        return 0
    return sum(one.offset for place, one in offsets.items() if place.topic == topics.frames)


def _segments(broker: Broker, topic: str) -> int:
    """Bytes of a topic's log segments."""
    return sum(file.stat().st_size for file in (broker.data / "log").glob(f"{topic}-[0-9]*/*.log"))


def _all(bootstrap: str, topic: str) -> Iterable[Any]:
    with KafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(places)
        consumer.assign(places)
        consumer.seek_to_beginning()
        while any(consumer.position(place) < end for place, end in ends.items()):
            yield from itertools.chain.from_iterable(consumer.poll(500).values())


def _clickhouse(frames: list[Frame], folder: Path) -> dict[str, dict[str, float]]:
    """Compressed bytes a row and rows a frame, by table, when all parts are merged."""
    with EmbeddedEngine(folder / "engine") as engine, Store.connect(engine.url("footprint")) as store:
        store.migrate()
        fill(store, frames)
        found = {}
        for (table,) in store.execute(
            "SELECT name FROM system.tables WHERE database = currentDatabase()"
            " AND engine LIKE '%MergeTree' AND name != 'schema_versions'"
        ):
            store.execute(f"OPTIMIZE TABLE {table} FINAL")
            query = """
            SELECT sum(data_compressed_bytes), sum(rows) FROM system.parts
            WHERE active AND database = currentDatabase() AND table = %(table)s"""
            ((size, rows),) = store.execute(query, {"table": table})
            if rows:
                found[str(table)] = {"bytes_a_row": round(size / rows, 1), "rows_a_frame": round(rows / len(frames), 4)}
    return found
