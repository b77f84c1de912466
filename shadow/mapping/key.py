"""What is known of one configuration key of 1.6, and of the variables of 2.0.1 that it fills. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from ingest.sensitive import Kind, classify
from shadow.device_model.model import KeyFate

__all__ = ["LEGACY_COMPONENT", "Access", "Key", "Relation", "Variable", "Way"]

LEGACY_COMPONENT: Final = "OCPP16LegacyCtrlr"
"""Where a key goes that no variable of the standard is for. The name is EVerest's, the one public precedent."""
_NO_WORDS: Final[Mapping[str, str]] = MappingProxyType({})


class Way(StrEnum):
    """How a key's value is kept in the device model."""

    ATTRIBUTE = "attribute"
    """As the Actual attribute of each of its variables: read with GetVariables, written with SetVariables."""
    LIMIT = "limit"
    """As the maxLimit of a variable: a characteristic, which only a report tells and nothing can set."""
    FEATURES = "features"
    """SupportedFeatureProfiles: Available of the controllers, by their profile in the list."""
    CONNECTORS = "connectors"
    """NumberOfConnectors: as many EVSE and Connector components, which only a report tells."""
    PHASES = "phases"
    """ConnectorPhaseRotation: one PhaseRotation for each connector of its list."""


class Access(StrEnum):
    """MutabilityEnumType of the variable, which may be less than what 1.6 allows."""

    READ_WRITE = "ReadWrite"
    READ_ONLY = "ReadOnly"
    WRITE_ONLY = "WriteOnly"


class Relation(StrEnum):
    """How a key and its variables belong together."""

    SAME = "1:1"
    """The value copies over."""
    CAVEAT = "1:1*"
    """It copies over; some values, or what follows from them, differ."""
    SPLIT = "split"
    """One key is several variables."""
    CHARACTERISTIC = "characteristic"
    """It is the maxLimit of a variable, not its value."""
    OTHER_CHARACTERISTIC = "characteristic*"
    """It would be, and counts another thing there: it stays on the legacy component."""
    DERIVED = "derived"
    """It is worked out."""
    NEAR = "near"
    """An analogy, never an equality."""
    ALIAS = "alias"
    """An old name of another key."""
    SECRET = "secret"  # noqa: S105 - a word, not one
    """Never kept."""
    NONE = "none"
    """Nothing in 2.0.1."""
    VENDOR = "vendor"
    """No key of the standard."""


_FATES: Final[Mapping[Relation, KeyFate]] = MappingProxyType(
    {
        Relation.SAME: KeyFate.MAPPED,
        Relation.CAVEAT: KeyFate.LOSSY,
        Relation.SPLIT: KeyFate.MAPPED,
        Relation.CHARACTERISTIC: KeyFate.MAPPED,
        Relation.OTHER_CHARACTERISTIC: KeyFate.LOSSY,
        Relation.DERIVED: KeyFate.MAPPED,
        Relation.NEAR: KeyFate.LOSSY,
        Relation.ALIAS: KeyFate.MAPPED,
        Relation.SECRET: KeyFate.SECRET,
        Relation.NONE: KeyFate.NO_EQUIVALENT,
        Relation.VENDOR: KeyFate.UNMAPPED,
    }
)


class Variable(msgspec.Struct, frozen=True):
    """One variable of one component."""

    component: str
    name: str
    instance: str | None = None
    feature: str = ""
    """The feature profile of 1.6 that makes it true."""
    silent_without: str = ""
    """A key with a list of measurands: where that is empty, this interval is 0, for 1.6 sends nothing."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration key of 1.6."""

    name: str
    variables: tuple[Variable, ...]
    way: Way = Way.ATTRIBUTE
    data_type: str = "string"
    """DataEnumType."""
    unit: str | None = None
    access: Access = Access.READ_WRITE
    network_profile: bool = False
    """Writable in 1.6; in 2.0.1 part of a network connection profile (B09, SetNetworkProfile)."""
    words: Mapping[str, str] = _NO_WORDS
    """Words of its list that are other words in 2.0.1, in lower case."""
    measurands: bool = False
    """A list of measurands, of which 2.0.1 lacks some and knows none with a phase behind it."""
    connector: int | None = None
    """The 1.6 connector that it is about, where each connector has a key of its own."""
    relation: Relation = Relation.SAME
    source: str = ""
    """Where the documents say it: of 1.6 first, of 2.0.1 behind it."""
    caveat: str = ""
    """What is lost or different, in words."""
    choice: str = ""
    """Where public tables disagree: who says what, and why it stands as it does."""
    about: tuple[Variable, ...] = ()
    """Variables that it is about and whose values it is not."""
    shows: str = ""
    """A component that is there where this key is: its Available is true."""
    missed: bool = False
    """And where a station does not know the key, that component is not there."""

    @property
    def fate(self) -> KeyFate:
        """What becomes of it in 2.0.1. Of a mapped key a single value may still be lossy (`device_values.fate`)."""
        if self.relation is Relation.VENDOR and classify(self.name) is Kind.SECRET:
            return KeyFate.SECRET
        if self.relation is Relation.CAVEAT and (self.words or self.measurands):
            return KeyFate.MAPPED  # only some values differ, and each of them says so
        return _FATES[self.relation]
