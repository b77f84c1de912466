"""Commands that cannot begin or are ended: one line that says what to do, an exit code, and nothing left running."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.conftest import Cli, Start
from tests.running import Outcome, Running, alive, family, until

UPSTREAM = ("--upstream", "ws://127.0.0.1:9")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _one_line(done: Outcome, *parts: str) -> None:
    """Exit code 2, and exactly one line that begins with the command's name and holds these words."""
    assert (done.code, done.out) == (2, b"")
    (line,) = done.lines
    assert line.startswith("shadow-csms: ")
    for part in parts:
        assert part in line


@pytest.mark.parametrize("command", ["run", "record"])
def test_a_taken_port_of_the_tap(cli: Cli, taken: int, command: str) -> None:
    """Address, reason, and that another port may be named."""
    arguments = (command, *UPSTREAM, "--listen-port", taken, *(("--no-dashboard",) if command == "run" else ()))
    _one_line(cli(*arguments), f"cannot listen on 127.0.0.1:{taken}: Address already in use", "0 for any free port")


@pytest.mark.parametrize("command", [("run", *UPSTREAM), ("dashboard",), ("demo", "--seconds", "20")])
def test_a_taken_port_of_the_dashboard(cli: Cli, tmp_path: Path, taken: int, command: tuple[str, ...]) -> None:
    """It is found before anything is started, and the setting is named."""
    done = cli(*command, "--dashboard-port", taken)
    _one_line(
        done, f"cannot listen on 127.0.0.1:{taken}: Address already in use", "dashboard_port (0 takes a free one)"
    )
    assert not (tmp_path / "data" / "store").exists()


@pytest.mark.parametrize("command", [("run", *UPSTREAM, "--no-dashboard"), ("record", *UPSTREAM), ("dashboard",)])
def test_a_data_directory_that_is_a_file(cli: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    """The directory is named, with the flag that names another."""
    (tmp_path / "occupied").touch()
    _one_line(cli(*command, "--data-dir", "occupied"), "occupied: File exists", "--data-dir")


def test_a_data_directory_without_the_right_to_write(cli: Cli, tmp_path: Path) -> None:
    """As above, for permissions."""
    if os.geteuid() == 0:
        pytest.skip("permissions do not bind root: run the tests as another user")
    (tmp_path / "locked").mkdir(mode=0o500)
    _one_line(
        cli("run", *UPSTREAM, "--no-dashboard", "--data-dir", "locked"), "locked: Permission denied", "--data-dir"
    )


@pytest.mark.parametrize(
    ("upstream", "said"),
    [
        ((), "give it as ws://HOST:PORT"),
        (
            ("--upstream", "http://csms.example"),
            "'http://csms.example' is no WebSocket address; give it as ws://HOST:PORT",
        ),
        (("--upstream", "ws://csms.example:http"), "give it as ws://HOST:PORT"),
        (("--upstream", "ws://me:topsecret@csms.example"), "credentials in the address are not used"),
    ],
    ids=["none", "http", "port", "credentials"],
)
@pytest.mark.parametrize("command", ["run", "record"])
def test_an_upstream_that_cannot_be_used(cli: Cli, command: str, upstream: tuple[str, ...], said: str) -> None:
    """Why, the form that is expected, and no password repeated."""
    done = cli(command, *upstream)
    _one_line(done, said)
    assert "topsecret" not in done.err


@pytest.mark.parametrize(
    "command", [("run", *UPSTREAM, "--no-dashboard"), ("dashboard",), ("replay", "--store", os.devnull)]
)
def test_a_store_that_is_away(cli: Cli, command: tuple[str, ...]) -> None:
    """A closed port in place of ClickHouse: its address without the password, and what to do."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        env = {"SHADOW_STORE_URL": f"clickhouse://me:topsecret@127.0.0.1:{port}/shadow"}
        done = cli(*command, env=env)
    _one_line(done, f"clickhouse://me@127.0.0.1:{port}/", "Connection refused", "start it, or correct store_url")
    assert "topsecret" not in done.err


def test_a_store_that_another_process_holds(cli: Cli, start: Start, tmp_path: Path) -> None:
    """A second `run` on the same data directory says who holds it; the first one goes on."""
    first = start("run", *UPSTREAM, "--no-dashboard", "--listen-port", "0")
    first.said("^tap on")
    done = cli("run", *UPSTREAM, "--no-dashboard", "--listen-port", "0")
    _one_line(done, "in use by process", "give another directory")
    assert first.process.poll() is None
    assert first.stop() == 0


def test_a_bad_enrolment_file_and_a_bad_key(cli: Cli, tmp_path: Path) -> None:
    """Files that decide whom the tap mirrors, and how it redacts, are read before anything is forwarded."""
    (tmp_path / "enrolment.toml").write_text("[[rule]\n")
    _one_line(cli("record", *UPSTREAM, "--listen-port", "0", "--enrolment-file", "enrolment.toml"), "enrolment.toml")
    (tmp_path / "key.json").write_text("{}")
    env = {"SHADOW_REDACTION_KEY_FILE": "key.json"}
    _one_line(cli("record", *UPSTREAM, "--listen-port", "0", env=env), "key.json")


def _gone(running: Running, relatives: dict[int, str]) -> None:
    """Neither it nor any process that it had started lives on."""
    until(lambda: not any(alive(*one) for one in relatives.items()), 20, f"the end of {relatives}")
    assert running.process.poll() is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("command", ["run", "record"])
def test_a_signal_ends_in_good_order(start: Start, tmp_path: Path, command: str, number: signal.Signals) -> None:
    """Exit code 0, no traceback, all parts gone, and the journal closed behind a whole line."""
    options = ("--no-dashboard",) if command == "run" else ()
    running = start(command, *UPSTREAM, "--listen-port", "0", *options, env={"SHADOW_TICK_SECONDS": "0.2"})
    running.said("^tap on")
    relatives = family(running.process.pid)
    assert len(relatives) == {"run": 3, "record": 1}[command]
    time.sleep(0.6)
    assert running.stop(number) == 0
    _gone(running, relatives)
    assert "Traceback" not in "".join(running.lines)
    (journal,) = (tmp_path / "data/journal").glob("*.jsonl")
    assert b'"kind":"tick"' in journal.read_bytes()
    assert journal.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_while_coming_up(start: Start, number: signal.Signals) -> None:
    """Before the tap stands a signal ends the start: exit code 130, no traceback, no process left behind."""
    running = start("run", *UPSTREAM, "--no-dashboard", "--listen-port", "0")
    engine = running.part("diff.store.embedded")
    relatives = family(running.process.pid)
    assert engine in relatives
    assert running.stop(number) == 130
    _gone(running, relatives)
    assert running.lines == []


def test_a_folder_of_the_same_name_does_no_harm(start: Start, tmp_path: Path) -> None:
    """`run` from a directory that holds folders `app`, `ingest` and `diff` of somebody else starts all its parts."""
    for name in ("app", "ingest", "diff", "shadow", "dashboard"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the wrong one')\n")
    # The command itself is started as its console script is: without the working directory on the path.
    running = start("run", *UPSTREAM, "--no-dashboard", "--listen-port", "0", env={"PYTHONSAFEPATH": "1"})
    running.said("^tap on")
    for module in ("app.worker", "diff.store.embedded", "ingest.tap.parser"):
        assert running.part(module)
    assert running.stop() == 0
    assert not [line for line in running.lines if "again" in line or "wrong" in line]
