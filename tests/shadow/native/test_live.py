"""Native 2.0.1 lived: sessions, schema, pairing, boot order, the clock, and what is kept apart from 1.6."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.lived import Lived
from demo.native import NativeScript
from demo.script import Script
from diff.discrepancy import session_id
from ingest.frame import Direction
from shadow import schema
from shadow.codec import decode, encode
from shadow.config import SECOND
from shadow.message import MessageType
from shadow.state import ChargerState


def _session(script: NativeScript, name: str = "tx-1") -> NativeScript:
    return script.started(name).updated(name, "ChargingStateChanged", state="Charging").wait(600).ended(name)


def _booted() -> NativeScript:
    return NativeScript().boot().status(1, "Occupied")


def test_a_native_session_is_a_session_of_its_own() -> None:
    """Its identity is the transactionId; only the shadow has a side, and nothing of the primary's is missing."""
    lived = Lived().feed(_session(_booted()).frames).settle()
    assert lived.codes() == set()
    assert lived.losses() == set()
    (session,) = lived.sessions.values()
    assert session.session_id == session_id("CP1", "tx-1")
    assert (session.shadow_transaction_id, session.primary_transaction_id) == ("tx-1", None)
    assert (session.evse_id, session.id_token, session.stop_reason) == (1, "04A1B2C3", "Local")
    assert (session.shadow_energy_wh, session.primary_energy_wh) == (4000, None)
    assert session.complete
    assert not session.compared
    assert lived.compared == 0


def test_native_messages_are_said_as_they_stand() -> None:
    """Both directions, requests and answers, all of it observed; and the frames that they stand in."""
    script = _booted().asked("Reset", {"type": "OnIdle"}, {"status": "Scheduled"})
    lived = Lived().feed(script.frames)
    said = [json.loads(frame.text) for frame in script.frames if frame.text]
    assert [message.payload for message in lived.messages] == [one[-1] for one in said]
    assert {message.provenance == {} for message in lived.messages} == {True}
    asked, answered = lived.messages[-2:]
    assert (asked.direction, asked.type) == (Direction.CS_TO_CP, MessageType.REQUEST)
    assert (answered.direction, answered.type) == (Direction.CP_TO_CS, MessageType.RESPONSE)
    assert answered.caused_by == tuple(frame.frame_id for frame in script.frames[-2:])


def test_the_charger_is_what_its_boot_says() -> None:
    """Vendor, model and firmware stand on its rows."""
    lived = Lived().feed(_session(_booted()).frames)
    (session,) = lived.sessions.values()
    assert (session.vendor, session.model, session.firmware) == ("Alder", "Curb 21", "2.0")


def test_schema_flaws_are_named_with_path_and_rule() -> None:
    """Requests and responses, and an action that 2.0.1 does not have."""
    script = _booted().told("StatusNotification", {"timestamp": "now", "connectorStatus": "Open", "evseId": 1})
    script.told("Heartbeat", {}, {}).told("StartTransaction", {})
    assert sorted(row.path for row in Lived().feed(script.frames).rows("schema.v201")) == [
        "HeartbeatResponse.:required",
        "StatusNotification.:required",
        "StatusNotification.connectorStatus:enum",
        "StatusNotification.timestamp:format",
        "action:unknown",
    ]


def test_a_message_from_the_wrong_side_is_named_and_not_lived() -> None:
    """Part 2 §1 says of each message who sends it."""
    script = _booted().asked("TransactionEvent", {}, {}).told("Reset", {"type": "OnIdle"}, {"status": "Accepted"})
    lived = Lived().feed(script.frames)
    assert [row.path for row in lived.rows("rule.v201")] == ["1:TransactionEvent", "1:Reset"]
    assert lived.sessions == {}
    assert {"TransactionEvent", "Reset"} & set(lived.actions) == set()


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (_booted().call("Heartbeat", {}), "rpc.unanswered"),
        (_booted().call("Heartbeat", {}).wait(11).answer({"currentTime": "2030-01-01T12:00:00Z"}), "rpc.slow-answer"),
        (_booted().call("Heartbeat", {}).refuse("InternalError"), "rpc.call-error"),
        (_booted().text("[2]"), "rpc.malformed"),
        (_booted().text('[3,"x",{}]'), "rpc.orphan-answer"),
        (
            _booted().call("Heartbeat", {}, message_id="1").answer({"currentTime": "2030-01-01T12:00:00Z"})
            .call("Heartbeat", {}, message_id="1").answer({"currentTime": "2030-01-01T12:00:00Z"}),
            "rpc.duplicate-id",
        ),
        (NativeScript().status(1, "Available").boot(), "rpc.before-boot"),
        (_booted().skip().status(1, "Available"), "tap.gap"),
        (_booted().status(1, "Available", at="2030-01-01T12:00:00+0000"), "clock.no-zone"),
    ],
)  # fmt: skip
def test_the_wire_is_judged_as_that_of_1_6(script: NativeScript, code: str) -> None:
    """Pairing, deadlines, framing, boot order, gaps and the clock know no version."""
    assert code in Lived().feed(script.frames).settle().codes()


