"""Whether this worker still belongs to its group: a process that stood still must not write what it believed before.

Kafka puts a silent worker out of the group and gives its partitions to others. When the process runs again (a suspended
machine, SIGSTOP, a pause of minutes), the batch that it holds is old, and so is its state: written now, it would stand
in the changelog behind the newer state of whoever has the partitions. So time is watched, and where it jumped the
group is asked before anything is written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

__all__ = ["Membership", "asks_kafka"]

_PULSES: Final = 8
"""A pulse in each eighth of the time after which a worker is put out; one that is four late is a doubt."""
_LATE: Final = 4


class Membership:
    """Belongs to one event loop."""

    def __init__(
        self,
        session_seconds: float,
        ask: Callable[[], Awaitable[bool]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare. `ask` tells whether the group still knows this worker; it is asked in doubt only."""
        self._pulse_seconds = session_seconds / _PULSES
        self._ask, self._clock = ask, clock
        self._last = clock()
        self._doubt = False
        self.refused = 0
        """How often the group did not know this worker any more."""

    async def pulse(self) -> None:
        """Note that time passes, for as long as the worker runs."""
        while True:
            self.beat()
            await asyncio.sleep(self._pulse_seconds)

    def beat(self) -> None:
        """Time passes; a jump since the last beat is a doubt until the group is asked."""
        now = self._clock()
        if now - self._last > self._pulse_seconds * _LATE:
            self._doubt = True
        self._last = now

    async def holds(self) -> bool:
        """Whether what is about to be written is this worker's to write."""
        self.beat()
        if not self._doubt:
            return True
        if await self._ask():
            self._doubt = False
            return True
        self.refused += 1
        return False

    def renewed(self) -> None:
        """The group has given partitions anew: what was in doubt is settled."""
        self._doubt = False


def asks_kafka(app: Any) -> Callable[[], Awaitable[bool]]:
    """Ask the group of a Faust application by a heartbeat, which Kafka refuses to whoever it has put out."""

    async def ask() -> bool:
        thread = app.consumer._thread  # noqa: SLF001 - Faust tells it nowhere else
        coordinator = thread._ensure_consumer()._coordinator  # noqa: SLF001 - nor does aiokafka
        return bool(await thread.call_thread(coordinator._do_heartbeat))  # noqa: SLF001 - no public one

    return ask
