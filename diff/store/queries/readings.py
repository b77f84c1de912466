"""The energy register of a session over time, out of its stored 2.0.1 messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import msgspec

from diff.store.queries.sessions import MessageLine, Window
from ingest.frame import Micros
from ingest.timestamps import parse_stamp
from shadow.quantities import ENERGY_REGISTER, decimal_of, energy_reading

__all__ = ["EnergyPoint", "PowerPoint", "energy_points", "power_points"]


class EnergyPoint(msgspec.Struct, frozen=True):
    """One reading of the total import register."""

    at: Micros
    """On the tap's clock, as near as it can be told."""
    stamped: str
    """The charging station's own timestamp, as it stands in the message."""
    wh: Decimal
    context: str
    message_id: str


class PowerPoint(msgspec.Struct, frozen=True):
    """One value of the active power that was imported."""

    at: Micros
    """On the tap's clock; of a mean the end of its stretch."""
    watts: Decimal
    measured: bool
    """The station measured it; else it is the mean between two readings of the register."""
    message_id: str


def energy_points(messages: Iterable[MessageLine], window: Window) -> list[EnergyPoint]:
    """The register readings of the session's own messages, in the order of sending.

    The two clocks are not compared. A reading that is stamped some time before its message is drawn that much before
    the receipt of the message, which takes only the charging station's clock against itself. Where that leaves the
    window, as with a clock that was set in between, it is drawn at the receipt.
    """
    return [point for message in messages if message.own for point in _points(message, window)]


def power_points(messages: Sequence[MessageLine], window: Window) -> list[PowerPoint]:
    """The power of the session's own messages; where the station measured none, the means between register readings."""
    own = [message for message in messages if message.own]
    measured = [
        PowerPoint(at, watts, measured=True, message_id=message.message_id)
        for message in own
        for at, _, sample in _samples(message, window)
        if (watts := _power(sample)) is not None
    ]
    return measured or list(_means(sorted(energy_points(own, window), key=lambda point: point.at)))


def _means(points: Sequence[EnergyPoint]) -> Iterator[PowerPoint]:
    for before, after in pairwise(points):
        span = after.at - before.at
        if span >= _SHORTEST_MEAN and after.wh >= before.wh:
            watts = ((after.wh - before.wh) * _MICROS_AN_HOUR / span).quantize(Decimal(1))
            yield PowerPoint(after.at, watts, measured=False, message_id=after.message_id)


def _points(message: MessageLine, window: Window) -> Iterator[EnergyPoint]:
    for at, stamped, sample in _samples(message, window):
        wh = _register(sample)
        if wh is not None:
            context = str(sample.get("context", "Sample.Periodic"))
            yield EnergyPoint(at, stamped, wh, context, message.message_id)


def _samples(message: MessageLine, window: Window) -> Iterator[tuple[Micros, str, dict[str, Any]]]:
    """Every sample with its time on the tap's clock and the station's stamp."""
    payload = _decode(message.payload)
    values = [value for value in payload.get("meterValue", ()) if isinstance(value, dict)]
    stamps = [parse_stamp(str(value.get("timestamp", ""))).at for value in values]
    own = parse_stamp(str(payload.get("timestamp", ""))).at or max((at for at in stamps if at), default=None)
    for value, stamp in zip(values, stamps, strict=True):
        at = message.at if own is None or stamp is None else message.at - own + stamp
        at = at if window.since <= at <= message.at else message.at
        for sample in value.get("sampledValue", ()):
            yield at, str(value.get("timestamp", "")), sample


def _power(sample: dict[str, Any]) -> Decimal | None:
    """The active power of all phases together in W (SampledValueType: kW has its own unit, or a multiplier)."""
    if sample.get("measurand") != "Power.Active.Import" or "phase" in sample:
        return None
    unit = sample.get("unitOfMeasure", {})
    value, multiplier = decimal_of(sample.get("value")), unit.get("multiplier", 0)
    name = unit.get("unit", "W")
    if value is None or name not in _WATTS or abs(multiplier) > _LARGEST_EXPONENT:
        return None
    return value.scaleb(multiplier + _WATTS[name])


def _register(sample: dict[str, Any]) -> Decimal | None:
    """The total, phase-less import register in Wh (2.0.1 SampledValueType: absent measurand is that register)."""
    if sample.get("measurand", ENERGY_REGISTER) != ENERGY_REGISTER or "phase" in sample:
        return None
    unit = sample.get("unitOfMeasure", {})
    value = decimal_of(sample.get("value"))
    reading = None if value is None else energy_reading(value, unit.get("unit"))
    multiplier = unit.get("multiplier", 0)
    return None if reading is None or abs(multiplier) > _LARGEST_EXPONENT else reading.wh.scaleb(multiplier)


_LARGEST_EXPONENT: Final = 12
_WATTS: Final = {"W": 0, "kW": 3}
_MICROS_AN_HOUR: Final = 3_600_000_000
_SHORTEST_MEAN: Final[Micros] = 1_000_000
"""Between readings nearer to each other a mean is mostly rounding."""
_decode: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
