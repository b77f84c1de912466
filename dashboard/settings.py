"""What the environment tells the pages: where the store is, and what a kilowatt hour costs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

__all__ = ["CURRENCY", "PRICE", "STORE_URL", "Settings", "read_settings"]

STORE_URL: Final = "SHADOW_STORE_URL"
PRICE: Final = "SHADOW_PRICE_PER_KWH"
CURRENCY: Final = "SHADOW_CURRENCY"


class Settings(msgspec.Struct, frozen=True):
    """Settings of the pages."""

    store_url: str
    """Holds the password: never shown. Empty where none is given."""
    price_per_kwh: Decimal | None
    currency: str
    complaint: str = ""
    """What is wrong with the price, in one sentence."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment. A price that cannot be used is left out, and `complaint` says why."""
    text = environment.get(PRICE, "").strip()
    price, complaint = _price(text)
    return Settings(
        environment.get(STORE_URL, "").strip(), price, environment.get(CURRENCY, "").strip() or "EUR", complaint
    )


def _price(text: str) -> tuple[Decimal | None, str]:
    if not text:
        return None, f"No price is set: give {PRICE}, as in {PRICE}=0.39."
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None, f"{PRICE} is {text[:40]!r}, which is no number: give a price per kWh, as in 0.39."
    exponent = price.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= price < 10**6 or exponent < -6:
        return None, f"{PRICE} is {text[:40]!r}: give a price per kWh from 0 to 999999 with at most six decimals."
    return price, ""
