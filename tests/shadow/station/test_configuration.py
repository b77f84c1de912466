"""GetConfiguration and ChangeConfiguration as messages of the device model (B05 to B08)."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction
from shadow.message import MessageType, Provenance


def _key(name: str, value: str | None = None, *, readonly: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = {"key": name, "readonly": readonly}
    return told if value is None else {**told, "value": value}


def _get(asked: list[str] | None, *told: dict[str, Any], unknown: tuple[str, ...] = ()) -> Lived:
    answer: dict[str, Any] = {"configurationKey": list(told)}
    if unknown:
        answer["unknownKey"] = list(unknown)
    script = Script().boot().command("GetConfiguration", {} if asked is None else {"key": asked})
    return Lived().feed(script.answer(answer).frames)


def _change(key: str, value: str, status: str = "Accepted") -> Lived:
    return Lived().feed(Script().boot().remote("ChangeConfiguration", {"key": key, "value": value}, status).frames)


def _variable(
    component: str, name: str, instance: str | None = None, evse: dict[str, int] | None = None
) -> dict[str, Any]:
    where: dict[str, Any] = {"name": component}
    if evse is not None:
        where["evse"] = evse
    variable = {"name": name} if instance is None else {"name": name, "instance": instance}
    return {"component": where, "variable": variable}


HEARTBEAT = _variable("OCPPCommCtrlr", "HeartbeatInterval")
ATTEMPTS = _variable("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent")
VENDOR = _variable("OCPP16LegacyCtrlr", "Alder.Light")


# -- reading ----------------------------------------------------------------------------------------------------------


def test_named_keys_are_get_variables_b06() -> None:
    """Component, variable and instance by the table; a vendor's key on the legacy component; each key once."""
    lived = _get(
        ["HeartbeatInterval", "TransactionMessageAttempts", "Alder.Light", "heartbeatinterval"],
        _key("heartbeatINTERVAL", "300"),
        _key("TransactionMessageAttempts", readonly=True),
        unknown=("Alder.Light",),
    )
    assert lived.requests("GetVariables") == [{"getVariableData": [HEARTBEAT, ATTEMPTS, VENDOR]}]
    actual = {"attributeType": "Actual"}
    assert lived.responses("GetVariables") == [
        {
            "getVariableResult": [
                {**HEARTBEAT, **actual, "attributeStatus": "Accepted", "attributeValue": "300"},
                {**ATTEMPTS, **actual, "attributeStatus": "Accepted", "attributeValue": ""},
                {**VENDOR, **actual, "attributeStatus": "UnknownVariable"},
            ]
        }
    ]
    directions = {(one.action, one.type): one.direction for one in lived.messages}
    assert directions["GetVariables", MessageType.REQUEST] is Direction.CS_TO_CP
    assert directions["GetVariables", MessageType.RESPONSE] is Direction.CP_TO_CS
    assert lived.losses() == {("message.field-lost", "GetConfiguration.conf.configurationKey.readonly")}


@pytest.mark.parametrize(
    ("key", "value", "results"),
    [
        ("AuthorizationCacheEnabled", "TRUE", [("AuthCacheCtrlr", "Enabled", "true")]),
        (
            "ClockAlignedDataInterval",
            "900",
            [("AlignedDataCtrlr", "Interval", "900"), ("AlignedDataCtrlr", "TxEndedInterval", "900")],
        ),
        (
            "SupportedFeatureProfiles",
            "Core, SmartCharging,RemoteTrigger",
            [
                ("SmartChargingCtrlr", "Available", "true"),
                ("ReservationCtrlr", "Available", "false"),
                ("LocalAuthListCtrlr", "Available", "false"),
            ],
        ),
        ("ChargingScheduleAllowedChargingRateUnit", "Current,W", [("SmartChargingCtrlr", "RateUnit", "A,W")]),
        ("LocalPreAuthorize", "false", [("AuthCtrlr", "LocalPreAuthorize", "false")]),
    ],
)
def test_values_become_those_of_their_variables(key: str, value: str, results: list[tuple[str, str, str]]) -> None:
    """One key may be several variables, each with a result of its own (B06.FR.01)."""
    (response,) = _get([key], _key(key, value)).responses("GetVariables")
    found = [
        (one["component"]["name"], one["variable"]["name"], one["attributeValue"])
        for one in response["getVariableResult"]
    ]
    assert found == results


