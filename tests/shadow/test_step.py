"""The one entry: framing, pairing, order, gaps, and time that enters through frames only."""

import json

import pytest
from msgspec.structs import replace

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction, Frame, FrameKind
from shadow.codec import encode
from shadow.config import SECOND
from shadow.state import ChargerState
from shadow.step import step

BOOT = {"chargePointVendor": "Alder", "chargePointModel": "Curb 11"}


def test_a_call_without_an_answer_is_named_at_its_deadline() -> None:
    """Sixty seconds after the call, whichever frame or tick reveals it."""
    script = Script().boot().call("Heartbeat", {})
    called_at = script.at
    (row,) = Lived().feed(script.wait(500).tick().frames).rows("rpc.unanswered")
    assert row.observed_at == called_at + 60 * SECOND


def test_a_late_answer_takes_it_back() -> None:
    """Answered after seventy seconds: withdrawn, and named slow."""
    script = Script().boot().call("Heartbeat", {}).wait(70).tick().answer({"currentTime": "2030-01-01T12:00:00Z"})
    lived = Lived().feed(script.frames)
    assert lived.codes() == {"rpc.slow-answer"}
    assert [row.status for row in lived.rows("rpc.unanswered")] == ["withdrawn"]


def test_a_call_open_when_the_connection_closes_is_unanswered() -> None:
    """No answer can come any more; it is not named a second time at its deadline."""
    lived = Lived().feed(Script().boot().call("Heartbeat", {}).close().frames).settle()
    assert [(row.occurrences, row.detail) for row in lived.rows("rpc.unanswered")] == [(1, "the connection closed")]


@pytest.mark.parametrize(("seconds", "named"), [(9, False), (11, True)])
def test_slow_answers(seconds: int, *, named: bool) -> None:
    """Ten seconds are allowed."""
    script = Script().boot().call("Heartbeat", {}).wait(seconds).answer({"currentTime": "2030-01-01T12:00:00Z"})
    assert ("rpc.slow-answer" in Lived().feed(script.frames).codes()) is named


def test_call_errors_are_named_with_their_action() -> None:
    """Code and action are the evidence."""
    (row,) = Lived().feed(Script().boot().call("Heartbeat", {}).refuse("NotSupported").frames).rows("rpc.call-error")
    assert (row.path, row.primary) == ("cp>cs.Heartbeat", "NotSupported")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[2]", '[2,"a","Heartbeat",{}', "\x00", '[9,"a",{}]', '[2,"a","X",7]']
)
def test_texts_that_are_no_message_are_named_and_the_stream_goes_on(text: str) -> None:
    """Malformed, kept as evidence; the next message is lived."""
    lived = Lived().feed(Script().boot().text(text).status(1, "Available").frames)
    assert lived.codes() == {"rpc.malformed"}
    assert len(lived.requests("StatusNotification")) == 1


def test_framing_that_is_survived_is_still_named() -> None:
    """A fifth element in a CALL: lived, and named."""
    lived = Lived().feed(Script().boot().text('[2,"h","Heartbeat",{},0]').frames)
    assert lived.codes() == {"rpc.malformed"}
    assert lived.actions[-1] == "Heartbeat"


def test_the_same_text_again_is_lived_once() -> None:
    """A retry under its message id happened once."""
    text = json.dumps([2, "s", "DataTransfer", {"vendorId": "V"}])
    script = Script().boot().text(text).text(text).text('[3,"s",{"status":"Accepted"}]', Direction.CS_TO_CP).text(text)
    lived = Lived().feed(script.frames)
    assert lived.actions.count("DataTransfer") == 1
    assert [row.occurrences for row in lived.rows("rpc.duplicate-id")] == [2]


def test_another_call_under_a_used_message_id_is_lived_and_named() -> None:
    """Stations that count from 1 after each boot reuse ids: nothing is lost by it."""
    script = Script().boot().call("DataTransfer", {"vendorId": "A"}, message_id="1").answer({"status": "Accepted"})
    lived = Lived().feed(script.call("DataTransfer", {"vendorId": "B"}, message_id="1").frames)
    assert [one["vendorId"] for one in lived.requests("DataTransfer")] == ["A", "B"]
    assert lived.codes() == {"rpc.duplicate-id", "vendor.data-transfer"}


def test_an_answer_to_nothing_is_an_orphan() -> None:
    """A message id that no call bore (one character added, Phihong)."""
    assert Lived().feed(Script().boot().text('[3,"5c2d6e365",{}]').frames).codes() == {"rpc.orphan-answer"}


def test_the_first_frames_of_a_log_may_answer_what_was_not_seen() -> None:
    """A capture that begins between a call and its answer is no flaw of the charger."""
    assert Lived().feed(Script(connected=False).text('[3,"x",{}]', Direction.CS_TO_CP).frames).codes() == set()


def test_the_same_id_may_be_open_in_both_directions() -> None:
    """OCPP-J §4.1.4: a message id belongs to its sender."""
    script = Script().boot().call("Heartbeat", {}, message_id="1").command("Reset", {"type": "Soft"}, message_id="1")
    script.answer({"status": "Accepted"}).answer({"currentTime": "2030-01-01T12:00:00Z"})
    lived = Lived().feed(script.frames)
    assert len(lived.responses("Reset")) == len(lived.responses("Heartbeat")) == 1
    assert lived.codes() == set()


# -- gaps and order ---------------------------------------------------------------------------------------------------


def test_a_jump_of_the_sequence_is_a_gap_with_its_count() -> None:
    """Law 2: what never came is named."""
    (row,) = Lived().feed(Script().boot().skip(3).status(1, "Available").frames).rows("tap.gap")
    assert (row.path, row.primary) == ("sequence", "3")


