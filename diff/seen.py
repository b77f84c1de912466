"""What a sample of frames covers: the fields of both versions, the weight on the wire, the variables of 2.0.1. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import msgspec

from ingest.frame import Frame
from shadow.config import DEFAULT, ShadowConfig
from shadow.device_model.address import Address
from shadow.device_model.fact import Fact
from shadow.device_model.inventory import build
from shadow.device_model.model import Certainty
from shadow.device_model.standard import STANDARD, find
from shadow.mapping.coverage import Row, rows16, rows201
from shadow.native.coverage import checked_fields
from shadow.tally import FieldTally
from shadow.weight import Account, Scales

__all__ = ["Sampled", "SeenVariable", "Weighed", "all_fields", "sampled", "variables_of", "weigh"]


class Sampled(msgspec.Struct, frozen=True):
    """What the frames of a sample hold."""

    rows: list[Row]
    """Every field of both versions, with the number of messages of the sample that hold it."""
    unnamed: list[tuple[str, str, str]]
    """Action, part and field of what no official schema has."""
    messages: int
    """Messages whose fields were counted: the denominator."""
    chargers: int
    frames: int


class Weighed(msgspec.Struct, frozen=True):
    """What the frames of a sample weigh."""

    chargers: int
    frames: int
    weight: Account


class SeenVariable(msgspec.Struct, frozen=True):
    """One variable of 2.0.1 over some charging stations."""

    component: str
    variable: str
    stations: int
    """Charging stations whose model has it."""
    observed: int
    """Of those, how many where its value stood on the wire."""
    derived: int
    assumed: int
    flawed: int
    """How many have a value that the standard does not allow."""
    standard: bool
    required: bool
    """Some document of the standard calls it required, perhaps on a condition."""


@cache
def all_fields() -> tuple[Row, ...]:
    """Every field of 1.6 and what becomes of it, and every field of 2.0.1 and which rules look at it."""
    return (*rows16(), *rows201(checked_fields()))


def sampled(frames: Mapping[str, Sequence[Frame]], config: ShadowConfig = DEFAULT) -> Sampled:
    """Live the frames of a sample, by charging station, and count what they hold."""
    tally = FieldTally(config)
    _live(tally, frames)
    rows = list(all_fields())
    return Sampled(
        tally.counted(rows), tally.unnamed(rows), tally.messages, len(frames), sum(len(own) for own in frames.values())
    )


def weigh(frames: Mapping[str, Sequence[Frame]], config: ShadowConfig = DEFAULT) -> Weighed:
    """Live the frames of a sample, by charging station, and weigh them beside the 2.0.1 that comes of them."""
    scales = Scales(config)
    _live(scales, frames)
    return Weighed(len(frames), sum(len(own) for own in frames.values()), scales.account())


def _live(counter: FieldTally | Scales, frames: Mapping[str, Sequence[Frame]]) -> None:
    for charger_id, own in frames.items():
        for frame in own:
            counter.feed(frame)
        counter.forget(charger_id)
    counter.end()


def variables_of(facts: Mapping[str, Iterable[Fact]], config: ShadowConfig = DEFAULT) -> list[SeenVariable]:
    """Every variable that the stations' models have, and those of the standard that none has; by name."""
    counts: dict[Address, Counter[str]] = {}
    names: dict[Address, tuple[str, str]] = {}
    for charger_id, own in facts.items():
        seen: dict[Address, set[str]] = {}
        for entry in build(charger_id, own, config).entries.values():
            address = Address(entry.address.component, entry.address.variable)
            names.setdefault(address.key, (address.component, address.variable))
            value = entry.actual
            marks = seen.setdefault(address.key, set())
            marks.add(Certainty.ASSUMED.value if value is None else value.certainty.value)
            if entry.flaws:
                marks.add("flawed")
        for key, marks in seen.items():
            counts.setdefault(key, Counter()).update((*_surest(marks), *(marks & {"flawed"}), "stations"))
    for one in STANDARD.values():
        address = Address(one.component, one.name)
        names.setdefault(address.key, (address.component, address.variable))
    return [_variable(*names[key], counts.get(key, Counter())) for key in sorted(names, key=str)]


def _surest(marks: set[str]) -> tuple[str, ...]:
    """Of a variable that several EVSEs have, the surest value tells."""
    return next(((one.value,) for one in Certainty if one.value in marks), ())


def _variable(component: str, variable: str, counts: Counter[str]) -> SeenVariable:
    known = find(Address(component, variable))
    same = [one for one in STANDARD.values() if (one.component, one.name) == (component, variable)]
    return SeenVariable(
        component,
        variable,
        counts["stations"],
        counts[Certainty.OBSERVED.value],
        counts[Certainty.DERIVED.value],
        counts[Certainty.ASSUMED.value],
        counts["flawed"],
        known is not None or bool(same),
        any(one.required_by() for one in same) or (known is not None and bool(known.required_by())),
    )
