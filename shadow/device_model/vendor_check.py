"""What is doubtful in a vendor mapping that can be used: rules that never count, variables to look at again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Final

import msgspec

from shadow.device_model import standard
from shadow.device_model.address import Address
from shadow.device_model.vendor import (
    CONNECTOR,
    EVSE,
    KeyRule,
    StationRules,
    Target,
    TransferRule,
    VendorMapping,
    pattern,
)
from shadow.mapping.keys import KEYS, LEGACY_COMPONENT, Way

__all__ = ["Remark", "known", "remarks"]

_WILD: Final = ("?", "[", CONNECTOR)
_STANDARD: Final = {
    Address(one.component, one.name, one.instance).key: key.name
    for key in KEYS.values()
    if key.way is not Way.LIMIT
    for one in key.variables
}
"""Variables whose Actual attribute keys of the standard fill."""

_Placed = tuple[int, StationRules, KeyRule]
"""The number of a table, the table, and a rule of it."""


class Remark(msgspec.Struct, frozen=True):
    """Something to look at."""

    where: str
    text: str


def known(address: Address) -> bool:
    """Whether the standard knows a variable, of its component or of any."""
    return standard.find(address) is not None


def remarks(mapping: VendorMapping) -> list[Remark]:
    """All that is doubtful, in the order of the file."""
    found: list[Remark] = []
    for number, table in enumerate(mapping.stations, 1):
        where = f"[[station]] number {number}"
        if not table.keys and not table.transfers:
            found.append(Remark(where, "holds no key and no transfer, and so says nothing"))
        for kind in table.transfers:
            if not kind.fields:
                text = "has no fields: it counts as known, and nothing of it becomes a variable"
                found.append(Remark(f"{where}, transfer {kind.vendor_id}/{kind.message_id}", text))
        for place, rule, target in _targets(table):
            found += [Remark(f"{where}, {place}", text) for text in _about(rule, target)]
        found += [Remark(f"{where}, {place}", text) for place, text in _doubled(table)]
    return found + list(_shadowed(mapping))


def _targets(table: StationRules) -> Iterator[tuple[str, TransferRule | None, Target]]:
    for key in table.keys:
        yield f"key {key.key}", None, key
    for transfer in table.transfers:
        for field in transfer.fields:
            name = field.path or "the whole text"
            yield f"transfer {transfer.vendor_id}/{transfer.message_id}, field {name}", transfer, field


def _plain(target: Target) -> Address:
    """The variable without where it is: an EVSE says nothing of whether the standard knows it."""
    return Address.parse(target.variable.replace(EVSE, "1").replace(CONNECTOR, "1"))


def _about(transfer: TransferRule | None, target: Target) -> Iterator[str]:
    address = _plain(target)
    if not known(address):
        yield f"{target.variable} is no variable that the standard knows: check its spelling, or take it as your own"
    filled = _STANDARD.get(Address(address.component, address.variable, address.instance).key)
    if filled is not None and target.limit is None and transfer is None:
        yield f"{target.variable} is filled by {filled}, a key of the standard: where both come, the standard one holds"
    if address.component == LEGACY_COMPONENT:
        yield f"{target.variable} is where keys without a mapping are, so that the entry only gives it a type"


def _doubled(table: StationRules) -> Iterator[tuple[str, str]]:
    """Keys that fill one variable: the one that comes last would hold."""
    first: dict[tuple[str, object], str] = {}
    for rule in table.keys:
        name = first.setdefault((rule.variable.lower(), rule.limit), rule.key)
        what = f"the {rule.limit}Limit of {rule.variable}" if rule.limit else rule.variable
        if name != rule.key:
            yield f"key {rule.key}", f"fills {what}, as {name} does: one value hides the other"
        elif CONNECTOR not in rule.key and any(sign in rule.key for sign in "*?["):
            yield (
                f"key {rule.key}",
                f"is a glob: of several keys that it fits, one hides the others in {what}",
            )


def _shadowed(mapping: VendorMapping) -> Iterator[Remark]:
    """Rules behind one that takes all that they would."""
    names: dict[str, list[_Placed]] = {}
    globs: list[_Placed] = []
    for number, table in enumerate(mapping.stations, 1):
        for rule in table.keys:
            earlier = (*names.get(rule.key.lower(), ()), *(one for one in globs if _key_covers(one[2], rule)))
            before = next((one for one in earlier if _tables_cover(one[1], table)), None)
            if before is not None:
                text = f"is never used: {before[2].key} of [[station]] number {before[0]} comes first"
                yield Remark(f"[[station]] number {number}, key {rule.key}", text)
            names.setdefault(rule.key.lower(), []).append((number, table, rule))
            if any(sign in rule.key for sign in ("*", *_WILD)):
                globs.append((number, table, rule))
    transfers = [(table, rule) for table in mapping.stations for rule in table.transfers]
    for (first_table, first), (later_table, later) in combinations(transfers, 2):
        if _transfer_covers(first, later) and _tables_cover(first_table, later_table):
            text = f"is never used: {first.vendor_id}/{first.message_id} comes first"
            yield Remark(f"transfer {later.vendor_id}/{later.message_id}", text)


def covers(first: str, later: str) -> bool:
    """Whether a glob fits all that another fits. Where that is hard to say, it does not."""
    if first == later:
        return True
    wild = any(sign in later for sign in ("*", *_WILD))
    return not (wild and any(sign in first for sign in _WILD)) and fnmatchcase(later, first)


def _tables_cover(first: StationRules, later: StationRules) -> bool:
    return all(covers(getattr(first, name), getattr(later, name)) for name in ("vendor", "model", "charger"))


def _transfer_covers(first: TransferRule, later: TransferRule) -> bool:
    names = (first.vendor_id, later.vendor_id), (first.message_id, later.message_id)
    return first.direction == later.direction and all(covers(one.lower(), other.lower()) for one, other in names)


def _key_covers(first: KeyRule, later: KeyRule) -> bool:
    one, other = first.key.lower(), later.key.lower()
    if CONNECTOR in one and not any(sign in other for sign in ("*", *_WILD)):
        return pattern(one).fullmatch(other) is not None
    return covers(one, other)
