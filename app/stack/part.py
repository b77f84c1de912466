"""One service of a compose file as a process of this machine: started, asked how it is, stopped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from app.stack.compose import Service
from app.stack.loopback import Loopback

__all__ = ["Part", "PartError"]

_ROOT: Final = str(Path(__file__).resolve().parents[2])
_ENTRYPOINT: Final = ("python", "-m", "app.cli")
"""What `shadow-csms`, the entry point of our image, is."""
_PROBE_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 60.0
"""As the services' `stop_grace_period`."""
_CLEAN: Final = frozenset({0, 130})
"""130 is how a command says that it was told to end before it was through."""
_LAST_LINES: Final = 12


class PartError(Exception):
    """A service died, failed or is not well; the message says which, and what it said last."""


class Part:
    """The process of one service of ours."""

    def __init__(self, service: Service, at: Loopback, directory: Path, *, once: bool) -> None:
        """`once`: it is to run to its end before others start."""
        self.service = service
        self.once = once
        self.healthy = False
        self.word = ""
        """What the health check said last."""
        self.log = directory / "logs" / f"{service.name}.log"
        self._words = [*_command(service.entrypoint or _ENTRYPOINT), *at.words(service)]
        self._probe = _command(service.probe) if service.probe else []
        self._environment = _environment(at.environment(service))
        self._home = directory / "services" / service.name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id since it was started."""
        return None if self._process is None else self._process.pid

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it. Both its outputs go to `log`."""
        self._home.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # Linux ends it in order when this process ends, however that ends.
        lifeline = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches this process only, which then stops all in order.
            self._process = subprocess.Popen(
                [*lifeline, *self._words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
                env=self._environment,
                start_new_session=True,
            )

    def ended(self) -> bool:
        """Whether it is through."""
        return self.code is not None

    def check(self) -> None:
        """Raises `PartError` where it has ended."""
        if self.ended():
            raise PartError(self.obituary())

    def probe(self) -> bool:
        """Run its health check once."""
        try:
            done = subprocess.run(
                self._probe,
                env=self._environment,
                cwd=self._home,
                capture_output=True,
                text=True,
                timeout=_PROBE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self.word, self.healthy = f"the health check took longer than {_PROBE_SECONDS:g} s", False
        else:
            self.word, self.healthy = (done.stdout or done.stderr).strip(), done.returncode == 0
        return self.healthy

    def stop(self) -> bool:
        """Ask it to end and wait; kill it where it does not in time. Whether it ended cleanly."""
        if self._process is None:
            return True
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return self.code in _CLEAN

    def obituary(self) -> str:
        """That it ended, and what it said last."""
        return f"{self.service.name} ended with exit code {self.code}; {self.log} ends with\n{self.tail()}"

    def tail(self) -> str:
        """The last lines that it wrote."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-_LAST_LINES:])

    def last_line(self) -> str:
        """The last line that it wrote."""
        return self.tail().rpartition("\n")[2]


def _command(words: tuple[str, ...]) -> list[str]:
    """The words with this Python, in which a folder of the working directory is not taken for one of our packages."""
    return [sys.executable, "-P", *words[1:]] if words[0] == "python" else list(words)


def _environment(given: dict[str, str]) -> dict[str, str]:
    """As in a container: no setting of whoever starts it gets in but through the compose file."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SHADOW_")}
    path = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
    return {**bare, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **given}
