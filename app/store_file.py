"""The file `store.url` of a data directory: how commands find the embedded store while another process has it.

Whoever runs the engine leaves it there and holds a lock on it. The lock ends with the process, however it ends, so a
file that nobody holds is a stale one and counts for nothing. It holds the engine's password, hence its mode.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["FILE_NAME", "left", "running_url"]

FILE_NAME: Final = "store.url"
_LONGEST: Final = 1000


@contextmanager
def left(data_dir: Path, url: str) -> Iterator[None]:
    """Leave the file for as long as the context lasts. Where it cannot be written, commands beside it find nothing."""
    try:
        held = _leave(data_dir, url)
    except OSError:
        yield  # a full disk: that the store cannot be found is no reason not to have one
        return
    try:
        yield
    finally:
        with suppress(OSError):
            (data_dir / FILE_NAME).unlink()
        os.close(held)


def running_url(data_dir: Path) -> str:
    """Where a living process has the store of this directory; empty where none has, or its file cannot be read.

    It holds the engine's password: not for logs.
    """
    try:
        found = os.open(data_dir / FILE_NAME, os.O_RDONLY)
    except OSError:
        return ""
    try:
        if _locked(found, fcntl.LOCK_SH):
            return ""  # nobody holds it: stale
        return os.read(found, _LONGEST).decode("utf-8", "replace").strip()
    finally:
        os.close(found)


def _leave(data_dir: Path, url: str) -> int:
    """The file as it is held: written under another name, so that whoever finds it finds all of it, and held."""
    draft = data_dir / f".{FILE_NAME}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    held = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(held, f"{url}\n".encode())
        draft.replace(data_dir / FILE_NAME)
    except OSError:
        os.close(held)
        draft.unlink(missing_ok=True)
        raise
    return held


def _locked(found: int, kind: int) -> bool:
    try:
        fcntl.flock(found, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
