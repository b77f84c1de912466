"""Connections that are not kept alive: pings, heartbeats, flapping. Nobody is held to a rhythm that is not its own."""

import pytest

from demo.lived import Lived
from demo.native import NativeScript
from demo.script import Script
from ingest.frame import Direction
from shadow.codec import decode, encode
from shadow.config import SECOND
from shadow.state import ChargerState
from shadow.step import step

CODE = "keepalive.missed"


def _beating(heartbeats: int = 3, every: float = 299, script: Script | None = None) -> Script:
    script = Script().boot() if script is None else script
    for _ in range(heartbeats):
        script.wait(every).call("Heartbeat", {}).answer({"currentTime": script.now})
    return script


def _named(script: Script) -> list[tuple[str, str | None, int]]:
    return [(row.path, row.primary, row.occurrences) for row in Lived().feed(script.frames).rows(CODE)]


@pytest.mark.parametrize(("side", "path"), [(Direction.CP_TO_CS, "ping:cp>cs"), (Direction.CS_TO_CP, "ping:cs>cp")])
def test_a_ping_without_a_pong_is_named_at_its_deadline(side: Direction, path: str) -> None:
    """A minute after the first ping that waits, whichever frame or tick reveals it, and whoever pinged."""
    script = Script().boot().ping(side)
    pinged_at = script.at
    script.wait(20).ping(side).wait(500).tick()
    (row,) = Lived().feed(script.frames).rows(CODE)
    assert (row.path, row.occurrences, row.observed_at) == (path, 1, pinged_at + 60 * SECOND)


def test_one_pong_answers_all_pings_of_its_side_and_none_of_the_other() -> None:
    """RFC 6455 section 5.5.3: a pong may answer only the latest ping; a pong never answers a ping of its own side."""
    assert _named(Script().boot().ping().wait(20).ping().wait(20).pong().wait(100).tick()) == []
    assert _named(Script().boot().ping().wait(20).pong(Direction.CP_TO_CS).wait(100).tick())


@pytest.mark.parametrize(
    ("waits", "code", "named"), [(20, 1006, True), (20, None, True), (20, 1000, False), (2, 1006, False)]
)
def test_a_connection_that_died_while_a_ping_waited(waits: float, code: int | None, *, named: bool) -> None:
    """Given up for want of a pong; an end that was wished, or that overtook the pong, is none."""
    assert bool(_named(Script().boot().ping().wait(waits).close(code))) is named


def test_a_ping_is_named_once() -> None:
    """At its deadline, and not again when the connection ends."""
    assert [row[2] for row in _named(Script().boot().ping().wait(100).tick().close())] == [1]


def test_a_silent_station_is_named_when_two_intervals_have_passed() -> None:
    """At the deadline's own time; it is named again only after it has spoken."""
    script = _beating()
    spoken_at = script.at - 100_000
    (row,) = Lived().feed(script.wait(5000).tick().wait(5000).tick().frames).rows(CODE)
    assert (row.path, row.primary, row.occurrences) == ("Heartbeat", "600 s", 1)
    assert row.observed_at == spoken_at + 600 * SECOND
    assert [row[2] for row in _named(script.status(1, "Available").wait(5000).tick())] == [2]


def test_any_message_of_the_station_counts_as_a_heartbeat() -> None:
    """1.6 section 4.6: a heartbeat may be left out where something else was said within the interval."""
    script = _beating()
    for _ in range(5):
        script.wait(500).status(1, "Available")
    assert _named(script) == []


def test_what_the_csms_says_is_no_sign_of_life() -> None:
    """Only what the station sends counts, its answers included."""
    assert _named(_beating().wait(500).command("Reset", {"type": "Soft"}).wait(200).tick())
    assert _named(_beating().wait(500).remote("Reset", {"type": "Soft"}).wait(200).tick()) == []


@pytest.mark.parametrize("heartbeats", [0, 2])
def test_a_station_without_a_rhythm_is_held_to_none(heartbeats: int) -> None:
    """Heartbeats are optional with WebSocket, and one or two may have been triggered."""
    assert _named(_beating(heartbeats).wait(86_400).tick()) == []


def test_a_closed_connection_waits_for_nothing() -> None:
    """A station that is away misses no heartbeat; on its next connection its rhythm has to show anew."""
    assert _named(_beating().close(1000).wait(5000).open().wait(5000).tick()) == []


def test_what_was_not_seen_proves_nothing() -> None:
    """Behind a gap pongs and heartbeats may be among what is missing."""
    assert _named(_beating().ping().cut().wait(5000).tick()) == []
    assert _named(_beating().ping().skip().status(1, "Available").wait(5000).tick()) == []


def test_the_interval_follows_the_configuration() -> None:
    """HeartbeatInterval of 1.6, accepted, and OCPPCommCtrlr.HeartbeatInterval of 2.0.1."""
    change = {"key": "HeartbeatInterval", "value": "1000"}
    assert _named(_beating(script=Script().boot().remote("ChangeConfiguration", change)).wait(1900).tick()) == []
    refused = Script().boot().remote("ChangeConfiguration", change, "Rejected")
    assert _named(_beating(script=refused).wait(1900).tick())
    data = {
        "attributeValue": "1000",
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "HeartbeatInterval"},
    }
    for status, named in (("Accepted", False), ("Rejected", True)):
        script = NativeScript().boot()
        result = {"attributeStatus": status, "component": data["component"], "variable": data["variable"]}
        script.asked("SetVariables", {"setVariableData": [data]}, {"setVariableResult": [result]})
        assert bool(_named(_beating(script=script).wait(1900).tick())) is named


def test_an_interval_of_nought_leaves_the_station_its_choice() -> None:
    """1.6 section 6.8: then the interval is not known and nothing is judged by it."""
    script = Script().call("BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"})
    script.answer({"status": "Accepted", "currentTime": script.now, "interval": 0})
    assert _named(_beating(script=script).wait(86_400).tick()) == []


def test_a_short_interval_has_a_minute_of_grace() -> None:
    """Ten seconds of interval: named after seventy, not after twenty."""
    script = Script().boot().remote("ChangeConfiguration", {"key": "heartbeatInterval", "value": "10"})
    assert _named(_beating(3, 9, script).wait(65).tick()) == []
    assert _named(script.wait(10).tick())


def test_flapping_is_named_with_its_connections_and_counted_anew() -> None:
    """Five connections within ten minutes; the next five are another occurrence."""
    script = Script().boot()
    for _ in range(9):
        script.close(1000).wait(60).open()
    (row,) = Lived().feed(script.frames).rows(CODE)
    assert (row.path, row.primary, row.occurrences) == ("connection", "5 connections in 600 s", 2)
    assert len(row.frames) == 8


def test_what_is_remembered_is_bounded_and_can_be_stored() -> None:
    """Pings on any number of connections; and the state lives on from its bytes."""
    state = ChargerState("CP1")
    script = Script()
    for _ in range(100):
        script.boot().ping().wait(700).open()
    for frame in script.frames:
        state, _ = step(state, frame)
    assert len(state.keepalive.pings) <= 32
    assert len(state.keepalive.opened) < 5
    assert decode(encode(state), ChargerState) == state
