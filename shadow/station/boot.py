"""BootNotification and Heartbeat (B01, B02, G02)."""

from __future__ import annotations

from typing import Any

from ingest.exchange import PendingCall
from ingest.ocppj import Call
from shadow.message import Provenance
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.tables import REGISTRATION_STATUSES

__all__ = ["on_boot", "on_boot_answer", "on_heartbeat_answer"]

_REASON = {"reason": Provenance.SYNTHESISED}
_RESET_WINDOW = 600_000_000
_TRIGGER_WINDOW = 60_000_000


def on_boot(out: Outbox, call: Call) -> None:
    """BootNotification.req (1.6 §4.2) → BootNotificationRequest (2.0.1 §1.12)."""
    payload, station = call.payload, out.station
    reason = _reason(out)
    if reason != "Triggered":
        _name_early_calls(out)
        station.booted = True
        station.boot_status = "waiting"
        for connector in station.connectors.values():
            connector.reported = None  # B01.FR.05: after a boot each connector's status is sent anew
    details: dict[str, Any] = {
        "model": (text(payload, "chargePointModel") or "")[:20],
        "vendorName": (text(payload, "chargePointVendor") or "")[:50],
    }
    # 1.6 deprecates chargeBoxSerialNumber; it serves where the charge point's own is missing.
    serial = text(payload, "chargePointSerialNumber") or text(payload, "chargeBoxSerialNumber")
    if serial:
        details["serialNumber"] = serial[:25]
    if firmware := text(payload, "firmwareVersion"):
        details["firmwareVersion"] = firmware[:50]
    modem = {key: value[:20] for key in ("iccid", "imsi") if (value := text(payload, key))}
    if modem:
        details["modem"] = modem
    for lost in ("meterType", "meterSerialNumber"):
        if payload.get(lost):
            out.unmapped(f"BootNotification.{lost}")
    station.vendor, station.model = details["vendorName"], details["model"]
    station.firmware = details.get("firmwareVersion", "")
    out.say("BootNotification", {"reason": reason, "chargingStation": details}, _REASON)


def _reason(out: Outbox) -> str:
    """BootReasonEnumType (2.0.1 §3.4): 1.6 gives none, so it follows from what went before."""
    station = out.station
    triggered, reset = station.boot_triggered_at, station.boot_reset_at
    if triggered is not None and out.at - triggered <= _TRIGGER_WINDOW:
        station.boot_triggered_at = None
        return "Triggered"
    if reset is not None and out.at - reset <= _RESET_WINDOW:
        station.boot_reset_at = None
        return "RemoteReset"
    return "PowerUp"


def _name_early_calls(out: Outbox) -> None:
    """Calls on this connection before its BootNotification (B01.FR.05; 1.6 §4.2)."""
    station = out.station
    if not station.booted:
        for early in station.calls_before_boot:
            action, _, frame_id = early.partition("\x1f")
            frames = (frame_id, out.frame_id)
            out.find("rpc.before-boot", action, frames=frames, found=action, detail="before BootNotification")
    station.calls_before_boot = []


def on_boot_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """BootNotification.conf → BootNotificationResponse."""
    status = text(answer, "status") or ""
    if out.station.boot_status == "waiting":
        out.station.boot_status = status
    response: dict[str, Any] = {
        "currentTime": out.csms_time("BootNotification.conf", answer.get("currentTime")),
        "interval": integer(answer, "interval") or 0,
        "status": REGISTRATION_STATUSES.get(status, "Rejected"),
    }
    out.respond(request, "BootNotification", response)


def on_heartbeat_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """Heartbeat.conf → HeartbeatResponse."""
    now = out.csms_time("Heartbeat.conf", answer.get("currentTime"))
    out.respond(request, "Heartbeat", {"currentTime": now})
