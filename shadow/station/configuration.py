"""GetConfiguration and ChangeConfiguration in terms of the device model (B05, B06, B07, B08)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.ocppj import Call, CallError
from ingest.sensitive import Kind, classify
from shadow.device_model.address import Address
from shadow.device_model.model import Certainty
from shadow.mapping.device_values import Statement, addresses, report_addresses, statements
from shadow.mapping.keys import Access, Key, Way, find
from shadow.message import Provenance
from shadow.station import relay
from shadow.station.fields import integer, objects, text
from shadow.station.inventory import Told, say_report
from shadow.station.outbox import Outbox
from shadow.station.signed import learn_keys

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS"]

_MAX_REPORTS: Final = 8
_GIVEN: Final = "GetConfiguration.conf.configurationKey"
_NOT_ALL: Final = "not all of it can be said of a variable"
_LONGEST_DETAIL: Final = 300

_ASKED: Final = {
    "getVariableData.component": Provenance.DERIVED,
    "getVariableData.variable": Provenance.DERIVED,
}
_RESULTS: Final = {
    "getVariableResult.component": Provenance.DERIVED,
    "getVariableResult.variable": Provenance.DERIVED,
    "getVariableResult.attributeStatus": Provenance.DERIVED,
    "getVariableResult.attributeType": Provenance.SYNTHESISED,
}
_WORKED_OUT: Final = {"getVariableResult.attributeValue": Provenance.DERIVED}
"""Where one of the values did not stand on the wire. A path is one for all members of a list."""
_SET: Final = {
    "setVariableData.component": Provenance.DERIVED,
    "setVariableData.variable": Provenance.DERIVED,
}
_WAS_SET: Final = {
    "setVariableResult.component": Provenance.DERIVED,
    "setVariableResult.variable": Provenance.DERIVED,
    "setVariableResult.attributeType": Provenance.SYNTHESISED,
}
_BASE_REPORT: Final = {"requestId": Provenance.SYNTHESISED, "reportBase": Provenance.SYNTHESISED}
_REPORT: Final = {"requestId": Provenance.SYNTHESISED, "componentVariable": Provenance.DERIVED}
_STATUSES: Final = {
    "Accepted": "Accepted",
    "Rejected": "Rejected",
    "RebootRequired": "RebootRequired",
    "NotSupported": "UnknownVariable",
}
"""ConfigurationStatus → SetVariableStatusEnumType (B05)."""


# -- GetConfiguration --------------------------------------------------------------------------------------------------


def _keys(payload: dict[str, Any]) -> list[Key]:
    """The keys asked for, each once; none means all (1.6 §5.8)."""
    listed = payload.get("key")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    once: dict[str, str] = {}
    for name in names:
        once.setdefault(name.lower(), name)
    return [find(name) for name in once.values()]


def _get(out: Outbox, call: Call) -> None:
    """GetConfiguration: with keys GetVariables, and GetReport for what is no attribute; without keys GetBaseReport."""
    keys = _keys(call.payload)
    if not keys:
        # FullInventory would ask for the hardware too. Read-only keys come all the same, as 1.6 gives them.
        payload = {"requestId": _report_id(out), "reportBase": "ConfigurationInventory"}
        out.command("GetBaseReport", payload, _BASE_REPORT)
        return
    asked = [address.said() for key in keys for address in addresses(key, out.place)]
    if asked:
        out.command("GetVariables", {"getVariableData": asked}, _ASKED)
    reported = [address.said() for key in keys for address in report_addresses(key)]
    if reported:
        out.command("GetReport", {"requestId": _report_id(out), "componentVariable": reported}, _REPORT)


def _report_id(out: Outbox) -> int:
    out.station.report_id += 1
    reports = out.station.reports
    reports[out.frame_id] = out.station.report_id
    if len(reports) > _MAX_REPORTS:
        del reports[next(iter(reports))]
    return out.station.report_id


class _Answer:
    """What a GetConfiguration.conf tells, by key in lower case."""

    def __init__(self, payload: dict[str, Any]) -> None:
        keys = objects(payload.get("configurationKey"))
        self.told = {name.lower(): one for one in keys if (name := text(one, "key")) is not None}
        self.values = {name: text(one, "value") or "" for name, one in self.told.items()}
        unknown = payload.get("unknownKey")
        names = unknown if isinstance(unknown, list) else []
        self.unknown = {name.lower() for name in names if isinstance(name, str)}

    def is_read_only(self, name: str) -> bool:
        return self.told[name].get("readonly") is True


def _get_answer(out: Outbox, request: PendingCall, payload: dict[str, Any]) -> None:
    answer = _Answer(payload)
    keys = _keys(request.call.payload)
    request_id = out.station.reports.pop(request.frame_id, None)
    if not keys:
        told = [one for name in answer.told for one in _told(out, find(text(answer.told[name], "key") or ""), answer)]
        if request_id is not None:
            say_report(out, request, "GetBaseReport", request_id, told)
    else:
        asked = [(key, address) for key in keys for address in addresses(key, out.place)]
        if asked:
            said = {name: _said(out, key, answer) for name, key in {key.name: key for key, _ in asked}.items()}
            results = [_result(key, address, answer, said[key.name]) for key, address in asked]
            provenance = {**_RESULTS, **_WORKED_OUT} if _is_worked_out(*said.values()) else _RESULTS
            out.respond(request, "GetVariables", {"getVariableResult": results}, provenance)
            _name_flags(out, {key.name.lower() for key, _ in asked}, answer)
        if request_id is not None:
            told = [one for key in keys if report_addresses(key) for one in _told(out, key, answer)]
            say_report(out, request, "GetReport", request_id, told)
        _name_unasked(out, keys, answer)
    learn_keys(out, answer.values)
    count = integer(answer.values, "numberofconnectors")
    if count is not None and count > 0:
        out.station.connector_count = count


def _told(out: Outbox, key: Key, answer: _Answer) -> list[Told]:
    """What the answer says of a key's variables, for a report; what it says beyond them is named."""
    name = key.name.lower()
    if name not in answer.told:
        return []
    return [(key, answer.is_read_only(name), one) for one in _said(out, key, answer)]


