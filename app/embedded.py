"""The embedded runtime: one process group, no services. Tap, worker, store and dashboard, each a process of its own.

The tap's splice runs in this process and depends on none of the others: whatever happens to them, bytes go through.
They are watched and started again; all of them end when this one does, however it ends.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

from app.keys import key_file
from app.lifeline import start_child, stop_child
from app.settings import Settings
from app.store_file import left
from app.storing import open_store
from app.worker import WorkerStatus, read_worker_status
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine, EngineStartError
from ingest.redaction_key import read_ring
from ingest.tap.service import TapConfig, TapService

__all__ = ["Embedded", "RuntimeStartError", "free_port", "tap_config", "writable"]

_WATCH_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 30.0


class RuntimeStartError(Exception):
    """Something cannot start; the message is one line with the next step."""


class Embedded:
    """Everything but the dashboard's users and the charging stations."""

    def __init__(self, settings: Settings, *, dashboard: bool = True) -> None:
        self.settings = settings
        self.tap = TapService(tap_config(settings))
        self.restarts: dict[str, int] = {}
        """How often a part had to be started again."""
        self._dashboard = dashboard
        self._engine: EmbeddedEngine | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._page: subprocess.Popen[bytes] | None = None
        self._alerts: subprocess.Popen[bytes] | None = None
        self._stack = AsyncExitStack()
        self.dashboard_port = settings.dashboard_port
        self.store_url = settings.store_location()

    @property
    def dashboard_url(self) -> str:
        """Where the dashboard is."""
        return f"http://{self.settings.dashboard_host}:{self.dashboard_port}"

    async def __aenter__(self) -> Self:
        """Start everything.

        Raises:
            TapError: the tap cannot start.
            EngineStartError: the store cannot start.
            StoreStartError: the store is away, or refuses.
            RuntimeStartError: the dashboard's port is taken, or the data directory cannot be written.

        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop in the way of a frame: no more bytes, then what is journalled is lived and stored, then the store."""
        await self._stack.aclose()

    async def _start(self) -> None:
        settings = self.settings
        writable(settings.data_dir)
        if settings.token_file is not None:
            # Before the worker reads the tokens: what it will live holds their pseudonyms.
            read_ring(key_file(settings), create=True)
        if self._dashboard:
            self.dashboard_port = free_port(settings.dashboard_host, settings.dashboard_port, "dashboard")
        if not self.store_url:
            engine = EmbeddedEngine(settings.data_dir / "store")
            await asyncio.to_thread(engine.start)
            self._stack.push_async_callback(asyncio.to_thread, engine.stop)
            self._engine, self.store_url = engine, engine.url()
            self._stack.enter_context(left(settings.data_dir, self.store_url))
        (await asyncio.to_thread(open_store, self.store_url)).close()
        # The tap first and the worker after it: on the way down the worker then still lives what the tap left.
        self._start_worker()
        self._stack.push_async_callback(self._stop_worker)
        if self._dashboard:
            self._start_page()
            self._stack.push_async_callback(self._stop_page)
        if settings.alert_webhook_url.get_secret_value():
            self._start_alerts()
            self._stack.push_async_callback(self._stop_alerts)
        await self.tap.start()
        self._stack.push_async_callback(self.tap.stop)
        watch = asyncio.create_task(self._watch())
        self._stack.callback(watch.cancel)

    def worker_status(self) -> WorkerStatus | None:
        """The worker's latest word."""
        return read_worker_status(self.settings.data_dir)

    def store(self) -> Store:
        """A client of the store; the caller closes it."""
        return Store.connect(self.store_url)

    def _environment(self, *, alerting: bool = False) -> dict[str, str]:
        # Neither is any business of theirs, and both may be secret; the store's password stands in its URL.
        apart = ["upstream", "kafka_password", "store_password", "store_password_file", "store_ca_file"]
        apart += () if alerting else ("alert_webhook_url", "alert_webhook_secret", "alert_webhook_secret_file")
        values = {name: text for name, text in self.settings.environment(*apart).items() if text}
        values["SHADOW_STORE_URL"] = self.store_url
        return values

    def _start_worker(self) -> None:
        self._worker = start_child("app.worker", [], self._environment())

    async def _stop_worker(self) -> None:
        if self._worker is not None:
            await asyncio.to_thread(stop_child, self._worker, _STOP_SECONDS)

    def _start_page(self) -> None:
        arguments = [self.settings.dashboard_host, str(self.dashboard_port)]
        self._page = start_child("app.page", arguments, self._environment(), quiet=True)

    async def _stop_page(self) -> None:
        if self._page is not None:
            await asyncio.to_thread(stop_child, self._page, 5.0)

    def _start_alerts(self) -> None:
        self._alerts = start_child("app.alerting.process", [], self._environment(alerting=True), quiet=True)

    async def _stop_alerts(self) -> None:
        if self._alerts is not None:
            await asyncio.to_thread(stop_child, self._alerts, 5.0)

    async def _watch(self) -> None:
        """Start again what died. Each restart is said and counted."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._engine is not None and not self._engine.alive:
                self._say("store")
                await self._restart(self._engine)
            if self._worker is not None and self._worker.poll() is not None:
                self._say("worker")
                self._start_worker()
            if self._page is not None and self._page.poll() is not None:
                self._say("dashboard")
                self._start_page()
            if self._alerts is not None and self._alerts.poll() is not None:
                self._say("alerts")
                self._start_alerts()

    async def _restart(self, engine: EmbeddedEngine) -> None:
        """A store that does not come up is tried again in the next round; until then the worker holds its rows."""
        try:
            await asyncio.to_thread(engine.restart)
        except EngineStartError as error:
            print(f"store: {error}", file=sys.stderr)

    def _say(self, part: str) -> None:
        self.restarts[part] = self.restarts.get(part, 0) + 1
        print(f"{part} ended by itself and is started again; the tap goes on", file=sys.stderr)


def tap_config(settings: Settings) -> TapConfig:
    """The tap's part of the settings."""
    config = TapConfig(
        upstream=settings.upstream,
        data_dir=settings.data_dir,
        listen_host=settings.listen_host,
        listen_port=settings.listen_port,
        enrolment_file=settings.enrolment_file,
        redaction_key_file=settings.redaction_key_file,
        field_policy_file=settings.field_policy_file,
        tick_seconds=settings.tick_seconds,
        journal_bytes=settings.journal_bytes,
    )
    return settings.with_doors(config)


def free_port(host: str, port: int, what: str) -> int:
    """The port itself, or a free one for 0.

    Raises:
        RuntimeStartError: it is taken.

    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise RuntimeStartError(
                f"{what}: cannot listen on {host}:{port}: {error.strerror}; "
                f"free it, or set {what}_port (0 takes a free one)"
            ) from None
        return int(probe.getsockname()[1])


def writable(directory: Path) -> None:
    """Make a data directory.

    Raises:
        RuntimeStartError: it cannot be made or written.

    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".write-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RuntimeStartError(
            f"{directory}: {error.strerror}; make the directory writable, or name another with --data-dir"
        ) from None
