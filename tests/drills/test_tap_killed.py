"""Drill: the whole tap is killed with SIGKILL under load, and started again over the same directory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.status import read_status

LOAD = """
import asyncio, sys
from pathlib import Path
import uvloop
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from ingest.tap.service import TapConfig, TapService

async def echo(connection):
    async for message in connection:
        await connection.send(message)

async def charge(url):
    async with connect(url) as charger:
        for number in range(10**9):
            await charger.send(f'[2,"{number}","Heartbeat",{{}}]')
            await charger.recv()
            await asyncio.sleep(0.001)

async def main():
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        service = TapService(TapConfig(f"ws://127.0.0.1:{port}", Path(sys.argv[1])))
        await service.start()
        print(service.parser_pid, flush=True)
        await asyncio.gather(*(charge(f"ws://127.0.0.1:{service.port}/ocpp/CP{n}") for n in range(10)))

uvloop.run(main())
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are gone at the end, whatever happens."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _start(directory: Path, started: list[subprocess.Popen[str]]) -> tuple[subprocess.Popen[str], int]:
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    started.append(process)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _frames(directory: Path) -> list[Frame]:
    found = list(Reader().read(JournalReader(directory / "journal").follow()))
    assert all(isinstance(frame, Frame) for frame in found)
    return [frame for frame in found if isinstance(frame, Frame)]


def _acknowledged(directory: Path, least: int, *, behind: str = "") -> tuple[int, str]:
    """How many frames a tap has acknowledged, and its run; `behind`: the run that it must not be any more."""
    for _ in range(1000):
        status = read_status(directory / "tap-status.json")
        if status is not None and status.run != behind and status.journal.acknowledged >= least:
            return status.journal.acknowledged, status.run
        time.sleep(0.02)
    raise AssertionError("nothing was acknowledged within 20 s")


@pytest.mark.drill
@pytest.mark.parametrize("parser_too", [True, False])
def test_killing_the_tap_loses_nothing_acknowledged(
    tmp_path: Path, started: list[subprocess.Popen[str]], *, parser_too: bool
) -> None:
    """No acknowledged frame is lost, whether the parser is killed with the tap or outlives it; the next tap finds the
    cut connections, says that their end was not seen, and goes on.
    """
    tap, parser = _start(tmp_path, started)
    acknowledged, run = _acknowledged(tmp_path, 500)
    if parser_too:
        os.kill(parser, signal.SIGSTOP)
    tap.send_signal(signal.SIGKILL)
    if parser_too:
        os.kill(parser, signal.SIGKILL)
    tap.wait()
    again, _ = _start(tmp_path, started)
    before = {frame.frame_id for frame in _frames(tmp_path)}
    assert len(before) >= acknowledged
    _acknowledged(tmp_path, 500, behind=run)  # the killed one's last word is still there
    again.send_signal(signal.SIGKILL)
    frames = _frames(tmp_path)
    assert len({frame.frame_id for frame in frames}) == len(frames)
    assert before <= {frame.frame_id for frame in frames}
    runs: dict[str, dict[str, list[Frame]]] = {}
    for frame in frames:
        if frame.kind is not FrameKind.TICK:
            runs.setdefault(frame.connection_id.split("-")[0], {}).setdefault(frame.connection_id, []).append(frame)
    first, second = list(runs.values())[:2]
    assert len(first) == len(second) == 10
    for some in first.values():
        assert [frame.seq for frame in some] == list(range(len(some)))
        gap = some[-2].gap
        assert gap is not None
        assert (gap.reason, some[-1].kind) == ("tap-ended", FrameKind.CLOSED)
    assert json.loads((tmp_path / "tap-status.json").read_text())["mirror"]["faults"] == 0
