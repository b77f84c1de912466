"""The reorder horizon: TransactionEvents wait for what belongs before them, and get their seqNo in the order of time.

1.6 delivers transaction messages in order, but a queue that drains, a second connection or a slow sampler brings values
late: after StopTransaction, with a time before it. A 2.0.1 station would have numbered them where they belong (2.0.1
Part 2 §1.3.2.1). So each event waits `reorder_horizon` after the frame that it was made of. When its time is up, it is
said, and before it every event of the same transaction that is older: Started first, Ended last, the others by the
station's own time, and by arrival where that is the same. The answer to an event waits with it.
"""

from __future__ import annotations

from bisect import insort_right
from functools import lru_cache
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import UNKNOWN_TIME, Direction, Micros
from ingest.timestamps import format_micros
from shadow.message import MessageType, Provenance
from shadow.station.outbox import Outbox, seconds
from shadow.station.state import MAX_WAITING, StationState, Transaction, WaitingEvent

__all__ = [
    "ORDER_SLACK",
    "answer",
    "fire",
    "flush",
    "merge",
    "next_due",
    "tell",
    "waiting_end",
    "waiting_start",
]

ORDER_SLACK: Final[Micros] = 1_000_000
"""Charging stations stamp a status and the sample beside it up to a second apart."""

_RANKS: Final = {"Started": 0, "Updated": 1, "Ended": 2}
_NOTHING: Final[dict[str, Provenance]] = {}
_GROUP: Final = {"idTokenInfo.groupIdToken.type": Provenance.SYNTHESISED}
_ALWAYS: Final = {
    "seqNo": Provenance.SYNTHESISED,
    "triggerReason": Provenance.DERIVED,
    "transactionInfo.transactionId": Provenance.SYNTHESISED,
}
_SOMETIMES: Final = (
    ("transactionInfo.chargingState", Provenance.DERIVED),
    ("transactionInfo.remoteStartId", Provenance.SYNTHESISED),
    ("idToken.type", Provenance.SYNTHESISED),
    ("evse", Provenance.CONFIGURED),
    ("offline", Provenance.DERIVED),
)
"""Of the members of a TransactionEvent that were not simply observed."""


def tell(out: Outbox, event: WaitingEvent) -> None:
    """Let an event wait for its turn; without a horizon, or without a clock, its turn is now."""
    if out.config.reorder_horizon == 0 or out.at == UNKNOWN_TIME:
        _say(out, event)
        return
    event.due = out.at + out.config.reorder_horizon
    waiting = out.station.waiting
    if waiting and waiting[-1].due > event.due:
        insort_right(waiting, event, key=_due)  # its frame was late itself
    else:
        waiting.append(event)
    if len(waiting) > MAX_WAITING:
        _say_up_to(out, waiting[0])


def answer(out: Outbox, request: PendingCall, payload: dict[str, Any], first: str | None = None) -> None:
    """Answer the TransactionEvents that a request of 1.6 became, each once it is said.

    `first`: the frame that was never answered and that the request repeats (E13.FR.02): it is what is answered.
    """
    frame_id = first or request.frame_id
    for one in out.station.transactions.values():
        if one.token_told_by == frame_id and one.token_info is not None and not payload:
            payload, one.token_info = {"idTokenInfo": one.token_info}, None
    mine = [one for one in out.station.waiting if one.caused_by[-1] == frame_id]
    for event in mine:
        if event.answer is None:
            event.answer, event.answered_by = payload, out.frame_id
    if not mine and (first is not None or out.was_asked(request, "TransactionEvent")):
        _respond(out, payload, (frame_id, out.frame_id))


def waiting_start(out: Outbox, transaction_id: str) -> WaitingEvent | None:
    """The Started of a transaction while it waits."""
    return _waiting(out, transaction_id, "Started")


def waiting_end(out: Outbox, transaction_id: str) -> WaitingEvent | None:
    """The Ended of a transaction while it waits."""
    return _waiting(out, transaction_id, "Ended")


def _waiting(out: Outbox, transaction_id: str, kind: str) -> WaitingEvent | None:
    mine = (one for one in out.station.waiting if one.transaction_id == transaction_id)
    return next((one for one in mine if one.payload["eventType"] == kind), None)


