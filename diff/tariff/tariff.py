"""An OCPI 2.2.1 tariff (§11) as data, and reading one. Pure."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec

from ingest.records.reading import Fields
from ingest.records.record import RecordError

__all__ = ["Bound", "Dimension", "Element", "PriceComponent", "Restrictions", "Tariff", "TariffError", "read_tariff"]

_MAX_ELEMENTS: Final = 100
_TIME: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_UNSEEN: Final = ("min_current", "max_current", "min_power", "max_power")


class TariffError(ValueError):
    """A tariff that cannot be applied; the message says where, why, and what to do."""


class Dimension(StrEnum):
    """TariffDimensionType (§11.4.5)."""

    ENERGY = "ENERGY"
    """Per kWh; `step_size` in Wh."""
    FLAT = "FLAT"
    """Once."""
    PARKING_TIME = "PARKING_TIME"
    """Per hour without charging; `step_size` in seconds."""
    TIME = "TIME"
    """Per hour of charging; `step_size` in seconds."""


class PriceComponent(msgspec.Struct, frozen=True):
    """§11.4.2."""

    dimension: Dimension
    price: Decimal
    """Without VAT."""
    vat: Decimal | None
    """Percent; None where no VAT applies."""
    step_size: int


class Restrictions(msgspec.Struct, frozen=True, omit_defaults=True):
    """When an element holds (§11.4.6). Times and dates are local to the charging station."""

    start_time: time | None = None
    end_time: time | None = None
    """Excluded; 00:00 is the end of the day. Before `start_time`: on the next day."""
    start_date: date | None = None
    end_date: date | None = None
    """Excluded."""
    min_wh: Decimal | None = None
    max_wh: Decimal | None = None
    min_seconds: Decimal | None = None
    max_seconds: Decimal | None = None
    days: frozenset[int] = frozenset()
    """0 is Monday; none: every day."""

    @property
    def local(self) -> bool:
        """Whether the charging station's time zone decides."""
        return bool(self.days) or any(
            one is not None for one in (self.start_time, self.end_time, self.start_date, self.end_date)
        )


class Element(msgspec.Struct, frozen=True):
    """Prices, and when they hold."""

    components: tuple[PriceComponent, ...]
    restrictions: Restrictions


class Bound(msgspec.Struct, frozen=True):
    """`min_price` or `max_price` of a whole session."""

    excl: Decimal
    incl: Decimal | None


class Tariff(msgspec.Struct, frozen=True):
    """A tariff. Of several elements that price one dimension the first that holds is used (§11.3.1)."""

    id: str
    currency: str
    elements: tuple[Element, ...]
    min_price: Bound | None = None
    max_price: Bound | None = None

    @property
    def local(self) -> bool:
        """Whether the charging station's time zone decides anything."""
        return any(element.restrictions.local for element in self.elements)


def read_tariff(value: Any, currency: str = "") -> Tariff:
    """Read a tariff as it stands in a CDR or a file. `currency` holds where it names none.

    Raises:
        TariffError: it cannot be applied.

    """
    try:
        return _tariff(Fields(value, "tariff"), currency)
    except RecordError as error:
        raise TariffError(str(error)) from None


def _tariff(fields: Fields, currency: str) -> Tariff:
    elements = [_element(one) for one in fields.objects("elements", _MAX_ELEMENTS)]
    return Tariff(
        fields.text("id"),
        fields.currency("currency") or currency,
        tuple(one for one in elements if one is not None),
        _bound(fields, "min_price"),
        _bound(fields, "max_price"),
    )


def _element(fields: Fields) -> Element | None:
    """One element; None of one that prices reservations, which no charging session is."""
    inner = fields.inner("restrictions")
    if inner is not None and inner.has("reservation"):
        return None
    components = tuple(_component(one) for one in fields.objects("price_components", 20))
    return Element(components, Restrictions() if inner is None else _restrictions(inner))


def _component(fields: Fields) -> PriceComponent:
    name = fields.text("type", needed=True)
    if name not in Dimension.__members__:
        raise fields.error("unknown-dimension", "type", "is no TariffDimensionType of OCPI 2.2.1", "correct it", name)
    price, step = fields.number("price", needed=True), fields.number("step_size")
    if price is None or price < 0:
        raise fields.error("negative-price", "price", "is negative", "correct it")
    if step is not None and (step < 0 or step != step.to_integral_value()):
        raise fields.error("step-size", "step_size", "is no whole number from 1 on", "correct it")
    return PriceComponent(Dimension[name], price, fields.number("vat"), max(1, int(step or 1)))


def _restrictions(fields: Fields) -> Restrictions:
    for name in _UNSEEN:
        if fields.has(name):
            raise TariffError(
                f"{fields.where(name)}: prices by current or power cannot be applied: neither side knows them to the"
                " moment; judge this tariff by energy and time alone"
            )
    least, most = fields.number("min_kwh"), fields.number("max_kwh")
    return Restrictions(
        _clock(fields, "start_time"),
        _clock(fields, "end_time"),
        _day(fields, "start_date"),
        _day(fields, "end_date"),
        None if least is None else least.scaleb(3),
        None if most is None else most.scaleb(3),
        fields.number("min_duration"),
        fields.number("max_duration"),
        _days(fields),
    )


def _clock(fields: Fields, name: str) -> time | None:
    text = fields.text(name)
    if not text:
        return None
    found = _TIME.fullmatch(text)
    if found is None or (found[1] == "24" and found[2] != "00"):
        raise fields.error("unreadable-time", name, "is no time of day", "write hh:mm", text)
    return time(int(found[1]) % 24, int(found[2]))


def _day(fields: Fields, name: str) -> date | None:
    text = fields.text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise fields.error("unreadable-date", name, "is no date", "write yyyy-mm-dd", text) from None


def _days(fields: Fields) -> frozenset[int]:
    raw = fields.raw("day_of_week")
    if raw is None:
        return frozenset()
    if not isinstance(raw, list) or not all(day in _DAYS for day in raw):
        raise fields.error("unknown-day", "day_of_week", "holds a word that is no day", "write MONDAY to SUNDAY")
    return frozenset(_DAYS.index(day) for day in raw)


def _bound(fields: Fields, name: str) -> Bound | None:
    price = fields.inner(name)
    if price is None:
        return None
    excl = price.number("excl_vat", needed=True)
    return None if excl is None else Bound(excl, price.number("incl_vat"))
