"""Reports of the device model (B07, B08): NotifyReport, made of the keys and values that 1.6 gives in one answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ingest.exchange import PendingCall
from shadow.mapping.device_values import Statement
from shadow.mapping.keys import Access, Key
from shadow.message import Provenance
from shadow.station.outbox import Outbox

__all__ = ["Told", "say_report"]

_PART: Final = 50
"""Variables in one NotifyReport. Stations set their own bound; a hundred keys are two or three parts."""
_REPORT: Final = {
    "requestId": Provenance.SYNTHESISED,
    "generatedAt": Provenance.SYNTHESISED,
    "seqNo": Provenance.SYNTHESISED,
    "reportData.component": Provenance.DERIVED,
    "reportData.variable": Provenance.DERIVED,
    "reportData.variableAttribute.type": Provenance.SYNTHESISED,
    "reportData.variableAttribute.value": Provenance.DERIVED,
    "reportData.variableAttribute.mutability": Provenance.DERIVED,
    "reportData.variableCharacteristics": Provenance.SYNTHESISED,
}
_MORE: Final = {**_REPORT, "tbc": Provenance.SYNTHESISED}

Told = tuple[Key, bool, Statement]
"""The key, whether 1.6 calls it read-only, and what it says of one variable."""


def say_report(out: Outbox, request: PendingCall, action: str, request_id: int, told: Iterable[Told]) -> None:
    """Answer GetBaseReport or GetReport, and send the report in parts (B07.FR.03, B07.FR.10)."""
    entries = _entries(told)
    status = "Accepted" if entries else "EmptyResultSet"
    out.respond(request, action, {"status": status}, {"status": Provenance.DERIVED})
    for part, first in enumerate(range(0, len(entries), _PART)):
        payload: dict[str, Any] = {
            "requestId": request_id,
            "generatedAt": out.now_text,
            "seqNo": part,
            "reportData": entries[first : first + _PART],
        }
        more = first + _PART < len(entries)
        if more:
            payload["tbc"] = True
        out.say("NotifyReport", payload, _MORE if more else _REPORT, caused_by=(request.frame_id, out.frame_id))


def _entries(told: Iterable[Told]) -> list[dict[str, Any]]:
    """One entry for each variable: the value of one key and the limit of another may be of the same."""
    found: dict[object, dict[str, Any]] = {}
    for key, read_only, statement in told:
        entry = found.get(statement.address)
        if entry is None:
            characteristics: dict[str, Any] = {"dataType": key.data_type, "supportsMonitoring": False}
            if key.unit is not None:
                characteristics["unit"] = key.unit
            attribute = {"type": "Actual", "mutability": _mutability(key, read_only=read_only)}
            entry = found[statement.address] = {
                **statement.address.said(),
                "variableAttribute": [attribute],
                "variableCharacteristics": characteristics,
            }
        if statement.value is not None and key.access is not Access.WRITE_ONLY:
            entry["variableAttribute"][0]["value"] = statement.value
        if statement.limit is not None:
            entry["variableCharacteristics"]["maxLimit"] = statement.limit
        if statement.least is not None:
            entry["variableCharacteristics"]["minLimit"] = statement.least
    return list(found.values())


def _mutability(key: Key, *, read_only: bool) -> str:
    """As 1.6 says it, unless the variable allows less."""
    return str(Access.READ_ONLY if read_only and key.access is Access.READ_WRITE else key.access)
