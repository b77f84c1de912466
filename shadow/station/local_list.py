"""The local authorization list (D01, D02)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow.station import observed, relay
from shadow.station.fields import integer, objects, text
from shadow.station.outbox import Outbox

__all__ = ["ANSWERS", "CALLS", "COMMANDS"]


def _send(out: Outbox, call: Call) -> None:
    """SendLocalList.req. An empty list is left out: 2.0.1 says the same with none (D01.FR.04; minItems is 1)."""
    payload = call.payload
    if payload.get("localAuthorizationList") == []:
        payload = {name: value for name, value in payload.items() if name != "localAuthorizationList"}
    relay.request(out, replace(call, payload=payload), Direction.CS_TO_CP)


def _send_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """SendLocalList.conf. A station without a local list has no status for it in 2.0.1: it answers with an error."""
    status, sent = text(answer, "status"), request.call.payload
    if status == "Accepted":
        full = text(sent, "updateType") == "Full"
        entries = len(objects(sent.get("localAuthorizationList"))) if full else None
        observed.note_local_list(out, integer(sent, "listVersion"), entries)
    if status != "NotSupported":
        relay.answer(out, request, answer)
        return
    detail = "2.0.1 has no such status: a station without a local list answers with the CALLERROR NotSupported"
    out.lost("SendLocalList.conf.status=NotSupported", "NotSupported", detail=detail, code="message.no-answer")
    error = CallError(request.call.message_id, "NotSupported", "answered NotSupported in SendLocalList.conf")
    relay.refuse(out, request, error, observed=False)


def _version_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """GetLocalListVersion.conf: -1 where the station has no local list (1.6 §5.10)."""
    observed.note_local_list(out, integer(answer, "listVersion"))
    relay.answer(out, request, answer)


CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {"SendLocalList": _send}
ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "GetLocalListVersion": _version_answer,
    "SendLocalList": _send_answer,
}
