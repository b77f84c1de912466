"""The passive WebSocket reader, frame by frame."""

import struct
import zlib

import pytest

from ingest.tap.deflate import Inflater
from ingest.tap.websocket import Closing, Event, FrameReader, Ping, Pong, Text, Undecodable, Unparsable

KEY = b"\x01\x02\x03\x04"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = False) -> bytes:
    """Build one frame by the letter of RFC 6455 §5.2."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 65536:
        head = bytes([first, bit | 126]) + struct.pack("!H", size)
    else:
        head = bytes([first, bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    return head + KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload))


def deflated(text: bytes) -> bytes:
    """Compress one message without context (RFC 7692 §7.2.1)."""
    worker = zlib.compressobj(wbits=-15)
    return (worker.compress(text) + worker.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _read(data: bytes, *, masked: bool = False, inflater: Inflater | None = None, limit: int = 1 << 22) -> list[Event]:
    return FrameReader(masked=masked, inflater=inflater, limit=limit).feed(data)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
@pytest.mark.parametrize("masked", [False, True])
def test_text_of_every_length_form(*, size: int, masked: bool) -> None:
    """All three length forms are read, masked or not."""
    text = "é" * (size // 2) + "x" * (size % 2)
    assert _read(frame(1, text.encode(), masked=masked), masked=masked) == [Text(text)]


def test_control_frames_between_fragments() -> None:
    """Pings and pongs may stand inside a fragmented message (RFC 6455 §5.4)."""
    data = (
        frame(1, b"a", fin=False)
        + frame(9, b"?")
        + frame(0, b"b", fin=False)
        + frame(10)
        + frame(0, b"c")
        + frame(1, b"d")
    )
    assert _read(data) == [Ping(), Pong(), Text("abc"), Text("d")]


def test_a_character_may_be_cut_by_fragments() -> None:
    """UTF-8 is judged on the whole message."""
    euro = "€".encode()
    assert _read(frame(1, euro[:1], fin=False) + frame(0, euro[1:])) == [Text("€")]


@pytest.mark.parametrize(
    ("data", "masked", "reason"),
    [
        (frame(1, b"x"), True, "not masked"),
        (frame(1, b"x", masked=True), False, "is masked"),
        (frame(1, b"x", rsv=2), False, "reserved bit"),
        (frame(1, b"x", rsv=1), False, "reserved bit"),
        (frame(1, b"x", rsv=4), False, "RSV1"),
        (frame(3, b"x"), False, "opcode 3 is reserved"),
        (frame(11), False, "opcode 11 is reserved"),
        (frame(0, b"x"), False, "fragment without a beginning"),
        (frame(1, b"x", fin=False) + frame(1, b"y"), False, "begins inside another"),
        (frame(9, b"x", fin=False), False, "control frame is fragmented"),
        (frame(9, b"x" * 126), False, "longer than 125"),
        (frame(8, b"\x03"), False, "close frame of one byte"),
        (bytes([0x81, 127]) + b"\xff" * 8, False, "length of 64 bits"),
    ],
)
def test_illegal_frames_are_named_once(*, data: bytes, masked: bool, reason: str) -> None:
    """Each breach of the framing rules is named with its place, ends the direction, and comes once."""
    reader = FrameReader(masked=masked)
    last = reader.feed(data)[-1]
    assert isinstance(last, Unparsable)
    assert reason in last.reason
    assert "RFC" in last.reason
    assert reader.feed(frame(1, b"later", masked=masked)) == []
    assert reader.half_frame == 0


def test_an_oversize_message_is_refused_by_its_header() -> None:
    """A message over the limit is given up before its bytes are gathered, in one frame or in many."""
    [event] = _read(frame(1, b"x" * 101)[:4], limit=100)
    assert isinstance(event, Unparsable)
    assert "more than 100 bytes" in event.reason
    fragments = frame(1, b"x" * 60, fin=False) + frame(0, b"x" * 60)
    assert isinstance(_read(fragments, limit=100)[-1], Unparsable)


def test_wrong_utf8_costs_one_message_only() -> None:
    """Text that is not UTF-8 is named with its place, and the frames behind it are read."""
    events = _read(frame(1, b"ab\xff") + frame(1, b"ok"))
    assert events == [Undecodable("not UTF-8 at byte 2 (RFC 6455 §8.1)", 3), Text("ok")]


def test_binary_messages() -> None:
    """A binary message that is UTF-8 is read and marked; another one is named."""
    text, other = _read(frame(2, b"[2]") + frame(2, b"\x00\xff"))
    assert text == Text("[2]", binary=True)
    assert isinstance(other, Undecodable)


@pytest.mark.parametrize(("payload", "code"), [(b"", None), (struct.pack("!H", 4001) + b"bye", 4001)])
def test_close_code(payload: bytes, code: int | None) -> None:
    """The close code is read, and nothing behind a close frame is."""
    assert _read(frame(8, payload) + frame(1, b"x") + b"\xff\xff") == [Closing(code)]


@pytest.mark.parametrize("takeover", [True, False])
def test_compressed_messages(*, takeover: bool) -> None:
    """Compressed messages are inflated in both takeover modes, fragmented or not, beside plain ones."""
    worker = zlib.compressobj(wbits=-12)
    parts = []
    for _ in range(3):
        if not takeover:
            worker = zlib.compressobj(wbits=-12)
        parts.append((worker.compress(b"hello hello hello") + worker.flush(zlib.Z_SYNC_FLUSH))[:-4])
    assert (len(parts[1]) < len(parts[0])) is takeover
    data = frame(1, parts[0], rsv=4) + frame(1, b"plain")
    data += frame(1, parts[1][:2], rsv=4, fin=False) + frame(0, parts[1][2:]) + frame(1, parts[2], rsv=4)
    hello = Text("hello hello hello")
    assert _read(data, inflater=Inflater(takeover=takeover, window_bits=12)) == [hello, Text("plain"), hello, hello]


def test_a_compression_bomb_is_bounded() -> None:
    """A small message that inflates beyond the limit is given up."""
    bomb = deflated(b"\x00" * 10_000_000)
    assert len(bomb) < 20_000
    [event] = _read(frame(1, bomb, rsv=4), inflater=Inflater(takeover=True, window_bits=15), limit=1 << 20)
    assert isinstance(event, Unparsable)
    assert "inflates to more than" in event.reason


def test_a_message_of_exactly_the_limit_inflates() -> None:
    """The bound on inflated messages is the limit itself."""
    data = frame(1, deflated(b"x" * 1000), rsv=4)
    assert _read(data, inflater=Inflater(takeover=False, window_bits=15), limit=1000) == [Text("x" * 1000)]
    assert isinstance(_read(data, inflater=Inflater(takeover=False, window_bits=15), limit=999)[0], Unparsable)


def test_broken_deflate_is_named() -> None:
    """Bytes that are no deflate stream end the direction with a reason."""
    [event] = _read(frame(1, b"\xff\xff\xff", rsv=4), inflater=Inflater(takeover=True, window_bits=15))
    assert isinstance(event, Unparsable)
    assert "not a deflate stream" in event.reason


def test_a_final_block_is_read_and_ends_the_context() -> None:
    """A message with a final deflate block (RFC 7692 §7.2.3.4) is read; the next one cannot follow its context."""
    worker = zlib.compressobj(wbits=-15)
    final = worker.compress(b"end") + worker.flush() + b"\x00"
    data = frame(1, final, rsv=4) * 2
    assert _read(data, inflater=Inflater(takeover=False, window_bits=15)) == [Text("end"), Text("end")]
    first, second = _read(data, inflater=Inflater(takeover=True, window_bits=15))
    assert first == Text("end")
    assert isinstance(second, Unparsable)
    assert "final block" in second.reason


def test_joining_takes_effect_at_the_next_message() -> None:
    """Switched on inside a message, reading begins with the next one; nothing is kept before."""
    reader = FrameReader(masked=False, decode=False)
    big = frame(1, b"x" * 70_000, fin=False)
    assert reader.feed(big[:5000]) == []
    assert reader.half_frame == 0
    reader.decode = True
    assert reader.feed(big[5000:] + frame(0, b"tail of the old one") + frame(1, b"new")) == [Text("new")]


def test_leaving_takes_effect_at_the_next_message() -> None:
    """Switched off, the reader follows the headers and gives no text."""
    reader = FrameReader(masked=True)
    assert reader.feed(frame(1, b"a", masked=True)) == [Text("a")]
    reader.decode = False
    assert reader.feed(frame(1, b"b" * 99_999, masked=True) + frame(9, masked=True)) == [Ping()]


def test_half_a_frame_shows() -> None:
    """Bytes of a frame that has not ended are counted."""
    reader = FrameReader(masked=False)
    assert reader.feed(frame(1, b"abc")[:4]) == []
    assert reader.half_frame == 4
