"""Facts of native 2.0.1: reports, variables that are read and set, events."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.lived import Lived
from demo.native import NativeScript
from shadow.device_model.fact import Fact, Source

COMPONENT = {"name": "Connector", "evse": {"id": 1, "connectorId": 2}}
AVAILABLE = {"component": COMPONENT, "variable": {"name": "AvailabilityState"}}
HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
PASSWORD = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


def _entry(address: dict[str, Any], *attributes: dict[str, Any], **characteristics: Any) -> dict[str, Any]:
    said = {"dataType": "integer", "supportsMonitoring": False, **characteristics}
    return {**address, "variableAttribute": list(attributes), "variableCharacteristics": said}


def _report(
    script: NativeScript, entries: list[dict[str, Any]], *, seq: int = 0, more: bool = False, number: int = 7
) -> NativeScript:
    payload = {"requestId": number, "generatedAt": script.now, "seqNo": seq, "tbc": more, "reportData": entries}
    return script.told("NotifyReport", payload)


def _asked(base: str = "FullInventory", status: str = "Accepted") -> NativeScript:
    payload = {"requestId": 7, "reportBase": base}
    return NativeScript().boot().asked("GetBaseReport", payload, {"status": status})


def _facts(script: NativeScript, *sources: Source) -> list[Fact]:
    wanted = sources or (Source.VARIABLE, Source.CHARACTERISTICS)
    return [one for one in Lived().feed(script.frames).facts if one.source in wanted]


def test_an_entry_of_a_report_tells_characteristics_and_each_attribute() -> None:
    """The address as text, the Target behind a sign; limits, unit, values and mutability as told."""
    attributes = ({"value": "300", "mutability": "ReadWrite"}, {"type": "Target", "value": "60"}, {"type": "MaxSet"})
    entry = _entry(HEARTBEAT, *attributes, unit="s", minLimit=1, maxLimit=3600.50, valuesList="1,300")
    facts = _facts(_report(NativeScript().boot(), [entry]))
    name = "OCPPCommCtrlr/HeartbeatInterval"
    via = {"via": "NotifyReport"}
    assert [(one.source, one.name, one.value, one.detail) for one in facts] == [
        (
            Source.CHARACTERISTICS,
            name,
            "integer",
            {
                "unit": "s", "minLimit": "1", "maxLimit": "3600.5", "valuesList": "1,300",
                "supportsMonitoring": "false", "mutability": "ReadWrite",
            },
        ),
        (Source.VARIABLE, name, "300", via),
        (Source.VARIABLE, f"{name}#Target", "60", via),
        (Source.VARIABLE, f"{name}#MaxSet", None, via),
    ]  # fmt: skip


@pytest.mark.parametrize("base", ["FullInventory", "ConfigurationInventory"])
def test_the_last_part_of_a_base_report_ends_it(base: str) -> None:
    """How many variables all parts told, when the first came, and which report it is."""
    script = _report(_asked(base), [_entry(HEARTBEAT, {"value": "1"})], more=True).wait(5)
    lived = Lived().feed(_report(script, [_entry(AVAILABLE, {"value": "Available"})], seq=1).frames)
    (answer,) = [one for one in lived.facts if one.source is Source.ANSWER]
    first = next(one for one in lived.facts if one.source is Source.VARIABLE)
    assert (answer.name, answer.value) == ("NotifyReport", "2")
    assert answer.detail == {"changed_at": str(first.at), "base": base}
    assert lived.fleet.chargers["CP1"].shadow.station.device.reports == {}


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        (_asked("SummaryInventory"), [0]),
        (_asked(status="Rejected"), [0]),
        (NativeScript().boot(), [0]),
        (_asked(), [1]),
    ],
)
def test_what_is_no_whole_inventory_ends_nothing(asked: NativeScript, parts: list[int]) -> None:
    """Another report, one that was refused, one that nobody was seen to ask for, one whose first part is missing."""
    for seq in parts:
        _report(asked, [_entry(HEARTBEAT, {"value": "1"})], seq=seq)
    assert _facts(asked, Source.ANSWER) == []
    assert _facts(asked)


def test_variables_that_are_read_are_facts() -> None:
    """With the status where it is not Accepted, and then without a value."""
    results = [
        {**HEARTBEAT, "attributeStatus": "Accepted", "attributeValue": "300"},
        {**AVAILABLE, "attributeStatus": "UnknownVariable", "attributeType": "Target"},
        {**PASSWORD, "attributeStatus": "Rejected"},
    ]
    script = (
        NativeScript()
        .boot()
        .asked("GetVariables", {"getVariableData": [HEARTBEAT, AVAILABLE, PASSWORD]}, {"getVariableResult": results})
    )
    via = {"via": "GetVariables"}
    assert [(one.name, one.value, one.detail) for one in _facts(script)] == [
        ("OCPPCommCtrlr/HeartbeatInterval", "300", via),
        ("Connector@1.2/AvailabilityState#Target", None, {**via, "status": "UnknownVariable"}),
        ("SecurityCtrlr/BasicAuthPassword", None, {**via, "status": "Rejected"}),
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Accepted", [("60", {"via": "SetVariables"})]),
        ("RebootRequired", [("60", {"via": "SetVariables", "status": "RebootRequired"})]),
        ("UnknownVariable", [(None, {"via": "SetVariables", "status": "UnknownVariable"})]),
        ("Rejected", []),
    ],
)
def test_a_variable_that_is_set_has_the_value_of_the_request(status: str, expected: list[Any]) -> None:
    """Names are compared without case; what was rejected leaves the value as it was."""
    said = {"component": {"name": "ocppcommctrlr"}, "variable": {"name": "heartbeatinterval"}}
    script = (
        NativeScript()
        .boot()
        .asked(
            "SetVariables",
            {"setVariableData": [{**HEARTBEAT, "attributeValue": "60"}]},
            {"setVariableResult": [{**said, "attributeType": "Actual", "attributeStatus": status}]},
        )
    )
    assert [(one.value, one.detail) for one in _facts(script)] == expected


def _event(address: dict[str, Any], value: str) -> dict[str, Any]:
    rest = {"eventId": 1, "timestamp": "2030-01-01T12:00:00Z", "trigger": "Alerting", "actualValue": value}
    return {**rest, "eventNotificationType": "HardWiredNotification", **address}


def test_an_event_tells_its_actual_value() -> None:
    """Of a variable that it tells twice the last holds."""
    script = NativeScript().boot()
    data = [_event(AVAILABLE, "Faulted"), _event(AVAILABLE, "Available")]
    script.told("NotifyEvent", {"generatedAt": script.now, "seqNo": 0, "eventData": data})
    (fact,) = _facts(script)
    assert (fact.name, fact.value, fact.detail) == (
        "Connector@1.2/AvailabilityState", "Available", {"via": "NotifyEvent"},
    )  # fmt: skip


def test_of_an_endless_message_two_thousand_facts_are_kept() -> None:
    """That there was more is counted."""
    entries = [
        _entry({"component": {"name": "C"}, "variable": {"name": f"V{number}"}}, {"value": "1"})
        for number in range(1100)
    ]
    lived = Lived().feed(_report(NativeScript().boot(), entries).frames)
    assert len([one for one in lived.facts if one.source in (Source.VARIABLE, Source.CHARACTERISTICS)]) == 2000
    assert "NotifyReport: facts beyond 2000" in lived.unmapped


@given(
    st.sampled_from(["BasicAuthPassword", "apnPassword", "WifiKey", "Setting"]),
    st.sampled_from(["report", "get", "set", "event"]),
    st.sampled_from(["", "hunter2-hunter2"]),
)
def test_a_secret_is_never_in_a_fact(name: str, way: str, value: str) -> None:
    """Whatever way it is told: only whether it is set. The instance of a variable may name one, too."""
    variable = {"name": name, "instance": "ApiKey"} if name == "Setting" else {"name": name}
    address = {"component": {"name": "SecurityCtrlr"}, "variable": variable}
    script = NativeScript().boot()
    match way:
        case "report":
            _report(script, [_entry(address, {"value": value})])
        case "get":
            result = {**address, "attributeStatus": "Accepted", "attributeValue": value}
            script.asked("GetVariables", {"getVariableData": [address]}, {"getVariableResult": [result]})
        case "set":
            result = {**address, "attributeStatus": "Accepted"}
            asked = {"setVariableData": [{**address, "attributeValue": value}]}
            script.asked("SetVariables", asked, {"setVariableResult": [result]})
        case _:
            script.told("NotifyEvent", {"generatedAt": script.now, "seqNo": 0, "eventData": [_event(address, value)]})
    (fact,) = _facts(script, Source.VARIABLE)
    assert (fact.value, fact.detail["secret"]) == (None, "set" if value else "empty")


def test_native_data_transfers_are_told_as_those_of_1_6() -> None:
    """Name, data and status."""
    script = NativeScript().boot().told("DataTransfer", {"vendorId": "V", "data": [1]}, {"status": "Accepted"})
    assert Lived().feed(script.frames).told(Source.TRANSFER) == [(None, "cp>cs V", "[1]")]
