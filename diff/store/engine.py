"""Starts, watches and stops the embedded ClickHouse."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from diff.store.embedded import PASSWORD_VARIABLE, READY

__all__ = ["EmbeddedEngine", "EngineStartError"]

_log = logging.getLogger(__name__)
_ROOT: Final = Path(__file__).resolve().parents[2]


class EngineStartError(Exception):
    """The engine did not come up; the text is its own line, with what to do."""


class EmbeddedEngine:
    """The engine on one directory, as a child process that cannot outlive this one.

    Use it as a context manager, or call `start` and `stop`. Port and password stay the same over `restart`, so
    clients that hold the URL reconnect by themselves.
    """

    def __init__(self, path: Path | str, *, port: int = 0, start_timeout: float = 60.0) -> None:
        self.path = Path(path)
        self.host = "127.0.0.1"
        self.port = port
        self._password = secrets.token_urlsafe(18)
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self._said: deque[str] = deque(maxlen=20)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id while it was started and not stopped."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = "shadow") -> str:
        """What `Store.connect` takes. Holds the password of this engine: not for logs."""
        return f"clickhouse://shadow:{self._password}@{self.host}:{self.port}/{database}"

    def start(self) -> None:
        """Start the process and wait until it answers. Raises `EngineStartError`."""
        if self.alive:
            return
        self._ready.clear()
        self._said.clear()
        # -P: a folder `diff` in the working directory must not be taken for ours.
        command = [sys.executable, "-P", "-m", "diff.store.embedded", "--with-parent"]
        command += ["--path", str(self.path.resolve()), "--port", str(self.port)]
        environment = os.environ | {PASSWORD_VARIABLE: self._password, "PYTHONUNBUFFERED": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        # A session of its own: Ctrl-C goes to the foreground group, and the writer still has to flush after it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self._process = process
        assert process.stdout is not None
        listener = threading.Thread(target=self._listen, args=(process.stdout,), daemon=True, name="store-engine")
        listener.start()
        self._await(process, listener)

    def stop(self, timeout: float = 20.0) -> None:
        """Stop the process; what was flushed stays in the directory."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            _log.warning("the store engine did not stop within %s s and is killed", timeout)
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def restart(self) -> None:
        """Start it again on the same port, if it does not run. Raises `EngineStartError`."""
        if not self.alive:
            self.stop()
            self.start()

    def _await(self, process: subprocess.Popen[str], listener: threading.Thread) -> None:
        deadline = time.monotonic() + self._start_timeout
        while not self._ready.wait(0.05):
            if process.poll() is not None:
                listener.join(5)
                said = list(self._said) or [f"store engine: it ended with status {process.returncode} and said nothing"]
                self.stop()
                # The last line is the engine's own; what chDB printed before it is the reason, where there is one.
                raise EngineStartError("; before that: ".join(reversed(said[-2:])))
            if time.monotonic() > deadline:
                self.stop()
                raise EngineStartError(f"store engine: not ready within {self._start_timeout} s on {self.path}")

    def _listen(self, stream: IO[str]) -> None:
        """Read what the process says for as long as it runs, so that its pipe never fills."""
        with stream:
            for line in stream:
                words = line.split()
                if words[:1] == [READY] and len(words) == 3:
                    self.port = int(words[2])
                    self._ready.set()
                elif line.strip():
                    self._said.append(line.strip())
                    # Before it is ready this is what the error of `start` will say, and it is said once.
                    level = logging.WARNING if self._ready.is_set() else logging.DEBUG
                    _log.log(level, "store engine: %s", line.strip())
