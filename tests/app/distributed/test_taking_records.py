"""`records follow`: billing records from their topic into the topic of frames, against a real broker."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaProducer

from app.distributed.reading import read_topic
from app.distributed.taking_records import Taker
from demo.billing import cdrs
from demo.traffic import Traffic
from ingest import cloudevents
from ingest.frame import Frame, FrameKind
from ingest.records.framing import record_of
from ingest.records.intake import Intake
from ingest.topics import Topics

_WAIT_SECONDS = 60


@pytest.fixture
def producer(kafka: str) -> Iterator[KafkaProducer]:
    """Whoever delivers the primary's records."""
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all")
    yield producer
    producer.close()


def _take(kafka: str, topics: Topics, until: int) -> Taker:
    """A taker that has taken so many records and ended in order."""
    taker = Taker(kafka, topics, Intake(lambda text: text.replace("EUR", "CHF")))
    deadline = time.monotonic() + _WAIT_SECONDS
    plain = taker.step

    def step() -> None:
        plain()
        taker.stopping = taker.records + taker.refused >= until or time.monotonic() > deadline

    taker.step = step  # type: ignore[method-assign]
    taker.run()
    return taker


def _frames(kafka: str, topics: Topics) -> list[Frame]:
    return [cloudevents.decode(one.key, one.value, one.headers) for one in read_topic(kafka, topics.frames)]


def test_records_become_frames_once_and_bad_ones_dead_letters(
    kafka: str, topics: Topics, producer: KafkaProducer
) -> None:
    """Redacted, keyed by charging station, at the time that Kafka gave them; a second taker begins behind them."""
    traffic = Traffic(seed=3, chargers=1, sessions_per_charger=3, fault_share=0.0)
    (charger_id,) = {frame.charger_id for frame in traffic}
    delivered = cdrs(traffic.books.ledger)
    sent: list[Any] = [
        producer.send(topics.primary_records, one.text.encode(), charger_id.encode()).get(20) for one in delivered
    ]
    producer.send(topics.primary_records, b'{"id": "no CDR"}', charger_id.encode()).get(20)

    first = _take(kafka, topics, len(delivered) + 1)
    assert (first.records, first.refused) == (len(delivered), 1)
    frames = _frames(kafka, topics)
    assert {(one.kind, one.charger_id) for one in frames} == {(FrameKind.RECORD, charger_id)}
    assert [record_of(one).id for one in frames] == [one.cdr["id"] for one in delivered]
    assert {record_of(one).currency for one in frames} == {"CHF"}
    assert [one.received_at for one in frames] == [one.timestamp * 1000 for one in sent]
    (letter,) = read_topic(kafka, topics.dead_letters)
    assert b"unknown-object" in letter.value

    producer.send(topics.primary_records, delivered[0].text.encode(), charger_id.encode()).get(20)
    second = _take(kafka, topics, 1)
    assert (second.records, second.refused) == (1, 0)
    assert len({one.frame_id for one in _frames(kafka, topics)}) == len(delivered)