def _said(out: Outbox, key: Key, answer: _Answer) -> list[Statement]:
    """What its value says, where the answer tells it; what it says beyond the variables is named."""
    value = answer.values.get(key.name.lower())
    if value is None:
        return []
    found, whole = statements(key, value, answer.values, out.place)
    if not whole:
        out.lost(f"{_GIVEN}.value:{key.name}", _shown(key, value), detail=_left_out(key, found))
    return found


def _left_out(key: Key, found: list[Statement]) -> str:
    if not key.measurands:
        return _NOT_ALL
    words = dict.fromkeys(word for one in found for word in one.caveats)
    return "; ".join(words)[:_LONGEST_DETAIL]


def _is_worked_out(*found: list[Statement]) -> bool:
    return any(one.certainty is not Certainty.OBSERVED for statements_of in found for one in statements_of)


def _result(key: Key, address: Address, answer: _Answer, found: list[Statement]) -> dict[str, Any]:
    """GetVariableResult: one for each variable that was asked for (B06.FR.01, B06.FR.02)."""
    name = key.name.lower()
    result = {**address.said(), "attributeType": "Actual"}  # B06.FR.11
    if key.access is Access.WRITE_ONLY and name in answer.told:
        return {**result, "attributeStatus": "Rejected"}  # B06.FR.09
    if name not in answer.told:
        # Neither told nor called unknown, where a station forgets a key: nothing can be said of it.
        return {**result, "attributeStatus": "UnknownVariable" if name in answer.unknown else "Rejected"}
    value = next((one.value for one in found if one.address == address), None)
    return {**result, "attributeStatus": "Accepted", "attributeValue": value or ""}  # B06.FR.13


def _name_flags(out: Outbox, asked: set[str], answer: _Answer) -> None:
    flags = {str(answer.is_read_only(name)).lower() for name in asked if name in answer.told}
    if flags:
        detail = "a GetVariablesResponse has no place for it: reports have, as mutability"
        out.lost(f"{_GIVEN}.readonly", ", ".join(sorted(flags)), detail=detail)


