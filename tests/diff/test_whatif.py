"""What if: sessions lived side by side under two settings."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from demo.native import NativeScript
from demo.script import Script
from demo.traffic import Traffic
from diff.policy import DEFAULT as POLICY
from diff.policy import Numbers, Policy
from diff.tariff.book import parse_book
from diff.whatif.comparing import WhatIf
from diff.whatif.life import Setting
from diff.whatif.moves import Cohort, cohort
from ingest.frame import Frame
from shadow.config import DEFAULT

BEFORE = Setting()
AT_THE_CABLE = Setting(replace(DEFAULT, tx_stop_points=frozenset({"EVConnected"})))
AT_THE_TOKEN = Setting(replace(DEFAULT, tx_start_points=frozenset({"Authorized"})))


def _fed(frames: list[Frame], after: Setting, *cohorts: Cohort, before: Setting = BEFORE) -> WhatIf:
    report = WhatIf(before, after, cohorts)
    for frame in frames:
        report.feed(frame)
    report.end()
    assert report.faults == []
    return report


def _session(charger: str = "CP1", **boot: str) -> Script:
    """Token, cable after 30 s, charging for ten minutes; the cable stays for five more."""
    script = Script(charger).boot(**boot).status(1, "Available").wait(10).authorize("04A1B2C3").wait(30)
    script.status(1, "Preparing").start(1, "04A1B2C3", 1000, transaction=7).status(1, "Charging").wait(600)
    script.status(1, "SuspendedEV").stop(7, 3500, "Local").status(1, "Finishing").wait(300)
    return script.status(1, "Available").wait(60).status(1, "Available")


def test_a_later_stop_point_moves_the_stop_and_the_idle_minutes() -> None:
    """Up to the moment at which the cable goes: five minutes more, all of them idle; the energy is the same."""
    report = _fed(_session().frames, AT_THE_CABLE)
    (move,) = report.moves
    assert move.start == 0
    assert Decimal(300) <= (move.stop or 0) < Decimal(302)
    assert move.idle == move.stop == move.duration
    assert (move.before.energy_wh, move.after.energy_wh, move.energy_wh) == (2500, 2500, 0)
    (sums,) = report.sums.values()
    assert (sums.sessions, sums.moved, sums.chargers, sums.stop) == (1, 1, 1, move.stop)
    assert (sums.codes_before["session.stop-time"], sums.codes_after["session.stop-time"]) == (0, 1)


def test_an_earlier_start_point_pairs_by_the_start_of_1_6() -> None:
    """The shadow's session begins with the token, under another id; it is the same session all the same."""
    report = _fed(_session().frames, AT_THE_TOKEN)
    (move,) = report.moves
    assert move.before.session_id != move.after.session_id or move.before.started_at != move.after.started_at
    assert Decimal(-31) < (move.start or 0) <= Decimal(-30)
    assert move.stop == 0
    (sums,) = report.sums.values()
    assert (sums.sessions, sums.only_before, sums.only_after) == (1, 0, 0)


def test_a_clock_that_is_wrong_moves_nothing() -> None:
    """An Authorize has no time of its own: the offset of the station's clock is added to its time of receipt."""
    hour = 3600
    script = Script().boot()
    for status in ("Available", "Preparing", "Available"):
        script.wait(10).status(1, status, at=script.ago(-hour))
    script.authorize("04A1B2C3").wait(30).status(1, "Preparing", at=script.ago(-hour))
    script.start(1, "04A1B2C3", 1000, transaction=7, at=script.ago(-hour)).wait(600)
    script.stop(7, 3500, at=script.ago(-hour)).wait(60).status(1, "Available", at=script.ago(-hour))
    (move,) = _fed(script.frames, AT_THE_TOKEN).moves
    assert Decimal(-32) < (move.start or 0) < Decimal(-28)


def test_a_token_without_a_charge_is_a_session_of_one_side_only() -> None:
    """With TxStartPoint Authorized a token that is not followed by a cable is a transaction."""
    script = Script().boot().status(1, "Available").authorize("04A1B2C3").wait(400).status(1, "Available")
    (sums,) = _fed(script.frames, AT_THE_TOKEN).sums.values()
    assert (sums.sessions, sums.only_before, sums.only_after) == (0, 0, 1)


