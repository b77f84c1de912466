"""Configuration keys of 1.6 as variables of the 2.0.1 device model (Part 2, Referenced Components and Variables).

No document of the OCA holds the whole table. Names are those of its list of components and variables
(`dm_components_vars.csv` v1.4); where public implementations disagree, the reason for the choice stands beside the row.

A key that has no variable, or that a vendor made, is a variable of its own name on the component `OCPP16LegacyCtrlr`:
no standard component may be given variables that the standard does not know, and a station that keeps such settings
after its move has to put them somewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shadow.device_model.address import LONGEST_NAME
from shadow.mapping.core_keys import CORE
from shadow.mapping.extension_keys import PLUG_AND_CHARGE, SECURITY, SIGNED_READINGS
from shadow.mapping.key import LEGACY_COMPONENT, Access, Key, Relation, Variable, Way
from shadow.mapping.profile_keys import ERRATA, PROFILES

__all__ = ["KEYS", "LEGACY_COMPONENT", "PUBLIC_KEY", "Access", "Key", "Relation", "Variable", "Way", "find"]

KEYS: Final[Mapping[str, Key]] = MappingProxyType(
    {key.name.lower(): key for key in (*CORE, *PROFILES, *ERRATA, *SECURITY, *PLUG_AND_CHARGE, *SIGNED_READINGS)}
)
"""By name in lower case: keys are case-insensitive (CiString50Type), so `HeartBeatInterval` needs no row of its own."""

PUBLIC_KEY: Final = Key(
    name="MeterPublicKey[ConnectorID]",
    variables=(Variable("FiscalMetering", "PublicKey"),),
    access=Access.READ_ONLY,
    source="white paper on signed meter values",
    caveat="one key for each connector becomes a component for each EVSE",
)
"""The row of each `MeterPublicKey[1]`; some stations leave the brackets out."""

_PUBLIC_KEY_NAME: Final = re.compile(r"meterpublickey\[?(\d{1,2})\]?", re.ASCII | re.IGNORECASE)


def find(name: str) -> Key:
    """The row of a key, or the one that a key without a row has."""
    key = KEYS.get(name.lower())
    if key is not None:
        return key
    match = _PUBLIC_KEY_NAME.fullmatch(name)
    if match is not None and int(match[1]) > 0:
        return _of_connector(name, int(match[1]))
    return Key(name=name, variables=(Variable(LEGACY_COMPONENT, name[:LONGEST_NAME]),), relation=Relation.VENDOR)


def _of_connector(name: str, connector: int) -> Key:
    return Key(
        name=name,
        variables=PUBLIC_KEY.variables,
        access=PUBLIC_KEY.access,
        connector=connector,
        source=PUBLIC_KEY.source,
        caveat=PUBLIC_KEY.caveat,
    )
