"""Which frames are next in each partition, and how far offsets may be committed.

Faust's own bookkeeping is not enough (faust-streaming 0.15.3, measured against Kafka 4.1.1): when a worker recovers,
its fetcher already runs while the source partitions are set back to their committed offsets. Then records come twice,
and now and then a stretch of them never comes. Twice: Faust commits the first run of consecutive numbers of a list that
holds an offset twice, so that commits creep. Never: the frames behind the hole are lived before those in it.

So the worker takes the frames of a partition strictly by their offsets. What came already is passed over; behind a hole
nothing is lived, the consumer is sent back to its beginning. And it commits what it knows to be in the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.distributed.begun import begin

__all__ = ["Places", "commit_what_is_kept", "committed_offset"]

_ON_THEIR_WAY: Final = 1.0
"""Seconds in which records still arrive that were read before the consumer was sent back."""
_TRIES: Final = 5
"""How often the consumer is sent back before a hole counts as real: an offset that Kafka does not give to anybody."""


class Places:
    """The next offset of each partition. Pure."""

    def __init__(self) -> None:
        self.next: dict[int, int] = {}
        self.missing: dict[int, int] = {}
        """By partition: the next offset, where a later one came in its place. To be sent back to."""
        self.repeated = self.holes = 0
        """Since the start: records that came again, and holes that the consumer left."""
        self._tries: dict[int, int] = {}
        self._sent_back: dict[int, float] = {}

    def clear(self) -> None:
        """Partitions came or went."""
        self.next.clear()
        self.missing.clear()
        self._tries.clear()
        self._sent_back.clear()

    def begin(self, partition: int, offset: int, now: float = 0.0) -> None:
        """Expect this offset first. `now`: where the consumer is sent to it, when, in seconds of any clock."""
        self.next[partition] = offset
        self._sent_back[partition] = now

    def admit(self, partition: int, offset: int) -> bool:
        """Whether the record at this offset is the next one."""
        wanted = self.next[partition]
        if offset < wanted:
            self.repeated += 1
            return False
        if offset > wanted:
            self.missing[partition] = wanted
            return False
        self.next[partition] = offset + 1
        self._tries.pop(partition, None)
        return True

    def holes_to_fill(
        self, earliest: Mapping[int, int], now: float
    ) -> tuple[dict[int, int], dict[int, tuple[int, int]]]:
        """Where to send the consumer back to, by partition, and which offsets are given up (from, to) as never coming.

        `earliest`: the first offset that each partition still holds; what lies before it has expired. `now`: seconds
        of any clock; whoever was sent back a moment ago is left alone.
        """
        back: dict[int, int] = {}
        given_up: dict[int, tuple[int, int]] = {}
        for partition, wanted in self.missing.items():
            if self.next[partition] != wanted:
                continue  # it has come meanwhile
            if now < self._sent_back.get(partition, -_ON_THEIR_WAY) + _ON_THEIR_WAY:
                continue
            self._sent_back[partition] = now
            self.holes += 1
            tries = self._tries[partition] = self._tries.get(partition, 0) + 1
            if earliest[partition] > wanted:
                given_up[partition] = (wanted, earliest[partition])
            elif tries > _TRIES:
                given_up[partition] = (wanted, wanted + 1)
            else:
                back[partition] = wanted
                continue
            self.next[partition] = back[partition] = given_up[partition][1]
        self.missing.clear()
        return back, given_up


def commit_what_is_kept(app: Any, kept: Mapping[Any, int]) -> None:
    """Let a Faust application commit these offsets and no others, and hand a record on without four tasks for it.

    To be called before it starts.

    `kept`: by topic and partition, the offset behind the last frame that is in the state; read at each commit.
    """
    from faust.transport.drivers.aiokafka import Consumer
    from mode.services import WaitResults

    class KeptConsumer(Consumer):
        async def wait_first(self, *coros: Any, timeout: Any = None) -> Any:  # noqa: ASYNC109 - the interface of mode
            if timeout is not None or len(coros) != 2 or self.should_stop or self.suspend_flow.is_set():
                return await super().wait_first(*coros, timeout=timeout)
            handing_on, suspended = coros
            begun = None
            try:
                begun, given = begin(handing_on)
            finally:
                if begun is None:
                    suspended.close()
            if begun is None:
                return WaitResults([handing_on], [given], stopped=False)
            return await super().wait_first(begun, suspended)

        async def _seek(self, partition: Any, offset: int) -> None:
            # Faust would do it from this thread, beneath the hands of the one that walks through what was fetched: a
            # KeyError in aiokafka now and then, which ends the worker.
            async def seek() -> None:
                self._thread.seek(partition, offset)

            await self._thread.call_thread(seek)

        def _new_offset(self, tp: Any) -> int | None:
            self._acked[tp].clear()
            self._acked_index[tp].clear()
            return kept.get(tp)

    app.transport.Consumer = KeptConsumer


def committed_offset(app: Any, place: Any) -> int | None:
    """What was committed of a partition when the application got it; None where nothing was."""
    found: int | None = app.consumer._committed_offset[place]  # noqa: SLF001 - Faust tells it nowhere else
    return found
