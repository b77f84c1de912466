"""What field and attackers send: forwarded untouched, mirrored as what it is or named unparsable, nothing else hurt."""

import asyncio
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import uvloop

from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.service import TapConfig, TapService
from ingest.tap.status import TapStatus, read_status

KEY: Final = b"\x11\x22\x33\x44"
ANSWER: Final = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
PACKED: Final = ANSWER[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
CALL: Final = b'[2,"1","Heartbeat",{}]'


def _request(path: str, more: str = "") -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Protocol: ocpp1.6\r\n{more}\r\n"
    ).encode("latin-1")


def _frame(first: int, payload: bytes = b"", *, masked: bool = True) -> bytes:
    bit, size = 0x80 if masked else 0, len(payload)
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 1 << 16:
        head = bytes([first, bit | 126]) + struct.pack("!H", size)
    else:
        head = bytes([first, bit | 127]) + struct.pack("!Q", size)
    body = bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload)) if masked else payload
    return head + (KEY if masked else b"") + body


def _bomb() -> bytes:
    worker = zlib.compressobj(9, wbits=-15)
    return (worker.compress(bytes(64 << 20)) + worker.flush(zlib.Z_SYNC_FLUSH))[:-4]


@dataclass(frozen=True)
class Case:
    """What both say, and what is made of it: a part of the gap's reason, or a text that is mirrored."""

    name: str
    sent: bytes
    answered: bytes
    charger_id: str
    shown: str


def _on(name: str, frames: bytes, shown: str, answered: bytes = ANSWER) -> Case:
    return Case(name, _request(f"/ocpp/{name}") + frames, answered, name, shown)


