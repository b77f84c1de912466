"""The device model of one charging station: its variables, where each value comes from, and what became of each key.

Plain data. `shadow.device_model.inventory` makes it of facts, everything else reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ingest.frame import Micros
from shadow.device_model.address import Address

__all__ = ["Attribute", "Certainty", "DeviceModel", "KeyFate", "KeyState", "Value", "VariableEntry"]


class Certainty(StrEnum):
    """How sure a value is."""

    OBSERVED = "observed"
    """It stood on the wire, perhaps under another name or unit."""
    DERIVED = "derived"
    """It follows from what was observed."""
    ASSUMED = "assumed"
    """Nothing observed says it: a setting of this product, or what the standard prescribes."""


class Attribute(StrEnum):
    """AttributeEnumType (2.0.1 Part 2)."""

    ACTUAL = "Actual"
    TARGET = "Target"
    MIN_SET = "MinSet"
    MAX_SET = "MaxSet"


class Value(msgspec.Struct, frozen=True):
    """The value of one attribute."""

    text: str | None
    """None: it is there and not told (a secret; a variable that is only known to exist)."""
    certainty: Certainty
    origin: str
    """What said it: `key HeartbeatInterval`, `BootNotification.firmwareVersion`, `NotifyReport`, `setting`."""
    at: Micros
    """Tap clock of that; 0 for an assumption."""
    frame_id: str = ""


class VariableEntry(msgspec.Struct, frozen=True):
    """One variable of one component."""

    address: Address
    values: Mapping[Attribute, Value]
    data_type: str
    """DataEnumType."""
    mutability: str
    """MutabilityEnumType of the Actual attribute."""
    unit: str | None = None
    min_limit: str | None = None
    max_limit: str | None = None
    limit_origin: str = ""
    """What said the limits, as `Value.origin`; empty where nothing did."""
    values_list: tuple[str, ...] = ()
    standard: bool = True
    """The standard knows this variable (of this component, or of any)."""
    flaws: tuple[str, ...] = ()
    """Why its value is not one that the standard allows, in words."""

    @property
    def actual(self) -> Value | None:
        """The value of its Actual attribute."""
        return self.values.get(Attribute.ACTUAL)


class KeyFate(StrEnum):
    """What becomes of a 1.6 configuration key in 2.0.1. Each key has exactly one."""

    MAPPED = "mapped"
    """A variable says the same."""
    LOSSY = "lossy"
    """Variables say part of it, or mean something else by it."""
    NO_EQUIVALENT = "no-equivalent"
    """A key of the standard for which 2.0.1 has no variable."""
    VENDOR_MAPPED = "vendor-mapped"
    """A vendor's key, which the mapping file gives a variable."""
    UNMAPPED = "unmapped"
    """A vendor's key that no file maps: it stays visible on the legacy component."""
    SECRET = "secret"  # noqa: S105 - a word, not one
    """A password or key: never kept, whatever it maps to."""


class KeyState(msgspec.Struct, frozen=True):
    """One configuration key as the station told it."""

    name: str
    fate: KeyFate
    addresses: tuple[Address, ...]
    """The variables that it fills."""
    value: str | None
    """None: unknown to the station, or a secret."""
    readonly: bool | None
    known: bool
    """False: the station was asked for it and does not know it."""
    at: Micros
    frame_id: str
    caveat: str = ""
    """What is lost or different, in words."""


class DeviceModel(msgspec.Struct, frozen=True):
    """All that is known of a station."""

    charger_id: str
    vendor: str
    model: str
    firmware: str
    native: bool
    """Reported by a station that speaks 2.0.1; else predicted from 1.6."""
    entries: Mapping[Address, VariableEntry]
    """By `Address.key`, in the order of addresses."""
    keys: tuple[KeyState, ...] = ()
    """In the order of their names without case; none of a native station."""
    asked_all: bool = False
    """It answered a request for all of its keys (or a full report), so that what is not here is not there."""
