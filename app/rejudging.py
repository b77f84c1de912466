"""`rejudge`: judges ranges again whose frames came late, from the frames in the store, and publishes what changes.

It consumes the workers' requests. A request waits until the sink has stored all that was published before it. The
corrections go the way of every outcome (topics, sink, store), so that whoever consumes the topics learns of them too;
the offset of the request is committed behind their acknowledgement. Judging a range twice changes nothing.

The 2.0.1 messages are not written again: their numbers count the life of the charging station as it was lived.
"""

from __future__ import annotations

import logging
import signal
import time
from typing import Any, Final

from app.live import say
from app.preparing import named_store
from app.settings import Settings
from diff import published
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from diff.rejudge import Corrections, RejudgeRequest, correct, judge_again
from diff.store.client import Store
from diff.store.errors import StoreError
from diff.store.queries.judged import charger_frames, first_seen, stored_outcome
from ingest.cloudevents import UndecodableError
from ingest.frame import Micros
from ingest.topics import MAX_BATCH, Topics
from shadow.config import DEFAULT, SECOND, ShadowConfig

__all__ = ["Rejudger", "again", "run"]

_log = logging.getLogger(__name__)
_POLL_MS: Final = 500
_AGAIN_SECONDS: Final = 1.0
_POLL_INTERVAL_MS: Final = 1_800_000
"""A request may wait so long for the sink, and for a long history to be judged, before another takes it over."""
_DAY: Final[Micros] = 86_400 * SECOND


def again(
    store: Store,
    request: RejudgeRequest,
    history: Micros = 30 * _DAY,
    config: ShadowConfig = DEFAULT,
    policy: Policy = DEFAULT_POLICY,
) -> Corrections:
    """Judge a range of a charging station again. Raises `StoreError`.

    `history`: how long before the range the frames are read, to know the state at its beginning, in microseconds.
    """
    begin = max(request.since - history, 0)
    # Sorted by the store, and sorted again where they are judged: equal there, and cheap.
    frames = list(charger_frames(store, request.charger_id, begin, request.until))
    if not frames:
        return Corrections((), ())
    born = first_seen(store, request.charger_id)
    whole_life = born is not None and frames[0].received_at <= born
    outcome = judge_again(frames, request.until, config, policy)
    return correct(
        request, stored_outcome(store, request.charger_id), outcome, frames[0].received_at, whole_life=whole_life
    )


def run(settings: Settings) -> int:
    """Judge again until SIGTERM or Ctrl-C. Raises `StoreStartError`."""
    with Store.connect(named_store(settings)) as store:
        rejudger = Rejudger(
            settings.kafka_bootstrap,
            settings.topics(),
            store,
            config=settings.shadow_config(),
            policy=settings.policy(),
            **settings.kafka_options(),
        )

        def stop(*_: object) -> None:
            rejudger.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        say(f"rejudge: requests of {settings.topics().rejudge}, frames of {store.address!r}")
        rejudger.run()
        say(f"rejudge: stopped behind {rejudger.judged} requests and {rejudger.corrected} corrected rows")
    return 0


class Rejudger:
    """Consumes requests, one after the other. Belongs to one thread."""

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        store: Store,
        *,
        config: ShadowConfig = DEFAULT,
        policy: Policy = DEFAULT_POLICY,
        **client: Any,
    ) -> None:
        """Connect to Kafka. `client`: further settings of kafka-python (SASL, TLS)."""
        from kafka import KafkaConsumer, KafkaProducer
        from kafka.admin import KafkaAdminClient

        self._topics, self._store = topics, store
        self._config, self._policy = config, policy
        self.judged = self.corrected = 0
        """Since the start: requests done, rows corrected."""
        self.failure = ""
        """Why nothing moves at the moment; empty while all is well."""
        self.stopping = False
        self._consumer = KafkaConsumer(
            topics.rejudge,
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-rejudge", **client},
            group_id=topics.rejudger,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_poll_records=1,
            max_poll_interval_ms=_POLL_INTERVAL_MS,
        )
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap, **{"client_id": "shadow-rejudge", **client})
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-rejudge", **client},
            enable_idempotence=True,
            acks="all",
            max_request_size=MAX_BATCH,
        )

    def run(self) -> None:
        """Judge again until told to stop; a request that is not done then comes again at the next start."""
        while not self.stopping:
            for records in self._consumer.poll(_POLL_MS).values():
                for record in records:
                    if self._take(record):
                        self._consumer.commit()
        self._producer.close(timeout=5)
        self._admin.close()
        self._consumer.close(autocommit=False)

    def _take(self, record: Any) -> bool:
        try:
            request = published.decode(record.value, RejudgeRequest)
        except UndecodableError as error:
            _log.error("%s/%d/%d: %s", record.topic, record.partition, record.offset, error)
            return True
        wanted = self._ends(record.partition)
        while not self.stopping:
            try:
                if self._stored(wanted):
                    return self._judge(request, record.partition)
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

    def _judge(self, request: RejudgeRequest, partition: int) -> bool:
        corrections = again(self._store, request, config=self._config, policy=self._policy)
        waiting = [
            self._send(topic, item, partition)
            for topic, items in (
                (self._topics.sessions, corrections.sessions),
                (self._topics.discrepancies, corrections.discrepancies),
            )
            for item in items
        ]
        self._producer.flush()
        for future in waiting:
            future.get(timeout=0)
        self.failure = ""
        self.judged += 1
        self.corrected += len(waiting)
        if waiting:
            _log.info("%s judged again: %d rows corrected", request.charger_id, len(waiting))
        return True

    def _send(self, topic: str, item: Any, partition: int) -> Any:
        key, value, headers = published.encode(item)
        return self._producer.send(topic, value, key, headers=headers, partition=partition)
