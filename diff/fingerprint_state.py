"""The history of a fingerprint as one word: new, regressed, ongoing, gone, or quiet because nobody looked. Pure.

A group is about one firmware, so an update that brings a cause back shows as another group of the same cause. It is
told by what the two have in common: everything but the firmware.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = ["History", "Relative", "State", "Stated", "cause_of", "state_of"]

_DAY: Final[Micros] = 86_400_000_000


class State(StrEnum):
    """What has become of a cause."""

    NEW = "new"
    """First seen lately, on no firmware before."""
    REGRESSED = "regressed"
    """It was quiet for a while and is back, or was known of an older firmware and is seen on a newer one."""
    ONGOING = "ongoing"
    GONE = "gone"
    """Not seen for a while, although its charging stations went on being compared."""
    QUIET = "quiet"
    """Not seen for a while, and hardly anything was compared: that says nothing."""


class History(msgspec.Struct, frozen=True):
    """When a fingerprint was seen."""

    first_seen: Micros
    last_seen: Micros
    days: Sequence[int]
    """Days since 1970 on which it was seen, in order."""
    compared_since: int
    """Sessions compared on its kind of charging station since it was last seen."""


class Relative(msgspec.Struct, frozen=True):
    """The same cause on another firmware."""

    firmware: str
    first_seen: Micros
    last_seen: Micros


class Stated(msgspec.Struct, frozen=True):
    """The word, and why."""

    state: State
    because: str


def state_of(
    history: History,
    relatives: Iterable[Relative],
    at: Micros,
    *,
    quiet_days: int = 7,
    quiet_sessions: int = 20,
    new_days: int = 7,
) -> Stated:
    """Classify a fingerprint at a time.

    `quiet_days`: without an occurrence for so long it is quiet. `quiet_sessions`: so many compared meanwhile make that
    a fact about the charging stations. `new_days`: for so long it is called new, or back.
    """
    quiet = max(at - history.last_seen, 0) // _DAY
    if quiet >= quiet_days:
        compared = f"{history.compared_since} sessions compared since"
        if history.compared_since >= quiet_sessions:
            return Stated(State.GONE, f"not seen for {quiet} days, {compared}")
        return Stated(State.QUIET, f"not seen for {quiet} days, but only {compared}")
    lately = at - new_days * _DAY
    back = _came_back(history.days, quiet_days)
    if back is not None and back[1] * _DAY >= lately - _DAY:
        return Stated(State.REGRESSED, f"seen again after {back[1] - back[0]} quiet days")
    if history.first_seen < lately:
        return Stated(State.ONGOING, f"seen since {(at - history.first_seen) // _DAY} days")
    older = [one for one in relatives if one.first_seen < history.first_seen]
    if older:
        newest = max(older, key=lambda one: one.last_seen)
        return Stated(State.REGRESSED, f"known of firmware {newest.firmware or 'unknown'}, and here again on another")
    return Stated(State.NEW, f"first seen {max(at - history.first_seen, 0) // _DAY} days ago")


def cause_of(code: str, path: str, title: str) -> tuple[str, str, str]:
    """What a cause is called whatever the firmware: groups of one cause have this in common."""
    return code, path, title.rsplit(", firmware ", 1)[0]


def _came_back(days: Sequence[int], quiet_days: int) -> tuple[int, int] | None:
    """The last day before the latest pause that was long enough, and the first one after it."""
    pairs = list(pairwise(days))
    return next((pair for pair in reversed(pairs) if pair[1] - pair[0] > quiet_days), None)
