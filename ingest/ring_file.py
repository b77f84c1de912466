"""The key file as the running tap follows it: a new key is taken up as soon as it stands there."""

from __future__ import annotations

from pathlib import Path

from ingest.key_ring import KeyRing
from ingest.redaction_key import KeyFileError, read_ring

__all__ = ["RingFile"]


class RingFile:
    """One key file, and the last good ring that stood in it.

    A broken or vanished file changes nothing: the last good ring is redacted with, and `error` says why.
    """

    def __init__(self, path: Path) -> None:
        """Read it. Raises `KeyFileError`: nothing can be mirrored without a key."""
        self.path = path
        self.error = ""
        self._seen = self._look()
        self.current: KeyRing = read_ring(path)

    def reload(self) -> bool:
        """Read the file if it changed since last time. True where another key is the current one."""
        seen = self._look()
        if seen is not None and seen == self._seen and not self.error:
            return False
        before = self.current
        try:
            self.current = read_ring(self.path)
        except KeyFileError as error:
            self.error = f"{error}; the last good key is redacted with"
            return False
        self._seen, self.error = seen, ""
        return self.current.current != before.current

    def _look(self) -> tuple[int, int, int, int] | None:
        """What changes with the file: a replaced one has another number, its rights another time of change."""
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino
