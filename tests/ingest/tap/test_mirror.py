"""From the relay's records to frames."""

import struct
import zlib

import pytest

from ingest.enrolment import MIRROR_ALL, Enrolment, EnrolmentRules
from ingest.frame import Direction, Frame, FrameKind, Gap
from ingest.tap.channel import CUT, TOTALS, Op, Record
from ingest.tap.connection import Recovered, State
from ingest.tap.mirror import Mirror

KEY = b"\x0a\x0b\x0c\x0d"
REQUEST = b"GET /ocpp/%s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: ocpp1.6\r\n%s\r\n"
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate%s\r\n"
ONLY_A = Enrolment(EnrolmentRules(chargers=("A",)))
NOBODY = Enrolment(EnrolmentRules(enabled=False))


def _frame(text: bytes, *, masked: bool, opcode: int = 1, rsv1: bool = False) -> bytes:
    head = bytes([0x80 | (0x40 if rsv1 else 0) | opcode, (0x80 if masked else 0) | len(text)])
    if not masked:
        return head + text
    return head + KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(text))


class Tap:
    """A mirror, and a relay that says what it is told to."""

    def __init__(self, enrolment: Enrolment = MIRROR_ALL, recovered: tuple[Recovered, ...] = ()) -> None:
        self.frames: list[Frame] = []
        self.refusal = ""
        self.at = 1_000_000
        self.mirror = Mirror("run", write=self._write, redact=self._redact, enrolment=enrolment, recovered=recovered)

    def _write(self, frame: Frame) -> str:
        if not self.refusal:
            self.frames.append(frame)
        return self.refusal

    def _redact(self, text: str) -> str:
        if text == "poison":
            raise ValueError("no")
        return text.replace("secret", "******")

    def say(self, op: Op, payload: bytes = b"", number: int = 1) -> None:
        self.at += 1000
        self.mirror.handle(Record(op, number, self.at, payload))

    def connect(self, charger: bytes = b"A", extensions: bytes = b"", number: int = 1) -> None:
        self.say(Op.OPENED, b"10.0.0.1:1", number)
        self.say(Op.FROM_CHARGER, REQUEST % charger, number)
        self.say(Op.FROM_CSMS, ANSWER % extensions, number)

    def charger(self, text: bytes, number: int = 1) -> None:
        self.say(Op.FROM_CHARGER, _frame(text, masked=True), number)

    def csms(self, text: bytes, number: int = 1) -> None:
        self.say(Op.FROM_CSMS, _frame(text, masked=False), number)

    def close(self, number: int = 1) -> None:
        self.say(Op.CLOSED, TOTALS.pack(0, 0), number)

    @property
    def story(self) -> list[str]:
        """The frames in short, and their sequence checked."""
        next_seq: dict[str, int] = {}
        told = []
        for frame in self.frames:
            first = next_seq.get(frame.connection_id, frame.seq)
            assert frame.seq == first
            next_seq[frame.connection_id] = first + 1
            told.append(frame.gap.reason if frame.gap else frame.text or frame.kind.value)
        return told

    def state(self, number: int = 1) -> State:
        return self.mirror.living[number].state


def test_a_connection_becomes_frames() -> None:
    """Handshake, messages, control frames and the close code come out in order, numbered from 0, redacted."""
    tap = Tap()
    tap.connect(b"CP%2F1")
    tap.charger(b"[2,secret]")
    tap.csms(b"[3]")
    tap.say(Op.FROM_CHARGER, _frame(b"", masked=True, opcode=9))
    tap.say(
        Op.FROM_CSMS, _frame(b"", masked=False, opcode=10) + _frame(struct.pack("!H", 4001), masked=False, opcode=8)
    )
    tap.close()
    assert tap.story == ["opened", "[2,******]", "[3]", "ping", "pong", "closed"]
    assert [frame.seq for frame in tap.frames] == list(range(6))
    opened, call, answer, *_, closed = tap.frames
    assert opened.handshake is not None
    assert (opened.handshake.subprotocol, opened.handshake.status, opened.handshake.peer) == (
        "ocpp1.6",
        101,
        "10.0.0.1:1",
    )
    assert (call.direction, answer.direction) == (Direction.CP_TO_CS, Direction.CS_TO_CP)
    assert closed.close_code == 4001
    assert {frame.charger_id for frame in tap.frames} == {"CP/1"}
    assert {frame.connection_id for frame in tap.frames} == {"run-000001"}


