"""Reading the 1.6 payloads that a transaction is made of. Total: whatever stands there, of any JSON type.

Each reader gives a value or None; what could not be read is kept as bounded text, so that it can be shown as evidence.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from diff.primary import PrimaryTransaction, Stop
from ingest.exchange import PendingCall
from ingest.frame import Micros
from ingest.ocppj import CallError
from ingest.timestamps import Flaw, Stamp, parse_stamp

__all__ = [
    "plausible_time",
    "read_connector",
    "read_error",
    "read_start",
    "read_status",
    "read_stop",
    "read_transaction_id",
    "sample_time",
]

LOCAL: Final = "Local"
"""The stop reason that is meant where none stands (1.6 ed2 §6.49)."""

_MAX_TEXT: Final = 255
"""Longest text kept of a field, in characters; the longest that 1.6 allows here are 20 (idTag) and 36."""

_MAX_CONNECTOR: Final = 0xFFFF
_NUMBER: Final = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d{1,40}", re.ASCII)


def read_start(call: PendingCall, key_version: str) -> PrimaryTransaction:
    """The proposal that a StartTransaction CALL makes (1.6 ed2 §4.8, §6.45); its token stands under that key."""
    payload = call.call.payload
    text = _text(payload.get("timestamp"))
    return PrimaryTransaction(
        opened_by=call.frame_id,
        started_received_at=call.called_at,
        connector_id=read_connector(payload.get("connectorId")),
        message_id=call.call.message_id[:_MAX_TEXT],
        id_token=_text(payload.get("idTag")) or None,
        meter_start=_read_register(payload.get("meterStart")),
        meter_start_text=_text(payload.get("meterStart")),
        started_at=_stamp(text).at,
        started_text=text,
        frames=(call.frame_id,),
        key_version=key_version,
    )


def read_stop(call: PendingCall) -> Stop:
    """What a StopTransaction CALL says (1.6 ed2 §4.10, §6.49). Its transactionData bills nothing and is not kept."""
    payload = call.call.payload
    text = _text(payload.get("timestamp"))
    return Stop(
        call.frame_id,
        call.called_at,
        read_transaction_id(payload.get("transactionId")),
        _read_register(payload.get("meterStop")),
        _text(payload.get("meterStop")),
        _stamp(text).at,
        text,
        _text(payload.get("reason")) or LOCAL,
        _text(payload.get("idTag")) or None,
    )


def read_transaction_id(value: object) -> str | None:
    """A transactionId as text: `41`, `41.0` and `"41"` are one id. None where it is absent, no integer, or too long."""
    match value:
        case bool():
            return None
        case int():
            return str(value) if abs(value) < 10**40 else None
        case Decimal():
            # Only such as a JSON writer makes of an integer; 1e999999 must not be written out.
            fits = value.is_finite() and value.adjusted() < 40 and value == value.to_integral_value()
            return str(int(value)) if fits else None
        case str():
            text = value.strip()
            return str(int(text)) if _INTEGER.fullmatch(text) else None
        case _:
            return None


def read_connector(value: object) -> int | None:
    """A connectorId, None where it is absent or none that a charging station can have."""
    text = read_transaction_id(value)
    if text is None or len(text) > 5:
        return None
    number = int(text)
    return number if 0 <= number <= _MAX_CONNECTOR else None


def read_status(payload: dict[str, Any]) -> str | None:
    """`idTagInfo.status` of an answer."""
    info = payload.get("idTagInfo")
    return (_text(info.get("status")) or None) if isinstance(info, dict) else None


def read_error(error: CallError) -> str:
    """The code of a CALLERROR."""
    return _text(error.code)


def sample_time(payload: dict[str, Any]) -> Micros | None:
    """Charging station's time of the first element of MeterValues; some send an object in place of the array."""
    values = payload.get("meterValue")
    first = values[0] if isinstance(values, list) and values else values
    return plausible_time(_text(first.get("timestamp"))) if isinstance(first, dict) else None


def plausible_time(text: str) -> Micros | None:
    """A timestamp by a clock that had been set; None where it is unreadable or before OCPP 1.6 existed."""
    stamp = _stamp(text)
    return None if stamp.flaw is Flaw.EPOCH else stamp.at


def _stamp(text: str) -> Stamp:
    """Read a timestamp of bounded length, so that the reader's cache stays small."""
    return parse_stamp(text[:64])


def _read_register(value: object) -> Decimal | None:
    """A meter register in Wh. A boolean is no number; what no meter can show (10^18 Wh) is not read."""
    match value:
        case bool():
            return None
        case int() | Decimal() | str():
            # A Decimal such as 1E+3 is rare and honest; its plain form is asked for only where it is short.
            plain = format(value, "f") if isinstance(value, Decimal) and abs(value.adjusted()) < 27 else str(value)
            return Decimal(plain) if _NUMBER.fullmatch(plain.strip()) else None
        case _:
            return None


def _text(value: object) -> str:
    """Any JSON value as bounded text; an object or an array is named, not kept."""
    match value:
        case None:
            return ""
        case str():
            return value[:_MAX_TEXT]
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)[:_MAX_TEXT]
        case dict():
            return "an object"
        case _:
            return "an array"
