"""The device model predicted from 1.6 beside the one that the new firmware reports."""

from typing import Any

import pytest

from shadow.device_model.address import Address
from shadow.device_model.compare import Comparison, Kind, compare
from shadow.device_model.model import Attribute, Certainty, Value, VariableEntry
from tests.shadow.device_model.models import device_model, entry

TELLABLE = frozenset({Address("OCPPCommCtrlr", "HeartbeatInterval").key, Address("OCPPCommCtrlr", "ResetRetries").key})
HEARTBEAT = "OCPPCommCtrlr/HeartbeatInterval"


def _sides(ours: list[VariableEntry], theirs: list[VariableEntry], *, asked_all: bool = True) -> Comparison:
    return compare(device_model(*ours), device_model(*theirs, native=True, asked_all=asked_all), TELLABLE)


def _interval(value: str | None = "600", **more: Any) -> VariableEntry:
    return entry(HEARTBEAT, value, **{"data_type": "integer", "unit": "s", **more})


def test_equal_models_do_not_differ() -> None:
    """However the values are written."""
    measurands = "SampledDataCtrlr/TxUpdatedMeasurands"
    ours = [_interval("600"), entry(measurands, "Voltage,SoC", data_type="MemberList")]
    theirs = [_interval("0600"), entry(measurands, "SoC, Voltage", data_type="MemberList")]

    found = _sides(ours, theirs)

    assert (found.compared, found.differences, found.new) == (2, (), ())


@pytest.mark.parametrize(
    ("theirs", "kind"),
    [
        ([], Kind.MISSING),
        ([_interval("300")], Kind.CHANGED),
        ([_interval(data_type="string")], Kind.WRONG_TYPE),
        ([_interval(unit="min")], Kind.WRONG_TYPE),
        ([_interval(flaws=("'x' is no integer",))], Kind.WRONG_TYPE),
        ([_interval(mutability="ReadOnly")], Kind.MUTABILITY),
        ([_interval(max_limit="100")], Kind.CHANGED),
        ([_interval(), entry("OCPPCommCtrlr/ResetRetries", "1")], Kind.EXTRA),
        ([_interval(), entry("AlderCtrlr/Colour", "red", standard=False)], Kind.EXTRA),
    ],
)
def test_each_difference_has_its_kind(theirs: list[VariableEntry], kind: Kind) -> None:
    """One change is one difference."""
    found = _sides([_interval(max_limit="3600")], [_with_limit(one) for one in theirs])

    assert [one.kind for one in found.differences] == [kind]


def _with_limit(one: VariableEntry) -> VariableEntry:
    return one if one.max_limit or one.address.variable != "HeartbeatInterval" else _limited(one)


def _limited(one: VariableEntry) -> VariableEntry:
    return entry(
        str(one.address),
        None if one.actual is None else one.actual.text,
        one.mutability,
        data_type=one.data_type,
        unit=one.unit,
        max_limit="3600",
        flaws=one.flaws,
    )


def test_what_1_6_cannot_tell_is_new_and_no_difference() -> None:
    """It is counted apart."""
    found = _sides([], [entry("ClockCtrlr/TimeSource", "NTP")])

    assert (found.differences, found.new) == ((), ("ClockCtrlr/TimeSource",))


def test_what_was_only_assumed_proves_nothing() -> None:
    """It stands apart from the differences."""
    told = {Attribute.ACTUAL: Value("PowerPathClosed", Certainty.ASSUMED, "setting", 0)}
    ours = entry("TxCtrlr/TxStartPoint", data_type="MemberList", values=told)
    theirs = entry("TxCtrlr/TxStartPoint", "Authorized", data_type="MemberList")

    found = _sides([ours], [theirs])

    assert found.differences == ()
    assert [(one.kind, one.predicted, one.reported) for one in found.assumptions] == [
        (Kind.CHANGED, "PowerPathClosed", "Authorized")
    ]


def test_values_of_the_moment_are_not_compared() -> None:
    """States and clocks differ because time passed; what a new firmware is for differs because it is new."""
    pairs = [
        ("ClockCtrlr/DateTime", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "dateTime"),
        ("EVSE@1/AvailabilityState", "Available", "Occupied", "OptionList"),
        ("Controller/FirmwareVersion", "1.0", "2.0", "string"),
    ]
    ours = [entry(name, old, data_type=kind) for name, old, _, kind in pairs]
    theirs = [entry(name, new, data_type=kind) for name, _, new, kind in pairs]

    assert _sides(ours, theirs).differences == ()


def test_a_partial_report_misses_nothing() -> None:
    """Where nobody asked for all of it, and the comparison says so."""
    found = _sides([_interval()], [], asked_all=False)

    assert found.differences == ()
    assert found.unasked


@pytest.mark.parametrize(("reported", "differs"), [("22000", False), ("7000", True)])
def test_a_limit_that_was_measured_has_to_be_reached(reported: str, differs: bool) -> None:  # noqa: FBT001
    """Meter values show what an EVSE delivers at least; more is no difference."""
    ours = entry("EVSE@1/Power", None, data_type="decimal", max_limit="11000", limit_origin="the largest Power.Offered")
    theirs = entry("EVSE@1/Power", "0", data_type="decimal", max_limit=reported)

    assert bool(_sides([ours], [theirs]).differences) is differs
