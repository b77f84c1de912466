"""The passive WebSocket reader against independent implementations, and against anything at all."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, Message, TextMessage
from wsproto.events import Ping as WsPing

from ingest.tap.deflate import Inflater
from ingest.tap.handshake import HeadReader, read_request, read_response
from ingest.tap.websocket import Event, FrameReader, Ping, Text, Unparsable


def _chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


def _feed(reader: FrameReader, chunks: list[bytes]) -> list[Event]:
    return [event for chunk in chunks for event in reader.feed(chunk)]


TEXTS = st.lists(st.text(max_size=300), min_size=1, max_size=8)
CUTS = st.lists(st.integers(0, 1 << 30), max_size=40)


@settings(deadline=None, max_examples=150)
@given(
    texts=TEXTS, cuts=CUTS, masked=st.booleans(), takeover=st.booleans(), pieces=st.integers(1, 4), plain=st.booleans()
)
def test_reads_what_websockets_writes(
    *, texts: list[str], cuts: list[int], masked: bool, takeover: bool, pieces: int, plain: bool
) -> None:
    """Messages written by the websockets package, fragmented and compressed, come out whole in any chunking."""
    extension = PerMessageDeflate(
        remote_no_context_takeover=False, local_no_context_takeover=not takeover, remote_max_window_bits=15,
        local_max_window_bits=12,
    )  # fmt: skip
    extensions = [] if plain else [extension]
    wire = b""
    for text in texts:
        payload = text.encode()
        size = len(payload) // pieces + 1
        parts = [payload[i : i + size] for i in range(0, len(payload), size)] or [b""]
        for number, part in enumerate(parts):
            opcode = Opcode.CONT if number else Opcode.TEXT
            wire += Frame(opcode, part, fin=number == len(parts) - 1).serialize(mask=masked, extensions=extensions)
            wire += Frame(Opcode.PING, b"?").serialize(mask=masked, extensions=extensions)
    reader = FrameReader(masked=masked, inflater=None if plain else Inflater(takeover=takeover, window_bits=12))
    events = _feed(reader, _chunks(wire, cuts))
    assert [event.text for event in events if isinstance(event, Text)] == texts
    assert all(isinstance(event, Text | Ping) for event in events)
    assert reader.half_frame == 0


@settings(deadline=None, max_examples=150)
@given(texts=TEXTS, cuts=CUTS, client=st.booleans())
def test_agrees_with_wsproto(*, texts: list[str], cuts: list[int], client: bool) -> None:
    """The same bytes give the same messages and pings as wsproto reads."""
    sender = Connection(ConnectionType.CLIENT if client else ConnectionType.SERVER)
    receiver = Connection(ConnectionType.SERVER if client else ConnectionType.CLIENT)
    wire = b""
    for number, text in enumerate(texts):
        if number % 2:
            wire += sender.send(Message(text[: len(text) // 2], message_finished=False))
            wire += sender.send(WsPing(b"x"))
            wire += sender.send(Message(text[len(text) // 2 :]))
        else:
            wire += sender.send(TextMessage(text))
    receiver.receive_data(wire)
    expected: list[str] = []
    half = ""
    for event in receiver.events():
        if isinstance(event, TextMessage):
            half += event.data
            if event.message_finished:
                expected.append(half)
                half = ""
        elif isinstance(event, WsPing):
            expected.append("<ping>")
        assert not isinstance(event, BytesMessage)
    events = _feed(FrameReader(masked=client), _chunks(wire, cuts))
    assert [event.text if isinstance(event, Text) else "<ping>" for event in events] == expected


@settings(deadline=None, max_examples=300)
@given(
    data=st.lists(st.binary(max_size=200), max_size=20),
    masked=st.booleans(),
    compressed=st.booleans(),
    decode=st.booleans(),
)
def test_garbage_never_raises(*, data: list[bytes], masked: bool, compressed: bool, decode: bool) -> None:
    """Any bytes give events; the reason for giving up comes at most once and last, and nothing is kept after it."""
    inflater = Inflater(takeover=True, window_bits=15) if compressed else None
    reader = FrameReader(masked=masked, inflater=inflater, decode=decode, limit=10_000)
    events = _feed(reader, data)
    reasons = [number for number, event in enumerate(events) if isinstance(event, Unparsable)]
    assert reasons in ([], [len(events) - 1])
    if reasons:
        assert reader.half_frame == 0
    assert reader.half_frame <= 20_000


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=400), cuts=CUTS)
def test_any_head_is_read_or_named(data: bytes, cuts: list[int]) -> None:
    """Any bytes before an empty line give facts or a reason."""
    reader = HeadReader()
    for chunk in _chunks(data + b"\r\n\r\n", cuts):
        found = reader.feed(chunk)
        if found is not None:
            assert read_request(found[0])
            assert read_response(found[0])
            return
    raise AssertionError("the empty line was not found")
