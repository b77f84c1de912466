"""Commands in processes that are forked from one that has imported the command line already.

Python and our imports take longer than most commands do. Every command still has a process of its own: its directory,
environment, three streams, and its end. The fork server has no threads, so forking is safe. What a command does not
share with one started from a shell is only the import. Commands that go on are started as a user starts them.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "app.cli",
        "app.replaying",
        "app.sources",
        "app.storing",
        "app.watch.metrics",
        "clickhouse_driver",
        "clickhouse_driver.client",
        "diff.store.gating",
        "diff.store.queries",
        "kafka",
        "shadow.schema",
        "tests.preloaded",
    ]
)


def run(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: bytes, seconds: float
) -> tuple[int, bytes, bytes]:
    """Run `shadow-csms` with these arguments to its end: exit code, stdout, stderr."""
    with tempfile.TemporaryDirectory() as directory:
        streams = [Path(directory) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_bytes(stdin)
        process = _context.Process(target=_command, args=(arguments, cwd, dict(environment), streams))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), seconds, streams[1].read_bytes(), streams[2].read_bytes())
        code = process.exitcode
        process.close()
        return code, streams[1].read_bytes(), streams[2].read_bytes()


def _command(arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], streams: Sequence[Path]) -> None:
    for number, path in enumerate(streams):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - they live as long as the process
        for number, mode in enumerate("rww")
    )
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["shadow-csms", *arguments]
    from app.cli import main

    main()
