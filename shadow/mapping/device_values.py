"""What a configuration key of 1.6 and its value say of the variables of the 2.0.1 device model. Pure.

Every statement knows how sure it is, what of the key's value it does not say, and why its value is none that the
standard allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ingest.sensitive import Kind, classify
from shadow.device_model import values
from shadow.device_model.address import Address
from shadow.device_model.model import Certainty, KeyFate
from shadow.device_model.standard import find
from shadow.mapping.key import LEGACY_COMPONENT, Key, Relation, Variable, Way
from shadow.mapping.measurand_lists import measurand_list
from shadow.station.fields import integer
from shadow.topology import Place

__all__ = ["Statement", "addresses", "fate", "presence", "report_addresses", "statements"]

_MAX_CONNECTORS: Final = 64
_NO_ROTATION: Final = frozenset({"notapplicable", "unknown"})
"""Both are the empty string in 2.0.1 (Part 2 §2.13.5)."""

_Place = Callable[[int], Place]


class Statement(msgspec.Struct, frozen=True):
    """What a key says of one variable."""

    address: Address
    value: str | None = None
    """Of its Actual attribute."""
    limit: int | None = None
    """Its maxLimit."""
    certainty: Certainty = Certainty.OBSERVED
    caveats: tuple[str, ...] = ()
    """What of the key's value it does not say, or what it rests on, in words."""
    flaws: tuple[str, ...] = ()
    """Why the value is not one that the standard allows, in words."""


def addresses(key: Key, place: _Place) -> list[Address]:
    """The variables whose Actual attribute holds the key; none where only a report tells it."""
    if key.way not in (Way.ATTRIBUTE, Way.FEATURES):
        return []
    evse_id = None if key.connector is None else place(key.connector).evse_id
    return [_address(variable, evse_id) for variable in key.variables]


def report_addresses(key: Key) -> list[Address]:
    """What to ask a report for, where only a report tells the key: a component without an EVSE stands for each."""
    return [] if key.way in (Way.ATTRIBUTE, Way.FEATURES) else [_address(variable) for variable in key.variables]


def _address(variable: Variable, evse_id: int | None = None, connector_id: int | None = None) -> Address:
    return Address(variable.component, variable.name, variable.instance, evse_id, connector_id)


def fate(key: Key, *, whole: bool) -> KeyFate:
    """What became of a key with the value it has: `whole` as `statements` says it."""
    return KeyFate.LOSSY if key.fate is KeyFate.MAPPED and not whole else key.fate


def presence(key: Key, *, known: bool) -> list[Statement]:
    """What it shows that a station knows a key, or does not: Available of the controller that the key is about.

    SupportedFeatureProfiles says it of its own for three of them; what it says stands over what this shows.
    """
    if not key.shows or not (known or key.missed):
        return []
    rests_on = f"{'has' if known else 'has no'} {key.name}"
    address = Address(key.shows, "Available")
    return [Statement(address, str(known).lower(), certainty=Certainty.DERIVED, caveats=(f"the station {rests_on}",))]


def statements(key: Key, value: str, others: Mapping[str, str], place: _Place) -> tuple[list[Statement], bool]:
    """What the value of a key says, and whether that is all of it.

    `others` are the values told beside it, by key in lower case: some variables hang on two keys. A key that the
    station is known not to have may stand there as the empty text.
    """
    match key.way:
        case Way.LIMIT:
            limit = integer({"": value}, "")
            return [Statement(_address(key.variables[0]), limit=limit)], limit is not None
        case Way.FEATURES:
            return _features(key, value), True
        case Way.CONNECTORS:
            return _connectors(key, value, place)
        case Way.PHASES:
            return _phases(key, value, place)
        case _:
            return _attributes(key, value, others, place)