def test_a_hole_that_is_filled_late_is_lived() -> None:
    """Two frames change places: the late one is lived as it arrives, the gap stays named."""
    frames = Script().boot().status(1, "Available").status(2, "Available").frames
    swapped = [*frames[:3], *frames[5:], *frames[3:5]]
    lived = Lived().feed(swapped)
    assert {one["evseId"] for one in lived.requests("StatusNotification")} == {1, 2}
    assert lived.codes() >= {"tap.gap"}


def test_frames_delivered_twice_are_lived_once() -> None:
    """At least once is how topics deliver: the second copy changes nothing."""
    frames = Script().boot().start(1, "AA", 0, transaction=7).wait(60).stop(7, 10).frames
    once, twice = Lived().feed(frames), Lived().feed([copy for frame in frames for copy in (frame, frame)])
    assert once.messages == twice.messages
    assert once.versions == twice.versions


def test_a_cut_makes_blind_without_blaming() -> None:
    """After a gap calls that were open are nobody's fault, and what ran may have ended unseen."""
    script = Script().boot().call("Heartbeat", {}).cut(4096)
    lived = Lived().feed(script.wait(300).tick().frames)
    assert lived.codes() == {"tap.gap"}
    assert lived.rows("tap.gap")[0].path == "buffer-full"


def test_another_subprotocol_is_counted_and_not_lived() -> None:
    """It is named, and nothing is judged by the rules of 1.6 or 2.0.1."""
    lived = Lived().feed(Script(connected=False).open("ocpp2.0").call("Heartbeat", {}).frames)
    assert lived.messages == []
    assert lived.unmapped == ["subprotocol=ocpp2.0"] * 2
    assert lived.codes() == {"rpc.subprotocol"}


def test_unknown_actions_break_the_schema_of_1_6() -> None:
    """An action that 1.6 does not have is named and counted."""
    lived = Lived().feed(Script().boot().call("TransactionEvent", {}).frames)
    assert lived.codes() == {"schema.v16"}
    assert "TransactionEvent" in lived.unmapped


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"connectorId": 1, "status": "Available"}, "StatusNotification.:required"),
        ({"connectorId": "1", "status": "Available", "errorCode": "NoError"}, "StatusNotification.connectorId:type"),
        ({"connectorId": 1, "status": "Available", "errorCode": "Error"}, "StatusNotification.errorCode:enum"),
    ],
)
def test_schema_flaws_name_path_and_rule(payload: dict[str, object], path: str) -> None:
    """Where, and which keyword of the official schema."""
    lived = Lived().feed(Script().boot().call("StatusNotification", payload).frames)
    assert [row.path for row in lived.rows("schema.v16")] == [path]


def test_answers_are_checked_against_their_schema_too() -> None:
    """BootNotification.conf without an interval."""
    script = (
        Script().call("BootNotification", BOOT).answer({"status": "Accepted", "currentTime": "2030-01-01T12:00:00Z"})
    )
    assert [row.path for row in Lived().feed(script.frames).rows("schema.v16")] == ["BootNotification.conf.:required"]


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_nothing_that_is_remembered_grows_without_bound() -> None:
    """Thousands of calls that nobody answers, connections, tokens, starts and ids: the state stays small."""
    script = Script().boot()
    for number in range(600):
        script.wait(61).call("Authorize", {"idTag": f"T{number}"})
        script.command("RemoteStopTransaction", {"transactionId": 1})
        script.start(number % 80 + 1, f"S{number}", number, transaction=number)
        if number % 10 == 0:
            script.close().open()
    lived = Lived().feed(script.frames)
    shadow = lived.fleet.chargers["CP1"].shadow
    assert len(shadow.pairing.pending) <= 256
    assert len(shadow.overdue) <= 257
    assert len(shadow.seqs) <= 32
    assert len(shadow.station.transactions) <= 80
    assert len(shadow.station.connectors) <= 64
    assert len(shadow.station.aliases) <= 80
    assert len(shadow.csms.transactions) <= 80
    assert len(shadow.csms.tokens) <= 64
    assert len(shadow.csms.awaiting) <= 16
    judged = lived.fleet.chargers["CP1"]
    assert len(judged.pairs.by_id) <= 80
    assert len(judged.pairs.of_shadow) <= 160
    assert len(judged.pairs.of_primary) <= 160
    assert len(judged.deadlines) <= 512


def test_a_tick_of_another_time_changes_no_clock() -> None:
    """A tick behind the watermark neither fires anything nor turns time back."""
    frame = Script().boot().frames[-1]
    state, _ = step(ChargerState("CP1"), frame)
    before = state.now
    state, seen = step(state, Frame("", "tick", 0, before - 1, FrameKind.TICK))
    assert state.now == before
    assert seen.findings == []


def test_a_frame_behind_the_watermark_is_lived() -> None:
    """Late is late: it is lived as it arrives, and its call waits for an answer like any other."""
    frames = Script().boot().status(1, "Available").frames
    late = replace(Script("CP1").frames[0], connection_id="CP1@9", received_at=frames[0].received_at - 5)
    lived = Lived().feed([*frames, late])
    assert lived.codes() == set()


def test_a_long_life_leaves_a_small_state() -> None:
    """Hundreds of sessions, each with a discrepancy of its own: what is written with every frame stays small."""
    script = Script().boot()
    sizes = []
    lived = Lived()
    for number in range(300):
        known = len(script.frames)
        script.start(1, f"TOKEN{number}", 1000 * number, transaction=number).wait(600)
        script.stop(number, 1000 * number).wait(600)
        lived.feed(script.frames[known:])
        sizes.append(len(encode(lived.fleet.chargers["CP1"])))
    assert max(sizes) < 50_000
    assert max(sizes[200:]) <= max(sizes[100:200]) * 1.1
