"""A tariff applied to a session (OCPI 2.2.1 §11.3, §10.3.1), exactly, and rounded once at the end. Pure.

The rules, in the order of their application:

1. A session is cut wherever a restriction begins or ends to hold: at a time of day, a date, an energy or a duration.
2. In each piece, each dimension that is used there (energy, charging time, parking time) takes the first element that
   holds and prices it. A flat fee is due once, when its element first holds.
3. `step_size` counts once for energy, and once for time: the total is rounded up by the step of the last component
   used, and what is added costs that component's price. Where parking is priced, only parking time is rounded.
4. VAT is added for each component; `min_price` and `max_price` bound the whole.
5. The totals, without and with VAT, are rounded half up to the smallest unit of the currency.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from diff.tariff.profile import Segment
from diff.tariff.restrictions import Moment, cuts, holds
from diff.tariff.tariff import Bound, Dimension, PriceComponent, Tariff

__all__ = ["Cost", "Exact", "exact", "minor_units", "price"]

_HOUR: Final = 3_600_000_000
_SECOND: Final = 1_000_000
_KWH: Final = 1000
_UNIT: Final = {Dimension.ENERGY: _KWH, Dimension.TIME: _HOUR, Dimension.PARKING_TIME: _HOUR, Dimension.FLAT: 1}
"""What a price is for: Wh, microseconds, or once."""
_STEP: Final = {Dimension.ENERGY: 1, Dimension.TIME: _SECOND, Dimension.PARKING_TIME: _SECOND}
_NO_MINOR: Final = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"})
_THREE: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


class Exact(NamedTuple):
    """A cost before rounding."""

    excl: Fraction
    incl: Fraction


class Cost(msgspec.Struct, frozen=True):
    """A cost, rounded half up to the smallest unit of its currency."""

    excl: Decimal
    incl: Decimal
    currency: str


class _Use(NamedTuple):
    component: PriceComponent
    amount: Fraction
    """Wh, microseconds, or 1."""


def price(tariff: Tariff, segments: Sequence[Segment], zone: tzinfo | None = None) -> Cost:
    """What a session costs under a tariff.

    `zone`: of the charging station.

    Raises:
        TariffError: the tariff needs a zone and none is given, or the session is absurdly long.

    """
    found = exact(tariff, segments, zone)
    places = minor_units(tariff.currency)
    return Cost(_rounded(found.excl, places), _rounded(found.incl, places), tariff.currency)


def exact(tariff: Tariff, segments: Sequence[Segment], zone: tzinfo | None = None) -> Exact:
    """The same, not rounded. Raises `TariffError`."""
    uses = list(_uses(tariff, segments, zone))
    uses += _steps(uses)
    excl = incl = Fraction(0)
    for component, amount in uses:
        cost = amount * Fraction(component.price) / _UNIT[component.dimension]
        excl += cost
        incl += cost * (1 + Fraction(component.vat or 0) / 100)
    return _bounded(Exact(excl, incl), tariff.min_price, tariff.max_price)


def minor_units(currency: str) -> int:
    """Decimals of a currency (ISO 4217)."""
    return 0 if currency in _NO_MINOR else 3 if currency in _THREE else 2


def _uses(tariff: Tariff, segments: Sequence[Segment], zone: tzinfo | None) -> Iterator[_Use]:
    if not segments:
        return
    began, energy = segments[0].start, Fraction(0)
    paid: set[int] = set()
    for segment in segments:
        places = [Fraction(0), *cuts(tariff, segment, began, energy, zone), Fraction(1)]
        for left, right in pairwise(places):
            share, middle = right - left, (left + right) / 2
            at = segment.start + segment.duration * middle
            moment = Moment(at, energy + segment.energy_wh * middle, at - began)
            held = [holds(element.restrictions, moment, zone) for element in tariff.elements]
            used = {
                Dimension.ENERGY: segment.energy_wh * share,
                Dimension.TIME: segment.duration * share if segment.charging else Fraction(0),
                Dimension.PARKING_TIME: Fraction(0) if segment.charging else segment.duration * share,
            }
            for dimension, amount in used.items():
                found = _component(tariff, held, dimension) if amount else None
                if found is not None:
                    yield _Use(found[1], amount)
            flat = _component(tariff, held, Dimension.FLAT)
            if flat is not None and flat[0] not in paid:
                paid.add(flat[0])
                yield _Use(flat[1], Fraction(1))
        energy += segment.energy_wh


def _component(tariff: Tariff, held: Sequence[bool], dimension: Dimension) -> tuple[int, PriceComponent] | None:
    """The component of the first element that holds and prices this dimension, and the element's number."""
    for number, (element, here) in enumerate(zip(tariff.elements, held, strict=True)):
        if here:
            for component in element.components:
                if component.dimension is dimension:
                    return number, component
    return None


def _steps(uses: Sequence[_Use]) -> list[_Use]:
    """What rounding up adds: for energy, and for parking time or else for charging time."""
    parked = any(use.component.dimension is Dimension.PARKING_TIME for use in uses)
    rounded = (Dimension.ENERGY, Dimension.PARKING_TIME if parked else Dimension.TIME)
    added = []
    for dimension in rounded:
        own = [use for use in uses if use.component.dimension is dimension]
        if own:
            last = own[-1].component
            total, step = sum((use.amount for use in own), Fraction(0)), last.step_size * _STEP[dimension]
            added.append(_Use(last, -(-total // step) * step - total))
    return added


def _bounded(cost: Exact, least: Bound | None, most: Bound | None) -> Exact:
    """Bounds are given without VAT, and perhaps with; without it the VAT keeps its share."""
    for bound, sign in ((least, -1), (most, 1)):
        if bound is None:
            continue
        excl, incl = cost
        if (excl - Fraction(bound.excl)) * sign > 0:
            incl = incl * Fraction(bound.excl) / excl if excl else Fraction(bound.excl)
            excl = Fraction(bound.excl)
        if bound.incl is not None and (cost.incl - Fraction(bound.incl)) * sign > 0:
            incl = Fraction(bound.incl)
        cost = Exact(excl, incl)
    return cost


def _rounded(value: Fraction, places: int) -> Decimal:
    """Half up, away from zero: of a fraction, so nothing is rounded before."""
    scaled = abs(value) * 10**places
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    whole += 2 * rest >= scaled.denominator
    return Decimal(whole if value >= 0 else -whole).scaleb(-places)
