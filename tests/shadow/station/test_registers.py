"""The billed register over a session: what a meter may show, and what it may not."""

import pytest

from demo.lived import Lived
from demo.script import Script

TAG = "04A1B2C3"


def _running(meter_start: int = 100_000) -> Script:
    return Script().boot().status(1, "Available").start(1, TAG, meter_start, transaction=7).wait(600)


@pytest.mark.parametrize("value", [-1, 2147483647, 4294967295])
def test_placeholders_of_the_stop_are_named_and_not_sent(value: int) -> None:
    """The end of an integer's range means unknown: no Transaction.End value is made of it."""
    lived = Lived().feed(_running().stop(7, value).frames).settle()
    assert "meter.placeholder" in lived.codes()
    assert "meterValue" not in lived.events[-1]


@pytest.mark.parametrize("value", [-1, 2147483647])
def test_placeholders_of_the_start_are_named_and_not_sent(value: int) -> None:
    """A begin that is unknown is left out of Started, so that no energy comes of it."""
    lived = Lived().feed(_running(value).stop(7, 5000).frames).settle()
    assert "meter.placeholder" in lived.codes()
    assert "meterValue" not in lived.events[0]
    assert [session.shadow_energy_wh for session in lived.sessions.values()] == [None]


@pytest.mark.parametrize(("reading", "named"), [(3_051_113, True), (99_999, False), (909_000, False)])
def test_zero_at_begin_while_the_register_is_large(reading: int, *, named: bool) -> None:
    """Begin 0 as a placeholder, the odometer later: named where no cable carries what it shows since the start."""
    lived = Lived().feed(_running(0).wait(3600).meter(1, 7, reading).frames)
    assert ("meter.placeholder" in lived.codes()) is named


@pytest.mark.parametrize(("later", "named"), [(100_500, True), (101_000, False), (100_999, False)])
def test_a_register_that_runs_backwards_j02_fr_16(later: int, *, named: bool) -> None:
    """Less than before by more than a resolution: 1 Wh is rounding."""
    lived = Lived().feed(_running().meter(1, 7, 101_000).wait(60).meter(1, 7, later).frames)
    assert lived.codes() == ({"meter.regression"} if named else set())


@pytest.mark.parametrize(("begin", "named"), [(90_000, True), (101_999, False), (102_000, False)])
def test_a_register_that_runs_backwards_between_sessions(begin: int, *, named: bool) -> None:
    """The next session begins below the end of the last one; 1 Wh below is rounding."""
    script = _running().stop(7, 102_000).wait(600).start(1, TAG, begin, transaction=8)
    assert Lived().feed(script.frames).codes() == ({"meter.regression"} if named else set())


@pytest.mark.parametrize(("gained", "named"), [(10_000, False), (200_000, True)])
def test_a_leap_that_no_cable_carries(gained: int, *, named: bool) -> None:
    """200 kWh in ten minutes is more than a megawatt."""
    assert ("meter.implausible" in Lived().feed(_running().meter(1, 7, 100_000 + gained).frames).codes()) is named


@pytest.mark.parametrize(
    ("stop", "sample", "unit", "named"),
    [
        (101_000, "101000", "Wh", False),
        (101_000, "101.00", "kWh", False),
        (101_009, "101.00", "kWh", False),  # good to 10 Wh
        (101_011, "101.00", "kWh", True),
        (101, "101000", "Wh", True),  # a factor of 1000
        (101_000, "101000", "kWh", True),
        (101_000, "1000", "Wh", True),  # another register
    ],
)
def test_meter_stop_against_its_end_sample(stop: int, sample: str, unit: str, *, named: bool) -> None:
    """MeterStop and the Transaction.End sample are the same moment: more than the resolution apart is a slip."""
    lived = Lived().feed(_running().meter(1, 7, sample, "Transaction.End", unit=unit).stop(7, stop).frames)
    assert ("meter.register-vs-samples" in lived.codes()) is named


@pytest.mark.parametrize(("sample", "named"), [("100.00", False), ("0", True), ("250", True)])
def test_meter_start_against_its_begin_sample(sample: str, *, named: bool) -> None:
    """MeterStart and the Transaction.Begin sample too; 0 is the per-session register."""
    lived = Lived().feed(_running().meter(1, 7, sample, "Transaction.Begin", unit="kWh").frames)
    assert ("meter.register-vs-samples" in lived.codes()) is named


@pytest.mark.parametrize(
    ("value", "code"),
    [("VV:1230", "meter.unparseable"), ("", "meter.unparseable"), ("1E+9999", "meter.unparseable"), ("12,5", None)],
)
def test_values_that_are_no_number(value: str, code: str | None) -> None:
    """A decimal comma is read, a word is named and never becomes a number."""
    lived = Lived().feed(_running(0).meter(1, 7, value).frames)
    assert lived.codes() == ({code} if code else set())


@pytest.mark.parametrize(
    ("unit", "measurand", "code"),
    [
        ("Hz", "Energy.Active.Import.Register", "meter.unit-unknown"),
        ("Wh", "Voltage", "meter.unit-unknown"),
        ("Hz", "Frequency", None),
        (None, "Energy.Active.Import.Register", None),  # 1.6 §7.43: Wh is the default
        (None, "Voltage", "meter.unit-assumed"),
    ],
)
def test_units(unit: str | None, measurand: str, code: str | None) -> None:
    """A unit that does not belong to its measurand is kept and named; one that has no default is assumed."""
    codes = Lived().feed(_running().meter(1, 7, "100001", unit=unit, measurand=measurand).frames).codes()
    assert codes - {"schema.v16"} == ({code} if code else set())


def test_a_bare_value_is_assumed_to_be_the_register() -> None:
    """Neither unit nor measurand (Blink): read as Wh of the import register, and named."""
    element = {"timestamp": "2030-01-01T12:10:10Z", "sampledValue": [{"value": "100100"}]}
    lived = Lived().feed(_running().meter_values(1, 7, [element]).frames)
    assert lived.codes() == {"meter.unit-assumed"}


@pytest.mark.parametrize(
    ("value", "unit", "named"), [("350", "kW", False), ("99000000", "W", True), ("1001", "kW", True)]
)
def test_power_beyond_any_cable(value: str, unit: str, *, named: bool) -> None:
    """More than a megawatt."""
    script = _running().meter(1, 7, value, unit=unit, measurand="Power.Active.Import")
    assert (Lived().feed(script.frames).codes() == {"meter.implausible"}) is named


@pytest.mark.parametrize(
    "more", [{"phase": "L1"}, {"location": "Inlet"}, {"measurand": "Energy.Active.Export.Register"}]
)
def test_other_registers_prove_nothing(more: dict[str, str]) -> None:
    """A phase row, the grid side and the export register are no steps of the billed register."""
    lived = Lived().feed(_running().meter(1, 7, 5, **more).frames)
    assert lived.codes() == set()
