"""The energy register of a session over time, out of its stored 2.0.1 messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from diff.store.queries.sessions import MessageLine, Window
from ingest.frame import Micros
from ingest.timestamps import parse_stamp
from shadow.quantities import ENERGY_REGISTER, decimal_of, energy_reading

__all__ = ["EnergyPoint", "energy_points"]


class EnergyPoint(msgspec.Struct, frozen=True):
    """One reading of the total import register."""

    at: Micros
    """On the tap's clock, as near as it can be told."""
    stamped: str
    """The charging station's own timestamp, as it stands in the message."""
    wh: Decimal
    context: str
    message_id: str


def energy_points(messages: Iterable[MessageLine], window: Window) -> list[EnergyPoint]:
    """The register readings of the session's own messages, in the order of sending.

    The two clocks are not compared. A reading that is stamped some time before its message is drawn that much before
    the receipt of the message, which takes only the charging station's clock against itself. Where that leaves the
    window, as with a clock that was set in between, it is drawn at the receipt.
    """
    return [point for message in messages if message.own for point in _points(message, window)]


def _points(message: MessageLine, window: Window) -> Iterator[EnergyPoint]:
    payload = _decode(message.payload)
    values = [value for value in payload.get("meterValue", ()) if isinstance(value, dict)]
    stamps = [parse_stamp(str(value.get("timestamp", ""))).at for value in values]
    own = parse_stamp(str(payload.get("timestamp", ""))).at or max((at for at in stamps if at), default=None)
    for value, stamp in zip(values, stamps, strict=True):
        at = message.at if own is None or stamp is None else message.at - own + stamp
        at = at if window.since <= at <= message.at else message.at
        for sample in value.get("sampledValue", ()):
            wh = _register(sample)
            if wh is not None:
                context = str(sample.get("context", "Sample.Periodic"))
                yield EnergyPoint(at, str(value.get("timestamp", "")), wh, context, message.message_id)


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
_decode: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
