"""The device model predicted from 1.6 beside the one that the new firmware reports: where they differ. Pure.

Variables that 1.6 has no way to tell are no difference: they are counted apart, as what is new. What changes from
minute to minute (states, clocks, how full a store is) is compared by its presence and type, not by its value.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from shadow.device_model import standard, values
from shadow.device_model.address import Address
from shadow.device_model.model import Attribute, Certainty, DeviceModel, VariableEntry
from shadow.quantities import decimal_of

__all__ = ["Comparison", "Difference", "Kind", "compare"]

_PASSING: Final = frozenset(
    {
        ("chargingstation", "availabilitystate"),
        ("clockctrlr", "datetime"),
        ("connector", "availabilitystate"),
        ("evse", "availabilitystate"),
        ("localauthlistctrlr", "entries"),
        ("securityctrlr", "certificateentries"),
        ("smartchargingctrlr", "entries"),
    }
)
"""Component and variable in lower case: their values are of the moment."""
_RENEWED: Final = frozenset({("controller", "firmwareversion")})
"""What a new firmware is meant to change."""
_OF_ONE: Final = frozenset({"serialnumber", "iccid", "imsi", "identity", "publickey"})
"""Variables that name one station: of two of one model they differ."""


_POWERS: Final = {"kW": 3, "kWh": 3}
"""Powers of ten of units that stand for the same quantity."""


class Kind(StrEnum):
    """How a variable differs."""

    MISSING = "missing"
    """Predicted and not reported."""
    EXTRA = "extra"
    """Reported and not predicted, though the station could have told it on 1.6, or the standard does not know it."""
    CHANGED = "changed"
    """Another value, or another limit."""
    WRONG_TYPE = "wrong-type"
    """Another data type or unit than the standard's, or than predicted, or a value that its type does not allow."""
    MUTABILITY = "mutability"
    """It can be set where it could not, or the reverse."""


class Difference(msgspec.Struct, frozen=True):
    """One variable that is not as predicted."""

    kind: Kind
    address: str
    predicted: str | None
    reported: str | None
    certainty: Certainty | None
    """Of the prediction. What was only assumed proves nothing against the firmware."""
    origin: str
    """What the prediction came from."""
    detail: str = ""


class Comparison(msgspec.Struct, frozen=True):
    """Two models of one station, or of two of one model."""

    predicted_of: str
    reported_by: str
    compared: int
    """Variables that both have: the denominator."""
    differences: tuple[Difference, ...]
    """Where the prediction was observed or derived, in the order of addresses."""
    assumptions: tuple[Difference, ...] = ()
    """Where it was only assumed."""
    new: tuple[str, ...] = ()
    """Variables of the standard that 1.6 has no way to tell."""
    unasked: bool = False
    """The report was not whole: nothing is said to be missing."""


def compare(predicted: DeviceModel, reported: DeviceModel, tellable: frozenset[Address]) -> Comparison:
    """Hold the reported model against the predicted one.

    `tellable`: the variables that a key or message of 1.6 can tell, without EVSE and connector, as `Address.key`.
    """
    found: list[Difference] = []
    new: list[str] = []
    compared = 0
    for key in {**predicted.entries, **reported.entries}:
        ours, theirs = predicted.entries.get(key), reported.entries.get(key)
        if ours is not None and theirs is not None:
            compared += 1
            other = predicted.charger_id != reported.charger_id and key.variable in _OF_ONE
            found += () if other else _differences(ours, theirs)
        elif ours is not None:
            if reported.asked_all and _is_due(ours):
                found.append(_difference(Kind.MISSING, ours, _shown(ours), None))
        elif theirs is not None:
            if theirs.standard and _untiered(key) not in tellable:
                new.append(str(theirs.address))
            elif predicted.asked_all or not theirs.standard:
                note = "" if theirs.standard else "the standard does not know this variable"
                found.append(_extra(theirs, note))
    found.sort(key=lambda one: (one.address, one.kind))
    return Comparison(
        predicted.charger_id,
        reported.charger_id,
        compared,
        tuple(one for one in found if one.certainty is not Certainty.ASSUMED),
        tuple(one for one in found if one.certainty is Certainty.ASSUMED),
        tuple(sorted(new)),
        unasked=not reported.asked_all,
    )


