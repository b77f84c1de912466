"""A topic read once: from its beginning, or from a time, to where it ended when that was asked. In no group."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from ingest.frame import Micros
from ingest.topic_admin import TopicError

__all__ = ["kafka_errors", "open_topic", "read_topic"]

_POLL_MS: Final = 500
_STALL_SECONDS: Final = 30.0
"""So long nothing may come before the end, or the broker is taken to be away."""
_CONNECT_MS: Final = 5_000


def open_topic(bootstrap: str, topic: str, **options: Any) -> tuple[Any, dict[Any, int]]:
    """A consumer with all partitions of a topic, at their beginnings, and where each of them ends now.

    `options`: further settings of kafka-python's consumer (SASL, TLS).

    Raises:
        TopicError: the broker is away or refuses, or there is no such topic.

    """
    from kafka import KafkaConsumer

    where = f"Kafka at {bootstrap}"
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-reader", "bootstrap_timeout_ms": _CONNECT_MS, **options},
            group_id=None,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            auto_offset_reset="earliest",
        )
    except kafka_errors() as error:
        raise TopicError(f"{where}: {error}; start it, or correct the address and the rights") from None
    try:
        return consumer, _begin(consumer, topic)
    except BaseException as error:
        consumer.close()
        if isinstance(error, kafka_errors()):
            raise TopicError(f"{where}: {topic}: {error}") from None
        raise


def _begin(consumer: Any, topic: str) -> dict[Any, int]:
    from kafka import TopicPartition

    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise TopicError(f"there is no topic {topic}; `shadow-csms topics` makes it")
    places = [TopicPartition(topic, number) for number in sorted(numbers)]
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    consumer.seek_to_beginning(*places)
    return dict(ends)


def read_topic(bootstrap: str, topic: str, *, since: Micros | None = None, **options: Any) -> Iterator[Any]:
    """Give the records of a topic that Kafka holds now, in order within each partition.

    `since` begins with the first record that Kafka took at that time or later, and everything behind it.

    Raises:
        TopicError: as `open_topic`; or the broker went away before the end.

    """
    consumer, ends = open_topic(bootstrap, topic, **options)
    try:
        if since is not None:
            _seek(consumer, ends, since)
        until = time.monotonic() + _STALL_SECONDS
        while any(consumer.position(place) < end for place, end in ends.items()):
            for place, records in consumer.poll(_POLL_MS).items():
                yield from (record for record in records if record.offset < ends[place])
                until = time.monotonic() + _STALL_SECONDS
            if time.monotonic() > until:
                raise TopicError(f"Kafka at {bootstrap}: {topic}: nothing came for {_STALL_SECONDS:.0f} s; try again")
    except kafka_errors() as error:
        raise TopicError(f"Kafka at {bootstrap}: {topic}: {error}") from None
    finally:
        consumer.close()


def kafka_errors() -> tuple[type[Exception], ...]:
    """What kafka-python raises where the broker is away or refuses."""
    from kafka.errors import KafkaError

    return (KafkaError, OSError)


def _seek(consumer: Any, ends: dict[Any, int], since: Micros) -> None:
    found = consumer.offsets_for_times(dict.fromkeys(ends, since // 1000))
    for place, end in ends.items():
        at = found.get(place)
        consumer.seek(place, end if at is None else at.offset)
