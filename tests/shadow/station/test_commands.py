"""What the primary commands, as a 2.0.1 CSMS would have said it, and the station's answers."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction

ID_TOKEN = {"idToken": "04A1B2C3", "type": "ISO14443"}


@pytest.mark.parametrize(
    ("action", "payload", "status", "action_201", "request_201", "status_201"),
    [
        (
            "RemoteStartTransaction",
            {"idTag": "04A1B2C3", "connectorId": 2},
            "Accepted",
            "RequestStartTransaction",
            {"remoteStartId": 1, "idToken": ID_TOKEN, "evseId": 2},
            "Accepted",
        ),
        (
            "RemoteStartTransaction",
            {"idTag": "04A1B2C3"},
            "Rejected",
            "RequestStartTransaction",
            {"remoteStartId": 1, "idToken": ID_TOKEN},
            "Rejected",
        ),
        (
            "RemoteStopTransaction",
            {"transactionId": 99},
            "Rejected",
            "RequestStopTransaction",
            {"transactionId": "99"},
            "Rejected",
        ),
        ("Reset", {"type": "Hard"}, "Accepted", "Reset", {"type": "Immediate"}, "Accepted"),
        ("Reset", {"type": "Soft"}, "Rejected", "Reset", {"type": "OnIdle"}, "Rejected"),
        ("UnlockConnector", {"connectorId": 2}, "Unlocked", "", {"evseId": 2, "connectorId": 1}, "Unlocked"),
        (
            "UnlockConnector",
            {"connectorId": 2},
            "NotSupported",
            "",
            {"evseId": 2, "connectorId": 1},
            "UnknownConnector",
        ),
        (
            "ChangeAvailability",
            {"connectorId": 0, "type": "Inoperative"},
            "Scheduled",
            "",
            {"operationalStatus": "Inoperative"},
            "Scheduled",
        ),
        (
            "ChangeAvailability",
            {"connectorId": 2, "type": "Operative"},
            "Accepted",
            "",
            {"operationalStatus": "Operative", "evse": {"id": 2, "connectorId": 1}},
            "Accepted",
        ),
        (
            "TriggerMessage",
            {"requestedMessage": "DiagnosticsStatusNotification"},
            "NotImplemented",
            "",
            {"requestedMessage": "LogStatusNotification"},
            "NotImplemented",
        ),
        (
            "TriggerMessage",
            {"requestedMessage": "StatusNotification", "connectorId": 2},
            "Accepted",
            "",
            {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}},
            "Accepted",
        ),
        (
            "DataTransfer",
            {"vendorId": "V", "messageId": "M", "data": "1,2"},
            "UnknownVendorId",
            "",
            {"vendorId": "V", "messageId": "M", "data": "1,2"},
            "UnknownVendorId",
        ),
    ],
)
def test_each_command_and_its_answer(
    action: str, payload: dict[str, Any], status: str, action_201: str, request_201: dict[str, Any], status_201: str
) -> None:
    """Request and response are the 2.0.1 ones, travel in their direction, and keep the schema."""
    lived = Lived().feed(Script().boot().remote(action, payload, status).frames)
    request, response = lived.messages[-2:]
    assert (request.action, request.payload) == (action_201 or action, request_201)
    assert (response.action, response.payload) == (action_201 or action, {"status": status_201})
    assert (request.direction, response.direction) == (Direction.CS_TO_CP, Direction.CP_TO_CS)
    assert lived.codes() == set()


@pytest.mark.parametrize(
    ("action", "payload", "counted"),
    [
        ("ChangeAvailability", {"connectorId": 1, "type": "Broken"}, "ChangeAvailability.type=Broken"),
        ("TriggerMessage", {"requestedMessage": "Nothing"}, "TriggerMessage.requestedMessage=Nothing"),
        ("SetChargingProfile", {}, "SetChargingProfile.csChargingProfiles"),
        (
            "RemoteStartTransaction",
            {"idTag": "AA", "chargingProfile": {}},
            "RemoteStartTransaction.chargingProfile",
        ),
    ],
)
def test_what_cannot_be_mapped_is_counted(action: str, payload: dict[str, Any], counted: str) -> None:
    """Law 2: an expected loss with a name, not an omission."""
    lived = Lived().feed(Script().boot().command(action, payload).frames)
    assert counted in lived.unmapped


def test_an_answer_with_a_status_of_nobody_is_counted() -> None:
    """No response is made up for it."""
    lived = Lived().feed(Script().boot().remote("Reset", {"type": "Hard"}, "Maybe").frames)
    assert lived.responses("Reset") == []
    assert "Reset.conf.status=Maybe" in lived.unmapped


def test_data_transfer_of_the_station_p01() -> None:
    """The string stays a string, in both directions."""
    script = Script().boot().call("DataTransfer", {"vendorId": "V", "data": "B;400"})
    lived = Lived().feed(script.answer({"status": "Accepted", "data": "ok"}).frames)
    assert lived.requests("DataTransfer") == [{"vendorId": "V", "data": "B;400"}]
    assert lived.responses("DataTransfer") == [{"status": "Accepted", "data": "ok"}]
