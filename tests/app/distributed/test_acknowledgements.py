"""Acknowledgements in the distributed runtime: said through Kafka, stored by the sink, and filled again."""

import time
from pathlib import Path

from kafka import KafkaProducer

from app.distributed.backfill import backfill
from app.distributed.control import read_control, tell
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.acknowledgements import acknowledgements
from diff.store.sink import Sink
from ingest.control import Acknowledgement, EnrolmentRule, encode
from ingest.topics import Topics
from tests.running import call

NOW = time.time_ns() // 1000


def test_what_is_said_through_kafka_is_stored_by_the_sink(
    kafka: str, topics: Topics, store: Store, tmp_path: Path
) -> None:
    """Added and revoked by command, every version stored; enrolment and broken records beside it change nothing."""
    url = store.address
    env = {
        "SHADOW_KAFKA_BOOTSTRAP": kafka,
        "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
        "SHADOW_STORE_URL": f"clickhouse://{url.user}:{url.password}@{url.host}:{url.port}/{url.database}",
    }
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * 86_400))
    added = call(
        ["ack", "add", "0123456789abcdef", "--reason", "ticket 12", "--owner", "ann", "--expires", day], tmp_path, env
    )
    assert added.code == 0, added.err
    assert b"the sink stores it" in added.out
    tell(kafka, topics.control, [encode(EnrolmentRule("CP-1", enrolled=False))])
    producer = KafkaProducer(bootstrap_servers=kafka)
    producer.send(topics.control, b"{", b"/acknowledgement/ffff").get(10)
    producer.close()

    sink = Sink(kafka, topics, store, judging_run=JUDGING_RUN, session_timeout_ms=6000, heartbeat_interval_ms=300)
    _until(sink, store, 1)
    (told,) = acknowledgements(store)
    assert (told.owner, told.revoked) == ("ann", False)

    revoked = call(["ack", "revoke", told.id], tmp_path, env)
    assert revoked.code == 0, revoked.err
    _until(sink, store, 2)
    sink.close()
    assert [one.revoked for one in acknowledgements(store)] == [True]
    assert sink.unreadable == 1
    assert store.execute("SELECT source FROM dead_letters FINAL") == [("sink",)]
    assert set(read_control(kafka, topics.control).rules) == {"CP-1"}


def test_a_back_fill_brings_them_back_whatever_its_range(kafka: str, topics: Topics, store: Store) -> None:
    """Said long before the range: it holds until its expiry."""
    known = Acknowledgement("0123456789abcdef", "known", "ann", NOW + 86_400_000_000, at=NOW)
    tell(kafka, topics.control, [encode(known)])
    later = time.time_ns() // 1000 + 3_600_000_000
    filled = backfill(kafka, topics, store, later, later + 1, judging_run=JUDGING_RUN)
    assert filled.rows == {"acknowledgements": 1}
    assert acknowledgements(store) == [known]


def _until(sink: Sink, store: Store, versions: int) -> None:
    for _ in range(150):
        sink.step()
        if store.execute("SELECT count() FROM acknowledgements FINAL") == [(versions,)]:
            return
    raise AssertionError(f"not stored: {sink.failure}")
