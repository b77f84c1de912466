"""Vendors' configuration keys that the operator's mapping file gives a variable, beside the standard table. Pure.

The table of `shadow.mapping.keys` goes first: a file never overrides a key of the standard. What the file does not name
stays on the legacy component.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from ingest.sensitive import Kind, classify
from shadow.device_model.address import Address
from shadow.device_model.model import Certainty, KeyFate
from shadow.device_model.vendor import KeyRule, Limit, VendorMapping
from shadow.device_model.vendor_values import convert
from shadow.mapping import device_values
from shadow.mapping.device_values import PlaceOf, Statement
from shadow.mapping.keys import LEGACY_COMPONENT, Access, Key, Relation, Variable, Way, find

__all__ = ["MappedKey", "addresses", "find_key", "is_standard", "report_addresses", "statements"]

_SECRETS: Final = frozenset({Kind.SECRET, Kind.SIGNED})


class MappedKey(Key, frozen=True, kw_only=True):
    """A vendor's key with the rule of the mapping file that it has."""

    rule: KeyRule

    @property
    def fate(self) -> KeyFate:
        """What the mapping file makes of it; a secret stays one."""
        return KeyFate.SECRET if classify(self.name) in _SECRETS else KeyFate.VENDOR_MAPPED


def is_standard(key: Key) -> bool:
    """The standard table gives it a variable."""
    return key.variables[0].component != LEGACY_COMPONENT


def find_key(mapping: VendorMapping, vendor: str, model: str, charger_id: str, name: str) -> Key:
    """The row of a key: of the standard table, of the mapping file, or the one that a key without a row has."""
    key = find(name)
    if is_standard(key):
        return key
    rule = mapping.key(vendor, model, charger_id, name)
    return key if rule is None else _mapped(name, rule)


def _mapped(name: str, rule: KeyRule) -> MappedKey:
    number = rule.connector(name)
    address = Address.parse(rule.variable.replace("{evse}", "0").replace("{connector}", "0"))
    access = Access.READ_WRITE
    if rule.limit is not None:
        access = Access.READ_ONLY
    elif classify(name) in _SECRETS:
        access = Access.WRITE_ONLY
    return MappedKey(
        name=name,
        variables=(Variable(address.component, address.variable, address.instance),),
        way=Way.ATTRIBUTE if rule.limit is None else Way.LIMIT,
        data_type=rule.kind,
        unit=rule.unit,
        access=access,
        connector=number,
        relation=Relation.VENDOR,
        caveat=rule.note or "",
        source="the mapping file",
        rule=rule,
    )


def _address(key: MappedKey, place: PlaceOf) -> Address | None:
    """None: a key of connector 0, which has no EVSE."""
    return key.rule.address(place(key.connector) if key.connector else None)


def addresses(key: Key, place: PlaceOf) -> list[Address]:
    """As `shadow.mapping.device_values.addresses`, for keys of the mapping file too."""
    if not isinstance(key, MappedKey):
        return device_values.addresses(key, place)
    found = _address(key, place)
    return [found] if found is not None and key.rule.limit is None else []


def report_addresses(key: Key, place: PlaceOf) -> list[Address]:
    """As `shadow.mapping.device_values.report_addresses`, for keys of the mapping file too."""
    if not isinstance(key, MappedKey):
        return device_values.report_addresses(key)
    found = _address(key, place)
    return [found] if found is not None and key.rule.limit is not None else []


def statements(key: Key, value: str, others: Mapping[str, str], place: PlaceOf) -> tuple[list[Statement], bool]:
    """As `shadow.mapping.device_values.statements`: a value that the rule cannot read says nothing, and not all."""
    if not isinstance(key, MappedKey):
        return device_values.statements(key, value, others, place)
    address = _address(key, place)
    text, _ = convert(key.rule, value)
    if address is None or text is None:
        return [], False
    match key.rule.limit:
        case Limit.MAX:
            return [Statement(address, limit=_number(text))], True
        case Limit.MIN:
            return [Statement(address, least=_number(text))], True
        case _:
            certainty = Certainty.OBSERVED if key.rule.is_copied else Certainty.DERIVED
            return [Statement(address, text, certainty=certainty)], True


def _number(text: str) -> int | Decimal:
    return Decimal(text) if "." in text else int(text)
