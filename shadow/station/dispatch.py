"""The table of the virtual station: which handler lives which 1.6 message.

What needs no handler is said by its mapping table alone; what has neither is counted as unmapped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow.station import (
    boundaries,
    charging_profiles,
    commands,
    configuration,
    data_transfer,
    doubts,
    firmware,
    local_list,
    logs,
    ordering,
    relay,
    reservation,
    security,
)
from shadow.station.authorization import on_authorize, on_authorize_answer
from shadow.station.boot import on_boot, on_boot_answer, on_heartbeat_answer
from shadow.station.metering import flush_held, on_meter_values, on_meter_values_answer
from shadow.station.outbox import Outbox
from shadow.station.starts import on_start, on_start_answer
from shadow.station.status import answer_reports, on_status, on_status_answer, on_status_refused
from shadow.station.stops import on_stop, on_stop_answer
from shadow.station.transactions import open_transactions

__all__ = ["MAPPED", "fire_due", "on_answer", "on_call", "on_error"]

_Call = Callable[[Outbox, Call], None]
_Answer = Callable[[Outbox, PendingCall, dict[str, Any]], None]
_Refusal = Callable[[Outbox, PendingCall, CallError], None]


def _on_heartbeat(out: Outbox, _call: Call) -> None:
    out.say("Heartbeat", {})


_PROFILES: Final = (
    charging_profiles,
    commands,
    configuration,
    data_transfer,
    firmware,
    local_list,
    logs,
    reservation,
    security,
)
"""Modules with `CALLS` (requests of the station), `COMMANDS` (of the CSMS) and `ANSWERS`, by 1.6 action."""
_REFUSALS: Final[dict[str, _Refusal]] = {
    "StatusNotification": on_status_refused,
    **commands.REFUSALS,
    **configuration.REFUSALS,
    **charging_profiles.REFUSALS,
    **data_transfer.REFUSALS,
    **firmware.REFUSALS,
    **logs.REFUSALS,
    **reservation.REFUSALS,
}
"""Where a CALLERROR is more than one message of 2.0.1, or ends something that waits for the answer."""

_CALLS: Final[dict[str, _Call]] = {
    "Authorize": on_authorize,
    "BootNotification": on_boot,
    "Heartbeat": _on_heartbeat,
    "MeterValues": lambda out, call: on_meter_values(out, call, out.frame_id),
    "StartTransaction": lambda out, call: on_start(out, call, out.frame_id),
    "StatusNotification": on_status,
    "StopTransaction": lambda out, call: on_stop(out, call, out.frame_id),
    **{action: handler for profile in _PROFILES for action, handler in profile.CALLS.items()},
}
_COMMANDS: Final[dict[str, _Call]] = {
    action: handler for profile in _PROFILES for action, handler in profile.COMMANDS.items()
}
_ANSWERS: Final[dict[str, _Answer]] = {
    "Authorize": on_authorize_answer,
    "BootNotification": on_boot_answer,
    "Heartbeat": on_heartbeat_answer,
    "MeterValues": on_meter_values_answer,
    "StartTransaction": on_start_answer,
    "StatusNotification": on_status_answer,
    "StopTransaction": on_stop_answer,
    **{action: handler for profile in _PROFILES for action, handler in profile.ANSWERS.items()},
}

MAPPED: Final = frozenset(_CALLS) | frozenset(_COMMANDS)
"""The 1.6 actions that have a handler."""


def on_call(out: Outbox, call: Call, direction: Direction) -> None:
    """Live one new CALL."""
    handler = (_CALLS if direction is Direction.CP_TO_CS else _COMMANDS).get(call.action)
    if handler is not None:
        handler(out, call)
    elif relay.is_sent_by(call.action, direction):
        relay.request(out, call, direction)
    else:
        out.unmapped(call.action[:50])


def _is_lived(action: str, direction: Direction) -> bool:
    """Whether this side may send the action, and it means something here."""
    handlers = _CALLS if direction is Direction.CP_TO_CS else _COMMANDS
    return action in handlers or relay.is_sent_by(action, direction)


def on_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """Live the answer to a CALL; that of a call from the wrong side, which was not lived, means nothing."""
    if _is_lived(request.call.action, request.direction):
        answer_reports(out, request)
        _ANSWERS.get(request.call.action, relay.answer)(out, request, answer)


def on_error(out: Outbox, request: PendingCall, error: CallError) -> None:
    """Live the refusal of a CALL."""
    if _is_lived(request.call.action, request.direction):
        _REFUSALS.get(request.call.action, relay.refuse)(out, request, error)


def fire_due(out: Outbox, until: int) -> None:
    """Do what is due at `until`; `out.at` is that moment."""
    doubts.fire_due(out, until)
    for transaction in open_transactions(out):
        if transaction.held and any(held.until <= until for held in transaction.held):
            flush_held(out, transaction, until)
    boundaries.fire_due(out, until)
    ordering.fire(out, until)
