"""Rules of booting, variables and reports (2.0.1 Part 2, functional blocks B and N)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from ingest.frame import UNKNOWN_TIME, Direction, Micros
from shadow.native.reading import integer, listed, nested, text
from shadow.native.rule import ANSWER, ANY, REQUEST, Fault, Rule, Said
from shadow.native.state import NativeState

__all__ = ["RULES"]

_TRIGGER_WINDOW: Final[Micros] = 60_000_000


def _before_boot(facts: NativeState, said: Said) -> Fault | None:
    """Until acceptance nothing but what the CSMS asked for (B02.FR.02); the CSMS waits for its own answer."""
    if said.action == "BootNotification" or not said.is_request:
        return None
    if said.direction is Direction.CS_TO_CP:
        waiting = facts.boot_status == "waiting"
        return Fault(said.action, None, "BootNotification has no answer yet") if waiting else None
    if facts.boot_status not in ("waiting", "Pending", "Rejected"):
        return None
    asked = facts.triggered.get(said.action)
    if facts.boot_status == "Pending" and asked is not None:
        soon = UNKNOWN_TIME in (asked, said.at) or said.at - asked <= _TRIGGER_WINDOW
        if soon:
            return None
    return Fault(said.action, None, f"BootNotification is {facts.boot_status}")


def _status_after_boot(facts: NativeState, said: Said) -> Fault | None:
    event = said.event
    if facts.reported is None or event is None or event.kind != "Started" or said.transaction is not None:
        return None
    if event.evse_id is None or event.connector_id is None or event.offline:
        return None
    connector = f"{event.evse_id}/{event.connector_id}"
    if connector not in facts.reported:
        return Fault(None, connector, "a transaction on a connector whose status was not told since the boot")
    return None


def _pending_refuses(facts: NativeState, said: Said) -> Fault | None:
    status = text(said.payload, "status")
    if facts.boot_status == "Pending" and status == "Accepted":
        return Fault(status, "Rejected", "the station is not accepted yet")
    return None


def _boot_triggered(facts: NativeState, said: Said) -> Fault | None:
    asked = said.request is not None and text(said.request, "requestedMessage") == "BootNotification"
    status = text(said.payload, "status")
    if asked and facts.boot_status == "Accepted" and status == "Accepted":
        return Fault(status, "Rejected", "the station is accepted: there is nothing to boot for")
    return None


def _named(element: dict[str, Any]) -> str:
    """Component and variable of a variable's element, with their instances and EVSE."""
    component, variable = nested(element, "component"), nested(element, "variable")
    evse = nested(component, "evse")
    parts = (
        text(component, "name"), text(component, "instance"), integer(evse, "id"), integer(evse, "connectorId"),
        text(variable, "name"), text(variable, "instance"),
    )  # fmt: skip
    return "/".join("" if part is None else str(part).lower() for part in parts)


def _typed(element: dict[str, Any]) -> str:
    """The same with its attribute; an absent one is Actual (B06.FR.11)."""
    return f"{_named(element)}#{text(element, 'attributeType') or 'Actual'}"


def _count(asked_in: str, told_in: str) -> Callable[[NativeState, Said], Fault | None]:
    def check(_facts: NativeState, said: Said) -> Fault | None:
        if said.request is None:
            return None
        asked, told = len(listed(said.request, asked_in)), len(listed(said.payload, told_in))
        return None if asked == told else Fault(str(told), str(asked), f"{asked} were asked for, {told} are answered")

    return check


def _same(asked_in: str, told_in: str) -> Callable[[NativeState, Said], Fault | None]:
    def check(_facts: NativeState, said: Said) -> Fault | None:
        if said.request is None:
            return None
        asked = {_named(one) for one in listed(said.request, asked_in)}
        strange = [_named(one) for one in listed(said.payload, told_in) if _named(one) not in asked]
        return Fault(strange[0][:80], "what was asked for") if strange else None

    return check