@pytest.mark.parametrize(
    ("key", "value", "provenance"),
    [("HeartbeatInterval", "300", None), ("MeterValueSampleInterval", "60", Provenance.DERIVED)],
)
def test_the_value_of_one_key_for_several_variables_is_derived(
    key: str, value: str, provenance: Provenance | None
) -> None:
    """Of one variable it stood on the wire."""
    response = _get([key], _key(key, value)).messages[-1]
    assert response.provenance.get("getVariableResult.attributeValue") is provenance
    request = _change(key, value).messages[-2]
    assert request.provenance.get("setVariableData.attributeValue") is provenance


def test_an_interval_without_measurands_is_0() -> None:
    """Part 2 §2.7.16: TxEndedInterval is of its own, and 1.6 sends nothing at the end without measurands."""
    asked = ["ClockAlignedDataInterval", "StopTxnAlignedData"]
    (response,) = _get(asked, _key(asked[0], "900"), _key(asked[1], "")).responses("GetVariables")
    assert [one["attributeValue"] for one in response["getVariableResult"]] == ["900", "0", ""]


def test_a_password_is_write_only_b06_fr_09() -> None:
    """Even where a station gives it away: no value in any message, none in any finding."""
    lived = _get(["AuthorizationKey"], _key("AuthorizationKey", "sesame"))
    (response,) = lived.responses("GetVariables")
    result = response["getVariableResult"][0]
    assert (result["variable"]["name"], result["attributeStatus"]) == ("BasicAuthPassword", "Rejected")
    assert "sesame" not in repr([one.payload for one in lived.messages]) + repr(lived.findings)
    report = _get(None, _key("AuthorizationKey", "sesame"))
    assert "sesame" not in repr([one.payload for one in report.messages]) + repr(report.findings)


def test_a_public_key_is_of_its_evse() -> None:
    """One key per connector in the white paper on signed meter values."""
    (request,) = _get(["MeterPublicKey[2]"], _key("MeterPublicKey[2]", "A1")).requests("GetVariables")
    assert request == {"getVariableData": [_variable("FiscalMetering", "PublicKey", evse={"id": 2})]}


def test_what_is_no_attribute_is_asked_for_with_a_report_b08() -> None:
    """MaxLimit is a characteristic, and the number of connectors is how many components there are."""
    lived = _get(
        ["HeartbeatInterval", "LocalAuthListMaxLength", "NumberOfConnectors"],
        _key("HeartbeatInterval", "300"),
        _key("LocalAuthListMaxLength", "500", readonly=True),
        _key("NumberOfConnectors", "1", readonly=True),
    )
    assert lived.requests("GetVariables") == [{"getVariableData": [HEARTBEAT]}]
    entries = _variable("LocalAuthListCtrlr", "Entries")
    evse, connector = _variable("EVSE", "Available"), _variable("Connector", "Available")
    assert lived.requests("GetReport") == [{"requestId": 1, "componentVariable": [entries, evse, connector]}]
    assert lived.responses("GetReport") == [{"status": "Accepted"}]
    (report,) = lived.requests("NotifyReport")
    assert (report["requestId"], report["seqNo"], "tbc" in report) == (1, 0, False)
    read_only = {"type": "Actual", "mutability": "ReadOnly"}
    assert report["reportData"] == [
        {
            **entries,
            "variableAttribute": [read_only],
            "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False, "maxLimit": 500},
        },
        *(
            {
                **_variable(name, "Available", evse=where),
                "variableAttribute": [{**read_only, "value": "true"}],
                "variableCharacteristics": {"dataType": "boolean", "supportsMonitoring": False},
            }
            for name, where in (("EVSE", {"id": 1}), ("Connector", {"id": 1, "connectorId": 1}))
        ),
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [("NumberOfConnectors", "many"), ("ConnectorPhaseRotation", "RST,1.RST"), ("LocalAuthListMaxLength", "lots")],
)
def test_what_a_value_says_beyond_its_variable_is_named(key: str, value: str) -> None:
    """An expected loss, with the key in its path."""
    lived = _get([key], _key(key, value))
    found = {row.path: row.primary for row in lived.rows("message.field-lost")}
    assert found == {f"GetConfiguration.conf.configurationKey.value:{key}": value}


def test_keys_that_nobody_asked_for_are_named_b06_fr_02() -> None:
    """Some stations ignore the filter."""
    lived = _get(["HeartbeatInterval"], _key("HeartbeatInterval", "300"), _key("ResetRetries", "1"))
    (response,) = lived.responses("GetVariables")
    assert len(response["getVariableResult"]) == 1
    assert "GetConfiguration.conf.configurationKey.key" in {row.path for row in lived.rows("message.field-lost")}


