"""What is remembered of native messages, so that the rules can look back. Bounded; changes the state it is given."""

from __future__ import annotations

from typing import Any, Final

from ingest.frame import Direction
from shadow.native.reading import Event, integer, listed, nested, text, token
from shadow.native.rule import Said
from shadow.native.state import NativeRemoteStart, NativeState, NativeTransaction
from shadow.station.state import MAX_ENDED, MAX_OPEN

__all__ = ["go_blind", "interrupt", "note"]

_MAX_RECENT: Final = 16
_MAX_MISSING: Final = 64
_MAX_WAITING: Final = 16
_MAX_REPORTED: Final = 64
_MAX_TRIGGERED: Final = 16
_CONNECTED: Final = frozenset({"EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE"})
_BRINGS: Final = {
    "GetBaseReport": "NotifyReport",
    "GetReport": "NotifyReport",
    "GetMonitoringReport": "NotifyMonitoringReport",
    "UpdateFirmware": "FirmwareStatusNotification",
    "GetLog": "LogStatusNotification",
}
"""Requests of the CSMS, and the messages of the station that carry their requestId back."""
_SIGNED: Final = frozenset({"SignChargingStationCertificate", "SignV2GCertificate", "SignCombinedCertificate"})
"""MessageTriggerEnumType (§3.54) has three names for one message."""


def note(facts: NativeState, said: Said) -> None:
    """Take a message into memory, after it was checked."""
    if said.event is not None:
        _event(facts, said, said.event)
    elif said.is_request:
        _request(facts, said)
    elif said.request is not None:
        _answer(facts, said, said.request)


def interrupt(facts: NativeState) -> None:
    """The connection ended: until the next event of each transaction events may have been dropped (E04.FR.07)."""
    for known in facts.transactions.values():
        known.interrupted = True
    facts.calls_before_boot = []


def go_blind(facts: NativeState) -> None:
    """Something was not seen: nothing is concluded from what was not told."""
    for known in facts.transactions.values():
        known.whole, known.interrupted = False, True
        known.missing = []
        known.remote_start_id = None
    facts.booted, facts.boot_status, facts.reported = False, None, None
    facts.parts, facts.requested, facts.triggered = {}, {}, {}
    facts.remote_starts, facts.reservations = {}, {}


def _trim(waiting: dict[Any, Any], most: int = _MAX_WAITING) -> None:
    if len(waiting) > most:
        del waiting[next(iter(waiting))]


def _event(facts: NativeState, said: Said, event: Event) -> None:
    known = said.transaction
    if event.transaction_id is None or event.seq_no is None or said.is_resend:
        return
    again = known is not None and event.kind == "Started" and known.ended and not said.is_late
    if known is None or again:
        known = facts.transactions[event.transaction_id] = NativeTransaction(seq_no=event.seq_no)
        known.whole = event.kind == "Started"
        _bound(facts)
    _number(known, event, event.seq_no)
    if event.kind == "Started":
        known.started = True
    if event.evse_id is not None:
        known.evse_id = event.evse_id
        known.connector_id = event.connector_id if event.connector_id is not None else known.connector_id
    if known.connector_id is None and (event.charging_state in _CONNECTED or event.trigger == "CablePluggedIn"):
        known.asked_evse = True
    if event.seq_no == known.seq_no:
        _newest(known, event)
    known.stop_authorized |= event.trigger == "StopAuthorized"
    known.abnormal |= event.trigger == "AbnormalCondition"
    known.id_token = known.id_token or event.id_token
    known.ended |= event.kind == "Ended"
    for at, reading in event.registers():
        if known.register_at is None or at >= known.register_at:
            known.register, known.register_resolution, known.register_at = reading.wh, reading.resolution_wh, at
    _used(facts, event)


def _newest(known: NativeTransaction, event: Event) -> None:
    known.charging_state = event.charging_state or known.charging_state
    known.remote_start_id = None
    known.interrupted = event.offline


def _number(known: NativeTransaction, event: Event, number: int) -> None:
    if number > known.seq_no:
        if number - known.seq_no <= _MAX_MISSING:
            known.missing.extend(range(known.seq_no + 1, number))
            del known.missing[:-_MAX_MISSING]
        known.seq_no = number
    elif number in known.missing:
        known.missing.remove(number)
    known.recent[number] = event.digest
    _trim(known.recent, _MAX_RECENT)


