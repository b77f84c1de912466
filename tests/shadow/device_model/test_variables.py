"""GetVariables and SetVariables over a device model: statuses as 2.0.1 prescribes them (B05, B06)."""

from typing import Any

import pytest

from shadow import schema
from shadow.device_model.address import Address
from shadow.device_model.model import Attribute, Certainty, Value
from shadow.device_model.variables import get_variables, set_variables
from tests.shadow.device_model.models import device_model, entry

POWER = {
    Attribute.ACTUAL: Value("0", Certainty.OBSERVED, "test", 1),
    Attribute.TARGET: Value("11000", Certainty.OBSERVED, "test", 1),
}
MODEL = device_model(
    entry("OCPPCommCtrlr/HeartbeatInterval", "600", data_type="integer", unit="s"),
    entry("SecurityCtrlr/BasicAuthPassword", None, "WriteOnly"),
    entry("ClockCtrlr/DateTime", None, "ReadOnly", data_type="dateTime"),
    entry("AuthCtrlr/Enabled", "true", data_type="boolean"),
    entry("SampledDataCtrlr/TxUpdatedMeasurands", "Voltage", data_type="MemberList"),
    entry("EVSE@1/Power", "0", data_type="decimal", max_limit="22000", values=POWER),
)


def _get(text: str, **more: Any) -> dict[str, Any]:
    (result,) = _valid_get([{**Address.parse(text).said(), **more}])
    return result


def _valid_get(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = get_variables(MODEL, {"getVariableData": asked})
    assert schema.violations(schema.V201, "GetVariables", response=True, payload=answer) == []
    return answer["getVariableResult"]


def _set(text: str, value: str, **more: Any) -> str:
    asked = [{**Address.parse(text).said(), "attributeValue": value, **more}]
    model, answer = set_variables(MODEL, {"setVariableData": asked})
    assert schema.violations(schema.V201, "SetVariables", response=True, payload=answer) == []
    (result,) = answer["setVariableResult"]
    assert (model == MODEL) is (result["attributeStatus"] != "Accepted")
    return result["attributeStatus"]


@pytest.mark.parametrize(
    ("text", "more", "status"),
    [
        ("OCPPCommCtrlr/HeartbeatInterval", {}, "Accepted"),
        ("ocppcommctrlr/heartbeatinterval", {}, "Accepted"),  # names are compared without case
        ("ChargingStation/HeartbeatInterval", {}, "UnknownComponent"),  # B06.FR.06
        ("OCPPCommCtrlr/ResetRetries", {}, "UnknownVariable"),  # B06.FR.07
        ("OCPPCommCtrlr/HeartbeatInterval[Default]", {}, "UnknownVariable"),  # the instance is part of the identity
        ("EVSE@2/Power", {}, "UnknownComponent"),
        ("OCPPCommCtrlr/HeartbeatInterval", {"attributeType": "Target"}, "NotSupportedAttributeType"),  # B06.FR.08
        ("SecurityCtrlr/BasicAuthPassword", {}, "Rejected"),  # B06.FR.09
    ],
)
def test_what_is_asked_for_gets_the_status_of_the_specification(text: str, more: dict[str, Any], status: str) -> None:
    """First the component is looked for, then its variable, then the attribute."""
    result = _get(text, **more)

    assert result["attributeStatus"] == status
    assert ("attributeValue" in result) is (status == "Accepted")


def test_a_value_that_is_not_set_is_empty() -> None:
    """B06.FR.13: the result is Accepted, with an empty value."""
    assert _get("ClockCtrlr/DateTime")["attributeValue"] == ""


def test_another_attribute_has_its_own_value() -> None:
    """Where none is named it is Actual (B06.FR.11)."""
    assert _get("EVSE@1/Power")["attributeType"] == "Actual"
    assert _get("EVSE@1/Power", attributeType="Target")["attributeValue"] == "11000"


def test_results_stand_in_the_order_of_the_request() -> None:
    """One for each variable that was asked for (B06.FR.01)."""
    names = ["AuthCtrlr/Enabled", "Nothing/Here", "OCPPCommCtrlr/HeartbeatInterval", "AuthCtrlr/Enabled"]

    results = _valid_get([Address.parse(name).said() for name in names])

    assert [one["attributeStatus"] for one in results] == ["Accepted", "UnknownComponent", "Accepted", "Accepted"]


@pytest.mark.parametrize(
    ("text", "value", "status"),
    [
        ("OCPPCommCtrlr/HeartbeatInterval", "300", "Accepted"),
        ("OCPPCommCtrlr/HeartbeatInterval", "five", "Rejected"),  # B05.FR.07
        ("OCPPCommCtrlr/HeartbeatInterval", "0", "Rejected"),  # B05.FR.08: minLimit 1 (Part 2 §2.1.5)
        ("AuthCtrlr/Enabled", "yes", "Rejected"),
        ("AuthCtrlr/Enabled", "false", "Accepted"),
        ("SampledDataCtrlr/TxUpdatedMeasurands", "Voltage,SoC", "Accepted"),
        ("SampledDataCtrlr/TxUpdatedMeasurands", "RPM", "Rejected"),
        ("ClockCtrlr/DateTime", "2026-01-01T00:00:00Z", "Rejected"),  # B05.FR.09: read-only
        ("Nothing/Here", "1", "UnknownComponent"),  # B05.FR.04
        ("AuthCtrlr/Nothing", "1", "UnknownVariable"),  # B05.FR.05
        ("SecurityCtrlr/BasicAuthPassword", "sixteen-characters", "Accepted"),
        ("EVSE@1/Power", "30000", "Rejected"),  # beyond the maxLimit that it reports
    ],
)
def test_what_is_set_gets_the_status_of_the_specification(text: str, value: str, status: str) -> None:
    """And the model changes where it is Accepted, only there."""
    assert _set(text, value) == status


def test_an_attribute_that_is_not_there_cannot_be_set() -> None:
    """B05.FR.06."""
    assert _set("AuthCtrlr/Enabled", "true", attributeType="MinSet") == "NotSupportedAttributeType"


def test_what_was_set_is_told() -> None:
    """A password is not: it is write-only, and not even kept."""
    asked = [
        {**Address.parse("AuthCtrlr/Enabled").said(), "attributeValue": "false"},
        {**Address.parse("SecurityCtrlr/BasicAuthPassword").said(), "attributeValue": "sixteen-characters"},
    ]

    model, _ = set_variables(MODEL, {"setVariableData": asked})
    told = get_variables(model, {"getVariableData": [Address.parse("AuthCtrlr/Enabled").said()]})

    assert told["getVariableResult"][0]["attributeValue"] == "false"
    assert "sixteen-characters" not in repr(model)
