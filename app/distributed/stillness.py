"""Partitions that hold frames and bring none: the tail of a stretch that the consumer lost on its way. Pure.

A hole in the middle shows by the record behind it (`app.distributed.offsets`). Where the lost stretch reaches to the
partition's end there is none behind it, and a worker would stand still until something new is published: seen in 2 of
12 restarts behind a kill -9, with everything published beforehand (faust-streaming 0.15.3, Kafka 4.1.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["LOOK_SECONDS", "Stillness"]

LOOK_SECONDS: Final = 2.0
_STILL_SECONDS: Final = 5.0
"""Longer than a batch takes. Who is sent back for nothing gets records again, and passes them over."""


class Stillness:
    """Since when each partition wants the same offset."""

    def __init__(self) -> None:
        self.sent_back = 0
        """Since the start: how often a consumer was sent back."""
        self._since: dict[int, tuple[int, float]] = {}
        self._short: dict[int, int] = {}
        """Partitions that held what was wanted when they were last asked."""

    def forget(self) -> None:
        """Partitions come and go, or states are being recovered: nobody is expected to move."""
        self._since.clear()
        self._short.clear()

    def waiting(self, wanted: Mapping[int, int], now: float) -> list[int]:
        """Partitions whose next offset has been the same for too long. `now`: seconds of a steady clock."""
        self._since = {
            partition: before if (before := self._since.get(partition)) and before[0] == offset else (offset, now)
            for partition, offset in wanted.items()
        }
        return sorted(partition for partition, (_, since) in self._since.items() if now - since >= _STILL_SECONDS)

    def lost(self, waiting: Mapping[int, int], ends: Mapping[int, int], now: float) -> dict[int, int]:
        """Where to send the consumer, by partition: to what it wants, where the partition holds that.

        `waiting`: of whom `waiting` told, the next offset; `ends`: behind the last record of each.
        """
        back = {}
        for partition, offset in waiting.items():
            self._since[partition] = (offset, now)
            if offset < ends[partition]:
                # Asked twice: a broker that was away has its records, too, before it brings them.
                if self._short.get(partition) == offset:
                    back[partition] = offset
                self._short[partition] = offset
        self.sent_back += len(back)
        return back
