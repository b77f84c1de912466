"""The metrics: what each is called, what it means and which process shows it, as data; and their text for Prometheus.

Nothing is counted for Prometheus on the way of a frame: a scrape reads the counters that the parts keep anyway
(`app.watch.measures`). No label takes a value from the field, above all no charging station's id: that is what the
store is for. Counters begin at zero with the process that keeps them, which Prometheus' `rate` and `increase` expect.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Final, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE", "METRICS", "Distribution", "Exposition", "Metric", "Sample"]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metric(msgspec.Struct, frozen=True):
    """One metric."""

    name: str
    """As it stands in the text; a counter ends in `_total`."""
    kind: str
    """`counter`, `gauge` or `histogram`."""
    by: tuple[str, ...]
    """Which processes show it: `tap`, `worker`, `sink`, `rejudge`, `alerts`."""
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


_ALL: Final = ("tap", "worker", "sink", "rejudge")
_EVERY: Final = (*_ALL, "alerts")
_JUDGES: Final = ("worker", "sink")

METRICS: Final = (
    Metric("shadow_build_info", "gauge", _EVERY, "1", "Which version runs.", ("role", "version", "python")),
    Metric(
        "shadow_state",
        "gauge",
        _EVERY,
        "1",
        "What /readyz says: 1 at the state that holds, 0 at the others.",
        ("state",),
    ),
    Metric(
        "shadow_last_frame_timestamp_seconds",
        "gauge",
        _ALL,
        "seconds since 1970",
        "When the tap saw the newest frame that was published, lived or stored here; for worker and sink a tick is "
        "one, too. Absent before the first.",
    ),
    Metric("shadow_tap_connections", "gauge", ("tap",), "connections", "Charging stations connected through the tap."),
    Metric(
        "shadow_tap_connections_total",
        "counter",
        ("tap",),
        "connections",
        "Connections taken by the tap, ended or not.",
    ),
    Metric(
        "shadow_tap_upstream_refused_total",
        "counter",
        ("tap",),
        "connections",
        "Connections that the primary CSMS did not take.",
    ),
    Metric(
        "shadow_tap_bytes_total",
        "counter",
        ("tap",),
        "bytes",
        "Bytes forwarded, mirrored or not; `cp-to-cs` came from charging stations.",
        ("direction",),
    ),
    Metric(
        "shadow_tap_frames_total",
        "counter",
        ("tap",),
        "messages",
        "WebSocket messages that were mirrored; `cp-to-cs` came from charging stations.",
        ("direction",),
    ),
    Metric(
        "shadow_tap_dropped_total",
        "counter",
        ("tap",),
        "copies or frames",
        "Copies that were not mirrored; forwarding is never concerned. `hand-off`: the parser was away or behind; "
        "`spool`: the spool is full or cannot be written; `undecodable`: no WebSocket message in it; `redaction`: it "
        "could not be redacted; `fault`: an error of the tap.",
        ("reason",),
    ),
    Metric("shadow_tap_queue_depth", "gauge", ("tap",), "bytes", "Copies that wait in memory for the parser."),
    Metric("shadow_frames_gap_total", "counter", ("tap",), "gaps", "Gaps that the tap recorded in place of frames."),
    Metric("shadow_parser_restarts_total", "counter", ("tap",), "restarts", "Parser processes that had to follow."),
    Metric("shadow_spool_bytes", "gauge", ("tap",), "bytes", "What the spool holds on the disk, published or not yet."),
    Metric("shadow_spool_waiting_bytes", "gauge", ("tap",), "bytes", "What of it Kafka has not acknowledged."),
    Metric(
        "shadow_spool_limit_bytes", "gauge", ("tap",), "bytes", "Where frames begin to show as gaps: `journal_bytes`."
    ),
    Metric(
        "shadow_publisher_records_total",
        "counter",
        ("tap",),
        "records",
        "Records that Kafka acknowledged; a tick is one for each partition.",
    ),
    Metric("shadow_publisher_rejected_total", "counter", ("tap",), "lines", "Lines of the spool that hold no frame."),
    Metric("shadow_publisher_failing", "gauge", ("tap",), "1", "1 while Kafka takes nothing, else 0."),
    Metric(
        "shadow_consumer_lag",
        "gauge",
        _JUDGES,
        "records",
        "Records of this process's partitions that it has not taken yet. Absent while Kafka does not answer.",
        ("topic",),
    ),
    Metric(
        "shadow_consumer_lag_seconds",
        "gauge",
        _JUDGES,
        "seconds",
        "Age of the newest frame that was taken while others wait; 0 where none waits.",
    ),
    Metric(
        "shadow_consumer_standing_seconds",
        "gauge",
        _JUDGES,
        "seconds",
        "How long nothing has moved although records wait; at `stall_seconds` the process ends itself.",
    ),
    Metric(
        "shadow_worker_frames_total", "counter", ("worker",), "records", "Records of the frames' topic that are done."
    ),
    Metric("shadow_worker_batches_total", "counter", ("worker",), "batches", "Batches of them."),
    Metric(
        "shadow_step_seconds",
        "histogram",
        ("worker",),
        "seconds a batch",
        "`live`: deciding; `write`: until outputs and states are acknowledged.",
        ("stage",),
    ),
    Metric(
        "shadow_step_errors_total",
        "counter",
        ("worker",),
        "dead letters",
        "Records that were given up with a dead letter. `undecodable`: it holds no frame; `unlivable`: the core failed "
        "at it, or could not read the state.",
        ("kind",),
    ),
    Metric("shadow_comparisons_total", "counter", ("worker",), "sessions", "Sessions compared for the first time."),
    Metric(
        "shadow_discrepancies_total",
        "counter",
        ("worker",),
        "versions",
        "Versions of discrepancies that were published; a repeat of an open one is another version.",
        ("code", "severity"),
    ),
    Metric(
        "shadow_worker_partitions", "gauge", ("worker",), "partitions", "Partitions of the frames' topic it was given."
    ),
    Metric("shadow_worker_rebalances_total", "counter", ("worker",), "rebalances", "Partitions were dealt anew."),
    Metric(
        "shadow_worker_holes_total",
        "counter",
        ("worker",),
        "holes",
        "Stretches that the consumer left out, fetched again.",
    ),
    Metric(
        "shadow_worker_output_retries_total",
        "counter",
        ("worker",),
        "retries",
        "Times that Kafka did not take outputs or states at once.",
    ),
    Metric(
        "shadow_worker_state_written_bytes_total",
        "counter",
        ("worker",),
        "bytes",
        "States written to the changelog; a charging station's state is written once a batch.",
    ),
    Metric(
        "shadow_worker_state_bytes",
        "gauge",
        ("worker",),
        "bytes",
        "What the local store takes on the disk. Absent with memory://.",
    ),
    Metric(
        "shadow_sink_rows_total",
        "counter",
        ("sink",),
        "rows",
        "Rows that ClickHouse acknowledged, repeats included.",
        ("table",),
    ),
    Metric(
        "shadow_sink_refused_total", "counter", ("sink",), "rows", "Rows that it would not take: a dead letter each."
    ),
    Metric("shadow_sink_retries_total", "counter", ("sink",), "flushes", "Flushes that failed and were tried again."),
    Metric(
        "shadow_sink_flush_seconds", "histogram", ("sink",), "seconds", "How long a flush took, its commit included."
    ),
    Metric("shadow_sink_records_total", "counter", ("sink",), "records", "Records taken from Kafka."),
    Metric("shadow_sink_waiting", "gauge", ("sink",), "records", "Records taken and not stored yet."),
    Metric("shadow_sink_unreadable_total", "counter", ("sink",), "records", "Records that hold nothing readable."),
    Metric("shadow_sink_failing", "gauge", ("sink",), "1", "1 while ClickHouse takes nothing, else 0."),
    Metric(
        "shadow_rejudge_requests_total",
        "counter",
        ("rejudge",),
        "requests",
        "Ranges with late frames that were judged again.",
    ),
    Metric(
        "shadow_rejudge_corrections_total", "counter", ("rejudge",), "rows", "Sessions and discrepancies put right."
    ),
    Metric("shadow_rejudge_failing", "gauge", ("rejudge",), "1", "1 while nothing can be judged again, else 0."),
    Metric(
        "shadow_policy_broken",
        "gauge",
        ("worker", "rejudge"),
        "1",
        "1 while the policy file is broken and the last good policy stays in force, else 0.",
    ),
    Metric("shadow_alerts_looks_total", "counter", ("alerts",), "looks", "Looks at the store that were carried out."),
    Metric(
        "shadow_alerts_said_total", "counter", ("alerts",), "alerts", "Alerts that were opened, closed or summed up."
    ),
    Metric("shadow_alerts_waiting", "gauge", ("alerts",), "alerts", "Alerts that are not delivered everywhere."),
    Metric(
        "shadow_alerts_refused_total",
        "counter",
        ("alerts",),
        "alerts",
        "Alerts that the webhook refused for good, or that were given up because too many waited.",
    ),
    Metric("shadow_alerts_failing", "gauge", ("alerts",), "1", "1 while it cannot look or deliver, else 0."),
)

_BY_NAME: Final = {metric.name: metric for metric in METRICS}


class Distribution:
    """How often something took how long. For one thread that observes, and any that read."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Take one."""
        self.counts[bisect_left(_BUCKETS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bounds, and how many took no longer."""
        found, sum_ = [], 0
        for bound, count in zip((*map(str, _BUCKETS), "+Inf"), tuple(self.counts), strict=True):
            sum_ += count
            found.append((bound, float(sum_)))
        return found


class Sample(NamedTuple):
    """One value of a metric, its labels in the order of the metric's."""

    name: str
    value: float | Distribution
    labels: tuple[str, ...] = ()


class Exposition(Collector):
    """The metrics of one process as Prometheus reads them."""

    def __init__(self, role: str, read: Callable[[], Iterable[Sample]]) -> None:
        """Prepare. `read` is called by each scrape, in a thread of the monitor."""
        self._role, self._read = role, read
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """What /metrics answers."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Family]:
        """Every metric that has a value now.

        Raises:
            LookupError: a value of a metric that is not declared for this process.

        """
        families: dict[str, Family] = {}
        built = (self._role, version("shadow-csms"), platform.python_version())
        for sample in (Sample("shadow_build_info", 1, built), *self._read()):
            metric = _BY_NAME[sample.name]
            if self._role not in metric.by:
                raise LookupError(f"{sample.name} is not declared for the {self._role}")
            family = families.get(sample.name)
            if family is None:
                family = families[sample.name] = _family(metric)
            _add(family, sample)
        yield from families.values()


def _family(metric: Metric) -> Family:
    match metric.kind:
        case "counter":
            return CounterMetricFamily(metric.name.removesuffix("_total"), metric.meaning, labels=metric.labels)
        case "gauge":
            return GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        case _:
            return HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)


def _add(family: Family, sample: Sample) -> None:
    match family, sample.value:
        case HistogramMetricFamily(), Distribution() as spread:
            family.add_metric(sample.labels, spread.buckets(), spread.total)
        case ((CounterMetricFamily() | GaugeMetricFamily()), (int() | float()) as value):
            family.add_metric(sample.labels, value)
        case _:
            raise LookupError(f"{sample.name} is no {family.type}")
