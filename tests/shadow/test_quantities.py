"""Meter values as exact decimals, with the resolution that the text shows."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow.quantities import decimal_of, energy_reading, whole_wh


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3051.36", "3051.36"),
        (" 12 ", "12"),
        ("12,5", "12.5"),
        ("-0.0", "-0.0"),
        ("1.5e3", "1.5E+3"),
        (".5", "0.5"),
        (7, "7"),
        (Decimal("7.10"), "7.10"),
    ],
)
def test_numbers_keep_their_digits(value: Any, expected: str) -> None:
    """As a string (1.6 §7.43), and as the number that the field also sends."""
    assert str(decimal_of(value)) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "VV:1230",
        "0x10",
        "1e",
        "NaN",
        "Infinity",
        "1E+9999",
        "١٢",
        "1_000",
        True,
        None,
        [],
        {},
        Decimal("NaN"),
        "1 2",
    ],
)
def test_what_is_no_number_is_none(value: Any) -> None:
    """Nor is a boolean, an Arabic digit, an underscore or an exponent that would cost a million digits."""
    assert decimal_of(value) is None


@pytest.mark.parametrize(
    ("value", "unit", "wh", "resolution"),
    [
        ("3051.36", "kWh", "3051360", "10"),
        ("3051113", "Wh", "3051113", "1"),
        ("3051113.5", None, "3051113.5", "0.1"),
        ("12", "kWh", "12000", "1000"),
        ("0.00", "", "0", "0.01"),
    ],
)
def test_readings_know_their_resolution(value: str, unit: str | None, wh: str, resolution: str) -> None:
    """The weight of the last digit, in Wh."""
    reading = energy_reading(Decimal(value), unit)
    assert reading is not None
    assert (reading.wh, reading.resolution_wh) == (Decimal(wh), Decimal(resolution))


def test_other_units_are_no_energy() -> None:
    """Nothing is guessed."""
    assert energy_reading(Decimal(1), "varh") is None
    assert energy_reading(Decimal(1), "Wh", 1000) is None


@settings(deadline=None, max_examples=200)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12))
def test_scaling_is_exact(number: Decimal) -> None:
    """Reading kWh loses nothing: a thousand times the number, to the digit."""
    reading = energy_reading(number, "kWh")
    assert reading is not None
    assert reading.wh == number * 1000
    assert reading.resolution_wh == 1


@settings(deadline=None, max_examples=200)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.decimals(), st.lists, max_leaves=4))
def test_reading_never_raises(value: Any) -> None:
    """Any JSON value gives a finite decimal or None."""
    for read in (decimal_of(value), whole_wh(value)):
        assert read is None or read.is_finite()
