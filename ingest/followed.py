"""A file that is read anew whenever it changes; a broken one changes nothing, and what is wrong with it is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

__all__ = ["MAX_FILE", "Followed"]

MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes; a list of half a million charging stations fits."""

_Rules = TypeVar("_Rules")


class Followed(Generic[_Rules]):
    """One file, and the last good thing that stood in it."""

    def __init__(
        self,
        path: Path,
        parse: Callable[[str], _Rules],
        before: _Rules,
        absent: _Rules | None = None,
        *,
        refusals: type[Exception] = ValueError,
    ) -> None:
        """Prepare. `before` holds until the file was read, `absent` (where that is no error) while there was none.

        `parse` raises one of `refusals`, whose message says where and why, for what it cannot follow.
        """
        self.path = path
        self.error = ""
        self.current = before
        self._parse, self._absent, self._refusals = parse, absent, refusals
        self._seen: tuple[int, int, int] | None = None

    def reload(self) -> bool:
        """Read the file if it changed since last time. True where what it says is new."""
        before = self.current
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen == self._seen:
                return False
            self._read(stat.st_size)
        except FileNotFoundError as error:
            if self._absent is not None and self._seen is None:
                self.current = self._absent
                return self.current != before
            self._lost(error)
            return False
        except OSError as error:
            self._lost(error)
            return False
        self._seen, self._absent = seen, None
        return not self.error

    def _read(self, size: int) -> None:
        if size > MAX_FILE:
            self.error = f"{self.path}: {size} bytes, at most {MAX_FILE} are read"
            return
        try:
            self.current = self._parse(self.path.read_bytes().decode())
        except UnicodeDecodeError as error:
            self.error = f"{self.path}: not UTF-8 at byte {error.start}; the last good rules hold"
        except self._refusals as error:
            self.error = f"{self.path}: {error}; the last good rules hold"
        else:
            self.error = ""

    def _lost(self, error: OSError) -> None:
        self.error = f"{self.path}: {error.strerror or error}; the last good rules hold"
        self._seen = None
