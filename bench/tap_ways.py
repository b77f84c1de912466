"""What stands between the two ends: nothing, HAProxy, nginx, a bare relay, the tap; each in processes of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.tap_load import Csms
from ingest.tap.relay import Relay
from ingest.tap.service import TapConfig, TapService
from ingest.tap.upstream import Endpoint

__all__ = ["Way", "bare_relay", "csms", "haproxy", "nginx", "published_tap", "tap"]

_HAPROXY: Final = """
global
    maxconn 9000
    nbthread 1
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
frontend front
    bind 127.0.0.1:{port}
    default_backend back
backend back
    server csms 127.0.0.1:{upstream}
"""
_NGINX: Final = """
load_module {module};
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 14000; }}
stream {{
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        proxy_pass 127.0.0.1:{upstream};
        proxy_timeout 1h;
    }}
}}
"""
_NGINX_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
_START: Final = 40.0


@dataclass(frozen=True)
class Way:
    """One way from the charging stations to the CSMS."""

    port: int
    pids: tuple[int, ...] = ()
    """The processes that bytes pass through."""
    pipe: Connection | None = None
    status: Path | None = None
    """The tap's own, anew each second, where it is one."""

    def memory(self) -> int:
        """Bytes that those processes hold."""
        return sum(_resident(pid) for pid in self.pids)

    def counters(self) -> dict[str, Any]:
        """The tap's own, where it is one."""
        if self.pipe is None:
            return {}
        self.pipe.send("counters")
        return dict(self.pipe.recv())


@contextmanager
def csms() -> Iterator[int]:
    """The CSMS's port."""
    with _spawned(_serve_csms) as way:
        yield way.port


@contextmanager
def bare_relay(upstream: int) -> Iterator[Way]:
    """The splice without a copy."""
    with _spawned(_serve_relay, upstream) as way:
        yield way


@contextmanager
def tap(upstream: int, directory: Path) -> Iterator[Way]:
    """Relay, hand-off, parser process, redaction, journal."""
    with _spawned(_serve_tap, upstream, str(directory)) as way:
        yield replace(way, status=directory / "tap-status.json")


@contextmanager
def published_tap(upstream: int, directory: Path, kafka: str) -> Iterator[Way]:
    """`shadow-csms tap`: the same with a spool and the process that publishes it to Kafka."""
    port = _free_port()
    environment = {**os.environ, "SHADOW_DATA_DIR": str(directory), "SHADOW_KAFKA_BOOTSTRAP": kafka}
    command = (sys.executable, "-m", "app.cli", "tap", "--upstream", f"ws://127.0.0.1:{upstream}", "--listen-port")
    with _started([*command, str(port)], port, environment) as process:
        yield Way(port, (process.pid,), status=directory / "tap-status.json")


@contextmanager
def haproxy(upstream: int, directory: Path) -> Iterator[Way | None]:
    """HAProxy in TCP mode with one thread; None where it is not installed."""
    binary = shutil.which("haproxy")
    if binary is None:
        yield None
        return
    port = _free_port()
    file = directory / "haproxy.cfg"
    file.write_text(_HAPROXY.format(port=port, upstream=upstream), encoding="utf-8")
    with _started([binary, "-db", "-q", "-f", str(file)], port) as process:
        yield Way(port, (process.pid,))


@contextmanager
def nginx(upstream: int, directory: Path) -> Iterator[Way | None]:
    """Nginx's stream module with one worker; None where it is not installed."""
    binary = shutil.which("nginx")
    if binary is None or not _NGINX_MODULE.exists():
        yield None
        return
    port = _free_port()
    file = directory / "nginx.conf"
    text = _NGINX.format(module=_NGINX_MODULE, directory=directory, port=port, upstream=upstream)
    file.write_text(text, encoding="utf-8")
    with _started([binary, "-c", str(file), "-e", str(directory / "early.log")], port) as process:
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        yield Way(port, tuple(map(int, workers)))


@contextmanager
def _started(
    command: list[str], port: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        until = time.monotonic() + _START
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} did not start")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(40)
        process.kill()
        process.wait()


@contextmanager
def _spawned(target: Any, *arguments: Any) -> Iterator[Way]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments))
    process.start()
    try:
        if not ours.poll(_START) or process.pid is None:
            raise RuntimeError("a part of the benchmark did not start")
        yield Way(ours.recv(), (process.pid,), ours)
    finally:
        with suppress(OSError):
            ours.send(None)
        process.join(_START)
        process.kill()


async def _until_told(pipe: Connection, counters: Any = dict) -> None:
    while await asyncio.to_thread(pipe.recv) is not None:
        pipe.send(counters())


def _serve_csms(pipe: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Csms, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await _until_told(pipe)

    uvloop.run(run())


def _serve_relay(pipe: Connection, upstream: int) -> None:
    async def run() -> None:
        relay = Relay((Endpoint("127.0.0.1", upstream),), None)
        pipe.send(await relay.bind("127.0.0.1", 0))
        await relay.serve()
        await _until_told(pipe)
        await relay.stop()

    uvloop.run(run())


def _serve_tap(pipe: Connection, upstream: int, directory: str) -> None:
    async def run() -> None:
        service = TapService(TapConfig(f"ws://127.0.0.1:{upstream}", Path(directory), parser_when_idle=True))
        await service.start()
        pipe.send(service.port)
        await _until_told(pipe, service.counters)
        await service.stop()

    uvloop.run(run())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _resident(pid: int) -> int:
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
