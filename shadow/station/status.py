"""StatusNotification (G01) and the chargingState that follows from it (E02.FR.13, E01.FR.18)."""

from __future__ import annotations

from typing import Any

from ingest.ocppj import Call
from ingest.timestamps import format_micros
from shadow.message import Provenance
from shadow.state import Connector
from shadow.station import charging_state, transactions
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.tables import CONNECTOR_STATUSES

__all__ = ["on_status"]

_EVSE = {"evseId": Provenance.CONFIGURED, "connectorId": Provenance.CONFIGURED}
_STATION_EVENT = {
    "seqNo": Provenance.SYNTHESISED,
    "eventData.eventId": Provenance.SYNTHESISED,
    "eventData.trigger": Provenance.SYNTHESISED,
    "eventData.eventNotificationType": Provenance.SYNTHESISED,
    "eventData.variable": Provenance.DERIVED,
}


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
        charging_state.on_status(out, transaction, status, text(payload, "info") or "", at)


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
