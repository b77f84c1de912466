"""Meter values as exact decimals in base units, with the resolution that the text shows.

A value of `3051.36` kWh is 3 051 360 Wh, good to 10 Wh: comparing it with a register in whole Wh may not ask for
more than that. Only the registers that money hangs on are scaled; every other value keeps the unit it came in.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

__all__ = ["ENERGY_REGISTER", "Reading", "decimal_of", "energy_reading", "whole_wh"]

ENERGY_REGISTER: Final = "Energy.Active.Import.Register"
"""The measurand that is billed, and the default of 1.6 §7.31 and of 2.0.1 MeasurandEnumType."""

_WH_PER: Final = {"Wh": 0, "kWh": 3}
"""Powers of ten. 1.6 §7.47 UnitOfMeasure; an absent unit is Wh."""

_NUMBER: Final = re.compile(r"\s*[+-]?(?:\d{1,40}(?:[.,]\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?\s*", re.ASCII)
_LARGEST_EXPONENT: Final = 40
_LONGEST_NUMBER: Final = 128
"""Characters: what `_NUMBER` can match, and room for blanks around it."""


class Reading(msgspec.Struct, frozen=True):
    """One energy reading."""

    wh: Decimal
    resolution_wh: Decimal
    """The weight of its last digit, in Wh."""


def decimal_of(value: Any) -> Decimal | None:
    """Read a sampled value: 1.6 §7.43 says a string, the field also sends numbers. None where it is no number."""
    if isinstance(value, str):
        return _decimal_of_text(value) if len(value) <= _LONGEST_NUMBER else None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return _scalable(Decimal(value))


@lru_cache(maxsize=4096)
def _decimal_of_text(value: str) -> Decimal | None:
    """Voltages, currents and the register that meterStart repeats come again and again."""
    return _scalable(Decimal(value.strip().replace(",", "."))) if _NUMBER.fullmatch(value) else None


def _scalable(number: Decimal) -> Decimal | None:
    # is_finite is not enough: 1E+999999 is finite and would cost a million digits to scale.
    return number if number.is_finite() and abs(number.adjusted()) <= _LARGEST_EXPONENT else None


def energy_reading(value: Decimal, unit: str | None, multiplier: int = 0) -> Reading | None:
    """An energy value in Wh with its resolution; None where the unit is no unit of energy.

    `multiplier` is the power of ten of 2.0.1 UnitOfMeasureType (§2.52): it moves the weight of the last digit too.
    """
    base = _WH_PER.get(unit or "Wh")
    if base is None or abs(multiplier) > _LARGEST_EXPONENT:
        return None
    scale = base + multiplier
    exponent = value.as_tuple().exponent
    places = exponent if isinstance(exponent, int) else 0
    return Reading(value.scaleb(scale), Decimal(1).scaleb(min(places, 0) + scale))


def whole_wh(value: Any) -> Decimal | None:
    """MeterStart and meterStop: whole Wh (1.6 §6.45, §6.49). None where it is no number."""
    return decimal_of(value)
