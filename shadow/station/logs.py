"""Log uploads (N01): what GetDiagnostics and GetLog ask for, and whose status is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow.message import Provenance
from shadow.station import relay
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.request_ids import LOG, ask, settle, told

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS"]

_GAVE_WAY: Final = {"status": Provenance.DERIVED, "requestId": Provenance.DERIVED}


def _status(out: Outbox, call: Call) -> None:
    relay.request(out, call, Direction.CP_TO_CS, told(out, LOG, call))


def _get_diagnostics(out: Outbox, call: Call) -> None:
    relay.request(out, call, Direction.CS_TO_CP, {"requestId": ask(out, LOG, None)})


def _diagnostics_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """A file name says that there is something to upload; 1.6 says it in no other way (§5.9)."""
    accepted = bool(text(answer, "fileName"))
    settle(out, LOG, request.frame_id, accepted=accepted)
    relay.answer(out, request, answer, {"status": "Accepted" if accepted else "Rejected"})


def _get_log(out: Outbox, call: Call) -> None:
    ask(out, LOG, integer(call.payload, "requestId"))
    relay.request(out, call, Direction.CS_TO_CP)


def _get_log_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    status = text(answer, "status")
    before = settle(out, LOG, request.frame_id, accepted=status in ("Accepted", "AcceptedCanceled"))
    relay.answer(out, request, answer)
    if status == "AcceptedCanceled" and before is not None and out.was_asked(request, "GetLog"):
        # N01.FR.20: 2.0.1 reports the end of the upload that gave way, and 1.6 has no status for it.
        payload = {"status": status, "requestId": before}
        out.say("LogStatusNotification", payload, _GAVE_WAY, caused_by=(request.frame_id, out.frame_id))


def _refused(out: Outbox, request: PendingCall, error: CallError) -> None:
    settle(out, LOG, request.frame_id, accepted=False)
    relay.refuse(out, request, error)


CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {
    "DiagnosticsStatusNotification": _status,
    "LogStatusNotification": _status,
}
COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {"GetDiagnostics": _get_diagnostics, "GetLog": _get_log}
ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "GetDiagnostics": _diagnostics_answer,
    "GetLog": _get_log_answer,
}
REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {
    "GetDiagnostics": _refused,
    "GetLog": _refused,
}
