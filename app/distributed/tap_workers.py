"""`tap` on several cores: whole taps side by side, each with a parser, a spool and a publisher of its own, on one port.

The kernel spreads connections over them (SO_REUSEPORT). They share nothing that one could break for the others: what
they see of one charging station is put in order downstream, as that of two taps is.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Final

from app.embedded import free_port, writable
from app.keys import key_file
from app.lifeline import beat, start_child, stop_child
from app.live import say, until_stopped
from app.settings import Settings

__all__ = ["run_workers", "worker_environment"]

_WATCH_SECONDS: Final = 1.0
_PASSED_ON: Final = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


async def run_workers(settings: Settings) -> int:
    """Run until stopped, or until every worker has drained. Raises `RuntimeStartError`."""
    writable(settings.data_dir)
    port = free_port(settings.listen_host, settings.listen_port, "tap")
    workers = [_Worker(worker_environment(settings, number, port)) for number in range(settings.tap_workers)]
    loop = asyncio.get_running_loop()
    for number in _PASSED_ON:
        loop.add_signal_handler(number, _pass_on, workers, number)
    say(f"tap on {settings.listen_host}:{port}, {len(workers)} workers")
    try:
        await until_stopped(None, _watch(workers))
    finally:
        for number in _PASSED_ON:
            loop.remove_signal_handler(number)
        await asyncio.gather(*(asyncio.to_thread(stop_child, one.child, settings.stop_seconds) for one in workers))
    return 0


def worker_environment(settings: Settings, number: int, port: int) -> dict[str, str]:
    """The settings of one worker: a directory of its own, one key and one port for all."""
    environment = settings.environment()
    key = key_file(settings)
    directory = settings.data_dir / f"tap-{number}"
    own = {
        "DATA_DIR": directory,
        "REDACTION_KEY_FILE": key,
        "LISTEN_PORT": port,
        "TAP_WORKERS": 1,
        "TAP_SHARE_PORT": True,
        "MONITOR_PORT": settings.monitor_port + number if settings.monitor_port else 0,
        "JOURNAL_BYTES": max(settings.journal_bytes // settings.tap_workers, 1 << 20),
    }
    Path(directory).mkdir(parents=True, exist_ok=True)
    return environment | {f"SHADOW_{name}": str(value) for name, value in own.items()}


class _Worker:
    """A whole tap as a child."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.ended = False
        """It has drained, and is not started again."""
        self.draining = False
        self.child = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        return start_child("app.distributed.tap_worker", [], self.environment)


async def _watch(workers: list[_Worker]) -> None:
    while not all(one.ended for one in workers):
        await asyncio.sleep(_WATCH_SECONDS)
        for one in workers:
            beat(one.child)
            if one.ended or one.child.poll() is None:
                continue
            if one.draining:
                one.ended = True
            else:
                say("a worker ended by itself and is started again; the other ones go on")
                one.child = one.start()


def _pass_on(workers: list[_Worker], number: signal.Signals) -> None:
    for one in workers:
        one.draining = one.draining or number is signal.SIGUSR2
        if one.child.poll() is None:
            one.child.send_signal(number)
