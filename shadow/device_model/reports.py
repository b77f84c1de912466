"""Reports of a device model, as its station would send them: answers to GetBaseReport and GetReport, and NotifyReport.

Pure functions over a model (2.0.1 B07, B08): nothing is asked of any charging station.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from shadow.device_model.address import Address, address_of
from shadow.device_model.fact import LONGEST_VALUE
from shadow.device_model.model import Attribute, DeviceModel, VariableEntry
from shadow.quantities import decimal_of

__all__ = ["PART", "Report", "base_report", "custom_report", "report_entry"]

PART: Final = 50
"""Variables in one NotifyReport. Stations set their own bound; a hundred variables are two or three parts."""
_LONGEST_LIST: Final = 1000
_LONGEST_UNIT: Final = 16
_SUMMARY: Final = frozenset({"availabilitystate"})
_CONDITIONS: Final = frozenset({"problem", "tripped", "overload", "fallback", "fault"})
"""Variables of a component's condition; in a summary where they are true (B07.FR.09)."""
_CRITERIA: Final = {"Active": True, "Available": True, "Enabled": True, "Problem": False}
"""ComponentCriterionEnumType: whether a component without the variable fits (B08.FR.07 to B08.FR.10)."""
_DATA_TYPES: Final = frozenset(
    {"string", "decimal", "integer", "dateTime", "boolean", "OptionList", "SequenceList", "MemberList"}
)
"""DataEnumType. The list of the standard also has passwordString and identifierString, which messages do not."""


class Report(msgspec.Struct, frozen=True):
    """The answer to a request for a report, and the report."""

    response: dict[str, Any]
    """GetBaseReportResponse or GetReportResponse."""
    parts: tuple[dict[str, Any], ...] = ()
    """NotifyReportRequest, in order (B07.FR.10)."""


def base_report(model: DeviceModel, request: dict[str, Any], generated_at: str) -> Report:
    """Answer GetBaseReportRequest (B07). `generated_at`: RFC 3339, stands in every part."""
    base = request.get("reportBase")
    if base == "ConfigurationInventory":  # what the operator can set (B07.FR.07)
        chosen = [entry for entry in model.entries.values() if entry.mutability != "ReadOnly"]
    elif base == "FullInventory":  # B07.FR.08
        chosen = list(model.entries.values())
    elif base == "SummaryInventory":  # B07.FR.09
        chosen = [entry for entry in model.entries.values() if _is_summary(entry)]
    else:
        return Report({"status": "NotSupported"})  # B07.FR.02
    return _report(chosen, request, generated_at)


def custom_report(model: DeviceModel, request: dict[str, Any], generated_at: str) -> Report:
    """Answer GetReportRequest (B08): criteria and variables both have to fit, any of a list is enough."""
    criteria = [one for one in _listed(request.get("componentCriteria")) if one in _CRITERIA]
    wanted = [one for one in _listed(request.get("componentVariable")) if isinstance(one, dict)]
    chosen = [
        entry
        for entry in model.entries.values()
        if (not criteria or any(_fits(model, entry.address, one) for one in criteria))
        and (not wanted or any(_is_asked_for(entry.address, one) for one in wanted))
    ]
    return _report(chosen, request, generated_at)


def _report(chosen: list[VariableEntry], request: dict[str, Any], generated_at: str) -> Report:
    if not chosen:
        return Report({"status": "EmptyResultSet"})  # B08.FR.15
    entries = [report_entry(entry) for entry in chosen]
    parts = []
    for number, first in enumerate(range(0, len(entries), PART)):
        part: dict[str, Any] = {
            "requestId": request.get("requestId", 0),
            "generatedAt": generated_at,
            "seqNo": number,
            "reportData": entries[first : first + PART],
        }
        if first + PART < len(entries):
            part["tbc"] = True
        parts.append(part)
    return Report({"status": "Accepted"}, tuple(parts))


def report_entry(entry: VariableEntry) -> dict[str, Any]:
    """ReportDataType of one variable: every attribute that it has, with its characteristics (B07.FR.08, B07.FR.11)."""
    attributes = []
    for kind in entry.values or (Attribute.ACTUAL,):
        attribute: dict[str, Any] = {"type": kind.value, "mutability": entry.mutability}
        value = entry.values.get(kind)
        if value is not None and value.text is not None and entry.mutability != "WriteOnly":  # B07.FR.03
            attribute["value"] = value.text[:LONGEST_VALUE]
        attributes.append(attribute)
    kind_of_data = entry.data_type if entry.data_type in _DATA_TYPES else "string"
    characteristics: dict[str, Any] = {"dataType": kind_of_data, "supportsMonitoring": False}
    if entry.unit:
        characteristics["unit"] = entry.unit[:_LONGEST_UNIT]
    for name, limit in (("minLimit", entry.min_limit), ("maxLimit", entry.max_limit)):
        number = decimal_of(limit)
        if number is not None:
            characteristics[name] = number
    values_list = ",".join(entry.values_list)
    if values_list and len(values_list) <= _LONGEST_LIST:
        characteristics["valuesList"] = values_list
    return {
        **entry.address.said(),
        "variableAttribute": attributes,
        "variableCharacteristics": characteristics,
    }


def _is_summary(entry: VariableEntry) -> bool:
    name = entry.address.variable.lower()
    value = entry.actual
    return name in _SUMMARY or (name in _CONDITIONS and value is not None and value.text == "true")


def _fits(model: DeviceModel, address: Address, criterion: str) -> bool:
    component = msgspec.structs.replace(address, variable=criterion, instance=None)
    found = model.entries.get(component.key)
    if found is None or found.actual is None:
        return _CRITERIA[criterion]
    return found.actual.text == "true"


def _is_asked_for(address: Address, asked: dict[str, Any]) -> bool:
    """Whether a ComponentVariableType names it: what is left out stands for any (B08.FR.11, B08.FR.20)."""
    component = asked.get("component")
    named = address_of({"component": component, "variable": asked.get("variable") or {"name": "*"}})
    if named is None:
        return False
    own, wanted = address.key, named.key
    return (
        own.component == wanted.component
        and wanted.component_instance in (None, own.component_instance)
        and wanted.evse_id in (None, own.evse_id)
        and wanted.connector_id in (None, own.connector_id)
        and wanted.variable in ("*", own.variable)
        and wanted.instance in (None, own.instance)
    )


def _listed(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
