"""Rows per second into the store: through Kafka and the sink, beside the bare driver and beside a row at a time.

The same records each time: frames of a simulated fleet and what a worker publishes of them. The sink reads them from a
real broker, decodes, pairs, collects, inserts and commits. The bare driver is given the finished rows, in blocks of
10,000: what is left when reading and decoding cost nothing. A row at a time is what a sink without batches would do.
"""

from __future__ import annotations

import cProfile
import itertools
import pstats
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from app.distributed.living import Arrival, Living
from demo.traffic import frames as fleet_frames
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.sink import Sink
from diff.store.tables import TABLES, Row
from ingest.cloudevents import Record, encode
from ingest.topic_admin import create
from ingest.topics import Topics

__all__ = ["Rates", "Stage", "measure"]

_BLOCK: Final = 10_000
_SINGLE: Final = 200
_LIVED_TOGETHER: Final = 500
_STAGES: Final = {
    "poll and parse Kafka": ("kafka/", "zstd"),
    "decode records": ("ingest/cloudevents.py", "diff/published.py", "ingest/timestamps.py"),
    "pair calls and answers": ("ingest/exchange.py", "ingest/ocppj.py"),
    "make rows": ("diff/store/rows.py", "diff/store/tables.py"),
    "collect": ("diff/store/writer.py", "diff/store/sink.py"),
    "encode and send to ClickHouse": ("clickhouse_driver", "diff/store/client.py"),
}


class Stage(msgspec.Struct, frozen=True):
    """A part of the sink's time."""

    name: str
    share: float


class Rates(msgspec.Struct, frozen=True):
    """Rows per second, all tables together."""

    records: int
    rows: dict[str, int]
    sink: float
    driver: float
    single: float
    stages: tuple[Stage, ...]
    """Where the sink's time goes, from a further run under the profiler."""


def measure(bootstrap: str, store: Store, *, frames: int, chargers: int, profile: bool = True) -> Rates:
    """Publish, then fill the store in three ways, each in a database of its own beside the store's."""
    topics = Topics("benchsink.", 3)
    create(bootstrap, topics)
    records = _publish(bootstrap, topics, _records(topics, frames, chargers))
    with _beside(store, "sink") as filled:
        seconds = _through_sink(bootstrap, topics, filled, records)
        rows = _rows(filled)
    counts = {name: len(lines) for name, lines in rows.items()}
    total = sum(counts.values())
    with _beside(store, "driver") as filled:
        begin = time.perf_counter()
        for name, lines in rows.items():
            for begin_at in range(0, len(lines), _BLOCK):
                filled.insert(name, TABLES[name].columns, lines[begin_at : begin_at + _BLOCK])
        driver = time.perf_counter() - begin
    with _beside(store, "single") as filled:
        begin = time.perf_counter()
        for line in rows["frames"][:_SINGLE]:
            filled.insert("frames", TABLES["frames"].columns, [line])
        single = time.perf_counter() - begin
    stages: tuple[Stage, ...] = ()
    if profile:
        with _beside(store, "profiled") as filled:
            stages = _profiled(bootstrap, topics, filled, records)
    return Rates(records, counts, total / seconds, total / driver, min(_SINGLE, counts["frames"]) / single, stages)


def _records(topics: Topics, frames: int, chargers: int) -> Iterator[tuple[str, Record]]:
    """What taps and a worker publish of a fleet's frames, batch by batch."""
    states: dict[str, bytes] = {}
    living = Living(topics, lambda _, charger: states.get(charger))
    traffic = itertools.islice(fleet_frames(1, chargers, 1000), frames)
    offsets = itertools.count()
    while part := list(itertools.islice(traffic, _LIVED_TOGETHER)):
        yield from ((topics.frames, encode(frame)) for frame in part)
        batch = living.live(Arrival(0, next(offsets), frame) for frame in part)
        states.update((charger, data) for (_, charger), data in batch.states.items())
        for (topic, _), outputs in batch.outputs.items():
            yield from ((topic, record) for record in outputs)


def _publish(bootstrap: str, topics: Topics, records: Iterable[tuple[str, Record]]) -> int:
    known = {
        topics.frames,
        topics.messages,
        topics.sessions,
        topics.discrepancies,
        topics.chargers,
        topics.applied,
        topics.device_facts,
        topics.dead_letters,
    }
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type="zstd", linger_ms=20, batch_size=256 * 1024)
    count = 0
    for topic, (key, value, headers) in records:
        if topic in known:
            producer.send(topic, value, key, headers=headers)
            count += 1
    producer.flush()
    producer.close()
    return count


def _through_sink(bootstrap: str, topics: Topics, store: Store, records: int) -> float:
    """Seconds from the first poll that brought something to the last commit."""
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        if any(group["group_id"] == topics.sink for group in admin.list_groups()):
            admin.delete_groups([topics.sink])  # every run reads from the beginning
    sink = Sink(bootstrap, topics, store, judging_run=JUDGING_RUN)
    while not sink.step():
        pass
    begin = time.perf_counter()
    while sink.records < records:
        sink.step()
    sink.close()
    return time.perf_counter() - begin


def _profiled(bootstrap: str, topics: Topics, store: Store, records: int) -> tuple[Stage, ...]:
    profiler = cProfile.Profile()
    profiler.enable()
    _through_sink(bootstrap, topics, store, records)
    profiler.disable()
    spent = dict.fromkeys((*_STAGES, "other"), 0.0)
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]  # not in typeshed
        if file != "~":
            spent[_stage(file)] += own
            continue
        for (caller, _, _), (_, _, part, _) in callers.items():  # built-ins count for whoever calls them
            spent[_stage(caller)] += part
    whole = sum(spent.values())
    return tuple(Stage(name, seconds / whole) for name, seconds in spent.items())


def _stage(file: str) -> str:
    return next((name for name, parts in _STAGES.items() if any(part in file for part in parts)), "other")


def _rows(store: Store) -> dict[str, list[Row]]:
    """The rows as the writer would give them to the driver: times as whole microseconds."""
    found = {}
    for name, table in TABLES.items():
        if name == "applied":
            continue  # keeps nothing that could be read
        types = dict(
            store.execute(
                f"SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '{name}'"
            )
        )
        columns = ", ".join(
            f"toUnixTimestamp64Micro({column})" if "DateTime64" in types[column] else column for column in table.columns
        )
        found[name] = store.execute(f"SELECT {columns} FROM {name} FINAL")
    return {name: rows for name, rows in found.items() if rows}


@contextmanager
def _beside(store: Store, name: str) -> Iterator[Store]:
    """A fresh, migrated database at the same engine, dropped afterwards."""
    with store.beside(f"{store.address.database}_{name}") as other:
        other.migrate()
        try:
            yield other
        finally:
            other.execute(f"DROP DATABASE {other.address.database}")
