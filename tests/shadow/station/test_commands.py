"""What the primary commands, as a 2.0.1 CSMS would have said it, and the station's answers."""

from decimal import Decimal
from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction
from shadow.config import ShadowConfig
from shadow.message import MessageType, Provenance
from shadow.topology import Topology, TopologyRule

TAG = "04A1B2C3"
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
            "UnlockFailed",
            "",
            {"evseId": 2, "connectorId": 1},
            "UnlockFailed",
        ),
        ("ClearCache", {}, "Rejected", "", {}, "Rejected"),
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
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate"},
            "Accepted",
            "TriggerMessage",
            {"requestedMessage": "SignChargingStationCertificate"},
            "Accepted",
        ),
        (
            "ExtendedTriggerMessage",
            {"requestedMessage": "LogStatusNotification", "connectorId": 2},
            "NotImplemented",
            "TriggerMessage",
            {"requestedMessage": "LogStatusNotification", "evse": {"id": 2, "connectorId": 1}},
            "NotImplemented",
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
    assert lived.codes() | lived.losses() == set()


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


@pytest.mark.parametrize("answer", ["Accepted", None])
def test_a_command_of_the_wrong_side_commands_nothing(answer: str | None) -> None:
    """A station that sends Reset has not reset itself, whatever the CSMS answers: its next boot is as any other."""
    script = Script().boot().call("Reset", {"type": "Hard"})
    script = script.refuse("NotSupported") if answer is None else script.answer({"status": answer})
    lived = Lived().feed(script.boot().frames)
    assert {one.action for one in lived.messages} == {"BootNotification"}
    assert lived.requests("BootNotification")[-1]["reason"] != "RemoteReset"


# -- remote start and stop --------------------------------------------------------------------------------------------

_PROFILE = {
    "chargingProfileId": 5,
    "transactionId": 12,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 13.5, "numberPhases": 3}],
    },
}


def test_a_profile_that_comes_with_a_start_is_a_tx_profile_without_a_transaction_f01_fr_09_fr_11() -> None:
    """The schedule gets the id of its profile; the transactionId is named as lost."""
    script = Script().boot().remote("RemoteStartTransaction", {"idTag": TAG, "chargingProfile": _PROFILE})
    lived = Lived().feed(script.frames)
    (request,) = lived.requests("RequestStartTransaction")
    assert request["chargingProfile"] == {
        "id": 5,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [
            {
                "id": 5,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": Decimal("13.5"), "numberPhases": 3}],
            }
        ],
    }
    assert lived.unmapped == ["RemoteStartTransaction.chargingProfile.transactionId"]
    provenance = next(one for one in lived.messages if one.action == "RequestStartTransaction").provenance
    assert provenance["chargingProfile.chargingSchedule.id"] is Provenance.SYNTHESISED
    assert provenance["remoteStartId"] is provenance["idToken.type"] is Provenance.SYNTHESISED


def test_another_purpose_with_a_start_is_said_as_tx_profile_and_named_f01_fr_09() -> None:
    """1.6 §5.11 allows TxProfile alone as well."""
    profile = {**_PROFILE, "chargingProfilePurpose": "ChargePointMaxProfile"}  # not K01.FR.38: it is none when said
    lived = Lived().feed(
        Script().boot().command("RemoteStartTransaction", {"idTag": TAG, "chargingProfile": profile}).frames
    )
    assert lived.requests("RequestStartTransaction")[0]["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
    (row,) = lived.rows("profile.unmappable")
    assert (row.primary, row.shadow) == ("ChargePointMaxProfile", "TxProfile")
    assert lived.messages[-1].provenance["chargingProfile.chargingProfilePurpose"] is Provenance.DERIVED


def test_each_start_has_an_id_of_its_own() -> None:
    """RemoteStartId is unique per station, refused starts included."""
    script = Script().boot()
    for status in ("Rejected", "Accepted"):
        script.remote("RemoteStartTransaction", {"idTag": TAG}, status)
    ids = [one["remoteStartId"] for one in Lived().feed(script.frames).requests("RequestStartTransaction")]
    assert ids == [1, 2]


def test_a_start_that_was_begun_before_its_answer_is_named_in_it_f01_fr_13() -> None:
    """The station sent StartTransaction first and answered afterwards."""
    script = Script().boot().command("RemoteStartTransaction", {"idTag": TAG, "connectorId": 1}, message_id="c")
    script.start(1, TAG.lower(), 1000, transaction=7).answer({"status": "Accepted"}, message_id="c")
    lived = Lived().feed(script.frames)
    transaction_id = lived.events[0]["transactionInfo"]["transactionId"]
    assert lived.responses("RequestStartTransaction") == [{"status": "Accepted", "transactionId": transaction_id}]


def test_a_start_where_another_token_charges_would_be_rejected_f01_fr_24() -> None:
    """1.6 leaves it to the station; the transaction that runs is not the one asked for."""
    script = Script().boot().start(1, "AABBCCDD", 1000, transaction=7)
    lived = Lived().feed(script.remote("RemoteStartTransaction", {"idTag": TAG, "connectorId": 1}).frames)
    assert lived.responses("RequestStartTransaction") == [{"status": "Accepted"}]
    (row,) = lived.rows("message.field-lost")
    assert (row.path, row.primary) == ("RemoteStartTransaction.conf.status", "Accepted")


@pytest.mark.parametrize("connector", [None, 1])
def test_a_start_is_not_for_what_was_running_with_its_token_f01_fr_13(connector: int | None) -> None:
    """Only a transaction that nobody had authorized is the one that a start asks for."""
    asked = {"idTag": TAG} if connector is None else {"idTag": TAG, "connectorId": connector}
    script = Script().boot().start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.remote("RemoteStartTransaction", asked).frames)
    assert lived.responses("RequestStartTransaction") == [{"status": "Accepted"}]
    refused = Script().boot().start(1, TAG, 1000, transaction=7, status="Invalid")
    lived = Lived().feed(refused.remote("RemoteStartTransaction", asked).frames)
    (response,) = lived.responses("RequestStartTransaction")
    assert ("transactionId" in response) is (connector is not None)
    assert lived.losses() == set()