def _same_attribute(asked_in: str, told_in: str) -> Callable[[NativeState, Said], Fault | None]:
    """Of the variables that were asked for; others are named by the rule before."""

    def check(_facts: NativeState, said: Said) -> Fault | None:
        asked = listed(said.request or {}, asked_in)
        named, typed = {_named(one) for one in asked}, {_typed(one) for one in asked}
        for one in listed(said.payload, told_in):
            if _named(one) in named and _typed(one) not in typed:
                return Fault(_typed(one)[-80:], "the attribute that was asked for")
        return None

    return check


def _value_of_accepted(_facts: NativeState, said: Said) -> Fault | None:
    for one in listed(said.payload, "getVariableResult"):
        if text(one, "attributeStatus") == "Accepted" and "attributeValue" not in one:
            return Fault(None, "attributeValue", _named(one)[:80])
    return None


def _value_of_unknown(_facts: NativeState, said: Said) -> Fault | None:
    for one in listed(said.payload, "getVariableResult"):
        status = text(one, "attributeStatus")
        if status in ("UnknownComponent", "UnknownVariable", "NotSupportedAttributeType") and "attributeValue" in one:
            return Fault(status, "no attributeValue", _named(one)[:80])
    return None


def _set_twice(_facts: NativeState, said: Said) -> Fault | None:
    counted = Counter(_typed(one) for one in listed(said.payload, "setVariableData"))
    twice = [name for name, count in counted.items() if count > 1]
    return Fault(twice[0][:80], "once in a request") if twice else None


def _part_number(facts: NativeState, said: Said) -> Fault | None:
    """Parts of a report are numbered from 0; a report whose beginning was not seen is taken as it comes."""
    number = integer(said.payload, "seqNo")
    due = facts.parts.get(f"{said.action}/{integer(said.payload, 'requestId')}", 0)
    if number is None or number == due or (due == 0 and said.payload.get("tbc") is True and facts.reported is None):
        return None
    return Fault(str(number), str(due), "parts of a report count from 0")


def _request_id(facts: NativeState, said: Said) -> Fault | None:
    """Only beside requests that were seen: what was asked before the first frame is not known."""
    known = facts.requested.get(said.action)
    given = integer(said.payload, "requestId")
    if known and given is not None and given not in known:
        return Fault(str(given), str(known[-1]), "no request had this id")
    return None


def _id_unless_idle(_facts: NativeState, said: Said) -> Fault | None:
    status = text(said.payload, "status")
    if status not in (None, "Idle") and integer(said.payload, "requestId") is None:
        return Fault(None, "requestId", f"status {status}")
    return None


def _one_customer(_facts: NativeState, said: Said) -> Fault | None:
    given = [name for name in ("idToken", "customerCertificate", "customerIdentifier") if name in said.payload]
    if len(given) != 1:
        return Fault(", ".join(given) or None, "one of idToken, customerCertificate, customerIdentifier")
    return None


def _report(number: str, action: str, ids: str) -> tuple[Rule, Rule]:
    return (
        Rule(
            number, action, REQUEST, ("seqNo", "tbc", "requestId"),
            "The parts of a report are numbered from 0 without a gap.", _part_number,
        ),
        Rule(
            ids, action, REQUEST, ("requestId",),
            "A report carries the requestId of the request that asked for it.", _request_id,
        ),
    )  # fmt: skip


