"""Saying a 1.6 request or answer in 2.0.1 by its table, and the CALLERRORs of both versions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow import schema
from shadow.mapping.registry import TABLES
from shadow.mapping.rules import ANSWER, REQUEST, Table
from shadow.mapping.translate import translate
from shadow.message import MessageType, Provenance
from shadow.station.outbox import Outbox

__all__ = ["answer", "is_sent_by", "refuse", "request"]

_NOTHING: Final[Mapping[str, Any]] = {}
_RENAMED: Final = {
    "FormationViolation": "FormatViolation",
    "OccurenceConstraintViolation": "OccurrenceConstraintViolation",
}
_ERROR_CODES: Final = frozenset(
    {
        *_RENAMED.values(),
        "GenericError",
        "InternalError",
        "MessageTypeNotSupported",
        "NotImplemented",
        "NotSupported",
        "PropertyConstraintViolation",
        "ProtocolError",
        "RpcFrameworkError",
        "SecurityError",
        "TypeConstraintViolation",
    }
)
"""All that 2.0.1 has (Part 4 §4.3); 1.6J §4.2.3 writes two of them otherwise and has two fewer."""
_LONGEST_DESCRIPTION: Final = 255
"""Part 4 §4.2.3."""


def is_sent_by(action: str, direction: Direction) -> bool:
    """Whether this side may send the action, and a table says what it is in 2.0.1."""
    table = TABLES.get((action, REQUEST))
    return table is not None and bool(table.message) and direction in table.directions


def request(out: Outbox, call: Call, direction: Direction, given: Mapping[str, Any] = _NOTHING) -> bool:
    """Say a request by its table; `given` holds what the table has as made. False where nothing could be said."""
    table = TABLES[call.action, REQUEST]
    payload, provenance = translate(out, table.rules, call.payload, call.action, given)
    verdict = _judge(out, table, payload, call.payload)
    if verdict is not _Verdict.UNSAYABLE:
        out.say(table.message, payload, provenance, direction=direction, valid=verdict is _Verdict.VALID)
    return verdict is not _Verdict.UNSAYABLE


def answer(out: Outbox, asked: PendingCall, payload: dict[str, Any], given: Mapping[str, Any] = _NOTHING) -> bool:
    """Say an answer by its table. False where nothing could be said."""
    table = TABLES.get((asked.call.action, ANSWER))
    if table is None or not table.message:
        return False
    said, provenance = translate(out, table.rules, payload, f"{asked.call.action}.conf", given)
    verdict = _judge(out, table, said, payload)
    if verdict is not _Verdict.UNSAYABLE:
        out.respond(asked, table.message, said, provenance, valid=verdict is _Verdict.VALID)
    return verdict is not _Verdict.UNSAYABLE


def refuse(
    out: Outbox, asked: PendingCall, error: CallError, message: str | None = None, *, observed: bool = True
) -> None:
    """Say a CALLERROR: 2.0.1 answers the message that stands in for the request with the error of the same meaning.

    `message` where the request did not become the message of its table; `observed` is False where 1.6 answered with a
    status that 2.0.1 has not.
    """
    table = TABLES.get((asked.call.action, ANSWER))
    if message is None:
        message = "" if table is None else table.message
    if not message or not out.was_asked(asked, message):
        return
    code = _error_code(out, asked, error.code)
    payload: dict[str, Any] = {"errorCode": code, "errorDescription": error.description[:_LONGEST_DESCRIPTION]}
    if isinstance(error.details, dict) and error.details:
        payload["errorDetails"] = error.details
    provenance = {} if observed else {"errorDescription": Provenance.SYNTHESISED}
    if not observed or code not in (error.code, _RENAMED.get(error.code)):
        provenance["errorCode"] = Provenance.DERIVED
    out.say(
        message,
        payload,
        provenance,
        direction=asked.direction.opposite,
        type_=MessageType.ERROR,
        caused_by=(asked.frame_id, out.frame_id),
    )


def _error_code(out: Outbox, asked: PendingCall, code: str) -> str:
    """The code in 2.0.1; GenericError is for what no other covers (Part 4 §4.3)."""
    renamed = _RENAMED.get(code, code)
    if renamed in _ERROR_CODES:
        return renamed
    out.lost(
        f"{asked.call.action}.conf.errorCode", code, detail="a code that neither version has: said as GenericError"
    )
    return "GenericError"


class _Verdict(Enum):
    VALID = "valid"
    BROKEN = "broken"
    """Said and named: a 1.6 message that keeps its own schema must give one that keeps that of 2.0.1."""
    UNSAYABLE = "unsayable"
    """What 2.0.1 requires is not there, because the 1.6 message broke its own schema. Why not is counted."""


def _judge(out: Outbox, table: Table, payload: dict[str, Any], source: dict[str, Any]) -> _Verdict:
    response = table.part == ANSWER
    suffix = ".conf" if response else ""
    missing = [name for name in schema.required(schema.V201, table.message, response=response) if name not in payload]
    if missing:
        out.unmapped(f"{table.action}{suffix}: no {missing[0]}"[:80])
        return _Verdict.UNSAYABLE
    broken = schema.violations(schema.V201, table.message, response=response, payload=payload)
    if not broken:
        return _Verdict.VALID
    if schema.violations(schema.V16, table.action, response=response, payload=source):
        out.unmapped(f"{table.action}{suffix}: {broken[0].path}:{broken[0].rule}"[:80])
        return _Verdict.UNSAYABLE
    return _Verdict.BROKEN
