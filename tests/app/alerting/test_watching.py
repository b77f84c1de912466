"""The watch over a real store: what it sees, what survives a restart, and that every word is delivered."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer
from msgspec.structs import replace
from typer.testing import CliRunner

from app.alerting.links import link_of
from app.alerting.watching import Topic, Watch
from app.alerting.webhook import RefusedError, UndeliveredError, Webhook
from app.cli import app
from app.setting_files import SettingsError
from app.setting_sources import load
from app.settings import Settings
from diff.alerts.alert import Alert, AlertKind, AlertState
from diff.discrepancy import Severity
from diff.published import decode
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries.alerts import alerts, observed
from diff.store.queries.verdicts import verdict_history
from ingest.control import Acknowledgement
from ingest.frame import Frame, FrameKind, Gap
from ingest.topics import Topics
from tests.diff.store.generated import AT, DAY, a_fault, add, an_account, generate

MINUTE = 60_000_000


class Hook(Webhook):
    """A webhook that keeps what it is given, or fails as it is told."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.failure: Exception | None = None

    def send(self, alert: Alert) -> None:
        if self.failure is not None:
            raise self.failure
        self.got.append(f"{alert.kind.value} {alert.state.value}")


class Lost:
    """A topic that fails as it is told."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.failing = False

    def publish(self, alerts: Sequence[Alert]) -> None:
        if self.failing:
            raise UndeliveredError("Kafka did not take them")
        self.got += [one.id for one in alerts]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of the test's own."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHADOW_{name.upper()}", raising=False)
    return Settings(dashboard_url="https://shadow.example/s/", alert_gate_seconds=60)


def _gap(charger_id: str, at: int, reason: str) -> Frame:
    gap = Gap(700, at, reason)
    return Frame(charger_id, f"{charger_id}@0", 9_000, at, kind=FrameKind.GAP, gap=gap)


def test_what_a_look_sees(store: Store) -> None:
    """Critical causes, the newest verdicts, silence, unreadable connections, and gaps that nobody asked for."""
    generate(store, 30)
    add(store, a_fault("session.energy", AT - DAY), an_account("CP-2", connection_id="new", state="unparsable",
                                                               opened_at=AT - DAY))  # fmt: skip
    add(store, _gap("CP-1", AT - MINUTE, "buffer-full"), _gap("CP-3", AT - MINUTE, "unenrolled"))
    seen = observed(store, AT, ["fleet"])
    (cause,) = seen.causes
    assert (cause.state, cause.open, cause.chargers, cause.acknowledged) == ("new", 1, 1, False)
    lines = {line.charger_id: line for line in seen.lines}
    assert [(name, line.blind, line.gaps) for name, line in sorted(lines.items())] == [
        ("CP-1", "", 1),
        ("CP-2", "unparsable", 0),
        ("CP-3", "", 0),
    ]
    assert (lines["CP-1"].bytes_missing, list(lines["CP-1"].reasons)) == (700, ["buffer-full"])
    assert (seen.tap_told, seen.tap_open, seen.verdicts) == (AT, 4, ())


def test_an_empty_store_says_nothing(store: Store, settings: Settings) -> None:
    """No rows, no alerts; the verdict is given and is the first one."""
    watch = Watch(store, settings)
    assert watch.look(AT) == []
    assert [one.outcome for one in verdict_history(store)] == ["INCONCLUSIVE"]


def test_a_fault_is_told_and_its_acknowledgement_closes_it(store: Store, settings: Settings) -> None:
    """Over two watches: what the first one said the second one knows; the gate's flip is told beside it."""
    generate(store, 300)
    hook, topic = Hook(), Lost()
    first = Watch(store, settings, webhook=hook, topic=topic)
    assert first.look(AT) == []
    fault = a_fault("session.energy", AT - DAY)
    add(store, fault)
    later = AT + 2 * MINUTE
    said = first.look(later)
    assert [(one.kind, one.severity) for one in said] == [
        (AlertKind.CRITICAL_FINGERPRINT, Severity.CRITICAL),
        (AlertKind.GATE_FLIP, Severity.CRITICAL),
    ]
    assert said[0].link == f"https://shadow.example/s/discrepancies?fp={fault.fingerprint}"
    assert hook.got == ["critical-fingerprint open", "gate-flip open"]
    second = Watch(store, settings, webhook=hook, topic=topic)
    assert second.look(later + MINUTE) == []
    add(store, Acknowledgement(fault.fingerprint, "known", "ann", later + 9 * DAY, at=later + MINUTE))
    (closed,) = second.look(later + 2 * MINUTE)
    assert (closed.id, closed.state, closed.detail) == (said[0].id, AlertState.CLOSED, "acknowledged")
    assert topic.got == [said[0].id, said[1].id, closed.id]
    assert [one.state.value for one in alerts(store)] == ["closed", "open", "open"]


