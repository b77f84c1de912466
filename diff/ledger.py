"""What the primary 1.6 CSMS believes and bills, rebuilt from 1.6 semantics and from nothing else.

This fold is one of the two independent ones: it follows the primary's own answers (which transactionId it gave to
which StartTransaction), the register readings it bills by (meterStart, meterStop) and the CALL that ends a
transaction. It knows no 2.0.1, no meter samples and no tolerance, it corrects nothing and compares nothing; -1 and
negative energies are billed as told. It imports nothing of `shadow`, so that a mistake of the mapping cannot be made
twice.

Feed it the frames of one charging station in order, each with the event that pairing made of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from diff.books import (
    Ledger,
    began_unseen,
    clock_was_corrected,
    close,
    first_of,
    issuable,
    keep,
    latest,
    open_under,
    see,
    trim,
)
from diff.primary import (
    Adopted,
    Collided,
    Duplicated,
    Ended,
    LedgerEvent,
    Opened,
    OrphanStop,
    PrimaryTransaction,
    Proposed,
    Refused,
    Repeated,
    RepeatedStop,
    State,
    Stop,
    with_evidence,
)
from diff.primary_reading import (
    plausible_time,
    read_connector,
    read_error,
    read_start,
    read_status,
    read_stop,
    read_transaction_id,
    sample_time,
)
from ingest.exchange import Answered, Called, Event, Orphan, PendingCall
from ingest.frame import Direction, Frame, FrameKind, Micros
from ingest.ocppj import CallError, CallResult

__all__ = ["Ledger", "fold"]

ACCEPTED: Final = "Accepted"


def fold(state: Ledger, frame: Frame, event: Event | None, key_version: str = "") -> list[LedgerEvent]:
    """Take one frame and what pairing made of it into the books. Changes `state`; never raises.

    `key_version`: of the key that the tokens of its connection are pseudonyms under.
    """
    match event:
        case Called(pending=call) if call.direction is Direction.CP_TO_CS:
            return _on_call(state, call, key_version)
        case Answered(request=call, answer=answer) if call.direction is Direction.CP_TO_CS:
            if call.call.action == "StartTransaction":
                return _on_start_answer(state, frame, read_start(call, key_version), answer)
            if call.call.action == "StopTransaction":
                return _on_stop_answer(state, frame, call, answer)
        case Orphan(answer=CallResult() as answer) if frame.direction is Direction.CS_TO_CP:
            return _on_stray_answer(state, frame, answer)
        case None if frame.kind is FrameKind.GAP:
            # Transactions may have begun while nothing was seen.
            state.seen_since = dict.fromkeys(state.seen_since)
        case _:
            pass
    return []


def _on_call(state: Ledger, call: PendingCall, key_version: str) -> list[LedgerEvent]:
    # BootNotification is not among them: a reboot ends no transaction of the primary, only a stop does (1.6 ed2 §4.10).
    match call.call.action:
        case "MeterValues":
            return _on_meter_values(state, call)
        case "StatusNotification":
            return _on_status(state, call)
        case "StartTransaction":
            return _on_start(state, read_start(call, key_version), call.called_at)
        case "StopTransaction":
            return _on_stop(state, call)
        case _:
            return []


def _on_start(state: Ledger, start: PrimaryTransaction, called_at: Micros) -> list[LedgerEvent]:
    """1.6 ed2 §4.8. Before the answer there is nothing to bill, only a proposal."""
    see(state, start.connector_id, plausible_time(start.started_text) or called_at)
    first = first_of(state, start)
    if first is not None:
        # 1.6 ed2 §3.7.1: a start that was not answered is sent again. Whether it is one more is the primary's to say.
        keep(state, replace(first, frames=with_evidence(first.frames, start.opened_by)))
        return []
    state.open[start.key] = start
    return [Proposed(start, (start.opened_by,)), *trim(state)]


class _Answer(NamedTuple):
    """What the primary answered to a StartTransaction, and when."""

    frame_id: str
    received_at: Micros
    issued: str | None
    status: str | None


def _on_start_answer(
    state: Ledger, frame: Frame, start: PrimaryTransaction, result: CallResult | CallError
) -> list[LedgerEvent]:
    first = state.open.get(start.opened_by) or first_of(state, start)
    if isinstance(result, CallError):
        return _refuse(state, first or start, (start.opened_by, frame.frame_id), read_error(result))
    return _on_answer(state, first or start, start, _read_answer(frame, result))


def _on_answer(
    state: Ledger, first: PrimaryTransaction, start: PrimaryTransaction, answer: _Answer
) -> list[LedgerEvent]:
    """`first` is what the start repeats, or the start itself."""
    if first.state is not State.PROPOSED:
        return _on_second_answer(state, first, start, answer)
    if answer.status not in (None, ACCEPTED) and not issuable(answer.issued):
        # 1.6 asks for a transactionId even then (§6.46); backends that open no transaction send 0 or nothing.
        first = replace(first, authorization=answer.status)
        return _refuse(state, first, (start.opened_by, answer.frame_id), str(answer.status))
    return _open(state, first, answer)


def _read_answer(frame: Frame, result: CallResult) -> _Answer:
    issued = read_transaction_id(result.payload.get("transactionId"))
    return _Answer(frame.frame_id, frame.received_at, issued, read_status(result.payload))


def _refuse(state: Ledger, known: PrimaryTransaction, frames: tuple[str, str], status: str) -> list[LedgerEvent]:
    known = replace(known, frames=with_evidence(known.frames, frames[1]))
    keep(state, known)
    return [Refused(known, frames, status), *trim(state)]


def _on_second_answer(
    state: Ledger, first: PrimaryTransaction, start: PrimaryTransaction, answer: _Answer
) -> list[LedgerEvent]:
    """The primary answers a start that has its transaction: the same id is the same one, another id a second one."""
    frames = (start.opened_by, answer.frame_id)
    if answer.issued == first.transaction_id or not issuable(answer.issued):
        first = replace(first, frames=with_evidence(first.frames, answer.frame_id))
        keep(state, first)
        return [Repeated(first, frames, answer.status)]
    events = _open(state, start, answer)
    opened = next((event.transaction for event in events if isinstance(event, Opened)), None)
    return [*events, Duplicated(opened, frames, first)] if opened is not None else events


def _on_stray_answer(state: Ledger, frame: Frame, result: CallResult) -> list[LedgerEvent]:
    """A call that was sent twice under one message id may be answered twice, and with two transactions."""
    if "transactionId" not in result.payload:
        return []
    answer = _read_answer(frame, result)
    for first in latest(state):
        connection_id = first.opened_by.rpartition("/")[0]
        if first.message_id == result.message_id and connection_id == frame.connection_id and not first.adopted:
            return _on_answer(state, first, _start_again(first, frame), answer)
    return []


def _start_again(first: PrimaryTransaction, frame: Frame) -> PrimaryTransaction:
    """The same start once more, as a proposal of its own that only an answer tells of."""
    return PrimaryTransaction(
        opened_by=frame.frame_id,
        started_received_at=frame.received_at,
        connector_id=first.connector_id,
        message_id=first.message_id,
        id_token=first.id_token,
        meter_start=first.meter_start,
        meter_start_text=first.meter_start_text,
        started_at=first.started_at,
        started_text=first.started_text,
        frames=(first.opened_by,),
        key_version=first.key_version,
    )


def _open(state: Ledger, start: PrimaryTransaction, answer: _Answer) -> list[LedgerEvent]:
    frames = (start.opened_by, answer.frame_id)
    other = open_under(state, answer.issued)
    state.open.pop(start.key, None)
    if other is not None and clock_was_corrected(other, start):
        other = replace(other, frames=with_evidence(with_evidence(other.frames, start.opened_by), answer.frame_id))
        keep(state, other)
        return [Repeated(other, frames, answer.status)]
    opened = replace(
        start,
        state=State.OPEN,
        transaction_id=answer.issued,
        authorization=answer.status,
        answered_at=answer.received_at,
        frames=with_evidence(start.frames, answer.frame_id),
    )
    state.open[opened.key] = opened
    events: list[LedgerEvent] = [Opened(opened, frames)]
    if answer.status not in (None, ACCEPTED):
        # The transaction exists all the same: the charging station decides whether to stop it (1.6 ed2 §4.8).
        events.append(Refused(opened, frames, str(answer.status)))
    if other is not None:
        events.append(Collided(opened, frames, other))
    return [*events, *trim(state)]


def _on_stop(state: Ledger, call: PendingCall) -> list[LedgerEvent]:
    """1.6 ed2 §4.10: the CSMS cannot prevent a transaction from stopping, so that the CALL alone ends it."""
    stop = read_stop(call)
    frames = (call.frame_id,)
    running = open_under(state, stop.transaction_id)
    if running is not None:
        return [_end(state, running, stop)]
    for ended in reversed(state.ended.values()):
        if stop.transaction_id is not None and ended.transaction_id == stop.transaction_id:
            return [RepeatedStop(ended, frames, stop)]
    if began_unseen(state, stop.transaction_id, None, plausible_time(stop.stopped_text)):
        adopted = _adopt(call, stop.transaction_id, None)
        return [Adopted(adopted, frames), _end(state, adopted, stop)]
    # Errata 3.18 of 1.6: a transaction whose start was never answered is stopped under -1.
    return [OrphanStop(stop, frames)]


def _end(state: Ledger, running: PrimaryTransaction, stop: Stop) -> Ended:
    ended = replace(
        running,
        state=State.ENDED,
        ended_by=stop.frame_id,
        stopped_received_at=stop.received_at,
        meter_stop=stop.meter_stop,
        meter_stop_text=stop.meter_stop_text,
        stopped_at=stop.stopped_at,
        stopped_text=stop.stopped_text,
        stop_reason=stop.reason,
        stop_id_token=stop.id_token,
        frames=with_evidence(running.frames, stop.frame_id),
    )
    close(state, ended)
    return Ended(ended, (stop.frame_id,))


def _on_stop_answer(
    state: Ledger, frame: Frame, call: PendingCall, result: CallResult | CallError
) -> list[LedgerEvent]:
    for ended in reversed(state.ended.values()):
        if ended.ended_by == call.frame_id:
            said = read_error(result) if isinstance(result, CallError) else read_status(result.payload)
            noted = replace(ended, stop_answer=said, frames=with_evidence(ended.frames, frame.frame_id))
            keep(state, noted)
            frames = (call.frame_id, frame.frame_id)
            return [Refused(noted, frames, read_error(result))] if isinstance(result, CallError) else []
    return []


def _on_meter_values(state: Ledger, call: PendingCall) -> list[LedgerEvent]:
    """Meter values bill nothing in 1.6; all they tell is that a transaction is running."""
    payload = call.call.payload
    connector_id = read_connector(payload.get("connectorId"))
    see(state, connector_id, None)
    named = read_transaction_id(payload.get("transactionId"))
    if named is None or any(known.transaction_id == named for known in latest(state)):
        return []
    at = sample_time(payload)
    if not began_unseen(state, named, connector_id, at):
        return []
    adopted = _adopt(call, named, connector_id or None)
    state.open[adopted.key] = adopted
    # One connector runs one transaction at a time: another one that began unseen would have to be older.
    see(state, connector_id, at if at is not None else call.called_at)
    return [Adopted(adopted, (call.frame_id,)), *trim(state)]


def _on_status(state: Ledger, call: PendingCall) -> list[LedgerEvent]:
    """Available: no transaction runs there (1.6 ed2 §4.9), so that from now on each one is seen to begin."""
    payload = call.call.payload
    at: Micros | None = None
    if payload.get("status") == "Available":
        text = payload.get("timestamp")
        at = (plausible_time(text) if isinstance(text, str) else None) or call.called_at
    see(state, read_connector(payload.get("connectorId")), at)
    return []


def _adopt(call: PendingCall, named: str | None, connector_id: int | None) -> PrimaryTransaction:
    return PrimaryTransaction(
        opened_by=call.frame_id,
        started_received_at=call.called_at,
        state=State.OPEN,
        adopted=True,
        connector_id=connector_id,
        transaction_id=named,
        frames=(call.frame_id,),
    )
