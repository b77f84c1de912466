"""The requestIds of log uploads and firmware updates: 2.0.1 tells each status of the request that it belongs to.

Where 1.6 has no requestId one is made: -1, -2 … per charging station. The field is an integer without a lower bound,
and 2.0.1 itself advises ids below 0 where they must not meet those of the CSMS (K11.FR.06, of profiles). A CSMS that
counts below 0 all the same pushes them further down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ingest.ocppj import Call
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.state import Requested

__all__ = ["FIRMWARE", "LOG", "ask", "settle", "told"]

LOG: Final = "log"
FIRMWARE: Final = "firmware"
_MAX_ASKED: Final = 4
_NOTHING: Final[Mapping[str, Any]] = {}


def ask(out: Outbox, kind: str, given: int | None) -> int:
    """A request begins; it stands for what is reported from now on, unless it is refused. Returns its id."""
    requested = _requested(out, kind)
    own_id = _made(out) if given is None else _seen(out, given)
    requested.asked[out.frame_id] = (own_id, requested.current)
    if len(requested.asked) > _MAX_ASKED:
        del requested.asked[next(iter(requested.asked))]
    requested.current = own_id
    return own_id


def settle(out: Outbox, kind: str, asked_by: str, *, accepted: bool) -> int | None:
    """The request of that frame was answered. Refused, it leaves the one before it as it was.

    Returns the id that was current before it, where there was another one.
    """
    requested = _requested(out, kind)
    own_id, before = requested.asked.pop(asked_by, (None, None))
    if own_id is not None and not accepted and requested.current == own_id:
        requested.current = before
    return before if before != own_id else None


def told(out: Outbox, kind: str, call: Call) -> Mapping[str, Any]:
    """The requestId that a status needs and does not carry itself, for its table.

    Idle needs none (L01.FR.20, N01.FR.13): it answers a TriggerMessage while nothing is going on.
    """
    requested = _requested(out, kind)
    own_id = integer(call.payload, "requestId")
    if own_id is not None:
        if requested.current is None:
            requested.current = _seen(out, own_id)
        return _NOTHING
    if text(call.payload, "status") == "Idle":
        return _NOTHING
    if requested.current is None:
        requested.current = _made(out)
    return {"requestId": requested.current}


def _requested(out: Outbox, kind: str) -> Requested:
    return out.station.requests.setdefault(kind, Requested())


def _made(out: Outbox) -> int:
    out.station.lowest_request_id -= 1
    return out.station.lowest_request_id


def _seen(out: Outbox, given: int) -> int:
    out.station.lowest_request_id = min(out.station.lowest_request_id, given)
    return given
