"""What a station tells of itself: BootNotification, Heartbeat, Authorize, StatusNotification (1.6 Core)."""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.connectors import placed
from shadow.mapping.rules import ANSWER, FROM_STATION, REQUEST, Rule, Table, fixed, lost, made, moved, same
from shadow.mapping.tokens import id_tag, id_tag_info
from shadow.mapping.values import INTEGER, TIME, one_of, text
from shadow.message import Provenance
from shadow.station import fields
from shadow.station.outbox import Outbox
from shadow.station.tables import CONNECTOR_STATUSES, REGISTRATION_STATUSES

__all__ = ["TABLES"]


def _csms_time(out: Outbox, where: str, value: Any) -> str:
    """The CSMS's clock; the time of receipt stands in for what cannot be read."""
    return out.csms_time(where.rpartition(".")[0], value)


def _connector_id(out: Outbox, _where: str, value: Any) -> int | None:
    number = fields.integer({"": value}, "")
    return out.place(number).evse_id if number is not None and number > 0 else None


_BOOT: Final = (
    made(
        "reason",
        provenance=Provenance.DERIVED,
        why="from what went before: RemoteReset, FirmwareUpdate, Triggered, else PowerUp, or Unknown where the"
        " connection never closed (BootReasonEnumType)",
    ),
    moved("chargePointVendor", "chargingStation.vendorName", text(50)),
    moved("chargePointModel", "chargingStation.model", text(20)),
    moved(
        "chargeBoxSerialNumber",
        "chargingStation.serialNumber",
        text(25),
        lossy=True,
        why="deprecated in 1.6; used where chargePointSerialNumber is absent, otherwise named as lost",
    ),
    moved("chargePointSerialNumber", "chargingStation.serialNumber", text(25)),
    moved("firmwareVersion", "chargingStation.firmwareVersion", text(50)),
    moved("iccid", "chargingStation.modem.iccid", text(20)),
    moved("imsi", "chargingStation.modem.imsi", text(20)),
    lost("meterType", why="2.0.1 has it in the device model (FiscalMetering.Model), not in the message"),
    lost("meterSerialNumber", why="2.0.1 has it in the device model (FiscalMetering.SerialNumber), not in the message"),
)

_EVENT: Final = "NotifyEvent.eventData"
_STATUS: Final = (
    placed("connectorId", "evseId", _connector_id, why="0 is no connector: NotifyEvent of ChargingStation (G01)"),
    made("connectorId", provenance=Provenance.CONFIGURED, why="within the EVSE, by the topology (Part 1 §7.2)"),
    moved(
        "status",
        "connectorStatus",
        one_of(CONNECTOR_STATUSES),
        lossy=True,
        why="five statuses are Occupied; their difference is in chargingState, where a transaction runs",
    ),
    moved("timestamp", "timestamp", TIME, why="optional in 1.6; the time of receipt stands in"),
    moved("errorCode", "", lossy=True, why="component and variable of a NotifyEvent, by `error_reports` (N07, G05)"),
    moved("info", "", text(500), lossy=True, why="techInfo of the NotifyEvent; lost where NoError gives none"),
    moved("vendorErrorCode", "", text(50), lossy=True, why="techCode of the NotifyEvent; lost with NoError"),
    moved("vendorId", "", text(255), lossy=True, why="customData.vendorId of the NotifyEvent; lost with NoError"),
    *(
        made(f"{_EVENT}.{name}", why=why)
        for name, why in (
            ("eventId", "rises by one per station"),
            ("timestamp", "that of the status"),
            ("trigger", "Delta of a boolean (N07.FR.19, TC_G_20), Alerting of a threshold or an event"),
            ("eventNotificationType", "nobody set a monitor: the firmware watches it"),
            ("actualValue", "true while an error stands, false when NoError clears it"),
            ("cleared", "with NoError (N07.FR.02)"),
            ("component.name", "by the errorCode; of connector 0 the ChargingStation"),
            ("component.evse", "by the topology"),
            ("variable.name", "by the errorCode; of connector 0 AvailabilityState"),
            ("transactionId", "of the transaction on the connector"),
        )
    ),
    made("NotifyEvent.generatedAt", provenance=Provenance.DERIVED, why="the time of receipt"),
    fixed("NotifyEvent.seqNo", 0, why="a report of one part"),
)


def _station(action: str, request: tuple[Rule, ...], answer: tuple[Rule, ...], *also: str) -> tuple[Table, Table]:
    return (
        Table(action=action, part=REQUEST, directions=FROM_STATION, message=action, rules=request, also=also),
        Table(action=action, part=ANSWER, directions=FROM_STATION, message=action, rules=answer),
    )


TABLES: Final[tuple[Table, ...]] = (
    *_station(
        "BootNotification",
        _BOOT,
        (
            same("status", one_of(REGISTRATION_STATUSES)),
            same("currentTime", _csms_time, why="the time of receipt where it cannot be read"),
            same("interval", INTEGER, why="also sets OCPPCommCtrlr.HeartbeatInterval (B01.FR.04)"),
        ),
    ),
    *_station("Heartbeat", (), (same("currentTime", _csms_time),)),
    *_station("Authorize", id_tag("idTag", "idToken"), (id_tag_info(),)),
    *_station("StatusNotification", _STATUS, (), "NotifyEvent", "TransactionEvent", "ReservationStatusUpdate"),
)
