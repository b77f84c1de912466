"""The compose file agrees with its specification, the settings, the command line, the Kafka of the tests and itself."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from app.cli import app as cli
from app.settings import Settings
from app.stack import broker
from app.stack.compose import COMPLETED, HEALTHY, chosen, read
from app.stack.loopback import IMAGE_VOLUME
from demo.__main__ import _arguments as demo_arguments
from diff.store.client import Address, Store
from diff.store.engine import EmbeddedEngine

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
SERVICES = read(FILE.read_text(), {})
RAW: dict[str, Any] = yaml.safe_load(FILE.read_text())
OURS = sorted(name for name, service in SERVICES.items() if service.image.startswith("shadow-csms:"))
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}


def _value(service: str, variable: str) -> str:
    return SERVICES[service].environment[variable]


def test_it_is_valid_by_the_compose_specification() -> None:
    """The specification's own JSON Schema finds nothing wrong."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_whole_system_is_in_it() -> None:
    """Without a profile comes what the system needs; fleet, records and the embedded runtime come when asked for."""
    plain = {service.name for service in chosen(SERVICES, frozenset())}

    assert plain == {
        *("kafka", "clickhouse", "topics", "migrate"),
        *("tap", "worker", "sink", "rejudge", "alerts", "dashboard"),
        *("prometheus", "grafana"),
    }
    assert {service.name for service in chosen(SERVICES, frozenset({"demo"}))} - plain == {"fleet"}
    assert {service.name for service in chosen(SERVICES, frozenset({"records"}))} - plain == {"records"}
    assert {service.name for service in chosen(SERVICES, frozenset({"embedded"}))} - plain == {"shadow"}


@pytest.mark.parametrize("name", OURS)
def test_each_command_can_be_called(name: str) -> None:
    """Our command line, or the demo's, takes the words of every service of ours."""
    service = SERVICES[name]
    if service.entrypoint:
        assert service.entrypoint == ("python", "-m", "demo")
        demo_arguments(list(service.command))
        return
    first, *words = service.command
    typer.main.get_command(cli).commands[first].make_context(first, words)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", OURS)
def test_each_variable_is_a_setting(name: str) -> None:
    """Every SHADOW_ variable, given or passed on, names a setting, and the settings take every value."""
    variables = RAW["services"][name].get("environment", {})
    assert all(variable.startswith("SHADOW_") for variable in variables)

    assert {variable.removeprefix("SHADOW_").lower() for variable in variables} <= set(DEFAULTS)
    Settings(**{key.removeprefix("SHADOW_").lower(): value for key, value in SERVICES[name].environment.items()})


def test_the_ports_are_the_defaults_of_the_settings() -> None:
    """Tap, dashboard and Kafka are on the host where the settings look for them; outside containers on loopback."""
    published = {(port.host, port.published): name for name, one in SERVICES.items() for port in one.ports}

    for name in ("tap", "shadow"):
        assert _value(name, "SHADOW_LISTEN_PORT") == str(DEFAULTS["listen_port"])
    for name in ("dashboard", "shadow"):
        assert _value(name, "SHADOW_DASHBOARD_PORT") == str(DEFAULTS["dashboard_port"])
    assert ("127.0.0.1", DEFAULTS["listen_port"]) in published
    assert ("127.0.0.1", DEFAULTS["dashboard_port"]) in published
    assert DEFAULTS["kafka_bootstrap"] == "127.0.0.1:9092"
    assert published["127.0.0.1", 9092] == "kafka"
    assert {DEFAULTS[f"{what}_host"] for what in ("listen", "dashboard", "monitor")} == {"127.0.0.1"}


def test_published_ports_are_bound_to_loopback() -> None:
    """No port is open to the network, and each leads to one that the service listens on."""
    listening = {
        "kafka": {int(port) for port in re.findall(r":(\d+)", _value("kafka", "KAFKA_LISTENERS"))},
        "clickhouse": {9000},
        "prometheus": {9090},
        "grafana": {3000},
    }
    for name, service in SERVICES.items():
        own = {int(value) for variable, value in service.environment.items() if variable.endswith("_PORT")}
        for port in service.ports:
            assert port.host == "127.0.0.1", name
            assert port.published == port.target, name
            assert port.target in listening.get(name, own), name


