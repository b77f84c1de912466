"""What a configuration key of 1.6 and its value say of the variables of the 2.0.1 device model. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from shadow.device_model.address import Address
from shadow.mapping.keys import Key, Variable, Way
from shadow.station.fields import integer
from shadow.topology import Place

__all__ = ["PlaceOf", "Statement", "addresses", "report_addresses", "statements"]

_MAX_CONNECTORS: Final = 64
_NO_ROTATION: Final = frozenset({"notapplicable", "unknown"})
"""Both are the empty string in 2.0.1 (Part 2 §2.13.5)."""

PlaceOf = Callable[[int], Place]


class Statement(msgspec.Struct, frozen=True):
    """What a key says of one variable."""

    address: Address
    value: str | None = None
    """Of its Actual attribute."""
    limit: int | Decimal | None = None
    """Its maxLimit."""
    least: int | Decimal | None = None
    """Its minLimit."""


def addresses(key: Key, place: PlaceOf) -> list[Address]:
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


def statements(key: Key, value: str, others: Mapping[str, str], place: PlaceOf) -> tuple[list[Statement], bool]:
    """What the value of a key says, and whether that is all of it.

    `others` are the values told beside it, by key in lower case: some variables hang on two keys.
    """
    match key.way:
        case Way.LIMIT:
            limit = integer({"": value}, "")
            return [Statement(_address(key.variables[0]), limit=limit)], limit is not None
        case Way.FEATURES:
            listed = {item.strip().lower() for item in value.split(",")}
            return [Statement(_address(one), str(one.feature in listed).lower()) for one in key.variables], True
        case Way.CONNECTORS:
            return _connectors(key, value, place)
        case Way.PHASES:
            return _phases(key, value, place)
        case _:
            told = list(_attributes(key, value, others, place))
            return told, True


def _attributes(key: Key, value: str, others: Mapping[str, str], place: PlaceOf) -> Iterator[Statement]:
    evse_id = None if key.connector is None else place(key.connector).evse_id
    plain = _normal(key, value)
    for variable in key.variables:
        silent = bool(variable.silent_without) and others.get(variable.silent_without.lower()) == ""
        yield Statement(_address(variable, evse_id), "0" if silent else plain)


def _normal(key: Key, value: str) -> str:
    """Booleans in lower case, as 2.0.1 writes them, and words of a list that have other names."""
    if key.data_type == "boolean" and value.strip().lower() in ("true", "false"):
        return value.strip().lower()
    if key.words:
        return ",".join(key.words.get(item.strip().lower(), item.strip()) for item in value.split(","))
    return value


def _connectors(key: Key, value: str, place: PlaceOf) -> tuple[list[Statement], bool]:
    count = integer({"": value}, "")
    if count is None or not 0 <= count <= _MAX_CONNECTORS:
        return [], False
    evse, connector = key.variables
    places = [place(number) for number in range(1, count + 1)]
    found = {_address(evse, one.evse_id): None for one in places}
    found |= {_address(connector, one.evse_id, one.connector_id): None for one in places}
    return [Statement(address, "true") for address in found], True


def _phases(key: Key, value: str, place: PlaceOf) -> tuple[list[Statement], bool]:
    """`0.RST,1.RST,2.RTS` (1.6 §9.1.7): 0 is the station, the others are its connectors; the first word on each."""
    station, connector = key.variables
    found: dict[Address, Statement] = {}
    whole = True
    for item in value.split(","):
        number, dot, rotation = item.strip().partition(".")
        if not (dot and number.isascii() and number.isdigit() and int(number[:4]) <= _MAX_CONNECTORS):
            whole = whole and not item.strip()
            continue
        one = place(int(number)) if int(number) else None
        address = _address(station) if one is None else _address(connector, one.evse_id, one.connector_id)
        turned = "" if rotation.lower() in _NO_ROTATION else rotation
        whole = whole and found.setdefault(address, Statement(address, turned)).value == turned
    return list(found.values()), whole
