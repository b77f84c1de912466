"""What meter values tell of the device model: what is measured at a connector, how, and the largest of three values.

Meter values are most of what a fleet says. They repeat their shape from message to message (the measurands with their
phases, units, locations and contexts), so a shape that is known is passed over.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from zlib import crc32

from shadow.device_model.fact import Source
from shadow.device_model.memory import ConnectorMemory
from shadow.quantities import ENERGY_REGISTER, decimal_of
from shadow.station.fields import objects
from shadow.station.observed import connector_memory
from shadow.station.outbox import Outbox
from shadow.station.samples import CONTEXTS, LOCATIONS, PHASES
from shadow.station.tables import LOST_MEASURANDS, MEASURANDS, UNITS

__all__ = ["watch"]

_MAX_SHAPES: Final = 16
_KNOWN: Final = MEASURANDS | LOST_MEASURANDS
"""Others are named where the message is lived; so are phases, locations and contexts that 1.6 has not."""
_WATCHED: Final = ("Power.Active.Import", "Power.Offered", "Current.Offered")
_POWER: Final = {None: 0, "W": 0, "kW": 3}
"""Powers of ten. Apparent power (VA) is another quantity."""
_LARGEST_CURRENT: Final = Decimal(10_000)
"""Amperes: three times what the Megawatt Charging System has. Above it is no current of a charging station."""
_RISE: Final = Decimal("1.05")
_ROWS: Final = (("phases", PHASES), ("location", LOCATIONS), ("context", CONTEXTS))
_LONGEST_UNIT: Final = 20


def watch(out: Outbox, number: int, elements: list[dict[str, Any]]) -> None:
    """Learn from the meterValue elements of one message."""
    memory = connector_memory(out, number)
    if memory is None:
        return
    changed: dict[str, list[str]] = {}
    largest: dict[str, Decimal] = {}
    for element in elements:
        raws = objects(element.get("sampledValue"))
        words = _words_of(raws)
        shape = crc32(words.encode("utf-8", "surrogatepass"))
        if shape not in memory.shapes:
            memory.shapes.append(shape)
            del memory.shapes[:-_MAX_SHAPES]
            _learn(memory, raws, changed)
        if "Power.Active.Import" in words or ".Offered" in words:
            _compare(out, raws, largest)
    if changed:
        _tell(out, number, changed)
    if largest:
        _rise(out, number, memory, largest)


def _words_of(raws: list[dict[str, Any]]) -> str:
    """All that makes the shape of an element."""
    words: list[str] = []
    for raw in raws:
        get = raw.get
        words += (get("measurand", ""), get("phase", ""), get("unit", ""), get("location", ""), get("context", ""))
    try:
        return "\n".join(words)
    except TypeError:  # one is no text, which `schema.v16` names
        return "\n".join(map(str, words))


def _learn(memory: ConnectorMemory, raws: list[dict[str, Any]], changed: dict[str, list[str]]) -> None:
    """Add what a new shape has to what is known of its measurands, and note those that it changes."""
    for raw in raws:
        measurand = raw.get("measurand", ENERGY_REGISTER)
        if not isinstance(measurand, str) or measurand not in _KNOWN:
            continue
        before = memory.measured.get(measurand, [])
        now = [_unit(measurand, raw.get("unit")), *sorted({*before[1:], *_words(raw)})]
        if now != before:
            memory.measured[measurand] = changed[measurand] = now


def _tell(out: Outbox, number: int, changed: dict[str, list[str]]) -> None:
    for measurand, (unit, *words) in changed.items():
        found = {name: ",".join(word for word in words if word in allowed) for name, allowed in _ROWS}
        detail = {name: shown for name, shown in found.items() if shown}
        out.fact(Source.METER, measurand, unit, number, detail, accrued=True)


def _words(raw: dict[str, Any]) -> set[str]:
    """Phase, location and context; what is left out is what 1.6 §7.43 takes it for."""
    given = (raw.get("phase"), raw.get("location", "Outlet"), raw.get("context", "Sample.Periodic"))
    rows = zip(given, (PHASES, LOCATIONS, CONTEXTS), strict=True)
    return {word for word, allowed in rows if isinstance(word, str) and word in allowed}


def _unit(measurand: str, given: object) -> str:
    """The unit as sent, or the one that is meant where none is."""
    if isinstance(given, str) and given:
        return given[:_LONGEST_UNIT]
    return next((units[0] for prefix, units in UNITS.items() if measurand.startswith(prefix)), "")


def _compare(out: Outbox, raws: list[dict[str, Any]], largest: dict[str, Decimal]) -> None:
    for raw in raws:
        measurand = raw.get("measurand")
        if measurand in _WATCHED:
            value = _in_base_unit(out, measurand, raw)
            if value is not None and value > largest.get(measurand, 0):
                largest[measurand] = value


def _rise(out: Outbox, number: int, memory: ConnectorMemory, largest: dict[str, Decimal]) -> None:
    """Tell the largest values of a message, where they are clearly larger than what was told."""
    for measurand, value in largest.items():
        told = memory.largest.get(measurand)
        if told is None or value >= told * _RISE:
            memory.largest[measurand] = value
            out.fact(Source.METER, f"max:{measurand}", f"{value:f}", number, accrued=True)


def _in_base_unit(out: Outbox, measurand: str, raw: dict[str, Any]) -> Decimal | None:
    """A plausible value in W or A; None where it is none, or of one phase of a power."""
    value = decimal_of(raw.get("value"))
    unit = raw.get("unit")
    if value is None or raw.get("format") == "SignedData" or not (unit is None or isinstance(unit, str)):
        return None
    if measurand == "Current.Offered":
        return value if unit in (None, "A") and value <= _LARGEST_CURRENT else None
    scale = _POWER.get(unit)
    if scale is None or raw.get("phase") is not None:
        return None
    watts = value.scaleb(scale)
    return watts if watts <= out.config.largest_power_w else None
