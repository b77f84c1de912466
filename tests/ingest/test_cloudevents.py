"""Frames as records: nothing is lost on the way, and what is no frame is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cloudevents import UndecodableError, decode, encode
from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake

_text = st.text(st.characters(codec="utf-8"), max_size=40)
_name = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
_micros = st.integers(0, 253_402_300_799_999_999)
_handshakes = st.builds(
    Handshake,
    path=_text,
    subprotocol=st.none() | _text,
    offered=st.lists(_text, max_size=3).map(tuple),
    status=st.none() | st.integers(100, 599),
    basic_auth=st.booleans(),
    compression=st.booleans(),
    peer=st.none() | _text,
)
_gaps = st.builds(Gap, bytes_missing=st.integers(0, 2**62), since=_micros, reason=_text, until_reconnect=st.booleans())


@st.composite
def _frames(draw: st.DrawFn) -> Frame:
    kind = draw(st.sampled_from(FrameKind))
    direction = draw(st.sampled_from(Direction))
    return Frame(
        draw(_text if kind is FrameKind.TICK else _name),
        draw(_name),
        draw(st.integers(0, 2**63 - 1)),
        draw(_micros),
        kind,
        direction if kind is FrameKind.MESSAGE else draw(st.none() | st.just(direction)),
        draw(_text),
        draw(st.none() | _handshakes),
        draw(st.none() | _gaps),
        draw(st.none() | st.integers(0, 65535)),
        draw(st.none() | st.lists(st.integers(0, 1000), max_size=4).map(tuple)),
        draw(st.booleans()),
    )


def _frame() -> Frame:
    text = '[2,"1","Heartbeat",{}]'
    return Frame("CP/ü", "cp@1", 7, 1_780_300_800_123_456, FrameKind.MESSAGE, Direction.CP_TO_CS, text)


@given(_frames())
@settings(deadline=None, max_examples=300)
def test_every_frame_comes_back(frame: Frame) -> None:
    """Whatever a frame holds, decoding what was encoded gives it back equal."""
    assert decode(*encode(frame)) == frame


def test_the_record_is_a_binary_mode_cloudevent() -> None:
    """Required attributes of CloudEvents 1.0 §3 stand in headers; the value is the text, the key the station."""
    key, value, headers = encode(_frame())
    given = dict(headers)

    assert key == "CP/ü".encode()
    assert value == b'[2,"1","Heartbeat",{}]'
    assert given["ce_specversion"] == b"1.0"
    assert given["ce_id"] == b"cp@1/7"
    assert given["ce_type"] == b"ocpp.frame.message.v1"
    assert given["ce_source"] == b"/shadow-csms/tap"
    assert given["ce_time"] == b"2026-06-01T08:00:00.123456Z"
    assert given["ce_subject"] == key
    assert given["content-type"].startswith(b"text/plain")


@given(_frames())
@settings(deadline=None, max_examples=50)
def test_attribute_names_are_those_that_cloudevents_allows(frame: Frame) -> None:
    """Lower-case letters and digits, at most 20 (CloudEvents §3.1), and each once."""
    names = [name for name, _ in encode(frame).headers]

    assert len(names) == len(set(names))
    for name in names:
        bare = name.removeprefix("ce_")
        assert name == "content-type" or (bare.isalnum() and bare == bare.lower() and len(bare) <= 20)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ce_type": None}, "ce_type is missing"),
        ({"ce_type": b"ocpp.frame.message.v9"}, "no frame of this version"),
        ({"ce_connection": None}, "ce_connection is missing"),
        ({"ce_connection": b"\xff"}, "ce_connection is no UTF-8"),
        ({"ce_sequence": b"-1"}, "ce_sequence is"),
        ({"ce_sequence": b"9" * 30}, "ce_sequence is"),
        ({"ce_sequence": "٣".encode()}, "ce_sequence is"),
        ({"ce_time": b"yesterday"}, "not a date and time"),
        ({"ce_direction": b"up"}, "neither"),
        ({"ce_direction": None}, "a message needs ce_direction"),
        ({"ce_subject": b"another"}, "different charging stations"),
        ({"ce_gap": b"{}"}, "ce_gap cannot be read"),
        ({"ce_handshake": b"\xff"}, "ce_handshake cannot be read"),
        ({"ce_connectors": b'["1"]'}, "ce_connectors cannot be read"),
        ({"ce_closecode": b""}, "ce_closecode is"),
    ],
)
def test_a_damaged_header_is_named(change: dict[str, bytes | None], reason: str) -> None:
    """The reason says which header it was."""
    key, value, headers = encode(_frame())
    given = {name: text for name, text in {**dict(headers), **change}.items() if text is not None}
    with pytest.raises(UndecodableError, match=reason):
        decode(key, value, given)


def test_a_record_without_key_or_text_that_is_no_utf8_is_refused() -> None:
    """Also what somebody else wrote into the topic without any header."""
    key, value, headers = encode(_frame())
    with pytest.raises(UndecodableError, match="the value is no UTF-8: byte 1"):
        decode(key, b"a\xff", headers)
    with pytest.raises(UndecodableError, match="no key"):
        decode(None, value, [one for one in headers if one[0] != "ce_subject"])
    with pytest.raises(UndecodableError, match="ce_type is missing"):
        decode(b"k", b"v", None)
    with pytest.raises(UndecodableError, match="at most 8388608"):
        decode(key, b"x" * (8 * 1024 * 1024 + 1), headers)


@given(
    st.binary(max_size=40),
    st.binary(max_size=40),
    st.dictionaries(
        st.sampled_from(
            [
                "ce_type",
                "ce_connection",
                "ce_sequence",
                "ce_time",
                "ce_direction",
                "ce_gap",
                "ce_subject",
                "ce_closecode",
            ]
        ),
        st.one_of(
            st.binary(max_size=20), st.just(b"ocpp.frame.tick.v1"), st.just(b"5"), st.just(b"2030-01-01T00:00:00Z")
        ),
    ),
)
@settings(deadline=None, max_examples=300)
def test_decoding_is_total(key: bytes, value: bytes, headers: dict[str, bytes]) -> None:
    """Any record gives a frame or the one error that says why not."""
    try:
        found: object = decode(key, value, headers)
    except UndecodableError as error:
        found = error
    assert isinstance(found, Frame) or str(found)
