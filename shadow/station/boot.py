"""BootNotification and Heartbeat (B01, B02, G02)."""

from __future__ import annotations

from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction, Micros
from ingest.ocppj import Call
from shadow.station import doubts, observed, ordering, relay
from shadow.station.fields import text
from shadow.station.outbox import Outbox

__all__ = ["on_boot", "on_boot_answer", "on_heartbeat_answer"]

_CAUSE_WINDOW: Final[Micros] = 600_000_000
"""How long after a Reset or an installation a boot is put down to it."""
_TRIGGER_WINDOW: Final[Micros] = 60_000_000
_NOT_ACCEPTED: Final = frozenset({"waiting", "Pending", "Rejected"})


def on_boot(out: Outbox, call: Call) -> None:
    """BootNotification.req (1.6 §4.2) → BootNotificationRequest (2.0.1 §1.12)."""
    payload, station = call.payload, out.station
    reason = _reason(out, text(payload, "firmwareVersion") or "")
    if reason != "Triggered":
        _name_early_calls(out)
        # What waits for its turn happened before the restart, and is said before it: after it nothing proves life.
        ordering.fire(out, out.at + out.config.reorder_horizon)
        _boot(out, reason)
    station.vendor = (text(payload, "chargePointVendor") or "")[:50]
    station.model = (text(payload, "chargePointModel") or "")[:20]
    station.firmware = (text(payload, "firmwareVersion") or "")[:50]
    observed.note_boot(out, payload)
    box, own = text(payload, "chargeBoxSerialNumber"), text(payload, "chargePointSerialNumber")
    if box and own and box != own:
        detail = "2.0.1 has one serial number, and chargePointSerialNumber is it"
        out.lost("BootNotification.chargeBoxSerialNumber", box, detail=detail)
    # What a station has nothing for it may send empty: left out, so that it is neither said nor named as lost.
    said = {name: value for name, value in payload.items() if value != "" or name in _REQUIRED}
    relay.request(out, Call(call.message_id, call.action, said), Direction.CP_TO_CS, {"reason": reason})


_REQUIRED: Final = frozenset({"chargePointVendor", "chargePointModel"})


def _boot(out: Outbox, reason: str) -> None:
    station = out.station
    station.booted, station.booted_at = True, out.at
    station.boot_status, station.boot_reason = "waiting", reason
    station.boot_connected_at = out.connected_at
    station.boot_reset_at = station.installed_at = None
    doubts.forget(station)
    for connector in station.connectors.values():
        connector.reported = None  # B01.FR.05: after a boot each connector's status is sent anew


def _reason(out: Outbox, firmware: str) -> str:
    """BootReasonEnumType (2.0.1 §3.4): 1.6 gives none, so it follows from what went before."""
    station = out.station
    if _is_recent(out, station.boot_triggered_at, _TRIGGER_WINDOW):
        station.boot_triggered_at = None
        return "Triggered"
    if _is_recent(out, station.boot_reset_at, _CAUSE_WINDOW):
        return "RemoteReset"
    if _is_recent(out, station.installed_at, _CAUSE_WINDOW) or (station.booted_at and firmware != station.firmware):
        return "FirmwareUpdate"
    if station.boot_status in _NOT_ACCEPTED and station.boot_reason:
        return station.boot_reason  # the same boot, told again after the interval (1.6 §4.2, B02.FR.07)
    if station.boot_status is not None and station.boot_connected_at is not None:
        # Whoever restarts loses its connection; one that says so on a connection that it booted on gives no reason.
        return "Unknown" if out.connected_at == station.boot_connected_at else "PowerUp"
    return "PowerUp"


def _is_recent(out: Outbox, at: Micros | None, window: Micros) -> bool:
    return at is not None and out.at - at <= window


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
    if out.station.boot_status == "waiting":
        out.station.boot_status = text(answer, "status") or ""
    observed.note_boot_answer(out, answer)
    relay.answer(out, request, answer)


def on_heartbeat_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """Heartbeat.conf → HeartbeatResponse."""
    relay.answer(out, request, answer)
