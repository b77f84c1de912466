"""`rejudge`: judges ranges again whose frames came late, or that somebody names, from the frames in the store.

As a service it consumes the workers' requests. They wait until the sink has stored all that was published before them;
offsets are committed when Kafka has the corrections. Judging a range twice changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from app.distributed.correcting import Corrector
from diff import published
from diff.rejudge import RejudgeRequest, merged
from diff.store.client import Store
from diff.store.errors import StoreError
from diff.store.queries.judged import chargers_between
from ingest.cloudevents import UndecodableError
from ingest.frame import Micros
from ingest.group import leave
from ingest.topics import Topics

__all__ = ["Range", "Rejudged", "Rejudger", "in_range"]

_log = logging.getLogger(__name__)
_POLL_MS: Final = 500
_JOIN_MS: Final = 1_000
"""While it has no partitions: kafka-python 3.0.12 throws away a join that is done between two polls."""
_AGAIN_SECONDS: Final = 1.0
_POLL_INTERVAL_MS: Final = 1_800_000
"""Requests may wait so long for the sink, and for long histories to be judged, before another takes them over."""
_MOST: Final = 50
"""Requests at once: so many long histories are judged within that time."""


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
            max_poll_records=_MOST,
            max_poll_interval_ms=_POLL_INTERVAL_MS,
        )

    @property
    def policy_error(self) -> str:
        """What is wrong with the policy file; then the last good one stays in force."""
        return self._corrector.policy.error

    def run(self) -> None:
        """Judge again until told to stop; a request that is not done then comes again at the next start."""
        while not self.stopping:
            wait = _POLL_MS if self._consumer.assignment() else _JOIN_MS
            found = self._consumer.poll(wait)
            if found and self._take([record for records in found.values() for record in records]):
                self._consumer.commit()
        leave(self._consumer)
        self._admin.close()

    def _take(self, records: Sequence[Any]) -> bool:
        """Whether they are done: one that cannot be read is, too, since it would not be readable the next time."""
        requests = []
        for record in records:
            try:
                requests.append(published.decode(record.value, RejudgeRequest))
            except UndecodableError as error:
                place = f"{record.topic}/{record.partition}/{record.offset}"
                _log.error("%s: %s", place, error)
        # The corrections of one have to be stored before the next of its charging station is judged, and waiting for
        # the sink is what takes the time: so one stands for all that came meanwhile.
        left = merged(requests)
        wanted = self._ends(sorted({record.partition for record in records}))
        while left and not self.stopping:
            try:
                if self._stored(wanted):
                    self._judge(left)
                    continue
                self.failure = "the sink has not stored yet what the workers published"
            except StoreError as error:
                self.failure = str(error)
            time.sleep(_AGAIN_SECONDS)
        if left:
            return False
        self.requests += len(requests)
        return True

    def _judge(self, left: list[RejudgeRequest]) -> None:
        """Judge the ranges, and take those that are done out of the list."""
        while left and not self.stopping:
            found = self._corrector.judge(left[0])
            del left[0]
            self.corrections += len(found.sessions) + len(found.discrepancies)
            self.failure = ""

    def _ends(self, partitions: Sequence[int]) -> dict[Any, int]:
        """How far the sink has to be: what a request speaks of was published before it."""
        from kafka import TopicPartition

        topics = self._topics
        told = (topics.frames, topics.sessions, topics.discrepancies)
        places = [TopicPartition(topic, partition) for topic in told for partition in partitions]
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