def test_time_never_runs_backwards() -> None:
    """A connection that is told late does not carry the frames of others back in time."""
    tap = Tap()
    tap.connect()
    late = tap.at
    tap.at -= 500_000
    tap.connect(b"B", number=2)
    assert [frame.received_at for frame in tap.frames] == [late, late]


def test_a_tick_has_a_connection_of_its_own() -> None:
    """Ticks belong to no charger and are counted apart."""
    tap = Tap()
    tap.say(Op.TICK, number=0)
    tap.say(Op.TICK, number=0)
    assert [(frame.kind, frame.charger_id, frame.connection_id, frame.seq) for frame in tap.frames] == [
        (FrameKind.TICK, "", "tick-run", 0), (FrameKind.TICK, "", "tick-run", 1),
    ]  # fmt: skip


def test_frames_sent_with_the_upgrade_are_not_lost() -> None:
    """What the CSMS sends in the same chunk as its answer, and a hasty charger before it, comes out after `opened`."""
    tap = Tap()
    tap.say(Op.OPENED)
    tap.say(Op.FROM_CHARGER, REQUEST % b"A" + _frame(b"hasty", masked=True))
    tap.say(Op.FROM_CSMS, ANSWER % b"" + _frame(b"prompt", masked=False))
    assert tap.story == ["opened", "hasty", "prompt"]


def test_illegal_bytes_sent_with_the_upgrade_are_named() -> None:
    """A breach of the rules before the other half of the handshake ends the mirror, whatever the other side sent."""
    tap = Tap()
    tap.say(Op.OPENED)
    tap.say(Op.FROM_CHARGER, REQUEST % b"A" + b"\0\0")
    tap.say(Op.FROM_CSMS, ANSWER % b"" + _frame(b"prompt", masked=False))
    assert tap.story[0] == "opened"
    assert tap.story[1:] == ["unparsable: a charger's frame is not masked (RFC 6455 §5.1)"]
    assert tap.mirror.counters.faults == 0


def test_an_interim_answer_is_passed_over() -> None:
    """100 Continue is not the answer to the upgrade."""
    tap = Tap()
    tap.say(Op.OPENED)
    tap.say(Op.FROM_CHARGER, REQUEST % b"A")
    tap.say(Op.FROM_CSMS, b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER % b"" + _frame(b"x", masked=False))
    assert tap.story == ["opened", "x"]


