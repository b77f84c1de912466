"""Billing records into the topic of frames: from files (`records import`) and from `ocpp.primary-records.v1`.

The consumer commits an offset when Kafka has what came of it. Delivered again, a record becomes the same frame: its
name follows from what it says, and its time is the one that Kafka gave the record.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterable
from typing import Any, Final

from app.distributed.reading import kafka_errors
from app.importing import load_intake
from app.settings import Settings
from diff import published
from diff.store.tables import DeadLetter
from ingest import cloudevents
from ingest.frame import Frame, Micros
from ingest.group import leave
from ingest.records.intake import Intake, Refused
from ingest.topic_admin import TopicError
from ingest.topics import MAX_BATCH, Topics

__all__ = ["Taker", "follow", "make_producer", "publish", "send", "taken"]

_log = logging.getLogger(__name__)
_POLL_MS: Final = 500
_SECONDS: Final = 30


def publish(
    bootstrap: str, topics: Topics, frames: Iterable[Frame], letters: Iterable[DeadLetter], **options: Any
) -> None:
    """Publish frames and dead letters, and wait until Kafka has them all.

    Raises:
        TopicError: Kafka is away or refuses; importing again is harmless.

    """
    producer = None
    try:
        producer = make_producer(bootstrap, **options)
        send(producer, topics, frames, letters)
    except kafka_errors() as error:
        raise TopicError(f"Kafka at {bootstrap}: {error}; is it there, and are the topics made?") from None
    finally:
        if producer is not None:
            producer.close(timeout=5)


def taken(intake: Intake, key: bytes | None, value: bytes | None, place: str, at: Micros) -> list[Frame | Refused]:
    """What comes of one record of `ocpp.primary-records.v1`. Pure.

    The key is the charging station's id, or empty: then the EVSE map says it.
    """
    try:
        charger_id, text = (key or b"").decode(), (value or b"").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8 [no-json]; deliver OCPI JSON in UTF-8"
        return [Refused(place, "no-json", f"{place}: {reason}", reason, len(value or b""))]
    return list(intake.ocpi(text, place, at, charger_id))


class Taker:
    """Consumes `ocpp.primary-records.v1`. Belongs to one thread."""

    def __init__(self, bootstrap: str, topics: Topics, intake: Intake, **options: Any) -> None:
        """Connect. `options`: further settings of kafka-python (SASL, TLS)."""
        from kafka import KafkaConsumer

        self._topics, self._intake = topics, intake
        self.records = self.refused = 0
        self.stopping = False
        self._producer = make_producer(bootstrap, **options)
        self._consumer = KafkaConsumer(
            topics.primary_records,
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-records", "reconnect_backoff_max_ms": 1_000, **options},
            group_id=topics.records,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_poll_records=500,
        )

    def run(self) -> None:
        """Take records until told to stop. Raises `TopicError` where Kafka does not take what came of them."""
        try:
            while not self.stopping:
                self.step()
        except kafka_errors() as error:
            raise TopicError(f"{self._topics.frames}: {error}; start again, nothing counts twice") from None
        finally:
            leave(self._consumer)
            self._producer.close(timeout=5)

    def step(self) -> None:
        """Take what is there."""
        frames: list[Frame] = []
        letters: list[DeadLetter] = []
        polled = [one for records in self._consumer.poll(_POLL_MS).values() for one in records]
        for record in polled:
            place, at = f"{record.topic}/{record.partition}/{record.offset}", max(record.timestamp, 0) * 1000
            for item in taken(self._intake, record.key, record.value, place, at):
                if isinstance(item, Refused):
                    _log.warning("%s", item.masked)
                    letters.append(DeadLetter(item.charger_id, at, "record", item.place, item.masked, item.size))
                else:
                    frames.append(item)
        if polled:
            send(self._producer, self._topics, frames, letters)
            self._consumer.commit()
            self.records += len(frames)
            self.refused += len(letters)


def follow(settings: Settings) -> int:
    """Run a taker until SIGTERM or SIGINT. Raises `KeyFileError`, `RecordingError`, `TopicError`."""
    from app.watch import logs

    logs.begin("records", settings)
    intake = load_intake(settings, create=False)
    try:
        taker = Taker(settings.kafka_bootstrap, settings.topics(), intake, **settings.kafka_options())
    except kafka_errors() as error:
        raise TopicError(f"Kafka at {settings.kafka_bootstrap}: {error}; is it there?") from None

    def stop(*_: object) -> None:
        taker.stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    taker.run()
    return 0


def make_producer(bootstrap: str, **options: Any) -> Any:
    """A producer that keeps the order and waits for all replicas."""
    from kafka import KafkaProducer

    return KafkaProducer(
        bootstrap_servers=bootstrap,
        **{"client_id": "shadow-records", "compression_type": "zstd", **options},
        enable_idempotence=True,
        acks="all",
        allow_auto_create_topics=False,
        max_request_size=MAX_BATCH,
    )


def send(producer: Any, topics: Topics, frames: Iterable[Frame], letters: Iterable[DeadLetter]) -> None:
    """Send frames and dead letters, and wait until Kafka has them all."""
    waiting = []
    for frame in frames:
        key, value, headers = cloudevents.encode(frame)
        waiting.append(producer.send(topics.frames, value, key, headers=headers))
    for letter in letters:
        key, value, headers = published.encode(letter)
        waiting.append(producer.send(topics.dead_letters, value, key, headers=headers))
    producer.flush(timeout=_SECONDS)
    for future in waiting:
        future.get(timeout=_SECONDS)
