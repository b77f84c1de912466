"""The command line as a user starts it, in processes of their own: what tests and drills of the runtime share."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from diff.store.client import Store
from tests import preloaded

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "app.cli")
HORIZON_PASSED = 4.0
"""Seconds after which the reorder horizon of the last frame has passed, and a tick has come that says so."""

QUICK = {
    "SHADOW_TICK_SECONDS": "0.5",
    "SHADOW_UNANSWERED_SECONDS": "6",
    "SHADOW_SLOW_ANSWER_SECONDS": "6",
    "SHADOW_SETTLE_MISSING_SECONDS": "6",
    "SHADOW_SETTLE_REBOOT_SECONDS": "6",
}
"""Settings under which a verdict about something that is missing does not take a quarter of an hour."""


@dataclass(frozen=True)
class Outcome:
    """What a command that ended left behind."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)

    @property
    def lines(self) -> list[str]:
        """Of stderr."""
        return self.err.splitlines()


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """This process's environment without settings of whoever runs the tests."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SHADOW_")}
    plain = {"COLUMNS": "200", "NO_COLOR": "1", "SHADOW_LOG_FORMAT": "text"}
    return {**bare, "PYTHONPATH": str(ROOT), **plain, **(extra or {})}


def call(
    arguments: Sequence[object],
    cwd: Path,
    env: dict[str, str] | None = None,
    stdin: bytes = b"",
    seconds: float = 60,
) -> Outcome:
    """Run a command to its end."""
    code, out, err = preloaded.run([*map(str, arguments)], cwd, environment(env), stdin, seconds)
    return Outcome(code, out, err.decode())


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for something to be true and give it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def family(pid: int) -> dict[int, str]:
    """Command lines of all living descendants of a process."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found: dict[int, str] = {}
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted} - found.keys()
        found |= {child: _command_line(child) for child in wanted}
    return found


def _command_line(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def alive(pid: int, command_line: str) -> bool:
    """Whether it is still that process: not gone, no zombie, no other one under its number."""
    return bool(command_line) and _command_line(pid) == command_line


@dataclass
class Running:
    """A command that goes on until it is told to stop."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    """Of stderr, so far."""

    @classmethod
    def start(cls, arguments: Sequence[object], cwd: Path, env: dict[str, str] | None = None) -> "Running":
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        running = cls(process)
        threading.Thread(target=running._listen, daemon=True).start()
        return running

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.lines.extend(map(str.rstrip, iter(stream.readline, "")))

    def said(self, pattern: str, seconds: float = 40) -> re.Match[str]:
        """Wait for a line on stderr."""

        def look() -> re.Match[str] | None:
            for line in list(self.lines):
                if match := re.search(pattern, line):
                    return match
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} before it said {pattern}: {self.lines}")
            return None

        return until(look, seconds, f"{pattern} on stderr; it said {self.lines}")

    @property
    def tap_port(self) -> int:
        return int(self.said(r"^tap on \S+:(\d+)")[1])

    def part(self, module: str) -> int:
        """The process that runs a module of ours, for example `app.worker`."""

        def look() -> int | None:
            for pid, line in family(self.process.pid).items():
                if f"-m {module} " in line:
                    return pid
            return None

        return until(look, 20, f"a process of {module}")

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        """Send a signal and wait for the end; gives the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Held:
    """What a store holds, or what a replay says: the same shape, so that they can be set against each other."""

    sessions: dict[str, tuple[Any, ...]]
    discrepancies: dict[str, tuple[Any, ...]]

    @classmethod
    def of_store(cls, store: Store) -> "Held":
        """The newest versions. Raises AssertionError where an id stands twice."""
        sessions = store.rows("SELECT * FROM sessions FINAL")
        rows = store.rows("SELECT * FROM discrepancies FINAL")
        held = cls(
            {row["session_id"]: _session(row) for row in sessions},
            {row["id"]: _discrepancy(row, row["status"]) for row in rows},
        )
        assert (len(held.sessions), len(held.discrepancies)) == (len(sessions), len(rows))
        return held

    @classmethod
    def of_replay(cls, document: Any) -> "Held":
        """What `replay --json` printed."""
        found = {row["id"]: _discrepancy(row, "open") for row in document["discrepancies"]}
        found |= {row["id"]: _discrepancy(row, "withdrawn") for row in document["withdrawn"]}
        return cls({row["session_id"]: _session(row) for row in document["sessions"]}, found)


def _session(row: dict[str, Any]) -> tuple[Any, ...]:
    names = (
        "charger_id", "connector_id", "evse_id", "primary_transaction_id", "shadow_transaction_id", "id_token",
        "stop_reason", "complete",
    )  # fmt: skip
    return (*(row[name] for name in names), _exact(row["primary_energy_wh"]), _exact(row["shadow_energy_wh"]))


def _discrepancy(row: dict[str, Any], status: str) -> tuple[Any, ...]:
    names = (
        "charger_id", "code", "session_id", "path", "primary", "shadow", "unit", "fingerprint", "detail", "occurrences",
    )  # fmt: skip
    return (status, *(row[name] for name in names), _exact(row["delta"]), tuple(row["frames"]))


def _exact(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