def test_a_refused_boot_is_not_accepted() -> None:
    """A CALLERROR: what follows came too early."""
    script = NativeScript().call(
        "BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
    )
    script.refuse("InternalError").status(1, "Available")
    lived = Lived().feed(script.frames)
    assert [row.path for row in lived.rows("rpc.before-boot")] == ["StatusNotification"]
    assert [m.type for m in lived.messages if m.action == "BootNotification"] == [
        MessageType.REQUEST,
        MessageType.ERROR,
    ]


@pytest.mark.parametrize(("offline", "named"), [(None, True), (True, False)])
def test_what_happened_while_offline_says_so(*, offline: bool | None, named: bool) -> None:
    """E04.FR.03: an event stamped before the connection was opened has offline = true."""
    script = _booted().started("tx-1").updated("tx-1", "ChargingStateChanged", state="Charging").close().wait(900)
    script.open("ocpp2.0.1")
    more: dict[str, Any] = {} if offline is None else {"offline": offline}
    script.updated("tx-1", "MeterValuePeriodic", wh=2000, at=script.ago(600), **more)
    paths = [row.path for row in Lived().feed(script.frames).rows("rule.v201")]
    assert paths == (["E04.FR.03:TransactionEvent.offline"] if named else [])


def test_a_clock_that_is_behind_is_not_offline() -> None:
    """Ten minutes behind, always: nothing of it happened before the connection."""
    script = NativeScript().boot()
    for number in range(4):
        script.status(1, "Available" if number % 2 else "Occupied", at=script.ago(600)).wait(60)
    script.close().open("ocpp2.0.1").started("tx-1", at=script.ago(599))
    assert Lived().feed(script.frames).codes() == {"clock.skew"}


def test_a_session_that_falls_silent_never_ended() -> None:
    """As any other: after a day without an event."""
    lived = Lived().feed(_booted().started("tx-1").frames).settle()
    assert [session.complete for session in lived.sessions.values()] == [False]
    assert lived.codes() == {"session.never-ended"}


def test_a_token_that_is_answered_differently() -> None:
    """C01: Authorize accepts, the answer to the transaction blocks."""
    script = _booted()
    script.told(
        "Authorize", {"idToken": {"idToken": "AA", "type": "ISO14443"}}, {"idTokenInfo": {"status": "Accepted"}}
    )
    script.started("tx-1", token="AA", answer={"idTokenInfo": {"status": "Blocked"}})
    assert "session.authorization" in Lived().feed(script.frames).codes()


def test_a_gap_concludes_nothing() -> None:
    """What was not seen may have been said: no number, token or EVSE is missing after it."""
    script = _booted().started("tx-1").skip(4).updated("tx-1", "ChargingStateChanged", state="SuspendedEV", seq=9)
    script.updated("tx-2", "ChargingStateChanged", state="Charging", seq=3).ended("tx-2")
    assert Lived().feed(script.frames).codes() == {"tap.gap"}


# -- both versions in turn ---------------------------------------------------------------------------------------------


def _moved() -> NativeScript:
    """A session on 1.6, the new firmware with a session on 2.0.1, and the way back with a third session."""
    script = NativeScript(connected=False)
    old = Script.open(script, "ocpp1.6")
    Script.boot(old)
    Script.status(old, 1, "Preparing")
    old.start(1, "AA", 0, transaction=7).wait(600).stop(7, 100).close().wait(60)
    _session(script.open("ocpp2.0.1").boot().status(1, "Occupied")).close().wait(60)
    Script.open(script, "ocpp1.6")
    Script.boot(script)
    return script.start(1, "AA", 100, transaction=7).wait(600).stop(7, 200)


def test_a_charger_before_and_after_its_firmware_moves() -> None:
    """Three sessions: two are compared with the primary, the native one is not; and its way back is named."""
    lived = Lived().feed(_moved().frames).settle()
    assert lived.codes() == {"rollout.fell-back"}
    assert len(lived.sessions) == 3
    assert lived.compared == 2
    assert sum(session.complete for session in lived.sessions.values()) == 3
    (row,) = lived.rows("rollout.fell-back")
    assert (row.primary, row.shadow) == ("ocpp1.6", "ocpp2.0.1")
    assert len(row.frames) == 2


