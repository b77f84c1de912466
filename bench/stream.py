"""Frames per second of one worker core through real Kafka, beside a bare Faust agent that does no OCPP work.

The worker is the product as it runs: decode, live, judge, write messages, sessions, discrepancies, facts and state with
all acknowledgements. The bare agent takes the same records one at a time, and for each writes a table entry of 1.5 KB
and one record to a topic. Both are processes of their own; they take turns, and the median counts. A rate is all frames
over the time between the first and the last record that came out, by the records' own timestamps.

Then a worker runs under the profiler, two workers share the partitions, and at last the whole way from the tap's
stamp to the store is timed at 1,000 frames/s (`bench.latency`). On two cores the broker, the processes and the
measuring share what there is: rates are lower, and tails longer, than where each has its own.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from app.stack.broker import Broker
from bench.latency import measure, percentile
from bench.profiled import shares
from demo.traffic import frames as fleet_frames
from ingest.cloudevents import encode
from ingest.topic_admin import create
from ingest.topics import Topics

_LIMIT: Final = 90.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def _publish(bootstrap: str, topics: Topics, count: int, chargers: int) -> int:
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, compression_type="zstd", linger_ms=20, batch_size=256 * 1024, acks="all"
    )
    size = 0
    for frame in itertools.islice(fleet_frames(1, chargers, 1000), count):
        key, value, headers = encode(frame)
        producer.send(topics.frames, value, key, headers=headers)
        size += len(value)
    producer.flush()
    producer.close()
    return size


def _run(
    bootstrap: str, topics: Topics, module: Sequence[str], group: str, count: int, data: Path, processes: int = 1
) -> float:
    """Start processes on the frames, wait until all are committed, end them; returns their CPU seconds."""
    environment = {
        **os.environ,
        "SHADOW_KAFKA_BOOTSTRAP": bootstrap,
        "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
        "SHADOW_KAFKA_PARTITIONS": str(topics.partitions),
        "SHADOW_WORKER_STORE": "memory://",
    }
    data.mkdir(parents=True, exist_ok=True)
    log = data / "log"
    running = []
    with log.open("wb") as file:
        for number in range(processes):
            own = {**environment, "SHADOW_DATA_DIR": str(data / str(number))}
            command = [sys.executable, "-W", "ignore", *module]
            running.append(subprocess.Popen(command, env=own, stdout=file, stderr=file, start_new_session=True))
    try:
        _wait(bootstrap, topics, group, count, running, log)
        return sum(_cpu_seconds(process) for process in running)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _wait(
    bootstrap: str, topics: Topics, group: str, count: int, running: Sequence[subprocess.Popen[bytes]], log: Path
) -> None:
    until = time.monotonic() + _LIMIT
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        while time.monotonic() < until and all(process.poll() is None for process in running):
            try:
                offsets = admin.list_group_offsets(group)[group]
            except KafkaError:  # the coordinator of a new cluster is not there at once
                offsets = {}
            if sum(one.offset for place, one in offsets.items() if place.topic == topics.frames) >= count:
                return
            time.sleep(0.2)
    raise SystemExit(f"{group} did not come to the end: {log.read_text()[-2000:]}")


def _span(bootstrap: str, topic: str) -> tuple[int, float]:
    """How many records a topic holds, and the seconds between the first and the last one's timestamps."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, fetch_max_wait_ms=50)
    places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    ends = consumer.end_offsets(places)
    consumer.assign(places)
    consumer.seek_to_beginning()
    stamps: list[int] = []
    while any(consumer.position(place) < end for place, end in ends.items()):
        records: dict[Any, list[Any]] = consumer.poll(500)
        stamps += [record.timestamp for record in itertools.chain.from_iterable(records.values())]
    consumer.close()
    return len(stamps), (max(stamps) - min(stamps)) / 1000