def test_a_refused_upgrade_is_told_with_its_status() -> None:
    """A 401 is an `opened` with that status and a `closed`; its body is no frame."""
    tap = Tap()
    tap.say(Op.OPENED)
    tap.say(Op.FROM_CHARGER, REQUEST % b"A")
    tap.say(Op.FROM_CSMS, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nno!\n")
    assert tap.state() is State.REFUSED
    tap.close()
    assert tap.story == ["opened", "closed"]
    assert tap.frames[0].handshake is not None
    assert tap.frames[0].handshake.status == 401


def test_a_charger_that_asks_again_after_a_401_is_mirrored() -> None:
    """Credentials sent after a refusal on the same socket lead to a second `opened`, and the frames are read."""
    tap = Tap()
    tap.say(Op.OPENED)
    tap.say(Op.FROM_CHARGER, REQUEST % b"A")
    tap.say(Op.FROM_CSMS, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nno")
    tap.say(Op.FROM_CSMS, b"!\n")
    again = (REQUEST % b"A").replace(b"\r\n\r\n", b"\r\nAuthorization: Basic QQ==\r\n\r\n")
    tap.say(Op.FROM_CHARGER, again[:20])
    tap.say(Op.FROM_CHARGER, again[20:])
    tap.say(Op.FROM_CSMS, ANSWER % b"" + _frame(b"[2]", masked=False))
    tap.close()
    assert tap.story == ["opened", "opened", "[2]", "closed"]
    shakes = [frame.handshake for frame in tap.frames[:2]]
    assert [(shake.status, shake.basic_auth) for shake in shakes if shake] == [(401, False), (101, True)]


def test_a_handshake_that_never_ends() -> None:
    """A charger that asked and got no answer is told at its end; one that never asked has no name to tell."""
    tap = Tap()
    tap.say(Op.OPENED)
    tap.say(Op.FROM_CHARGER, REQUEST % b"A")
    tap.say(Op.OPENED, number=2)
    tap.say(Op.FROM_CHARGER, b"GET /ocpp/B HTT", number=2)
    tap.close()
    tap.close(2)
    assert tap.story == ["opened", "closed"]
    assert tap.frames[0].handshake is not None
    assert tap.frames[0].handshake.status is None
    assert [connection.charger_id for connection in tap.mirror.ended] == ["A", ""]


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x00\xa5" * 9 + b"\r\n\r\n", b"x" * 20_000, b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_upgrade_is_forwarded_and_named(first: bytes) -> None:
    """Bytes that are no HTTP, or name no charger, give no frame, but a state with a reason or a count."""
    tap = Tap()
    tap.say(Op.OPENED)
    tap.say(Op.FROM_CHARGER, first)
    tap.say(Op.FROM_CSMS, b"HTTP/1.1 404 Not Found\r\n\r\n")
    tap.close()
    assert tap.frames == []
    assert tap.mirror.counters.unparsable_connections + tap.mirror.counters.connections_without_charger == 1


def test_an_illegal_frame_ends_the_mirror_of_that_connection_only() -> None:
    """The gap names the rule; nothing of either direction follows but the end. Others go on."""
    tap = Tap()
    tap.connect()
    tap.connect(b"B", number=2)
    tap.say(Op.FROM_CHARGER, _frame(b"bare", masked=False))
    tap.csms(b"unseen")
    tap.charger(b"seen", 2)
    tap.close()
    assert tap.story[:2] == ["opened", "opened"]
    assert tap.story[2].startswith("unparsable: a charger's frame is not masked")
    assert tap.story[3:] == ["seen", "closed"]
    assert tap.frames[2].gap is not None
    assert tap.frames[2].gap.until_reconnect


def test_a_message_that_is_no_text_is_a_gap_that_heals() -> None:
    """A message that is not UTF-8 is named with its size and the next one is read."""
    tap = Tap()
    tap.connect()
    tap.charger(b"\xff\xfe")
    tap.charger(b"[2]")
    gap = tap.frames[1].gap
    assert gap is not None
    assert (gap.bytes_missing, gap.until_reconnect) == (2, False)
    assert "not UTF-8" in gap.reason
    assert tap.story[2] == "[2]"


def test_a_text_that_cannot_be_redacted_is_not_written() -> None:
    """Where redaction fails the text is withheld and that is said."""
    tap = Tap()
    tap.connect()
    tap.charger(b"poison")
    assert tap.story == ["opened", "redaction-failed"]
    assert "poison" not in repr(tap.frames)


def test_a_half_frame_at_the_end_is_a_gap() -> None:
    """Bytes of a frame that never ended are counted before `closed`."""
    tap = Tap()
    tap.connect()
    tap.say(Op.FROM_CHARGER, _frame(b"abc", masked=True)[:5])
    tap.close()
    assert tap.story == ["opened", "half-frame", "closed"]
    assert tap.frames[1].gap is not None
    assert tap.frames[1].gap.bytes_missing == 5


def test_a_cut_is_a_gap_until_the_reconnect() -> None:
    """What the relay could not hand over is said with its size and since when."""
    tap = Tap()
    tap.connect()
    tap.say(Op.CUT, CUT.pack(1234, 1_001_000) + b"buffer-full")
    tap.charger(b"unseen")
    gap = tap.frames[-1].gap
    assert gap is not None
    assert (gap.bytes_missing, gap.since, gap.reason, gap.until_reconnect) == (1234, 1_001_000, "buffer-full", True)
    assert tap.state() is State.UNPARSABLE
    tap.say(Op.CLOSED, TOTALS.pack(5000, 3766))
    assert tap.story == ["opened", "buffer-full", "closed"]
    assert tap.mirror.ended[-1].totals == (5000, 3766)


def test_others_are_forwarded_and_never_written() -> None:
    """Of a charger that is not enrolled not one frame is made, whatever it does."""
    tap = Tap(ONLY_A)
    tap.connect(b"B")
    tap.charger(b"[2]")
    assert tap.state() is State.NOT_ENROLLED
    tap.say(Op.FROM_CHARGER, b"\x00garbage")
    tap.say(Op.CUT, CUT.pack(1, 1) + b"buffer-full")
    tap.close()
    tap.connect(b"C", DEFLATE % b"", number=2)
    tap.close(2)
    assert tap.frames == []


def test_a_plain_connection_joins_in_mid_life() -> None:
    """It begins at the next message, with the facts of its handshake and a gap that says what was not seen."""
    tap = Tap(NOBODY)
    tap.connect()
    whole = _frame(b"before and after", masked=True)
    tap.say(Op.FROM_CHARGER, whole[:7])
    tap.mirror.set_enrolment(ONLY_A)
    assert tap.state() is State.MIRRORED
    tap.say(Op.FROM_CHARGER, whole[7:])
    tap.charger(b"new")
    assert tap.story == ["opened", "joined-late", "new"]
    gap = tap.frames[1].gap
    assert gap is not None
    assert gap.bytes_missing == 7
    assert not gap.until_reconnect


@pytest.mark.parametrize(
    ("parameters", "state"),
    [
        (b"", State.PENDING),
        (b"; client_no_context_takeover", State.PENDING),
        (b"; client_no_context_takeover; server_no_context_takeover", State.MIRRORED),
    ],
)
def test_a_compressed_connection_joins_at_its_handshake(parameters: bytes, state: State) -> None:
    """With context takeover it is pending until it reconnects; without, it joins like a plain one."""
    tap = Tap(NOBODY)
    tap.connect(extensions=DEFLATE % parameters)
    worker = zlib.compressobj(wbits=-15)
    packed = (worker.compress(b"[2,7]") + worker.flush(zlib.Z_SYNC_FLUSH))[:-4]
    tap.say(Op.FROM_CHARGER, _frame(packed, masked=True, rsv1=True))
    tap.mirror.set_enrolment(ONLY_A)
    assert tap.state() is state
    tap.say(Op.FROM_CHARGER, _frame(packed, masked=True, rsv1=True))
    joined = ["opened", "joined-late", "[2,7]"] if state is State.MIRRORED else []
    assert tap.story == joined
    tap.close()
    tap.connect(extensions=DEFLATE % parameters, number=2)
    tap.say(Op.FROM_CHARGER, _frame(packed, masked=True, rsv1=True), 2)
    assert tap.story[-2:] == ["opened", "[2,7]"]


def test_unenrolling_takes_effect_at_once() -> None:
    """A gap says that the mirror ended; nothing follows, not even the end. Enrolled again, it joins again."""
    tap = Tap(ONLY_A)
    tap.connect()
    tap.charger(b"one")
    tap.mirror.set_enrolment(NOBODY)
    tap.charger(b"two")
    assert tap.story == ["opened", "one", "unenrolled"]
    tap.mirror.set_enrolment(ONLY_A)
    tap.charger(b"three")
    assert tap.story[3:] == ["opened", "joined-late", "three"]
    tap.mirror.set_enrolment(NOBODY)
    tap.close()
    assert tap.story[6:] == ["unenrolled"]


def test_judged_connectors_follow_the_rules() -> None:
    """Frames name the connectors that are judged, and a change counts from the next frame on."""
    tap = Tap(Enrolment(EnrolmentRules.model_validate({"connectors": [{"charger": "A", "connectors": [2]}]})))
    tap.connect()
    tap.mirror.set_enrolment(ONLY_A)
    tap.charger(b"x")
    assert [frame.judged_connectors for frame in tap.frames] == [(2,), None]


def test_refused_frames_become_one_gap() -> None:
    """What the journal refused takes no number; as soon as it takes frames again a gap says what is missing."""
    tap = Tap()
    tap.connect()
    tap.refusal = "journal-full"
    tap.charger(b"12345")
    tap.csms(b"678")
    tap.refusal = ""
    tap.mirror.settle()
    tap.charger(b"next")
    assert tap.story == ["opened", "journal-full", "next"]
    gap = tap.frames[1].gap
    assert gap is not None
    assert (gap.bytes_missing, gap.until_reconnect) == (8, False)
    assert tap.mirror.counters.frames_refused == 2


def test_beginning_and_end_survive_a_full_journal() -> None:
    """A connection that came and went while nothing could be written is told all the same, with its gap."""
    tap = Tap()
    tap.refusal = "journal-full"
    tap.connect()
    tap.charger(b"12345")
    tap.close()
    tap.refusal = ""
    tap.mirror.settle()
    assert tap.story == ["opened", "journal-full", "closed"]
    tap.mirror.settle()
    assert len(tap.frames) == 3


def test_a_parser_that_takes_over_goes_on_counting() -> None:
    """Known connections get their gap under the next number; those that ended unseen are closed; others' too."""
    tap = Tap(
        recovered=(
            Recovered("run-000001", "A", 7, 900_000),
            Recovered("run-000002", "B", 3, 900_000),
            Recovered("old-000009", "C", 5, 800_000),
            Recovered("tick-run", "", 40, 900_000),
        )
    )
    tap.say(Op.OPENED)
    tap.say(Op.HEAD_FROM_CHARGER, REQUEST % b"A")
    tap.say(Op.HEAD_FROM_CSMS, ANSWER % b"")
    tap.say(Op.CUT, CUT.pack(10, 900_000) + b"parser-restarted")
    tap.say(Op.OPENED, number=3)
    tap.say(Op.HEAD_FROM_CHARGER, REQUEST % b"D", 3)
    tap.say(Op.HEAD_FROM_CSMS, ANSWER % b"", 3)
    tap.say(Op.CUT, CUT.pack(0, 900_000) + b"parser-restarted", 3)
    tap.say(Op.SYNCED, number=0)
    tap.say(Op.TICK, number=0)
    told = [(frame.charger_id, frame.seq, frame.gap.reason if frame.gap else frame.kind.value) for frame in tap.frames]
    assert [entry for entry in told if entry[0] == "C"] == [("C", 5, "tap-ended"), ("C", 6, "closed")]
    assert [entry for entry in told if entry[0] == "A"] == [("A", 7, "parser-restarted")]
    assert [entry for entry in told if entry[0] == "B"] == [("B", 3, "tap-ended"), ("B", 4, "closed")]
    assert [entry for entry in told if entry[0] == "D"] == [("D", 0, "opened"), ("D", 1, "parser-restarted")]
    assert told[-1] == ("", 40, "tick")


def test_the_end_of_the_tap_ends_all_connections() -> None:
    """A relay that vanished leaves a gap and a `closed`; one that said goodbye has closed them itself."""
    tap = Tap()
    tap.connect()
    tap.mirror.end()
    assert tap.story == ["opened", "tap-ended", "closed"]
    orderly = Tap()
    orderly.connect()
    orderly.say(Op.STOP, number=0)
    orderly.mirror.end()
    assert orderly.story == ["opened", "closed"]


def test_who_is_removed_while_away_leaves_a_gap() -> None:
    """Its return will not be seen, so its open sessions must not be taken for silent. Once, and not of strangers."""
    tap = Tap()
    for number, charger in enumerate((b"A", b"B", b"A", b"C"), 1):
        tap.connect(charger, number=number)
        if charger != b"C":
            tap.close(number=number)
    tap.frames.clear()

    tap.mirror.set_enrolment(ONLY_A)
    tap.mirror.set_enrolment(Enrolment(EnrolmentRules(chargers=("A", "D"))))
    told = [(frame.charger_id, frame.connection_id, frame.gap.reason if frame.gap else "") for frame in tap.frames]
    assert told == [("C", "run-000004", "unenrolled"), ("B", "run-000002", "unenrolled")]
    tap.frames.clear()
    tap.mirror.set_enrolment(NOBODY)
    assert [(frame.connection_id, frame.seq) for frame in tap.frames] == [("run-000003", 2)]
    tap.connect(b"A", number=9)
    tap.charger(b"x", number=9)
    assert len(tap.frames) == 1


def test_who_was_removed_while_the_tap_was_down_leaves_a_gap() -> None:
    """It was mirrored until then, and a session of it may be open."""
    tap = Tap(ONLY_A, recovered=(Recovered("old-000009", "C", 5, 800_000),))
    tap.say(Op.TICK, number=0)
    assert tap.story[:2] == ["unenrolled", "closed"]
    assert (tap.frames[0].seq, tap.frames[0].gap) == (5, Gap(0, 800_000, "unenrolled", until_reconnect=True))


def test_a_tap_that_ends_without_a_word_says_nothing_of_strangers() -> None:
    """The gap of what was mirrored is written, and of a charging station that is not enrolled nothing at all."""
    tap = Tap(ONLY_A)
    tap.connect(b"A", number=1)
    tap.connect(b"B", number=2)
    tap.mirror.end()
    assert {frame.charger_id for frame in tap.frames} == {"A"}
    assert tap.story == ["opened", "tap-ended", "closed"]


def test_a_connection_keeps_the_key_of_its_opening() -> None:
    """A new key counts for what opens after it; each opened frame says which one."""
    frames: list[Frame] = []

    def write(frame: Frame) -> str:
        frames.append(frame)
        return ""

    tap = Tap()
    tap.mirror = Mirror("run", write=write, redact=lambda text: f"1{text}", enrolment=MIRROR_ALL, key_version="k1")
    tap.connect(b"A", number=1)
    tap.charger(b"[a]", 1)
    tap.mirror.set_redaction(lambda text: f"2{text}", "k2")
    tap.charger(b"[b]", 1)
    tap.connect(b"B", number=2)
    tap.charger(b"[c]", 2)
    tap.csms(b"[d]", 1)
    told = [frame.text or (frame.handshake and frame.handshake.key_version) for frame in frames]
    assert told == ["k1", "1[a]", "1[b]", "k2", "2[c]", "1[d]"]
