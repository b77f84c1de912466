"""The status of connector 0: in 2.0.1 a variable of the ChargingStation, told by NotifyEvent (G01)."""

from __future__ import annotations

from typing import Final

from shadow.station.notify import event, notify
from shadow.station.outbox import Outbox
from shadow.station.state import Connector

__all__ = ["on_station_status"]

_STATES: Final = frozenset({"Available", "Reserved", "Unavailable", "Faulted"})
"""What AvailabilityState of the whole station can be and 1.6 can say. §4.9 allows connector 0 the same without
Reserved, which ReserveNow of connector 0 brings about. A station as a whole is not Occupied."""


def on_station_status(out: Outbox, station: Connector, status: str, timestamp: str) -> None:
    """A 1.6 status of connector 0, where it changes (Delta)."""
    if status not in _STATES:
        detail = "a status that only a connector can have (1.6 section 4.9)"
        path = f"StatusNotification.status={status}, connectorId=0"
        out.lost(path, status, detail=detail, code="status.unmappable", connector_id=0)
    elif status != station.reported:
        station.reported = status
        notify(out, [event(out, {"name": "ChargingStation"}, "AvailabilityState", status, timestamp)])