def _round(bootstrap: str, number: int, options: argparse.Namespace, data: Path) -> tuple[float, float]:
    topics = Topics(f"bench{number}.", options.partitions)
    create(bootstrap, topics)
    size = _publish(bootstrap, topics, options.frames, options.chargers)
    cpu = _run(bootstrap, topics, ["-m", "app.cli", "worker"], topics.worker, options.frames, data / f"w{number}")
    written, seconds = _span(bootstrap, topics.messages)
    worker = options.frames / seconds
    changes, _ = _span(bootstrap, topics.state)
    print(
        f"  worker  {worker:>8,.0f} frames/s   {options.frames / cpu:>8,.0f} a CPU second (start included), "
        f"{written} messages, {changes} states, {size / options.frames:.0f} bytes a frame"
    )
    group = f"bench-bare-{number}"
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        shape = {"num_partitions": options.partitions, "replication_factor": 1}
        admin.create_topics({f"{group}-out": shape}, wait_for_metadata=True)
    arguments = [group, topics.frames, str(topics.partitions)]
    cpu = _run(bootstrap, topics, ["-m", "bench.bare_agent", *arguments], group, options.frames, data / f"b{number}")
    _, seconds = _span(bootstrap, f"{group}-out")
    bare = options.frames / seconds
    print(f"  bare    {bare:>8,.0f} events/s   {options.frames / cpu:>8,.0f} a CPU second (start included)")
    return worker, bare


def _two(bootstrap: str, options: argparse.Namespace, data: Path) -> float:
    """Two workers that share the partitions: frames/s of both together."""
    topics = Topics("two.", options.partitions)
    create(bootstrap, topics)
    _publish(bootstrap, topics, options.frames, options.chargers)
    _run(bootstrap, topics, ["-m", "app.cli", "worker"], topics.worker, options.frames, data / "two", processes=2)
    _, seconds = _span(bootstrap, topics.messages)
    return float(options.frames / seconds)


def _profile(bootstrap: str, options: argparse.Namespace, data: Path) -> None:
    """Where a worker's time goes; the profiler slows it down, small functions most."""
    topics = Topics("profile.", options.partitions)
    create(bootstrap, topics)
    _publish(bootstrap, topics, options.frames // 2, options.chargers)
    module = ["-m", "bench.profiled", str(data / "worker.profile")]
    _run(bootstrap, topics, module, topics.worker, options.frames // 2, data / "profiled")
    print("a worker's time, under the profiler:")
    for name, share in shares(data / "worker.profile"):
        print(f"  {share:>4.0%}  {name}")


def _latency(options: argparse.Namespace) -> bool:
    found = measure(options.rate, options.seconds)
    for what, values in (("frame", found.frames), ("message", found.messages)):
        p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
        print(f"  {what:<8} tap to store p50 {p50:.2f} s, p99 {p99:.2f} s ({len(values)} of them looked for)")
    print(f"at {found.rate:,.0f} frames/s; {found.lost} frames lost")
    return found.lost == 0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where the worker is slower than the bare agent."""
    parser = argparse.ArgumentParser(prog="bench stream", description=__doc__)
    parser.add_argument("--frames", type=int, default=60_000)
    parser.add_argument("--chargers", type=int, default=200)
    parser.add_argument("--partitions", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1000, help="frames/s while latency is measured")
    parser.add_argument("--seconds", type=float, default=30, help="how long latency is measured; 0 leaves it out")
    options = parser.parse_args(argv)
    results = []
    with tempfile.TemporaryDirectory(prefix="shadow-bench-") as folder, Broker(Path(folder) / "kafka") as broker:
        for number in range(options.rounds):
            print(f"round {number + 1}: {options.frames} frames of {options.chargers} charging stations")
            results.append(_round(broker.bootstrap, number, options, Path(folder)))
        _profile(broker.bootstrap, options, Path(folder))
        both = _two(broker.bootstrap, options, Path(folder))
    worker, bare = (statistics.median(rates) for rates in zip(*results, strict=True))
    print(f"median: worker {worker:,.0f} frames/s, bare agent {bare:,.0f} events/s, {worker / bare:.2f} x")
    print(f"two workers on {os.cpu_count()} cores: {both:,.0f} frames/s, {both / worker:.2f} x one")
    complete = _latency(options) if options.seconds else True
    print(f"load average {os.getloadavg()[0]:.1f} at the end, on {os.cpu_count()} cores")
    return 0 if worker >= bare and complete else 1
