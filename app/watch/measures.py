"""Where the values of the metrics come from: the counters that tap, worker and sink keep anyway, read by a scrape."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from app.watch.metrics import Distribution, Sample
from app.watch.progress import Watch
from diff.published import decode
from diff.store.tables import DeadLetter
from ingest.frame import Micros
from ingest.journal import segments
from ingest.topics import Topics

if TYPE_CHECKING:  # they import what uses this module
    from app.alerting.watching import Watch as AlertWatch
    from app.distributed.living import Batch
    from app.distributed.rejudging import Rejudger
    from app.distributed.stream import Stream
    from diff.store.sink import Sink
    from ingest.publisher import Publisher

__all__ = ["TapReport", "WorkerCounts", "of_alerts", "of_rejudger", "of_sink", "of_tap", "of_worker", "read_tap_report"]

_SECOND: Final = 1_000_000
_FROM_CHARGER: Final = "cp-to-cs"
_FROM_CSMS: Final = "cs-to-cp"
_DROPPED: Final = {
    "spool": "frames_refused",
    "undecodable": "undecodable_messages",
    "redaction": "redaction_errors",
    "fault": "faults",
}
"""Reasons, and what the parser calls its counter."""


class _Journal(msgspec.Struct):
    error: str = ""


class TapReport(msgspec.Struct):
    """The part of the tap's status that is shown here. The list of connections is passed over."""

    at: Micros
    relay: dict[str, Any]
    mirror: dict[str, int]
    journal: _Journal
    enrolment_error: str
    key_error: str = ""


def read_tap_report(data_dir: Path) -> TapReport | None:
    """What the parser wrote last; None where there is nothing that can be read."""
    try:
        return msgspec.json.decode((data_dir / "tap-status.json").read_bytes(), type=TapReport)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None


def of_tap(report: TapReport | None, publisher: Publisher, spool: Path, limit: int) -> Iterator[Sample]:
    """The tap, as its publisher sees it."""
    if report is not None:
        yield from _of_relay(report.relay)
        yield from _of_mirror(report.mirror)
        yield Sample("shadow_tap_dropped_total", report.relay.get("copies_dropped", 0), ("hand-off",))
    if publisher.newest:
        yield Sample("shadow_last_frame_timestamp_seconds", publisher.newest / _SECOND)
    held, waiting = _spool(spool, publisher)
    yield Sample("shadow_spool_bytes", held)
    yield Sample("shadow_spool_waiting_bytes", waiting)
    yield Sample("shadow_spool_limit_bytes", limit)
    yield Sample("shadow_publisher_records_total", publisher.published)
    yield Sample("shadow_publisher_rejected_total", publisher.rejected)
    yield Sample("shadow_publisher_failing", bool(publisher.failure))


def _of_relay(relay: dict[str, Any]) -> Iterator[Sample]:
    yield Sample("shadow_tap_connections", relay.get("open", 0))
    yield Sample("shadow_tap_connections_total", relay.get("connections", 0))
    yield Sample("shadow_tap_upstream_refused_total", relay.get("upstream_refused", 0))
    yield Sample("shadow_tap_bytes_total", relay.get("bytes_from_charger", 0), (_FROM_CHARGER,))
    yield Sample("shadow_tap_bytes_total", relay.get("bytes_from_csms", 0), (_FROM_CSMS,))
    yield Sample("shadow_tap_queue_depth", relay.get("bytes_waiting", 0))
    yield Sample("shadow_parser_restarts_total", max(0, relay.get("parser_starts", 0) - 1))


def _of_mirror(mirror: dict[str, int]) -> Iterator[Sample]:
    from_charger = mirror.get("messages_from_charger", 0)
    yield Sample("shadow_tap_frames_total", from_charger, (_FROM_CHARGER,))
    yield Sample("shadow_tap_frames_total", mirror.get("messages", 0) - from_charger, (_FROM_CSMS,))
    yield Sample("shadow_frames_gap_total", mirror.get("gaps", 0))
    for reason, name in _DROPPED.items():
        yield Sample("shadow_tap_dropped_total", mirror.get(name, 0), (reason,))


def _spool(spool: Path, publisher: Publisher) -> tuple[int, int]:
    """Bytes in the spool, and those that are not acknowledged."""
    held = waiting = 0
    segment, offset = publisher.committed
    for number, path in segments(spool):
        try:
            size = path.stat().st_size
        except OSError:
            continue  # published and removed meanwhile
        held += size
        if number >= segment:
            waiting += size - (offset if number == segment else 0)
    return held, max(0, waiting)