def merge(event: WaitingEvent, meter_value: dict[str, Any], frame_id: str) -> None:
    """Add meter values to an event that waits. The frame that it is answered for stays the last of its causes."""
    event.payload.setdefault("meterValue", []).append(meter_value)
    if frame_id not in event.caused_by:
        event.caused_by = (*event.caused_by[:-1], frame_id, event.caused_by[-1])


def next_due(station: StationState) -> Micros | None:
    """When the next event has waited long enough."""
    return station.waiting[0].due if station.waiting else None


def fire(out: Outbox, until: Micros) -> None:
    """Say what has waited long enough, each in its turn."""
    while out.station.waiting and out.station.waiting[0].due <= until:
        _say_up_to(out, out.station.waiting[0])


def flush(out: Outbox, transaction_id: str) -> None:
    """Say all that waits of one transaction: it is about to be forgotten."""
    while mine := [one for one in out.station.waiting if one.transaction_id == transaction_id]:
        _say_up_to(out, max(mine, key=_turn))


def _due(event: WaitingEvent) -> Micros:
    return event.due


def _turn(event: WaitingEvent) -> tuple[int, Micros]:
    return _RANKS[event.payload["eventType"]], event.at


def _say_up_to(out: Outbox, last: WaitingEvent) -> None:
    """Say an event, and before it what is older of its transaction; of equals the one that came first."""
    waiting = out.station.waiting
    mine = [one for one in waiting if one.transaction_id == last.transaction_id]
    if len(mine) == 1:  # as nearly always
        out.station.waiting = [one for one in waiting if one is not last]
        _say(out, last)
        return
    mine.sort(key=_turn)  # stable: arrival decides between equals
    said = mine[: next(place for place, one in enumerate(mine, 1) if one is last)]
    taken = {id(one) for one in said}  # equal events may wait beside each other
    out.station.waiting = [one for one in out.station.waiting if id(one) not in taken]
    for event in said:
        _say(out, event)


def _say(out: Outbox, event: WaitingEvent) -> None:
    payload = event.payload
    transaction = out.station.transactions.get(event.transaction_id)
    if transaction is not None:
        payload["seqNo"] = transaction.seq_no
        transaction.seq_no += 1
        if event.placed and not transaction.evse_told and transaction.connector_id > 0:
            # E01.FR.16: in the first event after the EV is connected, and in no other.
            transaction.evse_told = True
            payload["evse"] = out.evse(transaction.connector_id)
        _check_order(out, transaction, event)
    info = payload["transactionInfo"]
    there = (
        "chargingState" in info,
        "remoteStartId" in info,
        "idToken" in payload,
        "evse" in payload,
        "offline" in payload,
    )
    provenance = _provenance(there)
    out.say("TransactionEvent", payload, provenance, caused_by=event.caused_by)
    if event.answer is not None:
        _respond(out, event.answer, (event.caused_by[-1], event.answered_by))


def _respond(out: Outbox, payload: dict[str, Any], caused_by: tuple[str, ...]) -> None:
    direction, response = Direction.CS_TO_CP, MessageType.RESPONSE
    provenance = _GROUP if "groupIdToken" in payload.get("idTokenInfo", ()) else _NOTHING
    out.say("TransactionEvent", payload, provenance, direction=direction, type_=response, caused_by=caused_by)


@lru_cache(maxsize=32)
def _provenance(there: tuple[bool, ...]) -> dict[str, Provenance]:
    """Of a TransactionEvent that has those of `_SOMETIMES`; shared by all alike, and never written to."""
    return _ALWAYS | {path: origin for (path, origin), has in zip(_SOMETIMES, there, strict=True) if has}


def _check_order(out: Outbox, transaction: Transaction, event: WaitingEvent) -> None:
    """An event that is older than one already numbered came later than the horizon allows."""
    last = transaction.last_at
    if last is None or event.at >= last:
        transaction.last_at = event.at
    elif event.payload["eventType"] == "Updated" and last - event.at > ORDER_SLACK:
        out.find(
            "session.out-of-order",
            "TransactionEvent.Updated",
            connector_id=transaction.connector_id,
            transaction_id=transaction.transaction_id,
            frames=event.caused_by,
            found=format_micros(event.at),
            expected=format_micros(last),
            delta=seconds(last - event.at),
            occurred_at=event.at,
        )
