"""Whether a connection is kept alive: pings that get no pong, heartbeats beyond their interval, flapping connections.

Only who is known to keep a rhythm is held to it. With JSON over WebSocket 1.6 does not ask for heartbeats (section
4.6), so a charging station is judged by its own: after it sent some on a connection. Each message of it counts as one,
as both versions allow (1.6 section 4.6, 2.0.1 G02).
"""

from __future__ import annotations

from typing import Any, Final

from ingest.exchange import Answered, Called, Event, PendingCall
from ingest.frame import UNKNOWN_TIME, Direction, Frame, Micros
from ingest.ocppj import CallResult
from shadow.config import SECOND
from shadow.state import ChargerState, Keepalive, Ping
from shadow.station.fields import integer, objects, text
from shadow.station.outbox import Outbox

__all__ = ["due", "fire_due", "forget", "on_closed", "on_message", "on_opened", "on_ping", "on_pong"]

_CODE: Final = "keepalive.missed"
_OWN_RHYTHM: Final = 3
"""Heartbeats on a connection from which on they are taken for a rhythm: fewer may have been asked for by a trigger."""
_SHORTEST_GRACE: Micros = 60 * SECOND
_LONGEST_INTERVAL: Final = 7 * 86_400
_MAX_PINGS: Final = 32
_FLAPPING: Final = 5
_WINDOW: Final[Micros] = 600 * SECOND
_DIED_WAITING: Final[Micros] = 5 * SECOND
"""A ping that waited for so long when the connection ended was not just overtaken by the end."""
_ORDERLY: Final = frozenset({1000, 1001})
"""Close codes of an end that one side wished (RFC 6455 section 7.4.1)."""


def due(alive: Keepalive, pong_after: Micros) -> Micros | None:
    """When the next thing counts as missed; None where nothing waits. Asked with every frame."""
    earliest: Micros | None = None
    if alive.heartbeats == _OWN_RHYTHM and alive.interval and not alive.silent:
        earliest = alive.heard_at + _allowed(alive)
    if alive.pings:
        for ping in alive.pings.values():
            at = ping.at + pong_after
            if not ping.named and (earliest is None or at < earliest):
                earliest = at
    return earliest


def fire_due(out: Outbox, state: ChargerState, until: Micros) -> None:
    """Name what is missed at `until`; `out.at` is that moment."""
    alive = state.keepalive
    if alive.heartbeats == _OWN_RHYTHM and alive.interval and not alive.silent:
        allowed = _allowed(alive)
        if alive.heard_at + allowed <= until:
            alive.silent = True
            detail = f"the interval is {alive.interval} s, the connection is open, and the station says nothing"
            _name(out, "Heartbeat", (alive.heard_in,), f"{allowed // SECOND} s", f"{alive.interval} s", detail)
    for key, ping in alive.pings.items():
        if not ping.named and ping.at + out.config.unanswered_after <= until:
            ping.named = True
            waited = f"{out.config.unanswered_after // SECOND} s"
            _name(out, f"ping:{_side(key)}", (ping.frame_id,), f"no pong in {waited}", "a pong", "no pong in time")


def on_message(alive: Keepalive, frame: Frame, event: Event, frame_id: str) -> None:
    """Take one message: the station lives, and the interval may be told. Asked with every message."""
    at = frame.received_at
    if frame.direction is Direction.CP_TO_CS and at != UNKNOWN_TIME:
        if alive.connection != frame.connection_id:
            alive.connection, alive.heartbeats = frame.connection_id, 0
        alive.heard_at = max(alive.heard_at, at)
        alive.heard_in, alive.silent = frame_id, False
        if type(event) is Called and event.pending.call.action == "Heartbeat":
            alive.heartbeats = min(alive.heartbeats + 1, _OWN_RHYTHM)
    if type(event) is Answered and event.request.call.action in _INTERVALS:
        _read_interval(alive, event)


def on_ping(state: ChargerState, frame: Frame) -> None:
    """A ping waits for its pong; one more while it waits changes nothing: one pong may answer all (RFC 6455 §5.5.3)."""
    if frame.direction is None or frame.received_at == UNKNOWN_TIME:
        return
    pings = state.keepalive.pings
    pings.setdefault(_key(frame.connection_id, frame.direction), Ping(frame.frame_id, frame.received_at))
    if len(pings) > _MAX_PINGS:
        del pings[next(iter(pings))]


