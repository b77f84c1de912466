"""Questions that a page will ask anyway, asked side by side: the store has several cores, a page has one thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

__all__ = ["Ahead"]

_THREADS: Final = 4
_MOST: Final = 200
"""Questions remembered, so that the memory is bounded whatever is asked."""


class Ahead:
    """Answers that are on their way. For any number of threads."""

    def __init__(self, keep: float) -> None:
        """Prepare. `keep`: seconds that an answer counts for; within them nothing is asked ahead again."""
        self._keep = keep
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="ahead")
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._running: dict[str, Future[Any]] = {}

    def begin(self, key: str, ask: Callable[[], Any]) -> None:
        """Begin to ask, unless that was asked just now."""
        with self._lock:
            if time.monotonic() - self._begun.get(key, -self._keep) < self._keep:
                return
            self._note(key)
            self._running[key] = self._pool.submit(ask)

    def answer(self, key: str, ask: Callable[[], Any]) -> Any:
        """The answer that is on its way, or that of asking now. Raises what asking raises."""
        with self._lock:
            running = self._running.pop(key, None)
            fresh = running is not None and time.monotonic() - self._begun[key] < self._keep
            self._note(key)
        return running.result() if running is not None and fresh else ask()

    def forget(self) -> None:
        """Have everything asked anew."""
        with self._lock:
            self._begun.clear()
            self._running.clear()

    def close(self) -> None:
        """Begin nothing more, and wait for what runs: who asks needs the store's connections."""
        self._pool.shutdown(cancel_futures=True)

    def _note(self, key: str) -> None:
        self._begun[key] = time.monotonic()
        while len(self._begun) > _MOST:
            oldest = min(self._begun, key=self._begun.__getitem__)
            del self._begun[oldest]
            self._running.pop(oldest, None)
