"""GetBaseReport, GetReport and the NotifyReports that follow, over a device model (B07, B08)."""

from decimal import Decimal
from typing import Any

import pytest

from shadow import schema
from shadow.device_model.model import DeviceModel
from shadow.device_model.reports import PART, base_report, custom_report
from tests.shadow.device_model.models import device_model, entry

NOW = "2026-05-04T12:00:00Z"
MODEL = device_model(
    entry("AuthCacheCtrlr/Available", "false", "ReadOnly", data_type="boolean"),
    entry("AuthCacheCtrlr/Enabled", "true", data_type="boolean"),
    entry("ChargingStation/AvailabilityState", "Available", "ReadOnly", data_type="OptionList"),
    entry("ChargingStation/Problem", "true", "ReadOnly", data_type="boolean"),
    entry("EVSE@1/AvailabilityState", "Occupied", "ReadOnly", data_type="OptionList"),
    entry("EVSE@1/Power", "0", "ReadOnly", data_type="decimal", unit="W", max_limit="22000.5"),
    entry("EVSE@2/Problem", "false", "ReadOnly", data_type="boolean"),
    entry("SecurityCtrlr/BasicAuthPassword", None, "WriteOnly", max_limit="40"),
)


def _base(base: str, model: DeviceModel = MODEL) -> tuple[str, list[dict[str, Any]]]:
    found = base_report(model, {"requestId": 7, "reportBase": base}, NOW)
    assert schema.violations(schema.V201, "GetBaseReport", response=True, payload=found.response) == []
    return found.response["status"], _entries(found.parts)


def _custom(**request: Any) -> tuple[str, set[str]]:
    found = custom_report(MODEL, {"requestId": 7, **request}, NOW)
    assert schema.violations(schema.V201, "GetReport", response=True, payload=found.response) == []
    return found.response["status"], {_name(one) for one in _entries(found.parts)}


def _entries(parts: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    for part in parts:
        assert schema.violations(schema.V201, "NotifyReport", response=False, payload=part) == []
    return [one for part in parts for one in part["reportData"]]


def _name(one: dict[str, Any]) -> str:
    evse = one["component"].get("evse")
    tier = "" if evse is None else f"@{evse['id']}"
    return f"{one['component']['name']}{tier}/{one['variable']['name']}"


def test_a_full_inventory_has_every_variable_with_its_characteristics() -> None:
    """B07.FR.08; limits keep their digits, and what is write-only shows no value (B07.FR.03)."""
    status, entries = _base("FullInventory")
    told = {_name(one): one for one in entries}

    assert status == "Accepted"
    assert len(told) == len(MODEL.entries)
    assert told["EVSE@1/Power"]["variableCharacteristics"] == {
        "dataType": "decimal",
        "supportsMonitoring": False,
        "unit": "W",
        "maxLimit": Decimal("22000.5"),
    }
    assert "value" not in told["SecurityCtrlr/BasicAuthPassword"]["variableAttribute"][0]


def test_a_configuration_inventory_has_what_can_be_set() -> None:
    """B07.FR.07: also what can only be written."""
    _, entries = _base("ConfigurationInventory")

    assert {_name(one) for one in entries} == {"AuthCacheCtrlr/Enabled", "SecurityCtrlr/BasicAuthPassword"}


def test_a_summary_has_states_and_problems() -> None:
    """B07.FR.09: availability of all tiers, and what is wrong at the moment."""
    _, entries = _base("SummaryInventory")

    assert {_name(one) for one in entries} == {
        "ChargingStation/AvailabilityState",
        "ChargingStation/Problem",
        "EVSE@1/AvailabilityState",
    }


def test_a_base_that_is_none_is_not_supported() -> None:
    """B07.FR.02."""
    assert _base("Everything") == ("NotSupported", [])


def test_a_report_of_nothing_is_an_empty_result() -> None:
    """B08.FR.15, and no report follows."""
    assert _base("FullInventory", device_model()) == ("EmptyResultSet", [])


def test_a_long_report_comes_in_numbered_parts() -> None:
    """B07.FR.10: from 0, and all but the last say that more will come."""
    model = device_model(*(entry(f"Vendor/V{number}") for number in range(2 * PART + 1)))

    found = base_report(model, {"requestId": 7, "reportBase": "FullInventory"}, NOW)

    assert [(part["seqNo"], part.get("tbc", False)) for part in found.parts] == [(0, True), (1, True), (2, False)]
    assert len(_entries(found.parts)) == 2 * PART + 1


@pytest.mark.parametrize(
    ("criteria", "fits"),
    [
        # B08.FR.07 to B08.FR.09: true, or the component has no such variable; B08.FR.10: only where it is true.
        ("Active", {"AuthCacheCtrlr", "ChargingStation", "EVSE@1", "EVSE@2", "SecurityCtrlr"}),
        ("Available", {"ChargingStation", "EVSE@1", "EVSE@2", "SecurityCtrlr"}),
        ("Enabled", {"AuthCacheCtrlr", "ChargingStation", "EVSE@1", "EVSE@2", "SecurityCtrlr"}),
        ("Problem", {"ChargingStation"}),
    ],
)
def test_criteria_choose_components(criteria: str, fits: set[str]) -> None:
    """Each component is asked by its own variable of that name."""
    status, names = _custom(componentCriteria=[criteria])

    assert status == "Accepted"
    assert {name.partition("/")[0] for name in names} == fits


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"component": {"name": "evse"}}, {"EVSE@1/AvailabilityState", "EVSE@1/Power", "EVSE@2/Problem"}),
        ({"component": {"name": "EVSE", "evse": {"id": 2}}}, {"EVSE@2/Problem"}),
        (
            {"component": {"name": "EVSE"}, "variable": {"name": "AvailabilityState"}},
            {"EVSE@1/AvailabilityState"},
        ),
    ],
)
def test_what_is_left_out_stands_for_any(asked: dict[str, Any], names: set[str]) -> None:
    """A component without an EVSE is all of them, one without a variable all of its variables."""
    assert _custom(componentVariable=[asked]) == ("Accepted", names)


def test_criteria_and_variables_both_have_to_fit() -> None:
    """What fits only one of them is not reported."""
    asked = [{"component": {"name": "EVSE"}}, {"component": {"name": "ChargingStation"}}]

    status, names = _custom(componentCriteria=["Problem"], componentVariable=asked)

    assert (status, names) == ("Accepted", {"ChargingStation/AvailabilityState", "ChargingStation/Problem"})
    assert _custom(componentCriteria=["Problem"], componentVariable=asked[:1]) == ("EmptyResultSet", set())
