"""What a native station reports, and what is set on it, against what the standard asks for."""

from typing import Any

from demo.device import base_report, rows
from demo.lived import Lived
from demo.native import NativeScript
from diff.discrepancy import Discrepancy, Status

NOW = "2026-05-04T12:00:00Z"
NEEDED = ("SecurityCtrlr/CertificateEntries", "SecurityCtrlr/SecurityProfile")
"""What the demonstration's new firmware lacks of what every station has to have."""


def _reported(*extra: dict[str, Any], base: str = "FullInventory", without: str = "") -> NativeScript:
    script = NativeScript().boot().asked("GetBaseReport", {"requestId": 1, "reportBase": base})
    told = [row for row in rows() if row.name != without]
    parts = base_report(told, 1, NOW)
    parts[-1]["reportData"] += extra
    for part in parts:
        script.told("NotifyReport", part)
    return script


def _open(script: NativeScript, code: str) -> list[Discrepancy]:
    found = Lived().feed(script.frames).discrepancies.values()
    return sorted((row for row in found if row.code == code and row.status is Status.OPEN), key=lambda row: row.path)


def _entry(component: str, variable: str, value: str) -> dict[str, Any]:
    return {
        "component": {"name": component},
        "variable": {"name": variable},
        "variableAttribute": [{"value": value}],
        "variableCharacteristics": {"dataType": "string", "supportsMonitoring": False},
    }


def test_what_a_full_report_lacks_is_missing() -> None:
    """Every variable that Core requires without a condition; by its name, with the documents that ask for it."""
    lacking = _open(_reported(without="OCPPCommCtrlr/ResetRetries"), "device.missing-variable")

    assert {row.path for row in lacking} == {*NEEDED, "OCPPCommCtrlr/ResetRetries"}
    assert all("required by" in row.detail for row in lacking)


def test_a_report_of_settings_alone_misses_nothing() -> None:
    """What can only be read is not in a ConfigurationInventory (B07.FR.07)."""
    assert _open(_reported(base="ConfigurationInventory"), "device.missing-variable") == []


def test_a_later_report_that_has_it_takes_it_back() -> None:
    """The row is withdrawn, not left."""
    script = _reported()
    script.asked("GetBaseReport", {"requestId": 2, "reportBase": "FullInventory"})
    parts = base_report(rows(), 2, NOW)
    parts[-1]["reportData"] += [_entry("SecurityCtrlr", "CertificateEntries", "1")]
    for part in parts:
        script.told("NotifyReport", part)

    assert [row.path for row in _open(script, "device.missing-variable")] == ["SecurityCtrlr/SecurityProfile"]


def test_a_report_with_a_hole_proves_nothing() -> None:
    """A part that never came may have held it."""
    script = NativeScript().boot().asked("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    for part in base_report(rows(), 1, NOW)[1:]:
        script.told("NotifyReport", part)

    assert _open(script, "device.missing-variable") == []


def test_a_value_that_the_standard_does_not_allow_is_named() -> None:
    """With the rule; one of a vendor's own variable is its own business."""
    told = (_entry("SecurityCtrlr", "SecurityProfile", "7"), _entry("AlderCtrlr", "Colour", "seven"))

    (row,) = _open(_reported(*told), "device.invalid-value")

    assert (row.path, row.primary) == ("SecurityCtrlr/SecurityProfile", "7")
    assert "1, 2, 3" in (row.shadow or "") or "maxLimit" in (row.shadow or "")


def test_setting_what_can_only_be_read_is_named() -> None:
    """Where the station accepted it; a refusal is what the standard asks for (B05.FR.09)."""
    address = {"component": {"name": "ClockCtrlr"}, "variable": {"name": "DateTime"}}
    request = {"setVariableData": [{**address, "attributeValue": NOW}]}

    def answered(status: str) -> NativeScript:
        result = {**address, "attributeType": "Actual", "attributeStatus": status}
        return NativeScript().boot().asked("SetVariables", request, {"setVariableResult": [result]})

    assert [row.path for row in _open(answered("Accepted"), "device.readonly")] == ["SetVariables:ClockCtrlr/DateTime"]
    assert _open(answered("Rejected"), "device.readonly") == []
