"""DataTransfer (P01, P02), and the Plug & Charge messages that travel in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow.station import observed, plug_and_charge, relay
from shadow.station.fields import text
from shadow.station.outbox import Outbox

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS"]

_LONGEST_CODE: Final = 80


def _from_station(out: Outbox, call: Call) -> None:
    _transfer(out, call, Direction.CP_TO_CS)


def _from_csms(out: Outbox, call: Call) -> None:
    _transfer(out, call, Direction.CS_TO_CP)


def _transfer(out: Outbox, call: Call, direction: Direction) -> None:
    if not plug_and_charge.unwrap(out, call, direction):
        relay.request(out, call, direction)


def _answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    name = plug_and_charge.unwrapped_as(out, request)
    if name is None:
        observed.note_transfer(out, request.call.payload, request.direction, text(answer, "status") or "")
        relay.answer(out, request, answer)
    else:
        plug_and_charge.answer(out, request, name, answer)


def _refused(out: Outbox, request: PendingCall, error: CallError) -> None:
    name = plug_and_charge.unwrapped_as(out, request)
    if name is None:
        observed.note_transfer(out, request.call.payload, request.direction, error.code[:_LONGEST_CODE])
    relay.refuse(out, request, error, name)


CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {"DataTransfer": _from_station}
COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {"DataTransfer": _from_csms}
ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {"DataTransfer": _answer}
REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {"DataTransfer": _refused}
