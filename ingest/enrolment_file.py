"""The enrolment rules as files that are read anew whenever they change: the operator's, and the overrides beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from ingest.enrolment import (
    MIRROR_ALL,
    Enrolment,
    EnrolmentError,
    EnrolmentRules,
    Overrides,
    parse_overrides,
    parse_rules,
)

__all__ = ["EnrolmentFile"]

_MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes; a list of half a million charging stations fits."""

_Rules = TypeVar("_Rules")


class _Followed(Generic[_Rules]):
    """One file, and the last good thing that stood in it."""

    def __init__(
        self, path: Path, parse: Callable[[str], _Rules], before: _Rules, absent: _Rules | None = None
    ) -> None:
        """Prepare. `before` holds until the file was read, `absent` (where that is no error) while there was none."""
        self.path = path
        self.error = ""
        self.current = before
        self._parse, self._absent = parse, absent
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
        if size > _MAX_FILE:
            self.error = f"{self.path}: {size} bytes, at most {_MAX_FILE} are read"
            return
        try:
            self.current = self._parse(self.path.read_bytes().decode())
        except UnicodeDecodeError as error:
            self.error = f"{self.path}: not UTF-8 at byte {error.start}; the last good rules hold"
        except EnrolmentError as error:
            self.error = f"{self.path}: {error}; the last good rules hold"
        else:
            self.error = ""

    def _lost(self, error: OSError) -> None:
        self.error = f"{self.path}: {error.strerror or error}; the last good rules hold"
        self._seen = None


class EnrolmentFile:
    """Follows the files. A broken or vanished one changes nothing: its last good rules hold, and `error` says why."""

    def __init__(self, path: Path | None, overrides: Path | None = None) -> None:
        """Prepare. Without a `path` all are enrolled whom no override removes; `overrides` need not exist yet."""
        nobody = EnrolmentRules(enabled=False)
        self._rules = None if path is None else _Followed(path, parse_rules, nobody)
        # One that is there and cannot be read may hold the kill switch: nothing is mirrored before it can be.
        self._overrides = (
            None
            if overrides is None
            else _Followed(overrides, parse_overrides, Overrides(enabled=False), absent=Overrides())
        )
        self.current = Enrolment(nobody)
        """The last good rules; nothing is mirrored before there are any."""

    @property
    def error(self) -> str:
        """What is wrong with the files as they stand now, empty where they are good."""
        return "; ".join(one.error for one in (self._rules, self._overrides) if one is not None and one.error)

    def reload(self) -> bool:
        """Read what changed since last time. True where the rules are new."""
        fresh = [one.reload() for one in (self._rules, self._overrides) if one is not None]
        if any(fresh):
            rules = MIRROR_ALL.rules if self._rules is None else self._rules.current
            self.current = Enrolment(rules, None if self._overrides is None else self._overrides.current)
        return any(fresh)
