"""Several taps behind one port."""

import asyncio
import re
import signal
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from app.distributed.tap_workers import worker_environment
from app.settings import Settings
from ingest.frame import Frame
from ingest.journal import JournalReader
from ingest.recording import Reader
from tests.running import Running, until

CHARGERS = 16


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def test_a_worker_has_a_place_of_its_own_and_one_key_for_all(tmp_path: Path) -> None:
    """Directory, monitor and share of the disk differ, port and key are the same."""
    settings = Settings(data_dir=tmp_path, tap_workers=4, monitor_port=9400, journal_bytes=8 << 20)
    first, second = (worker_environment(settings, number, 9310) for number in (0, 1))
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {"SHADOW_DATA_DIR", "SHADOW_MONITOR_PORT"}
    assert (first["SHADOW_TAP_WORKERS"], first["SHADOW_TAP_SHARE_PORT"]) == ("1", "True")
    assert first["SHADOW_JOURNAL_BYTES"] == str(2 << 20)
    assert first["SHADOW_REDACTION_KEY_FILE"] == str(tmp_path / "redaction-key.json")


def test_workers_share_a_port_and_drain_together(tmp_path: Path) -> None:
    """Every charging station is served and mirrored by one of them; told to drain, all end with the last connection."""
    env = {
        "SHADOW_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "SHADOW_DATA_DIR": "data",
        "SHADOW_TAP_WORKERS": "2",
        "SHADOW_STOP_SECONDS": "3",
    }

    async def scene() -> int:
        async with serve(_echo, "127.0.0.1", 0) as primary:
            upstream = f"ws://127.0.0.1:{primary.sockets[0].getsockname()[1]}"
            tap = Running.start(["tap", "--upstream", upstream, "--listen-port", "0"], tmp_path, env)
            try:
                port = int((await asyncio.to_thread(tap.said, r"tap on \S+:(\d+), 2 workers"))[1])
                await asyncio.to_thread(_both_listen, tap, port)
                chargers = [await connect(f"ws://127.0.0.1:{port}/CP-{number}") for number in range(CHARGERS)]
                tap.process.send_signal(signal.SIGUSR2)
                await asyncio.to_thread(tap.said, "draining")
                for charger in chargers:
                    await charger.send("[2]")
                    assert await charger.recv() == "[2]"
                    await charger.close()
                return await asyncio.to_thread(tap.process.wait, 40)
            finally:
                tap.kill()

    assert asyncio.run(scene()) == 0
    spools = sorted(tmp_path.glob("data/tap-*/spool"))
    frames = [
        [one for one in Reader().read(JournalReader(spool).follow()) if isinstance(one, Frame)] for spool in spools
    ]
    chargers = [{frame.charger_id for frame in some if frame.charger_id} for some in frames]
    assert len(spools) == 2
    assert chargers[0] | chargers[1] == {f"CP-{number}" for number in range(CHARGERS)}
    assert not chargers[0] & chargers[1]
    assert sum(frame.text == "[2]" for some in frames for frame in some) == 2 * CHARGERS


def _both_listen(tap: Running, port: int) -> None:
    """Each says so by itself, once its parser is ready."""
    tap.said(rf"tap on 127\.0\.0\.1:{port}, forwarding")
    until(lambda: sum(bool(re.search("forwarding to", line)) for line in tap.lines) == 2, 20, "both workers listen")
