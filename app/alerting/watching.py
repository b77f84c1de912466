"""The watch: looks at the store, remembers in it what was said, and delivers at least once.

The order of writing is what every crash point relies on: what is to be said is remembered together with what stands,
then it is delivered, then it is remembered as delivered. Who is stopped in between says it once more, under the same
id. One watch belongs to a store: two would each say everything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, Final, Protocol

import msgspec

from app.alerting.links import link_of
from app.alerting.webhook import RefusedError, UndeliveredError, Webhook
from app.settings import Settings
from diff import published
from diff.alerts.alert import Alert
from diff.alerts.observed import Limits
from diff.alerts.step import WatchState, step
from diff.store.client import Store
from diff.store.errors import StoreError
from diff.store.gating import GatingError, chosen, read_cohorts, report, thresholds_in_force
from diff.store.queries.alerts import alert_watch, observed
from diff.store.writer import Writer
from ingest.frame import Micros

__all__ = ["Publisher", "Topic", "Watch", "follow", "limits_of", "watch_of"]

_log = logging.getLogger(__name__)
_NAME: Final = "watch"
_SECOND: Final = 1_000_000
_MOST_WAITING: Final = 1_000
"""Words that wait for their delivery; beyond that the oldest are given up, which is counted."""
_PUBLISH_SECONDS: Final = 20


class Publisher(Protocol):
    """Who takes alerts to the topic."""

    def publish(self, alerts: Sequence[Alert]) -> None:
        """Returns when they are acknowledged. Raises `UndeliveredError`."""


class Topic:
    """The topic `ocpp.alerts.v1`."""

    def __init__(self, bootstrap: str, topic: str, **client: Any) -> None:
        """Prepare; nothing is connected before the first word. `client`: further settings of kafka-python."""
        self._bootstrap, self._topic, self._client = bootstrap, topic, client

    def publish(self, alerts: Sequence[Alert]) -> None:
        """Write them. Raises `UndeliveredError`."""
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        try:
            producer = KafkaProducer(
                bootstrap_servers=self._bootstrap,
                **{"client_id": "shadow-alerts", **self._client},
                enable_idempotence=True,
                acks="all",
            )
            try:
                waiting = []
                for alert in alerts:
                    key, value, headers = published.encode(alert)
                    waiting.append(producer.send(self._topic, value, key, headers=headers))
                producer.flush(timeout=_PUBLISH_SECONDS)
                for future in waiting:
                    future.get(timeout=0)
            finally:
                producer.close(timeout=5)
        except (KafkaError, OSError) as error:
            raise UndeliveredError(f"Kafka did not take {len(alerts)} alerts: {type(error).__name__}") from None


class _Waiting(msgspec.Struct, frozen=True):
    """A word, and where it has not been delivered yet."""

    alert: Alert
    topic: bool
    webhook: bool


class _Kept(msgspec.Struct, frozen=True):
    """What is written to the store."""

    state: WatchState = WatchState()
    waiting: tuple[_Waiting, ...] = ()
    judged_at: Micros = 0
    """When verdicts were given last."""
    written: Micros = 0
    """The version that it was written under: it rises although the clock may go back."""


class Watch:
    """Looks, and tells. Belongs to one thread."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        topic: Publisher | None = None,
        webhook: Webhook | None = None,
        told: Callable[[Alert], None] | None = None,
    ) -> None:
        """Prepare. `told` is called with each word once, when it is remembered."""
        self._store, self._settings = store, settings
        self._topic, self._webhook, self._told = topic, webhook, told
        self._limits = limits_of(settings)
        self.looks = self.said = self.refused = self.given_up = 0
        """Since the start."""
        self.waiting = 0
        """Words that are not delivered everywhere."""
        self.failure = ""
        """Why something is not delivered or looked at; empty while all is well."""
        self.looked_at: Micros = 0

    @property
    def has_webhook(self) -> bool:
        """Whether alerts are posted anywhere."""
        return self._webhook is not None

    def look(self, at: Micros) -> list[Alert]:
        """Take one look and say what is due; what could not be delivered is tried again with the next.

        Raises `StoreError`, `GatingError`.
        """
        kept = self._remembered()
        cohorts = read_cohorts(self._settings.cohort_file)
        wanted = chosen(cohorts, (), everything=True)
        judged_at = kept.judged_at
        self.failure = ""
        if at - judged_at >= self._settings.alert_gate_seconds * _SECOND:
            try:
                held = thresholds_in_force(self._settings.thresholds_file, self._store)
                report(self._store, cohorts, wanted, held, at, at, keep=True)
            except GatingError as error:
                self._fail(error)  # the rest of the look does not depend on it
            judged_at = at
        seen = observed(self._store, at, [one.name for one in wanted])
        state, due = step(kept.state, seen, self._limits)
        said = [msgspec.structs.replace(one, link=link_of(one, self._settings.dashboard_url)) for one in due]
        waiting = (*kept.waiting, *(_Waiting(one, bool(self._topic), bool(self._webhook)) for one in said))
        self.given_up += max(len(waiting) - _MOST_WAITING, 0)
        kept = _Kept(state, waiting[-_MOST_WAITING:], judged_at, max(at, kept.written + 1))
        self._remember(kept, said)
        if self._told is not None:
            for one in said:
                self._told(one)
        left = self._deliver(kept.waiting)
        if left != kept.waiting:
            self._remember(_Kept(state, left, judged_at, kept.written + 1), ())
        self.looks, self.said, self.waiting, self.looked_at = self.looks + 1, self.said + len(said), len(left), at
        return said

    def _deliver(self, waiting: tuple[_Waiting, ...]) -> tuple[_Waiting, ...]:
        """What is left undelivered, in its order."""
        topic = [one.alert for one in waiting if one.topic]
        done = self._topic is None or not topic or self._published(topic)
        left, open_ = [], True
        for one in waiting:
            to_topic = one.topic and not done
            to_webhook = one.webhook and self._webhook is not None
            if to_webhook and open_:
                open_ = self._sent(one.alert)  # where one is not taken now the next would only wait as long
                to_webhook = not open_
            if to_topic or to_webhook:
                left.append(_Waiting(one.alert, to_topic, to_webhook))
        return tuple(left)

    def _published(self, alerts: Sequence[Alert]) -> bool:
        assert self._topic is not None
        try:
            self._topic.publish(alerts)
        except UndeliveredError as error:
            self._fail(error)
            return False
        return True

    def _sent(self, alert: Alert) -> bool:
        """Whether it is done with: one that is refused is, too, since it would be the next time."""
        assert self._webhook is not None
        try:
            self._webhook.send(alert)
        except UndeliveredError as error:
            self._fail(error)
            return False
        except RefusedError as error:
            self.refused += 1
            _log.warning("%s: %s %s", error, alert.kind.value, alert.id)
        return True

    def _fail(self, error: Exception) -> None:
        self.failure = str(error)
        _log.warning("%s; it is tried again with the next look", error)

    def _remembered(self) -> _Kept:
        text = alert_watch(self._store, _NAME)
        if not text:
            return _Kept()
        try:
            return msgspec.json.decode(text, type=_Kept)
        except msgspec.MsgspecError as error:
            _log.warning("what was said before cannot be read and is forgotten: %s", error)
            return _Kept()

    def _remember(self, kept: _Kept, said: Sequence[Alert]) -> None:
        writer = Writer(self._store)
        for one in said:
            writer.add_alert(one)
        writer.add_alert_watch(_NAME, kept.written, msgspec.json.encode(kept).decode())
        writer.flush()


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings name."""
    return Limits(ceiling=settings.alerts_per_hour)


def watch_of(
    store: Store, settings: Settings, told: Callable[[Alert], None] | None = None, *, kafka: bool = False
) -> Watch:
    """The watch of the settings; `kafka`: it writes to the topic too. Raises `SecurityError`, `AddressError`."""
    topic = None
    if kafka:
        topic = Topic(settings.kafka_bootstrap, settings.topics().alerts, **settings.kafka_options())
    url = settings.alert_webhook_url.get_secret_value()
    webhook = Webhook(url, settings.webhook_secret()) if url else None
    return Watch(store, settings, topic=topic, webhook=webhook, told=told)


def follow(watch: Watch, seconds: float, stopped: Event) -> None:
    """Look again and again until `stopped`; what goes wrong is said and tried again with the next look."""
    while not stopped.is_set():
        try:
            watch.look(time.time_ns() // 1000)
        except (StoreError, GatingError) as error:
            watch.failure = str(error)
            _log.warning("nothing was looked at: %s; it is tried again in %g s", error, seconds)
        stopped.wait(seconds)
