"""Acknowledgements: which discrepancies one covers, whether it still holds, and whether it is still needed. Pure.

An acknowledged discrepancy is stored and counted as any other. What changes is that nobody is held up by it, for as
long as somebody answers for it: an acknowledgement that expired, or whose discrepancy stopped occurring while
comparisons went on, is reported until it is renewed or revoked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from ingest.control import Acknowledgement
from ingest.frame import Micros

__all__ = ["Acknowledged", "Occurring", "Scope", "Standing", "covered", "covers", "report"]

_DAY: Final[Micros] = 86_400_000_000


class Scope(msgspec.Struct, frozen=True):
    """What of a discrepancy an acknowledgement is held against."""

    fingerprint: str
    vendor: str
    model: str
    firmware: str
    charger_id: str


class Standing(StrEnum):
    """Where an acknowledgement stands."""

    HOLDS = "holds"
    EXPIRED = "expired"
    """Its day has come and it was not renewed."""
    STOPPED = "stopped-occurring"
    """Its discrepancy was not seen for so long, although its charging stations went on being compared."""
    REVOKED = "revoked"


class Occurring(msgspec.Struct, frozen=True):
    """What the store says of the discrepancies that an acknowledgement covers."""

    chargers: int = 0
    """Charging stations with one."""
    open: int = 0
    first_seen: Micros | None = None
    last_seen: Micros | None = None
    """None where none was ever seen, or none is stored any more."""
    compared_since: int = 0
    """Sessions compared since it was last seen (or since it was acknowledged, where it never was), on charging
    stations of its scope."""


class Acknowledged(msgspec.Struct, frozen=True):
    """An acknowledgement, and what has become of it."""

    acknowledgement: Acknowledgement
    standing: Standing
    occurring: Occurring
    because: str
    """In words, with the numbers."""
    title: str = ""
    """The fingerprint in words, where discrepancies of it are stored."""


def covers(one: Acknowledgement, scope: Scope) -> bool:
    """Whether a discrepancy lies within an acknowledgement's scope, whatever its day."""
    return one.fingerprint == scope.fingerprint and all(
        not wanted or wanted == found
        for wanted, found in (
            (one.vendor, scope.vendor),
            (one.model, scope.model),
            (one.firmware, scope.firmware),
            (one.charger, scope.charger_id),
        )
    )


def covered(acknowledgements: Iterable[Acknowledgement], scope: Scope, at: Micros) -> bool:
    """Whether a discrepancy is acknowledged at a time."""
    return any(covers(one, scope) and one.at <= at < one.expires and not one.revoked for one in acknowledgements)


def report(
    acknowledgements: Iterable[Acknowledgement],
    occurring: Mapping[str, Occurring],
    titles: Mapping[str, str],
    at: Micros,
    *,
    quiet_days: int,
    quiet_sessions: int,
) -> list[Acknowledged]:
    """Where each stands, those that somebody has to see to first. `occurring` is by id, `titles` by fingerprint.

    One has stopped occurring where it was not seen for `quiet_days` while at least `quiet_sessions` were compared.
    """
    found = []
    for one in acknowledgements:
        seen = occurring.get(one.id, Occurring())
        standing, because = _standing(one, seen, at, quiet_days, quiet_sessions)
        found.append(Acknowledged(one, standing, seen, because, titles.get(one.fingerprint, "")))
    return sorted(found, key=lambda one: (_ORDER[one.standing], one.acknowledgement.expires, one.acknowledgement.id))


def _standing(
    one: Acknowledgement, seen: Occurring, at: Micros, quiet_days: int, quiet_sessions: int
) -> tuple[Standing, str]:
    if one.revoked:
        return Standing.REVOKED, "taken back"
    since = one.at if seen.last_seen is None else max(seen.last_seen, one.at)
    quiet = max(at - since, 0) // _DAY
    if at >= one.expires:
        return Standing.EXPIRED, f"expired {(at - one.expires) // _DAY} days ago; {seen.open} of it are open"
    if quiet >= quiet_days and seen.compared_since >= quiet_sessions:
        never = "never seen since it was acknowledged" if seen.last_seen is None else "not seen"
        return Standing.STOPPED, f"{never} for {quiet} days, in which {seen.compared_since} sessions were compared"
    last = "not seen yet" if seen.last_seen is None else f"last seen {max(at - seen.last_seen, 0) // _DAY} days ago"
    left = (one.expires - at) // _DAY
    return Standing.HOLDS, f"{seen.open} open on {seen.chargers} charging stations, {last}; {left} days left"


_ORDER: Final = {
    Standing.EXPIRED: 0,
    Standing.STOPPED: 1,
    Standing.HOLDS: 2,
    Standing.REVOKED: 3,
}