def test_a_refused_start_leaves_nothing_waiting() -> None:
    """A CALLERROR is the answer too: a later StartTransaction is nobody's remote start."""
    script = Script().boot().command("RemoteStartTransaction", {"idTag": TAG}).refuse("NotSupported")
    lived = Lived().feed(script.start(1, TAG, 1000, transaction=7).frames)
    assert [one.payload["errorCode"] for one in lived.messages if one.type is MessageType.ERROR] == ["NotSupported"]
    assert "remoteStartId" not in lived.events[0]["transactionInfo"]


def test_remote_stop_names_the_stations_own_transaction_f03() -> None:
    """The primary's integer is looked up."""
    script = Script().boot().start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.remote("RemoteStopTransaction", {"transactionId": 7}).frames)
    own = lived.events[0]["transactionInfo"]["transactionId"]
    assert lived.requests("RequestStopTransaction") == [{"transactionId": own}]
    assert lived.responses("RequestStopTransaction") == [{"status": "Accepted"}]


_SHARED = ShadowConfig(topology=Topology((TopologyRule({1: (1, 1), 2: (1, 2)}),)))


def test_which_connector_of_an_evse_is_meant_is_lost_f01_fr_06() -> None:
    """Where an EVSE has one connector nothing is lost."""
    frames = Script().boot().remote("RemoteStartTransaction", {"idTag": TAG, "connectorId": 2}).frames
    shared = Lived(_SHARED).feed(frames)
    assert shared.requests("RequestStartTransaction")[0]["evseId"] == 1
    assert [row.primary for row in shared.rows("message.field-lost")] == ["2"]
    assert Lived().feed(frames).losses() == set()


# -- reset and unlock -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("running", "kind", "mapped", "lost"),
    [
        (False, "Hard", "Immediate", []),
        (False, "Soft", "OnIdle", []),
        (True, "Hard", "Immediate", []),
        (True, "Soft", "Immediate", ["Soft"]),
    ],
)
def test_a_soft_reset_of_a_running_transaction_is_immediate_b12_fr_01(
    *, running: bool, kind: str, mapped: str, lost: list[str]
) -> None:
    """OnIdle would wait for its end, 1.6 stops it; the type that was asked for is named."""
    script = Script().boot()
    if running:
        script.start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.remote("Reset", {"type": kind}).frames)
    assert lived.requests("Reset") == [{"type": mapped}]
    assert [row.primary for row in lived.rows("message.field-lost")] == lost


def test_a_connector_without_a_lock_is_an_unknown_connector_f05_fr_03() -> None:
    """NotSupported has no value in UnlockStatusEnumType."""
    lived = Lived().feed(Script().boot().remote("UnlockConnector", {"connectorId": 1}, "NotSupported").frames)
    assert lived.responses("UnlockConnector") == [{"status": "UnknownConnector"}]
    (row,) = lived.rows("message.field-lost")
    assert (row.path, row.primary) == ("UnlockConnector.conf.status", "NotSupported")


def test_unlocking_a_running_transaction_would_be_refused_f05_fr_02() -> None:
    """1.6 stops it and unlocks: the answer stands as it was given, and the difference is named."""
    script = Script().boot().start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.remote("UnlockConnector", {"connectorId": 1}, "Unlocked").frames)
    assert lived.responses("UnlockConnector") == [{"status": "Unlocked"}]
    (row,) = lived.rows("message.field-lost")
    assert "F05.FR.02" in row.detail
    free = Lived().feed(Script().boot().remote("UnlockConnector", {"connectorId": 1}, "Unlocked").frames)
    assert free.losses() == set()


# -- triggers ---------------------------------------------------------------------------------------------------------


def _statuses(script: Script, *connectors: int) -> Script:
    for connector in connectors:
        script.status(connector, "Available")
    return script


