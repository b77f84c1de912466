"""The `ocpp` package as this room uses it, with types: with `demo.ocpp201` the only module here that imports it.

The package ships no type information, so each import says so; what leaves this module is typed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import ocpp.exceptions
import ocpp.messages
from ocpp.charge_point import (
    camel_to_snake_case,
    remove_nones,
    serialize_as_dict,
    snake_to_camel_case,
)
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result

__all__ = [
    "SUBPROTOCOL",
    "ChargePoint",
    "camel",
    "handles",
    "refusal",
    "request",
    "response",
    "validate_in_place",
    "wire_payload",
]

SUBPROTOCOL: Final = "ocpp1.6"

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def handles(action: str, *, validated: bool = True) -> Callable[[_Handler], _Handler]:
    """Mark a method of a ChargePoint as what answers an action, checked against the schemas or not."""
    return cast("Callable[[_Handler], _Handler]", on(action, skip_schema_validation=not validated))


def request(action: str, payload: dict[str, Any]) -> Any:
    """The package's request object for a payload as it stands on the wire."""
    return getattr(call, action)(**camel_to_snake_case(payload))


def response(action: str, payload: dict[str, Any]) -> Any:
    """The package's response object for a payload as it stands on the wire."""
    return getattr(call_result, action)(**camel_to_snake_case(payload))


def wire_payload(answer: Any) -> dict[str, Any]:
    """The payload of one of the package's objects, as it stands on the wire."""
    payload: dict[str, Any] = snake_to_camel_case(remove_nones(serialize_as_dict(answer)))
    return payload


def camel(arguments: dict[str, Any]) -> dict[str, Any]:
    """The payload that a handler was called with, as it stood on the wire."""
    payload: dict[str, Any] = snake_to_camel_case(arguments)
    return payload


def refusal(code: str) -> Exception:
    """What a handler raises so that the package answers with a CALLERROR of that code."""
    known = {
        "NotImplemented": ocpp.exceptions.NotImplementedError,
        "NotSupported": ocpp.exceptions.NotSupportedError,
        "InternalError": ocpp.exceptions.InternalError,
    }
    error: Exception = known[code]()
    return error


def validate_in_place() -> None:
    """Have the package check schemas in the event loop.

    By default it hands each message to a thread, which costs more than the check for a fleet in one process.
    """
    ocpp.messages.ASYNC_VALIDATION = False
