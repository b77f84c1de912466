"""Fuzzing of what reads the wire: the WebSocket reader, the mirror, the capture reader.

A few seconds in the suite, SHADOW_FUZZ_SECONDS for longer: `make fuzz` takes ten minutes. Every round begins with
another seed; what fails is shrunk and printed by hypothesis.
"""

import os
import random
import resource
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ingest.capture.assembler import Limits
from ingest.capture.capture import Capture
from ingest.frame import Frame
from ingest.ocppj import MAX_TEXT
from ingest.tap.deflate import Inflater
from ingest.tap.handshake import HeadReader, read_request, read_response
from ingest.tap.websocket import FrameReader, Text, Undecodable, Unparsable
from tests.ingest.capture.wire import ANSWER, KEY, REQUEST, Talk, block, ethernet, pcap, pcapng, tcp, text

SECONDS = float(os.environ.get("SHADOW_FUZZ_SECONDS", "2")) / 3
"""For each of the targets."""
LIMIT = 1 << 16
MOST_MEMORY = 48 * 1024 * 1024


def _fuzz(target: Callable[[], None]) -> None:
    """Round after round until the time is up. Allocations are traced in the first one, which slows it; then the process
    as a whole may not grow.
    """
    begin = time.monotonic()
    tracemalloc.start()
    try:
        seed(random.randrange(1 << 60))(target)()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while time.monotonic() - begin < SECONDS:
        seed(random.randrange(1 << 60))(target)()
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_MEMORY


quick = settings(
    deadline=None,
    max_examples=10,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)

PAYLOADS = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"\0" * 400_000, b"[" * 70_000, "é".encode() * 40, b"\xff\xfe"]),
).flatmap(lambda data: st.sampled_from([data, zlib.compress(data, wbits=-15), zlib.compress(data * 3, wbits=-9)]))


@st.composite
def _ws_frames(draw: st.DrawFn) -> bytes:
    """A WebSocket frame that is nearly right."""
    payload = draw(PAYLOADS)
    first = draw(st.sampled_from([0x81, 0xC1, 0x01, 0x41, 0x00, 0x80, 0x82, 0x88, 0x89, 0x8A, 0x83, 0xB1, 0xFF]))
    length = draw(st.sampled_from([len(payload), len(payload), len(payload), 0, 1, 1 << 62]))
    bit = draw(st.sampled_from([0x80, 0x80, 0]))
    if length < 126:
        head = bytes([first, bit | length])
    elif length < 65536 and draw(st.booleans()):
        head = bytes([first, bit | 126]) + struct.pack("!H", length)
    else:
        head = bytes([first, bit | 127]) + struct.pack("!Q", length)
    return head + (KEY if bit else b"") + payload


@quick
@given(st.lists(st.one_of(_ws_frames(), st.binary(max_size=40)), max_size=8), st.integers(1, 5000), st.booleans())
def _websocket(frames: list[bytes], chunk: int, decode: bool) -> None:  # noqa: FBT001 - hypothesis passes by place
    for masked in (True, False):
        inflater = Inflater(takeover=decode, window_bits=10)
        reader = FrameReader(masked=masked, inflater=inflater, limit=LIMIT, decode=decode)
        wire, over = b"".join(frames), False
        for start in range(0, len(wire), chunk):
            for event in reader.feed(wire[start : start + chunk]):
                assert not over
                over = isinstance(event, Unparsable)
                if isinstance(event, Text):
                    assert len(event.text.encode()) <= LIMIT
                if isinstance(event, Undecodable):
                    assert event.size <= LIMIT
            assert reader.half_frame <= 2 * LIMIT + chunk + 14


LINES = st.one_of(
    st.sampled_from([REQUEST, ANSWER, b"GET / HTTP/1.1\r\n", b"\r\n\r\n"]),
    st.just(b"Sec-WebSocket-Extensions: permessage-deflate"),
    st.binary(max_size=60),
)  # fmt: skip


@quick
@given(st.lists(LINES, max_size=12), st.integers(1, 4000))
def _handshake(lines: list[bytes], chunk: int) -> None:
    reader, wire = HeadReader(), b"".join(lines)
    for start in range(0, len(wire), chunk):
        found = reader.feed(wire[start : start + chunk])
        if found is not None:
            read_request(found[0])
            read_response(found[0])
            break


def _capture(data: bytes, chunk: int) -> tuple[list[Frame], Capture]:
    frames: list[Frame] = []

    def write(frame: Frame) -> str:
        frames.append(frame)
        return ""

    capture = Capture(write, str, limits=Limits(conversations=8, waiting_bytes=1 << 20))
    for start in range(0, len(data), chunk):
        capture.feed(data[start : start + chunk])
    capture.end_file()
    capture.end()
    return frames, capture


SESSION = Talk().session(3).close().packets
SEGMENTS = st.builds(
    lambda source, seq, ack, flags, payload: tcp(
        *((("10.0.0.7", 40000), ("10.0.0.1", 9000)) if source else (("10.0.0.1", 9000), ("10.0.0.7", 40000))),
        seq, ack, flags, payload,
    ),
    st.booleans(),
    st.one_of(st.integers(900, 1600), st.integers(0, 2**32 - 1), st.integers(4990, 5400)),
    st.one_of(st.none(), st.integers(900, 1600), st.integers(4990, 5400)),
    st.sampled_from([0, 0, 0, 1, 2, 4]),
    st.one_of(st.sampled_from([REQUEST, ANSWER, text(b"[2]", masked=True)]), st.binary(max_size=300)),
)  # fmt: skip


@st.composite
def _captures(draw: st.DrawFn) -> bytes:
    """A capture of a session whose packets are shuffled, lost, doubled, strange; whose bytes may be damaged."""
    packets = [draw(st.sampled_from(SESSION)) for _ in range(draw(st.integers(0, 10)))] + list(SESSION)
    for _ in range(draw(st.integers(0, 8))):
        packets.insert(draw(st.integers(0, len(packets))), draw(SEGMENTS))
    if draw(st.booleans()):
        packets = draw(st.permutations(packets))
    step = draw(st.sampled_from([1, 1000, 2_000_000]))
    timed = [(1_700_000_000_000_000 + n * step, ethernet(packet)) for n, packet in enumerate(packets)]
    data = bytearray(pcapng(timed) if draw(st.booleans()) else pcap(timed))
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(data) - 1))
        data[place] = draw(st.integers(0, 255))
    if draw(st.integers(0, 4)) == 0:
        data = data[: draw(st.integers(0, len(data)))]
    if draw(st.integers(0, 4)) == 0:
        data += block(draw(st.integers(0, 10)), draw(st.binary(max_size=40)))
    return bytes(data)


@quick
@given(st.one_of(_captures(), _captures(), st.binary(max_size=400)), st.sampled_from([1 << 20, 700, 13]))
def _captured(data: bytes, chunk: int) -> None:
    frames, capture = _capture(data, chunk)
    assert capture.report().packets <= len(data) // 12
    seen: dict[str, int] = {}
    for frame in frames:
        assert frame.seq == seen.get(frame.connection_id, 0)
        seen[frame.connection_id] = frame.seq + 1
        assert len(frame.text) <= MAX_TEXT
    again, _ = _capture(data, 1 << 20)
    assert again == frames


@pytest.mark.parametrize("target", [_websocket, _handshake, _captured], ids=lambda target: target.__name__[1:])
def test_nothing_escapes_and_memory_is_bounded(target: Callable[[], None]) -> None:
    """Whatever comes: no exception, no message beyond its bound, no hole in the numbers, little memory."""
    _fuzz(target)
