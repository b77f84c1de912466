"""One sample of 1.6 as one of 2.0.1: value, unit, measurand, phase, place."""

from decimal import Decimal
from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow import schema
from shadow.station.samples import CONTEXTS, LOCATIONS, PHASES
from shadow.station.tables import LOST_MEASURANDS, MEASURANDS, UNITS


def _enumeration(version: str, name: str) -> set[str]:
    document = schema.read(version, "MeterValues", response=False)
    assert document is not None
    if version == schema.V201:
        found: list[str] = document["definitions"][f"{name.capitalize()}EnumType"]["enum"]
    else:
        sample = document["properties"]["meterValue"]["items"]["properties"]["sampledValue"]["items"]["properties"]
        found = sample[name]["enum"]
    return set(found)


def test_every_measurand_of_1_6_is_mapped_or_lost() -> None:
    """The official schemas: 20 are in both versions, and the two that 2.0.1 lacks are named as such."""
    assert _enumeration(schema.V16, "measurand") == MEASURANDS | LOST_MEASURANDS
    assert _enumeration(schema.V201, "measurand") > MEASURANDS
    assert not LOST_MEASURANDS & _enumeration(schema.V201, "measurand")


@pytest.mark.parametrize(
    ("name", "known", "newer"),
    [("context", CONTEXTS, "ReadingContext"), ("phase", PHASES, "Phase"), ("location", LOCATIONS, "Location")],
)
def test_contexts_phases_and_locations_are_those_of_both_versions(name: str, known: frozenset[str], newer: str) -> None:
    """Word for word the same."""
    document = schema.read(schema.V201, "MeterValues", response=False)
    assert document is not None
    assert _enumeration(schema.V16, name) == known == set(document["definitions"][f"{newer}EnumType"]["enum"])


def test_every_unit_of_1_6_belongs_to_a_measurand() -> None:
    """No unit of the official schema is unknown to the table."""
    known = {unit for units in UNITS.values() for unit in units}
    assert _enumeration(schema.V16, "unit") <= known


def _sample(value: object, **more: Any) -> dict[str, Any]:
    script = Script().boot().status(1, "Available").start(1, "AA", 1000, transaction=7).wait(10)
    element = {"timestamp": script.now, "sampledValue": [{"value": value, **more}]}
    (found,) = Lived().feed(script.meter_values(1, 7, [element]).frames).events[-1]["meterValue"][0]["sampledValue"]
    return dict(found)


@pytest.mark.parametrize(
    ("measurand", "unit", "said"),
    [
        ("Frequency", None, "Hz"),
        ("Frequency", "Hertz", "Hz"),
        ("Power.Active.Import", "kW", "kW"),
        ("Power.Offered", "W", "W"),
        ("Energy.Reactive.Import.Register", "varh", "varh"),
        ("Current.Import", None, "A"),
        ("SoC", "Percent", "Percent"),
        ("Power.Factor", None, None),
        ("Energy.Active.Import.Interval", None, None),  # Wh in both versions
    ],
)
def test_units_are_said_as_2_0_1_says_them(measurand: str, unit: str | None, said: str | None) -> None:
    """Without a unit 2.0.1 takes any value for Wh, so that every other is said (UnitOfMeasureType)."""
    more = {} if unit is None else {"unit": unit}
    assert _sample("5", measurand=measurand, **more).get("unitOfMeasure", {}).get("unit") == said


@pytest.mark.parametrize(
    ("told", "value"), [("12,5", "12.5"), (" 7 ", "7"), ("0012.50", "12.50"), ("-3", "-3"), ("1e3", "1E+3")]
)
def test_a_number_keeps_its_digits(told: str, value: str) -> None:
    """No float in between: what the display shows is what is compared."""
    assert str(_sample(told, unit="Wh")["value"]) == value


def test_a_number_in_place_of_a_string_is_read() -> None:
    """The schema of 1.6 wants a string; the field sends both."""
    assert _sample(1100, unit="Wh")["value"] == Decimal(1100)
