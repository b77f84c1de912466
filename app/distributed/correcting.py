"""Judging one charging station's range again from the stored frames, and publishing what changes.

The corrections go the way of every outcome (topics, sink, store), so that whoever consumes the topics learns of them
too. The 2.0.1 messages are not written again: their numbers count the life of the charging station as it was lived.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from app.policies import PolicyFile
from diff import published
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from diff.rejudge import Corrections, RejudgeRequest, correct, judge_again
from diff.store.client import Store
from diff.store.queries.judged import charger_frames, first_seen, stored_outcome
from ingest.frame import Micros
from ingest.topics import MAX_BATCH, Topics
from shadow.config import DEFAULT, SECOND, ShadowConfig

__all__ = ["Corrector", "again"]

_log = logging.getLogger(__name__)
_HISTORY: Final[Micros] = 30 * 86_400 * SECOND


def again(
    store: Store,
    request: RejudgeRequest,
    config: ShadowConfig = DEFAULT,
    policy: Policy = DEFAULT_POLICY,
    history: Micros = _HISTORY,
) -> Corrections:
    """Judge a range of a charging station again. Raises `StoreError`.

    `history`: how long before the range the frames are read, to know the state at its beginning, in microseconds.
    """
    # First the outcome and then the frames: what the outcome speaks of is among them, although more comes meanwhile.
    stored = stored_outcome(store, request.charger_id)
    until = max(request.until, stored.latest)
    frames = list(charger_frames(store, request.charger_id, max(request.since - history, 0), until))
    if not frames:
        return Corrections((), ())
    born = first_seen(store, request.charger_id)
    whole_life = born is not None and frames[0].received_at <= born
    outcome = judge_again(frames, until, config, policy)
    return correct(request, stored, outcome, frames[0].received_at, whole_life=whole_life)


class Corrector:
    """Judges again and publishes. Belongs to one thread."""

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        store: Store,
        *,
        config: ShadowConfig = DEFAULT,
        policy: PolicyFile | None = None,
        **client: Any,
    ) -> None:
        """Connect to Kafka. `client`: further settings of kafka-python (SASL, TLS)."""
        from kafka import KafkaProducer

        self._topics, self._store = topics, store
        self._config = config
        self.policy = PolicyFile(None, DEFAULT_POLICY) if policy is None else policy
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-rejudge", "compression_type": "zstd", **client},
            reconnect_backoff_max_ms=1_000,
            enable_idempotence=True,
            acks="all",
            max_request_size=MAX_BATCH,
        )

    def judge(self, request: RejudgeRequest, *, publish: bool = True) -> Corrections:
        """Judge a range again; returns when Kafka has the corrections. Raises `StoreError`, kafka's `KafkaError`."""
        if self.policy.reload():
            _log.log(logging.ERROR if self.policy.error else logging.INFO, "%s", self.policy.news)
        corrections = again(self._store, request, self._config, self.policy.current)
        if publish:
            waiting = [self._send(self._topics.sessions, one) for one in corrections.sessions]
            waiting += [self._send(self._topics.discrepancies, one) for one in corrections.discrepancies]
            self._producer.flush()
            for future in waiting:
                future.get(timeout=0)
        return corrections

    def close(self) -> None:
        """Let go of Kafka."""
        self._producer.close(timeout=5)

    def _send(self, topic: str, item: published.Published) -> Any:
        key, value, headers = published.encode(item)
        return self._producer.send(topic, value, key, headers=headers)
