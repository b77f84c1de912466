"""Living native 2.0.1: a frame's message is the 2.0.1 message as it stands, checked by its schema and by the rules."""

from __future__ import annotations

from typing import Any, Final

from ingest.exchange import Called, PendingCall
from ingest.frame import UNKNOWN_TIME, Direction, Frame
from ingest.ocppj import Call, CallError
from shadow import schema
from shadow.mapping.coverage import directions201
from shadow.message import Finding, MessageType
from shadow.native import device
from shadow.native.memory import go_blind, interrupt
from shadow.native.reading import nested, text
from shadow.native.rule import Broken, Said
from shadow.native.rules import judge
from shadow.native.state import NativeState
from shadow.state import ChargerState
from shadow.station.outbox import Outbox

__all__ = ["on_answer", "on_blind", "on_call", "on_closed", "on_error"]

_MAX_EARLY_CALLS: Final = 16
_STAMPED: Final = ("TransactionEvent", "StatusNotification")
"""Messages whose `timestamp` tells the station's clock at the moment of what they report."""
_ABSENT: Final = "absent"
"""Stands in the place of a value that is lacking."""
_LONGEST_CODE: Final = 40
_LONGEST_DESCRIPTION: Final = 255


def on_call(state: ChargerState, frame: Frame, event: Called, out: Outbox) -> None:
    """Live one new CALL."""
    call, direction = event.pending.call, event.pending.direction
    if not schema.is_known(schema.V201, call.action):
        out.find("schema.v201", "action:unknown", found=call.action, detail="no action of OCPP 2.0.1")
        out.unmapped(call.action[:50])
        return
    if direction not in directions201(call.action):
        # Part 2 §1 says of each message who sends it; from the other side it means nothing.
        sender = "the CSMS" if direction is Direction.CP_TO_CS else "the charging station"
        path = f"1:{call.action}"
        out.find(
            "rule.v201",
            path,
            found=direction.value,
            expected=direction.opposite.value,
            detail=f"only {sender} sends it",
        )
        out.unmapped(call.action)
        return
    facts = _facts(state)
    queued = _stamp(out, call, direction)
    if call.action == "BootNotification" and direction is Direction.CP_TO_CS:
        _on_boot(facts, call, out)
    out.say(call.action, call.payload, direction=direction)
    device.on_call(out, call.action, call.payload, direction)
    said = Said(call.action, call.payload, direction, MessageType.REQUEST, at=out.at, queued=queued)
    _name(out, judge(facts, said), (out.frame_id,))
    early = facts.boot_status is None and frame.connection_id in state.connected_at
    if early and direction is Direction.CP_TO_CS and call.action != "BootNotification":
        facts.calls_before_boot.append(f"{call.action}\x1f{out.frame_id}")
        del facts.calls_before_boot[_MAX_EARLY_CALLS:]


def on_answer(state: ChargerState, request: PendingCall, answer: dict[str, Any], out: Outbox) -> None:
    """Live the answer to a CALL."""
    action = request.call.action
    if not _is_lived(request):
        return
    out.respond(request, action, answer)
    device.on_answer(out, action, request.call.payload, answer, request.direction)
    direction = request.direction.opposite
    said = Said(action, answer, direction, MessageType.RESPONSE, request=request.call.payload, at=out.at)
    _name(out, judge(_facts(state), said), (request.frame_id, out.frame_id))


def on_error(state: ChargerState, request: PendingCall, error: CallError, out: Outbox) -> None:
    """Live the refusal of a CALL. A BootNotification that is refused is not accepted."""
    facts, action = _facts(state), request.call.action
    if not _is_lived(request):
        return
    if action == "BootNotification" and facts.boot_status == "waiting":
        facts.boot_status = "Rejected"
    device.on_error(out, action, request.call.payload)
    payload = {
        "errorCode": error.code[:_LONGEST_CODE],
        "errorDescription": error.description[:_LONGEST_DESCRIPTION],
        **({"errorDetails": error.details} if error.details else {}),
    }
    frames = (request.frame_id, out.frame_id)
    direction = request.direction.opposite
    out.say(action, payload, direction=direction, type_=MessageType.ERROR, caused_by=frames)


def _is_lived(request: PendingCall) -> bool:
    action = request.call.action
    return schema.is_known(schema.V201, action) and request.direction in directions201(action)


def on_closed(state: ChargerState) -> None:
    """A native connection ended."""
    if state.native is not None:
        interrupt(state.native)


def on_blind(state: ChargerState) -> None:
    """Frames are missing."""
    if state.native is not None:
        go_blind(state.native)


def _facts(state: ChargerState) -> NativeState:
    if state.native is None:
        state.native = NativeState()
    return state.native


def _stamp(out: Outbox, call: Call, direction: Direction) -> bool:
    """Read the station's clock; True where the message tells of a time before the connection was opened."""
    if direction is not Direction.CP_TO_CS or call.action not in _STAMPED or "timestamp" not in call.payload:
        return False
    at, own = out.stamp(call.action, call.payload["timestamp"])
    return own and out.at != UNKNOWN_TIME and out.connected_at is not None and out.is_offline(at)


def _on_boot(facts: NativeState, call: Call, out: Outbox) -> None:
    """What it says of itself, and what it sent too early (B01.FR.08)."""
    about = nested(call.payload, "chargingStation")
    station = out.station
    station.vendor = (text(about, "vendorName") or "")[:50]
    station.model = (text(about, "model") or "")[:20]
    station.firmware = (text(about, "firmwareVersion") or "")[:50]
    if text(call.payload, "reason") == "Triggered":
        return
    if not facts.booted:
        for early in facts.calls_before_boot:
            action, _, frame_id = early.partition("\x1f")
            frames = (frame_id, out.frame_id)
            out.find("rpc.before-boot", action, frames=frames, found=action, detail="before BootNotification")
    facts.calls_before_boot = []


def _name(out: Outbox, broken: list[Broken], frames: tuple[str, ...]) -> None:
    for one in broken:
        fault = one.fault
        out.obs.findings.append(
            Finding(
                one.rule.code,
                one.path,
                out.at,
                frames,
                transaction_id=one.transaction_id,
                found=_ABSENT if fault.found is None else fault.found[:200],
                expected=None if fault.expected is None else fault.expected[:200],
                detail=f"{one.rule.text} {fault.detail}".strip(),
                withdrawn=fault.withdrawn,
            )
        )
