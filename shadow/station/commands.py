"""What the primary commanded, as a 2.0.1 CSMS would have said it, and the station's answers.

The tables say the fields; here stands what needs the state of the station: which start waits for its transaction, what
runs on a connector, which connectors there are, and where a 2.0.1 station would have answered otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow.station import boundaries, relay, transactions
from shadow.station.charging_profiles import sayable_schedule
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.profile_rules import check_shape
from shadow.station.state import MAX_CONNECTORS, PendingStart, Transaction
from shadow.station.tables import EXTENDED_TRIGGERS, TRIGGERED_ACTIONS, TRIGGERS

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS"]

_MAX_COMMANDED: Final = 8
_PROFILE: Final = "RemoteStartTransaction.chargingProfile"
_WANTED: Final = {"TriggerMessage": TRIGGERS, "ExtendedTriggerMessage": EXTENDED_TRIGGERS}


# -- remote start and stop ---------------------------------------------------------------------------------------------


def _remote_start(out: Outbox, call: Call) -> None:
    """RemoteStartTransaction → RequestStartTransaction (F01, F02)."""
    tag = text(call.payload, "idTag")
    if tag is None:
        out.unmapped("RemoteStartTransaction: no idTag")
        return
    number = integer(call.payload, "connectorId")
    out.station.remote_start_id += 1
    commanded = out.station.commanded_starts
    commanded[out.frame_id] = PendingStart(out.station.remote_start_id, tag, number or None, out.at)
    if len(commanded) > _MAX_COMMANDED:
        del commanded[next(iter(commanded))]
    given: dict[str, Any] = {"remoteStartId": out.station.remote_start_id}
    profile = call.payload.get("chargingProfile")
    if profile is not None:
        profile = sayable_schedule(out, _PROFILE, profile)
        call = replace(call, payload={**call.payload, "chargingProfile": profile})
        if profile is not None:
            check_shape(out, _PROFILE, {**profile, "chargingProfilePurpose": "TxProfile"})  # as it is said
            given["chargingProfile.chargingSchedule.id"] = integer(profile, "chargingProfileId")
    relay.request(out, call, Direction.CS_TO_CP, given)


def _remote_start_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    start = out.station.commanded_starts.pop(request.frame_id, None)
    if not out.was_asked(request, "RequestStartTransaction"):
        return
    given: dict[str, Any] = {}
    if text(answer, "status") == "Accepted":
        if start is not None:
            start.accepted_at = out.at
            out.station.remote_starts.append(start)
            del out.station.remote_starts[:-_MAX_COMMANDED]
        _name_occupied(out, request)
        given["transactionId"] = _begun_already(out, request)
    relay.answer(out, request, answer, given)
    if start is not None and start in out.station.remote_starts:
        boundaries.on_token(out, start.id_token, start)


def _name_occupied(out: Outbox, request: PendingCall) -> None:
    """Name a start that was accepted for a connector on which an authorized transaction was running."""
    number = integer(request.call.payload, "connectorId")
    running = None if number is None else transactions.open_on(out, number)
    if running is not None and running.received_at < request.called_at and _is_authorized(running):
        detail = "a 2.0.1 station rejects it: the EVSE has a transaction that is authorized (F01.FR.24)"
        out.lost("RemoteStartTransaction.conf.status", "Accepted", detail=detail, connector_id=number)


def _begun_already(out: Outbox, request: PendingCall) -> str | None:
    """The transaction that the start is for, where there was one before its answer (F01.FR.13).

    That is one begun with its token since it was asked for, or one on its connector that nobody had authorized.
    """
    number = integer(request.call.payload, "connectorId") or None
    tag = text(request.call.payload, "idTag") or ""
    for one in reversed(transactions.open_transactions(out)):
        begun = one.received_at >= request.called_at and transactions.has_token(out, one, tag)
        waits = number == one.connector_id and not _is_authorized(one)
        if (begun and number in (None, one.connector_id)) or waits:
            return one.transaction_id
    return None


def _is_authorized(running: Transaction) -> bool:
    """Whether a token was accepted for it; one that ran before the first frame had one, as all of 1.6 have."""
    return not running.refused and (running.adopted or running.id_token is not None)


# -- unlocking ---------------------------------------------------------------------------------------------------------


def _unlock(out: Outbox, call: Call) -> None:
    """UnlockConnector (F05). 1.6 stops what runs and unlocks (§5.18); 2.0.1 leaves both alone."""
    number = integer(call.payload, "connectorId")
    running = None if number is None else transactions.open_on(out, number)
    if running is not None and _is_authorized(running):
        detail = "a 2.0.1 station answers OngoingAuthorizedTransaction and goes on charging (F05.FR.02)"
        out.lost("UnlockConnector.connectorId", number, detail=detail, connector_id=number)
    given = {} if number is None else {"connectorId": out.place(number).connector_id}
    relay.request(out, call, Direction.CS_TO_CP, given)


# -- triggers ----------------------------------------------------------------------------------------------------------


def _trigger(out: Outbox, call: Call) -> None:
    """TriggerMessage and ExtendedTriggerMessage (F06)."""
    wanted = text(call.payload, "requestedMessage") or ""
    number = integer(call.payload, "connectorId")
    if wanted == "BootNotification":
        out.station.boot_triggered_at = out.at
    if number == 0:
        detail = "2.0.1 cannot ask for the station alone: without an EVSE the trigger is for all (F06.FR.11)"
        out.lost(f"{call.action}.connectorId", 0, detail=detail)
    if wanted == "MeterValues":
        detail = "2.0.1 sends the measurands of AlignedDataMeasurands (F06.FR.06), 1.6 those of MeterValuesSampledData"
        out.lost(f"{call.action}.requestedMessage", wanted, detail=detail)
    if wanted == "StatusNotification":
        for key, connector in out.station.connectors.items():
            if number in (None, key):
                connector.reported = None  # F06: what is asked for is sent, changed or not
        if number is None:
            _trigger_each(out, call)
            return
    relay.request(out, call, Direction.CS_TO_CP)


def _trigger_each(out: Outbox, call: Call) -> None:
    """Statuses of all connectors: 2.0.1 asks for each of them (F06.FR.12, F06.FR.13)."""
    count = out.station.connector_count
    known = range(1, min(count, MAX_CONNECTORS) + 1) if count else sorted(out.station.connectors)
    numbers = [number for number in known if number > 0]
    if not numbers:
        detail = "2.0.1 asks for one connector at a time (F06.FR.13), and which there are is not known yet"
        out.lost(f"{call.action}.connectorId", "absent", detail=detail)
        relay.request(out, call, Direction.CS_TO_CP)
        return
    fanned = out.station.fanned_triggers
    if len(numbers) > 1:
        fanned[out.frame_id] = len(numbers)
        if len(fanned) > _MAX_COMMANDED:
            del fanned[next(iter(fanned))]
    for number in numbers:
        one = replace(call, payload={**call.payload, "connectorId": number})
        relay.request(out, one, Direction.CS_TO_CP)


def _trigger_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    accepted = text(answer, "status") == "Accepted"
    wanted = text(request.call.payload, "requestedMessage") or ""
    if wanted == "BootNotification":
        _boot_trigger_answered(out, request, accepted=accepted)
    if accepted and wanted in _WANTED[request.call.action]:
        for action in TRIGGERED_ACTIONS.get(wanted, (wanted,)):
            out.station.triggered[action] = out.at
    for _ in range(out.station.fanned_triggers.pop(request.frame_id, 1)):
        relay.answer(out, request, answer)


def _boot_trigger_answered(out: Outbox, request: PendingCall, *, accepted: bool) -> None:
    if not accepted:
        out.station.boot_triggered_at = None
    elif out.station.boot_status == "Accepted":
        detail = "Rejected in 2.0.1, once a BootNotification was accepted (F06.FR.17)"
        out.lost(f"{request.call.action}.conf.status", "Accepted", detail=detail)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _reset_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    if text(answer, "status") == "Accepted":
        out.station.reset_at = out.station.boot_reset_at = out.at
    relay.answer(out, request, answer)


def _start_refused(out: Outbox, request: PendingCall, error: CallError) -> None:
    out.station.commanded_starts.pop(request.frame_id, None)
    relay.refuse(out, request, error)


def _trigger_refused(out: Outbox, request: PendingCall, error: CallError) -> None:
    if text(request.call.payload, "requestedMessage") == "BootNotification":
        out.station.boot_triggered_at = None
    for _ in range(out.station.fanned_triggers.pop(request.frame_id, 1)):
        relay.refuse(out, request, error)


COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {
    "RemoteStartTransaction": _remote_start,
    "UnlockConnector": _unlock,
    "TriggerMessage": _trigger,
    "ExtendedTriggerMessage": _trigger,
}
"""Requests of the CSMS, by 1.6 action."""

CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
"""Requests of the station."""

ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "RemoteStartTransaction": _remote_start_answer,
    "Reset": _reset_answer,
    "TriggerMessage": _trigger_answer,
    "ExtendedTriggerMessage": _trigger_answer,
}
"""The station's answers to them."""

REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {
    "RemoteStartTransaction": _start_refused,
    "TriggerMessage": _trigger_refused,
    "ExtendedTriggerMessage": _trigger_refused,
}
"""What a CALLERROR ends, where that is more than the table of the answer says."""
