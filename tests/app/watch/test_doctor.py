"""`shadow-csms doctor`: what it sees when all is well, when something is wrong, and when everything is away."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from msgspec.structs import replace

from app.watch import doctor_services
from app.watch.finding import Verdict
from app.watch.health import judged
from app.watch.metrics import Exposition
from app.watch.monitor import Monitor
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.tables import ConnectionAccount
from diff.store.writer import Writer
from ingest.redaction_key import read_key
from ingest.topics import Topics
from tests.app.conftest import Cli
from tests.app.watched import free_port
from tests.running import Outcome

Verdicts = dict[str, tuple[str, str, str]]


def _verdicts(outcome: Outcome) -> Verdicts:
    """Verdict, what was seen and what to do, by check. A check that has two findings shows the last."""
    assert outcome.err == ""
    return {one["check"]: (one["verdict"], one["seen"], one["todo"]) for one in outcome.json["findings"]}


@pytest.fixture
def given(tmp_path: Path, kafka: str, topics: Topics, engine: EmbeddedEngine, store: Store) -> dict[str, str]:
    """Settings of an installation that is as it should be."""
    data = tmp_path / "data"
    data.mkdir()
    read_key(data / "redaction-key.json", create=True)
    return {
        "SHADOW_KAFKA_BOOTSTRAP": kafka,
        "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
        "SHADOW_KAFKA_PARTITIONS": str(topics.partitions),
        "SHADOW_STORE_URL": engine.url(store.address.database),
        "SHADOW_DATA_DIR": str(data),
        "SHADOW_JOURNAL_BYTES": str(1 << 20),
    }


def test_an_installation_that_is_well(cli: Cli, given: dict[str, str], kafka: str, topics: Topics) -> None:
    """Exit status 0; everything that was looked at is named, and what is merely not started yet is a warning."""
    producer = KafkaProducer(bootstrap_servers=kafka)
    producer.send(topics.frames, b"{}", b"CP-1")
    producer.close()
    with Monitor("127.0.0.1", 0, Exposition("tap", list), lambda: judged([], ["Kafka is slow"])) as monitor:
        outcome = cli("doctor", "--json", "--monitor", f"http://127.0.0.1:{monitor.port}", env=given)
        monitored = f"monitor http://127.0.0.1:{monitor.port}"
    found = _verdicts(outcome)

    assert (outcome.code, outcome.json["failed"]) == (0, 0)
    well = ["settings", "data directory", "disk", "redaction key", "enrolment", "kafka", "topics", "clickhouse"]
    well += ["privacy", "schema", "clock of the taps", "clock of ClickHouse"]
    assert {check: found[check][0] for check in well} == dict.fromkeys(well, "ok")
    assert {check: verdict for check, (verdict, _, _) in found.items() if check not in well} == {
        "worker group": "warn",
        "sink group": "warn",
        monitored: "warn",
        "completeness": "skip",
    }
    assert found["sink group"][2].startswith("start a sink")
    assert "Kafka is slow" in found[monitored][1]
    assert "speaking Kafka 4" in found["kafka"][1]
    text = cli("doctor", env=given)
    assert text.out.decode().splitlines()[-1] == "15 checks, 0 failed, 2 to look at"


def test_everything_away(cli: Cli, tmp_path: Path) -> None:
    """Kafka, ClickHouse and a monitor that do not answer: exit status 1 within seconds, no stack trace, no password."""
    env = {
        "SHADOW_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
        "SHADOW_STORE_URL": f"clickhouse://u:hidden-word@127.0.0.1:{free_port()}/db",
        "SHADOW_MONITOR_PORT": str(free_port()),
    }
    began = time.monotonic()
    outcome = cli("doctor", "--json", env=env)
    took = time.monotonic() - began
    found = _verdicts(outcome)

    failed = {check.partition(" ")[0] for check, (verdict, _, _) in found.items() if verdict == "fail"}
    assert failed == {"kafka", "clickhouse", "monitor"}
    assert all(todo for verdict, _, todo in found.values() if verdict == "fail")
    assert (outcome.code, took < 15) == (1, True)
    assert b"Traceback" not in outcome.out
    assert b"hidden-word" not in outcome.out
    assert found["redaction key"][0] == found["data directory"][0] == "warn"
    assert not (tmp_path / "data").exists()


def test_settings_that_cannot_be_read_are_the_only_finding(cli: Cli) -> None:
    """Nothing else can be known; exit status 1."""
    outcome = cli("doctor", env={"SHADOW_LISTEN_PORT": "x"})

    assert outcome.code == 1
    first, todo, last = outcome.out.decode().splitlines()
    assert first.startswith("FAIL  settings: listen_port (from SHADOW_LISTEN_PORT)")
    assert todo.strip().startswith("→ correct them")
    assert last == "1 checks, 1 failed, 0 to look at"


def test_what_is_wrong_on_the_disk_is_named(cli: Cli, given: dict[str, str]) -> None:
    """A key that others can read, an enrolment file that cannot be followed, and no room for the spool."""
    data = Path(given["SHADOW_DATA_DIR"])
    (data / "redaction-key.json").chmod(0o644)
    rules = data / "enrolment.toml"
    rules.write_text("chargers = 3\n")
    room = 1 << 60
    env = {**given, "SHADOW_ENROLMENT_FILE": str(rules), "SHADOW_JOURNAL_BYTES": str(room)}
    outcome = cli("doctor", "--json", env=env)
    found = _verdicts(outcome)

    assert outcome.code == 1
    assert found["redaction key"][0] == "fail"
    assert "chmod 600" in found["redaction key"][1]
    assert (found["enrolment"][0], "chargers" in found["enrolment"][1]) == ("fail", True)
    assert found["disk"][0] == "warn"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_a_failure(cli: Cli, tmp_path: Path) -> None:
    """With the user who cannot."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    found = _verdicts(cli("doctor", "--json", env={"SHADOW_DATA_DIR": str(closed)}))

    assert found["data directory"][0] == "fail"


