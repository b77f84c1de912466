"""Who may still connect: ceilings in total and per source. Pure.

What is over a ceiling in total is not accepted, so that it waits in the kernel and nothing is broken; what one source
has too much of is closed before a byte of it was forwarded. Sources that are trusted speak for many and have no ceiling
of their own.
"""

from __future__ import annotations

from ingest.tap.limits import RelayLimits
from ingest.tap.wire import Networks

__all__ = ["Admission"]


class Admission:
    """Counts the connections that live."""

    def __init__(self, limits: RelayLimits, trusted: Networks) -> None:
        self._limits, self._trusted = limits, trusted
        self._open: dict[str, int] = {}
        self._unanswered: dict[str, int] = {}
        self.total = 0

    @property
    def is_full(self) -> bool:
        """No more may be accepted before one of them has ended."""
        return self.total >= self._limits.connections

    def enter(self, source: str) -> str:
        """Count one more; gives why it may not be, empty where it may. Only then `answered` and `leave` follow."""
        if source not in self._trusted:
            limits = self._limits
            if self._unanswered.get(source, 0) >= limits.unanswered_per_source:
                return "unanswered"
            if limits.per_source and self._open.get(source, 0) >= limits.per_source:
                return "per-source"
        self.total += 1
        self._open[source] = self._open.get(source, 0) + 1
        self._unanswered[source] = self._unanswered.get(source, 0) + 1
        return ""

    def answered(self, source: str) -> None:
        """The primary has said something to it: it is no mere connection any more."""
        _one_less(self._unanswered, source)

    def leave(self, source: str, *, answered: bool) -> None:
        """It has ended."""
        self.total -= 1
        _one_less(self._open, source)
        if not answered:
            _one_less(self._unanswered, source)


def _one_less(table: dict[str, int], source: str) -> None:
    left = table.get(source, 0) - 1
    if left > 0:
        table[source] = left
    else:
        table.pop(source, None)