def _untiered(key: Address) -> Address:
    return msgspec.structs.replace(key, evse_id=None, connector_id=None)


def _is_due(entry: VariableEntry) -> bool:
    """Whether a report without it lacks something: what a setting of 1.6 was, or what the standard requires."""
    known = standard.find(entry.address) if entry.standard else None
    origin = entry.limit_origin if entry.actual is None else entry.actual.origin
    return known is not None and (origin.startswith("key ") or bool(known.required_by() and not known.condition))


def _differences(ours: VariableEntry, theirs: VariableEntry) -> list[Difference]:
    found = []
    if not _is_typed_alike(ours, theirs):
        expected, told = _typed(ours), _typed(theirs)
        found.append(_difference(Kind.WRONG_TYPE, ours, expected, told))
    elif theirs.flaws:
        found.append(_difference(Kind.WRONG_TYPE, ours, _shown(ours), _shown(theirs), theirs.flaws[0]))
    elif _is_changed(ours, theirs):
        found.append(_difference(Kind.CHANGED, ours, _shown(ours), _shown(theirs)))
    limit = _limit_change(ours, theirs)
    if limit is not None:
        found.append(limit)
    if ours.mutability != theirs.mutability and _is_told_by_key(ours):
        found.append(_difference(Kind.MUTABILITY, ours, ours.mutability, theirs.mutability))
    return found


def _is_typed_alike(ours: VariableEntry, theirs: VariableEntry) -> bool:
    """The standard's documents disagree on some types, and allow some variables several units: any of them will do."""
    known = standard.find(ours.address) if ours.standard else None
    types, units = {ours.data_type}, {ours.unit}
    if known is not None:
        types |= {known.data_type.value, known.part2_type}
        units |= {unit.strip() for unit in (known.unit or "").split(",")}
    return theirs.data_type in types and (ours.unit is None or theirs.unit is None or theirs.unit in units)


def _is_told_by_key(entry: VariableEntry) -> bool:
    """Only a key says whether it can be set."""
    return entry.actual is not None and entry.actual.origin.startswith("key ")


def _is_changed(ours: VariableEntry, theirs: VariableEntry) -> bool:
    key = ours.address.key
    name = (key.component, key.variable)
    if name in _PASSING or name in _RENEWED or ours.actual is None or theirs.actual is None:
        return False
    if ours.actual.text is None or theirs.actual.text is None:
        return False
    return not values.equal(ours.data_type, ours.actual.text, theirs.actual.text)


def _limit_change(ours: VariableEntry, theirs: VariableEntry) -> Difference | None:
    """A maxLimit that a key told has to be the same; one that meter values showed has to be reached."""
    mine, other = _limit(ours), _limit(theirs)
    if mine is None or other is None or mine == other:
        return None
    if ours.limit_origin.startswith("the largest") and other > mine:
        return None
    shown = ours.max_limit, theirs.max_limit
    certainty = Certainty.DERIVED if ours.limit_origin.startswith("the largest") else Certainty.OBSERVED
    return Difference(
        Kind.CHANGED, str(ours.address), shown[0], shown[1], certainty, ours.limit_origin, "the limit, not the value"
    )


def _limit(entry: VariableEntry) -> Decimal | None:
    limit = decimal_of(entry.max_limit)
    return limit if limit is None else limit.scaleb(_POWERS.get(entry.unit or "", 0))


def _typed(entry: VariableEntry) -> str:
    return entry.data_type if entry.unit is None else f"{entry.data_type} in {entry.unit}"


def _shown(entry: VariableEntry) -> str | None:
    value = entry.values.get(Attribute.ACTUAL)
    return None if value is None else value.text


def _difference(
    kind: Kind, ours: VariableEntry, predicted: str | None, reported: str | None, detail: str = ""
) -> Difference:
    actual = ours.actual
    certainty, origin = (Certainty.OBSERVED, ours.limit_origin) if actual is None else (actual.certainty, actual.origin)
    return Difference(kind, str(ours.address), predicted, reported, certainty, origin, detail)


def _extra(theirs: VariableEntry, detail: str) -> Difference:
    return Difference(Kind.EXTRA, str(theirs.address), None, _shown(theirs), None, "", detail)
