"""When a tariff element holds (OCPI 2.2.1 §11.4.6), and where a session has to be cut because of that. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from diff.tariff.profile import Segment
from diff.tariff.tariff import Restrictions, Tariff, TariffError

__all__ = ["Moment", "cuts", "holds"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MIDNIGHT: Final = time(0, 0)
_MOST_DAYS: Final = 62
_SECOND: Final = 1_000_000


class Moment(NamedTuple):
    """A moment of a session."""

    at: Fraction
    """Microseconds since 1970."""
    energy_wh: Fraction
    """Transferred so far."""
    duration: Fraction
    """Microseconds since the session began."""


def holds(wanted: Restrictions, moment: Moment, zone: tzinfo | None) -> bool:
    """Whether every restriction is met. Lower bounds are included, upper ones are not."""
    seconds = moment.duration / _SECOND
    return (
        _within(moment.energy_wh, wanted.min_wh, wanted.max_wh)
        and _within(seconds, wanted.min_seconds, wanted.max_seconds)
        and (not wanted.local or _holds_locally(wanted, _local(moment.at, zone)))
    )


def _within(value: Fraction, least: Decimal | None, most: Decimal | None) -> bool:
    return (least is None or value >= Fraction(least)) and (most is None or value < Fraction(most))


def _holds_locally(wanted: Restrictions, local: datetime) -> bool:
    if wanted.days and local.weekday() not in wanted.days:
        return False
    if wanted.start_date is not None and local.date() < wanted.start_date:
        return False
    if wanted.end_date is not None and local.date() >= wanted.end_date:
        return False
    now, begin, end = local.time(), wanted.start_time or _MIDNIGHT, wanted.end_time or _MIDNIGHT
    if end == _MIDNIGHT:
        return now >= begin
    return begin <= now < end if begin < end else now >= begin or now < end


def cuts(tariff: Tariff, segment: Segment, began: Fraction, energy: Fraction, zone: tzinfo | None) -> list[Fraction]:
    """Where inside a segment (shares of it, from 0 to 1) a restriction begins or ends to hold, in order.

    Raises:
        TariffError: local times decide and no zone is known, or the segment is absurdly long.

    """
    found: set[Fraction] = set()
    for element in tariff.elements:
        wanted = element.restrictions
        for limit in (wanted.min_wh, wanted.max_wh):
            if limit is not None and segment.energy_wh:
                found.add((Fraction(limit) - energy) / segment.energy_wh)
        for limit in (wanted.min_seconds, wanted.max_seconds):
            if limit is not None and segment.duration:
                found.add((began + Fraction(limit) * _SECOND - segment.start) / segment.duration)
    if tariff.local and segment.duration:
        found.update((at - segment.start) / segment.duration for at in _local_moments(tariff, segment, zone))
    return sorted(place for place in found if 0 < place < 1)


def _local_moments(tariff: Tariff, segment: Segment, zone: tzinfo | None) -> Iterator[int]:
    """Every midnight and every time of day that some restriction names, of the days that the segment touches."""
    times = {_MIDNIGHT}
    for element in tariff.elements:
        times.update(one for one in (element.restrictions.start_time, element.restrictions.end_time) if one is not None)
    first = _local(segment.start, zone).date()
    last = _local(segment.start + segment.duration, zone).date()
    if (last - first).days > _MOST_DAYS:
        raise TariffError(f"a session of more than {_MOST_DAYS} days: look at its times before its price")
    day = first
    while day <= last:
        for one in times:
            yield (datetime.combine(day, one, tzinfo=zone) - _EPOCH) // _MICROSECOND
        day += timedelta(days=1)


def _local(at: Fraction, zone: tzinfo | None) -> datetime:
    if zone is None:
        raise TariffError("the tariff depends on the time of day: name time_zone in tariff_file")
    return (_EPOCH + int(at) * _MICROSECOND).astimezone(zone)
