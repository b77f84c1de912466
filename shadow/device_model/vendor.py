"""Which variable a vendor's configuration key, or a field of a vendor's DataTransfer, is: the operator's mapping file.

2.0.1 has a variable for many things that 1.6 left to vendors, and nobody but the operator knows under which key a
vendor keeps them. The rules are data; `vendor_file` reads them, `vendor_values` applies them to what a station sends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from typing import Final

import msgspec

from shadow.device_model.address import Address
from shadow.topology import Place

__all__ = [
    "CONNECTOR",
    "DEFAULT",
    "EVSE",
    "FieldRule",
    "KeyRule",
    "Limit",
    "Parser",
    "StationRules",
    "Target",
    "TransferRule",
    "VendorMapping",
    "pattern",
]

CONNECTOR: Final = "{connector}"
"""In a key: the number of the 1.6 connector. In a variable: the connector within its EVSE."""
EVSE: Final = "{evse}"
_STANDS_FOR: Final = "\ue000"
"""Takes the place of `{connector}` while a glob is translated; of the private use area, so that no glob means it."""
_MAX_SETS: Final = 256
"""Different sets of tables whose look-up is kept: stations of one vendor and model share one."""


class Limit(StrEnum):
    """Which characteristic of a variable a value is, where it is not its Actual attribute."""

    MAX = "max"
    MIN = "min"


class Parser(StrEnum):
    """How the data of a DataTransfer is read."""

    JSON = "json"
    CSV = "csv"
    """Values between commas or semicolons; groups in braces, as EVBox writes them, are counted within."""
    QUERY = "query"
    """`name=value&name=value`."""
    TEXT = "text"
    """The whole text is one value."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The variable that takes a value, and how it becomes one of it."""

    variable: str
    """The address as text (`shadow.device_model.address`), with `{evse}` and `{connector}` for where it is."""
    limit: Limit | None = None
    data_type: str | None = None
    """DataEnumType. None: the file does not say."""
    unit: str | None = None
    """Of the variable, after `scale`."""
    scale: Decimal | None = None
    """Factor from the vendor's unit to that of the variable."""
    values: dict[str, str] = {}
    """Words of the vendor, in lower case, and what they are in 2.0.1."""
    note: str | None = None

    @property
    def kind(self) -> str:
        """The DataEnumType that the file says, or that follows from its rule."""
        if self.data_type is not None:
            return self.data_type
        if self.scale is not None or self.limit is not None:
            return "decimal"
        if self.values and set(self.values.values()) <= {"true", "false"}:
            return "boolean"
        return "string"

    @property
    def is_copied(self) -> bool:
        """The value stands in 2.0.1 as it stood on the wire."""
        return self.scale is None and not self.values

    def address(self, place: Place | None = None) -> Address | None:
        """The variable, for a connector; None where it is one of a connector's and none is given."""
        text = self.variable
        if EVSE in text:
            if place is None:
                return None
            text = text.replace(EVSE, str(place.evse_id)).replace(CONNECTOR, str(place.connector_id))
        return Address.parse(text)


class KeyRule(Target, frozen=True, kw_only=True):
    """One configuration key, or all that a glob fits."""

    key: str

    def connector(self, name: str) -> int | None:
        """The 1.6 connector that a key of this rule is about; None where the rule counts none."""
        found = pattern(self.key).fullmatch(name.lower()) if CONNECTOR in self.key else None
        return int(found[1]) if found is not None else None


class FieldRule(Target, frozen=True, kw_only=True):
    """One field of a DataTransfer."""

    path: str = ""
    """Under which name `vendor_values.fields` gives it; empty is the whole text."""