@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
def test_statuses_of_all_connectors_are_asked_for_one_by_one_f06_fr_13(action: str) -> None:
    """2.0.1 has no trigger for all of them, and each request has its response."""
    script = _statuses(Script().boot(), 0, 1, 2)
    lived = Lived().feed(script.remote(action, {"requestedMessage": "StatusNotification"}).frames)
    assert lived.requests("TriggerMessage") == [
        {"requestedMessage": "StatusNotification", "evse": {"id": number, "connectorId": 1}} for number in (1, 2)
    ]
    assert lived.responses("TriggerMessage") == [{"status": "Accepted"}] * 2


def test_a_refused_trigger_of_all_is_refused_one_by_one() -> None:
    """CALLERROR, as many times as there were requests."""
    script = _statuses(Script().boot(), 1, 2)
    script.command("TriggerMessage", {"requestedMessage": "StatusNotification"}).refuse("InternalError")
    errors = [one for one in Lived().feed(script.frames).messages if one.type is MessageType.ERROR]
    assert [one.action for one in errors] == ["TriggerMessage"] * 2


@pytest.mark.parametrize(
    ("payload", "path", "value"),
    [
        ({"requestedMessage": "StatusNotification"}, "TriggerMessage.connectorId", "absent"),
        ({"requestedMessage": "StatusNotification", "connectorId": 0}, "TriggerMessage.connectorId", "0"),
        ({"requestedMessage": "MeterValues", "connectorId": 1}, "TriggerMessage.requestedMessage", "MeterValues"),
    ],
)
def test_what_a_trigger_cannot_ask_for_in_201_is_named(payload: dict[str, Any], path: str, value: str) -> None:
    """F06.FR.13: one connector; F06.FR.11: no station alone; F06.FR.06: other measurands."""
    lived = Lived().feed(Script().boot().remote("TriggerMessage", payload).frames)
    assert [(row.path, row.primary) for row in lived.rows("message.field-lost")] == [(path, value)]
    assert len(lived.requests("TriggerMessage")) == len(lived.responses("TriggerMessage")) == 1


def test_a_boot_that_was_accepted_is_not_triggered_again_f06_fr_17() -> None:
    """A 1.6 station may accept it; while its boot is pending a 2.0.1 station does too."""
    wanted = {"requestedMessage": "BootNotification"}
    lived = Lived().feed(Script().boot().remote("TriggerMessage", wanted).frames)
    assert [row.primary for row in lived.rows("message.field-lost")] == ["Accepted"]
    pending = Lived().feed(Script().boot("Pending").remote("TriggerMessage", wanted).frames)
    assert pending.losses() == set()


def test_what_the_extension_triggers_may_be_sent_while_the_boot_is_pending_b02_fr_02() -> None:
    """SignChargePointCertificate asks for a SignCertificate."""
    script = Script().boot("Pending")
    script.remote("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    lived = Lived().feed(script.call("SignCertificate", {"csr": "x"}).answer({"status": "Accepted"}).frames)
    assert "rpc.before-boot" not in lived.codes()


# -- connectors that are not there ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStartTransaction", {"idTag": TAG, "connectorId": 0}),
        ("UnlockConnector", {"connectorId": 0}),
        ("UnlockConnector", {"connectorId": -1}),
        ("ChangeAvailability", {"connectorId": -1, "type": "Operative"}),
        ("GetCompositeSchedule", {"connectorId": -1, "duration": 60}),
    ],
)
def test_a_connector_that_no_station_has_is_named(action: str, payload: dict[str, Any]) -> None:
    """The command is said all the same, as the primary gave it."""
    lived = Lived().feed(Script().boot().command(action, payload).frames)
    assert [row.primary for row in lived.rows("topology.unknown-connector")] == [str(payload["connectorId"])]
    assert len(lived.messages) == 3
    assert "schema.v201" not in lived.codes()


def test_a_connector_beyond_number_of_connectors_is_named() -> None:
    """Known from the station's own configuration."""
    script = Script().boot().command("GetConfiguration", {"key": ["NumberOfConnectors"]})
    script.answer({"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]})
    for number in (2, 3):
        script.remote("ChangeAvailability", {"connectorId": number, "type": "Operative"})
    (row,) = Lived().feed(script.frames).rows("topology.unknown-connector")
    assert (row.path, row.primary, row.shadow) == ("ChangeAvailability.connectorId", "3", "2")


# -- both ways --------------------------------------------------------------------------------------------------------


def test_data_transfer_of_the_station_p01() -> None:
    """The string stays a string, in both directions."""
    script = Script().boot().call("DataTransfer", {"vendorId": "V", "data": "B;400"})
    lived = Lived().feed(script.answer({"status": "Accepted", "data": "ok"}).frames)
    assert lived.requests("DataTransfer") == [{"vendorId": "V", "data": "B;400"}]
    assert lived.responses("DataTransfer") == [{"status": "Accepted", "data": "ok"}]
