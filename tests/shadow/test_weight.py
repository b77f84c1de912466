"""What telemetry weighs: against RFC 6455 and 7692 as another implementation writes them, and by hand."""

import zlib

import msgspec
import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode

from demo.script import Script
from demo.traffic import Traffic
from ingest.frame import Direction, Frame, FrameKind
from shadow.config import DEFAULT
from shadow.weight import DAY, OTHER, SESSION_ACTIONS, Account, Deflater, Scales, Weight, frame_size

STORY = (
    Script()
    .boot()
    .status(1, "Preparing")
    .start(1, "04A1B2C3", 1000, transaction=7)
    .status(1, "Charging")
    .wait(600)
    .meter(1, 7, 1500)
    .stop(7, 3500)
)


def _weighed(frames: list[Frame]) -> Account:
    scales = Scales()
    for frame in frames:
        scales.feed(frame)
    scales.end()
    return scales.account()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
@pytest.mark.parametrize("client", [True, False])
def test_frame_sizes_are_those_of_the_websockets_package(*, size: int, client: bool) -> None:
    """RFC 6455 §5.2: 2, 4 or 10 bytes before the payload, and a mask of 4 from the client."""
    written = WebSocketFrame(Opcode.TEXT, b"x" * size).serialize(mask=client)
    assert frame_size(size, from_client=client) == len(written)


def test_deflated_sizes_are_those_of_the_websockets_package() -> None:
    """RFC 7692 with context takeover: the same payload sizes, message after message, repeats nearly free."""
    extension = PerMessageDeflate(
        remote_no_context_takeover=False,
        local_no_context_takeover=False,
        remote_max_window_bits=15,
        local_max_window_bits=15,
        compress_settings={"memLevel": 8},
    )
    ours, sizes = Deflater(), []
    for frame in Traffic(seed=3, chargers=1, sessions_per_charger=2):
        if frame.kind is FrameKind.MESSAGE and frame.direction is Direction.CP_TO_CS:
            text = frame.text.encode()
            sizes.append(ours.size(text))
            assert sizes[-1] == len(extension.encode(WebSocketFrame(Opcode.TEXT, text)).data)
    assert len(sizes) > 20


def test_a_receiver_can_read_what_was_sized() -> None:
    """The four bytes that are not sent are the ones that RFC 7692 §7.2.2 has the receiver add."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"[3]") + packer.flush(zlib.Z_SYNC_FLUSH)
    assert packed.endswith(b"\x00\x00\xff\xff")
    assert Deflater().size(b"[3]") == len(packed) - 4


def test_16_is_weighed_as_it_stood_on_the_wire() -> None:
    """Every text once, under the action that it belongs to, with its header and mask."""
    account = _weighed(STORY.frames)
    said = [frame for frame in STORY.frames if frame.kind is FrameKind.MESSAGE]
    total = account.total("1.6")
    assert total.messages == len(said)
    assert total.payload == sum(len(frame.text.encode()) for frame in said)
    assert total.plain == sum(
        frame_size(len(frame.text.encode()), from_client=frame.direction is Direction.CP_TO_CS) for frame in said
    )
    assert total.deflated < total.plain
    assert account.by_action["1.6"]["MeterValues"].messages == 2
    assert account.by_action["1.6"].keys() == {
        "BootNotification",
        "StatusNotification",
        "StartTransaction",
        "MeterValues",
        "StopTransaction",
    }


def test_every_201_request_has_its_answer() -> None:
    """The shadow says most of them; what it says none for is answered with an empty CALLRESULT, which is counted."""
    account = _weighed(STORY.frames)
    assert all(weight.messages % 2 == 0 for weight in account.by_action["2.0.1"].values())
    assert account.assumed == 0
    assert account.sessions == 1


def test_a_call_without_an_answer_stays_without_one() -> None:
    """In 2.0.1 as in 1.6: nobody answered the Authorize."""
    story = Script().call("Authorize", {"idTag": "04A1B2C3"})
    account = _weighed(story.frames)
    assert account.by_action["1.6"]["Authorize"].messages == 1
    assert account.by_action["2.0.1"]["Authorize"].messages == 1
    assert account.assumed == 0


def test_201_messages_travel_as_compact_json_with_the_id_of_a_uuid() -> None:
    """The weight of a Heartbeat by hand: `[2,"36 characters","Heartbeat",{}]` in a masked frame of a 6 byte header."""
    account = _weighed(Script().call("Heartbeat", {}).frames)
    text = msgspec.json.encode([2, "0" * 36, "Heartbeat", {}])
    assert account.by_action["2.0.1"]["Heartbeat"] == Weight(
        1, len(text), len(text) + 6, account.by_action["2.0.1"]["Heartbeat"].deflated
    )


def test_texts_that_are_no_message_are_weighed_under_no_action() -> None:
    """Garbage, an answer without a question, and an action that the standard does not have."""
    story = Script().text("junk").text('[3,"no-call",{}]').call("Nonsense", {})
    assert _weighed(story.frames).by_action["1.6"].keys() == {OTHER}


def test_other_subprotocols_are_passed_over() -> None:
    """Native 2.0.1 and withdrawn versions are neither of the two sides."""
    frames = Script(connected=False).open("ocpp2.0.1").call("Heartbeat", {}).frames
    account = _weighed(frames)
    assert (account.passed_over, account.total("1.6"), account.total("2.0.1")) == (1, Weight(), Weight())


def test_contexts_end_with_their_connection() -> None:
    """The same messages on a new connection are compressed anew; on the same one they are nearly free."""
    once = _weighed(Script().call("Heartbeat", {}, message_id="a" * 36).frames)
    twice = _weighed(
        Script().call("Heartbeat", {}, message_id="a" * 36).close().open().call("Heartbeat", {}, message_id="a" * 36)
        .frames
    )  # fmt: skip
    together = _weighed(
        Script().call("Heartbeat", {}, message_id="a" * 36).call("Heartbeat", {}, message_id="a" * 36).frames
    )
    first = once.total("1.6").deflated
    assert twice.total("1.6").deflated == 2 * first
    assert together.total("1.6").deflated < 1.5 * first


def test_charger_days_are_what_was_observed() -> None:
    """From the first to the last frame of each charging station; one that is forgotten early counts alike."""
    frames = [*Script("A").wait(43_200).boot().frames, *Script("B").wait(43_200).boot().frames]
    scales = Scales(DEFAULT)
    for frame in frames:
        if frame.charger_id == "B":
            scales.forget("A")
        scales.feed(frame)
    scales.end()
    account = scales.account()
    assert account.chargers == 2
    assert DAY <= account.observed < DAY * 1.001
    assert account == _weighed(frames)


def test_a_part_of_the_actions_is_a_session() -> None:
    """What is told per session is about charging: a Heartbeat is not."""
    account = _weighed(STORY.frames)
    of_sessions = account.total("2.0.1", SESSION_ACTIONS["2.0.1"])
    boot = account.by_action["2.0.1"]["BootNotification"]
    assert of_sessions.messages == account.total("2.0.1").messages - boot.messages
