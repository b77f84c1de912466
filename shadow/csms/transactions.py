"""Applying TransactionEvents: order by seqNo, the phase table, and the session that comes of it.

The CSMS knows nothing of 1.6. Its energy is the last minus the first total import register among the
Transaction.Begin and Transaction.End values; where several stand at one end the finest resolution wins, then the one in
Started or Ended itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from ingest.timestamps import parse_stamp
from shadow.csms.state import CsmsState, CsmsTransaction
from shadow.csms.transitions import TRANSITIONS, EventType, Phase, Verdict
from shadow.message import ShadowMessage, ShadowSession
from shadow.native.reading import integer, listed, nested, text
from shadow.quantities import ENERGY_REGISTER, decimal_of, energy_reading
from shadow.station.state import MAX_ENDED, MAX_OPEN

__all__ = ["apply", "session_of"]

_MAX_MISSING: Final = 256
"""Missing numbers listed per transaction; a jump beyond that is a counter that restarted, not lost events."""
_BILLED_AT: Final = frozenset({None, "Outlet", "Cable", "Body"})
"""LocationEnumType (§3.47); an absent one is Outlet."""
_LARGEST_NUMBER: Final = 2**31 - 1
_LONGEST_STAMP: Final = 64


def apply(
    state: CsmsState, message: ShadowMessage, *, native: bool = False, key_version: str = ""
) -> tuple[Verdict, CsmsTransaction | None]:
    """Apply one TransactionEventRequest. A verdict other than applied or gap leaves the transaction unchanged.

    `key_version`: of the key that its token is a pseudonym under.
    """
    payload = message.payload
    info = nested(payload, "transactionInfo")
    transaction_id, seq = text(info, "transactionId"), integer(payload, "seqNo")
    event = _EVENTS.get(text(payload, "eventType") or "")
    if transaction_id is None or seq is None or event is None:
        return Verdict.ILLEGAL, None
    known = state.transactions.get(transaction_id)
    phase = Phase.UNKNOWN if known is None else Phase(known.phase)
    verdict = _order(known, seq, phase)
    if verdict in (Verdict.DUPLICATE, Verdict.AFTER_END):
        return verdict, known
    late = known is not None and seq < known.next_seq
    # Delivery order is free (Part 6): what comes late belongs before, and Started too while it is lacking.
    before = event is EventType.UPDATED or (event is EventType.STARTED and known is not None and not known.started)
    target = phase if late and before else TRANSITIONS.get((phase, event))
    if target is None:
        return Verdict.ILLEGAL, known
    if known is None:
        known = _begin(state, transaction_id, seq, native=native)
        if event is not EventType.STARTED:
            # Part 2 §1.3.2.1: numbering begins at Started, so something before this is missing.
            verdict = Verdict.GAP
    _take_number(known, seq)
    known.phase = target
    _take(known, event, payload, info, key_version)
    return verdict, known


_EVENTS: Final = {event.value: event for event in EventType}


def _order(known: CsmsTransaction | None, seq: int, phase: Phase) -> Verdict:
    if known is None:
        return Verdict.APPLIED
    if seq == known.next_seq:
        return Verdict.AFTER_END if phase is Phase.ENDED else Verdict.APPLIED
    if seq > known.next_seq:
        return Verdict.AFTER_END if phase is Phase.ENDED else Verdict.GAP
    early = seq < known.first_seq and not known.started
    return Verdict.APPLIED if early or seq in known.missing else Verdict.DUPLICATE


def _begin(state: CsmsState, transaction_id: str, seq: int, *, native: bool) -> CsmsTransaction:
    known = CsmsTransaction(transaction_id, Phase.UNKNOWN.value, first_seq=seq, next_seq=seq, native=native)
    state.transactions[transaction_id] = known
    ended = [key for key, one in state.transactions.items() if one.phase == Phase.ENDED]
    if len(ended) > MAX_ENDED:
        del state.transactions[ended[0]]
    elif len(state.transactions) > MAX_OPEN + MAX_ENDED:
        del state.transactions[next(iter(state.transactions))]
    return known


def _take_number(known: CsmsTransaction, seq: int) -> None:
    if seq >= known.next_seq:
        known.missing.extend(range(known.next_seq, min(seq, known.next_seq + _MAX_MISSING)))
        del known.missing[: -2 * _MAX_MISSING]
        known.next_seq = seq + 1
    elif seq < known.first_seq:
        known.missing = [*range(max(seq + 1, known.first_seq - _MAX_MISSING), known.first_seq), *known.missing]
        known.first_seq = seq
    else:
        known.missing.remove(seq)


def _take(
    known: CsmsTransaction, event: EventType, payload: dict[str, Any], info: dict[str, Any], key_version: str
) -> None:
    known.events += 1
    evse = nested(payload, "evse")
    if evse and known.evse_id is None:
        known.evse_id, known.connector_id = _number(evse, "id"), _number(evse, "connectorId")
    if known.id_token is None and event is not EventType.ENDED:
        known.id_token = text(nested(payload, "idToken"), "idToken")
        known.key_version = "" if known.id_token is None else key_version
    if (state := text(info, "chargingState")) is not None:
        known.charging_state = state
    at = parse_stamp((text(payload, "timestamp") or "")[:_LONGEST_STAMP]).at
    if event is EventType.STARTED:
        known.started, known.started_at = True, at
    elif event is EventType.ENDED:
        known.stopped_at = at
        known.stopped_reason = text(info, "stoppedReason") or "Local"  # E07.FR.04: absent is Local
    for value in listed(payload, "meterValue"):
        _take_registers(known, value, event)


def _number(evse: dict[str, Any], key: str) -> int | None:
    """The number of an EVSE or connector; one that no station has is none."""
    number = integer(evse, key)
    return number if number is not None and 0 <= number <= _LARGEST_NUMBER else None


def _take_registers(known: CsmsTransaction, value: dict[str, Any], event: EventType) -> None:
    for sample in listed(value, "sampledValue"):
        context = sample.get("context")
        if context not in ("Transaction.Begin", "Transaction.End"):
            continue
        if sample.get("measurand", ENERGY_REGISTER) != ENERGY_REGISTER or "phase" in sample:
            continue
        number = decimal_of(sample.get("value"))
        if text(sample, "location") not in _BILLED_AT or number is None:
            continue
        unit = nested(sample, "unitOfMeasure")
        reading = energy_reading(number, text(unit, "unit"), integer(unit, "multiplier") or 0)
        if reading is None:
            continue
        if context == "Transaction.Begin":
            best = known.begin_resolution
            if best is None or reading.resolution_wh < best:
                known.begin_wh, known.begin_resolution = reading.wh, reading.resolution_wh
        else:
            best = known.end_resolution
            # Ended is the last word: at equal resolution its first value, meterStop, counts.
            wins = best is None or reading.resolution_wh < best
            if wins or (event is EventType.ENDED and reading.resolution_wh == best and not known.end_in_ended):
                known.end_wh, known.end_resolution = reading.wh, reading.resolution_wh
            if event is EventType.ENDED:
                known.end_in_ended = True


def session_of(known: CsmsTransaction) -> ShadowSession:
    """The session as it stands."""
    energy: Decimal | None = None
    if known.begin_wh is not None and known.end_wh is not None:
        energy = known.end_wh - known.begin_wh
    ended = known.phase == Phase.ENDED
    return ShadowSession(
        known.transaction_id,
        known.evse_id,
        known.connector_id,
        known.id_token,
        known.started_at,
        known.stopped_at,
        known.stopped_reason,
        energy,
        max(known.begin_resolution or Decimal(1), known.end_resolution or Decimal(1)),
        complete=ended and known.started and not known.missing,
        ended=ended,
        events=known.events,
        native=known.native,
        key_version=known.key_version,
    )
