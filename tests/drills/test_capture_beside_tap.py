"""Drill: tcpdump beside the inline tap, over the same fleet in the same run."""

import asyncio
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import uvloop

from app.replay import Replay
from demo.fleet import FleetConfig, run_fleet
from demo.plan import Pace
from demo.primary import Primary, PrimaryConfig
from diff.policy import Policy
from ingest.capture.capture import Capture
from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.redaction import Redactor
from ingest.tap.service import TapConfig, TapService
from shadow.config import ShadowConfig

PACE = Pace(session=(1_500_000, 2_500_000), sample=300_000, gap=(100_000, 300_000), handling=50_000)
FLEET = FleetConfig(
    chargers=16, seed=5, fault_share=0.8, duration_seconds=3, compressed_share=0.5, prefix="PCAP", pace=PACE
)


def _tcpdump() -> str:
    program = shutil.which("tcpdump") or shutil.which("tcpdump", path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip("no tcpdump: apt-get install tcpdump")
    if os.geteuid() != 0:
        pytest.skip("tcpdump needs to be root to capture on loopback")
    return program


async def _live(directory: Path, program: str) -> bytes:
    """The fleet through the tap, and a capture of the tap's port beside it."""
    async with Primary(PrimaryConfig(behaviours=FLEET.behaviours())) as primary:
        service = TapService(TapConfig(primary.url, directory, tick_seconds=0.5))
        await service.start()
        dump = await asyncio.create_subprocess_exec(
            program, "-i", "lo", "-s", "0", "-U", "-n", "--immediate-mode", "-B", "65536", "-w",
            str(directory / "dump.pcap"), f"tcp port {service.port}", stderr=subprocess.PIPE,
        )  # fmt: skip
        assert dump.stderr is not None
        said = await dump.stderr.readline()
        if b"listening on" not in said:
            await dump.wait()
            pytest.skip(f"tcpdump cannot capture here: {said.decode().strip()}")
        url = f"ws://127.0.0.1:{service.port}/ocpp"
        await run_fleet(FleetConfig(**{name: getattr(FLEET, name) for name in FLEET.__struct_fields__} | {"url": url}))
        await _until_captured(service.port, directory / "dump.pcap")
        await service.stop()
        dump.terminate()
        said = await dump.stderr.read()
        assert b"0 packets dropped by kernel" in said, said
        await dump.wait()
    return (directory / "dump.pcap").read_bytes()


async def _until_captured(port: int, dump: Path) -> None:
    """What tcpdump has in its buffer when it is ended is lost: something is said, and looked for in the file."""
    marker = b"\0that was all"
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(marker)
    for _ in range(500):
        if marker in dump.read_bytes():  # noqa: ASYNC240 - nothing else runs any more
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("tcpdump did not write what was said on loopback within 10 s")
    writer.close()


@pytest.mark.drill
def test_a_capture_tells_what_the_tap_tells(tmp_path: Path) -> None:
    """Same messages in the same order on every connection, same sessions, same discrepancies."""
    data = uvloop.run(_live(tmp_path, _tcpdump()))
    taken = [one for one in Reader().read(JournalReader(tmp_path / "journal").follow()) if isinstance(one, Frame)]
    captured: list[Frame] = []

    def write(frame: Frame) -> str:
        captured.append(frame)
        return ""

    capture = Capture(write, Redactor.from_key_file(tmp_path / "redaction-key.json", create=False).redact)
    capture.feed(data)
    assert capture.end_file() is None
    capture.end()
    report = capture.report()
    assert (report.with_holes, report.unparsable) == (0, 0)
    assert report.messages > 200

    assert _messages(captured) == _messages(taken)
    lived, replayed = _lived(taken), _lived(captured)
    assert lived["sessions"]
    assert lived["discrepancies"]
    assert replayed == lived


def _messages(frames: list[Frame]) -> dict[str, list[dict[str, list[str]]]]:
    """What was said on each connection of each charging station, in the order of each direction.

    Where a call of either side crosses one of the other on the wire, the order between the directions is that of the
    place that looked: the tap sees the CSMS before it forwards, the capture after that.
    """
    connections: dict[tuple[str, str], dict[str, list[str]]] = {}
    for frame in frames:
        if frame.kind is not FrameKind.TICK:
            said = connections.setdefault((frame.charger_id, frame.connection_id), defaultdict(list))
            event = frame.gap.reason if frame.gap else frame.kind.value
            said[frame.direction or "events"].append(f"{event} {frame.close_code} {frame.text}")
    out: dict[str, list[dict[str, list[str]]]] = defaultdict(list)
    for (charger_id, _), said in sorted(connections.items()):
        out[charger_id].append(dict(said))
    return out


def _lived(frames: list[Frame]) -> dict[str, list[tuple[str, ...]]]:
    """Sessions and discrepancies, by what does not depend on clocks and names of connections."""
    replay = Replay(ShadowConfig(), Policy())
    for frame in frames:
        replay.feed(frame)
    replay.finish(settle=True)
    document = replay.document()
    sessions = {row["session_id"]: str(row["primary_transaction_id"]) for row in document["sessions"]}
    return {
        "sessions": sorted(
            (row["charger_id"], str(row["primary_transaction_id"]), str(row["primary_energy_wh"]),
             str(row["shadow_energy_wh"]), str(row["complete"]))
            for row in document["sessions"]
        ),
        "discrepancies": sorted(
            (row["charger_id"], sessions.get(row["session_id"], str(row["session_id"])), row["code"])
            for row in document["discrepancies"]
        ),
    }  # fmt: skip
