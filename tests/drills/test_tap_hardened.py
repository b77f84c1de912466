"""Drills of the tap under load: disk full, upstream gone, certificate rotated, program replaced. No charger pays."""

import asyncio
import resource
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from ingest.frame import Frame
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.certificates import ClientTls, ServerTls, client_context
from ingest.tap.service import TapConfig, TapService
from tests.ingest.tap.conftest import Certificates, certificates
from tests.running import Running

__all__ = ["certificates"]

CHARGERS = 10


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@dataclass
class Load:
    """Chargers that talk until they are told to stop."""

    url: str
    options: dict[str, Any] = field(default_factory=dict)
    chargers: list[ClientConnection] = field(default_factory=list)
    rounds: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def begin(self) -> None:
        self.chargers = [await connect(f"{self.url}CP{number}", **self.options) for number in range(CHARGERS)]
        self._tasks = [asyncio.create_task(self._talk(charger)) for charger in self.chargers]

    async def _talk(self, charger: ClientConnection) -> None:
        while not self._stop.is_set():
            text = f'[2,"{self.rounds}","Heartbeat",{{}}]'
            await charger.send(text)
            assert await asyncio.wait_for(charger.recv(), 5) == text
            self.rounds += 1
            await asyncio.sleep(0.005)

    async def goes_on(self, rounds: int = 100) -> None:
        """Wait until so many more were answered; whatever a charger suffered is raised."""
        until = self.rounds + rounds
        while self.rounds < until:
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)
        for charger in self.chargers:
            await charger.close()


@asynccontextmanager
async def _tap(directory: Path, **more: Any) -> AsyncIterator[TapService]:
    async with serve(_echo, "127.0.0.1", 0) as server:
        upstream = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        service = TapService(replace(TapConfig(upstream, directory, tick_seconds=0.5), **more))
        await service.start()
        try:
            yield service
        finally:
            await service.stop()


async def _until(condition: Callable[[], Any]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about within 20 s")


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in (directory / "journal").iterdir())


def _frames(directory: Path, journal: str = "journal") -> list[Frame]:
    found = Reader().read(JournalReader(directory / journal).follow())
    return [frame for frame in found if isinstance(frame, Frame)]


@pytest.mark.drill
def test_a_full_disk_is_the_shadows_affair(tmp_path: Path) -> None:
    """While the disk takes nothing more every message is answered; afterwards the mirror goes on with the next ones."""

    async def work() -> int:
        async with _tap(tmp_path) as service:
            load = Load(f"ws://127.0.0.1:{service.port}/ocpp/")
            await load.begin()
            await _until(lambda: _size(tmp_path) > 1)
            pid = service.parser_pid
            assert pid is not None
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
            held = _size(tmp_path)
            await load.goes_on(500)
            assert _size(tmp_path) == held
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
            await load.goes_on()
            assert service.parser_pid == pid
            await load.end()
            assert service.counters()["connections"] == CHARGERS
            return load.rounds

    rounds = uvloop.run(work())
    frames = _frames(tmp_path)
    assert sum(bool(frame.text) for frame in frames) == 2 * rounds
    assert not [frame.gap for frame in frames if frame.gap]


@pytest.mark.drill
def test_an_upstream_that_goes_and_comes_back(tmp_path: Path) -> None:
    """While it is gone chargers are closed, as without a tap; the second address serves at once, the first one again
    when it is back, and the tap is the same all along.
    """

    async def work() -> None:
        primary, second = await serve(_echo, "127.0.0.1", 0), await serve(_echo, "127.0.0.1", 0)
        ports = [server.sockets[0].getsockname()[1] for server in (primary, second)]
        config = TapConfig(f"ws://127.0.0.1:{ports[0]},ws://127.0.0.1:{ports[1]}", tmp_path)
        service = TapService(config)
        await service.start()
        url = f"ws://127.0.0.1:{service.port}/ocpp/CP1"
        async with connect(url) as charger:
            primary.close(code=1012)
            with pytest.raises(ConnectionClosed) as closed:
                await charger.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        await primary.wait_closed()
        async with connect(url) as charger:
            await charger.send("[2]")
            assert await charger.recv() == "[2]"
            second.close()
            with pytest.raises(ConnectionClosed):
                await charger.recv()
        await second.wait_closed()
        with pytest.raises((InvalidHandshake, OSError, EOFError)):
            await connect(url)
        back = await serve(_echo, "127.0.0.1", ports[0])
        async with connect(url) as charger:
            await charger.send("[3]")
            assert await charger.recv() == "[3]"
        back.close()
        counters = service.counters()
        assert (counters["upstream_refused"], counters["parser_starts"]) == (1, 1)
        await service.stop()

    asyncio.run(work())
    assert [frame.text for frame in _frames(tmp_path) if frame.text] == ["[2]", "[2]", "[3]", "[3]"]
    assert next(frame.close_code for frame in _frames(tmp_path) if frame.close_code) == 1012


