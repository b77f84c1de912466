"""Signed meter values: `format = SignedData` of 1.6 as SignedMeterValueType of 2.0.1 (§2.44), byte for byte.

1.6 puts the signed data where the number stands; 2.0.1 wants both. The number is taken from the sample beside it that
measures the same, else from the data itself where it is OCMF, else from meterStart or meterStop. Stations that follow
the OCA note on signed values in 1.6 write the whole SignedMeterValueType as JSON into `value`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from shadow.quantities import ENERGY_REGISTER, decimal_of
from shadow.station.outbox import Outbox
from shadow.station.state import MAX_CONNECTORS

__all__ = ["NO_NUMBER", "SAME", "is_register", "learn_keys", "reading_of", "signed_value"]

NO_NUMBER: Final = "signed data that no number is known for, and 2.0.1 has no signed value without one"
SAME: Final = ("measurand", "context", "phase", "location")
"""What two samples of one moment have in common that measure the same."""

_LONGEST: Final = 2500
_LONGEST_METHOD: Final = 50
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4}){6,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_KEY_NAME: Final = re.compile(r"meterpublickey\[?(\d{0,4})\]?", re.ASCII)
_MOST_READINGS: Final = 16


class _Reading(msgspec.Struct):
    """RD of OCMF 1.0: reading value and unit, and TX, which says whether it is of the begin or the end."""

    RV: Decimal | None = None
    RU: str | None = None
    TX: str | None = None


class _Ocmf(msgspec.Struct):
    RD: list[_Reading] = []


_read_ocmf: Final = msgspec.json.Decoder(_Ocmf, strict=False).decode
_read_object: Final = msgspec.json.Decoder(dict[str, Any]).decode


def signed_value(out: Outbox, action: str, value: object, number: int | None) -> dict[str, str] | None:
    """SignedMeterValueType; None, and named, where it does not fit: cut short, no signature would hold."""
    if not isinstance(value, str) or not value:
        return None  # the schema check has named it, or there is nothing
    told = _told(value)
    data = _text(told, "signedMeterData") or _text(told, "signedMeterValue") or value
    # 2.0.1 wants Base64; what is in it is the data as it came, so nothing is changed that was signed.
    encoded = data if _BASE64.fullmatch(data) else b64encode(data.encode()).decode()
    known = out.station.meter_public_keys
    key = _text(told, "publicKey") or known.get(number or 0) or known.get(0, "")
    if len(encoded) > _LONGEST or len(key) > _LONGEST:
        detail = f"signed data beyond the {_LONGEST} characters of 2.0.1: cut short, no signature would hold"
        out.lost(f"{action}.sampledValue.value", f"{len(value)} characters", detail=detail, connector_id=number)
        return None
    return {
        "signedMeterData": encoded,
        # Empty: the data says it itself (OCMF does), or 1.6 does not say it.
        "signingMethod": _text(told, "signingMethod")[:_LONGEST_METHOD],
        "encodingMethod": _text(told, "encodingMethod")[:_LONGEST_METHOD],
        "publicKey": key,
    }


def learn_keys(out: Outbox, values: Mapping[str, str]) -> None:
    """Keep MeterPublicKey in mind (OCA note on signed values in 1.6: one key for each connector), by lower-case key."""
    for name, value in values.items():
        found = _KEY_NAME.fullmatch(name)
        number = int(found.group(1) or 0) if found is not None else -1
        if 0 <= number <= MAX_CONNECTORS and value:
            out.station.meter_public_keys[number] = value


def reading_of(value: object, context: str | None) -> tuple[Decimal, str] | None:
    """Number and unit inside OCMF, None elsewhere; of a pair the first for Transaction.Begin, else the last."""
    if not isinstance(value, str) or not value.startswith("OCMF|"):
        return None
    try:
        readings = _read_ocmf(value.split("|", 2)[1].encode()).RD[:_MOST_READINGS]
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        return None
    numbers = [(None if one.RV is None else decimal_of(one.RV), one.RU or "Wh") for one in readings]
    known = [(number, unit) for number, unit in numbers if number is not None and unit in ("Wh", "kWh")]
    if not known:
        return None
    return known[0] if context == "Transaction.Begin" else known[-1]


def is_register(raw: dict[str, Any]) -> bool:
    """Whether a sample of 1.6 is the import register of all phases."""
    return raw.get("measurand", ENERGY_REGISTER) == ENERGY_REGISTER and "phase" not in raw


def _told(value: str) -> dict[str, Any]:
    if not value.startswith("{"):
        return {}
    try:
        return _read_object(value.encode())
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""
