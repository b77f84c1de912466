"""A tariff in words, a line for each price, so that a bill can be read beside it. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from diff.tariff.tariff import Dimension, Restrictions, Tariff, read_tariff

__all__ = ["flat", "told"]

_PER: Final = {
    Dimension.ENERGY: "per kWh",
    Dimension.TIME: "per hour of charging",
    Dimension.PARKING_TIME: "per hour without charging",
    Dimension.FLAT: "once",
}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def flat(price_per_kwh: Decimal, currency: str) -> Tariff:
    """A tariff of one price per kWh and nothing else."""
    component = {"type": "ENERGY", "price": price_per_kwh, "step_size": 1}
    return read_tariff({"id": "flat", "currency": currency, "elements": [{"price_components": [component]}]})


def told(tariff: Tariff) -> list[str]:
    """Each price with its dimension, its VAT and when it holds, in the order in which they are tried."""
    lines = [
        f"{component.price:f} {tariff.currency} {_PER.get(component.dimension, component.dimension.value)}"
        f"{'' if component.vat is None else f', VAT {component.vat:f} %'}{_when(element.restrictions)}"
        for element in tariff.elements
        for component in element.components
    ]
    if tariff.min_price is not None:
        lines.append(f"at least {tariff.min_price.excl:f} {tariff.currency}")
    if tariff.max_price is not None:
        lines.append(f"at most {tariff.max_price.excl:f} {tariff.currency}")
    return lines


def _when(one: Restrictions) -> str:
    parts: list[str] = []
    if one.start_time is not None or one.end_time is not None:
        parts.append(f"from {one.start_time or '00:00'} to {one.end_time or '24:00'}")
    if one.start_date is not None or one.end_date is not None:
        parts.append(f"{one.start_date or '…'} to {one.end_date or '…'}")
    for least, most, unit in ((one.min_wh, one.max_wh, "Wh"), (one.min_seconds, one.max_seconds, "s")):
        if least is not None:
            parts.append(f"from {least:f} {unit} on")
        if most is not None:
            parts.append(f"up to {most:f} {unit}")
    if one.days:
        parts.append(", ".join(_DAYS[day] for day in sorted(one.days)))
    return f" ({'; '.join(parts)})" if parts else ""
