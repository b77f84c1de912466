"""The one entry to the shadow: `step(state, frame)` lives one frame of one charging station.

Pure: no clock, no randomness, no I/O. Deadlines that are due before the frame fire first, each at its own time, so it
does not matter which frame or tick reveals them. `state` is consumed: go on with the one returned.
"""

from __future__ import annotations

from typing import Final

from ingest import exchange, ocppj
from ingest.exchange import Answered, Called, DuplicateCall, Orphan, PendingCall, Unreadable
from ingest.frame import UNKNOWN_TIME, Direction, Frame, FrameKind, Micros
from ingest.ocppj import Call, CallError, CallResult
from shadow import keepalive, keys, schema, subprotocol
from shadow.config import DEFAULT, ShadowConfig
from shadow.csms import sessions
from shadow.message import Finding, Observations
from shadow.native import live
from shadow.state import ChargerState, Seen
from shadow.station import boundaries, dispatch, doubts, observed, ordering
from shadow.station.fields import integer
from shadow.station.outbox import Outbox, seconds
from shadow.station.transactions import alias

__all__ = ["step"]

_MAX_CONNECTIONS: Final = 32
_MAX_HOLES: Final = 64
_RECORD: Final = FrameKind.RECORD
_TRIGGER_WINDOW: Final[Micros] = 60_000_000
_MAX_EARLY_CALLS: Final = 16


def step(state: ChargerState, frame: Frame, config: ShadowConfig = DEFAULT) -> tuple[ChargerState, Observations]:
    """Live one frame. The same frames give the same observations, however they are batched or mixed with ticks."""
    obs = Observations()
    _fire_deadlines(state, frame, config, obs)
    derived = len(obs.messages)
    state.now = max(state.now, frame.received_at)
    # Ticks and billing records belong to no connection: nothing is missing between two of them.
    wire = frame.kind is not FrameKind.TICK and frame.kind is not _RECORD
    if wire and _is_new(state, frame, obs):
        out = Outbox(state, frame, config, obs)
        match frame.kind:
            case FrameKind.MESSAGE:
                keys.hear(state, frame.connection_id)
                _message(state, frame, out)
            case FrameKind.OPENED:
                _opened(state, frame, out)
            case FrameKind.CLOSED:
                _closed(state, frame, out)
            case FrameKind.GAP:
                _gap(state, frame, out)
            case FrameKind.PING:
                keepalive.on_ping(state, frame)
            case FrameKind.PONG:
                keepalive.on_pong(state, frame)
            case _:
                pass
        state.due = _next_due(state, config)
    native = len(obs.messages) > derived and subprotocol.is_native(state, frame.connection_id)
    for number, message in enumerate(obs.messages):
        if message.action in sessions.HEARD:
            own = native and number >= derived
            version = keys.key_of(state, message)
            sessions.receive(state.csms, message, obs, native=own, book=config.tokens, key_version=version)
    return state, obs


def _next_due(state: ChargerState, config: ShadowConfig) -> Micros | None:
    """Asked with every frame."""
    due = ordering.next_due(state.station)
    for pending in state.pairing.pending.values():
        if pending.called_at != UNKNOWN_TIME and pending.frame_id not in state.overdue:
            at = pending.called_at + config.unanswered_after
            due = at if due is None or at < due else due
    for one in state.station.transactions.values():
        if one.held and not one.ended:
            at = min(held.until for held in one.held)
            due = at if due is None or at < due else due
    timeout = boundaries.due(state.station, config)
    due = timeout if due is None or (timeout is not None and timeout < due) else due
    missed = keepalive.due(state.keepalive, config.unanswered_after)
    if missed is not None and (due is None or missed < due):
        due = missed
    doubted = doubts.due(state.station)
    return doubted if due is None or (doubted is not None and doubted < due) else due