def test_a_key_that_is_not_answered_has_a_result_all_the_same_b06_fr_01() -> None:
    """Neither a value nor unknown: Rejected says no more than that."""
    (response,) = _get(["HeartbeatInterval"]).responses("GetVariables")
    assert [one["attributeStatus"] for one in response["getVariableResult"]] == ["Rejected"]


# -- the whole inventory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [None, []])
def test_without_keys_it_is_a_base_report_b07(asked: list[str] | None) -> None:
    """The answer says that a report follows, the report has what the answer of 1.6 had."""
    lived = _get(asked, _key("HeartbeatInterval", "300"), _key("SecurityProfile", "1"), _key("Alder.Light", "on"))
    assert lived.requests("GetBaseReport") == [{"requestId": 1, "reportBase": "ConfigurationInventory"}]
    assert lived.responses("GetBaseReport") == [{"status": "Accepted"}]
    assert lived.actions[-2:] == ["GetBaseReport", "NotifyReport"]
    (report,) = lived.requests("NotifyReport")
    entries = report["reportData"]
    assert [one["variableAttribute"] for one in entries] == [
        [{"type": "Actual", "mutability": "ReadWrite", "value": "300"}],
        [{"type": "Actual", "mutability": "ReadOnly", "value": "1"}],
        [{"type": "Actual", "mutability": "ReadWrite", "value": "on"}],
    ]
    assert entries[0]["variableCharacteristics"] == {"dataType": "integer", "supportsMonitoring": False, "unit": "s"}
    assert {key: entries[2][key] for key in VENDOR} == VENDOR
    assert lived.codes() == {"device.missing-variable"}
    assert {code for code, _ in lived.losses()} == {"device.unmapped-key", "device.lossy-key"}
    provenance = lived.messages[-1].provenance
    assert provenance["seqNo"] is provenance["requestId"] is Provenance.SYNTHESISED


def test_a_long_report_comes_in_parts_b07_fr_10() -> None:
    """SeqNo from 0 without a hole, tbc in every part but the last, one requestId (B07.FR.04)."""
    lived = _get(None, *(_key(f"Alder.{number}", str(number)) for number in range(120)))
    parts = lived.requests("NotifyReport")
    assert [(one["seqNo"], one.get("tbc", False), len(one["reportData"])) for one in parts] == [
        (0, True, 50),
        (1, True, 50),
        (2, False, 20),
    ]
    assert {one["requestId"] for one in parts} == {1}
    said = [one for one in lived.messages if one.action == "NotifyReport"]
    assert ["tbc" in one.provenance for one in said] == ["tbc" in one.payload for one in said]


def test_two_keys_of_one_variable_are_one_entry() -> None:
    """The alias of edition 1 and the name of edition 2 of the security white paper."""
    told = [
        _key(name, "9000", readonly=True) for name in ("CertificateSignedMaxChain", "CertificateSignedMaxChainSize")
    ]
    (report,) = _get(None, *told).requests("NotifyReport")
    assert len(report["reportData"]) == 1


def test_a_report_of_nothing_is_an_empty_result_set() -> None:
    """GenericDeviceModelStatusEnumType; nothing is notified then."""
    lived = _get(None)
    assert lived.responses("GetBaseReport") == [{"status": "EmptyResultSet"}]
    assert lived.requests("NotifyReport") == []


def test_phase_rotation_is_of_each_connector() -> None:
    """1.6 §9.1.7: 0 is the station; NotApplicable and Unknown are the empty string (Part 2 §2.13.5)."""
    (report,) = _get(None, _key("ConnectorPhaseRotation", "0.RST, 1.RTS,2.NotApplicable")).requests("NotifyReport")
    assert [(one["component"], one["variableAttribute"][0]["value"]) for one in report["reportData"]] == [
        ({"name": "ChargingStation"}, "RST"),
        ({"name": "Connector", "evse": {"id": 1, "connectorId": 1}}, "RTS"),
        ({"name": "Connector", "evse": {"id": 2, "connectorId": 1}}, ""),
    ]


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({}, ["GetBaseReport"]),
        ({"key": ["HeartbeatInterval"]}, ["GetVariables"]),
        ({"key": ["NumberOfConnectors", "HeartbeatInterval"]}, ["GetVariables", "GetReport"]),
    ],
)
def test_a_refusal_is_that_of_each_request(asked: dict[str, Any], refused: list[str]) -> None:
    """CALLERROR, and the next report has an id of its own."""
    script = Script().boot().command("GetConfiguration", asked).refuse("InternalError", "busy")
    lived = Lived().feed(script.command("GetConfiguration", {}).answer({}).frames)
    errors = [one for one in lived.messages if one.type is MessageType.ERROR]
    assert [one.action for one in errors] == refused
    assert [one.payload for one in errors] == [{"errorCode": "InternalError", "errorDescription": "busy"}] * len(
        refused
    )
    reports = [one["requestId"] for one in lived.requests("GetBaseReport") + lived.requests("GetReport")]
    assert len(set(reports)) == len(reports)


