"""Publishing given-up frames once more.

A frame is published into its own partition with the same key, headers and value, and a header that names the first
place. Ids are the same, so that a frame which was lived after all brings nothing; one that was not is late now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from app.distributed.deadletters import Place
from app.distributed.reading import kafka_errors, open_topic
from ingest.cloudevents import header_map
from ingest.topic_admin import TopicError
from ingest.topics import MAX_BATCH

__all__ = ["REPLAYED_FROM", "Replay", "replay"]

REPLAYED_FROM: Final = "shadow_replayed_from"
"""The header of a record that was published again: the place of the first one."""
_POLL_MS: Final = 500
_MOST_EMPTY: Final = 60
"""Polls without a record before a broker counts as away."""
_JUMP: Final = 2_000
"""Offsets that are read over rather than jumped."""
_ACKNOWLEDGE_SECONDS: Final = 30


class Replay(msgspec.Struct):
    """What came of it."""

    replayed: int = 0
    """Records that Kafka has acknowledged; in a dry run those that would have been published."""
    repeated: int = 0
    """Places of one frame that was replayed before and failed again: it is published once."""
    lost: list[str] = msgspec.field(default_factory=list)
    """Places whose record is not there any more, or was never, and why."""


def replay(
    bootstrap: str,
    topic: str,
    places: Iterable[Place],
    *,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> Replay:
    """Publish the frames at these places of the topic of frames again; `say` is told of each place.

    Raises:
        TopicError: Kafka is away or refuses. What was replayed until then stays; replaying it again is harmless.

    """
    done, asked = Replay(), sorted(set(places))
    if not asked:
        return done
    producer = None if dry_run else _producer(bootstrap, options)
    try:
        seen: set[bytes] = set()
        for place, found in _fetch(bootstrap, topic, asked, options):
            if isinstance(found, str):
                done.lost.append(f"{place}: {found}")
                say(done.lost[-1])
                continue
            first = header_map(found.headers).get(REPLAYED_FROM, str(place).encode())
            if first in seen:
                done.repeated += 1
                continue
            seen.add(first)
            say(f"{place}: {_publish(producer, place, found, first)}")
            done.replayed += 1
    except kafka_errors() as error:
        raise TopicError(f"Kafka at {bootstrap}: {topic}: {error}; {done.replayed} were replayed") from None
    finally:
        if producer is not None:
            producer.close(timeout=5)
    return done


def _publish(producer: Any, place: Place, record: Any, first: bytes) -> str:
    """Publish a record again, unless there is no producer; gives what to say of it."""
    if producer is None:
        return f"would be published again ({len(record.value or b'')} bytes)"
    headers = [(name, value) for name, value in record.headers if name != REPLAYED_FROM]
    headers.append((REPLAYED_FROM, first))
    # Into its own partition, whoever chose that: the state of its charging station lies there.
    sent = producer.send(place.topic, record.value, record.key, headers=headers, partition=place.partition)
    return f"published again at offset {sent.get(timeout=_ACKNOWLEDGE_SECONDS).offset}"


def _producer(bootstrap: str, options: dict[str, Any]) -> Any:
    from kafka import KafkaProducer

    try:
        return KafkaProducer(
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-replay", "bootstrap_timeout_ms": 5_000, **options},
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            max_request_size=MAX_BATCH,
        )
    except kafka_errors() as error:
        raise TopicError(f"Kafka at {bootstrap}: {error}; start it, or correct the address and the rights") from None


def _fetch(
    bootstrap: str, topic: str, places: list[Place], options: dict[str, Any]
) -> Iterator[tuple[Place, Any | str]]:
    """The record at each place, or why there is none; by partition and offset."""
    consumer, ends = open_topic(bootstrap, topic, **options)
    try:
        begins = consumer.beginning_offsets(list(ends))
        by_partition: dict[int, list[Place]] = defaultdict(list)
        for place in sorted(places):
            by_partition[place.partition].append(place)
        numbers = {one.partition: one for one in ends}
        for partition, asked in by_partition.items():
            there = []
            for place in asked:
                kafka_place = numbers.get(partition)
                why = _absent(place, kafka_place, begins, ends)
                if why:
                    yield place, why
                else:
                    there.append(place)
            if there:
                yield from _read(consumer, numbers[partition], there)
    finally:
        consumer.close()


def _absent(place: Place, kafka_place: Any, begins: dict[Any, int], ends: dict[Any, int]) -> str:
    """Why no record can be there, empty where one may."""
    if kafka_place is None:
        return "there is no such partition"
    if place.offset >= ends[kafka_place]:
        return f"nothing was published there yet; the partition ends at {ends[kafka_place]}"
    if place.offset < begins[kafka_place]:
        return (
            f"expired: Kafka holds the partition from {begins[kafka_place]} on; the store may still hold the frame "
            "(table frames), and a tap's spool does until it is published"
        )
    return ""


def _read(consumer: Any, kafka_place: Any, asked: list[Place]) -> Iterator[tuple[Place, Any | str]]:
    """Read forward through one partition."""
    consumer.assign([kafka_place])
    waiting = iter(asked)
    place = next(waiting, None)
    at, empty = -_JUMP - 1, 0
    while place is not None:
        if not at <= place.offset <= at + _JUMP:
            consumer.seek(kafka_place, place.offset)
        records = consumer.poll(_POLL_MS).get(kafka_place, [])
        empty = 0 if records else empty + 1
        if empty > _MOST_EMPTY:
            raise TopicError(f"{place}: cannot be read: nothing came for {_MOST_EMPTY * _POLL_MS // 1000} s; try again")
        for record in records:
            while place is not None and record.offset > place.offset:
                yield place, "deleted"
                place = next(waiting, None)
            if place is not None and record.offset == place.offset:
                yield place, record
                place = next(waiting, None)
        at = consumer.position(kafka_place)
