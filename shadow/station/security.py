"""Certificates and security events (A02 to A04, M03 to M05): what their tables alone cannot say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call
from shadow.mapping.security import USES
from shadow.station import observed, relay
from shadow.station.fields import text
from shadow.station.outbox import Outbox

__all__ = ["ANSWERS", "CALLS", "COMMANDS"]


def _event(out: Outbox, call: Call) -> None:
    relay.request(out, call, Direction.CP_TO_CS, {"timestamp": out.now_text})


def _installed(out: Outbox, call: Call) -> None:
    """Without a use 2.0.1 asks for the certificates of all uses, which is not what an unknown use of 1.6 asks for."""
    if _use(call) is None:
        out.unmapped("GetInstalledCertificateIds: no certificateType")
    else:
        relay.request(out, call, Direction.CS_TO_CP)


def _installed_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """1.6 names the use in the request, 2.0.1 with each certificate of the answer, where there is one."""
    use = _use(request.call)
    if use is not None:
        observed.note_certificates(out, _kind(request.call), answer)
        if answer.get("certificateHashData") == []:
            # Stations write the empty list, though 1.6 forbids it too; leaving it out says the same.
            answer = {name: value for name, value in answer.items() if name != "certificateHashData"}
        relay.answer(out, request, answer, {"certificateHashDataChain.certificateType": use})


def _use(call: Call) -> str | None:
    return USES.get(_kind(call))


def _kind(call: Call) -> str:
    return text(call.payload, "certificateType") or text(call.payload, "typeOfCertificate") or ""


CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {"SecurityEventNotification": _event}
COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {"GetInstalledCertificateIds": _installed}
ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "GetInstalledCertificateIds": _installed_answer,
}