# -- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "status_201"),
    [
        ("Accepted", "Accepted"),
        ("Rejected", "Rejected"),
        ("RebootRequired", "RebootRequired"),
        ("NotSupported", "UnknownVariable"),
    ],
)
def test_a_change_is_set_variables_b05(status: str, status_201: str) -> None:
    """One variable, one result."""
    lived = _change("HeartbeatInterval", "60", status)
    assert lived.requests("SetVariables") == [{"setVariableData": [{**HEARTBEAT, "attributeValue": "60"}]}]
    result = {**HEARTBEAT, "attributeType": "Actual", "attributeStatus": status_201}
    assert lived.responses("SetVariables") == [{"setVariableResult": [result]}]
    assert lived.codes() | lived.losses() == set()


def test_a_key_of_several_variables_sets_them_all() -> None:
    """And each has a result."""
    lived = _change("ConnectorPhaseRotation", "1.RST,2.RTS")
    (request,), (response,) = lived.requests("SetVariables"), lived.responses("SetVariables")
    assert [one["attributeValue"] for one in request["setVariableData"]] == ["RST", "RTS"]
    assert len(response["setVariableResult"]) == 2


@pytest.mark.parametrize(
    ("value", "said"),
    [("RST", []), ("", []), ("1.RST,foo", ["RST"]), ("1.RST,1.RTS", ["RST"]), ("1.RST,1.RST", None), ("2.RTS,", None)],
)
def test_what_of_a_new_value_no_variable_takes_is_named_b05_fr_13(value: str, said: list[str] | None) -> None:
    """One value for each variable; the rest of the text is lost, and not without a word."""
    lived = _change("ConnectorPhaseRotation", value)
    requests = lived.requests("SetVariables")
    if said is not None:
        assert [one["attributeValue"] for each in requests for one in each["setVariableData"]] == said
    found = [(row.path, row.primary) for row in lived.rows("message.field-lost")]
    assert found == ([] if said is None else [("ChangeConfiguration.value:ConnectorPhaseRotation", value)])
    assert len(lived.responses("SetVariables")) == len(requests)


@pytest.mark.parametrize("key", ["SecurityProfile", "MessageTimeout", "LocalAuthListMaxLength", "NumberOfConnectors"])
def test_what_cannot_be_set_in_201_is_named_and_not_said(key: str) -> None:
    """A network profile (B09), a characteristic, a number of components; the answer has no request then."""
    lived = _change(key, "2")
    assert "SetVariables" not in {one.action for one in lived.messages}
    assert [(row.path, row.primary) for row in lived.rows("message.field-lost")] == [("ChangeConfiguration.key", key)]


def test_a_password_is_set_and_its_value_is_in_no_finding() -> None:
    """A01: BasicAuthPassword is written with SetVariables."""
    lived = _change("AuthorizationKey", "0123456789abcdef", "Rejected")
    assert lived.requests("SetVariables")[0]["setVariableData"][0]["variable"] == {"name": "BasicAuthPassword"}
    assert "0123456789abcdef" not in repr(lived.findings)


def test_a_refused_change_is_refused_in_201() -> None:
    """CALLERROR codes have their names of 2.0.1."""
    script = Script().boot().command("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "1"})
    lived = Lived().feed(script.refuse("FormationViolation").frames)
    error = lived.messages[-1]
    assert (error.action, error.type, error.payload["errorCode"]) == (
        "SetVariables",
        MessageType.ERROR,
        "FormatViolation",
    )


def test_a_status_of_nobody_is_counted() -> None:
    """No response is made up for it."""
    lived = _change("HeartbeatInterval", "60", "Perhaps")
    assert lived.responses("SetVariables") == []
    assert "ChangeConfiguration.conf.status=Perhaps" in lived.unmapped
