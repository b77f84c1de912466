"""What the environment tells the pages: where the store is, what a kilowatt hour costs, which files hold."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import msgspec

__all__ = [
    "COHORT_FILE",
    "CURRENCY",
    "DATA_DIR",
    "FROM_SETTINGS",
    "HOST",
    "PRICE",
    "ROLES_FILE",
    "SECRETS_FILE",
    "STORE_URL",
    "TARIFF_FILE",
    "THRESHOLDS_FILE",
    "TX_START",
    "TX_STOP",
    "WATCH",
    "Settings",
    "read_settings",
]

STORE_URL: Final = "SHADOW_STORE_URL"
PRICE: Final = "SHADOW_PRICE_PER_KWH"
CURRENCY: Final = "SHADOW_CURRENCY"
COHORT_FILE: Final = "SHADOW_COHORT_FILE"
THRESHOLDS_FILE: Final = "SHADOW_THRESHOLDS_FILE"
ROLES_FILE: Final = "SHADOW_DASHBOARD_ROLES_FILE"
SECRETS_FILE: Final = "SHADOW_DASHBOARD_SECRETS_FILE"
HOST: Final = "SHADOW_DASHBOARD_HOST"
WATCH: Final = "SHADOW_DASHBOARD_WATCH"
DATA_DIR: Final = "SHADOW_DATA_DIR"
TARIFF_FILE: Final = "SHADOW_TARIFF_FILE"
TX_START: Final = "SHADOW_TX_START_POINTS"
TX_STOP: Final = "SHADOW_TX_STOP_POINTS"


FROM_SETTINGS: Final = frozenset(
    {PRICE, CURRENCY, COHORT_FILE, THRESHOLDS_FILE, ROLES_FILE, SECRETS_FILE, HOST}
    | {WATCH, DATA_DIR, TARIFF_FILE, TX_START, TX_STOP}
)
"""What the pages are told of the product's settings, beside the store's URL."""


class Settings(msgspec.Struct, frozen=True):
    """Settings of the pages."""

    store_url: str
    """Holds the password: never shown. Empty where none is given."""
    price_per_kwh: Decimal | None
    currency: str
    complaint: str = ""
    """What is wrong with the price, in one sentence."""
    cohort_file: Path | None = None
    thresholds_file: Path | None = None
    roles_file: Path | None = None
    host: str = ""
    """The address that the pages listen on, where the server itself does not say."""
    tariff_file: Path | None = None
    tx_start: str = ""
    """TxStartPoint that the sessions were lived by, comma separated; empty where nobody says."""
    tx_stop: str = ""
    secrets_file: Path | None = None
    """Named where people have to sign in."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment. A price that cannot be used is left out, and `complaint` says why."""
    text = environment.get(PRICE, "").strip()
    price, complaint = _price(text)
    return Settings(
        environment.get(STORE_URL, "").strip(),
        price,
        environment.get(CURRENCY, "").strip() or "EUR",
        complaint,
        _file(environment, COHORT_FILE),
        _file(environment, THRESHOLDS_FILE),
        _file(environment, ROLES_FILE),
        environment.get(HOST, "").strip(),
        _file(environment, TARIFF_FILE),
        environment.get(TX_START, "").strip(),
        environment.get(TX_STOP, "").strip(),
        _file(environment, SECRETS_FILE),
    )


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name, "").strip()
    return Path(text) if text else None


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
