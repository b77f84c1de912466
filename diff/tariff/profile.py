"""What a tariff is applied to: a session as segments in time, from either side. Pure.

Within a segment energy flows evenly: of its course nothing is known. Times, durations and energies are exact
fractions, so that cutting a segment loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from ingest.frame import Micros
from ingest.records.record import BillingRecord, Period

__all__ = ["Segment", "of_record", "of_session"]

_HOUR: Final = 3_600_000_000
_NONE: Final = Fraction(0)


class Segment(NamedTuple):
    """A part of a session."""

    start: Fraction
    """Microseconds."""
    duration: Fraction
    """Microseconds."""
    energy_wh: Fraction
    charging: bool
    """Whether energy is transferred; else the car is parked."""


def of_record(record: BillingRecord) -> list[Segment]:
    """The segments that a billing record tells: its charging periods, else its totals."""
    stop = record.start_at if record.stop_at is None else record.stop_at
    if not record.periods:
        span = Fraction(stop - record.start_at)
        parked = _hours(record.parking_h) or _NONE
        whole = _hours(record.time_h)
        charged = max((span if whole is None else whole) - parked, _NONE)
        return _two(Fraction(record.start_at), charged, parked, Fraction(record.energy_wh or 0))
    ends = [*(period.start_at for period in record.periods[1:]), max(stop, record.periods[-1].start_at)]
    return [one for period, end in zip(record.periods, ends, strict=True) for one in _of_period(period, Fraction(end))]


def _of_period(period: Period, end: Fraction) -> list[Segment]:
    start = Fraction(period.start_at)
    charged, parked = _hours(period.time_h), _hours(period.parking_h)
    if charged is None and parked is None:
        charged = end - start
    return _two(start, charged or _NONE, parked or _NONE, Fraction(period.energy_wh or 0))


def _two(start: Fraction, charged: Fraction, parked: Fraction, energy: Fraction) -> list[Segment]:
    """First charging, then parking, as a session goes; without any charging the energy stands at the beginning."""
    found = []
    if charged or energy or not parked:
        found.append(Segment(start, charged, energy, charging=True))
    if parked:
        found.append(Segment(start + charged, parked, _NONE, charging=False))
    return found


def of_session(
    start_at: Micros, stop_at: Micros, energy_wh: Decimal, states: Sequence[tuple[Micros, bool]] = ()
) -> list[Segment]:
    """The segments of a session: between its charging states, where some are known; else it charged all along.

    `states`: from when on it charged, or did not, by the clock of `start_at`. What lies outside of the session does not
    count; before the first of them nothing flowed.
    """
    stop_at = max(stop_at, start_at)
    known = [(at, charging) for at, charging in sorted(states, key=lambda one: one[0]) if at < stop_at]
    before = [charging for at, charging in known if at <= start_at]
    inside = [(at, charging) for at, charging in known if at > start_at]
    first = before[-1] if before else not known
    marks = [(start_at, first), *inside]
    ends = [*(at for at, _ in inside), stop_at]
    parts = [(Fraction(at), Fraction(end - at), charging) for (at, charging), end in zip(marks, ends, strict=True)]
    total = sum((duration for _, duration, charging in parts if charging), _NONE)
    energy = Fraction(energy_wh)
    if not total:
        return _two(Fraction(start_at), _NONE, Fraction(stop_at - start_at), energy)
    return [
        Segment(at, duration, energy * duration / total if charging else _NONE, charging)
        for at, duration, charging in parts
        if duration
    ]


def _hours(hours: Decimal | None) -> Fraction | None:
    return None if hours is None else Fraction(hours) * _HOUR
