"""The 2.0.1 side of the `ocpp` package as this room uses it, with types; `demo.ocpp16` has the 1.6 side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from ocpp.charge_point import camel_to_snake_case
from ocpp.routing import after, on
from ocpp.v201 import ChargePoint, call, call_result

__all__ = ["SUBPROTOCOL", "ChargePoint", "follows", "handles", "request", "response"]

SUBPROTOCOL: Final = "ocpp2.0.1"

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def handles(action: str) -> Callable[[_Handler], _Handler]:
    """Mark a method of a ChargePoint as what answers an action."""
    return cast("Callable[[_Handler], _Handler]", on(action))


def follows(action: str) -> Callable[[_Handler], _Handler]:
    """Mark a method of a ChargePoint as what is done when an action has been answered."""
    return cast("Callable[[_Handler], _Handler]", after(action))


def request(action: str, payload: dict[str, Any]) -> Any:
    """The package's request object for a payload as it stands on the wire."""
    return getattr(call, action)(**camel_to_snake_case(payload))


def response(action: str, payload: dict[str, Any]) -> Any:
    """The package's response object for a payload as it stands on the wire."""
    return getattr(call_result, action)(**camel_to_snake_case(payload))
