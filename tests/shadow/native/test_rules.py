"""The rules of 2.0.1: each one broken by a dialogue that breaks nothing else, and none by dialogues that are legal."""

from collections.abc import Callable
from typing import Any

import pytest

from demo.lived import Lived
from demo.native import NativeScript
from demo.script import Script
from demo.traffic import Traffic
from diff.discrepancy import Status
from shadow.native.rules import RULES, check

Tell = Callable[[NativeScript], object]
BOOT = "BootNotification"
TOKEN = {"idToken": "04A1B2C3", "type": "ISO14443"}
OTHER = {"idToken": "0000", "type": "ISO14443"}
START = {"remoteStartId": 7, "evseId": 1, "idToken": TOKEN}
SOC = {"component": {"name": "EVSE"}, "variable": {"name": "Power"}}
PERIODS = [{"startPeriod": 0, "limit": 6}, {"startPeriod": 60, "limit": 9}]
SCHEDULE = {
    "id": 1,
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": PERIODS,
    "startSchedule": "2030-01-01T00:00:00Z",
}
PROFILE = {
    "id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
    "chargingSchedule": [SCHEDULE],
}  # fmt: skip
DONE = {"status": "Accepted"}


def _script() -> NativeScript:
    return NativeScript().boot().status(1, "Available").status(1, "Occupied")


def _session(script: NativeScript, name: str = "tx-1", **more: Any) -> NativeScript:
    return script.started(name, **more).updated(name, "ChargingStateChanged", state="Charging").wait(600)


def _profile(schedule: dict[str, Any] | None = None, without: str = "", **more: Any) -> dict[str, Any]:
    plan = {key: value for key, value in {**SCHEDULE, **(schedule or {})}.items() if key != without}
    return {**PROFILE, "chargingSchedule": [plan], **more}


def _set_profile(evse: int, profile: dict[str, Any]) -> Tell:
    return lambda s: s.asked("SetChargingProfile", {"evseId": evse, "chargingProfile": profile})


def _variables(action: str, asked: list[dict[str, Any]], told: list[dict[str, Any]]) -> Tell:
    kind = "getVariable" if action == "GetVariables" else "setVariable"
    return lambda s: s.asked(action, {f"{kind}Data": asked}, {f"{kind}Result": told})


def _result(**more: Any) -> dict[str, Any]:
    return {**SOC, "attributeStatus": "Accepted", "attributeType": "Actual", **more}


def _report(script: NativeScript, number: int, *, tbc: bool, request: int = 5, action: str = "NotifyReport") -> object:
    payload = {"requestId": request, "generatedAt": script.now, "seqNo": number, "tbc": tbc}
    return script.told(action, payload)


def _base_report(script: NativeScript) -> NativeScript:
    return script.asked("GetBaseReport", {"requestId": 5, "reportBase": "FullInventory"})


def _monitors(script: NativeScript) -> NativeScript:
    return script.asked("GetMonitoringReport", {"requestId": 5})


def _event(script: NativeScript, number: int) -> object:
    told = {"eventId": 1, "timestamp": script.now, "trigger": "Delta", "actualValue": "true", **SOC}
    payload = {
        "generatedAt": script.now,
        "seqNo": number,
        "eventData": [{**told, "eventNotificationType": "HardWiredMonitor"}],
    }
    return script.told("NotifyEvent", payload)


