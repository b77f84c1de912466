"""Plug & Charge messages inside DataTransfer: each is said as the 2.0.1 message of its name, and its answer likewise.

What cannot be unwrapped stays the DataTransfer that it is, and what is wrong with it is named.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow import schema
from shadow.mapping.plug_and_charge import TABLES, VENDOR, in_full
from shadow.mapping.rules import ANSWER, REQUEST, Table
from shadow.mapping.translate import translate
from shadow.message import Provenance
from shadow.station import relay
from shadow.station.authorization import note_answer
from shadow.station.fields import text
from shadow.station.outbox import Outbox

__all__ = ["answer", "inside", "unwrap", "unwrapped_as"]

_MAX_TEXT: Final = 100_000
"""Longest `data` that is read, in characters; the longest honest one, a certificate chain, stays below 15 000."""
_MAX_DEPTH: Final = 16
_MAX_CONTRACTS: Final = 8
_SHOWN: Final = 40
"""Of a value that breaks a rule: it may be a certificate."""
_ABOUT_NAMES: Final = frozenset({"required", "additionalProperties"})
"""Rules whose detail repeats names of fields; that of the others repeats the value."""
_ERRORS: Final = {
    # Status of a DataTransfer.conf without a message inside → CALLERROR code (Part 4 §4.3).
    "UnknownMessageId": "NotImplemented",
    "UnknownVendorId": "NotImplemented",
    "Rejected": "GenericError",
}
_NAMES: Final = {name.lower(): name for name, part in TABLES if part == REQUEST}
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


def unwrap(out: Outbox, call: Call, direction: Direction) -> bool:
    """Say the message inside a DataTransfer. False where there is none, or none that 2.0.1 could say."""
    name = _name(call)
    if name is None:
        return False
    table = TABLES[name, REQUEST]
    if direction not in table.directions:
        out.unmapped(f"{table.action} from the other side")
        return False
    said = _said(out, table, call.payload.get("data"))
    if said is None:
        return False
    out.say(name, *said, direction=direction)
    if name == "Authorize":
        _note_contract(out, said[0]["idToken"])
    return True


def unwrapped_as(out: Outbox, request: PendingCall) -> str | None:
    """The 2.0.1 message that a DataTransfer was said as, None where it stayed one."""
    name = _name(request.call)
    return name if name is not None and out.was_asked(request, name) else None


def answer(out: Outbox, request: PendingCall, name: str, payload: dict[str, Any]) -> None:
    """Say the answer inside the answer of a DataTransfer that was unwrapped."""
    table = TABLES[name, ANSWER]
    data = payload.get("data")
    said = None if data in (None, "") else _said(out, table, data)
    if said is None:
        _no_answer(out, request, table, text(payload, "status") or "")
        return
    if name == "Authorize":
        whole = _object(request.call.payload.get("data"))
        token = {} if isinstance(whole, str) else in_full(whole).get("idToken", {})
        note_answer(out, text(token, "idToken") or "", accepted=said[0]["idTokenInfo"]["status"] == "Accepted")
    out.respond(request, name, *said)


def _no_answer(out: Outbox, request: PendingCall, table: Table, status: str) -> None:
    """2.0.1 has no status for it: a station answers what it does not know, or will not do, with a CALLERROR."""
    code = _ERRORS.get(status)
    said = "no CALLERROR either" if code is None else f"said as the CALLERROR {code}"
    detail = f"no answer of Plug & Charge could be read in its data: {said}"
    out.find("message.no-answer", f"{table.action}.conf", found=status, detail=detail)
    if code is not None:
        error = CallError(request.call.message_id, code, f"answered {status} in DataTransfer.conf")
        relay.refuse(out, request, error, table.message, observed=False)


def inside(call: Call, payload: dict[str, Any]) -> dict[str, Any] | None:
    """The message inside a DataTransfer, or inside its answer, under its name and in full; None where there is none."""
    name = _name(call)
    read = _object(payload.get("data"))
    return None if name is None or isinstance(read, str) else {name: in_full(read)}


def _note_contract(out: Outbox, id_token: dict[str, Any]) -> None:
    """C01.FR.25: a token has one type wherever it stands, and StartTransaction has no place for it."""
    if id_token["type"] != "eMAID":
        return
    contracts, tag = out.station.contracts, id_token["idToken"].lower()
    if tag in contracts:
        contracts.remove(tag)
    contracts.append(tag)
    del contracts[:-_MAX_CONTRACTS]


def _name(call: Call) -> str | None:
    """Of the wrapped message; both ids are CiStrings, so case does not count."""
    if (text(call.payload, "vendorId") or "").lower() != VENDOR:
        return None
    return _NAMES.get((text(call.payload, "messageId") or "").lower())


def _said(out: Outbox, table: Table, data: Any) -> tuple[dict[str, Any], dict[str, Provenance]] | None:
    """The 2.0.1 payload with its provenance; None where `data` is not read or does not give a whole message."""
    response = table.part == ANSWER
    where = f"{table.action}.conf" if response else table.action
    read = _object(data)
    if isinstance(read, str):
        out.find("schema.v16", f"{where}:data", expected="a JSON object", detail=read)
        return None
    whole = in_full(read)
    for broken in schema.violations(schema.V201, table.message, response=response, payload=whole):
        if broken.rule == "required" and '"type"' in broken.detail:
            continue  # of a token, which the application note leaves out and the table gives
        found = None if broken.value is None else broken.value[:_SHOWN]
        path = f"{where}.{broken.path}:{broken.rule}"
        detail = f"in data: {broken.detail}" if broken.rule in _ABOUT_NAMES else "in data"
        out.find("schema.v16", path, found=found, expected=broken.rule, detail=detail)
    payload, provenance = translate(out, table.rules, whole, where)
    if schema.violations(schema.V201, table.message, response=response, payload=payload):
        return None
    return payload, provenance


def _object(data: Any) -> dict[str, Any] | str:
    """The object in `data`, or why there is none. Without data the message has no fields."""
    if data is None or data == "":
        return {}
    if isinstance(data, dict):
        return data if _is_shallow(data) else f"nested more than {_MAX_DEPTH} levels deep"
    if not isinstance(data, str):
        return "no text"
    if len(data) > _MAX_TEXT:
        return f"{len(data)} characters, more than {_MAX_TEXT}"
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeError, ArithmeticError, RecursionError):
        return "no JSON"
    if not isinstance(value, dict):
        return "no JSON object"
    return value if _is_shallow(value) else f"nested more than {_MAX_DEPTH} levels deep"


def _is_shallow(value: Any) -> bool:
    """Level by level, so that it needs no recursion of its own."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        members = (one.values() if isinstance(one, dict) else one for one in level)
        level = [child for each in members for child in each if isinstance(child, dict | list)]
        if not level:
            return True
    return False
