"""The error of a StatusNotification as NotifyEvent, and its end (N07, G05; messages of 1.6 §4.9).

1.6 says with every status which error there is, and NoError takes back whatever was said of that connector: it cannot
clear one of several. 2.0.1 tells each error once, when it comes and when it goes. So what was told is remembered per
connector, and told again only where something about it is new.

With NoError there is nothing that `vendorErrorCode` and `info` could belong to. Where the status is Faulted all the
same they are the reason, and they are told as OtherError. Otherwise no NotifyEvent carries them: they are named as
lost, unless they say nothing ("none", zeros).
"""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.values import text as limited
from shadow.station import transactions
from shadow.station.error_reports import OTHER, Report, Tier, report_of
from shadow.station.fields import text
from shadow.station.notify import event, notify
from shadow.station.outbox import Outbox
from shadow.station.state import Connector, OpenError

__all__ = ["EV_SIDE_GONE", "on_error"]

EV_SIDE_GONE: Final = "EV side disconnected"
"""1.6 §4.9: info that goes with SuspendedEV or Finishing; it becomes a chargingState."""

_NOTHING: Final = frozenset({"", "-", "n/a", "no error", "noerror", "none", "null", "ok"})
"""What stations write into a field that they have nothing for."""
_TECH_CODE: Final = limited(50)
_TECH_INFO: Final = limited(500)
_VENDOR_ID: Final = limited(255)


def on_error(out: Outbox, number: int, connector: Connector, payload: dict[str, Any], timestamp: str) -> None:
    """Tell what is new in the errorCode of a StatusNotification; `timestamp` is that of its events."""
    code = text(payload, "errorCode")
    standing = text(payload, "status") == "Faulted"
    tech_code, tech_info = _said(out, payload, "vendorErrorCode"), _said(out, payload, "info")
    if code == "NoError":
        tech_code = tech_code if tech_code.strip("0xX") else ""
        unnamed = standing and bool(tech_code or tech_info)
        _clear(out, number, connector, timestamp, but=OTHER if unnamed else "")
        if not unnamed:
            _name_lost(out, number, payload, tech_code, tech_info)
            return
        code = OTHER
    report = report_of(code or "", standing=standing)
    if report is None or code is None:
        out.unmapped(f"StatusNotification.errorCode={code}"[:80])
        return
    error = OpenError(code, standing, tech_code, tech_info)
    if error in connector.errors:
        return
    told = [one for one in connector.errors if (one.code, one.standing) != (code, standing)]
    connector.errors = [*told, error]
    _tell(out, number, report, error, payload, timestamp)


def _tell(out: Outbox, number: int, report: Report, error: OpenError, payload: dict[str, Any], timestamp: str) -> None:
    component = _component(out, number, report)
    told = event(out, component, report.variable, report.value, timestamp, trigger=report.trigger)
    if error.tech_code:
        told["techCode"] = error.tech_code
    tech_info = ": ".join(part for part in (error.code if report.named else "", error.tech_info) if part)
    if tech_info:
        told["techInfo"] = tech_info[:500]
    vendor = _VENDOR_ID(out, "StatusNotification.vendorId", payload.get("vendorId"))
    if vendor:
        told["customData"] = {"vendorId": vendor}  # whose codes techCode are; customData is the place for it
    transaction = transactions.open_on(out, number)
    if transaction is not None:
        told["transactionId"] = transaction.transaction_id
    notify(out, [told])
    if text(payload, "errorCode") == error.code:
        out.find(
            "status.detail-lost",
            f"StatusNotification.errorCode={error.code}",
            connector_id=number,
            found=error.code,
            expected=f"NotifyEvent {told['component']['name']}.{report.variable}",
            detail="StatusNotification has no error code in 2.0.1",
        )


def _clear(out: Outbox, number: int, connector: Connector, timestamp: str, *, but: str) -> None:
    """The end of what stands on a connector, but of one error code; each variable once."""
    events: dict[tuple[str, str], dict[str, Any]] = {}
    for error in connector.errors:
        report = report_of(error.code, standing=error.standing)
        if report is None or report.cleared is None or error.code == but:
            continue
        component = _component(out, number, report)
        key = (component["name"], report.variable)
        if key not in events:
            # `cleared` is required of thresholds and allowed of booleans (EventDataType; N07.FR.02, N07.FR.19).
            told = event(out, component, report.variable, report.cleared, timestamp, trigger=report.trigger)
            events[key] = {**told, "cleared": True}
    connector.errors = [error for error in connector.errors if error.code == but]
    if events:
        notify(out, list(events.values()))


def _component(out: Outbox, number: int, report: Report) -> dict[str, Any]:
    """ComponentType (2.0.1 §2.16) on its tier; what has no tier of its own at connector 0 is the ChargingStation."""
    if number == 0:
        return {"name": "ChargingStation" if report.component == "Connector" else report.component}
    if report.tier is Tier.STATION:
        return {"name": report.component}
    place = out.evse(number)
    return {"name": report.component, "evse": place if report.tier is Tier.CONNECTOR else {"id": place["id"]}}


def _said(out: Outbox, payload: dict[str, Any], key: str) -> str:
    """The station's own code or text, as long as 2.0.1 takes it; empty where it says nothing."""
    value = text(payload, key) or ""
    if value.strip().lower() in _NOTHING:
        return ""
    read = _TECH_CODE if key == "vendorErrorCode" else _TECH_INFO
    return read(out, f"StatusNotification.{key}", value) or ""


def _name_lost(out: Outbox, number: int, payload: dict[str, Any], tech_code: str, tech_info: str) -> None:
    """What a station says beside NoError."""
    lost = {
        "vendorErrorCode": tech_code,
        "info": "" if EV_SIDE_GONE in tech_info else tech_info,
        "vendorId": text(payload, "vendorId") or "",
    }
    for key, value in lost.items():
        if value:
            detail = "with NoError there is no event that could carry it"
            out.lost(f"StatusNotification.{key}", value, detail=detail, connector_id=number)
