"""The store is filled again from a time range of the topics, beside what it holds."""

import itertools
import json
import time
from collections.abc import Iterable

import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from app.cli import app
from app.distributed.backfill import BackfillError, Filled, backfill
from app.distributed.living import Arrival, Living
from demo.stored import fill
from demo.traffic import frames as fleet_frames
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.tables import TABLES
from ingest.cloudevents import Record, encode
from ingest.frame import Frame
from ingest.topics import Topics

FRAMES = list(itertools.islice(fleet_frames(4, 6, 4), 900))
HOUR = 3_600_000_000


def _published(topics: Topics, frames: Iterable[Frame]) -> list[tuple[str, Record]]:
    states: dict[str, bytes] = {}
    living = Living(topics, lambda _, charger: states.get(charger))
    found = []
    for offset, frame in enumerate(frames):
        batch = living.live([Arrival(0, offset, frame)])
        states.update((charger, data) for (_, charger), data in batch.states.items())
        found.append((topics.frames, encode(frame)))
        found += [(topic, record) for (topic, _), records in batch.outputs.items() for record in records]
    return found


def _send(kafka: str, records: Iterable[tuple[str, Record]], at: int) -> None:
    """Publish with the broker's times from `at` (microseconds) on, a millisecond apart."""
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=10)
    for number, (topic, (key, value, headers)) in enumerate(records):
        producer.send(topic, value, key, headers=headers, timestamp_ms=at // 1000 + number)
    producer.flush()
    producer.close()


def _rows(store: Store) -> dict[str, list[tuple]]:
    tables = [name for name in TABLES if name not in ("connections", "applied")]
    found = {
        name: sorted(store.execute(f"SELECT {', '.join(TABLES[name].columns)} FROM {name} FINAL"), key=repr)
        for name in tables
    }
    found["applied_counts"] = store.execute(
        "SELECT charger_id, connection_id, bitmapToArray(groupBitmapMergeState(seqs)), min(first_seq), max(last_seq),"
        " max(last_received_at) FROM applied_counts GROUP BY ALL ORDER BY ALL"
    )
    return found


def test_a_range_fills_an_empty_store_and_changes_no_full_one(kafka: str, topics: Topics, store: Store) -> None:
    """Row by row what the embedded runtime stores; a second time, and in parts, nothing changes."""
    now = time.time_ns() // 1000
    records = _published(topics, FRAMES)
    _send(kafka, records, now - HOUR)
    seen: list[int] = []

    def fill_range(since: int, until: int) -> Filled:
        return backfill(
            kafka, topics, store, since, until, judging_run=JUDGING_RUN, progress=lambda one: seen.append(one.records)
        )

    filled = fill_range(now - 2 * HOUR, now)
    rows = _rows(store)
    with store.beside(f"{store.address.database}_embedded") as other:
        other.migrate()
        fill(other, FRAMES, accounts=False)
        expected = _rows(other)
        other.execute(f"DROP DATABASE {other.address.database}")

    assert rows == expected
    assert filled.records == filled.of == len(records)
    assert filled.rows["frames"] == len(FRAMES)
    assert seen == sorted(seen)
    assert fill_range(now - 2 * HOUR, now).records == len(records)
    assert _rows(store) == rows


def test_a_range_takes_what_was_published_in_it_and_knows_the_calls_before(
    kafka: str, topics: Topics, store: Store
) -> None:
    """The second half of the frames: their rows alone, answers to calls of the first half with their actions."""
    now = time.time_ns() // 1000
    half = len(FRAMES) // 2
    while FRAMES[half].direction != "cs>cp":  # it begins with an answer, most likely to a call before it
        half += 1
    records = [(topics.frames, encode(frame)) for frame in FRAMES]
    _send(kafka, records, now - HOUR)
    filled = backfill(kafka, topics, store, now - HOUR + half * 1000, now, judging_run=JUDGING_RUN)

    assert filled.records == filled.of == len(FRAMES) - half
    assert store.execute("SELECT count() FROM frames FINAL") == [(len(FRAMES) - half,)]
    assert store.execute("SELECT count() FROM frames FINAL WHERE message_type = 'result' AND action = ''") == [(0,)]


def test_the_command_says_what_it_did(kafka: str, topics: Topics, store: Store) -> None:
    """Figures as JSON; an empty range is said to be empty; times that cannot be used end with 2."""
    now = time.time_ns() // 1000
    _send(kafka, _published(topics, FRAMES[:50]), now - HOUR)
    address = store.address
    url = f"clickhouse://{address.user}:{address.password}@{address.host}:{address.port}/{address.database}"
    environment = {"SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix, "SHADOW_KAFKA_PARTITIONS": str(topics.partitions)}

    def call(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(
            app, ["backfill", "--kafka", kafka, "--store-url", url, *arguments], env=environment
        )
        return result.exit_code, result.output

    code, output = call("--since", "2020-01-01T00:00:00Z", "--json")
    assert (code, json.loads(output)["rows"]["frames"]) == (0, 50)
    assert call("--since", "2020-01-01T00:00:00Z", "--until", "2020-01-02T00:00:00Z") == (
        0,
        "nothing was published in that range, or Kafka no longer holds it\n",
    )
    assert call("--since", "yesterday")[0] == 2
    assert call("--since", "2020-01-02T00:00:00Z", "--until", "2020-01-01T00:00:00Z")[0] == 2


def test_topics_that_are_not_there_are_named(kafka: str, store: Store) -> None:
    """A wrong prefix is no empty range."""
    with pytest.raises(BackfillError, match="none of the topics"):
        backfill(kafka, Topics("nowhere."), store, 0, HOUR, judging_run=JUDGING_RUN)