def _fire_deadlines(state: ChargerState, frame: Frame, config: ShadowConfig, obs: Observations) -> None:
    while (due := state.due) is not None and due <= frame.received_at:
        moment = frame
        if frame.kind is not FrameKind.TICK or frame.received_at != due:
            moment = Frame(state.charger_id, frame.connection_id, frame.seq, due, FrameKind.TICK)
        out = Outbox(state, moment, config, obs)
        dispatch.fire_due(out, due)
        keepalive.fire_due(out, state, due)
        for pending in state.pairing.pending.values():
            if pending.called_at + config.unanswered_after == due and pending.frame_id not in state.overdue:
                _unanswered(state, pending, due, obs)
        state.due = _next_due(state, config)


def _is_new(state: ChargerState, frame: Frame, obs: Observations) -> bool:
    """Whether the frame was not lived yet; a jump of the sequence is a gap (law 2)."""
    seen = state.seqs.get(frame.connection_id)
    if seen is None:
        seen = state.seqs[frame.connection_id] = Seen()
        if len(state.seqs) > _MAX_CONNECTIONS:
            # Whatever is still open is kept: a flood of refused handshakes must not push it out.
            idle = (key for key in state.seqs if key not in state.connected_at)
            oldest = next(idle, next(iter(state.seqs)))
            del state.seqs[oldest]
            state.connected_at.pop(oldest, None)
    if frame.seq == seen.next_seq:
        seen.next_seq += 1
        return True
    if frame.seq > seen.next_seq:
        missing = frame.seq - seen.next_seq
        seen.holes.extend(range(max(seen.next_seq, frame.seq - _MAX_HOLES), frame.seq))
        del seen.holes[:-_MAX_HOLES]
        seen.next_seq = frame.seq + 1
        _go_blind(state)
        detail = f"{missing} frames are missing before {frame.frame_id}"
        obs.findings.append(
            Finding("tap.gap", "sequence", frame.received_at, (frame.frame_id,), found=str(missing), detail=detail)
        )
        return True
    if frame.seq in seen.holes:
        seen.holes.remove(frame.seq)
        return True
    return False


def _opened(state: ChargerState, frame: Frame, out: Outbox) -> None:
    lived = subprotocol.opened(state, frame, out)
    if not subprotocol.is_refused(frame):
        state.connected_at.setdefault(frame.connection_id, frame.received_at)
    if lived:
        if frame.handshake is not None:
            keys.note(state, frame.connection_id, frame.handshake.key_version)
            observed.note_handshake(out, frame.handshake)
        keepalive.on_opened(state, frame, out)
        state.station.calls_before_boot = []
        doubts.forget(state.station)


def _closed(state: ChargerState, frame: Frame, out: Outbox) -> None:
    state.connected_at.pop(frame.connection_id, None)
    keepalive.on_closed(state, frame, out)
    if subprotocol.is_foreign(subprotocol.of(state, frame.connection_id)):
        return
    state.station.calls_before_boot = []
    doubts.forget(state.station)
    if subprotocol.is_native(state, frame.connection_id):
        live.on_closed(state)
    for pending in exchange.close_connection(state.pairing, frame.connection_id):
        if pending.frame_id not in state.overdue:
            _unanswered(state, pending, frame.received_at, out.obs, "the connection closed")
        state.overdue.pop(pending.frame_id, None)
        state.asked.pop(pending.frame_id, None)


def _gap(state: ChargerState, frame: Frame, out: Outbox) -> None:
    """Blind from here: calls that are open may be answered unseen, and a start may be missed."""
    gap = frame.gap
    for pending in exchange.close_connection(state.pairing, frame.connection_id):
        state.overdue.pop(pending.frame_id, None)
        state.asked.pop(pending.frame_id, None)
    _go_blind(state)
    reason = "cut" if gap is None else gap.reason
    if gap is not None and not gap.until_reconnect:
        # Mirrored from the middle on: when it connected is not known, so nothing is put down to queueing by it.
        state.connected_at.pop(frame.connection_id, None)
    found = None if gap is None else f"{gap.bytes_missing} bytes"
    out.find("tap.gap", reason, found=found, detail="the copy was cut here: nothing is known until it goes on")


