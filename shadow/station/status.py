"""StatusNotification (G01): the connector's status, and what else of 2.0.1 it brings.

One message of 1.6 becomes up to three of 2.0.1: the connectorStatus where it changes, the error as NotifyEvent
(`station.errors`), and the chargingState of the transaction on it (`station.charging_state`; E02.FR.13, E01.FR.18).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ingest.exchange import PendingCall
from ingest.frame import Micros
from ingest.ocppj import Call, CallError
from ingest.timestamps import format_micros
from shadow.mapping.connectors import name_unknown
from shadow.station import boundaries, charging_state, doubts, observed, ordering, relay, reservation, transactions
from shadow.station.connector_status import say_status
from shadow.station.errors import on_error
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.state import MAX_CONNECTORS, Connector, Transaction
from shadow.station.station_status import on_station_status
from shadow.station.tables import CHARGING_STATES, CONNECTOR_STATUSES
from shadow.station.transitions16 import is_legal

__all__ = ["answer_reports", "free_reserved", "on_status", "on_status_answer", "on_status_refused", "say_status"]

_CABLE_NEVER_OUT: Final[Micros] = 0
_REPORTS: Final = frozenset({"NotifyEvent", "ReservationStatusUpdate", "StatusNotification"})
"""What a message of the station may become, beside what it is; their responses are empty."""


class _Said(NamedTuple):
    """A status as the station said it."""

    status: str
    timestamp: str
    made_time: bool
    """The time is that of receipt: the station gave none that can be read."""


def on_status(out: Outbox, call: Call) -> None:
    """StatusNotification.req (1.6 §4.9) → StatusNotificationRequest, NotifyEventRequest, TransactionEvent Updated."""
    payload = call.payload
    number = integer(payload, "connectorId")
    status = text(payload, "status") or ""
    at, own_clock = out.stamp("StatusNotification", payload.get("timestamp"), number)
    if number is None or status not in CONNECTOR_STATUSES:
        out.unmapped(f"StatusNotification.status={status}"[:80])
        return
    connector = _connector(out, number)
    if connector is None:
        return
    observed.note_status(out, number, status, payload)
    timestamp = format_micros(at)
    said = _Said(status, timestamp, not own_clock and at == out.at)
    if number == 0:
        on_station_status(out, connector, status, timestamp)
        on_error(out, 0, connector, payload, timestamp)
        reservation.on_status(out, 0, status, was_reserved=False)
        return
    _judge_step(out, number, connector, status, at)
    before = connector.status
    _remember(out, connector, status, at if own_clock else out.at)
    if status != before:
        _name_detail(out, number, status)
    transaction = transactions.open_on(out, number)
    was_free = connector.reported != "Occupied"
    _report(out, number, connector, said, transaction)
    on_error(out, number, connector, payload, timestamp)
    reservation.on_status(out, number, status, was_reserved=before == "Reserved")
    if transaction is not None:
        charging_state.on_status(out, transaction, status, text(payload, "info") or "", at)
    else:
        plugged = was_free and connector.reported == "Occupied"
        boundaries.on_free_status(out, number, status, before, at, plugged=plugged)
    doubts.watch(out, number, connector, status)


def _remember(out: Outbox, connector: Connector, status: str, at: Micros) -> None:
    before, connector.status = connector.status, status
    if status == "Available" and connector.seen_since is None:
        connector.seen_since = at
    if status == "Preparing" and before != "Preparing":
        # F2: a new use of a cable that was never out. It was there before any token of this use.
        connector.preparing_at = _CABLE_NEVER_OUT if before == "Finishing" else out.at


def _connector(out: Outbox, number: int) -> Connector | None:
    """The connector with this 1.6 number; None where it is none, or one too many, which is named."""
    where = "StatusNotification.connectorId"
    unknown = name_unknown(out, where, number)
    connector = transactions.connector_of(out, number) if number >= 0 else None
    if connector is None:
        out.unmapped(where)
        if not unknown:
            detail = "more connectors than a charging station can have"
            out.find("topology.unknown-connector", where, found=number, expected=MAX_CONNECTORS, detail=detail)
    return connector


def _judge_step(out: Outbox, number: int, connector: Connector, status: str, at: Micros) -> None:
    """Name a step that the state table of 1.6 has not, where both its ends were seen, in order, and nothing hid."""
    last, last_at = connector.last, connector.last_at
    connector.last, connector.last_at = status, at
    if last is None or is_legal(last, status):
        return
    if last_at is not None and at < last_at:
        connector.last = None  # an old status, told late: which one holds now is not known
        return
    if (last, status) == ("Preparing", "Unavailable") and _other_is_used(out, number):
        # An authorization makes each connector of an EVSE Preparing, and those that are not chosen Unavailable (OCA
        # note "Multiple Connectors per EVSE in OCPP 1.x"). Without a topology that says so, the EVSEs are a guess.
        if not out.siblings(number):
            place = out.place(number)
            detail = "it went as connectors do that share an EVSE with the one that is used"
            taken = f"EVSE {place.evse_id}, connector {place.connector_id}"
            where = "StatusNotification.connectorId"
            out.find("topology.ambiguous", where, connector_id=number, found=number, expected=taken, detail=detail)
        return
    path = f"StatusNotification.status {last} to {status}"
    detail = "the state table of 1.6 (section 4.9) has no such step"
    out.find("status.illegal-transition", path, connector_id=number, found=f"{last} → {status}", detail=detail)


def _name_detail(out: Outbox, number: int, status: str) -> None:
    """Five statuses are one in 2.0.1: what tells them apart is the chargingState of a transaction, where one runs."""
    if CONNECTOR_STATUSES[status] == "Occupied":
        out.find(
            "status.detail-lost",
            f"StatusNotification.status={status}",
            connector_id=number,
            found=status,
            expected=f"Occupied; chargingState {CHARGING_STATES[status]} in a transaction",
            detail="five statuses of 1.6 are one connectorStatus",
        )


def _report(out: Outbox, number: int, connector: Connector, said: _Said, transaction: Transaction | None) -> None:
    """Say the connectorStatus where it changes and the 1.6 status proves it."""
    status = said.status
    reported = CONNECTOR_STATUSES[status]
    if reported == connector.reported:
        return
    siblings = out.siblings(number)
    if status == "Preparing" and transaction is None:
        if connector.reported == "Reserved":
            # G01.FR.09 (errata 2.28): a cable in a reserved connector changes nothing until the token is there.
            # With it the connector is Available (H03.FR.09): Preparing proves no cable then.
            if reservation.is_presented(out, number):
                free_reserved(out, number, connector, said.timestamp, cabled=False, made_time=said.made_time)
            return
        if siblings or _token_waits(out):
            # §4.9 Preparing comes from the cable or from the card alone (OCA TC_004_2), and then on every connector of
            # the EVSE: it proves no cable, and Occupied would be an invention. StartTransaction will prove it.
            return
    if status == "Unavailable" and any(_is_used(out, other) for other in siblings):
        return  # the EVSE is in use by its other connector, and this one is no fault (OCA, as above)
    connector.reported = reported
    say_status(out, number, reported, said.timestamp, made_time=said.made_time)


def _other_is_used(out: Outbox, number: int) -> bool:
    """Whether another connector of the EVSE is in use; of the station, where the topology names none beside it."""
    others = out.siblings(number) or tuple(other for other in out.station.connectors if other not in (0, number))
    return any(_is_used(out, other) for other in others)


def _is_used(out: Outbox, number: int) -> bool:
    connector = out.station.connectors.get(number)
    occupied = connector is not None and CONNECTOR_STATUSES.get(connector.status or "") == "Occupied"
    return occupied or transactions.open_on(out, number) is not None


def free_reserved(
    out: Outbox, number: int, connector: Connector, timestamp: str, *, cabled: bool, made_time: bool
) -> None:
    """The token of a reservation is there: Available without a cable, Occupied with one (H03.FR.09, H03.FR.10)."""
    connector.reported = "Occupied" if cabled else "Available"
    say_status(out, number, connector.reported, timestamp, made_time=made_time)


def _token_waits(out: Outbox) -> bool:
    since = out.at - out.config.connection_timeout
    return any(at >= since for at in out.station.authorized.values()) or any(
        start.accepted_at >= since for start in out.station.remote_starts
    )


def answer_reports(out: Outbox, request: PendingCall) -> None:
    """Answer what a message of the station became, beside what it is: a CSMS answers each, with nothing in it."""
    for action in out.became(request):
        if action in _REPORTS:
            out.respond(request, action, {})


def on_status_answer(out: Outbox, request: PendingCall, _answer: dict[str, Any]) -> None:
    """StatusNotification.conf is empty, and so is the answer to a TransactionEvent that the status became.

    Where a status may begin a transaction (no start point PowerPathClosed) its Started carries the token, and 1.6 has
    answered for that in StartTransaction.conf: an empty answer would break E01.FR.12, so none is made up.
    """
    if "PowerPathClosed" in out.config.tx_start_points:
        ordering.answer(out, request, {})


def on_status_refused(out: Outbox, request: PendingCall, error: CallError) -> None:
    """A CALLERROR refuses all that the status became."""
    for action in out.became(request):
        if action in _REPORTS:
            relay.refuse(out, request, error, action)