def on_pong(state: ChargerState, frame: Frame) -> None:
    """All pings of the other side are answered."""
    if frame.direction is not None:
        state.keepalive.pings.pop(_key(frame.connection_id, frame.direction.opposite), None)


def on_opened(state: ChargerState, frame: Frame, out: Outbox) -> None:
    """A connection begins. Five within ten minutes are no keeping alive."""
    alive = state.keepalive
    if frame.received_at == UNKNOWN_TIME:
        return
    since = frame.received_at - _WINDOW
    alive.opened = [one for one in alive.opened if one.at > since]
    alive.opened.append(Ping(frame.frame_id, frame.received_at))
    if len(alive.opened) >= _FLAPPING:
        frames = tuple(one.frame_id for one in alive.opened)
        found = f"{len(frames)} connections in {_WINDOW // SECOND} s"
        _name(out, "connection", frames, found, "one that stays", "the connection is lost and made again and again")
        alive.opened = []


def on_closed(state: ChargerState, frame: Frame, out: Outbox) -> None:
    """A connection ended: one that died while a ping waited was given up for want of a pong."""
    alive = state.keepalive
    for direction in Direction:
        key = _key(frame.connection_id, direction)
        ping = alive.pings.pop(key, None)
        if ping is None or ping.named or frame.close_code in _ORDERLY:
            continue
        waited = frame.received_at - ping.at
        if waited >= _DIED_WAITING:
            detail = f"the connection ended without a pong, close code {frame.close_code or 'none'}"
            found = f"no pong in {waited // SECOND} s"
            _name(out, f"ping:{_side(key)}", (ping.frame_id, frame.frame_id), found, "a pong", detail)
    if alive.connection == frame.connection_id:
        alive.connection, alive.heartbeats, alive.silent = "", 0, False


def forget(state: ChargerState) -> None:
    """Something was not seen: pongs and heartbeats may be among it."""
    alive = state.keepalive
    alive.pings = {}
    alive.connection, alive.heartbeats = "", 0


def _allowed(alive: Keepalive) -> Micros:
    """One heartbeat may be late by an interval, and by a minute where the interval is short."""
    interval = alive.interval * SECOND
    return interval + max(interval, _SHORTEST_GRACE)


def _read_interval(alive: Keepalive, event: Answered) -> None:
    if isinstance(event.answer, CallResult):
        said = _INTERVALS[event.request.call.action](event.request, event.answer.payload)
        if said is not None:
            alive.interval = said if 0 < said <= _LONGEST_INTERVAL else 0  # 0: the station chooses (1.6 §6.8)


def _of_boot(_request: PendingCall, answer: dict[str, Any]) -> int | None:
    return integer(answer, "interval") if answer.get("status") == "Accepted" else None


def _of_key(request: PendingCall, answer: dict[str, Any]) -> int | None:
    """HeartbeatInterval of 1.6 (section 9.1.9), or HeartBeatInterval as some write it."""
    payload = request.call.payload
    known = (text(payload, "key") or "").lower() == "heartbeatinterval"
    return integer(payload, "value") if known and answer.get("status") == "Accepted" else None


def _of_variable(request: PendingCall, answer: dict[str, Any]) -> int | None:
    """OCPPCommCtrlr.HeartbeatInterval (2.0.1 §2.1.3)."""
    results = objects(answer.get("setVariableResult"))
    asked = objects(request.call.payload.get("setVariableData"))
    for wanted, result in zip(asked, results, strict=False):
        variable = wanted.get("variable")
        named = isinstance(variable, dict) and (text(variable, "name") or "").lower() == "heartbeatinterval"
        if named and result.get("attributeStatus") == "Accepted":
            return integer(wanted, "attributeValue")
    return None


_INTERVALS: Final = {
    "BootNotification": _of_boot,
    "ChangeConfiguration": _of_key,
    "SetVariables": _of_variable,
}
"""Who tells the interval, by the action whose answer settles it."""


def _key(connection_id: str, direction: Direction) -> str:
    return f"{connection_id}\x1f{direction.value}"


def _side(key: str) -> str:
    """Whose ping it is: `cp>cs` that of the charging station."""
    return key.rpartition("\x1f")[2]


def _name(out: Outbox, path: str, frames: tuple[str, ...], found: str, expected: str, detail: str) -> None:
    out.find(_CODE, path, frames=frames, found=found, expected=expected, detail=detail)
