"""GetVariables and SetVariables over a device model, with the statuses that 2.0.1 prescribes (B05, B06).

Pure functions: a model that is set is another model, and no charging station hears of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from shadow.device_model import values
from shadow.device_model.address import Address, address_of
from shadow.device_model.drafting import rule
from shadow.device_model.model import Attribute, Certainty, DeviceModel, Value, VariableEntry

__all__ = ["get_variables", "set_variables"]

_ATTRIBUTES: Final = {kind.value: kind for kind in Attribute}


def get_variables(model: DeviceModel, request: dict[str, Any]) -> dict[str, Any]:
    """GetVariablesResponse: one result for each variable that is asked for, in order (B06.FR.01, B06.FR.02)."""
    results = []
    for asked in _elements(request.get("getVariableData")):
        status, value = _get(model, asked)
        result = _result(asked, status)
        if value is not None:
            result["attributeValue"] = value
        results.append(result)
    return {"getVariableResult": results}


def set_variables(model: DeviceModel, request: dict[str, Any]) -> tuple[DeviceModel, dict[str, Any]]:
    """SetVariablesResponse, and the model as it is then: one result for each variable to be set (B05.FR.01)."""
    entries = dict(model.entries)
    results = []
    for asked in _elements(request.get("setVariableData")):
        status, entry = _set(replace(model, entries=entries), asked)
        if entry is not None:
            entries[entry.address.key] = entry
        results.append(_result(asked, status))
    return replace(model, entries=entries), {"setVariableResult": results}


def _result(asked: dict[str, Any], status: str) -> dict[str, Any]:
    kind = asked.get("attributeType") or Attribute.ACTUAL.value  # B05.FR.12, B06.FR.11
    return {
        "component": asked["component"],
        "variable": asked["variable"],
        "attributeType": kind,
        "attributeStatus": status,
    }


def _get(model: DeviceModel, asked: dict[str, Any]) -> tuple[str, str | None]:
    status, entry, kind = _find(model, asked)
    if entry is None or kind is None:
        return status, None
    if entry.mutability == "WriteOnly":
        return "Rejected", None  # B06.FR.09
    value = entry.values.get(kind)
    return "Accepted", "" if value is None or value.text is None else value.text  # B06.FR.10, B06.FR.13


def _set(model: DeviceModel, asked: dict[str, Any]) -> tuple[str, VariableEntry | None]:
    status, entry, kind = _find(model, asked)
    text = asked.get("attributeValue")
    if entry is None or kind is None:
        return status, None
    if entry.mutability == "ReadOnly" or not isinstance(text, str):
        return "Rejected", None  # B05.FR.09
    if values.flaws(rule(entry), text):
        return "Rejected", None  # badly formatted, too long, or out of range (B05.FR.07, B05.FR.08)
    secret = entry.mutability == "WriteOnly"
    told = Value(None if secret else values.normal(entry.data_type, text), Certainty.ASSUMED, "SetVariables", 0)
    return "Accepted", replace(entry, values={**entry.values, kind: told}, flaws=())


def _find(model: DeviceModel, asked: dict[str, Any]) -> tuple[str, VariableEntry | None, Attribute | None]:
    """The attribute that is meant, or the status that says why there is none.

    B05.FR.04 to B05.FR.06, B06.FR.06 to B06.FR.08: first the component, then its variable, then the attribute.
    """
    address = address_of(asked)
    if address is None:
        return "UnknownComponent", None, None
    entry = model.entries.get(address.key)
    if entry is None:
        known = any(_same_component(address, other) for other in model.entries)
        return "UnknownVariable" if known else "UnknownComponent", None, None
    kind = _ATTRIBUTES.get(asked.get("attributeType") or Attribute.ACTUAL.value)
    if kind is None or (kind is not Attribute.ACTUAL and kind not in entry.values):
        return "NotSupportedAttributeType", None, None
    return "", entry, kind


def _same_component(address: Address, other: Address) -> bool:
    own = address.key
    return (own.component, own.component_instance, own.evse_id, own.connector_id) == (
        other.component,
        other.component_instance,
        other.evse_id,
        other.connector_id,
    )


def _elements(value: object) -> Iterator[dict[str, Any]]:
    """The elements that name a component and a variable; the schema check names the others."""
    listed: Iterable[Any] = value if isinstance(value, list) else ()
    for one in listed:
        if isinstance(one, dict) and isinstance(one.get("component"), dict) and isinstance(one.get("variable"), dict):
            yield one