def test_what_was_not_delivered_comes_again_under_the_same_id(store: Store, settings: Settings) -> None:
    """The webhook is away: the topic has it once, the webhook gets it later, from another process and once."""
    generate(store, 9)
    add(store, a_fault("session.energy", AT - DAY))
    hook, topic = Hook(), Lost()
    hook.failure = UndeliveredError("the webhook at h did not take an alert: status 503")
    watch = Watch(store, settings, webhook=hook, topic=topic)
    assert len(watch.look(AT)) == 1
    assert (watch.waiting, watch.failure) == (1, str(hook.failure))
    hook.failure, topic.failing = None, True
    again = Watch(store, settings, webhook=hook, topic=topic)
    assert again.look(AT + MINUTE) == []
    assert (again.waiting, again.failure, hook.got, len(topic.got)) == (0, "", ["critical-fingerprint open"], 1)


def test_a_refused_alert_holds_up_nothing(store: Store, settings: Settings) -> None:
    """It is counted and let go."""
    generate(store, 9)
    add(store, a_fault("session.energy", AT - DAY))
    hook = Hook()
    hook.failure = RefusedError("refused with status 410")
    watch = Watch(store, settings, webhook=hook)
    watch.look(AT)
    assert (watch.waiting, watch.refused, watch.failure) == (0, 1, "")


def test_a_broken_file_of_thresholds_does_not_stop_the_look(store: Store, settings: Settings, tmp_path: Path) -> None:
    """It is said as the failure; the rest is looked at."""
    generate(store, 9)
    add(store, a_fault("session.energy", AT - DAY))
    (tmp_path / "t.toml").write_text("[money]\nsessions = lots\n")
    watch = Watch(store, settings.model_copy(update={"thresholds_file": tmp_path / "t.toml"}))
    assert len(watch.look(AT)) == 1
    assert "t.toml: line 2" in watch.failure


def test_a_clock_that_goes_back_forgets_nothing(store: Store, settings: Settings) -> None:
    """What is remembered last counts, although its time is an older one."""
    generate(store, 9)
    add(store, a_fault("session.energy", AT - DAY))
    watch = Watch(store, settings)
    assert len(watch.look(AT)) == 1
    assert watch.look(AT - 30 * MINUTE) == []
    assert watch.look(AT + MINUTE) == []


def test_links_lead_to_what_it_is_about() -> None:
    """Below the dashboard's address; none where that is not known."""
    alert = Alert("a", AlertKind.SILENT_CHARGER, AlertState.OPEN, Severity.MINOR, "CP 1", "CP 1", "t", "d", 1, 1)
    assert link_of(alert, "https://h/d") == "https://h/d/discrepancies?charger=CP%201"
    assert link_of(replace(alert, kind=AlertKind.GATE_FLIP), "https://h/d/") == "https://h/d/"
    assert link_of(alert, "") == ""


def test_the_command_takes_one_look_and_lists_what_was_said(
    store: Store, engine: EmbeddedEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--once --json` prints a line an alert; `list` shows it again; an empty store says so."""
    del settings
    url = ("--store-url", engine.url(store.address.database))
    assert CliRunner().invoke(app, ["alerts", "list", *url]).stdout == "no alert was said\n"
    generate(store, 9)
    monkeypatch.setattr("time.time_ns", lambda: AT * 1000)
    add(store, a_fault("session.energy", AT - DAY))
    done = CliRunner().invoke(app, ["alerts", "watch", "--once", "--json", *url])
    assert (done.exit_code, json.loads(done.stdout)["kind"]) == (0, "critical-fingerprint"), done.stderr
    listed = CliRunner().invoke(app, ["alerts", "list", *url])
    assert " open critical critical-fingerprint: new: " in listed.stdout


def test_the_address_of_the_webhook_is_never_shown(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by `settings` nor by what is wrong with it, and logs mask it."""
    del settings
    given = load(alert_webhook_url="https://h/s3cret", alert_webhook_secret="k3y")
    assert (given.shown()["alert_webhook_url"], given.webhook_secret()) == ("***", "k3y")
    assert {"https://h/s3cret", "k3y"} <= set(given.secrets())
    monkeypatch.setenv("SHADOW_ALERT_WEBHOOK_URL", "http://h/s3cret")
    with pytest.raises(SettingsError, match="loopback only") as told:
        load()
    assert "s3cret" not in str(told.value)


def test_alerts_are_on_the_topic(kafka: str, topics: Topics) -> None:
    """A real Kafka: key, headers and value are those of the contract."""
    alert = Alert("a1", AlertKind.BLIND_TAP, AlertState.OPEN, Severity.MAJOR, "CP1", "CP1", "t", "d", 1, 2)
    Topic(kafka, topics.alerts).publish([alert, replace(alert, charger_id="")])
    consumer = KafkaConsumer(topics.alerts, bootstrap_servers=kafka, auto_offset_reset="earliest",
                             group_id=None, consumer_timeout_ms=10_000)  # fmt: skip
    found: dict[bytes, Any] = {}
    for record in consumer:
        found[record.key or b""] = record
        if len(found) == 2:
            break
    consumer.close()
    headers = dict(found[b"CP1"].headers)
    assert (headers["ce_type"], headers["ce_id"]) == (b"ocpp.alert.v1", b"a1@open")
    assert decode(found[b"CP1"].value, Alert) == alert
