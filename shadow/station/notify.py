"""NotifyEvent: what a station tells of its device model unasked (2.0.1 part N, N07)."""

from __future__ import annotations

from typing import Any, Final

from shadow.message import Provenance
from shadow.station.outbox import Outbox

__all__ = ["ALERTING", "DELTA", "event", "notify"]

DELTA: Final = "Delta"
"""EventTriggerEnumType (2.0.1 §3.34): the value changed. What N07.FR.19 and TC_G_20 ask for of booleans."""
ALERTING: Final = "Alerting"
"""A threshold was passed, or something happened that has no value of its own."""

_NOTIFICATION_TYPES: Final = {
    # EventNotificationEnumType (2.0.1 §3.33): nobody set a monitor, so the firmware watches it, or tells it by itself.
    DELTA: "HardWiredMonitor",
    ALERTING: "HardWiredNotification",
}

_PROVENANCE: Final = {
    "generatedAt": Provenance.DERIVED,
    "seqNo": Provenance.SYNTHESISED,
    "eventData.eventId": Provenance.SYNTHESISED,
    "eventData.trigger": Provenance.SYNTHESISED,
    "eventData.eventNotificationType": Provenance.SYNTHESISED,
    "eventData.component": Provenance.DERIVED,
    "eventData.component.evse": Provenance.CONFIGURED,
    "eventData.variable": Provenance.DERIVED,
    "eventData.actualValue": Provenance.DERIVED,
    "eventData.cleared": Provenance.DERIVED,
    "eventData.transactionId": Provenance.SYNTHESISED,
}


def event(
    out: Outbox,
    component: dict[str, Any],
    variable: str,
    value: str,
    timestamp: str,
    *,
    trigger: str = DELTA,
) -> dict[str, Any]:
    """EventDataType (2.0.1 §2.24) with an eventId of its own: unique per station, rising by one."""
    out.station.event_id += 1
    return {
        "eventId": out.station.event_id,
        "timestamp": timestamp,
        "trigger": trigger,
        "actualValue": value,
        "eventNotificationType": _NOTIFICATION_TYPES[trigger],
        "component": component,
        "variable": {"name": variable},
    }


def notify(out: Outbox, events: list[dict[str, Any]]) -> None:
    """One NotifyEventRequest with these events; a report of one part, so that its seqNo is 0."""
    out.say("NotifyEvent", {"generatedAt": out.now_text, "seqNo": 0, "eventData": events}, _PROVENANCE)