CASES: Final = [
    _on("mask-missing", _frame(0x81, CALL, masked=False), "unparsable"),
    Case("mask-from-csms", _request("/mask-from-csms"), ANSWER + _frame(0x81, CALL), "mask-from-csms", "unparsable"),
    _on("reserved-bits", _frame(0xB1, CALL), "unparsable"),
    _on("reserved-opcode", _frame(0x83, CALL), "unparsable"),
    _on("utf8", _frame(0x81, b"\xff\xfe") + _frame(0x81, CALL), "undecodable"),
    _on("utf8-goes-on", _frame(0x81, b"\xff\xfe") + _frame(0x81, CALL), CALL.decode()),
    _on("oversize", _frame(0x81, b"x" * ((4 << 20) + 1)), "a message of more than 4194304 bytes"),
    _on("endless", _frame(0x01, b"[") + _frame(0x00, b" " * 70_000) * 70, "a message of more than 4194304 bytes"),
    _on("continuation", _frame(0x80, CALL), "unparsable"),
    _on("interleaved", _frame(0x01, CALL) + _frame(0x81, CALL), "unparsable"),
    _on("long-ping", _frame(0x89, b"x" * 126), "unparsable"),
    _on("fragmented-ping", _frame(0x09, b"x"), "unparsable"),
    _on("half-frame", _frame(0x81, CALL)[:-5], "half-frame"),
    _on("bomb", _frame(0xC1, _bomb()), "inflates to more than 4194304 bytes", PACKED),
    _on("no-deflate", _frame(0xC1, b"\xff" * 20), "un", PACKED),
    _on("fragments", _frame(0x01, CALL[:5]) + _frame(0x89, b"?") + _frame(0x80, CALL[5:]), CALL.decode()),
    _on("binary", _frame(0x82, CALL), CALL.decode()),
    Case("no-upgrade", b"GET /no-upgrade HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 426 Upgrade Required\r\n\r\n",
         "no-upgrade", "opened"),
    Case("bad-request", _request("/bad-request"), b"HTTP/1.1 400 Bad Request\r\n\r\nno", "bad-request", "opened"),
    Case("not-found", _request("/not-found"), b"HTTP/1.1 404 Not Found\r\n\r\n", "not-found", "opened"),
    Case("unauthorized", _request("/unauthorized"), b"HTTP/1.1 401 Unauthorized\r\n\r\n", "unauthorized", "opened"),
    Case("no-subprotocol", _request("/no-subprotocol") + _frame(0x81, CALL), b"HTTP/1.1 101 S\r\n\r\n",
         "no-subprotocol", CALL.decode()),
    Case("other-subprotocol", _request("/other") + _frame(0x81, CALL),
         ANSWER.replace(b"ocpp1.6", b"ocpp9"), "other", CALL.decode()),
    Case("slashes", _request("/ocpp//x//double/") + _frame(0x81, CALL), ANSWER, "double", CALL.decode()),
    Case("escaped", _request("/ocpp/A%2FB%20C%25") + _frame(0x81, CALL), ANSWER, "A/B C%", CALL.decode()),
    Case("longest", _request("/ocpp/" + "L" * 255) + _frame(0x81, CALL), ANSWER, "L" * 255, CALL.decode()),
    Case("too-long", _request("/ocpp/" + "M" * 1024) + _frame(0x81, CALL), ANSWER, "", ""),
    Case("space", _request("/ocpp/A B") + _frame(0x81, CALL), ANSWER, "", ""),
    Case("huge-head", _request("/huge", f"X: {'x' * 40_000}\r\n") + _frame(0x81, CALL), ANSWER, "", ""),
    Case("nothing", b"\x00" * 100, b"", "", ""),
    Case("tls-hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200, b"", "", ""),
    Case("close", _request("/closing") + _frame(0x88, struct.pack("!H", 4001) + b"bye"), ANSWER, "closing",
         "close 4001"),
]  # fmt: skip


class _Csms:
    """Answers as soon as the head is there, and reads all that is expected."""

    def __init__(self) -> None:
        self.case = CASES[0]
        self.got = b""
        self.done = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        case, got, answered = self.case, b"", False
        while len(got) < len(case.sent) and (data := await reader.read(1 << 20)):
            got += data
            if not answered and (b"\r\n\r\n" in got or len(got) >= len(case.sent)):
                answered = True
                writer.write(case.answered)
        writer.close()
        self.got = got
        self.done.set()


@dataclass(frozen=True)
class Outcome:
    """What came out of all cases."""

    received: dict[str, tuple[bytes, bytes]]
    """By case: what the CSMS and what the charging station got."""
    frames: dict[str, list[Frame]]
    status: TapStatus


async def _run_cases(directory: Path) -> dict[str, tuple[bytes, bytes]]:
    csms, received = _Csms(), {}
    server = await asyncio.start_server(csms, "127.0.0.1", 0)
    service = TapService(TapConfig(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", directory))
    await service.start()
    for case in CASES:
        csms.case, csms.done = case, asyncio.Event()
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        head, end, rest = case.sent.partition(b"\r\n\r\n")
        writer.write(head + end)
        got = await reader.readuntil(b"\r\n\r\n") if end else b""
        writer.write(rest)
        got += await asyncio.wait_for(reader.read(), 20)
        await csms.done.wait()
        received[case.name] = (csms.got, got)
        writer.close()
    await _written(directory / "tap-status.json")
    await service.stop()
    server.close()
    return received


async def _written(file: Path) -> None:
    """Wait until the parser, which may be far behind on a busy machine, has ended every connection."""
    for _ in range(1200):
        status = read_status(file)
        ended = 0 if status is None else sum(one.closed_at is not None for one in status.connections)
        if ended == len(CASES):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{ended} of {len(CASES)} connections have ended within a minute")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All cases, one after the other, through one tap."""
    directory = tmp_path_factory.mktemp("bad")
    received = uvloop.run(_run_cases(directory))
    frames: dict[str, list[Frame]] = {}
    for frame in Reader().read(JournalReader(directory / "journal").follow()):
        assert isinstance(frame, Frame)
        frames.setdefault(frame.charger_id, []).append(frame)
    status = read_status(directory / "tap-status.json")
    assert status is not None
    return Outcome(received, frames, status)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_forwarded_untouched(outcome: Outcome, case: Case) -> None:
    """Both sides get what the other one sent, byte for byte, status lines and close codes among it."""
    assert outcome.received[case.name] == (case.sent, case.answered)


@pytest.mark.parametrize("case", [case for case in CASES if case.charger_id], ids=lambda case: case.name)
def test_it_is_mirrored_as_what_it_is(outcome: Outcome, case: Case) -> None:
    """A text is mirrored, a refusal is an `opened`, what cannot be read is a gap that says why."""
    frames = outcome.frames[case.charger_id]
    said = [frame.text or (frame.gap.reason if frame.gap else frame.kind.value) for frame in frames]
    said += [f"close {frame.close_code}" for frame in frames if frame.close_code]
    assert any(case.shown in one for one in said), said
    assert frames[0].kind is FrameKind.OPENED


def test_nothing_else_is_affected(outcome: Outcome) -> None:
    """The parser has no fault, is the first one, and holds the bytes of every connection; who is nobody is counted."""
    assert outcome.status.mirror["faults"] == 0
    assert outcome.status.relay["parser_starts"] == 1
    assert outcome.status.relay["copy_errors"] == 0
    assert len(outcome.status.connections) == len(CASES)
    assert all(entry.bytes_forwarded == entry.bytes_mirrored for entry in outcome.status.connections)
    assert {entry.state for entry in outcome.status.connections} == {"closed"}
