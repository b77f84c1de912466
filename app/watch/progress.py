"""Watches from outside that a consumer goes on: how far it is behind, and whether it stands still.

Faust's consumers are known to stop without a word (faust-streaming #175, #523, #532, #629), and a consumer that no
longer fetches believes that it is not behind. So how far Kafka is comes over a connection of our own, in a thread of
our own. Who does not move although records wait is ended, to be started again: the order of writing makes that
harmless at any point.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, Protocol

from app.distributed.reading import kafka_errors

__all__ = ["Standstill", "Watch", "Watched", "end_process", "told"]

_log = logging.getLogger(__name__)
_PERIOD: Final = 2.0
_ASK_MS: Final = 5_000

Place = tuple[str, int]
"""A topic and one of its partitions."""


class Watched(Protocol):
    """A consumer as it is seen from outside. Every method is called by another thread."""

    def wanted(self) -> Mapping[Place, int]:
        """The partitions that it was given, and the next offset of each."""

    def mark(self) -> Hashable:
        """Anything that is another whenever something has moved."""

    def excused(self) -> bool:
        """Whether it stands for a reason that starting it again would not mend."""

    def broken(self) -> str:
        """Why it will never go on; empty while it may."""


class Standstill:
    """Since when nothing has moved although there was something to do. Pure."""

    def __init__(self) -> None:
        self._mark: Hashable = None
        self._since: float | None = None

    def look(self, now: float, behind: int, mark: Hashable) -> float:
        """Seconds that it has been standing; `now`: seconds of any clock."""
        if behind <= 0 or mark != self._mark or self._since is None:
            self.forget(now, mark)
            return 0.0
        return now - self._since

    def forget(self, now: float, mark: Hashable = None) -> None:
        """Begin anew: it moved, or nobody can know."""
        self._mark, self._since = mark, now


class Watch(threading.Thread):
    """Looks every two seconds. `end` is called once with the reason, where the process should not go on."""

    def __init__(
        self,
        watched: Watched,
        bootstrap: str,
        topic: str,
        end: Callable[[str], None],
        *,
        stall_seconds: float,
        **client: Any,
    ) -> None:
        """Prepare. `topic`: one that always exists, asked for where no partition was given. `client`: SASL, TLS.

        `stall_seconds`: 0 never ends it.
        """
        super().__init__(name="watch", daemon=True)
        self._watched, self._end, self._stall = watched, end, stall_seconds
        self._topic = topic
        self._options = {"bootstrap_servers": bootstrap, "client_id": "shadow-watch", **client}
        self._consumer: Any = None
        self._standstill = Standstill()
        self._stopped = threading.Event()
        self.lag: dict[str, int] = {}
        """By topic: records of its partitions that it has not taken. Empty while nobody knows."""
        self.partitions = 0
        self.standing = 0.0
        """Seconds."""
        self.failure = ""
        """Why Kafka does not tell; empty while it does."""

    @property
    def behind(self) -> int:
        """Records that wait."""
        return sum(self.lag.values())

    def run(self) -> None:
        """Look until stopped."""
        while not self._stopped.wait(_PERIOD):
            try:
                reason = self._look()
            except Exception:  # noqa: BLE001 - whatever a library raises while it stops, somebody has to go on looking
                _log.exception("the watch could not look; it looks again")
                continue
            if reason:
                self._end(reason)
                break
        self._close()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _look(self) -> str:
        broken = self._watched.broken()
        if broken:
            return broken
        now, mark = time.monotonic(), self._watched.mark()
        try:
            self._measure()
        except kafka_errors() as error:
            self.failure = f"Kafka does not answer: {told(error)}"
            self.lag, self.standing = {}, 0.0
            self._standstill.forget(now)
            self._close()
            return ""
        self.failure = ""
        if self._watched.excused():
            self._standstill.forget(now)
        self.standing = self._standstill.look(now, self.behind, mark)
        if self._stall and self.standing >= self._stall:
            return f"nothing has moved for {self.standing:.0f} s although {self.behind} records wait"
        return ""

    def _measure(self) -> None:
        from kafka import KafkaConsumer, TopicPartition

        if self._consumer is None:
            self._consumer = KafkaConsumer(
                **self._options,
                reconnect_backoff_max_ms=1_000,  # the default of 30 s is long beside an outage of a minute
                group_id=None,
                enable_auto_commit=False,
                bootstrap_timeout_ms=_ASK_MS,
                allow_auto_create_topics=False,
            )
        wanted = self._watched.wanted()
        places = [TopicPartition(*place) for place in wanted]
        ends = self._consumer.end_offsets(places or [TopicPartition(self._topic, 0)], timeout_ms=_ASK_MS)
        begins = self._consumer.beginning_offsets(places, timeout_ms=_ASK_MS) if places else {}
        lag: dict[str, int] = defaultdict(int)
        for place, following in wanted.items():
            where = TopicPartition(*place)
            lag[place[0]] += max(0, ends[where] - max(following, begins[where]))
        self.lag, self.partitions = dict(lag), len(wanted)

    def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close(timeout_ms=1_000)


def told(error: Exception) -> str:
    """An error with its name; kafka-python puts that before the text, most of the time."""
    text, name = str(error), type(error).__name__
    return (text if name in text else f"{name}: {text}") if text else name


def end_process(role: str) -> Callable[[str], None]:
    """What ends a process that does not go on: a line that says why, and exit status 1.

    At once and without tidying up: what hangs would hang in that, too.
    """

    def end(reason: str) -> None:
        _log.critical("%s: %s; the process ends itself, to be started again", role, reason)
        logging.shutdown()
        os._exit(1)

    return end
