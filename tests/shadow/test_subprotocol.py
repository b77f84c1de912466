"""What a connection speaks: named where it is not lived, and found out where a log does not say it."""

import pytest

from demo.lived import Lived
from demo.native import NativeScript
from demo.script import Script
from ingest.frame import Frame, FrameKind, Handshake
from shadow.subprotocol import NATIVE, SOAP, V16

EVENT = {
    "eventType": "Started", "timestamp": "2030-01-01T12:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 0,
    "transactionInfo": {"transactionId": "tx-1", "chargingState": "EVConnected"}, "evse": {"id": 1, "connectorId": 1},
}  # fmt: skip
STATION = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ocpp2.0", "ocpp2.0"), (SOAP, SOAP), ("ocpp2.1", "unknown"), ("mqtt", "unknown"), ("x" * 99, "unknown")],
)
def test_what_is_not_lived_is_named_by_its_kind(name: str, kind: str) -> None:
    """One finding with the name; every frame of the connection is counted, and none is lived."""
    lived = Lived().feed(Script(connected=False).open(name).boot().status(1, "Occupied").frames)
    (row,) = lived.rows("rpc.subprotocol")
    assert (row.path, row.primary) == (f"handshake.subprotocol:{kind}", name[:40])
    assert row.shadow == f"{V16}, {NATIVE}"
    assert lived.unmapped == [f"subprotocol={name[:40]}"] * 5
    assert lived.messages == []
    assert lived.codes() == {"rpc.subprotocol"}


def test_soap_is_named_once_and_not_for_every_message() -> None:
    """Each of its messages opens a connection; said again with the same words it is no news."""
    shake = Handshake(path="/ocpp/Service", subprotocol=SOAP, status=200)
    frames = [
        frame
        for number in range(5)
        for frame in (
            Frame("CP1", f"c@{number}", 0, 1 + number, FrameKind.OPENED, handshake=shake),
            Frame("CP1", f"c@{number}", 1, 1 + number, FrameKind.CLOSED),
        )
    ]
    (row,) = Lived().feed(frames).rows("rpc.subprotocol")
    assert row.occurrences == 1


def test_it_is_named_again_after_something_else() -> None:
    """2.0 first, 2.0.1 on the reconnect, and 2.0 again (field-seen)."""
    script = NativeScript(connected=False)
    for name in ("ocpp2.0", NATIVE, "ocpp2.0"):
        script.open(name).close()
    (row,) = Lived().feed(script.frames).rows("rpc.subprotocol")
    assert row.occurrences == 2


@pytest.mark.parametrize("subprotocol", [None, ""])
@pytest.mark.parametrize(
    ("action", "payload", "native"),
    [
        ("TransactionEvent", EVENT, True),
        ("NotifyEvent", {}, True),
        ("BootNotification", STATION, True),
        ("StatusNotification", {"connectorStatus": "Available", "evseId": 1, "connectorId": 1}, True),
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}, False),
        ("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"}, False),
        ("Heartbeat", {}, False),
        ("Nonsense", {}, False),
    ],
)
def test_the_first_call_decides_where_a_log_does_not_say_it(
    subprotocol: str | None, action: str, payload: dict[str, object], *, native: bool
) -> None:
    """What only 2.0.1 has makes the connection native; all else is 1.6, and stays so."""
    script = Script(connected=False).open(subprotocol).command("Reset", {"type": "Soft"}).call(action, payload)
    lived = Lived().feed(script.frames)
    assert lived.fleet.chargers["CP1"].shadow.seqs["CP1@0"].speaks == (NATIVE if native else V16)
    lived.feed(script.call("TransactionEvent", EVENT).frames[-1:])
    assert (session_count(lived) == 1) is native
    assert ("schema.v16" in lived.codes()) is not native


def test_a_request_of_the_csms_tells_too() -> None:
    """What only 2.0.1 has makes the connection native, whoever says it; the answer is lived as its answer."""
    script = Script(connected=False).command("GetVariables", {"getVariableData": []}).answer({"getVariableResult": []})
    lived = Lived().feed(script.frames)
    assert [message.action for message in lived.messages] == ["GetVariables"] * 2
    assert "schema.v16" not in lived.codes()


def session_count(lived: Lived) -> int:
    """How many sessions came out."""
    return len(lived.sessions)


def test_a_log_without_a_handshake_is_found_out_too() -> None:
    """The first frame is a message."""
    script = Script(connected=False).call("TransactionEvent", EVENT).answer({})
    lived = Lived().feed(script.frames)
    assert [message.action for message in lived.messages] == ["TransactionEvent"] * 2
    assert lived.codes() == set()


def test_a_way_back_is_named_once_until_2_0_1_is_spoken_again() -> None:
    """Reconnects on 1.6 are one way back; a second move and return is a second one."""
    script = NativeScript()
    for name in (V16, V16, NATIVE, V16):
        script.close().open(name)
    (row,) = Lived().feed(script.frames).rows("rollout.fell-back")
    assert row.occurrences == 2


def test_a_refused_upgrade_is_no_way_back() -> None:
    """The CSMS refuses 1.6: nothing came back."""
    script = NativeScript().close()
    refused = Handshake(path="/CP1", subprotocol=V16, status=401)
    frames = [*script.frames, Frame("CP1", "CP1@7", 0, script.at, FrameKind.OPENED, handshake=refused)]
    assert Lived().feed(frames).codes() == set()


def test_a_flood_of_foreign_connections_pushes_no_open_one_out() -> None:
    """Bounded: closed ones go first, the open 1.6 connection is kept."""
    script = Script().boot()
    frames = list(script.frames)
    for number in range(100):
        shake = Handshake(subprotocol=SOAP, status=200)
        frames.append(Frame("CP1", f"s@{number}", 0, script.at, FrameKind.OPENED, handshake=shake))
        frames.append(Frame("CP1", f"s@{number}", 1, script.at, FrameKind.CLOSED))
    lived = Lived().feed([*frames, *script.status(1, "Available").frames[len(script.frames) - 2 :]])
    shadow = lived.fleet.chargers["CP1"].shadow
    assert len(shadow.seqs) <= 32
    assert list(shadow.connected_at) == ["CP1@0"]
    assert lived.codes() == {"rpc.subprotocol"}