def test_the_same_settings_move_nothing() -> None:
    """A fleet with faults, twice the same: sums of nought and no session shown."""
    report = _fed(list(Traffic(seed=2, chargers=12, sessions_per_charger=2, fault_share=0.5)), BEFORE)
    assert report.moves == []
    for sums in report.sums.values():
        assert (sums.moved, sums.start, sums.stop, sums.idle, sums.energy_wh) == (0, 0, 0, 0, 0)
        assert (sums.only_before, sums.only_after) == (0, 0)
        assert sums.codes_before == sums.codes_after
    assert sum(sums.sessions for sums in report.sums.values()) > 12


def test_a_tolerance_changes_what_counts_as_a_difference() -> None:
    """The finest reading says 2999.5 Wh where 3000 are billed: nothing at 1 Wh, a mismatch at none."""
    script = Script().boot().status(1, "Preparing").start(1, "AA", 0, transaction=7).wait(600)
    script.meter(1, 7, "2999.5", "Transaction.End").stop(7, 3000)
    strict = Setting(policy=replace(POLICY, energy=Numbers(resolution=True)))
    (sums,) = _fed(script.frames, strict).sums.values()
    assert (sums.codes_before["session.energy"], sums.codes_after["session.energy"]) == (0, 1)
    assert sums.moved == 0


def test_sessions_that_run_are_not_compared() -> None:
    """And one that has ended under one setting only is none that has ended."""
    script = Script().boot().status(1, "Preparing").start(1, "AA", 0, transaction=7).wait(60).stop(7, 100)
    (sums,) = _fed(script.frames, AT_THE_CABLE).sums.values()
    assert (sums.sessions, sums.unfinished) == (0, 1)


def test_native_sessions_are_counted_apart() -> None:
    """They live by the settings of their own station."""
    script = NativeScript().boot().status(1, "Occupied").started("t").wait(60).ended("t")
    (sums,) = _fed(script.frames, AT_THE_CABLE).sums.values()
    assert (sums.sessions, sums.native) == (0, 1)


def test_cohorts_are_summed_by_the_first_that_fits() -> None:
    """By glob on vendor, model, firmware and charging station; without cohorts by kind."""
    frames = [*_session("A1").frames, *_session("B1").frames, *_session("C1", firmwareVersion="2.0").frames]
    frames.sort(key=lambda frame: frame.order_key)
    named = _fed(frames, AT_THE_CABLE, cohort("charger=A*"), cohort("vendor=Alder,firmware=2.*"))
    assert {name: sums.sessions for name, sums in named.sums.items()} == {
        "charger=A*": 1,
        "vendor=Alder,firmware=2.*": 1,
        "other": 1,
    }
    kinds = _fed(frames, AT_THE_CABLE)
    assert {name: sums.chargers for name, sums in kinds.sums.items()} == {
        "Alder · Curb 11 · ?": 2,
        "Alder · Curb 11 · 2.0": 1,
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Alder", "write vendor=GLOB"),
        ("site=A", "'site=A': write vendor=GLOB"),
        ("model=", "write vendor=GLOB"),
        ("model=A,model=B", "model stands twice"),
    ],
)
def test_what_is_no_cohort(given: str, said: str) -> None:
    """Which part, and what to write."""
    with pytest.raises(ValueError, match=said):
        cohort(given)


def _tariff(currency: str = "EUR", parking: str = "6.00") -> Policy:
    """Forty cents a kWh, and so much for an hour of parking."""
    elements = [
        {
            "price_components": [
                {"type": "ENERGY", "price": Decimal("0.40"), "step_size": 1},
                {"type": "PARKING_TIME", "price": Decimal(parking), "step_size": 60},
            ]
        }
    ]
    given = {"id": "t", "currency": currency, "elements": elements, "last_updated": "2026-01-01T00:00:00Z"}
    return Policy(tariffs=parse_book({"tariffs": [given], "assign": [{"chargers": ["*"], "tariff": "t"}]}))


