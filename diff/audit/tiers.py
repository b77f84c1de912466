"""The three-tier model of a charging station (2.0.1 Part 1 §7): which components stand where, and how sure they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from diff.audit.required import Applies, Requirement, State
from shadow.device_model.address import Address
from shadow.device_model.model import DeviceModel

__all__ = ["ComponentCount", "ConnectorTier", "EvseTier", "Tiers", "tiers"]


class ComponentCount(msgspec.Struct, frozen=True):
    """One component at its tier, and its variables by how sure their Actual value is."""

    name: str
    """With its instance in brackets."""
    observed: int = 0
    derived: int = 0
    assumed: int = 0
    unset: int = 0
    """Variables of which only a limit, a target or the existence is known."""
    missing: int = 0
    """Required variables that are not among them."""
    flawed: int = 0
    """Variables whose value the standard does not allow; they are among the others."""


class ConnectorTier(msgspec.Struct, frozen=True):
    """A connector of an EVSE, and the components at it."""

    connector_id: int
    components: tuple[ComponentCount, ...]


class EvseTier(msgspec.Struct, frozen=True):
    """An EVSE, the components at it, and its connectors."""

    evse_id: int
    components: tuple[ComponentCount, ...]
    connectors: tuple[ConnectorTier, ...]


class Tiers(msgspec.Struct, frozen=True):
    """The station with all that stands below it."""

    components: tuple[ComponentCount, ...] = ()
    """Of the station as a whole."""
    evses: tuple[EvseTier, ...] = ()


def tiers(model: DeviceModel, required: Iterable[Requirement] = ()) -> Tiers:
    """Put every variable of a device model under its component and tier, in the order of names and numbers.

    `required`: what is missing of these, where they apply, is counted where it ought to be.
    """
    places: defaultdict[_Place, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    spelt: dict[tuple[str, str | None], str] = {}
    where: defaultdict[str, set[_Place]] = defaultdict(set)
    for key, entry in model.entries.items():
        address, place = entry.address, (key.evse_id, key.connector_id)
        instance = address.component_instance
        plain = address.component if instance is None else f"{address.component}[{instance}]"
        name = spelt.setdefault((key.component, key.component_instance), plain)
        numbers = places[place][name]
        numbers["unset" if entry.actual is None else entry.actual.certainty.value] += 1
        numbers["flawed"] += bool(entry.flaws)
        where[key.component].add(place)
    for one in required:
        if one.applies is not Applies.YES or one.state is not State.MISSING:
            continue
        wanted = Address(one.component, one.variable, one.instance).key
        for place in where.get(wanted.component) or {(None, None)}:
            there = model.entries.get(replace(wanted, evse_id=place[0], connector_id=place[1]))
            if there is None or (there.actual is None and there.max_limit is None):
                places[place][spelt.get((wanted.component, None), one.component)]["missing"] += 1
    return _tiers({place: _components(found) for place, found in places.items()})


_Place = tuple[int | None, int | None]
"""EVSE and connector, None where it is not below one."""


def _tiers(places: Mapping[_Place, tuple[ComponentCount, ...]]) -> Tiers:
    below: dict[int, set[int]] = {}
    for evse_id, connector_id in places:
        if evse_id is not None:
            below.setdefault(evse_id, set()).update(() if connector_id is None else (connector_id,))
    return Tiers(
        places.get((None, None), ()),
        tuple(
            EvseTier(
                evse_id,
                places.get((evse_id, None), ()),
                tuple(ConnectorTier(number, places[evse_id, number]) for number in sorted(numbers)),
            )
            for evse_id, numbers in sorted(below.items())
        ),
    )


def _components(found: Mapping[str, Counter[str]]) -> tuple[ComponentCount, ...]:
    return tuple(ComponentCount(name, **dict(numbers)) for name, numbers in sorted(found.items()))
