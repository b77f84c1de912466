"""Reading fields of a 1.6 payload that may be missing or of the wrong type. Total; the schema check names the flaw."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

from shadow.device_model.fact import LONGEST_VALUE

__all__ = ["id_token", "integer", "objects", "plain", "text"]

_LONGEST: Final = 500
"""The longest string of 1.6 that is kept (GetConfiguration values, §5.8); what a state remembers is bounded by it."""
_json: Final = msgspec.json.Encoder(decimal_format="number").encode
_HEX: Final = frozenset("0123456789abcdefABCDEF")


def text(payload: dict[str, Any], key: str) -> str | None:
    """A string, or a number in its plain form; None where there is neither. Cut at 500 characters."""
    value = payload.get(key)
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)[:_LONGEST]
    return None


def plain(value: Any) -> str | None:
    """Whatever a field holds, as the text of a fact: a string as it is, all else as JSON; None of nothing. Cut."""
    if value is None or isinstance(value, str):
        return value if value is None else value[:LONGEST_VALUE]
    return _json(value).decode()[:LONGEST_VALUE]


def integer(payload: dict[str, Any], key: str) -> int | None:
    """An integer, also one written `1.0` or `"1"` (the field sends both); None where there is none."""
    value = payload.get(key)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return (
            int(value)
            if value.is_finite() and abs(value.adjusted()) < 40 and value == value.to_integral_value()
            else None
        )
    if isinstance(value, str):
        digits = value.strip()
        plain = digits[1:] if digits[:1] == "-" else digits
        return int(digits) if plain.isascii() and plain.isdigit() and len(plain) < 40 else None
    return None


def objects(value: Any) -> list[dict[str, Any]]:
    """A list of objects; a bare object where a list is due counts as a list of one (Huawei's `meterValue`)."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@lru_cache(maxsize=4096)
def id_token_type(tag: str, *, autocharge: bool = False) -> str:
    """IdTokenEnumType guessed from the form of a 1.6 idTag: stable per tag, never to be compared.

    ISO 14443 UIDs are 4, 7 or 10 bytes and ISO 15693 ones 8 bytes, in hexadecimal (2.0.1 §3.43 IdTokenEnumType). Six
    bytes are a car's MAC address only where the fleet uses Autocharge. Others disagree (always ISO14443, by the number
    of characters …), which is why it is a setting.
    """
    if tag in ("", "NoAuthorization"):
        return "NoAuthorization"
    if set(tag) <= _HEX:
        if len(tag) in (8, 14, 20):
            return "ISO14443"
        if len(tag) == 16:
            return "ISO15693"
        if len(tag) == 12 and autocharge:
            return "MacAddress"
    plain = tag.replace("-", "").replace("*", "")
    # eMA-ID (ISO 15118, DIN SPEC 91286): two letters of the country, three characters of the provider, nine more.
    if len(plain) in (14, 15) and plain.isalnum() and plain[:2].isalpha() and not plain.isalpha():
        return "eMAID"
    return "Central"


def id_token(tag: str, setting: str, *, autocharge: bool = False) -> dict[str, Any]:
    """IdTokenType for a 1.6 idTag (C01.FR.25: the type must be the same wherever the token stands).

    `setting` is an IdTokenEnumType, or `guess`: see `Outbox.id_token`, which knows the settings.
    """
    kind = id_token_type(tag, autocharge=autocharge) if setting == "guess" else setting
    return {"idToken": "" if kind == "NoAuthorization" else tag[:36], "type": kind}
