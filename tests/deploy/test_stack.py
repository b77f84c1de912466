"""`python -m app.stack.runner`: the compose file's services as processes, with the real Kafka and the real engine."""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.stack.broker import BrokerError, libraries
from app.stack.compose import read
from app.stack.part import PartError
from app.stack.runner import Stack
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.outcome import compared_sessions, open_codes, stored_frames
from tests.running import Running, alive, environment, family, until

SLEEPER = "import time; time.sleep(60)"
ONE = f"""
services:
  sleeper:
    image: shadow-csms:0.1.0
    entrypoint: [python, -c, "{SLEEPER}"]
"""
SLOW = f"""
{ONE}
  later:
    image: shadow-csms:0.1.0
    command: [codes]
    depends_on: {{sleeper: {{condition: service_completed_successfully}}}}
"""
BAD = """
services:
  tap:
    image: shadow-csms:0.1.0
    command: [tap]
    environment: {SHADOW_LISTEN_PORT: "9310", SHADOW_MONITOR_PORT: "9400", SHADOW_DATA_DIR: /data}
    healthcheck: {test: [CMD, python, -m, app.stack.probe, monitor]}
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Running]]:
    """Stacks of the test, all gone after it."""
    running: list[Running] = []
    yield running
    for one in running:
        one.kill()


def _stack(started: list[Running], tmp_path: Path, *arguments: object, **variables: str) -> Running:
    process = subprocess.Popen(
        [sys.executable, "-m", "app.stack.runner", *map(str, arguments)],
        cwd=tmp_path,
        env=environment(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Running(process)
    started.append(running)
    threading.Thread(target=running._listen, daemon=True).start()
    return running


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "compose.yml"
    path.write_text(text)
    return path


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


@pytest.mark.kafka
@pytest.mark.drill
def test_the_whole_system_runs_as_it_is_written(started: list[Running], tmp_path: Path) -> None:
    """From the fleet to the dashboard everything works together; SIGTERM ends all, and what was stored is kept."""
    try:
        libraries()
    except BrokerError as error:
        pytest.skip(f"no Kafka: {error}")
    data = tmp_path / "data"

    stack = _stack(started, tmp_path, "--profile", "demo", "--data", data, SHADOW_TICK_SECONDS="0.5")
    stack.said("everything is up", 120)
    for name in ("tap", "worker", "sink"):
        monitor = stack.said(rf"^  {name} .*monitor on (http://[\d.:]+)/metrics")[1]
        assert '"state":' in _get(f"{monitor}/readyz")
        assert 'shadow_build_info{python="3.11' in _get(f"{monitor}/metrics")
    dashboard = stack.said(r"^  dashboard .*open (http://[\d.:]+)")[1]
    assert "<title>" in _get(dashboard)
    stack.said(r"[1-9]\d* frames stored, [1-9]\d* sessions compared, [1-9]\d* codes open", 60)
    processes = family(stack.process.pid)
    for what in ("app.cli tap", "app.cli worker", "app.cli sink", "app.page", "-m demo", "kafka.Kafka", "embedded"):
        assert any(what in line for line in processes.values()), what

    assert stack.stop(signal.SIGTERM) == 0
    assert [line for pid, line in processes.items() if alive(pid, line)] == []

    with EmbeddedEngine(data / "clickhouse") as engine, Store.connect(engine.url()) as store:
        assert stored_frames(store) > 0
        assert compared_sessions(store) > 0
        assert {code for _, code in open_codes(store)}
    assert "published" in (data / "logs" / "tap.log").read_text()


@pytest.mark.drill
def test_the_embedded_container_runs_as_it_is_written(started: list[Running], tmp_path: Path) -> None:
    """The service of profile `embedded` comes up alone, serves its pages, and ends on Ctrl-C."""
    stack = _stack(started, tmp_path, "shadow", "--data", tmp_path / "data", SHADOW_UPSTREAM="ws://127.0.0.1:1")
    stack.said("everything is up", 90)
    place = stack.said(r"^  shadow +charging stations connect to ws://127.0.0.1:\d+/ID, open (http://[\d.:]+), process")
    assert "<title>" in _get(place[1])

    assert stack.stop(signal.SIGINT) == 0


def test_a_service_that_cannot_run_ends_the_stack_with_its_words(started: list[Running], tmp_path: Path) -> None:
    """Exit code 1, the service's name and its last words, and its log is kept."""
    stack = _stack(started, tmp_path, "--file", _file(tmp_path, BAD), "--data", tmp_path / "data")

    assert stack.process.wait(30) == 1
    assert stack.said("^stack: tap ended with exit code 2")
    assert stack.said("^shadow-csms: .*upstream")
    assert stack.said(f"the logs are kept in {tmp_path / 'data' / 'logs'}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_while_it_comes_up(started: list[Running], tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end what was started so far, without waiting for what it waits for."""
    stack = _stack(started, tmp_path, "--file", _file(tmp_path, SLOW))
    sleeper, line = until(lambda: next(_sleepers(stack), None), 20, "the first service runs")

    assert stack.stop(number, 20) == 0
    assert not alive(sleeper, line)
    assert stack.said("told to stop while it came up")


def test_services_do_not_outlive_a_killed_stack(started: list[Running], tmp_path: Path) -> None:
    """Kill -9 leaves nothing behind: Linux tells the services that whoever started them is gone."""
    stack = _stack(started, tmp_path, "--file", _file(tmp_path, SLOW), "--data", tmp_path / "data")
    sleeper, line = until(lambda: next(_sleepers(stack), None), 20, "the first service runs")

    stack.kill()

    until(lambda: not alive(sleeper, line), 10, "the service is gone")


def _sleepers(stack: Running) -> Iterator[tuple[int, str]]:
    for pid, line in family(stack.process.pid).items():
        if SLEEPER in line and "setpriv" not in line:
            yield pid, line


def test_a_service_that_dies_is_noticed(tmp_path: Path) -> None:
    """What was up and is gone is named, with its exit code; stopping says that it did not end cleanly."""
    services = list(read(ONE, {}).values())
    with Stack(services, tmp_path, threading.Event()) as stack:
        stack.start()
        stack.check()
        part = stack.parts["sleeper"]
        assert part.pid is not None
        os.kill(part.pid, signal.SIGKILL)
        until(part.ended, 10, "the service is gone")

        with pytest.raises(PartError, match="sleeper ended with exit code -9"):
            stack.check()
        assert stack.stop_parts() == [part]


def test_settings_of_the_caller_do_not_leak_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As into a container, only what the file hands on gets into a service."""
    monkeypatch.setenv("SHADOW_CURRENCY", "XXX")
    monkeypatch.setenv("SHADOW_SKEW_SECONDS", "77")
    text = ONE.replace(f'"{SLEEPER}"', "\"import os; print(sorted(k for k in os.environ if k[:6] == 'SHADOW'))\"")
    services = list(read(text + "    environment: {SHADOW_SKEW_SECONDS: }\n", os.environ).values())

    with Stack(services, tmp_path, threading.Event()) as stack:
        stack.start()
        part = stack.parts["sleeper"]
        until(part.ended, 20, "it has said what it sees")
        assert part.last_line() == "['SHADOW_SKEW_SECONDS']"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: [", "cannot be read as a compose file"),
        (None, "No such file"),
        (SLOW.replace("sleeper: {c", "absent: {c"), "later can never start"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_in_a_line(
    started: list[Running], tmp_path: Path, text: str | None, words: str
) -> None:
    """Exit code 2, and nothing is started."""
    path = tmp_path / "absent.yml" if text is None else _file(tmp_path, text)
    stack = _stack(started, tmp_path, "--file", path)

    assert stack.process.wait(20) == 2
    assert stack.said(f"^stack: {re.escape(str(path))}: .*{words}")
