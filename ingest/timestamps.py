"""Reading the timestamps that real charging stations send, and saying what was wrong with them.

OCPP-J asks for RFC 3339 (1.6J §3.2, 2.0.1 Part 4 §3); the field sends less. Reading is total: each text
gives either a time in microseconds or None, with the flaw named, and never an exception.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = ["Flaw", "Stamp", "format_micros", "parse_stamp"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_PLAUSIBLE_FROM_YEAR: Final = 2015
"""OCPP 1.6 appeared in October 2015: an earlier time is a clock that was never set."""

_SHAPE: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,12}))?\s*(Z|z|[+-]\d{2}(?::?\d{2})?)?$",
    re.ASCII,
)


class Flaw(StrEnum):
    """What is wrong with a timestamp."""

    NO_ZONE = "no-zone"
    """No zone designator, or one RFC 3339 does not know (`+02`, `+0200`). Read as UTC, or by the offset."""
    EPOCH = "epoch"
    """Before OCPP 1.6 existed: the clock was never set."""
    UNPARSEABLE = "unparseable"


class Stamp(msgspec.Struct, frozen=True):
    """A timestamp as read: the time, if it is one, and its flaw, if it has one."""

    at: Micros | None
    flaw: Flaw | None = None
    detail: str = ""


@lru_cache(maxsize=4096)
def parse_stamp(text: str) -> Stamp:
    """Read one timestamp.

    >>> parse_stamp("2030-01-01T12:00:00+02").flaw
    <Flaw.NO_ZONE: 'no-zone'>
    """
    found = _SHAPE.match(text.strip())
    if found is None:
        return Stamp(None, Flaw.UNPARSEABLE, "not a date and time")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    leap = int(second) == 60
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second), micros, UTC
        )
    except ValueError as error:
        return Stamp(None, Flaw.UNPARSEABLE, str(error))
    at = (moment - _EPOCH) // _MICROSECOND
    if leap:
        at = min(at + 1_000_000, _LAST)
    flaw: Flaw | None = None
    detail = ""
    if zone is None:
        flaw, detail = Flaw.NO_ZONE, "no zone designator, read as UTC"
    elif zone not in "Zz":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * 1_000_000
        at += -offset if zone[0] == "+" else offset
        if not _FIRST <= at <= _LAST:
            return Stamp(None, Flaw.UNPARSEABLE, "outside of the years 1 to 9999 in UTC")
        if len(zone) != 6:
            flaw, detail = Flaw.NO_ZONE, f"zone {zone} is not of the form +hh:mm (RFC 3339)"
    if int(year) < _PLAUSIBLE_FROM_YEAR:
        flaw, detail = Flaw.EPOCH, f"the year {year} is before OCPP 1.6 existed"
    return Stamp(at, flaw, detail)


@lru_cache(maxsize=4096)
def _second(seconds: str) -> str:
    return (_EPOCH + timedelta(seconds=int(seconds))).isoformat()[:19]


def format_micros(at: Micros) -> str:
    """Write a time as RFC 3339 in UTC, with as many decimals as it needs (0, 3 or 6).

    A time that only arithmetic on an absurd clock gives is written as the nearest one that can be.
    """
    if not _FIRST <= at <= _LAST:
        at = min(max(at, _FIRST), _LAST)
    if at >= 1_000_000:
        # Cutting digits costs less than dividing and writing them anew, and every line of a journal has a time.
        digits = str(at)
        base, fraction = _second(digits[:-6]), digits[-6:]
    else:
        seconds, micros = divmod(at, 1_000_000)
        base, fraction = _second(str(seconds)), f"{micros:06d}"
    if fraction[3:] != "000":
        return f"{base}.{fraction}Z"
    return f"{base}Z" if fraction == "000000" else f"{base}.{fraction[:3]}Z"
