"""The mirror against anything the two sides may say, in any order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.enrolment import MIRROR_ALL, Enrolment, EnrolmentRules
from ingest.frame import Frame, FrameKind
from ingest.tap.channel import CUT, TOTALS, Op, Record
from ingest.tap.mirror import Mirror

REQUEST = b"GET /ocpp/CP1 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
PACKED = ANSWER.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
REFUSAL = b"HTTP/1.1 401 Unauthorized\r\n\r\n"
MASKED = b"\x81\x83\x00\x00\x00\x00[2]"
PLAIN = b"\x81\x03[3]"

PAYLOADS = st.sampled_from(
    [
        REQUEST + b"\0\0",
        ANSWER + PLAIN,
        REQUEST,
        ANSWER,
        PACKED,
        REFUSAL,
        MASKED,
        PLAIN,
        MASKED[:4],
        b"\xc1\x82\0\0\0\0\xab\0",
        b"\x88\0",
    ]
)
BYTES = PAYLOADS | st.binary(max_size=40)
STEP = st.one_of(
    st.tuples(st.sampled_from([Op.FROM_CHARGER, Op.FROM_CSMS, Op.HEAD_FROM_CHARGER, Op.HEAD_FROM_CSMS]), BYTES),
    st.tuples(st.just(Op.CUT), st.just(CUT.pack(5, 5) + b"buffer-full")),
    st.tuples(st.just(Op.CLOSED), st.just(TOTALS.pack(1, 1))),
    st.tuples(st.sampled_from([Op.OPENED, Op.TICK, Op.SYNCED]), st.just(b"")),
    st.tuples(st.none(), st.booleans()),
)
OPENING = [(Op.OPENED, b""), (Op.FROM_CHARGER, REQUEST)]


@settings(deadline=None, max_examples=400)
@given(steps=st.lists(STEP, max_size=25), refusals=st.lists(st.booleans(), max_size=40), start=st.booleans())
def test_frames_stay_whole_whatever_is_said(
    *, steps: list[tuple[Op | None, bytes | bool]], refusals: list[bool], start: bool
) -> None:
    """No input is a fault; numbers have no holes; nothing follows a gap that lasts until the reconnect but the end or
    another beginning; what was refused is owed and paid.
    """
    frames: list[Frame] = []
    waiting = list(refusals)

    def write(frame: Frame) -> str:
        if waiting and waiting.pop():
            return "journal-full"
        frames.append(frame)
        return ""

    mirror = Mirror("run", write=write, redact=str, enrolment=MIRROR_ALL)
    number = 1
    for at, (op, payload) in enumerate([*(OPENING if start else []), *steps]):
        if op is None:
            mirror.set_enrolment(MIRROR_ALL if payload else Enrolment(EnrolmentRules(enabled=False)))
        elif isinstance(payload, bytes):
            mirror.handle(Record(op, number, at, payload))
            number += op is Op.CLOSED
    mirror.end()
    waiting.clear()
    mirror.settle()
    assert mirror.counters.faults == 0
    assert mirror.counters.frames == len(frames)
    stories: dict[str, list[Frame]] = {}
    for frame in frames:
        stories.setdefault(frame.connection_id, []).append(frame)
    for name, story in stories.items():
        assert [frame.seq for frame in story] == list(range(len(story)))
        blind = False
        for frame in story:
            if frame.kind in (FrameKind.MESSAGE, FrameKind.PING, FrameKind.PONG):
                assert not blind
            blind = frame.gap.until_reconnect if frame.gap else blind and frame.kind is not FrameKind.OPENED
        assert name.startswith("tick") or story[0].kind in (FrameKind.OPENED, FrameKind.GAP)
