"""What native 2.0.1 tells of the device model: reports, variables read and set, events, boots (B05 to B08, N07)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ingest.frame import Direction
from shadow.device_model.address import Address, address_of
from shadow.device_model.fact import Source
from shadow.device_model.memory import ReportMemory
from shadow.native import device_findings
from shadow.native.reading import integer, listed, nested, text
from shadow.station import observed
from shadow.station.fields import plain
from shadow.station.key_facts import is_secret, secrecy
from shadow.station.outbox import Outbox

__all__ = ["on_answer", "on_call", "on_error"]

_MAX_FACTS: Final = 2_000
"""Of one message."""
_MAX_REPORTS: Final = 8
_FULL: Final = "FullInventory"
_BASES: Final = frozenset({"ConfigurationInventory", _FULL})
"""ReportBaseEnumType whose reports hold all that can be set, or all. SummaryInventory tells of troubles only (B07)."""
_SUFFIXES: Final = {None: "", "Actual": "", "Target": "#Target", "MinSet": "#MinSet", "MaxSet": "#MaxSet"}
"""By AttributeEnumType; without one it is the Actual attribute."""
_LIMITS: Final = ("unit", "minLimit", "maxLimit", "valuesList", "supportsMonitoring")
_NOT_KEPT: Final = frozenset({"Rejected"})
_VALUES: Final = frozenset({"Accepted", "RebootRequired"})


class _Teller:
    """The facts of one message, as many as are taken from one; of what it says twice the latter holds."""

    def __init__(self, action: str) -> None:
        self._action = action
        self._facts: dict[tuple[Source, str], tuple[str | None, dict[str, str]]] = {}
        self._full = False

    def note(self, source: Source, name: str, value: str | None, detail: dict[str, str]) -> None:
        if (source, name) in self._facts or len(self._facts) < _MAX_FACTS:
            self._facts[source, name] = (value, detail)
        else:
            self._full = True

    def tell(self, out: Outbox) -> None:
        for (source, name), (value, detail) in self._facts.items():
            out.fact(source, name, value, detail=detail)
        if self._full:
            out.unmapped(f"{self._action}: facts beyond {_MAX_FACTS}")

    def variable(self, address: Address, suffix: str, value: str | None, status: str = "Accepted") -> None:
        """A value; of a secret only whether it is set, of a status that is a refusal only the status."""
        detail = {"via": self._action} if status == "Accepted" else {"via": self._action, "status": status}
        if value is not None and any(is_secret(name) for name in (address.variable, address.instance) if name):
            value, detail = None, {**detail, **secrecy(value)}
        self.note(Source.VARIABLE, f"{address}{suffix}", value, detail)


def on_call(out: Outbox, action: str, payload: dict[str, Any], direction: Direction) -> None:
    """Note what a request tells, from the side that may send it."""
    match action:
        case "BootNotification":
            _boot(out, nested(payload, "chargingStation"))
        case "NotifyReport":
            _report(out, payload)
        case "NotifyEvent":
            teller = _Teller(action)
            for one, address in _addressed(payload, "eventData"):
                teller.variable(address, "", plain(one.get("actualValue")))
            teller.tell(out)
        case "GetBaseReport" if direction is Direction.CS_TO_CP:
            _begin_report(out, payload)
        case _:
            pass


def on_answer(out: Outbox, action: str, request: dict[str, Any], answer: dict[str, Any], asked_by: Direction) -> None:
    """Note what an answer tells."""
    match action:
        case "BootNotification":
            observed.note_boot_answer(out, answer)
        case "GetVariables":
            _got(out, answer)
        case "SetVariables":
            _set(out, request, answer)
        case "GetBaseReport" if text(answer, "status") != "Accepted":
            _end_report(out, request)
        case "DataTransfer":
            observed.note_transfer(out, request, asked_by, text(answer, "status") or "")
        case _:
            pass


def on_error(out: Outbox, action: str, request: dict[str, Any]) -> None:
    """A request that was refused: no report comes of it."""
    if action == "GetBaseReport":
        _end_report(out, request)


def _boot(out: Outbox, station: dict[str, Any]) -> None:
    """ChargingStationType (§2.13), under the names that 1.6 has for the same (`shadow.mapping.core`)."""
    modem = nested(station, "modem")
    said = {
        "chargePointVendor": station.get("vendorName"),
        "chargePointModel": station.get("model"),
        "chargePointSerialNumber": station.get("serialNumber"),
        "firmwareVersion": station.get("firmwareVersion"),
        "iccid": modem.get("iccid"),
        "imsi": modem.get("imsi"),
    }
    observed.note_boot(out, said)


def _addressed(payload: dict[str, Any], key: str) -> Iterator[tuple[dict[str, Any], Address]]:
    """The elements of a list that name a variable."""
    for one in listed(payload, key):
        address = address_of(one)
        if address is not None:
            yield one, address


# -- reports -----------------------------------------------------------------------------------------------------------


def _begin_report(out: Outbox, payload: dict[str, Any]) -> None:
    number, base = integer(payload, "requestId"), text(payload, "reportBase")
    if number is None or base not in _BASES:
        return
    reports = out.station.device.reports
    reports.pop(number, None)
    reports[number] = ReportMemory(base)
    if len(reports) > _MAX_REPORTS:
        del reports[next(iter(reports))]


def _end_report(out: Outbox, request: dict[str, Any]) -> ReportMemory | None:
    number = integer(request, "requestId")
    return None if number is None else out.station.device.reports.pop(number, None)


def _report(out: Outbox, payload: dict[str, Any]) -> None:
    """NotifyReport (B07, B08): characteristics and attributes of each variable; the last part ends the report."""
    teller, addresses = _Teller("NotifyReport"), []
    told: list[tuple[Address, str]] = []
    for one, address in _addressed(payload, "reportData"):
        addresses.append(address)
        told += ((address, value) for value in _entry(teller, one, address))
    teller.tell(out)
    device_findings.name_flaws(out, told)
    number = integer(payload, "requestId")
    report = None if number is None else out.station.device.reports.get(number)
    if report is None:
        return
    report.since = report.since or out.at
    report.broken |= integer(payload, "seqNo") != report.parts
    report.parts += 1
    report.variables += len(addresses)
    device_findings.supply(report, addresses)
    if payload.get("tbc") is True:
        return
    _end_report(out, payload)
    if not report.broken:
        detail = {"changed_at": str(report.since), "base": report.base}
        out.fact(Source.ANSWER, "NotifyReport", str(report.variables), detail=detail)
        if report.base == _FULL:
            device_findings.name_missing(out, report)


def _entry(teller: _Teller, entry: dict[str, Any], address: Address) -> Iterator[str]:
    """ReportDataType (§2.38); gives the value of its Actual attribute, where one is told."""
    said, attributes = nested(entry, "variableCharacteristics"), listed(entry, "variableAttribute")
    told = {name: plain(said.get(name)) for name in _LIMITS}
    actual = next((one for one in attributes if one.get("type") in (None, "Actual")), {})
    told["mutability"] = text(actual, "mutability")
    detail = {name: value for name, value in told.items() if value is not None}
    teller.note(Source.CHARACTERISTICS, str(address), text(said, "dataType"), detail)
    for one in attributes:
        suffix, value = _suffix(one.get("type")), plain(one.get("value"))
        if suffix is not None:
            teller.variable(address, suffix, value)
            if suffix == "" and value is not None:
                yield value


def _suffix(kind: object) -> str | None:
    """What stands behind the address of an attribute; None of one that 2.0.1 has not, which the schema check names."""
    return _SUFFIXES.get(kind) if kind is None or isinstance(kind, str) else None


# -- variables that are read and set -----------------------------------------------------------------------------------


def _got(out: Outbox, answer: dict[str, Any]) -> None:
    """GetVariablesResponse (B06)."""
    teller = _Teller("GetVariables")
    for one, address in _addressed(answer, "getVariableResult"):
        status, suffix = text(one, "attributeStatus"), _suffix(one.get("attributeType"))
        if status is None or suffix is None:
            continue
        value = (plain(one.get("attributeValue")) or "") if status == "Accepted" else None
        teller.variable(address, suffix, value, status)
    teller.tell(out)


def _set(out: Outbox, request: dict[str, Any], answer: dict[str, Any]) -> None:
    """SetVariablesResponse (B05): the values stand in the request."""
    sent = {
        (address.key, _suffix(one.get("attributeType"))): plain(one.get("attributeValue")) or ""
        for one, address in _addressed(request, "setVariableData")
    }
    teller = _Teller("SetVariables")
    for one, address in _addressed(answer, "setVariableResult"):
        status, suffix = text(one, "attributeStatus"), _suffix(one.get("attributeType"))
        if status is None or suffix is None or status in _NOT_KEPT:
            continue
        value = sent.get((address.key, suffix)) if status in _VALUES else None
        if status in _VALUES and suffix == "":
            device_findings.name_readonly(out, address, value)
        if value is not None or status not in _VALUES:
            teller.variable(address, suffix, value, status)
    teller.tell(out)
