"""Children that cannot outlive their parent: each holds one end of a pipe and ends when the other end goes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["WITH_PARENT", "beat", "end_with_parent", "start_child", "stop_child"]

WITH_PARENT: Final = "--with-parent"
_ROOT: Final = str(Path(__file__).resolve().parents[1])


def start_child(
    module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None, *, quiet: bool = False
) -> subprocess.Popen[bytes]:
    """Start `python -m module` as a child that ends with this process, also when this one is killed."""
    # -P: a folder named `app` or `diff` in the user's working directory must not be taken for ours.
    command = [sys.executable, "-P", "-m", module, WITH_PARENT, *arguments]
    path = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
    # A session of its own: Ctrl-C reaches this process only, which then stops its children in order.
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if quiet else None,
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
        start_new_session=True,
    )


def stop_child(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask a child to end, and kill it where it does not in time."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdin is not None:
        child.stdin.close()


def beat(child: subprocess.Popen[bytes]) -> None:
    """Tell a child that this process lives. Never waits: where the child does not read, it is not told."""
    if child.stdin is not None:
        with suppress(OSError):
            os.set_blocking(child.stdin.fileno(), False)
            os.write(child.stdin.fileno(), b".")


def end_with_parent(beaten: Callable[[], None] = lambda: None) -> None:
    """In a child: end this process as soon as the parent's end of standard input closes.

    `beaten` is called, in a thread of its own, whenever the parent has called `beat`.
    """
    descriptor = sys.stdin.fileno()

    def watch() -> None:
        while os.read(descriptor, 1024):
            beaten()
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="lifeline").start()
