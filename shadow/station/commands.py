"""What the primary commanded, as a 2.0.1 CSMS would have said it, and the station's answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.ocppj import Call, CallError
from shadow.message import Provenance
from shadow.state import PendingStart
from shadow.station import transactions
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.tables import AVAILABILITY_TYPES, RESET_TYPES, TRIGGERS, UNLOCK_STATUSES

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS"]

_MAX_COMMANDED: Final = 8
_START: Final = {"remoteStartId": Provenance.SYNTHESISED, "idToken.type": Provenance.SYNTHESISED}
_EVSE: Final = {"evse": Provenance.CONFIGURED}
_DERIVED: Final = {"transactionId": Provenance.DERIVED, "type": Provenance.DERIVED}


def _remote_start(out: Outbox, call: Call) -> None:
    """RemoteStartTransaction → RequestStartTransaction (F01, F02). Which connector of an EVSE cannot be said."""
    tag = text(call.payload, "idTag") or ""
    number = integer(call.payload, "connectorId")
    out.station.remote_start_id += 1
    commanded = out.station.commanded_starts
    commanded[out.frame_id] = PendingStart(out.station.remote_start_id, tag, number or None, out.at)
    if len(commanded) > _MAX_COMMANDED:
        del commanded[next(iter(commanded))]
    payload: dict[str, Any] = {
        "remoteStartId": out.station.remote_start_id,
        "idToken": out.id_token(tag),
    }
    if number is not None and number > 0:
        payload["evseId"] = out.place(number).evse_id
    if "chargingProfile" in call.payload:
        out.unmapped("RemoteStartTransaction.chargingProfile")
    out.command("RequestStartTransaction", payload, _START)


def _remote_start_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    status = text(answer, "status")
    start = out.station.commanded_starts.pop(request.frame_id, None)
    if status == "Accepted" and start is not None:
        start.accepted_at = out.at
        out.station.remote_starts.append(start)
        del out.station.remote_starts[:-_MAX_COMMANDED]
    _status(out, request, "RequestStartTransaction", status, {"Accepted": "Accepted", "Rejected": "Rejected"})


def _remote_stop(out: Outbox, call: Call) -> None:
    """RemoteStopTransaction → RequestStopTransaction (F03): the integer becomes the station's own transactionId."""
    primary_id = integer(call.payload, "transactionId")
    known = transactions.find_by_primary(out, primary_id) if primary_id is not None else None
    transaction_id = known.transaction_id if known is not None else str(primary_id)[:36]
    out.command("RequestStopTransaction", {"transactionId": transaction_id}, _DERIVED)


def _reset(out: Outbox, call: Call) -> None:
    """Reset (B11, B12). A 1.6 Soft reset stops a running transaction; OnIdle would wait for it (B12.FR.01)."""
    kind = text(call.payload, "type") or ""
    running = bool(transactions.open_transactions(out))
    mapped = "Immediate" if running else RESET_TYPES.get(kind, "Immediate")
    out.command("Reset", {"type": mapped}, _DERIVED)


def _reset_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    status = text(answer, "status")
    if status == "Accepted":
        out.station.reset_at = out.station.boot_reset_at = out.at
    _status(out, request, "Reset", status, {"Accepted": "Accepted", "Rejected": "Rejected"})


def _unlock(out: Outbox, call: Call) -> None:
    """UnlockConnector (F05)."""
    number = integer(call.payload, "connectorId")
    if number is None or number < 1:
        out.unmapped("UnlockConnector.connectorId")
        return
    place = out.place(number)
    out.command("UnlockConnector", {"evseId": place.evse_id, "connectorId": place.connector_id}, _EVSE)


def _unlock_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    _status(out, request, "UnlockConnector", text(answer, "status"), UNLOCK_STATUSES)


def _availability(out: Outbox, call: Call) -> None:
    """ChangeAvailability (G03, G04): connector 0 is the station, which 2.0.1 says by naming no EVSE."""
    number = integer(call.payload, "connectorId") or 0
    kind = AVAILABILITY_TYPES.get(text(call.payload, "type") or "")
    if kind is None:
        out.unmapped(f"ChangeAvailability.type={call.payload.get('type')}"[:80])
        return
    payload: dict[str, Any] = {"operationalStatus": kind}
    if number > 0:
        payload["evse"] = out.evse(number)
    out.command("ChangeAvailability", payload, _EVSE)


def _availability_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    statuses = {"Accepted": "Accepted", "Rejected": "Rejected", "Scheduled": "Scheduled"}
    _status(out, request, "ChangeAvailability", text(answer, "status"), statuses)


def _trigger(out: Outbox, call: Call) -> None:
    """TriggerMessage (F06)."""
    wanted = text(call.payload, "requestedMessage") or ""
    mapped = TRIGGERS.get(wanted)
    if mapped is None:
        out.unmapped(f"TriggerMessage.requestedMessage={wanted}"[:80])
        return
    if mapped == "BootNotification":
        out.station.boot_triggered_at = out.at
    payload: dict[str, Any] = {"requestedMessage": mapped}
    number = integer(call.payload, "connectorId")
    if mapped == "StatusNotification":
        for key, connector in out.station.connectors.items():
            if number in (None, key):
                connector.reported = None  # F06: what is asked for is sent, changed or not
    if number is not None and number > 0:
        payload["evse"] = out.evse(number)
    out.command("TriggerMessage", payload, _EVSE)


def _trigger_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    status = text(answer, "status")
    wanted = text(request.call.payload, "requestedMessage") or ""
    if status != "Accepted" and wanted == "BootNotification":
        out.station.boot_triggered_at = None
    if status == "Accepted" and wanted in TRIGGERS:
        out.station.triggered[wanted] = out.at
    known = ("Accepted", "Rejected", "NotImplemented")
    _status(out, request, "TriggerMessage", status, {word: word for word in known})


def _status(
    out: Outbox, request: PendingCall, action: str, status: str | None, names: dict[str, str], **extra: Any
) -> None:
    mapped = names.get(status or "")
    if mapped is None:
        out.unmapped(f"{action}Response.status={status}"[:80])
        return
    out.respond(request, action, {"status": mapped, **extra})


COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "Reset": _reset,
    "UnlockConnector": _unlock,
    "ChangeAvailability": _availability,
    "TriggerMessage": _trigger,
}
"""Requests of the CSMS, by 1.6 action."""

CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
"""Requests of the station."""


def _remote_stop_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    _status(
        out, request, "RequestStopTransaction", text(answer, "status"), {"Accepted": "Accepted", "Rejected": "Rejected"}
    )


ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "RemoteStartTransaction": _remote_start_answer,
    "RemoteStopTransaction": _remote_stop_answer,
    "Reset": _reset_answer,
    "UnlockConnector": _unlock_answer,
    "ChangeAvailability": _availability_answer,
    "TriggerMessage": _trigger_answer,
}
"""The station's answers to them."""

REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {}
"""What a CALLERROR ends, where that is more than the table of the answer says."""