class WorkerCounts:
    """What the batches brought since the start. `seen` goes to `app.distributed.stream.Stream.seen`."""

    def __init__(self, topics: Topics) -> None:
        self._letters_topic = topics.dead_letters
        self.comparisons = self.state_bytes = 0
        self.discrepancies: Counter[tuple[str, str]] = Counter()
        self.errors = Counter(undecodable=0, unlivable=0)
        self.live, self.write = Distribution(), Distribution()

    def seen(self, batch: Batch, living: float, writing: float) -> None:
        """Take a batch that is in the state."""
        self.live.observe(living)
        self.write.observe(writing)
        self.comparisons += batch.comparisons
        self.discrepancies.update(batch.discrepancies)
        self.state_bytes += sum(map(len, batch.states.values()))
        if batch.letters:
            self._count_letters(batch)

    def _count_letters(self, batch: Batch) -> None:
        for (topic, _), records in batch.outputs.items():
            if topic == self._letters_topic:
                for record in records:
                    # A record that holds no frame has no time at which the tap saw it.
                    known = decode(record.value, DeadLetter).received_at
                    self.errors["unlivable" if known else "undecodable"] += 1


def of_worker(stream: Stream, counts: WorkerCounts, watch: Watch, store: Path | None) -> Iterator[Sample]:
    """The worker. `store`: where its local store lies, if it is on the disk."""
    yield from _of_watch(watch, stream.newest())
    yield Sample("shadow_worker_frames_total", stream.frames)
    yield Sample("shadow_worker_batches_total", stream.batches)
    yield Sample("shadow_step_seconds", counts.live, ("live",))
    yield Sample("shadow_step_seconds", counts.write, ("write",))
    for kind, count in tuple(counts.errors.items()):
        yield Sample("shadow_step_errors_total", count, (kind,))
    yield Sample("shadow_comparisons_total", counts.comparisons)
    for code_and_severity, count in tuple(counts.discrepancies.items()):
        yield Sample("shadow_discrepancies_total", count, code_and_severity)
    yield Sample("shadow_worker_partitions", watch.partitions)
    yield Sample("shadow_worker_rebalances_total", stream.app.rebalancing_count)
    yield Sample("shadow_worker_holes_total", stream.places.holes + stream.stillness.sent_back)
    yield Sample("shadow_worker_output_retries_total", stream.output_retries)
    yield Sample("shadow_worker_state_written_bytes_total", counts.state_bytes)
    yield Sample("shadow_policy_broken", bool(stream.policy.error))
    if store is not None:
        yield Sample("shadow_worker_state_bytes", _size(store))


def of_sink(sink: Sink, flushes: Distribution, watch: Watch) -> Iterator[Sample]:
    """The sink. `flushes`: what `sink.flushed` observed."""
    yield Sample("shadow_sink_flush_seconds", flushes)
    yield from _of_watch(watch, sink.newest or None)
    for table, count in tuple(sink.written.items()):
        yield Sample("shadow_sink_rows_total", count, (table,))
    yield Sample("shadow_sink_refused_total", sink.refused)
    yield Sample("shadow_sink_retries_total", sink.retries)
    yield Sample("shadow_sink_records_total", sink.records)
    yield Sample("shadow_sink_waiting", sink.waiting)
    yield Sample("shadow_sink_unreadable_total", sink.unreadable)
    yield Sample("shadow_sink_failing", bool(sink.failure))


def of_rejudger(rejudger: Rejudger) -> Iterator[Sample]:
    """Who judges again."""
    yield Sample("shadow_rejudge_requests_total", rejudger.requests)
    yield Sample("shadow_rejudge_corrections_total", rejudger.corrections)
    yield Sample("shadow_rejudge_failing", bool(rejudger.failure))
    yield Sample("shadow_policy_broken", bool(rejudger.policy_error))


def of_alerts(watch: AlertWatch) -> Iterator[Sample]:
    """Who tells whoever is on call."""
    yield Sample("shadow_alerts_looks_total", watch.looks)
    yield Sample("shadow_alerts_said_total", watch.said)
    yield Sample("shadow_alerts_waiting", watch.waiting)
    yield Sample("shadow_alerts_refused_total", watch.refused + watch.given_up)
    yield Sample("shadow_alerts_failing", bool(watch.failure))


def _of_watch(watch: Watch, newest: Micros | None) -> Iterator[Sample]:
    for topic, records in watch.lag.items():
        yield Sample("shadow_consumer_lag", records, (topic,))
    if newest is not None:
        yield Sample("shadow_last_frame_timestamp_seconds", newest / _SECOND)
        age = time.time() - newest / _SECOND if watch.behind else 0.0
        yield Sample("shadow_consumer_lag_seconds", max(0.0, age))
    yield Sample("shadow_consumer_standing_seconds", watch.standing)


def _size(directory: Path) -> int:
    """Bytes of all files; what goes away meanwhile does not count."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