def _name_unasked(out: Outbox, keys: list[Key], answer: _Answer) -> None:
    """Some stations give all keys whatever was asked for; 2.0.1 has a result for what was asked only (B06.FR.02)."""
    unasked = set(answer.told) - {key.name.lower() for key in keys}
    if unasked:
        detail = "keys that nobody asked for: 2.0.1 has a result for each variable asked for, and no other (B06.FR.02)"
        out.lost(f"{_GIVEN}.key", f"{len(unasked)} keys", detail=detail)


def _shown(key: Key, value: str) -> str | None:
    """A value, unless it is a secret: it was redacted, and even its length is nobody's business."""
    return None if classify(key.name) is not Kind.PLAIN else value


def _get_refused(out: Outbox, request: PendingCall, error: CallError) -> None:
    """The refusal of each 2.0.1 request that was made of it."""
    out.station.reports.pop(request.frame_id, None)
    keys = _keys(request.call.payload)
    if not keys:
        relay.refuse(out, request, error, "GetBaseReport")
    if any(addresses(key, out.place) for key in keys):
        relay.refuse(out, request, error, "GetVariables")
    if any(report_addresses(key) for key in keys):
        relay.refuse(out, request, error, "GetReport")


# -- ChangeConfiguration -----------------------------------------------------------------------------------------------


def _settings(out: Outbox, call: Call) -> tuple[Key, list[Statement], bool]:
    """The key, what its new value sets, and whether that is all of it: none where nothing of 2.0.1 is set to it."""
    key = find(text(call.payload, "key") or "")
    if key.network_profile or key.way not in (Way.ATTRIBUTE, Way.PHASES):
        return key, [], False
    found, whole = statements(key, text(call.payload, "value") or "", {}, out.place)
    return key, found, whole


def _change(out: Outbox, call: Call) -> None:
    """ChangeConfiguration → SetVariables (B05)."""
    value = text(call.payload, "value")
    if text(call.payload, "key") is None or value is None:
        out.unmapped("ChangeConfiguration: no key and value")
        return
    key, found, whole = _settings(out, call)
    if key.network_profile:
        detail = "read-only in 2.0.1: SetNetworkProfile changes it, with an address that 1.6 does not tell (B09)"
        out.lost("ChangeConfiguration.key", key.name, detail=detail)
    elif key.way not in (Way.ATTRIBUTE, Way.PHASES):
        detail = "a characteristic or a derived value: no attribute of 2.0.1 can be set to it"
        out.lost("ChangeConfiguration.key", key.name, detail=detail)
    elif not (whole and found):
        out.lost(f"ChangeConfiguration.value:{key.name}", _shown(key, value), detail=_left_out(key, found))
    if found:
        data = [{**one.address.said(), "attributeValue": one.value or ""} for one in found]
        worked_out = {"setVariableData.attributeValue": Provenance.DERIVED} if _is_worked_out(found) else {}
        out.command("SetVariables", {"setVariableData": data}, {**_SET, **worked_out})


def _change_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    if not out.was_asked(request, "SetVariables"):
        return
    said = text(answer, "status") or ""
    status = _STATUSES.get(said)
    if status is None:
        out.unmapped(f"ChangeConfiguration.conf.status={said}"[:80])
        return
    _, found, _ = _settings(out, request.call)
    results = [{**one.address.said(), "attributeType": "Actual", "attributeStatus": status} for one in found]
    out.respond(request, "SetVariables", {"setVariableResult": results}, _WAS_SET)


CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
"""Requests of the station."""

COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {
    "GetConfiguration": _get,
    "ChangeConfiguration": _change,
}
"""Requests of the CSMS, by 1.6 action."""

ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "GetConfiguration": _get_answer,
    "ChangeConfiguration": _change_answer,
}
"""The station's answers to them."""

REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {
    "GetConfiguration": _get_refused,
}
"""What a CALLERROR ends, where that is more than the table of the answer says."""
