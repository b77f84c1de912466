"""`rejudge`: judges ranges again whose frames came late, or that somebody names, from the frames in the store.

As a service it consumes the workers' requests, one after the other. A request waits until the sink has stored all that
was published before it; its offset is committed when Kafka has the corrections. Judging a range twice changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from app.distributed.correcting import Corrector
from diff import published
from diff.rejudge import RejudgeRequest
from diff.store.client import Store
from diff.store.errors import StoreError
from diff.store.queries.judged import chargers_between
from ingest.cloudevents import UndecodableError
from ingest.frame import Micros
from ingest.topics import Topics

__all__ = ["Range", "Rejudged", "Rejudger", "in_range"]

_log = logging.getLogger(__name__)
_POLL_MS: Final = 500
_JOIN_MS: Final = 1_000
"""While it has no partitions: kafka-python 3.0.12 throws away a join that is done between two polls."""
_AGAIN_SECONDS: Final = 1.0
_POLL_INTERVAL_MS: Final = 1_800_000
"""A request may wait so long for the sink, and for a long history to be judged, before another takes it over."""


class Rejudger:
    """Consumes requests. Belongs to one thread."""

    def __init__(self, bootstrap: str, topics: Topics, store: Store, corrector: Corrector, **client: Any) -> None:
        """Connect to Kafka. `client`: further settings of kafka-python (SASL, TLS)."""
        from kafka import KafkaConsumer
        from kafka.admin import KafkaAdminClient

        self._topics, self._store, self._corrector = topics, store, corrector
        self.requests = self.corrections = 0
        """Since the start: requests done, rows corrected."""
        self.failure = ""
        """Why nothing moves at the moment; empty while all is well."""
        self.stopping = False
        common = {
            "bootstrap_servers": bootstrap,
            "client_id": "shadow-rejudge",
            "reconnect_backoff_max_ms": 1_000,
            **client,
        }
        self._admin = KafkaAdminClient(**common)
        self._consumer = KafkaConsumer(
            topics.rejudge,
            **common,
            group_id=topics.rejudger,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_poll_records=1,
            max_poll_interval_ms=_POLL_INTERVAL_MS,
        )

    def run(self) -> None:
        """Judge again until told to stop; a request that is not done then comes again at the next start."""
        while not self.stopping:
            wait = _POLL_MS if self._consumer.assignment() else _JOIN_MS
            for records in self._consumer.poll(wait).values():
                for record in records:
                    if self._take(record):
                        self._consumer.commit()
        self._consumer.close(autocommit=False)
        self._admin.close()

    def _take(self, record: Any) -> bool:
        """Whether it is done: a request that cannot be read is, too, since it would not be readable the next time."""
        try:
            request = published.decode(record.value, RejudgeRequest)
        except UndecodableError as error:
            place = f"{record.topic}/{record.partition}/{record.offset}"
            _log.error("%s: %s", place, error)
            return True
        wanted = self._ends(record.partition)
        while not self.stopping:
            try:
                if self._stored(wanted):
                    found = self._corrector.judge(request)
                    self.requests += 1
                    self.corrections += len(found.sessions) + len(found.discrepancies)
                    self.failure = ""
                    return True
                self.failure = "the sink has not stored yet what the workers published"
            except StoreError as error:
                self.failure = str(error)
            time.sleep(_AGAIN_SECONDS)
        return False

    def _ends(self, partition: int) -> dict[Any, int]:
        """How far the sink has to be: what a request speaks of was published before it."""
        from kafka import TopicPartition

        topics = self._topics
        places = [TopicPartition(topic, partition) for topic in (topics.frames, topics.sessions, topics.discrepancies)]
        begins = self._consumer.beginning_offsets(places)
        return {place: end for place, end in self._consumer.end_offsets(places).items() if end > begins[place]}

    def _stored(self, wanted: dict[Any, int]) -> bool:
        committed = self._admin.list_group_offsets(self._topics.sink).get(self._topics.sink, {})
        return all(place in committed and committed[place].offset >= end for place, end in wanted.items())


class Range(msgspec.Struct, frozen=True):
    """A range that somebody names."""

    since: Micros
    until: Micros
    chargers: Sequence[str] = ()
    """None: all that have frames in it."""


class Rejudged(msgspec.Struct, frozen=True):
    """One charging station's range, judged again."""

    charger_id: str
    sessions: int
    """Rows corrected."""
    discrepancies: int


def in_range(store: Store, corrector: Corrector, wanted: Range, *, publish: bool) -> Iterator[tuple[int, Rejudged]]:
    """Judge a range again, charging station by charging station; gives how many there are, and each when it is done.

    Raises `StoreError`.
    """
    chargers = list(wanted.chargers) or chargers_between(store, wanted.since, wanted.until)
    for charger_id in chargers:
        request = RejudgeRequest(charger_id, wanted.since, wanted.until, 0, "")
        found = corrector.judge(request, publish=publish)
        yield len(chargers), Rejudged(charger_id, len(found.sessions), len(found.discrepancies))