def test_images_are_pinned_to_the_last_place() -> None:
    """Every image has a whole version: at least three numbers and nothing that moves."""
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(\.\d+)?", service.image), name
    base = re.search(r"^FROM (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert base is not None
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base[1])


def test_kafka_is_the_one_of_the_tests() -> None:
    """The image has the version that `make kafka` runs, and what is set here and there is set alike."""
    version = re.search(r"<kafka.version>(.*)</kafka.version>", (ROOT / "deploy/kafka/pom.xml").read_text())
    assert version is not None
    assert SERVICES["kafka"].image == f"apache/kafka:{version[1]}"

    local = dict(line.split("=", 1) for line in broker.server_properties(Path("data"), 9092, 9093).splitlines())
    ours = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in SERVICES["kafka"].environment.items()
        if name not in ("CLUSTER_ID", "KAFKA_HEAP_OPTS")
    }
    # Addresses and directories differ; so does how the controller is named, which the image formats without choice.
    elsewhere = {"listeners", "advertised.listeners", "listener.security.protocol.map", "log.dirs"}
    elsewhere |= {"controller.quorum.voters"}
    assert set(ours) - set(local) == {"controller.quorum.voters"}
    for name in set(ours) - elsewhere:
        assert ours[name] == local[name], name


def test_kafkas_listeners_fit_each_other() -> None:
    """The host reaches it where the port is published, the services where they look, the controller where it votes."""
    environment = SERVICES["kafka"].environment
    listeners = _listeners(environment["KAFKA_LISTENERS"])
    advertised = _listeners(environment["KAFKA_ADVERTISED_LISTENERS"])
    kinds = dict(entry.split(":") for entry in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))

    assert kinds.keys() == listeners.keys()
    assert advertised["HOST"] == ("127.0.0.1", SERVICES["kafka"].ports[0].published)
    assert advertised["HOST"][1] == listeners["HOST"][1]
    assert advertised["PLAINTEXT"] == ("kafka", listeners["PLAINTEXT"][1])
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"1@kafka:{listeners['CONTROLLER'][1]}"
    for name in OURS:
        bootstrap = SERVICES[name].environment.get("SHADOW_KAFKA_BOOTSTRAP")
        assert bootstrap in (None, f"kafka:{listeners['PLAINTEXT'][1]}"), name
    assert f"kafka:{listeners['PLAINTEXT'][1]}" in SERVICES["kafka"].probe


def _listeners(text: str) -> dict[str, tuple[str, int]]:
    found = re.findall(r"([A-Z]+)://([\w.]*):(\d+)", text)
    return {name: (host, int(port)) for name, host, port in found}


def test_clickhouse_is_of_the_release_of_the_embedded_one(engine: EmbeddedEngine) -> None:
    """The server's image and the engine that all tests run on share year and month of their release."""
    with Store.connect(engine.url("default")) as store:
        embedded = str(store.rows("SELECT version() AS version")[0]["version"])

    assert SERVICES["clickhouse"].image.rpartition(":")[2].split(".")[:2] == embedded.split(".")[:2]


def test_clickhouse_lets_in_who_comes() -> None:
    """User, password and database of the services are those that the server makes, whatever the password."""
    for variables, password in (({}, "shadow"), ({"CLICKHOUSE_PASSWORD": "s3/cr@t"}, "s3/cr@t")):
        services = read(FILE.read_text(), variables)
        made = services["clickhouse"].environment
        assert made["CLICKHOUSE_PASSWORD"] == password
        wanted = Address("clickhouse", 9000, made["CLICKHOUSE_DB"], made["CLICKHOUSE_USER"], "")
        for name in ("migrate", "sink", "rejudge", "alerts", "dashboard"):
            environment = services[name].environment
            assert Address.parse(environment["SHADOW_STORE_URL"]) == wanted
            assert environment["SHADOW_STORE_PASSWORD"] == password


