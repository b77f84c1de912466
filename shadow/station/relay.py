"""Saying a 1.6 request or answer in 2.0.1 by its table, and the CALLERRORs of both versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow import schema
from shadow.mapping.registry import TABLES
from shadow.mapping.rules import ANSWER, REQUEST, Table
from shadow.mapping.translate import translate
from shadow.message import MessageType
from shadow.station.outbox import Outbox

__all__ = ["answer", "is_sent_by", "refuse", "request"]

_NOTHING: Final[Mapping[str, Any]] = {}
ERROR_CODES: Final = {
    # 1.6J §4.2.3 → Part 4 §4.3; the other names are the same in both.
    "FormationViolation": "FormatViolation",
    "OccurenceConstraintViolation": "OccurrenceConstraintViolation",
}
"""CALLERROR codes that have another name in 2.0.1."""
_LONGEST_CODE: Final = 80
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
    if not _is_whole(out, table, payload, call.payload):
        return False
    out.say(table.message, payload, provenance, direction=direction)
    return True


def answer(out: Outbox, asked: PendingCall, payload: dict[str, Any], given: Mapping[str, Any] = _NOTHING) -> bool:
    """Say an answer by its table. False where nothing could be said."""
    table = TABLES.get((asked.call.action, ANSWER))
    if table is None or not table.message:
        return False
    said, provenance = translate(out, table.rules, payload, f"{asked.call.action}.conf", given)
    if not _is_whole(out, table, said, payload):
        return False
    out.respond(asked, table.message, said, provenance)
    return True


def refuse(out: Outbox, asked: PendingCall, error: CallError, message: str | None = None) -> None:
    """Say a CALLERROR: 2.0.1 answers the message that stands in for the request with the error of the same meaning.

    `message` where the request did not become the message of its table.
    """
    table = TABLES.get((asked.call.action, ANSWER))
    if message is None:
        message = "" if table is None else table.message
    if not message or not out.was_asked(asked, message):
        return
    code = ERROR_CODES.get(error.code, error.code)
    payload = {"errorCode": code[:_LONGEST_CODE], "errorDescription": error.description[:_LONGEST_DESCRIPTION]}
    out.say(
        message,
        payload,
        direction=asked.direction.opposite,
        type_=MessageType.ERROR,
        caused_by=(asked.frame_id, out.frame_id),
    )


def _is_whole(out: Outbox, table: Table, payload: dict[str, Any], source: dict[str, Any]) -> bool:
    """Whether all that 2.0.1 requires is there; without it nothing is said, and why not is counted.

    A 1.6 message that keeps its own schema must give one that keeps that of 2.0.1: `Outbox.say` names it otherwise.
    """
    response = table.part == ANSWER
    suffix = ".conf" if response else ""
    missing = [name for name in schema.required(schema.V201, table.message, response=response) if name not in payload]
    if missing:
        out.unmapped(f"{table.action}{suffix}: no {missing[0]}"[:80])
        return False
    broken = schema.violations(schema.V201, table.message, response=response, payload=payload)
    if broken and schema.violations(schema.V16, table.action, response=response, payload=source):
        out.unmapped(f"{table.action}{suffix}: {broken[0].path}:{broken[0].rule}"[:80])
        return False
    return True