BROKEN: dict[str, Tell] = {
    # -- provisioning
    BOOT + " rejected": lambda s: s.boot("Rejected").told("Heartbeat", {}, {"currentTime": s.now}),
    "B01.FR.05:TransactionEvent.evse": lambda s: s.boot().started("tx-1"),
    "B02.FR.05:RequestStartTransactionResponse.status": (
        lambda s: s.boot("Pending").asked("RequestStartTransaction", START)
    ),
    "B02.FR.05:RequestStopTransactionResponse.status": (
        lambda s: s.boot("Pending").asked("RequestStopTransaction", {"transactionId": "tx-0"})
    ),
    "F06.FR.17:TriggerMessageResponse.status": lambda s: s.asked("TriggerMessage", {"requestedMessage": BOOT}),
    "B06.FR.01:GetVariablesResponse.getVariableResult": (
        _variables("GetVariables", [SOC], [_result(attributeValue="1"), _result(attributeValue="1")])
    ),
    "B06.FR.02:GetVariablesResponse.getVariableResult.component.name": (
        _variables("GetVariables", [SOC, SOC], [
            _result(attributeValue="1"),
            {"component": {"name": "X"}, "variable": {"name": "Y"}, "attributeStatus": "UnknownComponent"},
        ])
    ),
    "B06.FR.03:GetVariablesResponse.getVariableResult.attributeType": (
        _variables("GetVariables", [{**SOC, "attributeType": "Target"}], [_result(attributeValue="1")])
    ),
    "B06.FR.10:GetVariablesResponse.getVariableResult.attributeValue": _variables("GetVariables", [SOC], [_result()]),
    "B06.FR.06:GetVariablesResponse.getVariableResult.attributeValue": (
        _variables("GetVariables", [SOC], [_result(attributeStatus="UnknownVariable", attributeValue="")])
    ),
    "B05.FR.01:SetVariablesResponse.setVariableResult": (
        _variables("SetVariables", [{**SOC, "attributeValue": "1"}], [_result(), _result()])
    ),
    "B05.FR.02:SetVariablesResponse.setVariableResult.component.name": (
        _variables("SetVariables", [{**SOC, "attributeValue": "1"}], [{**_result(), "component": {"name": "X"}}])
    ),
    "B05.FR.03:SetVariablesResponse.setVariableResult.attributeType": (
        _variables("SetVariables", [{**SOC, "attributeValue": "1"}], [_result(attributeType="Target")])
    ),
    "B05.FR.13:SetVariables.setVariableData": _variables(
        "SetVariables",
        [{**SOC, "attributeValue": "1"}, {**SOC, "attributeType": "Actual", "attributeValue": "2"}],
        [_result(), _result()],
    ),
    "N04.FR.01:SetVariableMonitoringResponse.setMonitoringResult": lambda s: s.asked(
        "SetVariableMonitoring",
        {"setMonitoringData": [{**SOC, "value": 1, "type": "Delta", "severity": 5}]},
        {"setMonitoringResult": [{**SOC, "status": "Accepted", "type": "Delta", "severity": 5}] * 2},
    ),
    "N04.FR.02:SetVariableMonitoringResponse.setMonitoringResult.component.name": lambda s: s.asked(
        "SetVariableMonitoring",
        {"setMonitoringData": [{**SOC, "value": 1, "type": "Delta", "severity": 5}]},
        {"setMonitoringResult": [
            {**SOC, "component": {"name": "X"}, "status": "Accepted", "type": "Delta", "severity": 5},
        ]},
    ),
    "B07.FR.10:NotifyReport.seqNo": lambda s: (_base_report(s), _report(s, 0, tbc=True), _report(s, 2, tbc=False)),
    "B07.FR.04:NotifyReport.requestId": lambda s: (_base_report(s), _report(s, 0, tbc=False, request=6)),
    "N02.FR.09:NotifyMonitoringReport.seqNo": lambda s: (
        _monitors(s), _report(s, 1, tbc=False, action="NotifyMonitoringReport"),
    ),
    "N02.FR.04:NotifyMonitoringReport.requestId": lambda s: (
        _monitors(s), _report(s, 0, tbc=False, request=6, action="NotifyMonitoringReport"),
    ),
    "N07.FR.07:NotifyEvent.seqNo": lambda s: _event(s, 1),
    "L01.FR.20:FirmwareStatusNotification.requestId": (
        lambda s: s.told("FirmwareStatusNotification", {"status": "Downloading"})
    ),
    "L02.FR.06:FirmwareStatusNotification.requestId": lambda s: s.asked(
        "UpdateFirmware", {"requestId": 3, "firmware": {"location": "ftp://h/f", "retrieveDateTime": s.now}}
    ).told("FirmwareStatusNotification", {"status": "Downloading", "requestId": 4}),
    "N01.FR.13:LogStatusNotification.requestId": lambda s: s.told("LogStatusNotification", {"status": "Uploading"}),
    "N01.FR.07:LogStatusNotification.requestId": lambda s: s.asked(
        "GetLog", {"requestId": 3, "logType": "SecurityLog", "log": {"remoteLocation": "ftp://h/up"}}
    ).told("LogStatusNotification", {"status": "Uploading", "requestId": 4}),
    "N09.FR.04:CustomerInformation.idToken": lambda s: s.asked(
        "CustomerInformation", {"requestId": 1, "report": True, "clear": False}
    ),
    # -- transactions
    "2.6.4:TransactionEvent.eventType": lambda s: s.started("tx-1").started("tx-1", "CablePluggedIn", token=None),
    "2.6.5:TransactionEvent.eventType": (
        lambda s: _session(s).ended("tx-1").updated("tx-1", "MeterValuePeriodic", wh=5000)
    ),
    "1.3.2.1:TransactionEvent.seqNo": lambda s: _session(s).updated("tx-1", "MeterValuePeriodic", wh=2000, seq=5),
    "E01.FR.07:TransactionEvent.seqNo": lambda s: _session(s).updated("tx-1", "MeterValuePeriodic", wh=2000, seq=0),
    "E01.FR.08:TransactionEvent.transactionInfo.transactionId": lambda s: _session(s).ended("tx-1").wait(60).started(
        "tx-1", wh=5000
    ),
    "E01.FR.14:TransactionEvent.evse.id": lambda s: _session(s).started("tx-2", wh=2000),
    "E01.FR.16:TransactionEvent.evse": lambda s: s.started("tx-1", evse=None),
    "E01.FR.16:TransactionEvent.evse.connectorId": lambda s: s.event(
        "Started", "tx-1", "Authorized", token="04A1B2C3", state="EVConnected", evse={"id": 1}
    ),
    "E01.FR.18:TransactionEvent.transactionInfo.chargingState": lambda s: s.started("tx-1", state=None),
    "E02.FR.13:TransactionEvent.transactionInfo.chargingState": lambda s: s.started("tx-1").updated(
        "tx-1", "ChargingStateChanged"
    ),
    "E02.FR.17:TransactionEvent.triggerReason": lambda s: _session(s).updated(
        "tx-1", "ChargingStateChanged", state="Charging"
    ),
    "E02.FR.01:TransactionEvent.idToken": lambda s: s.started("tx-1", token=None),
    "E01.FR.10:TransactionEvent.idToken": lambda s: _session(s, trigger="CablePluggedIn", token=None),
    "E03.FR.01:TransactionEvent.idToken": lambda s: _session(s).updated(
        "tx-1", "MeterValuePeriodic", wh=2000, token="04A1B2C3"
    ),
    "1.60.1:TransactionEvent.idToken": lambda s: _session(s).ended("tx-1", "RemoteStop", reason="Remote"),
    "E06.FR.08:TransactionEvent.transactionInfo.stoppedReason": lambda s: _session(s).ended(
        "tx-1", "EVCommunicationLost", token=None, reason=None
    ),
    "F03.FR.03:TransactionEvent.transactionInfo.stoppedReason": lambda s: _session(s).ended(
        "tx-1", "RemoteStop", token=None, reason="Local"
    ),
    "E05.FR.10:TransactionEvent.transactionInfo.stoppedReason": lambda s: _session(s).ended(
        "tx-1", "Deauthorized", token=None, reason="Other"
    ),
    "B12.FR.04:TransactionEvent.transactionInfo.stoppedReason": lambda s: _session(s).ended(
        "tx-1", "ResetCommand", token=None, reason="Other"
    ),
    "E03.FR.05:TransactionEvent.transactionInfo.stoppedReason": (
        lambda s: s.started("tx-1", state="Idle", wh=None)
        .ended("tx-1", "EVConnectTimeout", token=None, reason="Other", wh=None)
    ),
    "E06.FR.16:TransactionEvent.triggerReason": lambda s: _session(s).ended(
        "tx-1", "EVCommunicationLost", token=None, reason="EmergencyStop"
    ),
    "F06.FR.07:TransactionEvent.transactionInfo.chargingState": (
        lambda s: _session(s).updated("tx-1", "Trigger", wh=2000)
    ),
    "E01.FR.13:TransactionEvent.reservationId": lambda s: s.asked(
        "ReserveNow", {"id": 9, "expiryDateTime": s.ago(-600), "idToken": TOKEN, "evseId": 1}
    ).started("tx-1"),
    "E01.FR.12:TransactionEventResponse.idTokenInfo": lambda s: s.started("tx-1", answer={}),
    # -- meter values
    "E01.FR.09:TransactionEvent.meterValue.sampledValue.context": (
        lambda s: s.started("tx-1", context="Sample.Periodic")
    ),
    "E06.FR.11:TransactionEvent.meterValue.sampledValue.context": lambda s: _session(s).ended(
        "tx-1", context="Sample.Periodic"
    ),
    "J02.FR.11:TransactionEvent.meterValue": lambda s: _session(s).updated("tx-1", "MeterValuePeriodic"),
    "J01.FR.22:TransactionEvent.meterValue": lambda s: _session(s).updated("tx-1", "MeterValueClock"),
    "J02.FR.10:TransactionEvent.meterValue.timestamp": lambda s: _session(s).updated(
        "tx-1", "MeterValuePeriodic",
        meterValue=[{"timestamp": s.ago(ago), "sampledValue": [{"value": 2000}]} for ago in (60, -60)],
    ),
    "J02.FR.16:TransactionEvent.meterValue.sampledValue.value": lambda s: _session(s).updated(
        "tx-1", "MeterValuePeriodic", wh=999
    ),
    "J02.FR.17:TransactionEvent.meterValue.sampledValue.value": lambda s: _session(s, wh=0).updated(
        "tx-1", "MeterValuePeriodic", wh=909_000
    ),
    # -- remote control
    "F01.FR.25:TransactionEvent.transactionInfo.remoteStartId": (
        lambda s: s.asked("RequestStartTransaction", START)
        .started("tx-1", "RemoteStart", info={"remoteStartId": 8})
    ),
    "F01.FR.19:TransactionEvent.triggerReason": lambda s: s.asked("RequestStartTransaction", START).started(
        "tx-1", "CablePluggedIn", info={"remoteStartId": 7}
    ),
    "F02.FR.21:TransactionEvent.transactionInfo.remoteStartId": lambda s: s.started("tx-1", "RemoteStart"),
    "1.44.1:RequestStartTransaction.remoteStartId": lambda s: s.asked(
        "RequestStartTransaction", START, {"status": "Rejected"}
    ).asked("RequestStartTransaction", START, {"status": "Rejected"}),
    "F01.FR.09:RequestStartTransaction.chargingProfile.chargingProfilePurpose": lambda s: s.asked(
        "RequestStartTransaction", {**START, "chargingProfile": PROFILE}
    ),
    "F01.FR.11:RequestStartTransaction.chargingProfile.transactionId": lambda s: s.asked(
        "RequestStartTransaction",
        {**START, "chargingProfile": {**PROFILE, "chargingProfilePurpose": "TxProfile", "transactionId": "tx-1"}},
    ),
    "F03.FR.07:RequestStopTransactionResponse.status": lambda s: _session(s).asked(
        "RequestStopTransaction", {"transactionId": "tx-1"}, {"status": "Rejected"}
    ),
    "F03.FR.08:RequestStopTransactionResponse.status": lambda s: _session(s).ended("tx-1").asked(
        "RequestStopTransaction", {"transactionId": "tx-1"}
    ),
    "E14.FR.02:GetTransactionStatusResponse.ongoingIndicator": lambda s: _session(s).asked(
        "GetTransactionStatus", {"transactionId": "tx-1"}, {"messagesInQueue": False}
    ),
    "E14.FR.03:GetTransactionStatusResponse.ongoingIndicator": lambda s: _session(s).ended("tx-1").asked(
        "GetTransactionStatus", {"transactionId": "tx-1"}, {"messagesInQueue": False, "ongoingIndicator": True}
    ),
    "E14.FR.06:GetTransactionStatusResponse.ongoingIndicator": lambda s: s.asked(
        "GetTransactionStatus", {}, {"messagesInQueue": False, "ongoingIndicator": False}
    ),
    "F05.FR.02:UnlockConnectorResponse.status": lambda s: _session(s).asked(
        "UnlockConnector", {"evseId": 1, "connectorId": 1}, {"status": "Unlocked"}
    ),
    "F06.FR.13:TriggerMessage.evse.connectorId": lambda s: s.asked(
        "TriggerMessage", {"requestedMessage": "StatusNotification", "evse": {"id": 1}}
    ),
    # -- charging profiles
    "K09.FR.03:GetChargingProfiles.chargingProfile.chargingProfileId": lambda s: s.asked(
        "GetChargingProfiles", {"requestId": 1, "chargingProfile": {"chargingProfileId": [1], "stackLevel": 1}}
    ),
    "K10.FR.02:ClearChargingProfile.chargingProfileId": lambda s: s.asked("ClearChargingProfile", {}),
    "K01.FR.03:SetChargingProfile.chargingProfile.transactionId": (
        _set_profile(1, _profile(chargingProfilePurpose="TxProfile"))
    ),
    "K01.FR.16:SetChargingProfile.evseId": (
        _set_profile(0, _profile(chargingProfilePurpose="TxProfile", transactionId="tx-1"))
    ),
    "K01.FR.22:SetChargingProfile.chargingProfile.chargingProfilePurpose": (
        _set_profile(1, _profile(chargingProfilePurpose="ChargingStationExternalConstraints"))
    ),
    "K01.FR.31:SetChargingProfile.chargingProfile.chargingSchedule.chargingSchedulePeriod.startPeriod": (
        _set_profile(1, _profile({"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 6}]}))
    ),
    "K01.FR.35:SetChargingProfile.chargingProfile.chargingSchedule.chargingSchedulePeriod.startPeriod": (
        _set_profile(1, _profile({"chargingSchedulePeriod": [*PERIODS, {"startPeriod": 60, "limit": 6}]}))
    ),
    "K01.FR.38:SetChargingProfile.chargingProfile.chargingProfileKind": _set_profile(
        0,
        _profile(
            None, "startSchedule", chargingProfilePurpose="ChargingStationMaxProfile", chargingProfileKind="Relative"
        ),
    ),
    "K01.FR.40:SetChargingProfile.chargingProfile.chargingSchedule.startSchedule": (
        _set_profile(1, _profile(None, "startSchedule"))
    ),
    "K01.FR.41:SetChargingProfile.chargingProfile.chargingSchedule.startSchedule": (
        _set_profile(1, _profile(chargingProfileKind="Relative"))
    ),
}  # fmt: skip
"""Path of the finding → a dialogue that breaks this rule, told after the boot and the statuses of one connector."""

RENAMED = {BOOT + " rejected": "Heartbeat"}


@pytest.mark.parametrize("path", BROKEN)
def test_a_rule_that_is_broken_is_named_and_no_other(path: str) -> None:
    """Each finding has the requirement in its path, and a dialogue that breaks one rule breaks no second one."""
    script = _script()
    BROKEN[path](script)
    lived = Lived().feed(script.frames)
    named = [one for one in lived.findings if one.code in {"rule.v201", "meter.placeholder", "rpc.before-boot"}]
    assert [one.path for one in named] == [RENAMED.get(path, path)]
    assert "schema.v201" not in lived.codes(), [one.detail for one in lived.findings]
    assert [one.path for one in check(lived.messages)] == [RENAMED.get(path, path)]


def test_every_rule_has_its_dialogue() -> None:
    """No rule is untested, but the one that needs the time of connection (see the tests of living)."""
    asked = {path.partition(":")[0] for path in BROKEN} - {BOOT + " rejected"} | {"B01.FR.08"}
    assert {rule.id for rule in RULES} - asked == {"E04.FR.03"}
    assert asked <= {rule.id for rule in RULES}
    assert len(RULES) >= 70


OVER_A_GAP = "events dropped while offline"

LEGAL: dict[str, Tell] = {
    "plug-in first": (
        lambda s: _session(s).updated("tx-1", "MeterValuePeriodic", wh=2000).ended("tx-1").status(1, "Available")
    ),
    "TxStartPoint EVConnected": lambda s: (
        s.started("tx-1", "CablePluggedIn", token=None)
        .updated("tx-1", "Authorized", token="04A1B2C3")
        .updated("tx-1", "ChargingStateChanged", state="Charging")
        .updated("tx-1", "StopAuthorized", token="04A1B2C3")
        .updated("tx-1", "ChargingStateChanged", state="EVConnected")
        .ended("tx-1", "EVCommunicationLost", token=None, reason=None, state="Idle")
    ),
    "TxStartPoint Authorized": lambda s: (
        s.started("tx-1", state="Idle", evse=None, wh=None)
        .updated("tx-1", "CablePluggedIn", state="EVConnected", evse={"id": 1, "connectorId": 1})
        .updated("tx-1", "ChargingStateChanged", state="Charging", wh=1000, context="Transaction.Begin")
        .ended("tx-1")
    ),
    "evse repeated": lambda s: _session(s).updated("tx-1", "MeterValuePeriodic", wh=2000, evse={"id": 1}).ended("tx-1"),
    "one counter per EVSE": lambda s: (
        s.started("tx-1", seq=41).updated("tx-1", "ChargingStateChanged", state="Charging").ended("tx-1")
    ),
    "remote start and stop": lambda s: (
        s.asked("RequestStartTransaction", START)
        .started("tx-1", "RemoteStart", info={"remoteStartId": 7})
        .updated("tx-1", "ChargingStateChanged", state="Charging")
        .asked("RequestStopTransaction", {"transactionId": "tx-1"})
        .ended("tx-1", "RemoteStop", token=None, reason="Remote")
    ),
    "remote start of a running transaction": lambda s: (
        s.started("tx-1", "CablePluggedIn", token=None)
        .asked("RequestStartTransaction", START, {"status": "Accepted", "transactionId": "tx-1"})
        .updated("tx-1", "RemoteStart", token="04A1B2C3", info={"remoteStartId": 7})
        .updated("tx-1", "ChargingStateChanged", state="Charging")
    ),
    "a remote start that nobody took": lambda s: (
        s.asked("RequestStartTransaction", START).wait(600).started("tx-1")
    ),
    OVER_A_GAP: lambda s: (
        _session(s).close().wait(600).open("ocpp2.0.1")
        .updated("tx-1", "MeterValuePeriodic", wh=3000, seq=9).ended("tx-1")
    ),
    "an offline event after a hole": lambda s: _session(s).updated(
        "tx-1", "MeterValuePeriodic", wh=3000, seq=9, offline=True
    ),
    "a resend under a new message id": lambda s: (
        _session(s).updated("tx-1", "MeterValuePeriodic", wh=2000, at=s.now)
        .updated("tx-1", "MeterValuePeriodic", wh=2000, at=s.ago(0.2), seq=2, offline=True)
    ),
    "Ended before two lower numbers": lambda s: (
        _session(s).ended("tx-1", seq=4)
        .updated("tx-1", "MeterValuePeriodic", wh=2000, seq=2, at=s.ago(300))
        .updated("tx-1", "MeterValuePeriodic", wh=3000, seq=3, at=s.ago(200))
    ),
    "a transaction of before": lambda s: s.updated("tx-0", "MeterValuePeriodic", wh=2000, seq=17).ended("tx-0", seq=18),
    "a report in parts": lambda s: (
        _base_report(s), _report(s, 0, tbc=True), _report(s, 1, tbc=True), _report(s, 2, tbc=False),
        _base_report(s), _report(s, 0, tbc=False),
    ),
    "asked for while pending": lambda s: (
        _report(_base_report(s.boot("Pending")), 0, tbc=False),
        s.asked("TriggerMessage", {"requestedMessage": "Heartbeat"}).told("Heartbeat", {}, {"currentTime": s.now}),
    ),
    "profiles": lambda s: (
        _set_profile(1, PROFILE)(s),
        _set_profile(1, _profile(None, "startSchedule", chargingProfileKind="Relative"))(s),
        _set_profile(1, _profile(chargingProfilePurpose="TxProfile", transactionId="tx-1"))(s),
    ),
    "a reservation": lambda s: s.asked(
        "ReserveNow", {"id": 9, "expiryDateTime": s.ago(-600), "idToken": TOKEN, "evseId": 1}
    ).started("tx-1", reservationId=9),
    "somebody else's reservation": lambda s: s.asked(
        "ReserveNow", {"id": 9, "expiryDateTime": s.ago(-600), "idToken": OTHER, "evseId": 2}
    ).started("tx-1"),
    "a fault ends it after it was told": lambda s: (
        _session(s).updated("tx-1", "AbnormalCondition", state="SuspendedEVSE")
        .ended("tx-1", "EVCommunicationLost", token=None, reason="EmergencyStop")
    ),
    "a coarser reading": lambda s: _session(s, wh=1003).updated(
        "tx-1", "MeterValuePeriodic",
        meterValue=[{
            "timestamp": s.now,
            "sampledValue": [{"value": 1, "unitOfMeasure": {"unit": "kWh"}, "context": "Sample.Periodic"}],
        }],
    ),
    "variables": lambda s: (
        _variables("GetVariables", [SOC, {**SOC, "attributeType": "Target"}], [
            _result(attributeType="Target", attributeValue=""), _result(attributeStatus="UnknownVariable"),
        ])(s),
        _variables("SetVariables", [{**SOC, "attributeValue": "1"}], [_result()])(s),
    ),
    "statuses of firmware and log": lambda s: (
        s.told("FirmwareStatusNotification", {"status": "Idle"}).told("LogStatusNotification", {"status": "Idle"})
        .told("FirmwareStatusNotification", {"status": "Installed", "requestId": 12})
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_dialogue_breaks_nothing(name: str) -> None:
    """What the specification allows is not named, however unusual."""
    script = _script()
    LEGAL[name](script)
    lived = Lived().feed(script.frames)
    # As messages these are legal; what the station ought to have, and what it ought to refuse, is another matter.
    broken = lived.codes() - {"clock.skew", "device.missing-variable", "device.readonly"}
    assert broken == set(), [(one.path, one.detail) for one in lived.findings]
    if name != OVER_A_GAP:  # messages alone do not tell of connections
        assert [one.path for one in check(lived.messages)] == []


def test_a_number_that_comes_late_takes_the_finding_back() -> None:
    """Order of delivery is free: a hole is a fault until it is filled."""
    script = _session(_script()).updated("tx-1", "MeterValuePeriodic", wh=3000, seq=3)
    before = Lived().feed(script.frames)
    assert [row.path for row in before.rows("rule.v201")] == ["1.3.2.1:TransactionEvent.seqNo"]
    script.updated("tx-1", "MeterValuePeriodic", wh=2000, seq=2, at=script.ago(60))
    after = Lived().feed(script.frames)
    assert [row.status for row in after.rows("rule.v201")] == [Status.WITHDRAWN]
    assert check(after.messages) == []


def test_each_hole_is_taken_back_by_its_own_numbers() -> None:
    """Two holes, one of them filled: one finding is left."""
    script = _session(_script()).updated("tx-1", "MeterValuePeriodic", wh=3000, seq=4)
    script.updated("tx-1", "MeterValuePeriodic", wh=4000, seq=6)
    for number in (2, 3):
        script.updated("tx-1", "MeterValuePeriodic", wh=2000, seq=number, at=script.ago(60 - number))
    lived = Lived().feed(script.frames)
    (row,) = lived.rows("rule.v201")
    assert (row.status, row.occurrences) == (Status.OPEN, 1)
    assert [one.fault.expected for one in check(lived.messages)] == ["5"]


def _derived() -> dict[str, Script]:
    """1.6 dialogues: what the virtual station makes of them is asked the same rules."""
    booted = lambda: Script().boot().status(1, "Available")  # noqa: E731 - a short name for many lines
    remote = {"idTag": "AA", "connectorId": 1}
    stopped = {"transactionId": 7, "meterStop": 3500, "timestamp": "2030-01-01T12:20:01Z", "reason": "Local"}
    reserved = {"connectorId": 1, "expiryDate": "2030-01-01T13:00:00Z", "idTag": "AA", "reservationId": 5}
    return {
        "plug-in first": booted().status(1, "Preparing").authorize("AA").start(1, "AA", 1000, transaction=7)
        .status(1, "Charging").wait(600).meter(1, 7, 2000).wait(600)
        .call("StopTransaction", {**stopped, "idTag": "AA"}).answer({"idTagInfo": {"status": "Accepted"}})
        .status(1, "Finishing").status(1, "Available"),
        "identification first": booted().authorize("AA").status(1, "Preparing").start(1, "AA", 0, transaction=7)
        .status(1, "Charging").wait(60).status(1, "SuspendedEV").wait(60).stop(7, 10, "EVDisconnected")
        .status(1, "Available"),
        "remote": booted().status(1, "Preparing").remote("RemoteStartTransaction", remote)
        .start(1, "AA", 0, transaction=7).status(1, "Charging").wait(60)
        .remote("RemoteStopTransaction", {"transactionId": 7}).stop(7, 100, "Remote"),
        "reset": booted().status(1, "Preparing").start(1, "AA", 0, transaction=7).status(1, "Charging").wait(60)
        .meter(1, 7, 50, "Sample.Clock").remote("Reset", {"type": "Soft"}).stop(7, 100, "SoftReset")
        .close().wait(30).open().boot().status(1, "Available"),
        "power loss": booted().status(1, "Preparing").start(1, "AA", 0, transaction=7).status(1, "Charging").wait(60)
        .close().wait(600).open().boot().stop(7, 100, "PowerLoss"),
        "refused": booted().status(1, "Preparing").start(1, "AA", 0, transaction=7, status="Invalid")
        .stop(7, 0, "DeAuthorized"),
        "reserved": booted().remote("ReserveNow", reserved).status(1, "Reserved")
        .start(1, "AA", 0, transaction=7, reservationId=5).status(1, "Charging").wait(60).stop(7, 10),
        "two connectors": booted().status(2, "Available").start(1, "AA", 0, transaction=7)
        .start(2, "BB", 0, transaction=8).status(1, "Charging").status(2, "Charging").wait(60).stop(8, 10).stop(7, 10),
    }  # fmt: skip


@pytest.mark.parametrize("name", _derived())
def test_what_the_virtual_station_says_is_legal(name: str) -> None:
    """The derived messages keep the rules that native ones are judged by."""
    lived = Lived().feed(_derived()[name].frames).settle()
    assert lived.events
    assert [(one.path, one.fault) for one in check(lived.messages)] == []


_OF_THE_INPUT = {
    # A meter that runs backwards or from a placeholder does so in 2.0.1 as well, and what 1.6 lets a primary leave out
    # (idTagInfo of a stop) or a charging station do (unlock a running session) cannot be made good in the translation.
    "J02.FR.16", "J02.FR.17", "E01.FR.12", "F05.FR.02", "F06.FR.17", "K10.FR.02", "B01.FR.08", "E06.FR.11",
}  # fmt: skip


@pytest.mark.parametrize("seed", [3, 4])
def test_faulty_traffic_is_told_legally(seed: int) -> None:
    """A fleet full of faults: what breaks a rule in 2.0.1 broke it in 1.6, and nothing is broken by the translation."""
    lived = Lived().feed(Traffic(seed=seed, chargers=8, sessions_per_charger=4, fault_share=0.6)).settle()
    broken = set()
    for charger_id in lived.fleet.chargers:
        broken |= {one.rule.id for one in check(m for m in lived.messages if m.charger_id == charger_id)}
    assert broken <= _OF_THE_INPUT
    assert len(lived.events) > 100
