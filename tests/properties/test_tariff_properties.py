"""What holds of every tariff and every session: cutting changes nothing, more never costs less, steps and bounds."""

from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from diff.tariff.pricing import exact, minor_units, price
from diff.tariff.profile import Segment, of_session
from diff.tariff.tariff import Tariff, read_tariff

UTC = ZoneInfo("UTC")
MORNING = 1_780_300_800_000_000
SECOND = 1_000_000

_prices = st.decimals(0, 5, places=3)
_components = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"]),
        "price": _prices,
        "step_size": st.sampled_from([1, 60, 300, 500]),
        "vat": st.none() | st.sampled_from([Decimal(0), Decimal("7.7"), Decimal(19)]),
    }
)
_restrictions = st.fixed_dictionaries(
    {},
    optional={
        "start_time": st.sampled_from(["00:00", "08:30", "17:00"]),
        "end_time": st.sampled_from(["08:15", "12:00", "00:00"]),
        "min_kwh": st.integers(0, 20),
        "max_kwh": st.integers(1, 40),
        "min_duration": st.integers(0, 7200),
        "max_duration": st.integers(1, 20_000),
        "day_of_week": st.just(["MONDAY", "TUESDAY"]),
    },
)
_elements = st.fixed_dictionaries(
    {"price_components": st.lists(_components, max_size=4), "restrictions": _restrictions}
)


@st.composite
def tariffs(draw: st.DrawFn, *, stepless: bool = False) -> Tariff:
    """Any tariff; `stepless`: its steps are finer than anything that is used."""
    elements = draw(st.lists(_elements, min_size=1, max_size=4))
    if stepless:
        for element in elements:
            for component in element["price_components"]:
                component["step_size"] = 1
    return read_tariff({"id": "t", "currency": "EUR", "elements": elements})


_parts = st.lists(st.tuples(st.integers(0, 5 * 3600), st.integers(0, 30_000), st.booleans()), min_size=1, max_size=5)


def _segments(parts: list[tuple[int, int, bool]]) -> list[Segment]:
    """Whole seconds and Wh, so that steps of one change nothing."""
    at, found = MORNING, []
    for seconds, wh, charging in parts:
        found.append(Segment(Fraction(at), Fraction(seconds * SECOND), Fraction(wh if charging else 0), charging))
        at += seconds * SECOND
    return found


@given(tariff=tariffs(), parts=_parts, share=st.fractions(0, 1, max_denominator=50), which=st.integers(0, 4))
def test_cutting_a_session_changes_nothing(
    tariff: Tariff, parts: list[tuple[int, int, bool]], share: Fraction, which: int
) -> None:
    """Additivity: a segment in two parts costs exactly what it costs in one."""
    segments = _segments(parts)
    number = which % len(segments)
    one = segments[number]
    left = Segment(one.start, one.duration * share, one.energy_wh * share, one.charging)
    right = Segment(
        one.start + left.duration, one.duration - left.duration, one.energy_wh - left.energy_wh, one.charging
    )
    cut = [*segments[:number], left, right, *segments[number + 1 :]]
    assert exact(tariff, cut, UTC) == exact(tariff, segments, UTC)


@given(parts=_parts, prices=st.lists(_prices, min_size=3, max_size=3), step=st.sampled_from([1, 60, 500]), more=_parts)
def test_more_never_costs_less(
    parts: list[tuple[int, int, bool]], prices: list[Decimal], step: int, more: list[tuple[int, int, bool]]
) -> None:
    """Monotonicity, under one price for each dimension: a longer session with more energy costs as much or more.

    Parking behind charging takes the rounding of the charging time away, so that there the steps are left out.
    """
    mixed = len({charging for _, _, charging in (*parts, *more)}) > 1
    kinds = zip(("ENERGY", "TIME", "PARKING_TIME"), prices, strict=True)
    components = [
        {"type": kind, "price": one, "step_size": 1 if mixed and kind != "ENERGY" else step} for kind, one in kinds
    ]
    tariff = read_tariff({"currency": "EUR", "elements": [{"price_components": components}]})
    assert exact(tariff, _segments([*parts, *more])).excl >= exact(tariff, _segments(parts)).excl


@given(wh=st.integers(1, 100_000), step=st.integers(1, 5000), each=_prices)
def test_energy_is_billed_in_whole_steps(wh: int, step: int, each: Decimal) -> None:
    """The smallest multiple of the step that holds it."""
    component = {"type": "ENERGY", "price": each, "step_size": step}
    tariff = read_tariff({"currency": "EUR", "elements": [{"price_components": [component]}]})
    billed = -(-wh // step) * step
    found = exact(tariff, of_session(0, 3600 * SECOND, Decimal(wh)))
    assert found.excl == Fraction(billed) * Fraction(each) / 1000


@given(tariff=tariffs(), parts=_parts, least=st.integers(0, 20), room=st.integers(0, 20))
def test_minimum_and_maximum_hold(tariff: Tariff, parts: list[tuple[int, int, bool]], least: int, room: int) -> None:
    """No cost lies outside of them, and one that lies between them is as it was."""
    from diff.tariff.tariff import Bound

    low, high = Decimal(least), Decimal(least + room)
    bounded = Tariff(tariff.id, tariff.currency, tariff.elements, Bound(low, None), Bound(high, None))
    found, plain = exact(bounded, _segments(parts), UTC), exact(tariff, _segments(parts), UTC)
    assert low <= found.excl <= high
    if low <= plain.excl <= high:
        assert found == plain


@given(tariff=tariffs(), parts=_parts)
def test_rounding_happens_once_and_moves_no_more_than_half_a_unit(
    tariff: Tariff, parts: list[tuple[int, int, bool]]
) -> None:
    """Both totals, in cents."""
    found, cost = exact(tariff, _segments(parts), UTC), price(tariff, _segments(parts), UTC)
    half = Fraction(1, 2 * 10 ** minor_units(cost.currency))
    for rounded, true in ((cost.excl, found.excl), (cost.incl, found.incl)):
        assert abs(Fraction(rounded) - true) <= half
        exponent: Any = rounded.as_tuple().exponent
        assert exponent == -2


@given(parts=_parts, energy=st.integers(0, 50_000))
def test_a_profile_of_a_session_loses_no_energy_and_no_time(parts: list[tuple[int, int, bool]], energy: int) -> None:
    """Whatever states were told, in whatever order."""
    states, at = [], MORNING
    for seconds, _, charging in parts:
        states.append((at, charging))
        at += seconds * SECOND
    segments = of_session(MORNING, at, Decimal(energy), states[::-1])
    assert sum(one.energy_wh for one in segments) == energy
    assert sum(one.duration for one in segments) == at - MORNING
