"""What stands beside a worker, a sink and a tap: the watch, and the monitor's server with its reading of both.

Worker and sink serve from their own process. The tap's monitor is served by its publisher: the process that forwards
has no server, and nothing that a client of the monitor does can reach it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from app.distributed.overheard import overhearing
from app.distributed.reading import kafka_errors
from app.settings import Settings
from app.watch import measures
from app.watch.health import Health, judged
from app.watch.metrics import Distribution, Exposition, Sample
from app.watch.monitor import Monitor, states
from app.watch.progress import Place, Standstill, Watch, end_process, told

if TYPE_CHECKING:  # they import this module
    from app.alerting.watching import Watch as AlertWatch
    from app.distributed.rejudging import Rejudger
    from app.distributed.stream import Stream
    from diff.store.sink import Sink
    from ingest.publisher import Publisher

__all__ = [
    "await_kafka",
    "serving",
    "stop_in_time",
    "watching_alerts",
    "watching_rejudger",
    "watching_sink",
    "watching_tap",
    "watching_worker",
]

_log = logging.getLogger(__name__)
_STANDING: Final = 15.0
"""Seconds after which a consumer that does not move is called so."""
_STALE: Final = 5.0
"""Seconds: the parser writes its status every second, the tap shows that it lives every second."""
_NO_BEAT: Final = 10.0
_CONNECT_MS: Final = 5_000
_RETRY_SECONDS: Final = 1.0


@contextmanager
def serving(
    role: str, settings: Settings, read: Callable[[], Iterable[Sample]], health: Callable[[], Health]
) -> Iterator[None]:
    """Serve the monitor, where a port is set. Raises `MonitorError` where that is taken."""
    if not settings.monitor_port:
        yield
        return
    exposition = Exposition(role, lambda: (*states(health()), *read()))
    with Monitor(settings.monitor_host, settings.monitor_port, exposition, health):
        _log.info("monitor on http://%s:%d/metrics", settings.monitor_host, settings.monitor_port)
        yield


def await_kafka(role: str, settings: Settings) -> None:
    """Wait until a broker lets us in, degraded meanwhile: both clients give up at once where they find none.

    Raises `SecurityError`, `MonitorError`.
    """
    failure = _kafka_failure(settings)
    if not failure:
        return
    told = ""
    with serving(role, settings, tuple, lambda: judged([], [f"Kafka cannot be reached yet: {failure}"])):
        while failure:
            if failure != told:
                _log.warning("Kafka cannot be reached yet: %s", failure)
                told = failure
            time.sleep(_RETRY_SECONDS)
            failure = _kafka_failure(settings)
    _log.info("Kafka answers")


def _kafka_failure(settings: Settings) -> str:
    from kafka.admin import KafkaAdminClient

    options = {"client_id": "shadow-start", "bootstrap_timeout_ms": _CONNECT_MS, **settings.kafka_options()}
    with overhearing() as heard:
        try:
            KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap, **options).close()
        except kafka_errors() as error:
            return heard.behind(told(error))
    return ""


@contextmanager
def watching_worker(stream: Stream, settings: Settings) -> Iterator[None]:
    """Watch a worker while it runs."""
    watched = _Worker(stream, settings.stop_seconds)
    watch = _watch(watched, settings, "worker")
    counts = measures.WorkerCounts(stream.topics)
    stream.seen = counts.seen
    store = None if settings.worker_store == "memory://" else settings.data_dir / "worker"

    def health() -> Health:
        starting = "" if stream.app.started else "starting"
        recovering = "recovering its state from the changelog" if getattr(stream.app, "in_recovery", False) else ""
        return judged([watched.broken()], [watch.failure, starting, recovering, _standing(watch), stream.policy.error])

    with serving("worker", settings, lambda: measures.of_worker(stream, counts, watch, store), health), _running(watch):
        yield


@contextmanager
def watching_sink(sink: Sink, settings: Settings) -> Iterator[None]:
    """Watch a sink while it runs."""
    watch = _watch(_Sink(sink), settings, "sink")
    flushes = Distribution()
    sink.flushed = flushes.observe

    def health() -> Health:
        away = f"ClickHouse takes nothing: {sink.failure}" if sink.failure else ""
        return judged([], [away, watch.failure, _standing(watch)])

    with serving("sink", settings, lambda: measures.of_sink(sink, flushes, watch), health), _running(watch):
        yield


@contextmanager
def watching_rejudger(rejudger: Rejudger, settings: Settings) -> Iterator[None]:
    """Watch who judges again while it runs."""

    def health() -> Health:
        failure = f"nothing is judged again: {rejudger.failure}" if rejudger.failure else ""
        return judged([], [failure, rejudger.policy_error])

    with serving("rejudge", settings, lambda: measures.of_rejudger(rejudger), health):
        yield


@contextmanager
def watching_alerts(watch: AlertWatch, settings: Settings) -> Iterator[None]:
    """Watch who tells whoever is on call."""

    def health() -> Health:
        return judged([], [f"not everything is looked at or delivered: {watch.failure}" if watch.failure else ""])

    with serving("alerts", settings, lambda: measures.of_alerts(watch), health):
        yield


@contextmanager
def watching_tap(
    publisher: Publisher, settings: Settings, last_beat: Callable[[], float], switched_off: Callable[[], str]
) -> Iterator[None]:
    """Serve a tap's monitor from its publisher.

    `last_beat`: when the process that forwards last showed that it lives, monotonic. `switched_off`: why nothing is
    mirrored although all is well; empty where it is.
    """
    publishing = Standstill()

    def health() -> Health:
        silent = time.monotonic() - last_beat()
        stuck = f"the process that forwards has not answered for {silent:.0f} s" if silent > _NO_BEAT else ""
        report = measures.read_tap_report(settings.data_dir)
        standing = publishing.look(time.monotonic(), publisher.behind, publisher.committed)
        silence = f"nothing was acknowledged for {standing:.0f} s" if standing > _NO_BEAT else ""
        return judged([stuck], [*_blind(report), _away(publisher.failure or silence), switched_off()])

    def read() -> Iterable[Sample]:
        report = measures.read_tap_report(settings.data_dir)
        return measures.of_tap(report, publisher, settings.data_dir / "spool", settings.journal_bytes)

    with serving("tap", settings, read, health):
        yield


def stop_in_time(seconds: float, role: str) -> None:
    """End this process after so many seconds, where it has not ended in order by then."""

    def give_up() -> None:
        end_process(role)(f"it could not stop in order within {seconds:g} s; what was not done is done after a start")

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()


def _blind(report: measures.TapReport | None) -> list[str]:
    """Why the tap mirrors nothing, or not everything."""
    if report is None:
        return ["the parser has not reported yet"]
    age = time.time() - report.at / 1e6
    late = f"the parser's status is {age:.0f} s old: it is being started again, or the disk is full"
    enrolment = f"enrolment: {report.enrolment_error}" if report.enrolment_error else ""
    key = f"redaction key: {report.key_error}" if report.key_error else ""
    return [late if age > _STALE else "", report.journal.error, enrolment, key]


def _away(failure: str) -> str:
    return f"Kafka takes nothing, the spool keeps it: {failure}" if failure else ""


def _standing(watch: Watch) -> str:
    if watch.standing < _STANDING:
        return ""
    return f"nothing has moved for {watch.standing:.0f} s although {watch.behind} records wait"


def _watch(watched: _Worker | _Sink, settings: Settings, role: str) -> Watch:
    return Watch(
        watched,
        settings.kafka_bootstrap,
        settings.topics().frames,
        end_process(role),
        stall_seconds=settings.stall_seconds,
        **settings.kafka_options(),
    )


@contextmanager
def _running(watch: Watch) -> Iterator[None]:
    watch.start()
    with ExitStack() as stack:
        stack.callback(watch.stop)
        yield


class _Worker:
    """A worker as the watch sees it."""

    def __init__(self, stream: Stream, stop_seconds: float) -> None:
        self._stream, self._stop_seconds = stream, stop_seconds
        self._stopping: float | None = None

    def wanted(self) -> Mapping[Place, int]:
        from faust.exceptions import ConsumerNotStarted

        try:
            found = self._stream.wanted()
        except ConsumerNotStarted:
            return {}
        return {(self._stream.topics.frames, partition): offset for partition, offset in found.items()}

    def mark(self) -> Hashable:
        # A recovery moves, too: the offsets of the changelog that it has read.
        recovered = tuple(sorted(self._stream.recovered().items()))
        return self._stream.batches, tuple(sorted(self.wanted().items())), recovered

    def excused(self) -> bool:
        return False

    def broken(self) -> str:
        if self._stream.failed is not None:
            # Faust ends the agent and leaves the worker hanging in its group.
            return f"the agent failed with {type(self._stream.failed).__name__}: {str(self._stream.failed)[:300]}"
        if not self._stream.app.should_stop:
            return ""
        self._stopping = self._stopping or time.monotonic()
        late = time.monotonic() - self._stopping >= self._stop_seconds
        return f"it could not stop in order within {self._stop_seconds:g} s" if late else ""


class _Sink:
    """A sink as the watch sees it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def wanted(self) -> Mapping[Place, int]:
        return {(place.topic, place.partition): offset for place, offset in tuple(self._sink.places.items())}

    def mark(self) -> Hashable:
        return self._sink.records, self._sink.flushes, tuple(self._sink.places.values())

    def excused(self) -> bool:
        return bool(self._sink.failure)

    def broken(self) -> str:
        return ""
