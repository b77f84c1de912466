"""`make kafka-check`: the integration tests and drills that need Kafka, against one that is started for them.

    python -m app.stack.kafka_check [--long] [ARGUMENTS OF PYTEST]

The last line is the summary, `N passed, N failed, N skipped`. The status is 0 where something passed, nothing failed
and nothing was left running.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final, NamedTuple

from app.stack.broker import Broker, BrokerError

__all__ = ["Counts", "counts", "main"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_CHILD_SUBREAPER: Final = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): whoever loses its parent becomes a child of this process, and is found."""


class Counts(NamedTuple):
    """What a run of pytest came to; an error beside a test counts as failed."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def counts(report: Path) -> Counts:
    """Read pytest's JUnit report; one that is missing or cut off is a run that failed."""
    try:
        suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - written by the pytest that we started
        found = [[int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")] for suite in suites]
    except (OSError, ET.ParseError):
        return Counts(0, 1, 0)
    total, failures, errors, skipped = (sum(column) for column in zip(*found, strict=True)) if found else (0, 0, 0, 0)
    return Counts(total - failures - errors - skipped, failures + errors, skipped)


def main(arguments: list[str]) -> int:
    """Run them. 0 where all is well, 1 where something failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m app.stack.kafka_check", description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="the long rounds too, which take many minutes")
    options, others = parser.parse_known_args(arguments)
    adopting = _adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="shadow-kafka-check-") as temporary:
        directory = Path(temporary)
        try:
            with Broker(directory / "kafka") as broker:
                print(f"KAFKA_BOOTSTRAP={broker.bootstrap}", flush=True)
                status = _pytest(directory, broker.bootstrap, others, long=options.long)
        except BrokerError as error:
            print(f"kafka-check: {error}", file=sys.stderr)
            print(Counts(0, 1, 0))
            return 1
        except KeyboardInterrupt:
            status = 130
        result = counts(directory / "report.xml")
        left = _end_children() if adopting else []
    for line in left:
        print(f"kafka-check: left running and ended now: {line}", file=sys.stderr)
    sys.stderr.flush()
    print(result, flush=True)
    if status == 130:
        return 130
    return 0 if status == 0 and result.passed and not result.failed and not left else 1


def _pytest(directory: Path, bootstrap: str, others: list[str], *, long: bool) -> int:
    command = [sys.executable, "-m", "pytest", "-m", "kafka and (long or not long)" if long else "kafka and not long"]
    command += [f"--basetemp={directory / 'tests'}", f"--junitxml={directory / 'report.xml'}", *others]
    if long:
        command.append("--timeout=1800")
    environment = {**os.environ, "KAFKA_BOOTSTRAP": bootstrap}
    with subprocess.Popen(command, cwd=_ROOT, env=environment) as running:
        try:
            return running.wait()
        except KeyboardInterrupt:
            running.wait()  # it had the Ctrl-C too, and takes down what it has started
            raise


def _adopt_orphans() -> bool:
    """Become the parent of what tests leave behind; False where the system cannot do that."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _end_children() -> list[str]:
    """End what still runs below this process; gives the command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) != os.getpid():
                continue
            if state != "Z":
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip())
                os.kill(int(entry.name), signal.SIGKILL)
            os.waitpid(int(entry.name), 0)
        except (OSError, ValueError):
            continue  # it has just gone
    return found


def _terminated(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(main(sys.argv[1:]))
