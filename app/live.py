"""`run`, `record` and `dashboard`: the long-running commands, with a line of progress and a clean Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvloop

from app.embedded import Embedded, free_port, tap_config, writable
from app.lifeline import start_child, stop_child
from app.page import CONTROL
from app.setting_sources import origins
from app.settings import Settings
from app.store_file import running_url
from app.storing import embedded_store, open_store
from app.tap_signals import listening
from app.watch import logs
from dashboard.settings import FROM_SETTINGS, STORE_URL
from ingest.tap.service import TapService

__all__ = ["record", "run", "show", "until_stopped"]

_LINE_SECONDS = 5.0


def run(settings: Settings, *, dashboard: bool) -> int:
    """Tap, judge, store and show until stopped."""
    return uvloop.run(_run(settings, dashboard=dashboard))


async def _run(settings: Settings, *, dashboard: bool) -> int:
    async with Embedded(settings, dashboard=dashboard) as runtime:
        say(f"tap on {settings.listen_host}:{runtime.tap.port}, forwarding to {settings.upstream}")
        if dashboard:
            say(f"dashboard on {runtime.dashboard_url}")

        def line() -> str:
            status = runtime.worker_status()
            judged = "nothing judged yet"
            if status is not None:
                judged = (
                    f"{status.frames} frames lived, {status.compared} sessions compared, {status.waiting} rows wait"
                )
            return f"{tap_line(runtime.tap)}; {judged}"

        with listening(runtime.tap):
            await until_stopped(line, runtime.tap.drained.wait())
        say("stopping: what is journalled is still judged and stored")
    return 0


def record(settings: Settings) -> int:
    """Tap and journal until stopped."""
    return uvloop.run(_record(settings))


async def _record(settings: Settings) -> int:
    writable(settings.data_dir)
    tap = TapService(tap_config(settings))
    await tap.start()
    try:
        say(f"tap on {settings.listen_host}:{tap.port}, forwarding to {settings.upstream}")
        say(f"recording; replay it with `shadow-csms replay {tap.config.journal_dir}/*.jsonl`")
        with listening(tap):
            await until_stopped(lambda: tap_line(tap), tap.drained.wait())
    finally:
        await tap.stop()
    return 0


def show(settings: Settings) -> int:
    """Show the store until stopped."""
    port = free_port(settings.dashboard_host, settings.dashboard_port, "dashboard")
    url = settings.store_location() or running_url(settings.data_dir)
    if url:
        return uvloop.run(_show(settings, url, port))
    writable(settings.data_dir)
    with embedded_store(settings.data_dir) as engine:
        return uvloop.run(_show(settings, engine.url(), port))


async def _show(settings: Settings, url: str, port: int) -> int:
    (await asyncio.to_thread(open_store, url)).close()
    environment = {name: text for name, text in settings.environment().items() if name in FROM_SETTINGS} | {
        STORE_URL: url
    }
    # Where nobody named the brokers there is no sink either, and no tap that follows.
    control = [CONTROL] if origins()["kafka_bootstrap"] != "default" else []
    page = start_child("app.page", [*control, settings.dashboard_host, str(port)], environment, quiet=True)
    try:
        say(f"dashboard on http://{settings.dashboard_host}:{port}")
        await until_stopped(None)
    finally:
        await asyncio.to_thread(stop_child, page, 5.0)
    return 0


async def until_stopped(line: Callable[[], str] | None, work: Awaitable[object] | None = None) -> bool:
    """Wait for Ctrl-C, SIGTERM or the end of `work`; say a line every few seconds. True where work came to its end."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    task = None if work is None else asyncio.ensure_future(work)
    if task is not None:
        task.add_done_callback(lambda _: stopped.set())
    try:
        while not stopped.is_set():
            try:
                await asyncio.wait_for(stopped.wait(), _LINE_SECONDS)
            except TimeoutError:
                if line is not None:
                    say(line())
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
    if task is None:
        return False
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    task.result()
    return True


def tap_line(tap: TapService) -> str:
    """The tap's counters in a few words."""
    counters = tap.counters()
    names = ("connections", "connections_open", "bytes_forwarded", "copies_dropped")
    known = [f"{name.replace('_', ' ')} {counters[name]}" for name in names if name in counters]
    return "tap: " + (", ".join(known) or str(counters))


def say(text: str) -> None:
    """One line for the person at the terminal; stdout is for outcomes."""
    logs.say(text)
