"""Fills the store from what Kafka holds of a time range, beside the running sink.

It reads every topic that the sink reads between two times of publishing, with a consumer that belongs to no group, and
writes through the same `Taker` and `Writer`. Of the control topic it reads all that is kept: what was acknowledged
holds until its expiry, whenever it was said. Rows have deterministic keys: what is stored already stays one row, and a
back-fill that broke off is simply run again. The end is fixed when it begins, so that it ends under load too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import msgspec

from diff.store.client import Store
from diff.store.errors import StoreUnavailable
from diff.store.taking import OPEN_CALLS, Taker
from diff.store.writer import BackPressure, Writer
from ingest.frame import Micros
from ingest.topics import Topics

__all__ = ["BackfillError", "Filled", "backfill"]

_POLL_MS: Final = 500
_SILENCE_SECONDS: Final = 30.0
"""So long Kafka may bring nothing although there is more, and ClickHouse may take nothing."""


class BackfillError(Exception):
    """Kafka cannot be read, or the range is not there; the message says what to do."""


class Filled(msgspec.Struct):
    """What a back-fill did so far."""

    of: int
    """Records in the range."""
    records: int = 0
    """Records read of them."""
    rows: dict[str, int] = {}
    """Rows that the store acknowledged, by table; those that it had already count too."""
    refused: int = 0
    """Rows that it would not take: each left a dead letter."""
    unreadable: int = 0
    """Records that hold nothing."""


class _Range(msgspec.Struct, frozen=True):
    """Offsets of one partition: from `lead` on open calls are noted, from `begin` on rows are written."""

    lead: int
    begin: int
    end: int


def backfill(
    bootstrap: str,
    topics: Topics,
    store: Store,
    since: Micros,
    until: Micros,
    *,
    judging_run: str,
    progress: Callable[[Filled], None] = lambda _: None,
    **client: Any,
) -> Filled:
    """Write what was published from `since` to before `until` to the store. Both by the broker's record timestamps.

    `progress` is called after every poll that brought something. `client`: further settings of kafka-python.

    Raises:
        BackfillError: no Kafka, or none of the topics.
        StoreError: ClickHouse is away for longer than half a minute, or refuses; running it again goes on.

    """
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    writer = Writer(store, judging_run=judging_run, max_rows=10_000)
    taker = Taker(topics, writer, _Patience())
    try:
        with KafkaConsumer(
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-backfill", **client},
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
        ) as consumer:
            ranges = _ranges(consumer, taker.topics, topics, since, until)
            filled = Filled(sum(one.end - one.begin for one in ranges.values()))
            _read(consumer, ranges, taker, lambda count: progress(_sum(filled, count, writer, taker)))
    except KafkaError as error:
        _give_up(bootstrap, str(error) or type(error).__name__)
    writer.flush()
    return _sum(filled, 0, writer, taker)


def _ranges(consumer: Any, names: tuple[str, ...], topics: Topics, since: Micros, until: Micros) -> dict[Any, _Range]:
    from kafka import TopicPartition

    places = [TopicPartition(name, number) for name in names for number in consumer.partitions_for_topic(name) or ()]
    if not places:
        raise BackfillError("Kafka has none of the topics: correct the topic prefix, or make them (shadow-csms topics)")
    ends = consumer.end_offsets(places)
    begins, stops = _offsets(consumer, places, since, ends), _offsets(consumer, places, until, ends)
    told = [place for place in places if place.topic == topics.control]
    begins |= consumer.beginning_offsets(told)
    stops |= {place: ends[place] for place in told}
    leads = _offsets(consumer, [place for place in places if place.topic == topics.frames], since - OPEN_CALLS, ends)
    found = {place: _Range(leads.get(place, begins[place]), begins[place], stops[place]) for place in places}
    return {place: one for place, one in found.items() if one.begin < one.end}


def _offsets(consumer: Any, places: list[Any], at: Micros, ends: Mapping[Any, int]) -> dict[Any, int]:
    """The first offset of each partition at or after a time; its end where there is none."""
    found = consumer.offsets_for_times(dict.fromkeys(places, max(at, 0) // 1000))
    return {place: ends[place] if found.get(place) is None else found[place].offset for place in places}


def _read(consumer: Any, ranges: Mapping[Any, _Range], taker: Taker, taken: Callable[[int], None]) -> None:
    consumer.assign(list(ranges))
    for place, one in ranges.items():
        consumer.seek(place, one.lead)
    unfinished, silent_since = set(ranges), time.monotonic()
    while unfinished:
        polled = consumer.poll(_POLL_MS)
        for place, records in polled.items():
            one = ranges[place]
            wanted = [record for record in records if record.offset < one.end]
            for record in wanted:
                taker.take(record, write=record.offset >= one.begin)
            taken(sum(record.offset >= one.begin for record in wanted))
        # By the position, not by the records: compaction and markers leave offsets without one.
        ended = {place for place in unfinished if consumer.position(place) >= ranges[place].end}
        consumer.pause(*ended)
        unfinished -= ended
        if polled or ended:
            silent_since = time.monotonic()
        elif time.monotonic() - silent_since > _SILENCE_SECONDS:
            raise BackfillError(f"Kafka brought nothing for {_SILENCE_SECONDS:g} s: look at the broker, then run again")


class _Patience:
    """Waits while ClickHouse takes nothing, up to a limit."""

    def __init__(self) -> None:
        self._waited = 0.0

    def __call__(self, pressure: BackPressure) -> None:
        if self._waited > _SILENCE_SECONDS:
            raise StoreUnavailable(str(pressure), pressure.retry_after)
        self._waited += pressure.retry_after
        time.sleep(pressure.retry_after)


def _sum(filled: Filled, count: int, writer: Writer, taker: Taker) -> Filled:
    filled.records += count
    filled.rows = dict(writer.by_table)
    filled.refused, filled.unreadable = writer.refused, taker.unreadable
    return filled


def _give_up(bootstrap: str, reason: str) -> NoReturn:
    raise BackfillError(f"Kafka at {bootstrap}: {reason}; start it, or correct the address and the rights") from None
