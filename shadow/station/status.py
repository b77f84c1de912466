"""StatusNotification (G01) and the chargingState that follows from it (E02.FR.13, E01.FR.18)."""

from __future__ import annotations

from typing import Any

from ingest.ocppj import Call
from ingest.timestamps import format_micros
from shadow.message import Provenance
from shadow.state import Connector, Transaction
from shadow.station import transactions
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.tables import CHARGING_STATES, CONNECTOR_STATUSES, STOP_REASONS

__all__ = ["on_status"]

_EVSE = {"evseId": Provenance.CONFIGURED, "connectorId": Provenance.CONFIGURED}
_STATION_EVENT = {
    "seqNo": Provenance.SYNTHESISED,
    "eventData.eventId": Provenance.SYNTHESISED,
    "eventData.trigger": Provenance.SYNTHESISED,
    "eventData.eventNotificationType": Provenance.SYNTHESISED,
    "eventData.variable": Provenance.DERIVED,
}
_EV_SIDE_GONE = "EV side disconnected"
"""1.6 §4.9: the info that goes with SuspendedEV or Finishing when the cable left the car."""


def on_status(out: Outbox, call: Call) -> None:
    """StatusNotification.req (1.6 §4.9) → StatusNotificationRequest, NotifyEventRequest or TransactionEvent Updated."""
    payload = call.payload
    number = integer(payload, "connectorId")
    status = text(payload, "status") or ""
    at, own_clock = out.stamp("StatusNotification", payload.get("timestamp"), number)
    error = text(payload, "errorCode")
    if error not in (None, "NoError"):
        out.unmapped(f"StatusNotification.errorCode={error}"[:80])
    reported = CONNECTOR_STATUSES.get(status)
    if number is None or number < 0 or reported is None:
        out.unmapped(f"StatusNotification.status={status}"[:80])
        return
    if number == 0:
        _station_status(out, reported, format_micros(at))
        return
    connector = transactions.connector_of(out, number)
    if connector is None:
        out.unmapped("StatusNotification.connectorId")
        return
    before, connector.status = connector.status, status
    if status == "Available" and connector.seen_since is None:
        connector.seen_since = at if own_clock else out.at
    if status == "Preparing" and before != "Preparing":
        connector.preparing_at = out.at
    transaction = transactions.open_on(out, number)
    if status == "Preparing" and transaction is None and _token_waits(out):
        # §4.9 Preparing comes from the cable or from the card alone (OCA TC_004_2): with a token waiting
        # it proves no cable, and Occupied would be an invention. StartTransaction will prove it.
        return
    if reported != connector.reported:
        connector.reported = reported
        say_status(out, number, reported, format_micros(at))
    if transaction is not None:
        _charging_state(out, transaction, status, text(payload, "info") or "", at)


def say_status(out: Outbox, number: int, reported: str, timestamp: str) -> None:
    """StatusNotificationRequest; the topology says which EVSE a 1.6 connector is (2.0.1 Part 1 §7.2)."""
    place = out.place(number)
    payload = {
        "timestamp": timestamp,
        "connectorStatus": reported,
        "evseId": place.evse_id,
        "connectorId": place.connector_id,
    }
    out.say("StatusNotification", payload, _EVSE)


def _token_waits(out: Outbox) -> bool:
    since = out.at - out.config.connection_timeout
    return any(at >= since for at in out.station.authorized.values()) or any(
        start.accepted_at >= since for start in out.station.remote_starts
    )


def _charging_state(out: Outbox, transaction: Transaction, status: str, info: str, at: int) -> None:
    if status == "Available":
        # C1/D1/E1 of §4.9: the cable is out while 1.6 has not stopped; the StopTransaction that follows says why.
        transaction.cable_out = True
        if transactions.is_void(transaction):
            # 1.6 refused the start and stops nothing; 2.0.1 has to end what it began (E05.FR.10).
            transactions.end(out, transaction, at, STOP_REASONS["DeAuthorized"])
        else:
            transactions.on_cable_out(out, transaction, at)
        return
    if status == "Faulted":
        if transaction.charging_state == "Charging":
            transactions.update(out, transaction, at, "AbnormalCondition", charging_state="SuspendedEVSE")
        return
    state = CHARGING_STATES.get(status)
    if _EV_SIDE_GONE in info and status in ("SuspendedEV", "Finishing"):
        transaction.cable_out = True
        if status == "SuspendedEV" and transaction.charging_state != "Idle":
            # StopTransactionOnEVSideDisconnect=false: 1.6 goes on, so the transaction does too (TC_E_26).
            transactions.update(out, transaction, at, "EVCommunicationLost", charging_state="Idle")
        return
    if state is None or (transaction.cable_out and status == "Finishing"):
        return
    transaction.cable_out = False
    if transaction.charging_state == "Idle":
        transactions.update(out, transaction, at, "CablePluggedIn", charging_state="EVConnected")  # E10
    if state == transaction.charging_state:
        return
    transactions.update(out, transaction, at, "ChargingStateChanged", charging_state=state)


def _station_status(out: Outbox, reported: str, timestamp: str) -> None:
    """Connector 0: 2.0.1 has no StatusNotification of the station, its AvailabilityState is a variable (G01)."""
    station = out.station.connectors.setdefault(0, Connector())
    if reported == station.reported:
        return
    station.reported = reported
    out.station.event_id += 1
    event: dict[str, Any] = {
        "eventId": out.station.event_id,
        "timestamp": timestamp,
        "trigger": "Delta",
        "actualValue": reported,
        "eventNotificationType": "HardWiredMonitor",
        "component": {"name": "ChargingStation"},
        "variable": {"name": "AvailabilityState"},
    }
    out.say("NotifyEvent", {"generatedAt": out.now_text, "seqNo": 0, "eventData": [event]}, _STATION_EVENT)