def _priced(before: Setting, after: Setting) -> WhatIf:
    report = WhatIf(before, after)
    for frame in _session().frames:
        report.feed(frame)
    report.end()
    return report


def test_bills_move_under_the_settings_by_the_tariff_of_both() -> None:
    """Five idle minutes more at ten cents each; energy costs the same."""
    policy = _tariff()
    report = _priced(replace(BEFORE, policy=policy), replace(AT_THE_CABLE, policy=policy))
    (sums,) = report.sums.values()
    bills = sums.bills["EUR"]
    assert bills.sessions == 1
    assert bills.after - bills.before in (Decimal("0.50"), Decimal("0.60"))
    (row,) = report.document()["cohorts"].values()
    assert row["price"] == {"EUR": {"sessions": 1, "before": f"{bills.before}", "after": f"{bills.after}"}}
    (session,) = report.document()["sessions"]
    assert session["price"]["after"] == {"currency": "EUR", "amount": f"{bills.after}"}


def test_bills_move_under_another_tariff_although_no_session_does() -> None:
    """Only money moves: the session is shown, and not counted as moved."""
    before, after = (replace(AT_THE_CABLE, policy=_tariff(parking=price)) for price in ("6.00", "12.00"))
    document = _priced(before, after).document()
    assert (document["moved"], document["shown"]) == (0, 1)
    (row,) = document["cohorts"].values()
    assert Decimal(row["price"]["EUR"]["after"]) > Decimal(row["price"]["EUR"]["before"])


def test_another_currency_is_no_difference() -> None:
    """Euros and francs are never taken from each other: such sessions are counted apart."""
    before, after = (replace(BEFORE, policy=_tariff(currency)) for currency in ("EUR", "CHF"))
    (row,) = _priced(before, after).document()["cohorts"].values()
    assert (row["price"], row["other_currency"]) == (None, 1)


def test_without_a_tariff_there_is_no_price() -> None:
    """Nothing is guessed."""
    (row,) = _priced(BEFORE, AT_THE_CABLE).document()["cohorts"].values()
    assert (row["price"], row["other_currency"]) == (None, 0)


def test_a_clock_that_is_wrong_moves_no_start_that_a_token_begins() -> None:
    """A remote start, by a station whose clock is an hour behind: the start stands by one clock on both sides."""
    script = Script().boot()
    for status in ("Available", "Preparing", "Available", "Unavailable", "Available"):
        script.wait(10).status(1, status, at=script.ago(3600))
    script.remote("RemoteStartTransaction", {"idTag": "AA", "connectorId": 1}).wait(0.2)
    script.start(1, "AA", 1000, transaction=7, at=script.ago(3600)).status(1, "Charging", at=script.ago(3600)).wait(600)
    script.stop(7, 3500, "Local", at=script.ago(3600)).status(1, "Available", at=script.ago(3600)).wait(60)
    script.status(1, "Available", at=script.ago(3600))
    (sums,) = _fed(script.frames, AT_THE_TOKEN).sums.values()
    assert (sums.sessions, sums.codes_after["session.start-time"]) == (1, 0)


def test_memory_is_bounded_and_nothing_is_lost() -> None:
    """A charging station with more sessions than are held: all of them are summed, two hundred are shown."""
    script = Script().boot().status(1, "Available")
    for number in range(1, 701):
        script.wait(10).status(1, "Preparing").start(1, "AA", number, transaction=number).status(1, "Charging").wait(5)
        script.stop(number, number + 1).wait(2 + number % 7).status(1, "Available")
    report = WhatIf(BEFORE, AT_THE_CABLE)
    held = 0
    for frame in script.wait(10).status(1, "Available").frames:
        report.feed(frame)
        held = max(held, len(report._before.lives.get("CP1", {})), len(report._after.lives.get("CP1", {})))
    report.end()
    (sums,) = report.sums.values()
    assert (sums.sessions, sums.unfinished, sums.only_before, sums.only_after) == (700, 0, 0, 0)
    assert held <= 514
    assert len(report.moves) == 200
    weights = [move.weight for move in report.moves]
    assert weights == sorted(weights, reverse=True)
    document = report.document()
    assert (document["shown"], len(document["sessions"])) == (200, 200)
