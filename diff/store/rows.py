"""How frames, messages, sessions and discrepancies become rows. Pure.

A row's values stand in the order of its table's columns; times stay whole microseconds and energies stay decimals,
so nothing passes through a float.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

import msgspec

from diff.alerts.alert import Alert
from diff.applied import AppliedFrames
from diff.change import Change
from diff.discrepancy import Discrepancy, JudgedSession
from diff.noise import NoiseRun
from diff.store.tables import ChargerFacts, ConnectionAccount, DeadLetter, Row, StoredVerdict
from ingest.control import Acknowledgement
from ingest.exchange import Answered, Called, DuplicateCall, Event, Orphan, Unreadable
from ingest.frame import Frame
from ingest.ocppj import Call, CallError, CallResult, Malformed, Message
from shadow.device_model.fact import Fact
from shadow.message import ShadowMessage

__all__ = [
    "NO_CONNECTOR",
    "acknowledgement_row",
    "applied_rows",
    "change_row",
    "charger_row",
    "connection_row",
    "dead_letter_row",
    "discrepancy_row",
    "fact_row",
    "frame_row",
    "message_row",
    "noise_row",
    "session_row",
    "verdict_row",
]

NO_CONNECTOR: Final = -1
"""`connector_id` of a fact that is about no connector: a column of a key is better not Nullable."""
_SCALE: Final = Decimal("0.000001")
_WHOLE_DIGITS: Final = 32
"""Decimal(38, 6) has so many digits before the point."""
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
_LONGEST_NOTE: Final = 200

_json: Final[Callable[[Any], bytes]] = msgspec.json.Encoder(decimal_format="number").encode


def frame_row(frame: Frame, event: Event | Message | None = None) -> Row:
    """A row of `frames`. `event` says what the text is; an answer has an action only where its call is known."""
    action, kind, message_id = _facts(event)
    return (
        frame.charger_id,
        frame.connection_id,
        frame.seq,
        frame.frame_id,
        frame.received_at,
        frame.kind.value,
        "" if frame.direction is None else frame.direction.value,
        action,
        kind,
        message_id,
        frame.text,
        _detail(frame),
    )


def message_row(message: ShadowMessage, judging_run: str) -> Row:
    """A row of `messages`."""
    payload = message.payload
    return (
        message.charger_id,
        judging_run,
        message.message_id,
        message.number,
        message.at,
        message.action,
        message.type.value,
        message.direction.value,
        _json(payload).decode(),
        list(message.caused_by),
        {path: source.value for path, source in message.provenance.items()},
        _transaction(payload),
        _evse(payload),
    )


def dead_letter_row(letter: DeadLetter) -> Row:
    """A row of `dead_letters`."""
    return (
        letter.charger_id,
        letter.id,
        letter.received_at,
        letter.source,
        letter.position,
        letter.reason,
        letter.size,
        letter.shape,
    )


def session_row(session: JudgedSession) -> Row:
    """A row of `sessions`. An energy or amount that does not fit stands in `detail` as text."""
    notes: list[str] = []
    bill = (
        session.record_id,
        _decimal("record_energy_wh", session.record_energy_wh, notes),
        _decimal("record_amount", session.record_amount, notes),
        session.record_currency,
        _decimal("shadow_amount", session.shadow_amount, notes),
        _decimal("amount_delta", session.amount_delta, notes),
    )
    return (
        session.charger_id,
        session.judging_run,
        session.session_id,
        _int32("connector_id", session.connector_id, notes),
        _int32("evse_id", session.evse_id, notes),
        session.primary_transaction_id,
        session.shadow_transaction_id,
        session.id_token,
        session.started_at,
        session.stopped_at,
        session.stop_reason,
        _decimal("primary_energy_wh", session.primary_energy_wh, notes),
        _decimal("shadow_energy_wh", session.shadow_energy_wh, notes),
        session.complete,
        session.compared,
        session.judged,
        session.first_received_at,
        session.last_received_at,
        session.vendor,
        session.model,
        session.firmware,
        "; ".join(notes),
        session.version,
        session.status.value,
        *bill,
        session.key_version,
    )


def discrepancy_row(found: Discrepancy) -> Row:
    """A row of `discrepancies`. A delta that does not fit is added to `detail` as text."""
    notes = [found.detail] if found.detail else []
    return (
        found.charger_id,
        found.code,
        found.judging_run,
        found.id,
        found.class_.value,
        found.severity.value,
        _int32("evse_id", found.evse_id, notes),
        _int32("connector_id", found.connector_id, notes),
        found.session_id,
        found.path,
        found.primary,
        found.shadow,
        _decimal("delta", found.delta, notes),
        found.unit,
        list(found.frames),
        found.occurrences,
        found.occurred_at,
        found.observed_at,
        found.first_received_at,
        found.fingerprint,
        found.title,
        "; ".join(notes),
        found.status.value,
        found.version,
        found.vendor,
        found.model,
        found.firmware,
        found.mapper_version,
        found.policy_version,
        found.schema_version,
    )


def connection_row(account: ConnectionAccount) -> Row:
    """A row of `connections`."""
    return msgspec.structs.astuple(account)


def fact_row(fact: Fact) -> Row:
    """A row of `device_facts`."""
    number = fact.connector_id
    return (
        fact.charger_id,
        fact.source.value,
        NO_CONNECTOR if number is None else number,
        fact.name,
        fact.value,
        fact.at,
        fact.frame_id,
        fact.detail,
    )


def charger_row(facts: ChargerFacts) -> Row:
    """A row of `chargers`."""
    return msgspec.structs.astuple(facts)


def applied_rows(applied: AppliedFrames) -> list[Row]:
    """Rows of `applied`, one a range."""
    return [(applied.charger_id, one.connection_id, one.first, one.last, applied.at) for one in applied.ranges]


def acknowledgement_row(one: Acknowledgement) -> Row:
    """A row of `acknowledgements`."""
    return (
        one.id,
        one.at,
        one.fingerprint,
        one.vendor,
        one.model,
        one.firmware,
        one.charger,
        one.reason,
        one.owner,
        one.expires,
        one.by,
        one.revoked,
    )


def noise_row(run: NoiseRun) -> Row:
    """A row of `noise_runs`."""
    return msgspec.structs.astuple(run)


def change_row(change: Change) -> Row:
    """A row of `changes`."""
    return msgspec.structs.astuple(change)


def verdict_row(verdict: StoredVerdict) -> Row:
    """A row of `verdicts`."""
    return msgspec.structs.astuple(verdict)


def alert_row(alert: Alert) -> Row:
    """A row of `alerts`."""
    words = (alert.kind.value, alert.state.value, alert.severity.value)
    return (alert.id, *words, *msgspec.structs.astuple(alert)[4:])


def _facts(event: Event | Message | None) -> tuple[str, str, str]:
    """Action, message type and message id."""
    match event:
        case None:
            return "", "", ""
        case Called(pending=pending):
            return pending.call.action, "call", pending.call.message_id
        case DuplicateCall(call=call) | (Call() as call):
            return call.action, "call", call.message_id
        case Answered(request=request, answer=answer):
            return request.call.action, _answer(answer), answer.message_id
        case Orphan(answer=answer) | (CallResult() | CallError() as answer):
            return "", _answer(answer), answer.message_id
        case Unreadable(malformed=malformed) | (Malformed() as malformed):
            return "", "malformed", malformed.message_id or ""


def _answer(answer: CallResult | CallError) -> str:
    return "result" if isinstance(answer, CallResult) else "error"


def _detail(frame: Frame) -> str:
    detail: dict[str, Any] = {}
    if frame.handshake is not None:
        detail["handshake"] = frame.handshake
    if frame.gap is not None:
        detail["gap"] = frame.gap
    if frame.close_code is not None:
        detail["close_code"] = frame.close_code
    if frame.judged_connectors is not None:
        detail["judged_connectors"] = frame.judged_connectors
    if frame.zoneless:
        detail["zoneless"] = True
    return _json(detail).decode() if detail else ""


def _transaction(payload: dict[str, Any]) -> str:
    info = payload.get("transactionInfo")
    found = info.get("transactionId") if isinstance(info, dict) else payload.get("transactionId")
    return found if isinstance(found, str) else ""


def _evse(payload: dict[str, Any]) -> int | None:
    evse = payload.get("evse")
    found = evse.get("id") if isinstance(evse, dict) else payload.get("evseId")
    return _int32("evseId", found, []) if isinstance(found, int) and not isinstance(found, bool) else None


def _int32(name: str, value: int | None, notes: list[str]) -> int | None:
    if value is None or -(2**31) <= value < 2**31:
        return value
    notes.append(f"{name}={str(value)[:_LONGEST_NOTE]} does not fit the column")
    return None


def _decimal(name: str, value: Decimal | None, notes: list[str]) -> Decimal | None:
    if value is None:
        return None
    if not value.is_finite() or value.adjusted() >= _WHOLE_DIGITS:
        notes.append(f"{name}={str(value)[:_LONGEST_NOTE]} does not fit the column")
        return None
    rounded = value.quantize(_SCALE, context=_EXACT)
    if rounded.adjusted() >= _WHOLE_DIGITS:
        notes.append(f"{name}={str(value)[:_LONGEST_NOTE]} does not fit the column")
        return None
    if rounded != value:
        notes.append(f"{name}={str(value)[:_LONGEST_NOTE]} exactly")
    return rounded
