"""Which EVSE and which of its connectors a 1.6 connector is (2.0.1 Part 1 §7.2).

1.6 counts connectors of the station from 1 and knows no EVSE. The default takes each of them for an EVSE of its own
with one connector, which holds for most stations. Where several connectors share an EVSE (one power module, two
cables, one car at a time) only the operator knows it, and says so in a file of rules.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

import msgspec

__all__ = ["DEFAULT", "Place", "Topology", "TopologyRule", "parse"]

_LARGEST: Final = 64
"""Connectors and EVSEs of one station that a file may name."""


class Place(msgspec.Struct, frozen=True):
    """EVSEType (2.0.1 §2.26) of one 1.6 connector."""

    evse_id: int
    connector_id: int
    """Within its EVSE, from 1."""


class TopologyRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The connectors of some charging stations. The patterns are globs; all of them have to fit."""

    connectors: dict[int, tuple[int, int]]
    """1.6 connector → (EVSE, connector of the EVSE). One that is not named is an EVSE of its own."""
    charger: str = "*"
    vendor: str = "*"
    model: str = "*"


class Topology(msgspec.Struct, frozen=True):
    """Rules in the order of the file: the first that fits a charging station is its topology."""

    rules: tuple[TopologyRule, ...] = ()

    def __hash__(self) -> int:
        """Settings are compared and used as keys; a dictionary inside would forbid it."""
        return hash(msgspec.json.encode(self.rules))

    def place(self, charger_id: str, vendor: str, model: str, number: int) -> Place:
        """The EVSE and connector of a 1.6 connector (from 1)."""
        if not self.rules:
            return Place(number, 1)
        named = _connectors(self, charger_id, vendor, model).get(number)
        return Place(number, 1) if named is None else Place(*named)

    def siblings(self, charger_id: str, vendor: str, model: str, number: int) -> tuple[int, ...]:
        """The other 1.6 connectors of the same EVSE, in order; together they have one transaction (E01.FR.14)."""
        if not self.rules:
            return ()
        named = _connectors(self, charger_id, vendor, model)
        evse = self.place(charger_id, vendor, model, number).evse_id
        return tuple(sorted(other for other, place in named.items() if place[0] == evse and other != number))


@lru_cache(maxsize=4096)
def _connectors(topology: Topology, charger_id: str, vendor: str, model: str) -> dict[int, tuple[int, int]]:
    for rule in topology.rules:
        patterns = ((rule.charger, charger_id), (rule.vendor, vendor), (rule.model, model))
        if all(fnmatchcase(value, pattern) for pattern, value in patterns):
            return rule.connectors
    return {}


def parse(document: dict[str, Any]) -> Topology:
    """Read `[[station]]` tables: the globs `charger`, `vendor`, `model`, and `connectors = { 1 = [1, 1], 2 = [1, 2] }`.

    Raises:
        ValueError: says which table and what is wrong with it.

    """
    unknown = sorted(set(document) - {"station"})
    if unknown:
        raise ValueError(f"the topology has an entry {unknown[0]!r}; it holds [[station]] tables and nothing else")
    tables = document.get("station", [])
    if not isinstance(tables, list):
        raise ValueError("station must be a list of tables: write [[station]]")  # noqa: TRY004 - wrong text, not a wrong call
    return Topology(tuple(_rule(place, table) for place, table in enumerate(tables, 1)))


def _rule(place: int, table: Any) -> TopologyRule:
    where = f"[[station]] number {place}"
    try:
        rule = msgspec.convert(table, TopologyRule, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from error
    if not rule.connectors:
        raise ValueError(f'{where} names no connectors: leave it out, or write connectors = {{ "1" = [1, 1] }}')
    for number, target in rule.connectors.items():
        if not all(1 <= value <= _LARGEST for value in (number, *target)):
            raise ValueError(
                f"{where}: connector {number} = {list(target)}: connectors and EVSEs count from 1 to {_LARGEST}"
            )
    doubled = [target for target in rule.connectors.values() if list(rule.connectors.values()).count(target) > 1]
    if doubled:
        raise ValueError(f"{where}: EVSE {doubled[0][0]}, connector {doubled[0][1]} stands for two connectors of 1.6")
    return rule


DEFAULT: Final = Topology()
