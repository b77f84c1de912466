"""OCPP-J: framing, ids, and answers that do not come."""

from __future__ import annotations

from typing import Final

from demo.books import Behaviour
from demo.faults.kinds import Extra, Fault, Moment, Strike, status

__all__ = ["RPC"]

_HEARTBEAT: Final = Extra(moment=Moment.CHARGING, action="Heartbeat")

RPC: Final[tuple[Fault, ...]] = (
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
        extras=(Extra(moment=Moment.BEFORE_BOOT, action="StatusNotification", payload=status("Available")),),
    ),
)
