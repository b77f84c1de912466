"""The engine as a process: starting, refusing to start, ending with its parent, and what survives a hard end."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from diff.store.client import Store
from diff.store.embedded import PASSWORD_VARIABLE, main
from diff.store.engine import EmbeddedEngine, EngineStartError
from diff.store.errors import StoreUnavailable
from diff.store.spool import open_spool

ROOT = Path(__file__).resolve().parents[3]


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pid: int) -> bool:
    """Whether no such process runs; an orphan that nobody has reaped yet has ended too."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.drill
def test_what_was_flushed_survives_a_kill_and_the_client_comes_back(tmp_path: Path) -> None:
    """After kill -9 the store says so with a delay that grows; restarted on the same port, all rows are there."""
    with EmbeddedEngine(tmp_path / "data") as engine, Store.connect(engine.url()) as store:
        store.migrate()
        columns = ("charger_id", "connection_id", "seq", "received_at", "text")
        store.insert("frames", columns, [("C", "C@0", n, 1_700_000_000_000_000 + n, "x") for n in range(5_000)])
        port = engine.port
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        assert eventually(lambda: not engine.alive)
        with pytest.raises(StoreUnavailable) as first:
            store.execute("SELECT 1")
        with pytest.raises(StoreUnavailable) as second:
            store.execute("SELECT 1")
        assert 0 < first.value.retry_after < second.value.retry_after
        assert not store.ping()
        engine.restart()
        assert engine.port == port
        assert store.execute("SELECT count(), uniqExact(seq) FROM frames FINAL") == [(5_000, 5_000)]


@pytest.mark.drill
def test_a_second_life_on_the_same_directory_finds_the_rows(tmp_path: Path) -> None:
    """A clean stop and a new start, on another port, keep the data and need no further migration."""
    with EmbeddedEngine(tmp_path / "data") as engine, Store.connect(engine.url()) as store:
        assert store.migrate()
        store.insert("dead_letters", ("charger_id", "id"), [("C", "1")])
    with EmbeddedEngine(tmp_path / "data") as engine, Store.connect(engine.url()) as store:
        assert store.migrate() == []
        assert store.execute("SELECT count() FROM dead_letters") == [(1,)]


@pytest.mark.drill
def test_the_engine_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """Kill -9 of the parent leaves no orphan that holds the directory."""
    script = (
        "import sys, time; from diff.store.engine import EmbeddedEngine\n"
        "engine = EmbeddedEngine(sys.argv[1]); engine.start(); print(engine.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        engine_pid = int(parent.stdout.readline())
        assert not gone(engine_pid)
        parent.kill()
    assert eventually(lambda: gone(engine_pid))
    with EmbeddedEngine(tmp_path / "data") as engine:
        assert engine.alive


@pytest.mark.drill
def test_sigterm_ends_it_cleanly_and_takes_the_port_file_away(tmp_path: Path) -> None:
    """Run by hand, it says its port on stdout and in the file, and SIGTERM ends it with status 0."""
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "diff.store.embedded"]
    command += ["--path", str(tmp_path / "data"), "--port-file", str(port_file)]
    environment = os.environ | {PASSWORD_VARIABLE: ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        assert process.stdout is not None
        word, host, port = process.stdout.readline().split()
        assert (word, host) == ("ready", "127.0.0.1")
        assert port_file.read_text() == f"{port}\n"
        with Store.connect(f"clickhouse://{host}:{port}/default") as store:
            assert store.ping()
            process.terminate()
            assert process.wait(20) == 0
    assert not port_file.exists()


@pytest.mark.drill
def test_a_directory_in_use_is_named_with_its_owner(tmp_path: Path) -> None:
    """A second engine on one directory does not start, and says which process has it and what to do."""
    with EmbeddedEngine(tmp_path / "data") as engine:
        with pytest.raises(EngineStartError, match=rf"in use by process {engine.pid}: stop that one, connect to it"):
            EmbeddedEngine(tmp_path / "data").start()
        with Store.connect(engine.url("default")) as store:
            assert store.ping()


@pytest.mark.drill
def test_a_taken_port_is_named_with_the_next_step(tmp_path: Path) -> None:
    """A port that another program has is said in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EngineStartError, match=rf"port {port} on 127.0.0.1 cannot be had .*choose another, or 0"):
            EmbeddedEngine(tmp_path / "data", port=port).start()


@pytest.mark.drill
def test_a_directory_that_another_program_holds_is_one_line(tmp_path: Path) -> None:
    """A directory that something else than this engine opened with chDB is named in one line, without a traceback."""
    script = (
        "import sys; from chdb.session import Session\n"
        "session = Session(sys.argv[1]); session.query('SELECT 1'); print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(EngineStartError) as refusal:
            EmbeddedEngine(tmp_path / "data").start()
        holder.kill()
    assert "chDB cannot open the directory" in str(refusal.value)
    assert "stop the other program that holds it" in str(refusal.value)
    assert "Cannot lock file" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("blocked", ["file", "proc"])
def test_an_unwritable_directory_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], blocked: str) -> None:
    """A path that cannot be made or written to is said in one line with the next step, and the status is 2."""
    (tmp_path / "file").write_text("")
    path = {"file": tmp_path / "file" / "data", "proc": Path("/proc/nowhere")}[blocked]
    assert main(["--path", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"store engine: {path} cannot be written (")
    assert said.endswith("give a directory that this user may write to\n")
    assert said.count("\n") == 1


@pytest.mark.drill
def test_the_lock_is_private_and_the_password_is_not_on_the_command_line(tmp_path: Path) -> None:
    """Other users can neither read the lock nor see the password in the process list."""
    with EmbeddedEngine(tmp_path / "data") as engine:
        assert stat.S_IMODE((tmp_path / "data" / "engine.lock").stat().st_mode) == 0o600
        secret = engine.url().split(":")[2].split("@")[0]
        assert len(secret) >= 20
        assert secret not in Path(f"/proc/{engine.pid}/cmdline").read_text()


def test_stop_twice_and_start_twice_are_harmless(tmp_path: Path) -> None:
    """Starting a running engine and stopping a stopped one change nothing."""
    engine = EmbeddedEngine(tmp_path / "data")
    engine.stop()
    engine.start()
    pid = engine.pid
    engine.start()
    assert engine.pid == pid
    engine.stop()
    engine.stop()
    assert engine.pid is None
    assert not engine.alive


@pytest.mark.parametrize("kind", ["memory", "temporary"])
def test_a_spool_holds_what_is_written_until_it_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """With and without memory files: the path shows the bytes, emptying starts anew, nothing is left behind."""
    if kind == "temporary":
        monkeypatch.delattr(os, "memfd_create")
    with open_spool(tmp_path) as spool:
        spool.write(b"abc")
        spool.write(b"def")
        assert Path(spool.path).read_bytes() == b"abcdef"
        assert spool.size == 6
        spool.empty()
        spool.write(b"x")
        assert Path(spool.path).read_bytes() == b"x"
        assert len(list(tmp_path.iterdir())) == (kind == "temporary")
    assert list(tmp_path.iterdir()) == []