def _attributes(key: Key, value: str, others: Mapping[str, str], place: _Place) -> tuple[list[Statement], bool]:
    evse_id = None if key.connector is None else place(key.connector).evse_id
    plain, left_out = _normal(key, value)
    certainty = Certainty.DERIVED if left_out or key.relation is Relation.NEAR else Certainty.OBSERVED
    found = []
    for variable in key.variables:
        one = Statement(_address(variable, evse_id), plain, certainty=certainty, caveats=left_out)
        if variable.silent_without:
            one = _mirrored(one, variable.silent_without, others)
        found.append(msgspec.structs.replace(one, flaws=_flaws(key, one)))
    return found, not left_out


def _mirrored(told: Statement, listing: str, others: Mapping[str, str]) -> Statement:
    """The interval of the values in StopTransaction: 1.6 sends none of them where their list is empty."""
    listed = others.get(listing.lower())
    value = told.value
    if listed is None:
        rests_on = f"what {listing} lists was not told beside it"
    elif listed.strip():
        rests_on = f"{listing} lists measurands"
    else:
        value, rests_on = "0", f"{listing} is empty"
    return Statement(told.address, value, certainty=Certainty.DERIVED, caveats=(rests_on,))


def _normal(key: Key, value: str) -> tuple[str, tuple[str, ...]]:
    """Its value as 2.0.1 writes it, and what is left out of it."""
    if key.measurands:
        return measurand_list(value)
    if key.data_type == "boolean":
        return values.normal(key.data_type, value), ()
    if key.words:
        return ",".join(key.words.get(item.strip().lower(), item.strip()) for item in value.split(",")), ()
    return value, ()


def _flaws(key: Key, told: Statement) -> tuple[str, ...]:
    # What stands for a secret is what redaction left of it. On the legacy component the standard knows no variable,
    # though a generic one may have the key's name.
    if classify(key.name) is not Kind.PLAIN or told.address.component == LEGACY_COMPONENT:
        return ()
    variable = find(told.address)
    return () if variable is None or told.value is None else values.flaws(variable, told.value)


def _features(key: Key, value: str) -> list[Statement]:
    # "Smart Charging" and "SmartCharging" are one: stations write both.
    listed = {"".join(item.split()).lower() for item in value.split(",")}
    return [
        Statement(_address(one), str(one.feature in listed).lower(), certainty=Certainty.DERIVED)
        for one in key.variables
    ]


def _connectors(key: Key, value: str, place: _Place) -> tuple[list[Statement], bool]:
    count = integer({"": value}, "")
    if count is None or not 0 <= count <= _MAX_CONNECTORS:
        return [], False
    evse, connector = key.variables
    places = [place(number) for number in range(1, count + 1)]
    found = {_address(evse, one.evse_id): None for one in places}
    found |= {_address(connector, one.evse_id, one.connector_id): None for one in places}
    return [Statement(address, "true", certainty=Certainty.DERIVED) for address in found], True


def _phases(key: Key, value: str, place: _Place) -> tuple[list[Statement], bool]:
    """`0.RST,1.RST,2.RTS` (1.6 §9.1.7): 0 is the station, the others are its connectors; the first word on each."""
    found: dict[Address, Statement] = {}
    whole = True
    for item in value.split(","):
        read = _phase(key, item, place)
        if read is None:
            whole = whole and not item.strip()
            continue
        whole = whole and found.setdefault(read.address, read).value == read.value
    return list(found.values()), whole


def _phase(key: Key, item: str, place: _Place) -> Statement | None:
    station, connector = key.variables
    number, dot, rotation = item.strip().partition(".")
    if not (dot and number.isascii() and number.isdigit() and int(number[:4]) <= _MAX_CONNECTORS):
        return None
    one = place(int(number)) if int(number) else None
    address = _address(station) if one is None else _address(connector, one.evse_id, one.connector_id)
    if rotation.lower() not in _NO_ROTATION:
        return Statement(address, rotation)
    return Statement(address, "", caveats=(f"{rotation} is the empty value in 2.0.1",))
