"""The planted misbehaviours, as data: what is done, and to which discrepancy codes it must lead.

Every entry is something that real equipment does. `codes` are the codes that the product must find on that charging
station; `also` are codes that the same misbehaviour may rightly lead to. Any other code on it is a false alarm.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from demo.books import Behaviour
from ingest.frame import Micros

__all__ = [
    "BY_NAME",
    "FAULTS",
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


_ENERGY: Final = "meterValue.0.sampledValue.0"
_SLIP_ALSO: Final = ("meter.regression", "meter.implausible")
_ORPHAN_ID: Final = 1_662_100_000


def _status(status: str, **more: str) -> dict[str, Any]:
    return {"connectorId": "$connector", "errorCode": "NoError", "status": status, "timestamp": "$now", **more}


def _register(context: str) -> list[dict[str, Any]]:
    value = {
        "value": "$reading",
        "context": context,
        "format": "Raw",
        "measurand": "Energy.Active.Import.Register",
        "location": "Outlet",
        "unit": "$unit",
    }
    return [{"timestamp": "$now", "sampledValue": [value]}]


_HEARTBEAT: Final = Extra(moment=Moment.CHARGING, action="Heartbeat")

_SESSION: Final = (
    Fault(
        name="start-retried-other-id",
        codes=("session.duplicate-start",),
        also=("session.overlap", "session.never-ended", "session.missing-in-shadow"),
        detail="StartTransaction again under a new message id; the primary opens a second transaction",
        strikes=(Strike(action="StartTransaction", nth=1, again_after_ms=1200),),
        primary=Behaviour(retried_start_gets_another_id=True),
    ),
    Fault(
        name="stop-minus-one",
        codes=("session.orphan-stop",),
        also=("session.missing-in-primary",),
        detail="StopTransaction with transactionId -1, whose start was refused or lost",
        extras=(
            Extra(
                moment=Moment.IDLE,
                action="StopTransaction",
                payload={"transactionId": -1, "meterStop": "$register", "timestamp": "$now", "reason": "Local"},
            ),
        ),
    ),
    Fault(
        name="meter-values-unknown-id",
        codes=("session.orphan-meter-values",),
        detail="MeterValues that name a transaction which nobody opened",
        extras=(
            Extra(
                moment=Moment.IDLE,
                action="MeterValues",
                payload={
                    "connectorId": "$connector",
                    "transactionId": _ORPHAN_ID,
                    "meterValue": _register("Sample.Periodic"),
                },
            ),
        ),
    ),
    Fault(
        name="offline-replay",
        codes=("session.offline-replay",),
        detail="a session of the last hour is delivered from the queue after a reconnect",
        flow=Flow.OFFLINE,
    ),
    Fault(
        name="end-after-stop",
        codes=("session.after-end",),
        detail="closing MeterValues (Transaction.End) arrive after StopTransaction, with its id",
        extras=(
            Extra(
                moment=Moment.AFTER_STOP,
                action="MeterValues",
                payload={
                    "connectorId": "$connector",
                    "transactionId": "$transaction",
                    "meterValue": _register("Transaction.End"),
                },
            ),
        ),
    ),
    Fault(
        name="reboot-in-session",
        codes=("session.never-ended",),
        also=("session.overlap", "status.illegal-transition"),
        detail="BootNotification in mid-session, no StopTransaction ever",
        flow=Flow.REBOOT,
    ),
    Fault(
        name="second-start-on-connector",
        codes=("session.overlap",),
        also=("session.never-ended", "session.after-end", "session.stop-time", "session.stop-reason"),
        detail="a second start with another token while a transaction is open; both are stopped later",
        flow=Flow.OVERLAP,
    ),
    Fault(
        name="zero-session",
        codes=("session.zero",),
        detail="start and stop within half a second, no energy",
        flow=Flow.ZERO,
    ),
    Fault(
        name="colliding-ids",
        codes=("session.misattributed",),
        also=(
            "session.energy",
            "session.token",
            "session.overlap",
            "session.stop-reason",
            "session.orphan-stop",
            "session.orphan-meter-values",
            "session.never-ended",
            "session.after-end",
            "session.start-time",
            "session.stop-time",
            "session.missing-in-primary",
            "session.missing-in-shadow",
            "meter.register-vs-samples",
            "meter.regression",
            "meter.implausible",
        ),
        detail="the primary gives one transaction id to both connectors at once",
        flow=Flow.TWO_CONNECTORS,
        primary=Behaviour(constant_transaction_id=1),
    ),
)

_METER: Final = (
    Fault(
        name="stop-in-kwh",
        codes=("session.energy", "meter.register-vs-samples"),
        also=_SLIP_ALSO,
        detail="meterStop in kWh, everything else in Wh",
        fine_samples=True,
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Scale("meterStop", 1, 1000),)),),
    ),
    Fault(
        name="stop-times-thousand",
        codes=("session.energy", "meter.register-vs-samples"),
        also=(*_SLIP_ALSO, "meter.placeholder"),
        detail="meterStop a thousand times too large",
        fine_samples=True,
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Scale("meterStop", 1000),)),),
    ),
    Fault(
        name="register-backwards",
        codes=("meter.regression",),
        also=("meter.implausible",),
        detail="one periodic reading falls 100 kWh back",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Add(f"{_ENERGY}.value", -100_000),)),),
    ),
    Fault(
        name="stop-placeholder-minus-one",
        codes=("meter.placeholder",),
        also=("session.energy", "meter.register-vs-samples", *_SLIP_ALSO),
        detail="meterStop -1",
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Set("meterStop", -1),)),),
    ),
    Fault(
        name="stop-placeholder-maximum",
        codes=("meter.placeholder",),
        also=("session.energy", "meter.register-vs-samples", *_SLIP_ALSO),
        detail="meterStop 2147483647",
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Set("meterStop", 2_147_483_647),)),),
    ),
    Fault(
        name="value-no-number",
        codes=("meter.unparseable",),
        also=("schema.v16", "schema.v201"),
        detail='"VV:1230" as a sampled value',
        strikes=(Strike(action="MeterValues", nth=3, edits=(Set("meterValue.0.sampledValue.1.value", "VV:1230"),)),),
    ),
    Fault(
        name="energy-in-hertz",
        codes=("meter.unit-unknown", "schema.v16"),
        detail="unit Hz on an energy register, which is outside the enumeration as well",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Set(f"{_ENERGY}.unit", "Hz"),)),),
    ),
    Fault(
        name="bare-value",
        codes=("meter.unit-assumed",),
        detail="a sampled value without unit, measurand and context",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Keep(_ENERGY, ("value",)),)),),
    ),
    Fault(
        name="power-beyond-any-cable",
        codes=("meter.implausible",),
        detail="Power.Active.Import of 99 MW",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Set("meterValue.0.sampledValue.1.value", "99000000"),)),),
    ),
)

_CLOCK: Final = (
    Fault(
        name="charger-without-zone",
        codes=("clock.no-zone",),
        also=("schema.v16",),
        detail="timestamps of the charging station carry no zone designator",
        strikes=(Strike(action="*", edits=(Restamp(0, ""),)),),
        lasting=True,
    ),
    Fault(
        name="two-digit-offset",
        codes=("clock.no-zone",),
        also=("schema.v16",),
        detail="timestamps with the offset +02",
        strikes=(Strike(action="*", edits=(Restamp(2, "+02"),)),),
        lasting=True,
    ),
    Fault(
        name="primary-without-zone",
        codes=("clock.no-zone",),
        also=("schema.v16",),
        detail="currentTime of the primary carries no zone designator",
        primary=Behaviour(current_time_without_zone=True),
    ),
    Fault(
        name="clock-never-set",
        codes=("clock.epoch",),
        also=("clock.skew", "clock.backwards"),
        detail="a status stamped 1970-01-01",
        extras=(
            Extra(
                moment=Moment.IDLE,
                action="StatusNotification",
                payload={**_status("Available"), "timestamp": "1970-01-01T00:00:01.120Z"},
            ),
        ),
    ),
    Fault(
        name="clock-all-zeros",
        codes=("clock.unparseable",),
        also=("schema.v16", "schema.v201", "clock.epoch"),
        detail="a status stamped 0000-00-00",
        extras=(
            Extra(
                moment=Moment.IDLE,
                action="StatusNotification",
                payload={**_status("Available"), "timestamp": "0000-00-00T00:00:00Z"},
            ),
        ),
    ),
    Fault(
        name="clock-ahead",
        codes=("clock.skew",),
        detail="the clock is seven minutes ahead",
        strikes=(Strike(action="*", edits=(Shift(420),)),),
        lasting=True,
    ),
    Fault(
        name="clock-behind",
        codes=("clock.skew",),
        also=("session.offline-replay",),
        detail="the clock is five minutes behind; a late delivery would look alike",
        strikes=(Strike(action="*", edits=(Shift(-300),)),),
        lasting=True,
    ),
    Fault(
        name="stop-before-its-end-sample",
        codes=("clock.backwards",),
        also=("session.out-of-order",),
        detail="StopTransaction is stamped three seconds before its own Transaction.End sample",
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Shift(-3, "timestamp"),)),),
    ),
)

_SCHEMA: Final = (
    Fault(
        name="status-outside-enumeration",
        codes=("schema.v16",),
        also=("schema.v201", "status.illegal-transition", "status.unmappable"),
        detail='StatusNotification with status "Occupied", which 1.5 and 2.0.1 know and 1.6 does not',
        extras=(Extra(moment=Moment.CHARGING, action="StatusNotification", payload=_status("Occupied")),),
    ),
    Fault(
        name="status-empty",
        codes=("schema.v16",),
        also=("schema.v201", "status.illegal-transition", "status.unmappable"),
        detail="StatusNotification with an empty status",
        extras=(Extra(moment=Moment.CHARGING, action="StatusNotification", payload=_status("")),),
    ),
    Fault(
        name="frequency-in-hertz",
        codes=("schema.v16",),
        also=("meter.unit-unknown",),
        detail="unit Hz on Frequency: 1.6 has no unit for it",
        strikes=(
            Strike(
                action="MeterValues",
                nth=3,
                edits=(
                    Set(
                        "meterValue.0.sampledValue.1",
                        {"value": "50.01", "context": "Sample.Periodic", "measurand": "Frequency", "unit": "Hz"},
                    ),
                ),
            ),
        ),
    ),
    Fault(
        name="number-for-string",
        codes=("schema.v16",),
        detail="sampledValue.value is a JSON number",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Set("meterValue.0.sampledValue.1.value", 7400),)),),
    ),
)

_RPC: Final = (
    Fault(
        name="truncated-json",
        codes=("rpc.malformed",),
        detail="the last three characters of a Heartbeat are missing",
        extras=(Extra(moment=Moment.CHARGING, action="Heartbeat", cut=3),),
    ),
    Fault(
        name="call-sent-twice",
        codes=("rpc.duplicate-id",),
        also=("rpc.orphan-answer",),
        detail="the same MeterValues twice under the same message id; both are answered",
        strikes=(Strike(action="MeterValues", nth=3, repeat=True),),
    ),
    Fault(
        name="start-sent-twice",
        codes=("rpc.duplicate-id",),
        also=("rpc.orphan-answer", "session.duplicate-start"),
        detail="the same StartTransaction twice under the same message id; both get the same transaction id",
        strikes=(Strike(action="StartTransaction", nth=1, repeat=True),),
    ),
    Fault(
        name="answer-to-nothing",
        codes=("rpc.orphan-answer",),
        detail="a CALLRESULT whose message id no call bore",
        extras=(Extra(moment=Moment.CHARGING, text='[3,"5c2d6e365",{}]'),),
    ),
    Fault(
        name="primary-call-error",
        codes=("rpc.call-error",),
        detail="the primary answers a Heartbeat with CALLERROR InternalError",
        extras=(_HEARTBEAT,),
        primary=Behaviour(errors={"Heartbeat": 1}),
    ),
    Fault(
        name="primary-silent",
        codes=("rpc.unanswered",),
        also=("rpc.slow-answer",),
        detail="the primary never answers a Heartbeat",
        extras=(_HEARTBEAT,),
        primary=Behaviour(silent={"Heartbeat": 1}),
    ),
    Fault(
        name="primary-slow",
        codes=("rpc.slow-answer",),
        detail="the primary answers a Heartbeat after twelve seconds",
        extras=(Extra(moment=Moment.CHARGING, action="Heartbeat", patience_ms=15_000),),
        primary=Behaviour(slow={"Heartbeat": 12_000_000}),
    ),
    Fault(
        name="status-before-boot",
        codes=("rpc.before-boot",),
        detail="StatusNotification before BootNotification was accepted",
        extras=(Extra(moment=Moment.BEFORE_BOOT, action="StatusNotification", payload=_status("Available")),),
    ),
)

FAULTS: Final[tuple[Fault, ...]] = (*_SESSION, *_METER, *_CLOCK, *_SCHEMA, *_RPC)
"""Every fault that can be planted."""

BY_NAME: Final[dict[str, Fault]] = {fault.name: fault for fault in FAULTS}
