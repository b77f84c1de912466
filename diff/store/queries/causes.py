"""Fingerprints as the pages list them: what meets a filter, with its history, its rate and who answers for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest
from typing import Final

import msgspec

from diff.acknowledgement import Acknowledged
from diff.discrepancy import Class
from diff.fingerprint_state import State
from diff.gates.evidence import DAY
from diff.judging import CURRENT
from diff.store.client import Store
from diff.store.queries.acknowledgements import acknowledgement_report
from diff.store.queries.compared import sessions_by_day
from diff.store.queries.discrepancies import Group, groups
from diff.store.queries.filters import Filter
from diff.store.queries.fingerprints import FingerprintLine, fingerprint_lines
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from diff.store.queries.weeks import summarised, sums
from ingest.frame import Micros

__all__ = ["STANDINGS", "Cause", "DayCount", "acknowledged_of", "causes", "chargers_of", "daily"]

_MOST: Final = 2_000
"""Fingerprints among which a standing is looked for."""


class _Beside(StrEnum):
    """What is said beside the history."""

    ACKNOWLEDGED = "acknowledged"
    EXPECTED = "expected"
    """2.0.1 cannot say it: known beforehand, no fault."""
    WITHDRAWN = "withdrawn"
    """Later evidence took all of them back."""


STANDINGS: Final = (*(one.value for one in State), *(one.value for one in _Beside))
"""What the status of a fingerprint can be."""


class Cause(msgspec.Struct, frozen=True):
    """A fingerprint in a list."""

    group: Group
    """What of it meets the filter."""
    standing: str
    """One of `STANDINGS`; `acknowledged` stands before the history."""
    history: str
    """The history alone; empty where nothing of it is open."""
    because: str
    wh: Decimal | None
    """Sum of its differences in Wh without their signs, over all open ones; None where it is about no energy."""
    money: dict[str, Decimal]
    """By how much its sessions are billed otherwise, by currency, without the signs; empty where nothing says it."""
    open: int
    """All open ones, whatever the filter: the numerator of the rate."""
    comparisons: int
    """Fields compared on its vendor, model and firmware: the denominator."""
    per_thousand: Decimal | None
    total: int
    """Fingerprints that meet the filter and the standings, listed or not."""


class DayCount(msgspec.Struct, frozen=True):
    """A day of a fingerprint."""

    day: int
    """Days since 1970, by UTC."""
    open: int
    """First seen on it, and open."""
    withdrawn: int
    compared: int
    """Sessions compared on its vendor, model and firmware."""


def causes(store: Store, chosen: Filter, at: Micros, standings: Sequence[str] = (), limit: int = 200) -> list[Cause]:
    """The fingerprints that meet a filter, and where standings are named those alone; the worst first."""
    found = groups(store, chosen, limit=_MOST if standings else limit)
    lines = {}
    if any(one.open and one.class_ != Class.EXPECTED_LOSS for one in found):
        listed, codes = [one.fingerprint for one in found], sorted({one.code for one in found})
        told = fingerprint_lines(
            store, at, chosen.run, only=listed, codes=codes, limit=_MOST, counted=False, exact=False
        )
        lines = {one.fingerprint: one for one in told}
    every = [_cause(one, lines.get(one.fingerprint)) for one in found]
    if not standings:
        return every
    kept = [one for one in every if one.standing in standings or one.history in standings]
    return [msgspec.structs.replace(one, total=len(kept)) for one in kept[:limit]]


def daily(store: Store, fingerprint: str, at: Micros, days: int = 60, run: str = CURRENT) -> list[DayCount]:
    """How often a fingerprint began on each day up to a time, the earliest first, without holes."""
    last = at // DAY
    rows_of = counting(store, run)
    weeks = sums(f"{rows_of} AND fingerprint_key = sipHash64(%(fingerprint)s)", summarised(store, rows_of))
    query = f"""
    SELECT week, sumForEachIf(begun, status = 'open'), sumForEachIf(begun, status != 'open'), any(vendor), any(model),
        any(firmware)
    FROM {weeks} GROUP BY week"""
    rows = read(store, query, {"fingerprint": fingerprint})
    if not rows:
        return []
    seen: dict[int, tuple[int, int]] = {}
    for week, open_, withdrawn in (row[:3] for row in rows):
        first = (week - date(1970, 1, 1)).days
        # Seven numbers each, or none where the week has none of that status.
        seen |= dict(enumerate(zip_longest(open_, withdrawn, fillvalue=0), start=first))
    kind = dict(zip(("vendor", "model", "firmware"), rows[0][3:], strict=True))
    query = f"""
    SELECT day, sum(s.compared_count) FROM {sessions_by_day(store, rows_of)} AS s
    WHERE vendor = %(vendor)s AND model = %(model)s AND firmware = %(firmware)s AND day >= %(first)s GROUP BY day"""
    compared = dict(read(store, query, {**kind, "first": last - days + 1}))
    found = []
    for day in range(last - days + 1, last + 1):
        begun, taken_back = seen.get(day, (0, 0))
        found.append(DayCount(day, begun, taken_back, compared.get(day, 0)))
    return found


def chargers_of(store: Store, fingerprint: str, run: str = CURRENT, limit: int = 500) -> tuple[str, ...]:
    """Charging stations on which a fingerprint is open, those with most of it first."""
    query = f"""
    SELECT charger_id FROM discrepancies FINAL
    WHERE {counting(store, run)} AND status = 'open' AND fingerprint_key = sipHash64(%(fingerprint)s)
    GROUP BY charger_id ORDER BY count() DESC, charger_id LIMIT %(limit)s"""
    return tuple(row[0] for row in read(store, query, {"fingerprint": fingerprint, "limit": limit}))


def acknowledged_of(store: Store, fingerprint: str, at: Micros) -> list[Acknowledged]:
    """The acknowledgements of a fingerprint and where they stand, revoked ones included."""
    return [one for one in acknowledgement_report(store, at) if one.acknowledgement.fingerprint == fingerprint]


def _cause(group: Group, line: FingerprintLine | None) -> Cause:
    if line is None:
        # Nothing of it is open at that time, or it is no fault.
        expected = group.class_ == Class.EXPECTED_LOSS
        standing = (
            _Beside.EXPECTED.value if expected else _Beside.WITHDRAWN.value if not group.open else State.NEW.value
        )
        because = _WITHOUT_LINE[standing]
        return Cause(group, standing, "", because, None, {}, group.open, 0, None, group.total)
    standing = _Beside.ACKNOWLEDGED.value if line.acknowledged else line.state
    return Cause(
        group,
        standing,
        line.state,
        line.because,
        line.wh,
        line.money,
        line.open,
        line.comparisons,
        line.per_thousand,
        group.total,
    )


_WITHOUT_LINE: Final = {
    _Beside.EXPECTED.value: "2.0.1 cannot say it, or says it elsewhere: no fault",
    _Beside.WITHDRAWN.value: "later evidence took all of it back",
    State.NEW.value: "came after the time that was asked about",
}
