"""When the shadow saw a charging station, when it was blind, and when the station was not there. Pure.

A station that is away and a copy that is cut look alike in the frames: nothing comes. What tells them apart is the
tap's account of each connection, and the gaps that stand in place of frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = ["Cut", "Link", "Sight", "Stretch", "blind_for", "stretches"]

_SIGHTED: Final = frozenset({"mirrored", "closed"})


class Sight(StrEnum):
    """What of a station was seen."""

    SEEN = "seen"
    BLIND = "blind"
    """It talked, and nothing of it was mirrored."""
    AWAY = "away"
    """It was not connected through a tap: there was nothing to see."""


class Link(msgspec.Struct, frozen=True):
    """One connection, by the tap's newest account of it."""

    connection_id: str
    state: str
    opened_at: Micros
    closed_at: Micros | None
    """None: it lives, or its end was not told."""
    last_frame_at: Micros | None
    subprotocol: str
    frames: int
    gaps: int
    bytes_forwarded: int
    bytes_mirrored: int
    bytes_parsed: int
    total: int
    """Connections that meet the condition, listed or not."""

    @property
    def sighted(self) -> bool:
        """Whether frames of it are written."""
        return self.state in _SIGHTED and self.frames > 0


class Cut(msgspec.Struct, frozen=True):
    """A place where the mirrored copy of a connection was cut."""

    frame_id: str
    """Of the gap that stands in place of frames."""
    since: Micros
    at: Micros
    """When the gap was written."""
    reason: str
    bytes_missing: int
    """At least so many."""
    lasting: bool
    """The connection could not be parsed again until it reconnected."""

    @property
    def connection_id(self) -> str:
        """The connection that was cut."""
        return self.frame_id.rpartition("/")[0]


class Stretch(msgspec.Struct, frozen=True):
    """A stretch of time, both ends on the tap's clock."""

    begin: Micros
    end: Micros
    sight: Sight
    why: str
    """Of blindness: the state of the connection, or the reason of the gap."""
    connection_id: str


def stretches(links: Sequence[Link], cuts: Iterable[Cut], since: Micros, until: Micros) -> list[Stretch]:
    """What was seen in each part of a time range, in order and without holes.

    Where connections overlap, as after a station's modem broke off, the newer one tells. A stretch without an account
    of a tap is `away`: of times without a tap nothing is known.
    """
    found: list[Stretch] = []
    at = since
    ordered = sorted(links, key=lambda link: link.opened_at)
    by_link: dict[str, list[Cut]] = {}
    for cut in cuts:
        by_link.setdefault(cut.connection_id, []).append(cut)
    for number, link in enumerate(ordered):
        following = ordered[number + 1].opened_at if number + 1 < len(ordered) else until
        begin, end = max(link.opened_at, at), min(until if link.closed_at is None else link.closed_at, following, until)
        if end <= begin:
            continue
        if begin > at:
            found.append(Stretch(at, begin, Sight.AWAY, "", ""))
        found += _within(link, by_link.get(link.connection_id, []), begin, end)
        at = end
    if at < until:
        found.append(Stretch(at, until, Sight.AWAY, "", ""))
    return found


def blind_for(found: Iterable[Stretch]) -> tuple[Micros, Micros]:
    """How long the shadow was blind, and how long the station was connected: part and whole."""
    there = [one for one in found if one.sight is not Sight.AWAY]
    blind = sum(one.end - one.begin for one in there if one.sight is Sight.BLIND)
    return blind, sum(one.end - one.begin for one in there)


def _within(link: Link, cuts: Iterable[Cut], begin: Micros, end: Micros) -> list[Stretch]:
    if not link.sighted:
        return [Stretch(begin, end, Sight.BLIND, link.state, link.connection_id)]
    found: list[Stretch] = []
    at = begin
    for cut in sorted(cuts, key=lambda cut: cut.since):
        first, last = max(cut.since, at), min(end if cut.lasting else max(cut.at, cut.since), end)
        if last <= first:
            continue
        if first > at:
            found.append(Stretch(at, first, Sight.SEEN, "", link.connection_id))
        found.append(Stretch(first, last, Sight.BLIND, cut.reason, link.connection_id))
        at = last
    if at < end:
        found.append(Stretch(at, end, Sight.SEEN, "", link.connection_id))
    return found
