"""`tap`: the inline tap of the distributed runtime, with the process that publishes its spool to Kafka.

The splice depends on nothing behind it: the publisher is a child that is started again when it ends, and while Kafka is
away the spool on the disk grows up to `journal_bytes`; beyond it frames show as gaps.
"""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from typing import Final

import uvloop

from app.distributed.control import OVERRIDES_FILE
from app.distributed.publishing import read_publisher_status
from app.distributed.tap_workers import run_workers
from app.embedded import free_port, tap_config, writable
from app.lifeline import beat, start_child, stop_child
from app.live import say, tap_line, until_stopped
from app.settings import Settings
from app.tap_signals import listening
from app.watch import logs
from ingest.tap.service import TapConfig, TapService

__all__ = ["run", "spool_config"]

_WATCH_SECONDS: Final = 1.0
_SEGMENTS: Final = 8
"""That fit into the spool at least."""


def run(settings: Settings) -> int:
    """Tap and publish until SIGTERM or Ctrl-C; what was mirrored is then journalled and published, in `stop_seconds`.

    What Kafka does not take in that time is published after the next start. Raises `TapError`, `RuntimeStartError`,
    `SecurityError`.
    """
    logs.begin("tap", settings)
    settings.kafka_options()  # told here and now, and not by the publisher again and again
    if settings.tap_workers > 1:
        TapService(spool_config(settings))  # its refusals too are told here and now
        return asyncio.run(run_workers(settings))
    if settings.monitor_port:
        free_port(settings.monitor_host, settings.monitor_port, "monitor")
    return uvloop.run(_run(settings))


async def _run(settings: Settings) -> int:
    writable(settings.data_dir)
    tap = TapService(spool_config(settings))
    await tap.start()
    publisher = _Publisher(settings)
    watch = asyncio.create_task(publisher.watch())
    try:
        say(f"tap on {settings.listen_host}:{tap.port}, forwarding to {settings.upstream}")
        say(f"publishing to Kafka at {settings.kafka_bootstrap}")
        with listening(tap):
            await until_stopped(lambda: f"{tap_line(tap)}; {publisher.line()}", tap.drained.wait())
        say("stopping: what was mirrored is still published, for as long as Kafka takes it")
    finally:
        watch.cancel()
        await tap.stop()
        await publisher.stop()
    return 0


def spool_config(settings: Settings) -> TapConfig:
    """The tap with a spool in the place of a journal.

    A segment leaves the disk when it is wholly published and another one has begun: several have to fit into the limit,
    or a spool that was full once would never have room again.
    """
    config = tap_config(settings)
    segment = min(config.segment_bytes, config.journal_bytes // _SEGMENTS)
    overrides = settings.data_dir / OVERRIDES_FILE
    return replace(
        config,
        journal_name="spool",
        segment_bytes=segment,
        overrides_file=overrides,
        parser_when_idle=settings.tap_parser_when_idle,
        stop_seconds=settings.stop_seconds / 3,  # the tap takes half as long again at most, the publisher the rest
    )


class _Publisher:
    """The child that publishes; started again when it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.restarts = 0
        self._child = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return start_child("app.distributed.publishing", [], self._settings.environment("upstream"))

    async def watch(self) -> None:
        """Start it again whenever it has ended."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            beat(self._child)
            if self._child.poll() is not None:
                self.restarts += 1
                say("publisher ended by itself and is started again; the tap goes on")
                self._child = self._start()

    def line(self) -> str:
        """How it is doing, in a few words."""
        status = read_publisher_status(self._settings.data_dir)
        if status is None:
            return "nothing published yet"
        return f"{status.published} records published" + (f"; {status.failure}" if status.failure else "")

    async def stop(self) -> None:
        """Let it publish what is there."""
        await asyncio.to_thread(stop_child, self._child, self._settings.stop_seconds / 2)
