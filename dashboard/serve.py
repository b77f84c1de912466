"""Starts the pages in a process of their own: for the command line, the demo, pictures and browser tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from dashboard.settings import CURRENCY, PRICE, SECRETS_FILE, STORE_URL

__all__ = ["PagesStartError", "Served", "command", "environment"]

_APP: Final = Path(__file__).with_name("front.py")
_HEALTH: Final = "_stcore/health"
_LAST_LINES: Final = 5


class PagesStartError(Exception):
    """The pages did not come up; the text holds their last words."""


def command(
    port: int, address: str = "127.0.0.1", settings: Mapping[str, str] = os.environ, *, app: Path = _APP
) -> list[str]:
    """What starts the pages in the foreground. What else is set stands in `.streamlit/config.toml` beside the app.

    `settings`: the environment that they will have. `app`: other pages, for a comparison.
    """
    flags = {"server.port": port, "server.address": address, "server.headless": "true"}
    flags["browser.gatherUsageStats"] = "false"
    if secrets := settings.get(SECRETS_FILE):  # the sign-in: docs/dashboard.md
        flags["secrets.files"] = secrets
    options = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "streamlit", "run", str(app), *options]


def environment(store_url: str, price_per_kwh: str = "", currency: str = "") -> dict[str, str]:
    """What the pages need to know, to be added to the environment of their process. Holds the store's password."""
    given = {STORE_URL: store_url, PRICE: price_per_kwh, CURRENCY: currency}
    return {name: value for name, value in given.items() if value}


class Served:
    """The pages on a port, for as long as the `with` block lasts."""

    def __init__(self, port: int, settings: dict[str, str], *, start_timeout: float = 60.0, app: Path = _APP) -> None:
        """`settings`: what `environment` gives; `app`: other pages, for a comparison."""
        self.url = f"http://127.0.0.1:{port}/"
        self._environment = os.environ | settings
        self._command = command(port, settings=self._environment, app=app)
        self._timeout = start_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[Any] | None = None

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._await(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """What the process has written so far."""
        if self._said is None:
            return ""
        self._said.seek(0)
        return bytes(self._said.read()).decode(errors="replace")

    def stop(self, timeout: float = 10.0) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        said, self._said = self._said, None
        if said is not None:
            said.close()

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._timeout
        while not _answers(self.url + _HEALTH):
            if process.poll() is not None or time.monotonic() > deadline:
                words = " ".join(deque(self.said().split("\n"), maxlen=_LAST_LINES)).strip()
                raise PagesStartError(f"the pages did not start at {self.url}: {words or 'they said nothing'}")
            time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