_GET, _SET, _MONITOR = "getVariableResult", "setVariableResult", "setMonitoringResult"
_PLACE: Final = (".component.name", ".variable.name")

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "B01.FR.08", ANY, REQUEST, (),
        "Before its BootNotification is accepted a station sends only what the CSMS asks for (B01.FR.10, B02.FR.02).",
        _before_boot, "rpc.before-boot",
    ),
    Rule(
        "B01.FR.05", "TransactionEvent", REQUEST, ("evse",),
        "After an accepted boot the status of each connector is told before it is used.",
        _status_after_boot,
    ),
    Rule(
        "B02.FR.05", "RequestStartTransaction", ANSWER, ("status",),
        "While its boot is pending a station refuses to start.", _pending_refuses,
    ),
    Rule(
        "B02.FR.05", "RequestStopTransaction", ANSWER, ("status",),
        "While its boot is pending a station refuses to stop.", _pending_refuses,
    ),
    Rule(
        "F06.FR.17", "TriggerMessage", ANSWER, ("status",),
        "A station that is accepted refuses to be asked for a BootNotification.", _boot_triggered,
    ),
    Rule(
        "B06.FR.01", "GetVariables", ANSWER, (_GET,),
        "Each variable that was asked for has one result.", _count("getVariableData", _GET),
    ),
    Rule(
        "B06.FR.02", "GetVariables", ANSWER, tuple(_GET + field for field in _PLACE),
        "A result is of a component and variable that was asked for.", _same("getVariableData", _GET),
    ),
    Rule(
        "B06.FR.03", "GetVariables", ANSWER, (_GET + ".attributeType",),
        "A result is of the attribute that was asked for, Actual where none was (B06.FR.11).",
        _same_attribute("getVariableData", _GET),
    ),
    Rule(
        "B06.FR.10", "GetVariables", ANSWER, (_GET + ".attributeValue", _GET + ".attributeStatus"),
        "A result that is Accepted has a value, an empty one where it is not set (B06.FR.13).", _value_of_accepted,
    ),
    Rule(
        "B06.FR.06", "GetVariables", ANSWER, (_GET + ".attributeValue", _GET + ".attributeStatus"),
        "A result that names something unknown has no value (B06.FR.07, B06.FR.08).", _value_of_unknown,
    ),
    Rule(
        "B05.FR.01", "SetVariables", ANSWER, (_SET,),
        "Each variable that was to be set has one result.", _count("setVariableData", _SET),
    ),
    Rule(
        "B05.FR.02", "SetVariables", ANSWER, tuple(_SET + field for field in _PLACE),
        "A result is of a component and variable that was to be set.", _same("setVariableData", _SET),
    ),
    Rule(
        "B05.FR.03", "SetVariables", ANSWER, (_SET + ".attributeType",),
        "A result is of the attribute that was to be set, Actual where none was named (B05.FR.12).",
        _same_attribute("setVariableData", _SET),
    ),
    Rule(
        "B05.FR.13", "SetVariables", REQUEST,
        ("setVariableData", "setVariableData.component.name", "setVariableData.variable.name"),
        "A request sets each attribute once.", _set_twice,
    ),
    Rule(
        "N04.FR.01", "SetVariableMonitoring", ANSWER, (_MONITOR,),
        "Each monitor that was to be set has one result.", _count("setMonitoringData", _MONITOR),
    ),
    Rule(
        "N04.FR.02", "SetVariableMonitoring", ANSWER, tuple(_MONITOR + field for field in _PLACE),
        "A result is of a component and variable that was to be monitored.",
        _same("setMonitoringData", _MONITOR),
    ),
    *_report("B07.FR.10", "NotifyReport", "B07.FR.04"),
    *_report("N02.FR.09", "NotifyMonitoringReport", "N02.FR.04"),
    Rule(
        "N07.FR.07", "NotifyEvent", REQUEST, ("seqNo", "tbc"),
        "The parts of what an event has to tell are numbered from 0 (N08.FR.04).", _part_number,
    ),
    Rule(
        "L01.FR.20", "FirmwareStatusNotification", REQUEST, ("requestId", "status"),
        "Unless it is Idle, the status of a firmware update names the request (L02.FR.14).", _id_unless_idle,
    ),
    Rule(
        "L02.FR.06", "FirmwareStatusNotification", REQUEST, ("requestId",),
        "The status of a firmware update carries the requestId of its UpdateFirmware.", _request_id,
    ),
    Rule(
        "N01.FR.13", "LogStatusNotification", REQUEST, ("requestId", "status"),
        "Unless it is Idle, the status of a log upload names the request.", _id_unless_idle,
    ),
    Rule(
        "N01.FR.07", "LogStatusNotification", REQUEST, ("requestId",),
        "The status of a log upload carries the requestId of its GetLog.", _request_id,
    ),
    Rule(
        "N09.FR.04", "CustomerInformation", REQUEST, ("idToken", "customerCertificate", "customerIdentifier"),
        "A customer is named in one way.", _one_customer,
    ),
)  # fmt: skip
"""In the order in which they are asked."""
