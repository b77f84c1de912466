"""Law 1 over real sockets: the bytes that left the tap are the bytes that came in, in both directions."""

import asyncio
import struct
import tempfile
import zlib
from itertools import pairwise
from pathlib import Path

import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.journal import JournalReader
from ingest.recording import Reader, Rejected
from ingest.tap.certificates import ClientTls, ServerCertificates, ServerTls, client_context
from ingest.tap.limits import Manner
from ingest.tap.relay import Relay
from ingest.tap.service import TapConfig, TapService
from ingest.tap.status import read_status
from ingest.tap.upstream import Endpoint
from tests.ingest.tap.conftest import Certificates, certificates

__all__ = ["certificates"]

KEY = b"\x11\x22\x33\x44"
REQUEST = b"GET /ocpp/CP1?t=1 HTTP/1.1\r\nHost: csms.example\r\nUpgrade: websocket\r\n\r\n"
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


def _frame(first: int, payload: bytes, *, masked: bool) -> bytes:
    bit = 0x80 if masked else 0
    size = len(payload)
    head = bytes([first, bit | size]) if size < 126 else bytes([first, bit | 126]) + struct.pack("!H", size)
    if not masked:
        return head + payload
    return head + KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload))


def _pack(payload: bytes) -> bytes:
    worker = zlib.compressobj(wbits=-15)
    return (worker.compress(payload) + worker.flush(zlib.Z_SYNC_FLUSH))[:-4]


@st.composite
def _wire(draw: st.DrawFn, *, masked: bool) -> bytes:
    """What one side may say: plain, fragmented and compressed messages, control frames, and garbage."""
    head = draw(st.sampled_from([REQUEST, REQUEST, REQUEST, b"", b"GET /nothing\r\n\r\n"])) if masked else (
        draw(st.sampled_from([ANSWER, ANSWER, ANSWER, b"HTTP/1.1 401 No\r\n\r\n", b""])))  # fmt: skip
    parts = [head]
    for _ in range(draw(st.integers(0, 6))):
        payload = draw(st.binary(max_size=2000))
        match draw(st.sampled_from(["plain", "fragments", "packed", "ping", "close", "garbage", "large"])):
            case "plain":
                parts.append(_frame(0x81, payload, masked=masked))
            case "fragments":
                parts += [_frame(0x01, payload, masked=masked), _frame(0x89, b"?", masked=masked)]
                parts.append(_frame(0x80, payload, masked=masked))
            case "packed":
                parts.append(_frame(0xC1, _pack(payload), masked=masked))
            case "ping":
                parts.append(_frame(0x89, payload[:125], masked=masked))
            case "close":
                parts.append(_frame(0x88, struct.pack("!H", 4000) + payload[:100], masked=masked))
            case "large":
                parts.append(_frame(0x81, b"x" * 60_000, masked=masked) * 5)
            case _:
                parts.append(payload)
    return b"".join(parts)


