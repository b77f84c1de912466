"""Drill: the parser process is killed again and again under load, and no charger notices."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.service import TapConfig, TapService

CHARGERS = 20


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def _charge(charger: ClientConnection, stop: asyncio.Event) -> int:
    count = 0
    while not stop.is_set():
        text = f'[2,"{count}","Heartbeat",{{}}]'
        await charger.send(text)
        assert await asyncio.wait_for(charger.recv(), 5) == text
        count += 1
        await asyncio.sleep(0.002)
    return count


async def _kill_some(service: TapService) -> int:
    killed = 0
    for _ in range(3):
        await asyncio.sleep(0.6)
        pid = service.parser_pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        for _ in range(1000):
            if service.parser_pid not in (None, pid):
                break
            await asyncio.sleep(0.01)
    return killed


@pytest.mark.drill
def test_killing_the_parser_changes_nothing_for_the_charger(tmp_path: Path) -> None:
    """Every message of every charger is answered while the parser dies three times; what was not mirrored is a gap; a
    charger that reconnects is mirrored again.
    """
    rounds: list[int] = []

    async def work() -> int:
        async with serve(_echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            service = TapService(TapConfig(f"ws://127.0.0.1:{port}", tmp_path))
            await service.start()
            base = f"ws://127.0.0.1:{service.port}/ocpp/"
            chargers = [await connect(f"{base}CP{number}") for number in range(CHARGERS)]
            stop = asyncio.Event()
            load = [asyncio.create_task(_charge(charger, stop)) for charger in chargers]
            killed = await _kill_some(service)
            stop.set()
            rounds.extend(await asyncio.gather(*load))
            for charger in chargers:
                await charger.close()
            async with connect(f"{base}CP0") as again:
                await again.send("[2]")
                await again.recv()
            await service.stop()
            counters = service.counters()
            assert counters["parser_starts"] == killed + 1
            assert counters["bytes_dropped"] > 0
            return killed

    assert uvloop.run(work()) == 3
    assert min(rounds) > 100
    frames = [f for f in Reader().read(JournalReader(tmp_path / "journal").follow()) if isinstance(f, Frame)]
    by_connection: dict[str, list[Frame]] = {}
    for frame in frames:
        by_connection.setdefault(frame.connection_id, []).append(frame)
    for some in by_connection.values():
        assert [frame.seq for frame in some] == list(range(len(some)))
    cut = [some for some in by_connection.values() if any(frame.gap for frame in some)]
    assert len(cut) == CHARGERS
    for some in cut:
        assert some[-1].kind is FrameKind.CLOSED
        gaps = [frame.gap for frame in some if frame.gap]
        assert {gap.reason for gap in gaps} == {"parser-restarted"}
        first = next(number for number, frame in enumerate(some) if frame.gap)
        assert all(frame.kind is not FrameKind.MESSAGE for frame in some[first:])
    again = frames[-4:] if frames[-1].charger_id else [frame for frame in frames if frame.charger_id == "CP0"][-4:]
    assert [frame.kind for frame in again] == [FrameKind.OPENED, FrameKind.MESSAGE, FrameKind.MESSAGE, FrameKind.CLOSED]
