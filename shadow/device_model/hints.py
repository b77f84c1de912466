"""Which variable a vendor's name may mean, by its words: guesses for a person to confirm. Pure.

A small table of this product's own. Only where a name and its values agree with a hint there is a candidate; most
vendor keys have none, and say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from shadow.device_model.seen import Seen
from shadow.device_model.vendor import Limit

__all__ = ["HINTS", "Candidate", "Hint", "candidate"]

_NUMBERS: Final = frozenset({"integer", "decimal"})
_TEXTS: Final = frozenset({"string", "integer", "decimal"})
"""A serial number may be digits only, and a version is `1.18`."""
_STATION: Final = "(?:chargepoint|chargingstation|chargebox|station)?"
_BOOLEAN: Final = frozenset({"boolean"})
_NOT_THE_LIMIT: Final = r"(?!.*(?:asym|threshold|fail|imbalance|unbalance|default|interval|delay|time|step|tolerance))"
"""Words that make another thing of a current or power."""


class Hint(msgspec.Struct, frozen=True):
    """Words of a name, in lower case without punctuation, and the variable that they speak of."""

    words: str
    """A regular expression that the whole name fits."""
    variable: str
    data_type: str
    types: frozenset[str]
    """What its values have to look like."""
    unit: str | None = None
    limit: Limit | None = None
    scales: tuple[tuple[int, str | None], ...] = ()
    """The smallest largest value, and the scale from there on: a current of 1000 and more is in mA. Descending."""


class Candidate(msgspec.Struct, frozen=True):
    """A variable that a name may mean."""

    variable: str
    data_type: str
    unit: str | None
    limit: Limit | None
    scale: str | None
    why: str


_AMPERES: Final = ((1000, "0.001"), (1, None))
_WATTS: Final = ((1000, None), (1, "1000"))

HINTS: Final[tuple[Hint, ...]] = (
    Hint(
        rf"{_NOT_THE_LIMIT}.*(?:max|limit|rated|avail).*current.*|{_NOT_THE_LIMIT}.*current.*(?:max|limit|rated).*",
        "ChargingStation/ACCurrent",
        "decimal",
        _NUMBERS,
        "A",
        Limit.MAX,
        _AMPERES,
    ),
    Hint(
        r"(?!.*(?:threshold|interval|delay|time)).*(?:min.*current|current.*min).*",
        "ChargingStation/ACCurrent",
        "decimal",
        _NUMBERS,
        "A",
        Limit.MIN,
        _AMPERES,
    ),
    Hint(
        rf"{_NOT_THE_LIMIT}.*(?:max|limit|rated|avail).*power.*|{_NOT_THE_LIMIT}.*power.*(?:max|limit|rated).*",
        "ChargingStation/Power",
        "decimal",
        _NUMBERS,
        "W",
        Limit.MAX,
        _WATTS,
    ),
    Hint(
        r"(?:nominal|mains|grid|line)?(?:ac)?voltage(?:nominal|l1|v)?",
        "ChargingStation/ACVoltage",
        "decimal",
        _NUMBERS,
        "V",
        scales=((100_000, "0.001"), (1, None)),
    ),
    Hint(r".*(?:phase(?:s)?(?:count|number)|numberofphases)", "ChargingStation/SupplyPhases", "integer", _NUMBERS),
    Hint(
        r"(?:.*internal|board|ambient|housing)?temp(?:erature)?",
        "TemperatureSensor/Temperature",
        "decimal",
        _NUMBERS,
        "Celsius",
    ),
    Hint(r".*timezone", "ClockCtrlr/TimeZone", "string", _TEXTS),
    Hint(r".*ntp(?:server|host|uri|url|address).*", "ClockCtrlr/NtpServerUri", "string", _TEXTS),
    Hint(rf"{_STATION}(?:serialnumber|serialno|sn)", "ChargingStation/SerialNumber", "string", _TEXTS),
    Hint(rf"{_STATION}model", "ChargingStation/Model", "string", _TEXTS),
    Hint(rf"{_STATION}vendor(?:name|id)?", "ChargingStation/VendorName", "string", _TEXTS),
    Hint(rf"{_STATION}firmwareversion", "ChargingStation/FirmwareVersion", "string", _TEXTS),
    Hint(
        r"chargeboxid(?:entity|entifier)?|chargepointid(?:entity)?|stationid(?:entity)?",
        "SecurityCtrlr/Identity",
        "string",
        _TEXTS,
    ),
    Hint(r"(?:tariff|price)?currency(?:code)?", "TariffCostCtrlr/Currency", "string", frozenset({"string"})),
    Hint(r"authori[sz]ationenabled|authenabled", "AuthCtrlr/Enabled", "boolean", _BOOLEAN),
    Hint(r".*authcache.*lifetime", "AuthCacheCtrlr/LifeTime", "integer", _NUMBERS, "s"),
    Hint(r"offlinethreshold.*", "OCPPCommCtrlr/OfflineThreshold", "integer", _NUMBERS, "s"),
    Hint(r"(?:iso)?15118(?:.*)enabled|plcenabled", "ISO15118Ctrlr/Enabled", "boolean", _BOOLEAN),
    Hint(r".*(?:rssi|signalstrength)", "DataLink/SignalStrength", "integer", _NUMBERS, "dBm"),
    Hint(r"(?:sim)?iccid", "DataLink/ICCID", "string", _TEXTS),
    Hint(r"(?:sim)?imsi", "DataLink/IMSI", "string", _TEXTS),
)

_PUNCTUATION: Final = re.compile(r"[^a-z0-9]+")
_COMPILED: Final = tuple((re.compile(hint.words, re.ASCII), hint) for hint in HINTS)
_LONGEST_NAME: Final = 100


def candidate(name: str, seen: Seen) -> Candidate | None:
    """The first hint that name and values agree with; None where there is none, or no value was seen."""
    word = _PUNCTUATION.sub("", name.lower()[:_LONGEST_NAME])
    return next(_agreeing(word, seen), None)


def _agreeing(word: str, seen: Seen) -> Iterator[Candidate]:
    for fits, hint in _COMPILED:
        if not seen.types or not seen.types <= hint.types or fits.fullmatch(word) is None:
            continue
        scale, why = _scale(hint, seen.most)
        yield Candidate(hint.variable, hint.data_type, hint.unit, hint.limit, scale, why)


def _scale(hint: Hint, most: Decimal | None) -> tuple[str | None, str]:
    if not hint.scales or most is None:
        return None, "by its name"
    for least, scale in hint.scales:
        if most >= least:
            guess = f"by its name; the values look like {_unit(hint.unit, scale)}"
            return scale, guess
    return None, f"by its name; no value shows the unit, {hint.unit} is a guess"


def _unit(unit: str | None, scale: str | None) -> str:
    prefix = {None: "", "0.001": "m", "1000": "k"}[scale]
    return f"{prefix}{unit}"