def _deleted(admin: KafkaAdminClient, topics: Topics) -> None:
    admin.delete_topics([topics.sessions])


def _changed(admin: KafkaAdminClient, topics: Topics) -> None:
    change = ConfigResource(ConfigResourceType.TOPIC, topics.frames, configs={"retention.ms": "60000"})
    admin.alter_configs([change])


def _grown(admin: KafkaAdminClient, topics: Topics) -> None:
    admin.create_partitions({topics.chargers: topics.partitions + 1})


@pytest.mark.parametrize(
    ("spoil", "verdict", "seen"),
    [
        (_deleted, "fail", "missing: {0.sessions}"),
        (_changed, "warn", "{0.frames}: retention.ms is 60000, not 604800000"),
        (_grown, "fail", "4 partitions and not 3: {0.chargers}"),
    ],
)
def test_topics_that_are_not_as_they_should_be(
    cli: Cli, given: dict[str, str], kafka: str, topics: Topics, spoil: Any, verdict: str, seen: str
) -> None:
    """A missing topic, another retention and another number of partitions, each with what to do."""
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        spoil(admin, topics)
    found = _verdicts(cli("doctor", "--json", env=given))["topics"]

    assert (found[0], seen.format(topics) in found[1]) == (verdict, True), found
    assert found[2]


def test_a_schema_that_is_missing_old_or_new(cli: Cli, given: dict[str, str], store: Store) -> None:
    """Each is a failure of its own."""
    store.execute("INSERT INTO schema_versions (number, name, digest) VALUES (9999, 'future', 'x')")
    newer = _verdicts(cli("doctor", "--json", env=given))["schema"]
    store.execute("TRUNCATE TABLE schema_versions")
    older = _verdicts(cli("doctor", "--json", env=given))["schema"]
    store.execute("DROP TABLE schema_versions")
    missing = _verdicts(cli("doctor", "--json", env=given))["schema"]

    assert {newer[0], older[0], missing[0]} == {"fail"}
    assert "9999" in newer[1]
    assert "not applied: " in older[1]
    assert missing[2] == "`shadow-csms migrate` makes it"


def test_connections_that_do_not_reconcile_are_named(store: Store) -> None:
    """Without accounts nothing is said; frames that the tap wrote and the store lacks are a warning."""
    now = 1_800_000_000_000_000
    assert doctor_services._completeness(store, now).verdict is Verdict.SKIP
    old = now - 600_000_000
    account = ConnectionAccount(
        "CP-1", "c1", "closed", "ocpp1.6", compression=False, opened_at=old, closed_at=old, last_frame_at=old,
        bytes_forwarded=1000, bytes_mirrored=1000, bytes_parsed=1000, frames=3, gaps=0, at=now,
    )  # fmt: skip
    writer = Writer(store, judging_run=JUDGING_RUN)
    writer.add_connections([account])
    writer.flush()
    found = doctor_services._completeness(store, now)
    assert found.verdict is Verdict.WARN
    assert found.seen == "1 connections: 1 unstored; 1,000 of 1,000 bytes parsed, 0 of 3 frames stored"
    assert found.todo == (
        "begin with CP-1 (c1, unstored: bytes forwarded 1,000, mirrored 1,000, parsed 1,000; frames 3, published"
        " not told, applied not told, stored 0; gaps 0): docs/runbook.md#frames-are-missing"
    )
    writer.add_connections([replace(account, frames_published=2)])
    writer.flush()
    found = doctor_services._completeness(store, now)
    assert found.seen == (
        "1 connections: 1 unpublished; 1,000 of 1,000 bytes parsed, 2 of 3 frames published, 0 of 3 frames stored"
    )
    assert "(c1, unpublished: " in found.todo
    assert "frames 3, published 2, applied not told, stored 0" in found.todo
