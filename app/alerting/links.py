"""Where the dashboard shows what an alert is about."""

from __future__ import annotations

from dashboard import links
from diff.alerts.alert import Alert, AlertKind

__all__ = ["link_of"]


def link_of(alert: Alert, dashboard_url: str) -> str:
    """The address, below that of the dashboard; empty where that is not known."""
    if not dashboard_url:
        return ""
    match alert.kind:
        case AlertKind.CRITICAL_FINGERPRINT:
            page = links.address(links.DISCREPANCIES, fp=alert.subject)
        case AlertKind.BLIND_TAP | AlertKind.SILENT_CHARGER if alert.charger_id:
            page = links.address(links.DISCREPANCIES, charger=alert.charger_id)
        case _:
            page = ""
    return f"{dashboard_url.rstrip('/')}/{page}"
