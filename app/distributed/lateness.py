"""Which frames come late, and the ranges of time that have to be judged again because of them. Pure.

The canonical order of a charging station's frames is that of `Frame.order_key`. A frame that comes behind its place in
it (two taps, an old socket that lives on, a spool that drains late) is lived as it comes. Its range is then judged
again from the stored frames: once at once, and once more when no session is open any longer, since a session that was
open may go on from what was believed wrongly. While it stays open, that is asked for every five minutes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from diff.rejudge import RejudgeRequest
from ingest.frame import UNKNOWN_TIME, Frame, FrameKind, Micros

__all__ = ["Order", "due", "ranged", "seen", "ticked"]

_AGAIN: Final[Micros] = 300_000_000


class _Key(NamedTuple):
    received_at: Micros = 0
    connection_id: str = ""
    seq: int = -1


class Order(msgspec.Struct, frozen=True):
    """How far a charging station's frames have come, and what of them came late."""

    last: _Key = _Key()
    """The greatest key so far."""
    fired: Micros = 0
    """A tick before which a deadline fell due: a frame from before it would have been judged otherwise."""
    since: Micros = 0
    """The earliest late frame whose range is not settled; 0 where there is none."""
    late: int = 0
    """Late frames since then."""
    told: int = 0
    """Of those, the ones that a request was made for."""
    until: Micros = 0
    """How far that request reached."""


def seen(order: Order, frame: Frame) -> Order:
    """Take a frame that is lived now."""
    if frame.received_at == UNKNOWN_TIME or frame.kind is FrameKind.TICK:
        return order
    key = _Key(*frame.order_key)
    if key >= order.last and frame.received_at >= order.fired:
        return msgspec.structs.replace(order, last=key)
    since = min(order.since or frame.received_at, frame.received_at)
    return msgspec.structs.replace(order, last=max(key, order.last), since=since, late=order.late + 1)


def ticked(order: Order, at: Micros) -> Order:
    """A tick made a deadline fall due."""
    return msgspec.structs.replace(order, fired=max(order.fired, at))


def due(order: Order) -> Micros | None:
    """When a range that is not settled is to be asked for again; None where nothing came since it was."""
    return order.until + _AGAIN if order.since and order.last.received_at > order.until else None


def ranged(order: Order, charger_id: str, frame_id: str, *, idle: bool) -> tuple[Order, RejudgeRequest | None]:
    """The request that is due at the end of a batch, if any. `frame_id`: the last frame that was lived."""
    until = max(order.last.received_at, order.fired)
    at = due(order)
    if not order.since or not (idle or order.late != order.told or (at is not None and at <= until)):
        return order, None
    request = RejudgeRequest(charger_id, order.since, until, order.late, frame_id)
    if idle:
        return msgspec.structs.replace(order, since=0, late=0, told=0, until=0), request
    return msgspec.structs.replace(order, told=order.late, until=until), request
