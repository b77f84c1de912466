"""A total parser of OCPP-J message texts: every text is one of four things, and nothing is raised.

The framing is that of OCPP-J 1.6 §4.2 and 2.0.1 Part 4 §4.2: a JSON array that begins with the message type
(2 CALL, 3 CALLRESULT, 4 CALLERROR) and the message id. Numbers with a fraction are read as `Decimal`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

__all__ = ["MAX_DEPTH", "MAX_TEXT", "Call", "CallError", "CallResult", "Malformed", "Message", "parse"]

MAX_TEXT: Final = 4 * 1024 * 1024
"""Longest text that is parsed, in characters. OCPP sets no limit; the largest honest messages (firmware
certificates, local lists) stay below 100 kB, so this is generous and still bounds the memory."""

MAX_DEPTH: Final = 64
"""Deepest nesting that is read. The deepest message of OCPP has 8 levels; what checks and stores a message recurses."""

_MAX_MESSAGE_ID: Final = 36
"""OCPP-J 1.6 §4.1.4 and 2.0.1 Part 4 §4.1.4. A longer one is named and lived."""
_LONGEST_MESSAGE_ID: Final = 512
_LONGEST_ACTION: Final = 64
"""Beyond these a text is no message: open calls are remembered by their ids and actions."""

_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class Call(msgspec.Struct, frozen=True):
    """A request."""

    message_id: str
    action: str
    payload: dict[str, Any]
    flaw: str = ""
    """What the framing rules do not allow but the text survives, empty where it is clean."""


class CallResult(msgspec.Struct, frozen=True):
    """The answer to a request."""

    message_id: str
    payload: dict[str, Any]
    flaw: str = ""


class CallError(msgspec.Struct, frozen=True):
    """The refusal of a request."""

    message_id: str
    code: str
    description: str = ""
    details: Any = None
    flaw: str = ""


class Malformed(msgspec.Struct, frozen=True):
    """A text that is no OCPP-J message."""

    reason: str
    """Which rule it breaks, in words, with the place."""
    message_id: str | None = None
    """The message id, where one could be read all the same."""


Message = Call | CallResult | CallError | Malformed


def parse(text: str) -> Message:
    """Read one text as it stood on the wire. Total: any text gives one of the four."""
    if len(text) > MAX_TEXT:
        return Malformed(f"{len(text)} characters, more than the limit of {MAX_TEXT}")
    try:
        value = _decode(text)
    except (msgspec.DecodeError, UnicodeError, ArithmeticError) as error:
        return Malformed(f"not JSON: {error}")
    except RecursionError:
        return Malformed(_TOO_DEEP)
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
        return Malformed(_TOO_DEEP)
    if not isinstance(value, list):
        return Malformed(f"a JSON {_kind(value)}, not the array that OCPP-J asks for (1.6J §4.2)")
    if len(value) < 2:
        return Malformed(f"an array of {len(value)}, too short for a message (1.6J §4.2)")
    message_id = value[1]
    if not isinstance(message_id, str):
        return Malformed(f"the message id is a {_kind(message_id)}, not a string (1.6J §4.1.4)")
    if len(message_id) > _LONGEST_MESSAGE_ID:
        return Malformed(
            f"a message id of {len(message_id)} characters, at most {_MAX_MESSAGE_ID} are allowed (1.6J §4.1.4)"
        )
    flaw = "" if len(message_id) <= _MAX_MESSAGE_ID else f"message id of {len(message_id)} characters (at most 36)"
    kind = value[0]
    # True == 1 and 2.0 == 2 in Python; on the wire neither is the message type 2.
    if isinstance(kind, bool) or not isinstance(kind, int):
        return Malformed(f"the message type is a {_kind(kind)}, not a number", message_id)
    if kind == 2:
        return _call(value, message_id, flaw)
    if kind == 3:
        return _call_result(value, message_id, flaw)
    if kind == 4:
        return _call_error(value, message_id, flaw)
    return Malformed(f"message type {kind} is none of 2, 3, 4 (1.6J §4.1.3)", message_id)


def _is_too_deep(value: Any) -> bool:
    """Level by level, so that it needs no recursion of its own."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        members = (one.values() if isinstance(one, dict) else one for one in level)
        level = [child for each in members for child in each if isinstance(child, dict | list)]
        if not level:
            return False
    return True


_TOO_DEEP: Final = f"nested too deeply, {MAX_DEPTH} levels are read"


def _call(value: list[Any], message_id: str, flaw: str) -> Message:
    if len(value) < 4:
        return Malformed(f"a CALL of {len(value)} elements, 4 are needed (1.6J §4.2.1)", message_id)
    action, payload = value[2], value[3]
    if not isinstance(action, str) or not action:
        return Malformed("the action of a CALL must be a string (1.6J §4.2.1)", message_id)
    if len(action) > _LONGEST_ACTION:
        return Malformed(f"an action of {len(action)} characters is none (1.6J §4.2.1)", message_id)
    if not isinstance(payload, dict):
        return Malformed(f"the payload of {action} is a JSON {_kind(payload)}, not an object", message_id)
    if len(value) > 4:
        flaw = f"a CALL of {len(value)} elements, 4 are allowed (1.6J §4.2.1)"
    return Call(message_id, action, payload, flaw)


def _call_result(value: list[Any], message_id: str, flaw: str) -> Message:
    if len(value) < 3:
        return Malformed("a CALLRESULT of 2 elements, 3 are needed (1.6J §4.2.2)", message_id)
    payload = value[2]
    if payload is None:
        # §4.2.2 allows null for an empty payload in so many words: "may be null or an empty object".
        payload = {}
    if not isinstance(payload, dict):
        return Malformed(f"the payload of a CALLRESULT is a JSON {_kind(payload)}, not an object", message_id)
    if len(value) > 3:
        flaw = f"a CALLRESULT of {len(value)} elements, 3 are allowed (1.6J §4.2.2)"
    return CallResult(message_id, payload, flaw)


def _call_error(value: list[Any], message_id: str, flaw: str) -> Message:
    if len(value) < 3 or not isinstance(value[2], str):
        return Malformed("a CALLERROR without an error code (1.6J §4.2.3)", message_id)
    description = value[3] if len(value) > 3 and isinstance(value[3], str) else ""
    details = value[4] if len(value) > 4 else None
    if len(value) != 5:
        flaw = f"a CALLERROR of {len(value)} elements, 5 are asked for (1.6J §4.2.3)"
    return CallError(message_id, value[2], description, details, flaw)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | Decimal():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
