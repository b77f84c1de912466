"""Tariffs of a file, and which charging station has which: for records that bring none. Pure.

time_zone = "Europe/Berlin"            # of times of day in tariffs, those in records included

[[tariffs]]                            # as in OCPI 2.2.1 §11.3.1
id = "street"
currency = "EUR"
[[tariffs.elements]]
price_components = [{ type = "ENERGY", price = 0.49, vat = 19, step_size = 1 }]

[[assign]]                             # the first that fits counts
chargers = ["STREET-*"]                # globs, case counts
connectors = [1, 2]                    # left out: all
tariff = "street"
time_zone = "Europe/Lisbon"            # left out: that of the file

The same may stand in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diff.tariff.tariff import Tariff, TariffError, read_tariff

__all__ = ["EMPTY", "Assigned", "TariffBook", "parse_book"]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    chargers: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = Field(min_length=1)
    connectors: tuple[int, ...] = ()
    tariff: str
    time_zone: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: str = ""
    tariffs: tuple[dict[str, Any], ...] = ()
    assign: tuple[_Rule, ...] = ()


class Assigned(NamedTuple):
    """What a charging station's connector has."""

    tariff: Tariff | None
    zone: tzinfo | None


class TariffBook:
    """Tariffs and their assignment."""

    def __init__(self, tariffs: Mapping[str, Tariff], rules: tuple[_Rule, ...] = (), time_zone: str = "") -> None:
        self._tariffs = dict(tariffs)
        self._zone = _zone("time_zone", time_zone)
        self._rules = []
        for number, rule in enumerate(rules, 1):
            if rule.tariff not in self._tariffs:
                known = ", ".join(sorted(self._tariffs)[:12]) or "none"
                raise TariffError(f"assign {number}: there is no tariff {rule.tariff!r}; the file has: {known}")
            zone = _zone(f"assign {number}: time_zone", rule.time_zone) or self._zone
            self._rules.append((rule, Assigned(self._tariffs[rule.tariff], zone)))

    def __len__(self) -> int:
        return len(self._tariffs)

    @property
    def said(self) -> bytes:
        """All that it says, as one text: two books that say the same have the same."""
        rules = [(rule.chargers, rule.connectors, rule.tariff, str(one.zone)) for rule, one in self._rules]
        return msgspec.json.encode((sorted(self._tariffs.items()), rules, str(self._zone)), enc_hook=str)

    def of(self, charger_id: str, connector_id: int | None) -> Assigned:
        """The tariff and the time zone of a connector."""
        for rule, assigned in self._rules:
            if rule.connectors and connector_id not in rule.connectors:
                continue
            if any(fnmatchcase(charger_id, pattern) for pattern in rule.chargers):
                return assigned
        return Assigned(None, self._zone)


def parse_book(given: Mapping[str, Any]) -> TariffBook:
    """Read a tariff file, already decoded with exact decimals.

    Raises:
        TariffError: a key is missing, unknown or wrong, or a tariff cannot be applied.

    """
    try:
        file = _File.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise TariffError(f"{place}: {first['msg']}; see docs/billing-records.md") from None
    tariffs: dict[str, Tariff] = {}
    for number, one in enumerate(file.tariffs, 1):
        tariff = read_tariff(one)
        if not tariff.id or not tariff.currency or tariff.id in tariffs:
            raise TariffError(f"tariff {number}: each needs an id of its own and a currency")
        tariffs[tariff.id] = tariff
    return TariffBook(tariffs, file.assign, file.time_zone)


def _zone(where: str, name: str) -> tzinfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise TariffError(f"{where}: no time zone {name!r}: write an IANA name, as Europe/Berlin") from None


EMPTY: Final = TariffBook({})
"""No tariffs, and no time zone."""
