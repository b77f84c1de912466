"""What a planted misbehaviour is made of: what is done to which message, and what it must lead to."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from demo.books import Behaviour
from ingest.frame import Micros

__all__ = [
    "ENERGY",
    "Add",
    "Edit",
    "Extra",
    "Fault",
    "Flow",
    "Keep",
    "Moment",
    "Planted",
    "Restamp",
    "Scale",
    "Set",
    "Shift",
    "Strike",
    "register",
    "status",
]


class Set(msgspec.Struct, frozen=True):
    """Put a value at a path, replacing what stands there. Paths are dotted, list places are numbers."""

    path: str
    value: Any


class Add(msgspec.Struct, frozen=True):
    """Add to the number at a path."""

    path: str
    amount: int


class Scale(msgspec.Struct, frozen=True):
    """Multiply the number at a path, rounding down."""

    path: str
    numerator: int
    denominator: int = 1


class Keep(msgspec.Struct, frozen=True):
    """Keep only these members of the object at a path."""

    path: str
    members: tuple[str, ...]


class Shift(msgspec.Struct, frozen=True):
    """Move timestamps."""

    seconds: int
    path: str = ""
    """The one timestamp that moves; without it every one, those of the samples included."""


class Restamp(msgspec.Struct, frozen=True):
    """Write every timestamp with another zone designator; the moment stays the same."""

    offset_hours: int
    designator: str


Edit = Set | Add | Scale | Keep | Shift | Restamp


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to messages that the charging station sends anyway."""

    action: str
    """`*` for every action."""
    nth: int = 0
    """Which message of that action within the faulty session, from 1; 0 for each of them. The first MeterValues
    of a session carry Transaction.Begin, the second and third are periodic."""
    edits: tuple[Edit, ...] = ()
    repeat: bool = False
    """The same text is sent twice before the answer is awaited."""
    again_after_ms: int | None = None
    """The payload is sent again under a new message id, so long after the first answer."""


class Moment(StrEnum):
    """When an extra message is sent."""

    BEFORE_BOOT = "before BootNotification"
    IDLE = "before the session"
    CHARGING = "after the second periodic meter values of the session"
    AFTER_STOP = "after StopTransaction"


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """A message that should not be there. `$name` in the payload stands for what the charging station knows."""

    moment: Moment
    action: str = ""
    payload: dict[str, Any] = {}
    text: str = ""
    """Sent as it stands, in place of a call."""
    patience_ms: int = 3000
    """How long the answer is awaited; nothing depends on it."""
    cut: int = 0
    """So many characters are missing at the end of the text; no answer is awaited."""


class Flow(StrEnum):
    """Misbehaviour that is a matter of the course of a session and not of one message."""

    NORMAL = "normal"
    ZERO = "stopped after half a second without energy"
    REBOOT = "reboots in mid-session and never stops it"
    OVERLAP = "starts a second transaction on the connector while one is open"
    TWO_CONNECTORS = "charges on both connectors at once"
    OFFLINE = "delivers the queue of an earlier outage after a reconnect"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One misbehaviour."""

    name: str
    codes: tuple[str, ...]
    """Must be found."""
    also: tuple[str, ...] = ()
    """May be found."""
    detail: str
    strikes: tuple[Strike, ...] = ()
    lasting: bool = False
    """The strikes hold for all messages of the charging station, not for one session only."""
    extras: tuple[Extra, ...] = ()
    flow: Flow = Flow.NORMAL
    fine_samples: bool = False
    """Registers are sampled finer than 1 Wh, so that the samples outrank meterStart and meterStop."""
    primary: Behaviour | None = None
    """What the primary must do for it; such a fault cannot be planted on another's CSMS."""


class Planted(msgspec.Struct, frozen=True):
    """Ground truth: a fault that was really planted."""

    charger_id: str
    session_number: int | None
    """Of that charging station, from 1; None where no session is concerned."""
    fault: str
    codes: tuple[str, ...]
    also: tuple[str, ...]
    at: Micros
    """The true time, whatever the charging station's clock said."""
    detail: str


ENERGY: Final = "meterValue.0.sampledValue.0"
"""Where the reading of the register stands in MeterValues."""


def status(value: str, **more: str) -> dict[str, Any]:
    """A StatusNotification of the session's connector."""
    return {"connectorId": "$connector", "errorCode": "NoError", "status": value, "timestamp": "$now", **more}


def register(context: str) -> list[dict[str, Any]]:
    """The meterValue of one reading of the register as it stands."""
    value = {
        "value": "$reading",
        "context": context,
        "format": "Raw",
        "measurand": "Energy.Active.Import.Register",
        "location": "Outlet",
        "unit": "$unit",
    }
    return [{"timestamp": "$now", "sampledValue": [value]}]
