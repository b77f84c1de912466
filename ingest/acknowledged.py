"""How many frames of each connection Kafka has acknowledged: what the tap's accounts say of publishing.

A connection's frames are numbered from 0 without holes and published in order. So the highest number that was
acknowledged tells the count, however often frames are published again; a hole below it is a line of the spool that held
no frame. The counts are saved beside the publisher's place, and always belong to that place.

The publisher's thread counts. Another thread may read, and tell which connections the tap still lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from ingest.frame import Frame, FrameKind, Micros

__all__ = ["UNCOUNTED", "Acknowledged", "Count"]

UNCOUNTED: Final = (FrameKind.TICK, FrameKind.RECORD)
"""Kinds that are no frames of a connection."""
_MOST: Final = 60_000
"""Connections that are remembered: three times what the tap's status lists."""
_LINGER: Final[Micros] = 60_000_000
"""How long ago the last frame of a connection is that is missing from the tap's list: one may be too new for it."""


class Count(msgspec.Struct, array_like=True):
    """What is known of one connection."""

    first: int
    """The first number that was seen."""
    behind: int
    """Behind the highest number that was acknowledged."""
    missing: int = 0
    """Numbers between the two whose lines held no frame."""
    last: Micros = 0
    """When the tap saw the latest frame that was acknowledged."""


class Acknowledged:
    """Frames that Kafka has acknowledged, by connection."""

    def __init__(self, since: Micros = 0, counts: dict[str, Count] | None = None) -> None:
        """Go on from what was saved. `since`: of connections that were opened before, not all frames were counted."""
        self.since = since
        self.counts = {} if counts is None else counts
        self._listed: tuple[frozenset[str], Micros] | None = None

    def take(self, frame: Frame) -> None:
        """Count a frame that was acknowledged; one that was acknowledged before changes nothing."""
        if frame.kind in UNCOUNTED:
            return
        number, held = frame.seq, self.counts.get(frame.connection_id)
        if held is None:
            held = self.counts[frame.connection_id] = Count(number, number + 1)
        elif number >= held.behind:
            held.missing += number - held.behind
            held.behind = number + 1
        held.last = max(held.last, frame.received_at)

    def of(self, connection_id: str, opened_at: Micros) -> int | None:
        """Frames of a connection that are acknowledged; None where a publisher that did not count knew it as well."""
        held = self.counts.get(connection_id)
        counted = opened_at >= self.since
        if held is None:
            return 0 if counted else None
        return held.behind - held.missing - (held.first if counted else 0)

    def listed(self, connections: Iterable[str], at: Micros) -> None:
        """Hear which connections the tap lists in its status of a time. No account of any other one will be told."""
        self._listed = frozenset(connections), at

    def tidy(self) -> None:
        """Forget what the tap lists no more, and beyond the limit what has been quiet for longest."""
        told, self._listed = self._listed, None
        if told is not None:
            names, at = told
            gone = [name for name, one in self.counts.items() if one.last < at - _LINGER and name not in names]
            for name in gone:
                del self.counts[name]
        if len(self.counts) > _MOST:
            quietest = sorted(self.counts, key=lambda name: self.counts[name].last)
            for name in quietest[: len(self.counts) - _MOST * 7 // 8]:
                del self.counts[name]
