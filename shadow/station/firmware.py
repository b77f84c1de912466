"""Firmware updates (L01, L02): both forms of 1.6 become one, and each status is told of its request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow.station import relay
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.request_ids import FIRMWARE, ask, settle, told

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS"]

_RETRIEVE: Final = "firmware.retrieveDateTime"
_INSTALLS: Final = frozenset({"Installing", "InstallRebooting", "Installed"})


def _status(out: Outbox, call: Call) -> None:
    if text(call.payload, "status") in _INSTALLS:
        out.station.installed_at = out.at  # the boot that follows is for it
    relay.request(out, call, Direction.CP_TO_CS, told(out, FIRMWARE, call))


def _update(out: Outbox, call: Call) -> None:
    given = {"requestId": ask(out, FIRMWARE, None), _RETRIEVE: out.now_text}
    relay.request(out, call, Direction.CS_TO_CP, given)


def _signed_update(out: Outbox, call: Call) -> None:
    ask(out, FIRMWARE, integer(call.payload, "requestId"))
    relay.request(out, call, Direction.CS_TO_CP, {_RETRIEVE: out.now_text})


def _update_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    settle(out, FIRMWARE, request.frame_id, accepted=True)
    relay.answer(out, request, answer)


def _signed_update_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    settle(out, FIRMWARE, request.frame_id, accepted=text(answer, "status") in ("Accepted", "AcceptedCanceled"))
    relay.answer(out, request, answer)


def _refused(out: Outbox, request: PendingCall, error: CallError) -> None:
    settle(out, FIRMWARE, request.frame_id, accepted=False)
    relay.refuse(out, request, error)


CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {
    "FirmwareStatusNotification": _status,
    "SignedFirmwareStatusNotification": _status,
}
COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {
    "SignedUpdateFirmware": _signed_update,
    "UpdateFirmware": _update,
}
ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "SignedUpdateFirmware": _signed_update_answer,
    "UpdateFirmware": _update_answer,
}
REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {
    "SignedUpdateFirmware": _refused,
    "UpdateFirmware": _refused,
}
