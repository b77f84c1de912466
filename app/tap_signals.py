"""What the operator tells a running tap by signals: docs/tap.md says when to send which."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from app.watch import logs
from ingest.tap.service import TapService

__all__ = ["listening"]


@contextmanager
def listening(tap: TapService) -> Iterator[None]:
    """SIGHUP reads certificates and routes again, SIGUSR1 is the bypass, SIGUSR2 drains."""

    def reload() -> None:
        tap.reload()
        error = tap.counters().get("doorway_error")
        logs.say(f"tap: {error}" if error else "tap: certificates and routes are read again")

    def bypass() -> None:
        logs.say(
            "tap: bypass, nothing is copied; SIGUSR1 ends it"
            if tap.toggle_bypass()
            else "tap: the signal's bypass has ended; connections are mirrored again once they reconnect"
        )

    def drain() -> None:
        tap.drain()
        logs.say("tap: draining, no more connections are accepted; it ends with the last one")

    loop = asyncio.get_running_loop()
    actions = {signal.SIGHUP: reload, signal.SIGUSR1: bypass, signal.SIGUSR2: drain}
    before = {number: signal.getsignal(number) for number in actions}
    for number, action in actions.items():
        loop.add_signal_handler(number, action)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
