"""From Kafka to the store: consume, collect, flush, then commit.

Frames come from the taps' topic, everything else from the workers'. Delivery is at least once and rows have
deterministic keys, so a range that is read again changes no count. An offset is committed only behind rows that the
store has acknowledged; while ClickHouse is away nothing more is read, and Kafka keeps what comes.

Frames are paired with their answers here as the worker pairs them, so that an answer's row names its action. Beside
each offset of the frames the commit notes from where on to read to know the calls that were open then: two minutes
before. After a start or a rebalance those are read first, and nothing of them is written. An answer that comes later
than that after its call, with a restart between the two, has no action in its row.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from diff.store.client import Store
from diff.store.errors import StoreError
from diff.store.taking import OPEN_CALLS, Taker
from diff.store.writer import BackPressure, Writer
from ingest.frame import Micros
from ingest.group import leave
from ingest.topics import Topics

__all__ = ["Sink"]

_log = logging.getLogger(__name__)
_POLL_MS: Final = 200
_JOIN_MS: Final = 1_000
"""While the group is joined. kafka-python 3.0.12 forgets a join that ends between two polls and begins another one:
where joining takes longer than a poll, on a busy machine, it would never be in the group."""
_POLL_RECORDS: Final = 2_000
_POLL_INTERVAL_MS: Final = 300_000
_MARK_EVERY: Final[Micros] = 1_000_000


class Sink:
    """Consumes the topics of one installation into one store. Belongs to one thread."""

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        store: Store,
        *,
        judging_run: str,
        max_rows: int = 10_000,
        max_age: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        **client: Any,
    ) -> None:
        """Connect to Kafka. Rows are flushed when `max_rows` records are together, or after `max_age` seconds.

        `client`: further settings of kafka-python's consumer (SASL, TLS, session_timeout_ms).
        """
        from kafka import KafkaConsumer

        self._topics = topics
        self._max_rows, self._max_age, self._clock = max_rows, max_age, clock
        self._writer = Writer(store, judging_run=judging_run, max_rows=max_rows, max_age=max_age, clock=clock)
        self._taker = Taker(topics, self._writer, self._hold)
        self._marks: dict[Any, deque[tuple[Micros, int]]] = {}
        """By partition of the frames: times and offsets of the last two minutes."""
        self._stored_until: dict[Any, int] = {}
        """By partition of the frames: what lies before is stored, and is read for its open calls only."""
        self._since = self._next_try = clock()
        self._joining = True
        self._fresh: set[Any] = set()
        """Partitions that came and were not set to their places yet."""
        self._taken: dict[Any, int] = {}
        """By partition: behind the last record taken, not committed yet."""
        self.places: dict[Any, int] = {}
        """By partition that it was given: the next offset to take."""
        self.newest: Micros = 0
        """When the tap saw the newest frame that was taken."""
        self.waiting = 0
        """Records taken and not stored yet."""
        self.retries = 0
        """Flushes that failed and were tried again."""
        self.flushed: Callable[[float], None] = lambda _seconds: None
        """For metrics: called with the seconds of each flush that succeeded, its commit included."""
        self.records = self.flushes = 0
        """Since the start: records taken, flushes and commits that succeeded."""
        self.failure = ""
        """Why ClickHouse takes nothing at the moment; empty while all is well."""
        self.stopping = False
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            # 30 s by default, which is how long a broker that is back would not be noticed.
            **{"client_id": "shadow-sink", "reconnect_backoff_max_ms": 1_000, **client},
            group_id=topics.sink,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_poll_records=_POLL_RECORDS,
            max_poll_interval_ms=_POLL_INTERVAL_MS,
        )
        self._consumer.subscribe(list(self._taker.topics), listener=_listener(self))

    @property
    def unreadable(self) -> int:
        """Records that hold nothing, since the start."""
        return self._taker.unreadable

    @property
    def written(self) -> Mapping[str, int]:
        """Rows that the store acknowledged since the start, by table."""
        return self._writer.by_table

    @property
    def refused(self) -> int:
        """Rows that the store would not take."""
        return self._writer.refused

    def run(self) -> None:
        """Consume until told to stop; then what was taken is flushed and committed, if ClickHouse takes it."""
        while not self.stopping:
            self.step()
        self.close()

    def step(self) -> int:
        """Poll once and flush where it is time to; returns the records taken."""
        if self.failure:
            # Polled all the same: who does not poll is put out of the group.
            self._consumer.pause(*self._consumer.assignment())
        taken = 0
        polled = self._consumer.poll(_JOIN_MS if self._joining else _POLL_MS)
        if self._fresh:
            self._begin()
            return 0
        for place, records in polled.items():
            for record in records:
                self._take(record)
            self._taken[place] = self.places[place] = records[-1].offset + 1
            taken += len(records)
        self.records += taken
        self.waiting += taken
        now = self._clock()
        if (self.waiting >= self._max_rows or now - self._since >= self._max_age) and now >= self._next_try:
            self.flush()
        return taken

    def flush(self) -> bool:
        """Store what was taken, then commit. False where ClickHouse is away: nothing is lost or committed then."""
        now = self._clock()
        if self._taken:
            began = time.monotonic()
            try:
                self._writer.flush()
            except StoreError as error:
                self.failure = str(error)
                self.retries += 1
                self._next_try = now + min(getattr(error, "retry_after", self._max_age), 5.0)
                return False
            self._commit()
            self.flushes += 1
            self.flushed(time.monotonic() - began)
        if self.failure:
            self.failure = ""
            self._consumer.resume(*self._consumer.assignment())
        self.waiting = 0
        self._since = now
        return True

    def close(self) -> None:
        """Flush, commit and leave the group."""
        if not self.flush():
            _log.error("%d records are neither stored nor committed: %s", self.waiting, self.failure)
        leave(self._consumer)

    def assigned(self, places: Iterable[Any]) -> None:
        """Partitions came. Called by Kafka's own thread, which must not wait for Kafka: they begin after the poll."""
        self._joining = False
        self._fresh.update(places)

    def revoked(self) -> None:
        """Partitions go: what was taken and not committed is left to whoever gets them, and still counts once."""
        self._joining = True
        self._taken.clear()
        self._marks.clear()
        self._stored_until.clear()
        self._fresh.clear()
        self.places.clear()

    def _begin(self) -> None:
        """Set every new partition to its place: behind what is committed, those of the frames a little earlier.

        Where Kafka does not answer the places stay new, and it is tried again behind the next poll.
        """
        from kafka.errors import KafkaError

        self._taker.forget()
        places = list(self._fresh)
        try:
            committed = {place: self._consumer.committed(place, metadata=True) for place in places}
            unknown = [place for place, found in committed.items() if found is None or found.offset < 0]
            # Not `seek_to_beginning`: kafka-python 3.0.12 looks for the beginning later, and where that fails once
            # (a broker that has just come back, a topic that has just been made) it may never look again.
            first = self._consumer.beginning_offsets(unknown) if unknown else {}
        except KafkaError as error:
            _log.warning("places are not known yet: %s: %s; trying again", type(error).__name__, error)
            return
        for place in places:
            begin = first[place] if place in first else committed[place].offset
            if place not in first and place.topic == self._topics.frames:
                self._stored_until[place] = begin
                marked = committed[place].metadata or ""
                begin = min(begin, int(marked)) if marked.isdigit() else begin
            self._consumer.seek(place, begin)
            self.places[place] = begin
            self._fresh.discard(place)

    def _take(self, record: Any) -> None:
        place = _place(record)
        stored = record.topic == self._topics.frames and record.offset < self._stored_until.get(place, 0)
        frame = self._taker.take(record, write=not stored)
        if frame is not None:
            self._mark(place, frame.received_at, record.offset)

    def _hold(self, pressure: BackPressure) -> None:
        self.failure = str(pressure)
        time.sleep(pressure.retry_after)

    def _mark(self, place: Any, at: Micros, offset: int) -> None:
        self.newest = max(self.newest, at)
        marks = self._marks.setdefault(place, deque())
        if not marks or at - marks[-1][0] >= _MARK_EVERY:
            marks.append((at, offset))
        while len(marks) > 1 and marks[1][0] < at - OPEN_CALLS:
            marks.popleft()

    def _commit(self) -> None:
        from kafka.errors import KafkaError
        from kafka.structs import OffsetAndMetadata

        offsets = {}
        for place, offset in self._taken.items():
            if offset > self._stored_until.get(place, 0):
                marks = self._marks.get(place)
                offsets[place] = OffsetAndMetadata(offset, str(marks[0][1]) if marks else "", -1)
        try:
            if offsets:
                self._consumer.commit(offsets)
        except KafkaError as error:
            # Stored and not committed: kept for the next flush, because a partition may stay silent from now on. Where
            # somebody else has the partitions now, `revoked` lets go of it: it is read again there, and counts once.
            _log.warning("offsets are not committed: %s: %s; trying again", type(error).__name__, error)
        else:
            self._taken.clear()


def _place(record: Any) -> Any:
    from kafka import TopicPartition

    return TopicPartition(record.topic, record.partition)


def _listener(sink: Sink) -> Any:
    from kafka import ConsumerRebalanceListener

    # Both are called while `poll` waits, never beside it.
    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python is untyped
        def on_partitions_revoked(self, revoked: Any) -> None:
            if revoked:
                sink.revoked()

        def on_partitions_assigned(self, assigned: Any) -> None:
            sink.assigned(assigned)

    return Listener()