def test_everything_starts_behind_what_it_needs() -> None:
    """Topics and tables are made before anybody uses them; the tap alone waits for nobody."""
    assert SERVICES["topics"].after == {"kafka": HEALTHY}
    assert SERVICES["migrate"].after == {"clickhouse": HEALTHY}
    assert SERVICES["worker"].after == {"topics": COMPLETED}
    assert SERVICES["sink"].after == {"topics": COMPLETED, "migrate": COMPLETED}
    assert SERVICES["dashboard"].after == {"migrate": COMPLETED}
    assert SERVICES["records"].after == {"topics": COMPLETED}
    assert SERVICES["tap"].after == {}
    assert SERVICES["fleet"].after == {"tap": HEALTHY}


def test_everything_that_stays_has_a_health_check_and_comes_back() -> None:
    """What runs on is asked how it is and started again; what runs once is not."""
    for name, entry in RAW["services"].items():
        if name in ("topics", "migrate"):
            assert entry["restart"].startswith("on-failure")
            continue
        assert entry["restart"] == "unless-stopped", name
        assert "healthcheck" in entry or name in ("fleet", "records"), name


@pytest.mark.parametrize("name", [name for name in OURS if SERVICES[name].probe])
def test_our_health_checks_ask_a_port_that_is_set(name: str) -> None:
    """`app.stack.probe` finds the port of what it asks for in the service's own environment."""
    service = SERVICES[name]
    *program, what = service.probe

    assert program == ["python", "-m", "app.stack.probe"]
    assert _value(name, f"SHADOW_{what.upper()}_PORT").isdigit()


def test_there_is_time_to_stop_in_order() -> None:
    """Containers are killed only after our processes have given up by themselves."""
    for name in OURS:
        grace = RAW["services"][name]["stop_grace_period"]
        assert float(grace.removesuffix("s")) > DEFAULTS["stop_seconds"], name


def test_volumes_are_declared_and_used() -> None:
    """Every named volume is mounted, every mounted one declared, and the paths of the host exist."""
    used = {source for service in SERVICES.values() for source in service.volumes.values()}

    assert {source for source in used if not source.startswith(".")} == set(RAW["volumes"])
    assert [source for source in used if source.startswith(".") and not (ROOT / source).is_dir()] == []


def test_records_are_redacted_with_the_key_of_the_tap() -> None:
    """Both see one directory: under another key the tokens of bills and of the wire would never meet."""
    tap, records = SERVICES["tap"], SERVICES["records"]
    assert tap.volumes[IMAGE_VOLUME] == records.volumes[IMAGE_VOLUME]
    assert _value("tap", "SHADOW_DATA_DIR") == _value("records", "SHADOW_DATA_DIR")
    assert records.command == ("records", "follow")


def test_workers_can_be_scaled() -> None:
    """A worker has no name, port or volume that a second one would have to share."""
    entry = RAW["services"]["worker"]

    assert not {"container_name", "hostname", "ports", "volumes"} & entry.keys()


def test_the_image_is_what_the_services_expect() -> None:
    """Its entry point is our command, and the data directory of the services is its volume."""
    text = (ROOT / "Dockerfile").read_text()

    assert re.search(r'^ENTRYPOINT \["shadow-csms"\]$', text, re.MULTILINE)
    assert re.search(rf"^VOLUME {IMAGE_VOLUME}$", text, re.MULTILINE)
    for name in OURS:
        assert SERVICES[name].environment.get("SHADOW_DATA_DIR", IMAGE_VOLUME) == IMAGE_VOLUME


def test_what_is_private_stays_outside_of_the_image() -> None:
    """The file with the passwords and the settings of whoever builds are not copied, nor committed."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert {".env", "shadow-csms.toml", ".git", "data"} <= set(ignored)
    assert "/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_what_it_says_it_is_started_with_is_in_it() -> None:
    """Profiles and services in the comments at its head and in the runbook exist."""
    pages = FILE.read_text() + (ROOT / "docs/runbook.md").read_text()
    profiles = {profile for service in SERVICES.values() for profile in service.profiles}

    assert set(re.findall(r"--profile[= ](\w+)", pages)) == profiles
    for line in re.findall(r"docker compose (?:logs|exec|restart|stop)((?: [\w-]+)+)", pages):
        named = [word for word in shlex.split(line) if not word.startswith("-")]
        assert named[0] in SERVICES, line
