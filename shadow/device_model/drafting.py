"""Collecting what is said of variables into entries: the surest word of each holds, of equals the newest. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from shadow.device_model import standard, values
from shadow.device_model.address import Address
from shadow.device_model.model import Attribute, Certainty, Value, VariableEntry
from shadow.quantities import decimal_of

__all__ = ["Draft", "rule"]

_MUTABILITIES: Final = frozenset({"ReadOnly", "WriteOnly", "ReadWrite"})
_TYPES: Final = frozenset(kind.value for kind in standard.DataType)
_UNKNOWN: Final = standard.Variable(
    component=standard.GENERIC,
    name="",
    instance=None,
    tier=standard.Tier.ANY,
    data_type=standard.DataType.STRING,
    refinement="",
    part2_type="",
    unit=None,
    mutability="unknown",
    values=(),
    nullable=True,
    min_limit=None,
    max_limit=None,
    block="",
    section="the station's own characteristics",
    said={},
    condition="",
)
_SURENESS: Final = {Certainty.ASSUMED: 0, Certainty.DERIVED: 1, Certainty.OBSERVED: 2}


class _Entry(msgspec.Struct):
    """A variable while it is collected."""

    address: Address
    values: dict[Attribute, Value] = {}
    data_type: str = ""
    mutability: str = ""
    unit: str | None = None
    min_limit: str | None = None
    max_limit: str | None = None
    limit_origin: str = ""
    values_list: tuple[str, ...] = ()
    flaws: tuple[str, ...] = ()


class Draft:
    """Variables while they are collected."""

    def __init__(self) -> None:
        self._entries: dict[Address, _Entry] = {}

    def value(
        self,
        address: Address,
        value: Value,
        attribute: Attribute = Attribute.ACTUAL,
        *,
        unit: str | None = None,
        data_type: str = "",
        mutability: str = "",
        flaws: tuple[str, ...] = (),
    ) -> None:
        """Say a value. What is known better already stays."""
        entry = self._of(address)
        entry.unit = entry.unit or unit
        entry.data_type = entry.data_type or data_type
        entry.mutability = mutability or entry.mutability
        known = entry.values.get(attribute)
        if known is None or _weight(value) >= _weight(known):
            entry.values[attribute] = value
            if attribute is Attribute.ACTUAL:
                entry.flaws = flaws

    def limits(
        self, address: Address, origin: str, *, min_limit: str | None = None, max_limit: str | None = None
    ) -> None:
        """Say a limit; of several largest ones the largest holds."""
        entry = self._of(address)
        entry.min_limit = entry.min_limit or min_limit
        if max_limit is not None and _is_more(max_limit, entry.max_limit):
            entry.max_limit, entry.limit_origin = max_limit, origin

    def describe(self, address: Address, data_type: str, detail: Mapping[str, str], origin: str) -> None:
        """Say the characteristics, as a native station reports them."""
        entry = self._of(address)
        entry.data_type = data_type
        entry.unit = detail.get("unit")
        entry.min_limit, entry.max_limit = detail.get("minLimit"), detail.get("maxLimit")
        entry.limit_origin = origin if entry.min_limit or entry.max_limit else ""
        entry.values_list = tuple(one.strip() for one in detail.get("valuesList", "").split(",") if one.strip())
        entry.mutability = detail.get("mutability", "ReadWrite")  # VariableAttributeType: ReadWrite where left out

    def entries(self) -> dict[Address, VariableEntry]:
        """The entries by `Address.key`, in the order of addresses."""
        return {key: _finished(self._entries[key]) for key in sorted(self._entries, key=_order)}

    def _of(self, address: Address) -> _Entry:
        entry = self._entries.get(address.key)
        if entry is None:
            entry = self._entries[address.key] = _Entry(address, {})
        return entry


def _weight(value: Value) -> tuple[int, int]:
    return _SURENESS[value.certainty], value.at


def _is_more(one: str, other: str | None) -> bool:
    new, old = decimal_of(one), decimal_of(other)
    return old is None or (new is not None and new > old)


def _order(key: Address) -> tuple[str, int, int, str, str, str]:
    return (
        key.component,
        -1 if key.evse_id is None else key.evse_id,
        -1 if key.connector_id is None else key.connector_id,
        key.component_instance or "",
        key.variable,
        key.instance or "",
    )


def _finished(entry: _Entry) -> VariableEntry:
    known = standard.find(entry.address)
    address, data_type, mutability, unit = entry.address, entry.data_type, entry.mutability, entry.unit
    values_list = entry.values_list
    if known is not None:
        address = _spelt(known, address)
        data_type = data_type or known.data_type.value
        mutability = mutability or known.mutability
        unit = unit or (known.unit or "").partition(",")[0] or None
        values_list = values_list or known.values
    finished = VariableEntry(
        address,
        entry.values,
        data_type or "string",
        _mutability(mutability),
        unit,
        entry.min_limit,
        entry.max_limit,
        entry.limit_origin,
        values_list,
        standard=known is not None,
    )
    actual = finished.actual
    found = () if actual is None or actual.text is None else values.flaws(rule(finished), actual.text)
    return replace(finished, flaws=tuple(dict.fromkeys((*entry.flaws, *found))))


def _mutability(said: str) -> str:
    """A variable that nobody says it can be set of is one that is only told."""
    if said in _MUTABILITIES:
        return said
    return "ReadWrite" if "Write" in said else "ReadOnly"


def rule(entry: VariableEntry) -> standard.Variable:
    """What its values have to be: as the standard has it, within the limits and the type that the station told."""
    known = standard.find(entry.address) or _UNKNOWN
    kind = standard.DataType(entry.data_type) if entry.data_type in _TYPES else known.data_type
    return replace(
        known,
        data_type=kind,
        values=entry.values_list or known.values,
        min_limit=entry.min_limit or known.min_limit,
        max_limit=entry.max_limit or known.max_limit,
        mutability=entry.mutability,
    )


def _spelt(known: standard.Variable, address: Address) -> Address:
    """In the spelling of the standard, where only the case is another."""
    component = address.component if known.component == standard.GENERIC else known.component
    instance = known.instance if (known.instance or "").lower() == (address.instance or "").lower() else None
    return msgspec.structs.replace(
        address, component=component, variable=known.name, instance=instance or address.instance
    )
