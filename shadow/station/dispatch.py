"""The table of the virtual station: which handler lives which 1.6 message. What is no key here is `Unmapped`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call
from shadow.station import commands
from shadow.station.authorization import on_authorize, on_authorize_answer
from shadow.station.boot import on_boot, on_boot_answer, on_heartbeat_answer
from shadow.station.metering import flush_held, on_meter_values
from shadow.station.outbox import Outbox
from shadow.station.starts import on_start, on_start_answer
from shadow.station.status import on_status
from shadow.station.stops import on_stop, on_stop_answer
from shadow.station.transactions import open_transactions

__all__ = ["MAPPED", "fire_due", "on_answer", "on_call"]

_Call = Callable[[Outbox, Call], None]
_Answer = Callable[[Outbox, PendingCall, dict[str, Any]], None]


def _on_heartbeat(out: Outbox, _call: Call) -> None:
    out.say("Heartbeat", {})


def _on_data_transfer(out: Outbox, call: Call) -> None:
    out.say("DataTransfer", commands.data_transfer(call.payload))


_CALLS: Final[dict[str, _Call]] = {
    "Authorize": on_authorize,
    "BootNotification": on_boot,
    "DataTransfer": _on_data_transfer,
    "Heartbeat": _on_heartbeat,
    "MeterValues": lambda out, call: on_meter_values(out, call, out.frame_id),
    "StartTransaction": lambda out, call: on_start(out, call, out.frame_id),
    "StatusNotification": on_status,
    "StopTransaction": lambda out, call: on_stop(out, call, out.frame_id),
}
_ANSWERS: Final[dict[str, _Answer]] = {
    "Authorize": on_authorize_answer,
    "BootNotification": on_boot_answer,
    "DataTransfer": commands.data_transfer_answer,
    "Heartbeat": on_heartbeat_answer,
    "StartTransaction": on_start_answer,
    "StopTransaction": on_stop_answer,
}

MAPPED: Final = frozenset(_CALLS) | frozenset(commands.COMMANDS)
"""The 1.6 actions that are translated."""


def on_call(out: Outbox, call: Call, direction: Direction) -> None:
    """Live one new CALL."""
    handlers = _CALLS if direction is Direction.CP_TO_CS else commands.COMMANDS
    handler = handlers.get(call.action)
    if handler is None:
        out.unmapped(call.action[:50])
    else:
        handler(out, call)


def on_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """Live the answer to a CALL. An empty one says nothing in either version."""
    handlers = _ANSWERS if request.direction is Direction.CP_TO_CS else commands.ANSWERS
    handler = handlers.get(request.call.action)
    if handler is not None:
        handler(out, request, answer)


def fire_due(out: Outbox, until: int) -> None:
    """Do what is due at `until`; `out.at` is that moment."""
    for transaction in open_transactions(out):
        if transaction.held and min(held.until for held in transaction.held) <= until:
            flush_held(out, transaction)
