"""Waves: a part of a fleet that is the same today and tomorrow, and only grows with its percentage. Pure.

Each charging station has a place from 0 to 9,999 in a series, by a hash of both names. A wave of 10 % is the first
thousand places; at 25 % it holds the same stations and more. Nobody keeps a list, taps need not speak to each other,
and whoever joins the fleet later has its place at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Final

import msgspec

__all__ = ["PLACES", "Candidate", "Scope", "joins_at", "place_of", "within"]

PLACES: Final = 10_000


class Candidate(msgspec.Struct, frozen=True):
    """A charging station that may join; what is not known of it is empty."""

    charger_id: str
    vendor: str = ""
    model: str = ""
    firmware: str = ""


class Scope(msgspec.Struct, frozen=True):
    """Who is meant at all: globs, case counts; an empty one means any."""

    sites: tuple[str, ...] = ()
    """Of charging station ids: a site is what its ids have in common."""
    vendor: str = ""
    model: str = ""
    firmware: str = ""

    def holds(self, candidate: Candidate) -> bool:
        """Whether a charging station is meant. One of which a wanted fact is not known is not."""
        if self.sites and not any(fnmatchcase(candidate.charger_id, site) for site in self.sites):
            return False
        wanted = ((self.vendor, candidate.vendor), (self.model, candidate.model), (self.firmware, candidate.firmware))
        return all(not glob or fnmatchcase(fact, glob) for glob, fact in wanted)


def place_of(charger_id: str, series: str) -> int:
    """The place of a charging station in a series, from 0 to 9,999: the same in every process and version."""
    digest = blake2b(charger_id.encode("utf-8", "surrogatepass"), key=series.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest, "big") % PLACES


def within(charger_id: str, series: str, percent: Decimal) -> bool:
    """Whether a charging station belongs to the first so many per cent of a series."""
    return place_of(charger_id, series) < percent * (PLACES // 100)


def joins_at(candidates: Iterable[Candidate], series: str, scope: Scope) -> list[tuple[Decimal, Candidate]]:
    """Who joins when: the candidates of a scope with the least percentage that holds them, in the order of joining."""
    found = [(Decimal(place_of(one.charger_id, series) + 1) / 100, one) for one in candidates if scope.holds(one)]
    return sorted(found, key=lambda pair: (pair[0], pair[1].charger_id))
