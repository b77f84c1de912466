"""Two threads that take turns at one piece of work: one while nothing else wants the processor, one at a low priority.

A thread that works only when idle cannot be told otherwise again without privileges (Linux, `SCHED_IDLE`), and on a
machine that is never idle it would hardly get its turn. So what falls behind goes on in the other one, until that has
kept up for a while. Only one of them works at a time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

from ingest.priority import stand_back

__all__ = ["Turns"]

_MUCH: Final = 2.5
"""Seconds behind at which work does not wait for an idle processor any longer: what a machine of two cores forwards in
them at most, 130,000 messages a second, has room in the relay's 96 MiB."""
_LITTLE: Final = 0.5
"""Less than this is no more than a machine that others keep busy."""
_CALM: Final = 10.0
"""Seconds without having been further behind than a little, until it waits again."""


class Turns:
    """Does a piece of work again and again, until it says that it has ended."""

    def __init__(
        self,
        work: Callable[[], bool],
        behind: Callable[[], float],
        *,
        much: float = _MUCH,
        calm: float = _CALM,
    ) -> None:
        """`work`: one piece, false at the end. `behind`: how many seconds it is behind, asked after each piece."""
        self._work, self._behind = work, behind
        self._much, self._calm = much, calm
        self._turn = threading.Condition()
        self._idle = True
        self._forbidden = False
        self._ended = False
        self._calm_since = time.monotonic()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Work until the end, in this thread and another one. Raises what the work raises."""
        if not hasattr(os, "SCHED_IDLE"):
            while self._work():
                pass
            return
        other = threading.Thread(target=self._when_idle, name="when idle")
        other.start()
        try:
            self._works(idle=False)
        finally:
            self._end()
            other.join()
        if self._error is not None:
            raise self._error

    def _when_idle(self) -> None:
        try:
            try:
                stand_back(when_idle=True)
            except OSError:  # it may be forbidden here: then the other thread does everything
                self._forbidden = True
                self._give(idle=False)
                return
            self._works(idle=True)
        except BaseException as error:  # noqa: BLE001 - the thread that waits for this one raises it
            self._error = error
            self._end()

    def _works(self, *, idle: bool) -> None:
        while self._has_turn(idle=idle):
            if not self._work():
                self._end()
                return
            behind, now = self._behind(), time.monotonic()
            if behind > _LITTLE:
                self._calm_since = now
            if idle and behind > self._much:
                self._give(idle=False)
            elif not idle and not self._forbidden and now - self._calm_since > self._calm:
                self._give(idle=True)

    def _has_turn(self, *, idle: bool) -> bool:
        with self._turn:
            self._turn.wait_for(lambda: self._ended or self._idle is idle)
            return not self._ended

    def _give(self, *, idle: bool) -> None:
        with self._turn:
            self._idle = idle
            self._turn.notify_all()

    def _end(self) -> None:
        with self._turn:
            self._ended = True
            self._turn.notify_all()
