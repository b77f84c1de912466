"""What a rollout is run from: the newest verdict on each cohort, and when a site sleeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from diff.cohort import Cohort, Cohorts, members
from diff.gates.evidence import DAY
from diff.gates.verdict import Verdict
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.gates import fleet_members
from diff.store.queries.reading import read
from diff.store.queries.verdicts import COLUMNS
from diff.store.tables import StoredVerdict
from ingest.frame import Micros

__all__ = ["QuietHours", "Standing", "quiet_hours", "site_chargers", "standings"]

_LONGEST_HOURS: Final = 72
"""A session that lasts longer counts for so many hours: it is a car that was left, or a stop that was never seen."""
_ENOUGH_DAYS: Final = 7


class Standing(msgspec.Struct, frozen=True):
    """What was said of a cohort last."""

    cohort: str
    stored: StoredVerdict
    verdict: Verdict | None
    """None where another version of this program gave it, and this one cannot read its numbers."""
    previous: str
    """The outcome before it; empty where there was none."""
    previous_at: Micros | None


class QuietHours(msgspec.Struct, frozen=True):
    """When the fewest sessions run at a site, by the hour of the day in one time zone."""

    site: str
    chargers: int
    """Charging stations of the site that were lived."""
    days: int
    """Whole days that were watched: the denominator of each hour."""
    sessions: int
    """Sessions on those days."""
    hours: tuple[int, ...]
    """Sessions running within each hour of the day, from 0 to 23, summed over the days."""

    @property
    def enough(self) -> bool:
        """Whether a week was watched: with fewer days a quiet hour says little."""
        return self.days >= _ENOUGH_DAYS and self.sessions > 0

    def quietest(self, count: int = 3) -> list[tuple[int, Decimal]]:
        """The hours with the fewest sessions running, and how many on average; the earliest first among equals."""
        if not self.days:
            return []
        ordered = sorted(range(24), key=lambda hour: (self.hours[hour], hour))
        return [(hour, Decimal(self.hours[hour]) / self.days) for hour in ordered[:count]]


def standings(store: Store, cohorts: Sequence[str], at: Micros | None = None) -> list[Standing]:
    """The newest verdict on each of the cohorts, in their order; those without one are left out.

    `at`: the one about exactly that time.
    """
    query = f"""
    SELECT {COLUMNS} FROM verdicts AS v FINAL
    WHERE v.cohort IN %(cohorts)s AND (%(at)s = 0 OR v.at <= fromUnixTimestamp64Micro(%(at)s, 'UTC'))
    ORDER BY v.cohort, v.at DESC LIMIT 2 BY v.cohort"""
    found: dict[str, list[StoredVerdict]] = {}
    for row in read(store, query, {"cohorts": tuple(cohorts) or ("",), "at": at or 0}):
        one = StoredVerdict(*row)
        found.setdefault(one.cohort, []).append(one)
    kept = [found[name] for name in cohorts if name in found and (at is None or found[name][0].at == at)]
    return [_standing(*both) for both in kept]


def site_chargers(store: Store, cohorts: Cohorts, sites: Sequence[str]) -> tuple[str, ...]:
    """The charging stations of sites that were lived."""
    known = [name for name in sites if name in cohorts.sites]
    if not known:
        return ()
    own, _ = members(Cohort(name="sites", sites=tuple(known)), cohorts, fleet_members(store))
    return tuple(one.charger_id for one in own)


def quiet_hours(
    store: Store, cohorts: Cohorts, zone: str, at: Micros, days: int = 28, run: str = JUDGING_RUN
) -> list[QuietHours]:
    """When each site of the cohort file sleeps, from the sessions that were mirrored; without sites, the fleet.

    Times are the tap's. A charging station that two sites name counts at the first.
    """
    places: dict[str, str] = {}
    fleet = fleet_members(store, run) if cohorts.sites else []  # a hundred thousand: only where they have to be placed
    for site in cohorts.sites:
        own, _ = members(Cohort(name="site", sites=(site,)), cohorts, fleet)
        for one in own:
            places.setdefault(one.charger_id, site)
    if cohorts.sites and not places:
        return []
    names = list(dict.fromkeys(places.values())) or [_FLEET]
    since = max(at - days * DAY, 0)
    where = "1"
    params: dict[str, object] = {"run": run, "since": since, "at": at, "zone": zone, "longest": _LONGEST_HOURS}
    place = "0"
    if cohorts.sites:
        where, place = "charger_id IN %(chargers)s", "transform(charger_id, %(chargers)s, %(places)s, 0)"
        params |= {"chargers": list(places), "places": [names.index(site) for site in places.values()]}
    query = f"""
    SELECT {place} AS site, toHour(hour_begin, %(zone)s) AS hour, count()
    FROM (
        SELECT charger_id, arrayJoin(arrayMap(
            step -> toStartOfHour(first_received_at, %(zone)s) + toIntervalHour(step),
            range(toUInt32(least(dateDiff('hour', first_received_at, last_received_at, %(zone)s) + 1,
                %(longest)s))))) AS hour_begin
        FROM sessions FINAL
        WHERE judging_run = %(run)s AND status = 'open' AND {where} AND {_WITHIN}
    )
    GROUP BY site, hour"""
    running: Counter[tuple[int, int]] = Counter()
    for site, hour, count in read(store, query, params):
        running[site, hour] += count
    query = f"""
    SELECT {place} AS site, count() FROM sessions FINAL
    WHERE judging_run = %(run)s AND status = 'open' AND {where} AND {_WITHIN} GROUP BY site"""
    sessions = dict(read(store, query, params))
    query = f"""
    SELECT {place} AS site, toUnixTimestamp64Micro(min(first_seen)), toUnixTimestamp64Micro(max(last_seen)),
        uniqExact(charger_id)
    FROM chargers FINAL WHERE judging_run = %(run)s AND {where} GROUP BY site"""
    watched = {row[0]: row[1:] for row in read(store, query, params)}
    found = []
    for number, name in enumerate(names):
        first, last, stations = watched.get(number, (at, at, 0))
        whole = max((min(last, at) - max(first, since)) // DAY, 0)
        hours = tuple(running[number, hour] for hour in range(24))
        found.append(QuietHours(name, stations, whole, sessions.get(number, 0), hours))
    return found


def _standing(stored: StoredVerdict, before: StoredVerdict | None = None) -> Standing:
    try:
        verdict = msgspec.json.decode(stored.detail, type=Verdict)
    except msgspec.MsgspecError:
        verdict = None
    outcome, at = ("", None) if before is None else (before.outcome, before.at)
    return Standing(stored.cohort, stored, verdict, outcome, at)


_FLEET: Final = "fleet"
_WITHIN: Final = """first_received_at > fromUnixTimestamp64Micro(%(since)s, 'UTC')
            AND first_received_at <= fromUnixTimestamp64Micro(%(at)s, 'UTC')"""
