"""NotifyEvent: what a station tells of its device model unasked (2.0.1 part N, N07)."""

from __future__ import annotations

from typing import Any, Final

from shadow.message import Provenance
from shadow.station.outbox import Outbox

__all__ = ["DELTA", "HARD_WIRED_MONITOR", "event", "notify"]

DELTA: Final = "Delta"
"""EventTriggerEnumType (2.0.1 §3.34): the value changed. What N07.FR.19 and TC_G_20 ask for of booleans."""
HARD_WIRED_MONITOR: Final = "HardWiredMonitor"
"""EventNotificationEnumType (2.0.1 §3.33): the firmware watches it, nobody set a monitor."""

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
    kind: str = HARD_WIRED_MONITOR,
) -> dict[str, Any]:
    """EventDataType (2.0.1 §2.24) with an eventId of its own: unique per station, rising by one."""
    out.station.event_id += 1
    return {
        "eventId": out.station.event_id,
        "timestamp": timestamp,
        "trigger": trigger,
        "actualValue": value,
        "eventNotificationType": kind,
        "component": component,
        "variable": {"name": variable},
    }


def notify(out: Outbox, events: list[dict[str, Any]]) -> None:
    """One NotifyEventRequest with these events; a report of one part, so that its seqNo is 0."""
    out.say("NotifyEvent", {"generatedAt": out.now_text, "seqNo": 0, "eventData": events}, _PROVENANCE)
