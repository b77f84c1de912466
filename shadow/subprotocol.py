"""What a connection speaks: OCPP 1.6 and native 2.0.1 are lived, everything else is named and counted.

The subprotocol that was agreed says it (OCPP-J 1.6 §3.1.2, 2.0.1 Part 4 §3.1.2). A log may not say it; then the first
CALL that tells decides: one that only 2.0.1 has makes the connection native, any other one of the station makes it 1.6.
"""

from __future__ import annotations

from typing import Final

from ingest.exchange import Called, Event
from ingest.frame import Direction, Frame
from ingest.ocppj import Call
from shadow import schema
from shadow.native.state import NativeState
from shadow.state import ChargerState
from shadow.station.outbox import Outbox

__all__ = ["NATIVE", "SOAP", "V16", "decide", "is_foreign", "is_native", "is_refused", "of", "opened"]

V16: Final = "ocpp1.6"
NATIVE: Final = "ocpp2.0.1"
SOAP: Final = "SOAP"
"""Not a subprotocol: OCPP-S (1.5, 1.6S) posts XML. The tap names it so."""

_SWITCHING_PROTOCOLS: Final = 101
_LIVED: Final = frozenset({"", V16, NATIVE})
_LONGEST: Final = 40
_REASONS: Final = {
    "ocpp2.0": "OCPP 2.0 was withdrawn by the Open Charge Alliance; 2.0.1 took its place",
    SOAP: "OCPP over SOAP (1.5, 1.6S) is forwarded and not mirrored",
}
_NATIVE_FIELDS: Final = {
    "BootNotification": "chargingStation",
    "StatusNotification": "connectorStatus",
    "MeterValues": "evseId",
    "Authorize": "idToken",
}
"""Actions that both versions have, and a field that only 2.0.1 requires of them."""


def opened(state: ChargerState, frame: Frame, out: Outbox) -> bool:
    """Take in what was agreed. False where nothing is lived: the upgrade was refused, or another language is spoken."""
    shake = frame.handshake
    name = "" if shake is None or shake.subprotocol is None else shake.subprotocol[:_LONGEST]
    if is_refused(frame):
        out.unmapped(f"handshake.status={None if shake is None else shake.status}")
        return False  # there is no connection to live
    _speaks(state, frame.connection_id, name)
    if name == NATIVE:
        _moved(state, frame)
    elif name == V16:
        _fell_back(state, out)
    elif is_foreign(name):
        _name(state, out, name)
    if name:
        state.spoken = name
    return not is_foreign(name)


def is_refused(frame: Frame) -> bool:
    """Whether the CSMS refused the upgrade. SOAP asks for none: its answers have a status of their own."""
    shake = frame.handshake
    if shake is None or shake.subprotocol == SOAP:
        return False
    return shake.status not in (None, _SWITCHING_PROTOCOLS)


def of(state: ChargerState, connection_id: str) -> str:
    """What a connection speaks; empty where that is not known."""
    seen = state.seqs.get(connection_id)
    return "" if seen is None else seen.speaks


def is_foreign(name: str) -> bool:
    """Whether a connection that speaks this is not lived."""
    return name not in _LIVED


def is_native(state: ChargerState, connection_id: str) -> bool:
    """Whether a connection speaks 2.0.1 itself."""
    seen = state.seqs.get(connection_id)
    return seen is not None and seen.speaks == NATIVE


def decide(state: ChargerState, frame: Frame, event: Event) -> None:
    """Settle what a connection speaks whose log does not say it, by the first CALL that tells."""
    if not isinstance(event, Called):
        return
    native = _is_native_call(event.pending.call)
    if not native and frame.direction is not Direction.CP_TO_CS:
        return  # a CSMS may say Reset in either version
    _speaks(state, frame.connection_id, NATIVE if native else V16)
    if native:
        _moved(state, frame)


def _is_native_call(call: Call) -> bool:
    field = _NATIVE_FIELDS.get(call.action)
    if field is not None:
        return field in call.payload
    return schema.is_known(schema.V201, call.action) and not schema.is_known(schema.V16, call.action)


def _speaks(state: ChargerState, connection_id: str, name: str) -> None:
    seen = state.seqs.get(connection_id)
    if seen is not None:
        seen.speaks = name


def _moved(state: ChargerState, frame: Frame) -> None:
    if state.native is None:
        state.native = NativeState()
    state.native.opened_by = frame.frame_id


def _fell_back(state: ChargerState, out: Outbox) -> None:
    """2.0.1 was spoken before: named once, until it is spoken again."""
    native = state.native
    if native is None or not native.opened_by:
        return
    frames = (native.opened_by, out.frame_id)
    detail = "it spoke 2.0.1, and connects with 1.6 again"
    out.find("rollout.fell-back", "handshake.subprotocol", frames=frames, found=V16, expected=NATIVE, detail=detail)
    native.opened_by = ""


def _name(state: ChargerState, out: Outbox, name: str) -> None:
    """Named once, until the station speaks something else: SOAP opens a connection for every message."""
    out.unmapped(f"subprotocol={name}")
    if state.spoken == name:
        return
    kind = name if name in _REASONS else "unknown"
    detail = _REASONS.get(name, "no version of OCPP that is lived goes by this name")
    lived = f"{V16}, {NATIVE}"
    out.find("rpc.subprotocol", f"handshake.subprotocol:{kind}", found=name, expected=lived, detail=detail)