def test_the_boot_of_one_version_is_not_that_of_the_other() -> None:
    """Rejected on 2.0.1, then 1.6 in mid-life: what 1.6 says is not too early."""
    script = NativeScript().boot("Rejected").close()
    Script.open(script, "ocpp1.6")
    Script.status(script, 1, "Available")
    assert Lived().feed(script.frames).codes() == {"rollout.fell-back"}


def test_1_6_remembers_nothing_native() -> None:
    """A charging station on 1.6 has the state that it had: nothing more is written with every frame."""
    lived = Lived().feed(Script().boot().start(1, "AA", 0, transaction=7).frames)
    shadow = lived.fleet.chargers["CP1"].shadow
    assert shadow.native is None
    assert b"native" not in encode(shadow)


def test_the_state_can_be_stored_between_two_frames() -> None:
    """Each state on the way comes back equal."""
    lived = Lived()
    for frame in _moved().frames:
        lived.feed([frame])
        shadow = lived.fleet.chargers["CP1"].shadow
        assert decode(encode(shadow), ChargerState) == shadow


# -- bad input ---------------------------------------------------------------------------------------------------------

_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=4) | st.just("2030-01-01T12:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def _guided(action: str, *, response: bool) -> st.SearchStrategy[dict[str, Any]]:
    """An object with the fields of the schema at its top and one level below, and anything at all in them."""
    document = schema.read(schema.V201, action, response=response) or {}
    top = document.get("properties", {})
    below = {name for one in document.get("definitions", {}).values() for name in one.get("properties", {})}
    inner = st.dictionaries(st.sampled_from(sorted(below) or ["x"]), _json, max_size=4)
    words = sorted({word for one in document.get("definitions", {}).values() for word in one.get("enum", [])})
    value = _json | inner | st.lists(inner, max_size=2) | (st.sampled_from(words) if words else st.nothing())
    return st.fixed_dictionaries({}, optional=dict.fromkeys(top, value))


_exchange = st.sampled_from(schema.actions(schema.V201)).flatmap(
    lambda action: st.tuples(st.just(action), _guided(action, response=False), _guided(action, response=True))
)


@settings(deadline=None, max_examples=120)
@given(st.lists(_exchange, max_size=12), st.randoms(use_true_random=False))
def test_nothing_native_raises(exchanges: list[tuple[str, dict[str, Any], dict[str, Any]]], chance: Any) -> None:
    """Any JSON in any field of any message, between the events of a session: lived, and the session stands."""
    script = _booted().started("tx-1")
    for action, request, answer in exchanges:
        tell = script.told if chance.random() < 0.7 else script.asked
        tell(action, request, answer)
    lived = Lived().feed(script.ended("tx-1").frames).settle()
    assert session_id("CP1", "tx-1") in lived.sessions


def test_nothing_native_grows_without_bound() -> None:
    """Thousands of transactions, reports, remote starts and reservations: what is written stays small."""
    script = _booted()
    sizes = []
    lived = Lived()
    told = 0
    for number in range(400):
        name, card = f"tx-{number}", {"idToken": f"T{number}", "type": "Local"}
        script.started(name, evse=number % 90 + 1).asked(
            "GetBaseReport", {"requestId": number, "reportBase": "FullInventory"}
        )
        script.asked("RequestStartTransaction", {"remoteStartId": number, "idToken": card})
        script.asked("ReserveNow", {"id": number, "expiryDateTime": script.now, "idToken": card})
        script.told("NotifyReport", {"requestId": number, "generatedAt": script.now, "seqNo": 0, "tbc": True})
        script.status(number, "Available").updated(name, "MeterValuePeriodic", wh=number + 2000, seq=7)
        if number % 3:
            script.ended(name, wh=number + 5000, seq=2**40)
        if number % 50 == 0:
            script.close().open("ocpp2.0.1")
        lived.feed(script.frames[told:])
        told = len(script.frames)
        sizes.append(len(encode(lived.fleet.chargers["CP1"].shadow)))
    native = lived.fleet.chargers["CP1"].shadow.native
    assert native is not None
    assert len(native.transactions) <= 73
    assert all(len(one.missing) <= 64 for one in native.transactions.values())
    assert max(map(len, (native.remote_starts, native.reservations, native.parts, native.remote_start_ids))) <= 17
    assert max(sizes[300:]) <= max(sizes[150:250]) * 1.1


def test_deadlines_fire_at_their_own_time() -> None:
    """Sixty seconds after the call, whichever frame or tick reveals it."""
    script = _booted().call("Heartbeat", {})
    called_at = script.at
    lived = Lived().feed(script.wait(500).tick().frames)
    (row,) = lived.rows("rpc.unanswered")
    assert row.observed_at == called_at + 60 * SECOND
