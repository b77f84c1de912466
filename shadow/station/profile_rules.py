"""What 2.0.1 will not allow of charging profiles: conflicts among them (K01), and shapes that it cannot say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from ingest.frame import Micros
from ingest.timestamps import parse_stamp
from shadow.station.fields import integer, objects
from shadow.station.outbox import Outbox
from shadow.station.state import InstalledProfile

__all__ = ["check_conflicts", "check_shape", "moment", "name"]

_LONGEST_STAMP: Final = 64


def moment(payload: dict[str, Any], key: str) -> Micros | None:
    """A time as the table reads it, without a word of its flaws, which the table names."""
    value = payload.get(key)
    return parse_stamp(value[:_LONGEST_STAMP]).at if isinstance(value, str) else None


# -- among profiles ----------------------------------------------------------------------------------------------------


def check_conflicts(out: Outbox, where: str, new: InstalledProfile, installed: Sequence[InstalledProfile]) -> None:
    """Name each profile that the station has and that 2.0.1 does not allow beside a new one."""
    for other in installed:
        for rule, detail in _broken_by(new, other):
            name(out, where, rule, new, other, detail)


def _broken_by(new: InstalledProfile, other: InstalledProfile) -> Iterator[tuple[str, str]]:
    if new.profile_id == other.profile_id:
        if (new.purpose, new.evse_id) != (other.purpose, other.evse_id):
            yield "K01.FR.05", "an id on two profiles: the second takes the place of the first, wherever that stands"
        return
    if new.purpose != other.purpose or new.stack_level != other.stack_level:
        return
    if new.purpose == "TxProfile":
        if new.transaction_id is not None and new.transaction_id == other.transaction_id:
            yield "K01.FR.39", "another TxProfile of the same stack level and transaction"
    elif new.evse_id == other.evse_id:
        if _overlap(new, other):
            yield "K01.FR.06", "another profile of the same purpose, stack level and EVSE is valid at the same time"
    elif new.purpose == "TxDefaultProfile" and 0 in (new.evse_id, other.evse_id):
        rule = "K01.FR.52" if new.evse_id == 0 else "K01.FR.53"
        yield rule, "a TxDefaultProfile of the same stack level for the station and for one EVSE"


def _overlap(one: InstalledProfile, other: InstalledProfile) -> bool:
    """Valid from `validFrom` to before `validTo` (K01.FR.36, K01.FR.37); without them always (K01.FR.10)."""
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _begins_before_end(one: InstalledProfile, other: InstalledProfile) -> bool:
    return one.valid_from is None or other.valid_to is None or one.valid_from < other.valid_to


def name(out: Outbox, where: str, rule: str, new: InstalledProfile, other: InstalledProfile | str, detail: str) -> None:
    """Name a conflict, with the requirement that forbids it in the path; `other` is a profile, or what is missing."""
    expected = other if isinstance(other, str) else _shown(other)
    out.find("profile.conflict", f"{where}:{rule}", found=_shown(new), expected=expected, detail=detail)


def _shown(one: InstalledProfile) -> str:
    return f"{one.profile_id}: {one.purpose}, stack level {one.stack_level}, EVSE {one.evse_id}"


# -- of one profile ----------------------------------------------------------------------------------------------------


def check_shape(out: Outbox, where: str, profile: dict[str, Any]) -> None:
    """Name what a profile says and no profile of 2.0.1 may say. It is said all the same: the CSMS has to mend it."""
    for rule, is_broken, wanted in _SHAPES:
        if is_broken(profile):
            purpose, kind = profile.get("chargingProfilePurpose"), profile.get("chargingProfileKind")
            found = f"{kind} {purpose}, periods from {_starts(profile)[:4]}"
            detail = "said as the primary said it; a 2.0.1 station may reject it"
            out.find("profile.unmappable", f"{where}:{rule}", found=found, expected=wanted, detail=detail)


def _is_relative_limit(profile: dict[str, Any]) -> bool:
    kind, purpose = profile.get("chargingProfileKind"), profile.get("chargingProfilePurpose")
    return (kind, purpose) == ("Relative", "ChargePointMaxProfile")


def _lacks_start(profile: dict[str, Any]) -> bool:
    absolute = profile.get("chargingProfileKind") in ("Absolute", "Recurring")
    return absolute and profile["chargingSchedule"].get("startSchedule") is None


def _has_start(profile: dict[str, Any]) -> bool:
    relative = profile.get("chargingProfileKind") == "Relative"
    return relative and profile["chargingSchedule"].get("startSchedule") is not None


def _starts_late(profile: dict[str, Any]) -> bool:
    return _starts(profile)[:1] != [0]


def _is_unordered(profile: dict[str, Any]) -> bool:
    starts = _starts(profile)
    return any(later <= earlier for earlier, later in pairwise(starts))


def _starts(profile: dict[str, Any]) -> list[int]:
    periods = objects(profile["chargingSchedule"].get("chargingSchedulePeriod"))
    return [start for period in periods if (start := integer(period, "startPeriod")) is not None]


_SHAPES: Final[tuple[tuple[str, Callable[[dict[str, Any]], bool], str], ...]] = (
    ("K01.FR.38", _is_relative_limit, "a ChargingStationMaxProfile that is not Relative"),
    ("K01.FR.40", _lacks_start, "a startSchedule in an Absolute or Recurring profile"),
    ("K01.FR.41", _has_start, "no startSchedule in a Relative profile"),
    ("K01.FR.31", _starts_late, "a first period that starts at 0"),
    ("K01.FR.35", _is_unordered, "periods in the order of their start"),
)
"""Requirement, when it is broken, and what it asks for."""
