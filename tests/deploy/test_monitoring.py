"""Prometheus, its alerts and Grafana speak of metrics, services and files that exist."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.stack.compose import read
from app.watch.health import State
from app.watch.metrics import METRICS
from diff.catalogue import CATALOGUE
from diff.discrepancy import Severity
from ingest.frame import Direction

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SERVICES = read((ROOT / "docker-compose.yml").read_text(), {})
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/shadow-csms.json").read_text())
SOURCES = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
BY_NAME = {metric.name: metric for metric in METRICS}


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def _expressions() -> Iterator[tuple[str, str]]:
    """Where, and which expression."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in _panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


EXPRESSIONS = [pytest.param(where, text, id=f"{where}-{number}") for number, (where, text) in enumerate(_expressions())]


def _used(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The metrics of ours in an expression, histograms by their own name, with their matchers."""
    for name, matchers in re.findall(r"\b(shadow_\w+)(?:\{([^}]*)\})?", expression):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        histogram = base in BY_NAME and BY_NAME[base].kind == "histogram"
        found = dict(re.findall(r'(\w+)(?:=|=~|!=|!~)"([^"]*)"', matchers))
        yield base if histogram else name, found


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_every_metric_exists(where: str, expression: str) -> None:
    """A metric that an alert or a panel names is in the catalogue, with those labels and from those processes."""
    used = list(_used(expression))
    assert used or re.search(r"\b(up|ALERTS)\b", expression), where
    grouped = {
        label.strip() for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression) for label in group.split(",")
    }
    known = {"job", "instance", "le", ""}
    for name, matchers in used:
        assert name in BY_NAME, f"{where}: {name}"
        metric = BY_NAME[name]
        known |= set(metric.labels)
        assert set(matchers) <= {*metric.labels, "job", "instance"}, where
        if "job" in matchers:
            assert set(matchers["job"].split("|")) <= set(metric.by), where
    assert grouped <= known, where


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_counters_are_rated_and_gauges_are_not(where: str, expression: str) -> None:
    """Of a counter the growth counts, of a gauge the value; mixed up, a graph shows nonsense without an error."""
    for name, _ in _used(expression):
        grows = re.search(rf"\b(rate|increase)\({name}", expression) is not None
        assert grows == (BY_NAME[name].kind != "gauge") or BY_NAME[name].kind == "histogram", f"{where}: {name}"


def test_severities_and_states_are_the_codes() -> None:
    """Values of labels in matchers are ones that the code writes."""
    for where, expression in _expressions():
        for name, matchers in _used(expression):
            if "severity" in matchers:
                assert matchers["severity"] in list(Severity), where
            if "direction" in matchers:
                assert matchers["direction"] in list(Direction), where
            if name == "shadow_state" and "state" in matchers:
                assert matchers["state"] in list(State), where
    text = (ROOT / "tests/deploy/alerts.test.yml").read_text()
    assert set(re.findall(r'code="([\w.-]+)"', text)) <= set(CATALOGUE)


def test_every_alert_says_what_it_is_and_what_to_do() -> None:
    """Each has a name for Grafana, a severity, and words; and each has a test that makes it fire."""
    names = [rule["labels"]["what"] for rule in RULES]
    tested = (ROOT / "tests/deploy/alerts.test.yml").read_text()

    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}
        assert rule["labels"]["what"] in tested, rule["alert"]


def test_what_has_to_be_watched_is_watched() -> None:
    """Drops, lag, silence, new critical discrepancies and processes that are not well have their alerts."""
    watched = {name for rule in RULES for name, _ in _used(rule["expr"])} | {"up"}

    assert {
        "shadow_tap_dropped_total",
        "shadow_consumer_lag_seconds",
        "shadow_tap_frames_total",
        "shadow_discrepancies_total",
        "shadow_state",
        "shadow_step_errors_total",
        "up",
    } <= watched


def test_prometheus_asks_every_monitor() -> None:
    """Each service with a monitor is asked on its port, under the name that the metrics say."""
    configured = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    asked = {
        (job["job_name"], name, discovery["port"])
        for job in configured
        for discovery in job["dns_sd_configs"]
        for name in discovery["names"]
    }
    served = {
        (name, name, int(service.environment["SHADOW_MONITOR_PORT"]))
        for name, service in SERVICES.items()
        if "SHADOW_MONITOR_PORT" in service.environment
    }

    assert asked == served
    down = next(rule["expr"] for rule in RULES if rule["alert"] == "ComponentDown")
    for job, _, _ in asked:
        assert f'absent(up{{job="{job}"}})' in down
        assert re.search(rf'job=~"[^"]*\b{job}\b', down)
    assert {job for job, _, _ in asked} == {role for metric in METRICS for role in metric.by}


def test_grafana_finds_its_files() -> None:
    """The mounts, the provider's path and the home dashboard lead to the files that are there."""
    grafana = SERVICES["grafana"]
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/shadow-csms.yml").read_text())
    inside = provider["providers"][0]["options"]["path"]
    home = Path(grafana.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    assert home.parent == Path(inside)
    assert (ROOT / grafana.volumes[inside] / home.name).is_file()
    assert (ROOT / grafana.volumes["/etc/grafana/provisioning"] / "alerting").is_dir()


def test_grafana_asks_our_prometheus() -> None:
    """The data source is the service's address, and every panel and alert names it."""
    [source] = SOURCES
    port = SERVICES["prometheus"].ports[0].target
    alerting = yaml.safe_load((DEPLOY / "grafana/provisioning/alerting/shadow-csms.yml").read_text())
    [rule] = alerting["groups"][0]["rules"]

    assert source["url"] == f"http://prometheus:{port}"
    assert {panel["datasource"]["uid"] for panel in _panels()} == {source["uid"]}
    assert {query["datasourceUid"] for query in rule["data"]} == {source["uid"], "__expr__"}
    assert rule["condition"] in {query["refId"] for query in rule["data"]}
    # `count by (what, severity)` is all that it tells alerts apart by.
    assert "by (what, severity)" in rule["data"][0]["model"]["expr"]


def test_panels_do_not_overlap() -> None:
    """Each panel has a place of its own on the grid, and an id of its own."""
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def _promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool: apt-get install prometheus (or put promtool on the PATH)")
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)


def test_prometheus_takes_the_configuration() -> None:
    """Prometheus' own checker reads the configuration and every rule."""
    done = _promtool("check", "config", str(DEPLOY / "prometheus/prometheus.yml"))

    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should() -> None:
    """Prometheus' own rule tests: each alert fires for its series and keeps quiet for the others."""
    done = _promtool("test", "rules", str(ROOT / "tests/deploy/alerts.test.yml"))

    assert done.returncode == 0, done.stdout + done.stderr
