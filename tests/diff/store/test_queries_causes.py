"""Fingerprints as pages list them, their days, and when sites sleep."""

from __future__ import annotations

from decimal import Decimal

import pytest

from diff.cohort import parse_cohorts
from diff.discrepancy import Status
from diff.store.changing import say
from diff.store.client import Store
from diff.store.gating import judge
from diff.store.queries import Filter, choices
from diff.store.queries.causes import acknowledged_of, causes, chargers_of, daily
from diff.store.queries.rollout import quiet_hours, site_chargers, standings
from ingest.control import Acknowledgement
from tests.diff.store.generated import AT, DAY, a_fault, a_session, add, generate

HOUR = 3_600_000_000
METER = "MeterValues.Energy.Active.Import.Register"


@pytest.fixture
def fleet(store: Store) -> Store:
    """A fleet with an energy fault of a week on one charging station, and one that was withdrawn on another."""
    generate(store, 60)
    add(store, *(a_fault("session.energy", AT - day * DAY - HOUR, session=f"s{day}") for day in range(8)))
    add(store, a_fault("meter.unit-assumed", AT - HOUR, charger=1, path=METER, delta=None, unit=None))
    add(store, a_fault("session.token", AT - HOUR, charger=2, status=Status.WITHDRAWN))
    return store


def test_a_cause_has_its_rate_its_wh_and_its_standing(fleet: Store) -> None:
    """Open ones per 1,000 comparisons of its kind, the energy without signs, and its history as a word."""
    energy, meter, token = causes(fleet, Filter(), AT)
    assert (energy.group.code, energy.standing, energy.open, energy.wh) == (
        "session.energy",
        "ongoing",
        8,
        Decimal(800),
    )
    assert energy.per_thousand == Decimal(8 * 1000) / energy.comparisons
    assert {one.group.code: one.standing for one in (meter, token)} == {
        "meter.unit-assumed": "new",
        "session.token": "withdrawn",
    }


def test_a_standing_narrows_the_list_and_its_total(fleet: Store) -> None:
    """Asked for new ones only those are given, and the total counts no other."""
    (one,) = causes(fleet, Filter(), AT, ("new",))
    assert (one.group.code, one.total) == ("meter.unit-assumed", 1)
    assert causes(fleet, Filter(), AT, ("gone",)) == []


def test_an_acknowledged_cause_is_called_so_and_keeps_its_history(fleet: Store) -> None:
    """It is found under both words."""
    wanted = a_fault("session.energy", AT).fingerprint
    say(fleet, [Acknowledgement(wanted, "r", "o", AT + DAY, by="a", at=AT - 1)], role="approver", way="page")
    (one,) = causes(fleet, Filter(), AT, ("acknowledged",))
    assert (one.standing, one.history) == ("acknowledged", "ongoing")
    assert [found.group.code for found in causes(fleet, Filter(), AT, ("ongoing",))] == ["session.energy"]
    (told,) = acknowledged_of(fleet, wanted, AT)
    assert told.acknowledgement.owner == "o"


def test_actions_and_charging_stations_narrow(fleet: Store) -> None:
    """The action is what the path begins with; ids of a site are all or nothing."""
    assert choices(fleet).actions == ("MeterValues",)
    (one,) = causes(fleet, Filter(actions=("MeterValues",)), AT)
    assert one.group.code == "meter.unit-assumed"
    assert [one.group.code for one in causes(fleet, Filter(chargers=("CP-2",)), AT)] == ["meter.unit-assumed"]
    assert causes(fleet, Filter(chargers=()), AT) == []


def test_days_have_faults_and_what_was_compared(fleet: Store) -> None:
    """A day without either is there with zeros: the line of time has no holes."""
    wanted = a_fault("session.energy", AT).fingerprint
    days = daily(fleet, wanted, AT, days=20)
    assert len(days) == 20
    assert sum(one.open for one in days) == 8
    assert days[0].compared == 0
    assert sum(one.compared for one in days) == 20  # a third of the sessions is of its kind
    assert daily(fleet, "0" * 16, AT) == []
    assert chargers_of(fleet, wanted) == ("CP-1",)


def test_standings_are_the_newest_verdicts_in_the_order_asked_for(fleet: Store) -> None:
    """Each verdict is read back whole with the outcome before it; about a time only that one counts."""
    judge(fleet, None, None, AT - DAY, AT)
    judge(fleet, None, None, AT, AT)
    (one,) = standings(fleet, ("nobody", "fleet"))
    assert (one.cohort, one.stored.at, one.previous, one.previous_at) == ("fleet", AT, "HOLD", AT - DAY)
    assert one.verdict is not None
    assert one.verdict.results[0].gate == one.stored.first
    assert standings(fleet, ("fleet",), AT - DAY)[0].stored.at == AT - DAY
    assert standings(fleet, ("fleet",), AT - DAY - 1) == []


def test_a_site_sleeps_when_its_sessions_do(store: Store) -> None:
    """Sessions count in each hour that they touch, in the zone asked for, beside the days that were watched."""
    cohorts = parse_cohorts('[sites]\nnorth = ["CP-1"]\nempty = ["XX-*"]\n')
    generate(store, 0)
    begin = AT // DAY * DAY - DAY
    # From 22:30 to 00:30 by UTC: hours 22, 23 and 0; in Kolkata (+5:30) from 4:00 to 6:00.
    last = begin + 30 * 60_000_000
    add(store, a_session(0, last, first_received_at=last - 2 * HOUR, last_received_at=last))
    (north,) = quiet_hours(store, cohorts, "UTC", AT)
    assert (north.site, north.chargers, north.sessions, north.days) == ("north", 1, 1, 14)
    assert [hour for hour, count in enumerate(north.hours) if count] == [0, 22, 23]
    assert north.enough
    assert north.quietest(2) == [(1, Decimal(0)), (2, Decimal(0))]
    (north,) = quiet_hours(store, cohorts, "Asia/Kolkata", AT)
    assert [hour for hour, count in enumerate(north.hours) if count] == [4, 5, 6]
    assert [one.site for one in quiet_hours(store, parse_cohorts(""), "UTC", AT)] == ["fleet"]
    assert site_chargers(store, cohorts, ("north", "nowhere")) == ("CP-1",)
