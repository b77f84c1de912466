"""A coroutine whose first step was taken, to see whether it needs another.

Faust hands each record to its stream by a coroutine that nearly always ends at once, and makes four tasks to learn
whether it did or the consumer was stopped meanwhile (faust-streaming 0.15.3, `Consumer._drain_messages`): 8 % of a
worker's time under the profiler.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any

__all__ = ["Begun", "begin"]


class Begun:
    """What goes on with the coroutine when it is awaited."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        """Pass on what the coroutine waits for, and to it what comes of that."""
        waits_for = self._waits_for
        while True:
            try:
                try:
                    answer = yield waits_for
                except BaseException as error:  # noqa: BLE001 - a cancellation, too, is the coroutine's to hear of
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(answer)
            except StopIteration as end:
                return end.value


def begin(coroutine: Coroutine[Any, Any, Any]) -> tuple[Begun | None, Any]:
    """Take the first step: what is to be awaited, None where it has ended; and then what it gave.

    Raises what the coroutine raises.
    """
    try:
        return Begun(coroutine, coroutine.send(None)), None
    except StopIteration as end:
        return None, end.value
