"""The recording format: reading is total, writing is exact."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake
from ingest.recording import MAX_LINE, Reader, Rejected, encode_line
from ingest.timestamps import parse_stamp


def _read(*lines: dict[str, Any] | bytes) -> list[Frame | Rejected]:
    return list(Reader().read(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))


def _frames(*lines: dict[str, Any]) -> list[Frame]:
    read = _read(*lines)
    assert all(isinstance(frame, Frame) for frame in read), read
    return [frame for frame in read if isinstance(frame, Frame)]


LINE = {"t": "2030-01-01T12:00:00Z", "dir": "cp>cs", "cp": "CP1", "frame": [2, "1", "Heartbeat", {}]}


AT = LINE["t"]


def test_recordings_of_one_charger_share_no_frame_id() -> None:
    """A log that names no connection is told from another one by its first moment; read again, it has the same ids."""
    later = {**LINE, "t": "2030-01-02T12:00:00Z"}
    ids = [[frame.frame_id for frame in _frames(line)] for line in (LINE, later, LINE)]

    assert ids[0] != ids[1]
    assert ids[0] == ids[2]


def test_a_foreign_line_is_a_frame_with_its_text_as_it_stood() -> None:
    """Spaces and digits are kept: the text is a span of the line, never re-serialised."""
    (frame,) = _read(b'{"t":"2030-01-01T12:00:00Z","dir":"cs>cp","cp":"CP1","frame":[2, "1",  "X", {"a":1.10}]}')
    assert isinstance(frame, Frame)
    assert frame.text == '[2, "1",  "X", {"a":1.10}]'
    assert (frame.charger_id, frame.connection_id, frame.seq) == ("CP1", "CP1@2030-01-01T12:00:00Z", 0)
    assert frame.direction is Direction.CS_TO_CP
    assert frame.received_at == parse_stamp("2030-01-01T12:00:00Z").at


def test_raw_text_is_kept_whatever_it_is() -> None:
    """What was not JSON stands under raw."""
    (frame,) = _frames({"t": LINE["t"], "dir": "cp>cs", "cp": "CP1", "raw": '[3,"x",{"a":[]'})
    assert frame.text == '[3,"x",{"a":[]'


def test_without_events_a_charger_has_one_connection() -> None:
    """Numbered per charger over both directions."""
    frames = _frames(LINE, {**LINE, "cp": "CP2"}, {**LINE, "dir": "cs>cp"})
    assert [frame.frame_id for frame in frames] == [f"CP1@{AT}/0", f"CP2@{AT}/0", f"CP1@{AT}/1"]


def test_events_open_and_close_connections() -> None:
    """Each open is a new connection; a close carries its code; what comes after without an open stays there."""
    opened = {"t": LINE["t"], "cp": "CP1", "event": "open", "subprotocol": "ocpp1.6"}
    closed = {"t": LINE["t"], "cp": "CP1", "event": "close", "code": 1006}
    frames = _frames(opened, LINE, closed, opened, LINE)
    assert [frame.frame_id for frame in frames] == [
        f"CP1@{AT}/0",
        f"CP1@{AT}/1",
        f"CP1@{AT}/2",
        f"CP1@{AT}+1/0",
        f"CP1@{AT}+1/1",
    ]
    assert [frame.kind for frame in frames][:3] == [FrameKind.OPENED, FrameKind.MESSAGE, FrameKind.CLOSED]
    assert frames[0].handshake == Handshake(subprotocol="ocpp1.6", status=101)
    assert frames[2].close_code == 1006


def test_a_log_that_begins_in_mid_connection_numbers_the_next_one_anew() -> None:
    """An open after frames that had none is the second connection."""
    frames = _frames(LINE, {"t": LINE["t"], "cp": "CP1", "event": "open"}, LINE)
    assert [frame.frame_id for frame in frames] == [f"CP1@{AT}/0", f"CP1@{AT}+1/0", f"CP1@{AT}+1/1"]


def test_a_line_without_a_time_has_that_of_the_line_before() -> None:
    """Never invented: before the first time it is unknown."""
    frames = _frames({**LINE, "t": None}, LINE, {**LINE, "t": None})
    assert [frame.received_at for frame in frames] == [0, frames[1].received_at, frames[1].received_at]
    assert frames[1].received_at > 0


@pytest.mark.parametrize(("text", "zoneless"), [("2030-01-01T12:00:00", True), ("2030-01-01T12:00:00Z", False)])
def test_a_log_without_zones_is_marked(text: str, *, zoneless: bool) -> None:
    """Read as UTC, and said to be."""
    (frame,) = _frames({**LINE, "t": text})
    assert frame.zoneless is zoneless


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"junk", "no line of a recording"),
        (b"[]", "no line of a recording"),
        (b'{"t":7}', "no line of a recording"),
        (b"\xff\xfe", "no line of a recording"),
        (b"[" * 100_000, "no line of a recording"),
        ({**LINE, "cp": ""}, '"cp" is missing'),
        ({**LINE, "dir": "up"}, '"dir" is'),
        ({"cp": "CP1", "dir": "cp>cs"}, "neither"),
        ({"cp": "CP1", "event": "blink"}, '"event" is'),
        ({**LINE, "t": "yesterday"}, '"t" is'),
        ({"kind": "message", "conn": "c", "seq": 0, "cp": "CP1"}, 'needs "dir"'),
        ({"kind": "message", "conn": "c", "seq": 0, "cp": "CP1", "dir": "up"}, '"dir" is'),
        ({"kind": "blink", "conn": "c", "seq": 0, "cp": "CP1"}, "no kind of frame"),
        ({"kind": "closed", "conn": "c", "seq": -1, "cp": "CP1"}, 'needs "conn" and "seq"'),
        ({"kind": "closed", "seq": 1, "cp": "CP1"}, 'needs "conn" and "seq"'),
        ({"kind": "closed", "conn": "c", "seq": 1}, '"cp" is missing'),
    ],
)
def test_lines_that_hold_no_frame_say_why(line: dict[str, Any] | bytes, reason: str) -> None:
    """With the number of the line and its size; the next line is read as if nothing had been."""
    read = _read(LINE, line, LINE)
    rejected = read[1]
    assert isinstance(rejected, Rejected)
    assert reason in rejected.reason
    assert rejected.line == 2
    assert rejected.size > 0
    assert isinstance(read[2], Frame)
    assert read[2].seq == 1


def test_a_line_beyond_the_limit_is_refused_unread() -> None:
    """The limit is named."""
    (rejected,) = _read(b'{"cp":"' + b"x" * MAX_LINE + b'"}')
    assert isinstance(rejected, Rejected)
    assert str(MAX_LINE) in rejected.reason


def test_blank_lines_are_passed_over_and_counted() -> None:
    """So that a line number is that of the file."""
    reader = Reader()
    read = list(reader.read([b"\n", b"  \r\n", b"junk\n"]))
    assert [one.line for one in read if isinstance(one, Rejected)] == [3]
    assert reader.lines == 3


def test_counting_goes_on_from_file_to_file() -> None:
    """A recording may be split anywhere."""
    lines = [json.dumps(LINE).encode()] * 5
    whole = list(Reader().read(lines))
    reader = Reader()
    assert [*reader.read(lines[:2]), *reader.read(lines[2:])] == whole


_micros = st.integers(0, 253_402_300_799_999_999)
_frame = st.builds(
    Frame,
    st.text(min_size=1, max_size=8),
    st.text(min_size=1, max_size=8),
    st.integers(0, 2**40),
    _micros,
    st.sampled_from([kind for kind in FrameKind if kind is not FrameKind.MESSAGE]),
    st.none() | st.sampled_from(Direction),
    st.text(max_size=30),
    st.none()
    | st.builds(
        Handshake,
        st.text(max_size=8),
        st.none() | st.text(max_size=8),
        st.lists(st.text(max_size=5), max_size=2).map(tuple),
        st.none() | st.just(101),
        st.booleans(),
        st.none() | st.just("TLSv1.3"),
        st.none() | st.text(max_size=5),
        st.booleans(),
        st.none() | st.just("192.0.2.1:5"),
    ),
    st.none() | st.builds(Gap, st.integers(0, 2**50), _micros, st.text(max_size=5), st.booleans()),
    st.none() | st.integers(1000, 4999),
    st.none() | st.lists(st.integers(0, 9), max_size=3).map(tuple),
    zoneless=st.booleans(),
)
_said = st.builds(
    Frame,
    st.text(min_size=1, max_size=8),
    st.text(min_size=1, max_size=8),
    st.integers(0, 2**40),
    _micros,
    st.just(FrameKind.MESSAGE),
    st.sampled_from(Direction),
    st.text(max_size=60),
)


@settings(deadline=None, max_examples=300)
@given(_frame | _said)
def test_what_is_written_is_read_back(frame: Frame) -> None:
    """Everything that a frame holds, character for character; one line each."""
    line = encode_line(frame)
    assert line.count(b"\n") == 1
    assert list(Reader().read([line])) == [frame]


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_reading_is_total(line: bytes) -> None:
    """Any bytes give a frame, a reason, or nothing where they are blank."""
    read = list(Reader().read([line]))
    assert len(read) == (1 if line.strip() else 0)