class TransferRule(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of DataTransfer."""

    vendor_id: str
    message_id: str
    """A glob; `*` fits a DataTransfer without one too."""
    direction: str = "cp>cs"
    parser: Parser = Parser.JSON
    connector: str = ""
    """The field that holds the number of the 1.6 connector; empty: none does."""
    fields: tuple[FieldRule, ...] = ()
    note: str | None = None


class StationRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules for some charging stations. The patterns are globs; all of them have to fit."""

    vendor: str = "*"
    model: str = "*"
    charger: str = "*"
    keys: tuple[KeyRule, ...] = ()
    transfers: tuple[TransferRule, ...] = ()


class VendorMapping(msgspec.Struct, frozen=True):
    """Rules in the order of the file: of all tables that fit a charging station, the first rule for a key counts."""

    stations: tuple[StationRules, ...] = ()

    def __hash__(self) -> int:
        """Settings are compared and used as keys; a dictionary inside would forbid it. Cheap, for caches ask often."""
        return hash(len(self.stations))

    def __len__(self) -> int:
        """How many keys and fields have a rule."""
        return sum(len(one.keys) + sum(len(kind.fields) for kind in one.transfers) for one in self.stations)

    def key(self, vendor: str, model: str, charger: str, name: str) -> KeyRule | None:
        """The rule of a configuration key, whose name is compared without case; None where there is none.

        It is for vendors' keys: the standard table goes before it (`shadow.mapping.vendor_keys.find_key`).
        """
        return _rules(self, vendor, model, charger).key(name.lower()) if self.stations else None

    def transfer(
        self, vendor: str, model: str, charger: str, direction: str, vendor_id: str, message_id: str | None
    ) -> TransferRule | None:
        """The rule of a DataTransfer (`direction` of its request: `cp>cs`, `cs>cp`); None where there is none."""
        if not self.stations:
            return None
        return _rules(self, vendor, model, charger).transfer(direction, vendor_id.lower(), (message_id or "").lower())


DEFAULT: Final = VendorMapping()


@lru_cache(maxsize=8192)
def pattern(glob: str) -> re.Pattern[str]:
    """What a glob fits, of names in lower case; `{connector}` is a number, as the only group."""
    text = translate(glob.lower().replace(CONNECTOR, _STANDS_FOR))
    return re.compile(text.replace(_STANDS_FOR, r"(\d{1,2})"), re.ASCII)


def _is_glob(text: str) -> bool:
    return CONNECTOR in text or any(sign in text for sign in "*?[")


class _Rules:
    """All rules of the tables that fit a charging station, ready to be looked up."""

    def __init__(self, tables: Iterable[StationRules]) -> None:
        chosen = tuple(tables)
        self._keys = tuple(rule for table in chosen for rule in table.keys)
        self._transfers = tuple(rule for table in chosen for rule in table.transfers)
        self._exact: dict[str, int] = {}
        self._globs: list[tuple[int, re.Pattern[str]]] = []
        for number, rule in enumerate(self._keys):
            if _is_glob(rule.key):
                self._globs.append((number, pattern(rule.key)))
            else:
                self._exact.setdefault(rule.key.lower(), number)

    def key(self, name: str) -> KeyRule | None:
        first = self._exact.get(name, len(self._keys))
        for number, fits in self._globs:
            if number >= first:
                break
            if fits.fullmatch(name):
                first = number
        return self._keys[first] if first < len(self._keys) else None

    def transfer(self, direction: str, vendor_id: str, message_id: str) -> TransferRule | None:
        for rule in self._transfers:
            fits = pattern(rule.vendor_id).fullmatch(vendor_id) and pattern(rule.message_id).fullmatch(message_id)
            if fits and rule.direction == direction:
                return rule
        return None


@lru_cache(maxsize=4096)
def _rules(mapping: VendorMapping, vendor: str, model: str, charger: str) -> _Rules:
    wanted = ("vendor", vendor), ("model", model), ("charger", charger)
    fitting = (
        number
        for number, table in enumerate(mapping.stations)
        if all(fnmatchcase(value, getattr(table, name)) for name, value in wanted)
    )
    return _rules_of(mapping, tuple(fitting))


@lru_cache(maxsize=_MAX_SETS)
def _rules_of(mapping: VendorMapping, tables: tuple[int, ...]) -> _Rules:
    return _Rules(mapping.stations[number] for number in tables)