def _used(facts: NativeState, event: Event) -> None:
    """What waited for this event waits no longer."""
    reserved = integer(event.payload, "reservationId")
    if reserved is not None:
        facts.reservations.pop(reserved, None)
    if event.id_token is None:
        return
    for waiting in (facts.remote_starts, facts.reservations):
        for number in [key for key, one in waiting.items() if one.id_token == event.id_token]:
            del waiting[number]


def _bound(facts: NativeState) -> None:
    ended = [key for key, one in facts.transactions.items() if one.ended]
    if len(ended) > MAX_ENDED:
        del facts.transactions[ended[0]]
    elif len(facts.transactions) > MAX_OPEN + MAX_ENDED:
        del facts.transactions[next(iter(facts.transactions))]


def _request(facts: NativeState, said: Said) -> None:
    payload, action = said.payload, said.action
    number = integer(payload, "requestId")
    if said.direction is Direction.CS_TO_CP:
        if action in _BRINGS and number is not None:
            known = facts.requested.setdefault(_BRINGS[action], [])
            known.append(number)
            del known[:-_MAX_WAITING]
        elif action == "RequestStartTransaction" and (given := integer(payload, "remoteStartId")) is not None:
            facts.remote_start_ids.append(given)
            del facts.remote_start_ids[:-_MAX_WAITING]
    elif action == "BootNotification":
        _boot(facts, payload)
    elif action == "StatusNotification":
        _reported(facts, integer(payload, "evseId"), integer(payload, "connectorId"))
    elif action in ("NotifyReport", "NotifyMonitoringReport", "NotifyEvent"):
        _part(facts, said, f"{action}/{number}")
    elif action == "ReservationStatusUpdate" and (given := integer(payload, "reservationId")) is not None:
        facts.reservations.pop(given, None)


def _boot(facts: NativeState, payload: dict[str, Any]) -> None:
    if text(payload, "reason") == "Triggered":
        return
    facts.booted, facts.boot_status = True, "waiting"
    facts.triggered, facts.parts, facts.remote_starts = {}, {}, {}
    facts.calls_before_boot = []
    for known in facts.transactions.values():
        known.interrupted = True


def _reported(facts: NativeState, evse_id: int | None, connector_id: int | None) -> None:
    if facts.reported is None or evse_id is None or connector_id is None:
        return
    connector = f"{evse_id}/{connector_id}"
    if connector not in facts.reported and len(facts.reported) < _MAX_REPORTED:
        facts.reported.append(connector)


def _part(facts: NativeState, said: Said, key: str) -> None:
    number = integer(said.payload, "seqNo")
    if said.payload.get("tbc") is True and number is not None:
        facts.parts[key] = number + 1
        _trim(facts.parts)
    else:
        facts.parts.pop(key, None)
    for told in listed(said.payload, "eventData"):
        # E02.FR.05, B01.FR.05: a NotifyEvent may tell a connector's status in the place of StatusNotification.
        if text(nested(told, "variable"), "name") == "AvailabilityState":
            evse = nested(nested(told, "component"), "evse")
            _reported(facts, integer(evse, "id"), integer(evse, "connectorId"))


def _answer(facts: NativeState, said: Said, request: dict[str, Any]) -> None:
    status, action = text(said.payload, "status"), said.action
    if action == "BootNotification":
        if status == "Accepted" and (facts.reported is None or facts.boot_status != "Accepted"):
            facts.reported = []
        facts.boot_status = status or facts.boot_status
    elif status != "Accepted":
        return
    elif action == "RequestStartTransaction":
        _remote_start(facts, said, request)
    elif action == "TriggerMessage" and (wanted := text(request, "requestedMessage")) is not None:
        facts.triggered["SignCertificate" if wanted in _SIGNED else wanted] = said.at
        _trim(facts.triggered, _MAX_TRIGGERED)
    elif action in ("GetBaseReport", "GetReport"):
        facts.triggered[_BRINGS[action]] = said.at
    elif action == "ReserveNow" and (number := integer(request, "id")) is not None:
        facts.reservations[number] = NativeRemoteStart(token(request), integer(request, "evseId"), said.at)
        _trim(facts.reservations)
    elif action == "CancelReservation" and (number := integer(request, "reservationId")) is not None:
        facts.reservations.pop(number, None)


def _remote_start(facts: NativeState, said: Said, request: dict[str, Any]) -> None:
    number = integer(request, "remoteStartId")
    running = facts.transactions.get(text(said.payload, "transactionId") or "")
    if number is None:
        return
    if running is not None:
        running.remote_start_id = number
        return
    facts.remote_starts[number] = NativeRemoteStart(token(request), integer(request, "evseId"), said.at)
    _trim(facts.remote_starts)
