"""Metrics: what is declared, what is shown, and what the documentation says are the same."""

import platform
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.pages.metrics import page
from app.watch.metrics import METRICS, Distribution, Exposition, Sample

PAGE = Path(__file__).resolve().parents[3] / "docs/metrics.md"
NO_IDS = {"charger", "charger_id", "station", "connection", "session", "id_token"}


def test_the_page_of_the_metrics_is_up_to_date() -> None:
    """docs/metrics.md is what the code generates; `make docs` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_names_follow_the_conventions_of_prometheus() -> None:
    """Names stand once, counters end in _total and nothing else does, labels name no charging station."""
    names = [metric.name for metric in METRICS]

    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert re.fullmatch(r"shadow_[a-z_]+", metric.name)
        assert metric.kind in ("counter", "gauge", "histogram")
        assert (metric.kind == "counter") == metric.name.endswith("_total")
        assert metric.by
        assert set(metric.by) <= {"tap", "worker", "sink", "rejudge", "alerts"}
        assert not NO_IDS & set(metric.labels)


def _shown(*samples: Sample, role: str = "sink") -> dict[str, dict[tuple[str, ...], float]]:
    text = Exposition(role, lambda: samples).text().decode()
    return {
        family.name: {(sample.name, *sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_a_scrape_shows_values_with_their_labels_and_who_runs() -> None:
    """Counter, gauge and histogram as Prometheus' own parser reads them, beside the build and the process."""
    spread = Distribution()
    for seconds in (0.0005, 0.3, 0.3, 99.0):
        spread.observe(seconds)
    shown = _shown(
        Sample("shadow_sink_rows_total", 7, ("frames",)),
        Sample("shadow_sink_rows_total", 2, ("sessions",)),
        Sample("shadow_sink_waiting", 3),
        Sample("shadow_sink_flush_seconds", spread),
    )

    assert shown["shadow_sink_rows"] == {
        ("shadow_sink_rows_total", "frames"): 7.0,
        ("shadow_sink_rows_total", "sessions"): 2.0,
    }
    assert shown["shadow_sink_waiting"] == {("shadow_sink_waiting",): 3.0}
    flushes = shown["shadow_sink_flush_seconds"]
    name = "shadow_sink_flush_seconds"
    assert (flushes[f"{name}_count",], flushes[f"{name}_sum",]) == (4.0, pytest.approx(99.6005))
    bounds = ("0.001", "0.25", "0.5", "30.0", "+Inf")
    assert [flushes[f"{name}_bucket", bound] for bound in bounds] == [1.0, 1.0, 3.0, 3.0, 4.0]
    (built,) = shown["shadow_build_info"]
    assert {"sink", version("shadow-csms"), platform.python_version()} < set(built)
    assert shown["process_resident_memory_bytes"]


@pytest.mark.parametrize(
    "sample",
    [
        Sample("shadow_unheard_of", 1),
        Sample("shadow_tap_queue_depth", 1),
        Sample("shadow_sink_flush_seconds", 1),
        Sample("shadow_sink_waiting", Distribution()),
    ],
)
def test_what_is_not_declared_for_the_process_is_not_shown(sample: Sample) -> None:
    """An unknown name, another process's metric, or another kind is an error and not a surprise in a dashboard."""
    with pytest.raises(LookupError):
        _shown(sample)