def _go_blind(state: ChargerState) -> None:
    """Something was not seen: a transaction may have begun meanwhile, so an unknown one may be adopted again."""
    state.station.booted = False
    doubts.forget(state.station)
    keepalive.forget(state)
    live.on_blind(state)
    for connector in state.station.connectors.values():
        connector.seen_since = None


def _message(state: ChargerState, frame: Frame, out: Outbox) -> None:
    speaks = subprotocol.of(state, frame.connection_id)
    if subprotocol.is_foreign(speaks):
        out.unmapped(f"subprotocol={speaks}")
        return
    message = ocppj.parse(frame.text)
    event = out.obs.event = exchange.pair(state.pairing, frame, message)
    if not speaks:
        subprotocol.decide(state, frame, event)
    _bound(state)
    keepalive.on_message(state.keepalive, frame, event, out.frame_id)
    match event:
        case Called():
            _called(state, frame, event, out)
        case Answered():
            state.asked.setdefault(event.request.frame_id, [])
            _answered(state, event, out)
            del state.asked[event.request.frame_id]
        case DuplicateCall():
            path = f"{frame.direction}.{event.call.action}"
            first = () if event.first is None else (event.first.frame_id,)
            out.find(
                "rpc.duplicate-id",
                path,
                frames=(*first, frame.frame_id),
                found=event.call.message_id,
                detail="the same text again",
            )
        case Orphan():
            _stray_answer(state, event.answer, out)
            if frame.connection_id in state.connected_at or frame.seq > 1:
                out.find("rpc.orphan-answer", str(frame.direction), found=event.answer.message_id)
        case Unreadable():
            reason, message_id = event.malformed.reason, event.malformed.message_id
            detail = "" if message_id is None else f"message id {message_id[:40]}"
            out.find("rpc.malformed", str(frame.direction), found=reason, detail=detail)


def _stray_answer(state: ChargerState, answer: CallResult | CallError, out: Outbox) -> None:
    """A start sent twice under one message id may be answered twice: the second id is one more name for it."""
    primary_id = integer(answer.payload, "transactionId") if isinstance(answer, CallResult) else None
    if primary_id is None:
        return
    for one in reversed(state.station.transactions.values()):
        if one.message_id == answer.message_id and not one.adopted and one.primary_ids:
            alias(out, one, primary_id)
            return


def _bound(state: ChargerState) -> None:
    """Calls that pairing let go of can no longer be answered: nothing has to be remembered of them."""
    if len(state.overdue) > exchange.MAX_PENDING or len(state.asked) > exchange.MAX_PENDING:
        waiting = {pending.frame_id for pending in state.pairing.pending.values()}
        state.overdue = {frame_id: at for frame_id, at in state.overdue.items() if frame_id in waiting}
        state.asked = {frame_id: actions for frame_id, actions in state.asked.items() if frame_id in waiting}


def _called(state: ChargerState, frame: Frame, event: Called, out: Outbox) -> None:
    call = event.pending.call
    direction = event.pending.direction
    if call.flaw:
        detail = f"message id {call.message_id[:40]}"
        out.find("rpc.malformed", f"{direction}.{call.action}", found=call.flaw, detail=detail)
    if event.reused_id:
        path = f"{direction}.{call.action}"
        out.find("rpc.duplicate-id", path, found=call.message_id, detail="the message id of another call")
    if subprotocol.is_native(state, frame.connection_id):
        live.on_call(state, frame, event, out)
        return
    _check_call(out, call)
    _check_boot_order(state, frame, call, direction, out)
    dispatch.on_call(out, call, direction)


def _check_call(out: Outbox, call: Call) -> None:
    if not schema.is_known(schema.V16, call.action):
        out.find("schema.v16", "action:unknown", found=call.action, detail="no action of OCPP 1.6")
        return
    for broken in schema.violations(schema.V16, call.action, response=False, payload=call.payload):
        path = f"{call.action}.{broken.path}:{broken.rule}"
        out.find("schema.v16", path, found=broken.value, expected=broken.rule, detail=broken.detail)


