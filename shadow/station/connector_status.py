"""StatusNotification of 2.0.1 (G01): the status of one connector of one EVSE."""

from __future__ import annotations

from typing import Final

from shadow.message import Provenance
from shadow.station.outbox import Outbox

__all__ = ["say_status"]

_EVSE: Final = {"evseId": Provenance.CONFIGURED, "connectorId": Provenance.CONFIGURED}
_MADE_TIME: Final = {**_EVSE, "timestamp": Provenance.SYNTHESISED}


def say_status(
    out: Outbox,
    number: int,
    reported: str,
    timestamp: str,
    *,
    made_time: bool = False,
    caused_by: tuple[str, ...] | None = None,
) -> None:
    """StatusNotificationRequest; the topology says which EVSE a 1.6 connector is (2.0.1 Part 1 §7.2).

    `made_time`: the timestamp is not the station's own, which 2.0.1 requires and 1.6 may leave out. `caused_by`: where
    it was not the frame that is lived.
    """
    place = out.place(number)
    payload = {
        "timestamp": timestamp,
        "connectorStatus": reported,
        "evseId": place.evse_id,
        "connectorId": place.connector_id,
    }
    out.say("StatusNotification", payload, _MADE_TIME if made_time else _EVSE, caused_by=caused_by)
