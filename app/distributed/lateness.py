"""Which frames come late, and the ranges of time that have to be judged again because of them. Pure.

The canonical order of a charging station's frames is that of `Frame.order_key`. A frame that comes behind its place in
it (two taps, an old socket that lives on, a spool that drains late) is lived as it comes. Its range is then judged
again from the stored frames: once at once, and once more when no session is open any longer, since a session that was
open may go on from what was believed wrongly. While it stays open, that is asked for every five minutes.

No request puts the state right that lived the late frame. What waited in it (a horizon, an answer, a deadline) is said
afterwards, and a count over its whole life stays wrong, and whatever it says has a higher version than the correction.
So it stays in doubt: what it says is followed by another request, the sooner the younger the doubt is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from diff.rejudge import RejudgeRequest
from ingest.frame import UNKNOWN_TIME, Frame, FrameKind, Micros

__all__ = ["DOUBT", "Order", "due", "ranged", "seen", "spoken", "ticked"]

_AGAIN: Final[Micros] = 300_000_000
_SHARE: Final = 32
"""Nor sooner than this part of the doubt's age: each request reads a month of frames, and this makes it 200 of them at
most in the life of a doubt, instead of 8640."""
DOUBT: Final[Micros] = 30 * 86_400_000_000
"""After the latest late frame. As long as judging again reads back from it: what it then counts is no longer whole."""


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
    """The earliest late frame because of which the state is in doubt; 0 where there is none."""
    late: int = 0
    """Late frames since then."""
    told: int = 0
    """Of those, the ones that a request was made for."""
    until: Micros = 0
    """How far the latest request reached."""
    doubted: Micros = 0
    """How far the charging station had come when the latest of them came."""
    settled: bool = False
    """A request was made when no session was open any longer."""
    said: bool = False
    """The state has said something since the latest request."""


def seen(order: Order, frame: Frame) -> Order:
    """Take a frame that is lived now."""
    if frame.received_at == UNKNOWN_TIME or frame.kind is FrameKind.TICK:
        return order
    key = _Key(*frame.order_key)
    if key >= order.last and frame.received_at >= order.fired:
        return msgspec.structs.replace(order, last=key)
    come = max(order.last.received_at, order.fired)
    fresh = not order.since or order.since + DOUBT < come
    return msgspec.structs.replace(
        order,
        last=max(key, order.last),
        since=frame.received_at if fresh else min(order.since, frame.received_at),
        late=order.late + 1,
        doubted=come,
        settled=False,
    )


def ticked(order: Order, at: Micros) -> Order:
    """A tick made a deadline fall due."""
    return msgspec.structs.replace(order, fired=max(order.fired, at))


def spoken(order: Order) -> Order:
    """Something was said of sessions or discrepancies."""
    return msgspec.structs.replace(order, said=True) if order.since and not order.said else order


def due(order: Order) -> Micros | None:
    """When a range is to be asked for again; None where nothing that counts came since it was."""
    came = order.said or (not order.settled and order.last.received_at > order.until)
    if not order.since or not came:
        return None
    return order.until + max(_AGAIN, (order.until - _doubted(order)) // _SHARE)


def ranged(
    order: Order, charger_id: str, frame_id: str, *, idle: bool, now: Micros = 0
) -> tuple[Order, RejudgeRequest | None]:
    """The request that is due at the end of a batch, if any.

    `frame_id`: the last frame that was lived. `now`: of the last frame or tick, which may have come for this alone.
    """
    if not order.since:
        return order, None
    until = max(order.last.received_at, order.fired)
    now = max(until, now)
    over = _doubted(order) + DOUBT <= now
    at = due(order)
    ended = idle and not order.settled
    request = None
    if ended or order.late != order.told or (at is not None and (over or at <= now)):
        request = RejudgeRequest(charger_id, order.since, until, order.late, frame_id)
        settled = order.settled or idle
        order = msgspec.structs.replace(order, told=order.late, until=until, settled=settled, said=False)
    return Order(order.last, order.fired) if over else order, request


def _doubted(order: Order) -> Micros:
    """A state of the release before does not know it."""
    return order.doubted or order.until
