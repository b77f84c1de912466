"""Why kafka-python cannot connect: it raises that it could not, and tells the reason only to its log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["Overheard", "overhearing"]

_LOGGER: Final = "kafka.net.manager"
_REASON: Final = re.compile(r"Bootstrap connection to \S+ failed: (.+?)(?: \(backoff [0-9.]+ secs\))?\Z", re.DOTALL)
_MOST: Final = 3
_LONGEST: Final = 300


class Overheard(logging.Handler):
    """Notes the reasons that attempts to connect failed for."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._reasons: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of kafka-python's log."""
        match = _REASON.match(record.getMessage())
        if match is not None and len(self._reasons) < _MOST:
            self._reasons[match[1][:_LONGEST]] = None

    def behind(self, error: str) -> str:
        """An error, with what stands behind it."""
        return f"{error} ({'; '.join(sorted(self._reasons))})" if self._reasons else error


@contextmanager
def overhearing() -> Iterator[Overheard]:
    """Note the reasons while kafka-python connects; they are not logged meanwhile."""
    logger, heard = logging.getLogger(_LOGGER), Overheard()
    before = logger.level, logger.propagate
    logger.addHandler(heard)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.setLevel(before[0])
        logger.propagate = before[1]
