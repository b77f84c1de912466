"""The frame: names of evidence, the canonical order, and directions."""

import msgspec
import pytest

from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake


def test_evidence_is_named_by_connection_and_number() -> None:
    """`connection_id/seq`, unique over all connections."""
    assert Frame("CP1", "tap1:7", 12, 0).frame_id == "tap1:7/12"


def test_the_canonical_order_is_by_time_then_connection_then_number() -> None:
    """Across the connections of one charger; within one it is the number."""
    frames = [Frame("CP", "b", 0, 5), Frame("CP", "a", 1, 5), Frame("CP", "a", 0, 5), Frame("CP", "z", 0, 4)]
    ordered = sorted(frames, key=lambda frame: frame.order_key)
    assert [frame.frame_id for frame in ordered] == ["z/0", "a/0", "a/1", "b/0"]


@pytest.mark.parametrize("direction", list(Direction))
def test_the_opposite_of_the_opposite(direction: Direction) -> None:
    """An answer travels the other way, and its answer back."""
    assert direction.opposite is not direction
    assert direction.opposite.opposite is direction


def test_frames_cannot_be_changed() -> None:
    """What was seen stays as it was seen."""
    frame = Frame("CP", "c", 0, 0)
    with pytest.raises(AttributeError):
        frame.text = "other"  # type: ignore[misc] - the point of the test


def test_frames_survive_bytes() -> None:
    """With everything they hold, through both of msgspec's forms."""
    frame = Frame(
        "CP",
        "c",
        3,
        1,
        FrameKind.GAP,
        Direction.CS_TO_CP,
        "ü\u2028",
        Handshake("/CP", "ocpp1.6", ("ocpp2.0.1", "ocpp1.6"), 101, basic_auth=True),
        Gap(9, 8, "buffer-full", until_reconnect=False),
        1006,
        (1, 2),
        zoneless=True,
    )
    assert msgspec.json.decode(msgspec.json.encode(frame), type=Frame) == frame
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(frame), type=Frame) == frame