def _check_boot_order(state: ChargerState, frame: Frame, call: Call, direction: Direction, out: Outbox) -> None:
    """Nothing but BootNotification before it is accepted (1.6 §4.2; 2.0.1 B01.FR.05).

    While it is pending the station sends what it is triggered to send, and nothing else (B01.FR.08).
    """
    station = state.station
    if call.action == "BootNotification":
        return
    asked = station.triggered.pop(call.action, None) if direction is Direction.CP_TO_CS else None
    if station.boot_status == "Pending" and asked is not None and out.at - asked <= _TRIGGER_WINDOW:
        return
    if direction is Direction.CP_TO_CS:
        if station.boot_status in ("waiting", "Pending", "Rejected"):
            out.find(
                "rpc.before-boot", call.action, found=call.action, detail=f"BootNotification is {station.boot_status}"
            )
        elif station.boot_status is None and frame.connection_id in state.connected_at:
            station.calls_before_boot.append(f"{call.action}\x1f{frame.frame_id}")
            del station.calls_before_boot[_MAX_EARLY_CALLS:]
    elif station.boot_status == "waiting":
        detail = "BootNotification has no answer yet"
        out.find("rpc.before-boot", f"CSMS.{call.action}", found=call.action, detail=detail)


def _answered(state: ChargerState, event: Answered, out: Outbox) -> None:
    request, answer = event.request, event.answer
    path = f"{request.direction}.{request.call.action}"
    frames = (request.frame_id, out.frame_id)
    if answer.flaw:
        out.find("rpc.malformed", path, found=answer.flaw, detail=f"message id {answer.message_id[:40]}")
    if state.overdue.pop(request.frame_id, None) is not None:
        out.obs.findings.append(
            Finding(
                "rpc.unanswered",
                path,
                out.at,
                frames,
                found=answer.message_id[:80],
                withdrawn=True,
                detail="answered late",
            )
        )
    waited = out.at - request.called_at
    if waited > out.config.slow_answer and UNKNOWN_TIME not in (out.at, request.called_at):
        allowed = out.config.slow_answer
        found, expected, delta = seconds(waited), seconds(allowed), seconds(allowed - waited)
        out.find("rpc.slow-answer", path, frames=frames, found=found, expected=expected, delta=delta)
    native = subprotocol.is_native(state, request.connection_id)
    match answer:
        case CallError():
            out.find("rpc.call-error", path, frames=frames, found=answer.code[:80], detail=answer.description[:200])
            if native:
                live.on_error(state, request, answer, out)
                return
            dispatch.on_error(out, request, answer)
            if request.call.action == "BootNotification" and state.station.boot_status == "waiting":
                state.station.boot_status = "Rejected"
        case CallResult() if native:
            live.on_answer(state, request, answer.payload, out)
        case CallResult():
            _check_answer(out, request, answer, frames)
            dispatch.on_answer(out, request, answer.payload)


def _check_answer(out: Outbox, request: PendingCall, answer: CallResult, frames: tuple[str, ...]) -> None:
    action = request.call.action
    for broken in schema.violations(schema.V16, action, response=True, payload=answer.payload):
        path = f"{action}.conf.{broken.path}:{broken.rule}"
        out.find("schema.v16", path, frames=frames, found=broken.value, expected=broken.rule, detail=broken.detail)


def _unanswered(
    state: ChargerState, pending: PendingCall, at: Micros, obs: Observations, detail: str = "no answer in time"
) -> None:
    state.overdue[pending.frame_id] = at
    path = f"{pending.direction}.{pending.call.action}"
    obs.findings.append(
        Finding("rpc.unanswered", path, at, (pending.frame_id,), found=pending.call.message_id[:80], detail=detail)
    )
