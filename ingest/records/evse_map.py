"""The EVSE map: which charging station and 1.6 connector an OCPI EVSE is. Pure.

[[evse]]                       # TOML; a CSV with these names as header says the same
evse_uid = "3256"              # or evse_id = "BE*BEC*E041503003"; both may stand there
connector = "1"                # OCPI's connector id; left out: every connector of the EVSE
charger = "CP-7"
connector_id = 1               # the 1.6 connector; left out: not known, or the station has one
"""

from __future__ import annotations

import csv
import tomllib
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["EvseMap", "EvseMapError", "Place", "parse_evse_map"]

_MOST: Final = 500_000
_Name = Annotated[str, Field(max_length=255)]


class EvseMapError(ValueError):
    """A map that cannot be used; the message names the entry and the next step."""


class Place(BaseModel):
    """One entry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    charger: Annotated[str, Field(min_length=1, max_length=255)]
    connector_id: Annotated[int, Field(ge=1, le=65535)] | None = None
    evse_uid: _Name = ""
    evse_id: _Name = ""
    connector: _Name = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    evse: tuple[Place, ...] = Field(max_length=_MOST)


class EvseMap:
    """Finds the place of an EVSE: by uid before id, an entry for its connector before one for all."""

    def __init__(self, places: tuple[Place, ...] = ()) -> None:
        """Take the entries. Raises `EvseMapError` where two contradict each other."""
        self._known: dict[tuple[str, str, str], Place] = {}
        for number, place in enumerate(places, 1):
            names = [("uid", place.evse_uid), ("id", _plain(place.evse_id))]
            if not any(name for _, name in names):
                raise EvseMapError(f"entry {number}: neither evse_uid nor evse_id; name the EVSE")
            for kind, name in names:
                if name:
                    key = (kind, name, place.connector)
                    other = self._known.setdefault(key, place)
                    if (other.charger, other.connector_id) != (place.charger, place.connector_id):
                        raise EvseMapError(
                            f"entry {number}: {name} is {other.charger} already; give each EVSE one charging station"
                        )

    def __len__(self) -> int:
        return len(self._known)

    def find(self, evse_uid: str, evse_id: str, connector: str) -> Place | None:
        """The place of an EVSE; None where the map has none."""
        for kind, name in (("uid", evse_uid), ("id", _plain(evse_id))):
            for wanted in (connector, ""):
                place = self._known.get((kind, name, wanted)) if name else None
                if place is not None:
                    return place
        return None


def parse_evse_map(text: str, *, table: bool = False) -> EvseMap:
    """Read a map from TOML, or from CSV where `table` says so.

    Raises:
        EvseMapError: it cannot be read, or an entry is wrong.

    """
    try:
        given: dict[str, Any] = {"evse": _entries(text)} if table else tomllib.loads(text)
        return EvseMap(_File.model_validate(given).evse)
    except tomllib.TOMLDecodeError as error:
        raise EvseMapError(f"no TOML: {error}") from None
    except csv.Error as error:
        raise EvseMapError(f"no CSV: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise EvseMapError(f"{place}: {first['msg']}; see docs/billing-records.md") from None


def _entries(text: str) -> list[dict[str, str]]:
    lines = text.removeprefix("\ufeff").splitlines()
    reader = csv.DictReader(lines, delimiter=";" if lines and ";" in lines[0] else ",", strict=True)
    return [{name: cell for name, cell in row.items() if name and cell} for row in reader]


def _plain(evse_id: str) -> str:
    """EVSE ids are written with and without separators, in either case (eMI3: `BE*BEC*E041503003`)."""
    return evse_id.replace("*", "").replace("-", "").upper()