async def _talk(writer: asyncio.StreamWriter, data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        writer.write(data[start:end])
        await writer.drain()
        await asyncio.sleep(0)
    writer.write_eof()


async def _pass(service: TapService, sides: list[tuple[bytes, bytes, list[int]]], csms: "_Csms") -> None:
    for to_csms, to_charger, cuts in sides:
        csms.next = (to_charger, cuts)
        csms.got = asyncio.get_running_loop().create_future()
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        talking = asyncio.create_task(_talk(writer, to_csms, cuts))
        received = await asyncio.wait_for(reader.read(), 20)
        await talking
        assert received == to_charger
        assert await asyncio.wait_for(csms.got, 20) == to_csms
        writer.close()


class _Csms:
    def __init__(self) -> None:
        self.next: tuple[bytes, list[int]] = (b"", [])
        self.got: asyncio.Future[bytes]

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data, cuts = self.next
        talking = asyncio.create_task(_talk(writer, data, cuts))
        got = await reader.read()
        await talking
        self.got.set_result(got)
        writer.close()


SIDE = st.tuples(_wire(masked=True), _wire(masked=False), st.lists(st.integers(0, 1 << 30), max_size=30))


@settings(deadline=None, max_examples=12)
@given(sides=st.lists(SIDE, min_size=3, max_size=8))
def test_what_goes_in_comes_out(sides: list[tuple[bytes, bytes, list[int]]]) -> None:
    """Whatever is sent, cut anywhere, passes unchanged both ways, and the journal holds only whole lines."""

    async def work(directory: Path) -> dict[str, int]:
        csms = _Csms()
        server = await asyncio.start_server(csms, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        service = TapService(TapConfig(f"ws://127.0.0.1:{port}", directory))
        await service.start()
        try:
            await _pass(service, sides, csms)
        finally:
            await service.stop()
            server.close()
        return service.counters()

    with tempfile.TemporaryDirectory() as directory:
        counters = uvloop.run(work(Path(directory)))
        frames = list(Reader().read(JournalReader(Path(directory) / "journal").follow()))
        assert counters["bytes_from_charger"] == sum(len(side[0]) for side in sides)
        assert counters["bytes_from_csms"] == sum(len(side[1]) for side in sides)
        assert counters["copy_errors"] == counters["bytes_dropped"] == 0
        assert counters["parser_starts"] == 1
        status = read_status(Path(directory) / "tap-status.json")
        assert status is not None
        assert status.mirror["faults"] == 0
        assert not [frame for frame in frames if isinstance(frame, Rejected)]


class _Speaker:
    """One side of a conversation over TLS or plain: what it says and what it hears, and how it ends."""

    def __init__(self, said: bytes, cuts: list[int], *, reset: bool) -> None:
        self.said, self.cuts, self.reset = said, cuts, reset
        self.heard = b""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, expected: int) -> None:
        places = sorted({0, len(self.said), *(cut % (len(self.said) + 1) for cut in self.cuts)})
        for start, end in pairwise(places):
            writer.write(self.said[start:end])
            await writer.drain()
            await asyncio.sleep(0)
        while len(self.heard) < expected and (data := await reader.read(65_536)):
            self.heard += data
        if self.reset:
            writer.transport.abort()
        else:
            writer.close()


@settings(deadline=None, max_examples=50)
@given(
    sides=st.lists(st.tuples(st.binary(max_size=60_000), st.lists(st.integers(0, 1 << 30), max_size=20)), min_size=2,
                   max_size=2).filter(lambda sides: any(said for said, _ in sides)),
    tls=st.sampled_from([(True, True), (True, False), (False, True), (False, False)]),
    reset=st.booleans(),
)  # fmt: skip
def test_tls_changes_nothing_of_what_is_said(
    certificates: Certificates, *, sides: list[tuple[bytes, list[int]]], tls: tuple[bool, bool], reset: bool
) -> None:
    """Whichever side speaks TLS, bytes come out as they went in, in both directions, and a reset costs none of them.

    One of them says something: who comes and is gone before a word need not reach the other side at all.
    """
    charger, csms = (_Speaker(said, cuts, reset=reset) for said, cuts in sides)
    server = ServerCertificates(ServerTls(certificates.cert, certificates.key)).context
    client = client_context(ClientTls(certificates.ca, "localhost"))

    async def work() -> None:
        heard = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await csms.talk(reader, writer, len(charger.said))
            heard.set()

        backend = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server if tls[1] else None)
        port = backend.sockets[0].getsockname()[1]
        manner = Manner(tls=lambda: server if tls[0] else None, upstream_tls=client, upstream_name="localhost")
        relay = Relay((Endpoint("127.0.0.1", port, tls[1]),), None, None, manner)
        await relay.bind("127.0.0.1", 0)
        await relay.serve()
        try:
            secure = {"ssl": client, "server_hostname": "localhost"} if tls[0] else {}
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port, **secure)
            await asyncio.wait_for(charger.talk(reader, writer, len(csms.said)), 20)
            await asyncio.wait_for(heard.wait(), 20)
        finally:  # uvloop does not end with a listener that nobody closed
            await relay.stop()
            backend.close()
        assert relay.counters.tls_faults == relay.counters.upstream_tls_faults == 0

    uvloop.run(work())
    assert (charger.heard, csms.heard) == (csms.said, charger.said)