@pytest.mark.drill
def test_a_certificate_is_rotated_under_load(tmp_path: Path, certificates: Certificates) -> None:
    """A new certificate is used within seconds and a broken one never; no connection notices either."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(certificates.cert, cert)
    shutil.copy(certificates.key, key)
    context = client_context(ClientTls(certificates.ca))

    def serial(port: int) -> str:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as sock,
            context.wrap_socket(sock, server_hostname="localhost") as secured,
        ):
            return str((secured.getpeercert() or {})["serialNumber"])

    async def work() -> None:
        async with _tap(tmp_path / "data", tls=ServerTls(cert, key)) as service:
            load = Load(f"wss://localhost:{service.port}/ocpp/", {"ssl": context, "host": "127.0.0.1"})
            await load.begin()
            await load.goes_on()
            first = await asyncio.to_thread(serial, service.port)
            cert.write_text("-----BEGIN CERTIFICATE-----\nbroken")
            await _until(lambda: "the last good one" in service.counters()["doorway_error"])
            assert await asyncio.to_thread(serial, service.port) == first
            shutil.copy(certificates.next_key, key)
            shutil.copy(certificates.next_cert, cert)
            await _until(lambda: not service.counters()["doorway_error"])
            assert await asyncio.to_thread(serial, service.port) != first
            await load.goes_on()
            await load.end()
            assert service.counters()["tls_faults"] == 0

    uvloop.run(work())
    assert {frame.handshake.tls_version for frame in _frames(tmp_path / "data") if frame.handshake} <= {"TLSv1.3", None}


@pytest.mark.drill
def test_the_program_is_replaced_under_load(tmp_path: Path) -> None:
    """A second process takes the port, the first one drains and ends: no connection is lost, every message mirrored."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = {"SHADOW_REDACTION_KEY_FILE": str(tmp_path / "key.json"), "SHADOW_TAP_SHARE_PORT": "true"}

    def start(upstream: int, name: str) -> Running:
        command = ["record", "--upstream", f"ws://127.0.0.1:{upstream}", "--listen-port", port, "--data-dir", name]
        return Running.start(command, tmp_path, key)

    async def work() -> int:
        async with serve(_echo, "127.0.0.1", 0) as server:
            upstream = server.sockets[0].getsockname()[1]
            old = await asyncio.to_thread(start, upstream, "old")
            running = [old]
            try:
                await asyncio.to_thread(lambda: old.tap_port)
                load = Load(f"ws://127.0.0.1:{port}/ocpp/")
                await load.begin()
                await load.goes_on()
                new = await asyncio.to_thread(start, upstream, "new")
                running.append(new)
                await asyncio.to_thread(lambda: new.tap_port)
                old.process.send_signal(signal.SIGUSR2)
                await asyncio.to_thread(old.said, "draining")
                for number in range(30):
                    async with connect(f"ws://127.0.0.1:{port}/ocpp/N{number}") as charger:
                        await charger.send("[2]")
                        assert await charger.recv() == "[2]"
                await load.goes_on()
                await load.end()
                assert await asyncio.to_thread(old.process.wait, 20) == 0
                assert await asyncio.to_thread(new.stop) == 0
                return load.rounds
            finally:
                for one in running:
                    one.kill()

    rounds = uvloop.run(work())
    assert sum(bool(frame.text) for frame in _frames(tmp_path / "old")) == 2 * rounds
    assert sum(bool(frame.text) for frame in _frames(tmp_path / "new")) == 60
    assert not [frame for name in ("old", "new") for frame in _frames(tmp_path / name) if frame.gap]
