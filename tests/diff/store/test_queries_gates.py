"""Evidence, acknowledgements and the history of fingerprints against the real engine: every figure is known before."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from diff.acknowledgement import Standing
from diff.cohort import FLEET, Cohorts, Member, ad_hoc
from diff.discrepancy import Status
from diff.gates.coverage import OFFLINE_START, OFFLINE_STOP, REBOOT_IN_SESSION
from diff.gates.evidence import CohortEvidence
from diff.gates.thresholds import DEFAULT
from diff.store.client import Store
from diff.store.queries.acknowledgements import acknowledgement_report, acknowledgements
from diff.store.queries.fingerprints import fingerprint_lines
from diff.store.queries.gates import evidence_of, fleet_members, newest_noise_run
from diff.store.queries.traffic import actions_by_charger
from diff.store.tables import ChargerFacts
from ingest.control import Acknowledgement
from ingest.frame import Frame
from ingest.ocppj import parse
from shadow.message import MessageType
from tests.diff.store.generated import AT, CHARGERS, DAY, TIMES, a_fault, a_session, add, an_account, generate


def _evidence(store: Store, selection: str = "", at: int = AT) -> CohortEvidence:
    cohort = ad_hoc(selection) if selection else FLEET
    return evidence_of(store, cohort, Cohorts(), DEFAULT, at)


def test_an_empty_store_is_no_evidence(store: Store) -> None:
    """Nobody, nothing, and no error."""
    evidence = _evidence(store)
    assert (evidence.sights, evidence.sessions, evidence.comparisons, evidence.faults) == ((), 0, 0, ())
    assert fingerprint_lines(store, AT) == []
    assert acknowledgement_report(store, AT) == []


def test_what_was_written_is_counted_once(store: Store) -> None:
    """Twice written is once counted: sessions by day, comparisons, actions, bytes; a cohort has its own part."""
    generate(store, 84)
    generate(store, 84)
    evidence = _evidence(store)
    assert (evidence.sessions, evidence.weighed, evidence.comparisons) == (84, 84, 504)
    assert [day.sessions for day in evidence.days] == [6] * 14
    assert evidence.weekly_sessions == 42
    assert {kind.name: kind.actions["StopTransaction"] for kind in evidence.kinds} == {
        "ACME One": 40,
        "Birch Two": 40,
        "Cedar Three": 40,
    }
    assert evidence.used == frozenset(TIMES)
    assert {(one.bytes_forwarded, one.bytes_parsed, one.open_gap) for one in evidence.sights} == {
        (100_000, 100_000, "")
    }
    assert evidence.noise is not None
    assert evidence.noise.frames == 500
    part = _evidence(store, "vendor=ACME")
    assert (part.sessions, [one.charger_id for one in part.sights]) == (28, ["CP-1"])
    assert part.attention.whole_fleet is False


def test_what_is_not_judged_withdrawn_too_old_or_later_does_not_count(store: Store) -> None:
    """Nor what another run says."""
    generate(store, 3)
    add(
        store,
        a_session(10, AT - DAY, judged=False),
        a_session(11, AT - DAY, compared=False),
        a_session(12, AT - DAY, status=Status.WITHDRAWN),
        a_session(13, AT - 29 * DAY),
        a_session(14, AT + 1),
        a_session(15, AT - DAY, judging_run="other"),
        a_session(16, AT - DAY, shadow_energy_wh=None),
        a_fault("session.energy", AT - 29 * DAY, session="old"),
        a_fault("session.energy", AT + 1, session="later"),
        a_fault("session.energy", AT - 1, session="gone", status=Status.WITHDRAWN),
        a_fault("message.field-lost", AT - 1, session=None),
    )
    evidence = _evidence(store)
    assert (evidence.sessions, evidence.weighed) == (4, 3)
    assert (evidence.faults, evidence.money_sessions) == ((), 0)


def test_faults_are_grouped_and_money_is_counted_by_session(store: Store) -> None:
    """Two money codes on one session are one session; faults stand by fingerprint and charging station."""
    generate(store, 6)
    add(
        store,
        a_fault("session.energy", AT - 2 * DAY),
        a_fault("session.token", AT - 2 * DAY, path="idToken"),
        a_fault("session.energy", AT - DAY // 2, session="s3"),
        a_fault("session.stop-time", AT - DAY // 2, charger=1, session="s1", path="stop"),
        a_fault("session.zero", AT - 1, session="s3", path="session"),
    )
    evidence = _evidence(store)
    assert evidence.money_sessions == 2
    first = evidence.faults[0]
    assert (first.code, first.charger_id, first.open) == ("session.energy", "CP-1", 2)
    assert {one.code for one in evidence.faults} == {"session.energy", "session.token", "session.stop-time"}
    assert [(day.critical, day.major) for day in evidence.days[:3]] == [(1, 1), (0, 0), (2, 0)]
    assert _evidence(store, "vendor=Birch").money_sessions == 0


def test_a_firmware_is_judged_by_what_was_done_under_it(store: Store) -> None:
    """A fault of the firmware before the update is none of the new one's."""
    generate(store, 6)
    add(
        store,
        a_fault("session.energy", AT - DAY, firmware="0.9"),
        a_session(30, AT - DAY, firmware="0.9"),
        a_session(33, AT - DAY, firmware=""),
    )
    evidence = _evidence(store, "firmware=1.*")
    assert (evidence.sessions, evidence.money_sessions) == (7, 0)
    assert _evidence(store, "charger=CP-1").money_sessions == 1


def test_a_connection_that_cannot_be_read_now_is_an_open_gap(store: Store) -> None:
    """Only the present one counts, and connections that ought not to be mirrored do not."""
    generate(store, 3)
    add(
        store,
        an_account("CP-1", connection_id="CP-1@1", opened_at=AT - DAY, state="unparsable", bytes_parsed=50_000),
        an_account("CP-2", connection_id="CP-2@1", opened_at=AT - DAY, state="not-enrolled", bytes_parsed=0),
        an_account("CP-3", connection_id="CP-3@1", opened_at=AT - DAY, state="unparsable", closed_at=AT - DAY + 1),
    )
    seen = {one.charger_id: one for one in _evidence(store).sights}
    assert (seen["CP-1"].open_gap, seen["CP-1"].bytes_forwarded, seen["CP-1"].bytes_parsed) == (
        "unparsable",
        200_000,
        150_000,
    )
    assert (seen["CP-2"].open_gap, seen["CP-2"].bytes_forwarded) == ("", 100_000)
    assert seen["CP-3"].open_gap == ""


def test_offline_and_reboots_are_counted_from_messages_and_frames(store: Store) -> None:
    """A boot within a session, one before it, an offline start and stop; unknown actions are none."""
    add(store, a_session(0, AT - DAY))
    boot = Frame("CP-1", "c", 0, AT - DAY - 30_000_000, text='[2,"1","BootNotification",{}]')
    early = replace(boot, seq=1, received_at=AT - 2 * DAY)
    odd = replace(boot, seq=2, text='[2,"1","Pizza",{}]')
    add(store, boot, early, odd)
    columns = ("charger_id", "judging_run", "message_id", "number", "at", "action", "type", "payload")
    kind = MessageType.REQUEST.value
    rows = [
        ("CP-1", "live", "m1", 1, AT - DAY, "TransactionEvent", kind, '{"eventType":"Started","offline":true}'),
        ("CP-1", "live", "m2", 2, AT - DAY, "TransactionEvent", kind, '{"eventType":"Ended","offline":true}'),
        ("CP-1", "live", "m3", 3, AT - DAY, "TransactionEvent", kind, '{"eventType":"Updated","offline":true}'),
        ("CP-1", "live", "m4", 4, AT - DAY, "TransactionEvent", kind, '{"eventType":"Ended","offline":false}'),
    ]
    store.insert("messages", columns, rows)
    store.insert("messages", columns, rows)
    assert parse(odd.text).action == "Pizza"
    found = actions_by_charger(store, AT - 7 * DAY, AT)
    assert dict(found["CP-1"]) == {"BootNotification": 2, REBOOT_IN_SESSION: 1, OFFLINE_START: 1, OFFLINE_STOP: 1}


def test_members_are_what_they_last_said_they_are(store: Store) -> None:
    """The newest version of the facts."""
    generate(store, 3)
    add(store, ChargerFacts("CP-1", "live", "ACME", "One", "2.0", AT, AT, 9, AT + 5))
    assert fleet_members(store)[0] == Member("CP-1", "ACME", "One", "2.0")


def test_thirty_thousand_charging_stations_fit_into_a_cohort(store: Store) -> None:
    """Their ids stand in the text of the queries."""
    facts = [ChargerFacts(f"CHARGER-{n:06}", "live", "V", "M", "1", AT, AT, 0, 1) for n in range(30_000)]
    add(store, *facts)
    evidence = _evidence(store, "vendor=V")
    assert len(evidence.sights) == 30_000


def test_the_newest_noise_run_before_a_time(store: Store) -> None:
    """A later one is not known yet."""
    generate(store, 3)
    run = newest_noise_run(store, AT)
    assert run is not None
    add(store, replace(run, id="r2", at=AT + DAY, differences=1))
    assert newest_noise_run(store, AT) == run
    later = newest_noise_run(store, AT + DAY)
    assert later is not None
    assert later.differences == 1
    assert newest_noise_run(store, AT - 2 * DAY) is None


class TestAcknowledgements:
    """Versions, scopes, and what has become of what they cover."""

    ENERGY = a_fault("session.energy", AT - DAY)
    TOLD = Acknowledgement(ENERGY.fingerprint, "known", "ann", AT + 30 * DAY, by="ann@ops", at=AT - 20 * DAY)

    def test_every_version_stays_and_the_newest_counts(self, store: Store) -> None:
        """Also as of an earlier time."""
        renewed = replace(self.TOLD, expires=AT + 90 * DAY, at=AT - DAY)
        revoked = replace(renewed, revoked=True, by="bob@ops", at=AT)
        add(store, self.TOLD, renewed)
        add(store, revoked, self.TOLD)
        assert acknowledgements(store) == [revoked]
        assert acknowledgements(store, AT - 1) == [renewed]
        assert acknowledgements(store, AT - 2 * DAY) == [self.TOLD]
        assert acknowledgements(store, AT - 21 * DAY) == []
        assert store.execute("SELECT count() FROM acknowledgements FINAL") == [(3,)]

    def test_the_report_counts_what_is_covered(self, store: Store) -> None:
        """Of its scope alone: open ones, charging stations, and sessions compared since the last."""
        generate(store, 42)
        add(
            store,
            self.ENERGY,
            a_fault("session.energy", AT - 2 * DAY, session="s3"),
            a_fault("session.energy", AT - DAY, charger=1, session="s1"),
            self.TOLD,
        )
        (one,) = acknowledgement_report(store, AT)
        assert one.standing is Standing.HOLDS
        assert (one.occurring.open, one.occurring.chargers, one.occurring.last_seen) == (2, 1, AT - DAY)
        assert one.occurring.compared_since == 1
        assert one.title == self.ENERGY.title

    def test_one_that_stopped_occurring_is_told_with_its_numbers(self, store: Store) -> None:
        """Fifteen days without it, and more than twenty sessions on its charging station since."""
        generate(store, 90)
        add(store, replace(self.ENERGY, first_received_at=AT - 15 * DAY, observed_at=AT - 15 * DAY), self.TOLD)
        (one,) = acknowledgement_report(store, AT)
        assert one.standing is Standing.STOPPED
        assert one.because == "not seen for 15 days, in which 30 sessions were compared"

    @pytest.mark.parametrize(
        ("changes", "acknowledged"),
        [({}, True), ({"charger": "CP-2"}, False), ({"firmware": "1.0"}, True), ({"expires": AT}, False)],
    )
    def test_faults_know_whether_they_are_acknowledged(
        self, store: Store, changes: dict[str, object], *, acknowledged: bool
    ) -> None:
        """By scope and day; they are counted all the same."""
        generate(store, 6)
        add(store, self.ENERGY, replace(self.TOLD, **changes))
        evidence = _evidence(store)
        assert [one.acknowledged for one in evidence.faults] == [acknowledged]
        assert evidence.money_sessions == 1

    def test_a_cohort_is_told_of_those_that_concern_it(self, store: Store) -> None:
        """By the scope's charging stations, or by where the fingerprint was seen."""
        generate(store, 6)
        add(store, self.ENERGY, self.TOLD, replace(self.TOLD, fingerprint="f" * 16, charger="CP-2"))
        assert len(_evidence(store).acknowledged) == 2
        assert [one.acknowledgement.charger for one in _evidence(store, "charger=CP-1").acknowledged] == [""]
        assert [one.acknowledgement.charger for one in _evidence(store, "vendor=Birch").acknowledged] == ["CP-2"]
        assert _evidence(store, "vendor=Cedar").acknowledged == ()


class TestFingerprints:
    """How often, on whom, how much, and what has become of it."""

    def test_a_line_has_its_counts_and_denominator(self, store: Store) -> None:
        """Wh without their signs, sessions and charging stations once each, comparisons of its own kind."""
        generate(store, 42)
        add(
            store,
            a_fault("session.energy", AT - 3 * DAY, delta=Decimal("-50.5")),
            a_fault("session.energy", AT - DAY, session="s3", occurrences=2),
            a_fault("clock.no-zone", AT - DAY, session=None, path="Heartbeat", delta=None, unit=None),
        )
        energy, clock = fingerprint_lines(store, AT)
        assert (energy.code, energy.open, energy.sessions, energy.chargers, energy.occurrences) == (
            "session.energy", 2, 2, 1, 3,
        )  # fmt: skip
        assert (energy.wh, clock.wh) == (Decimal("150.5"), None)
        assert (energy.comparisons, energy.per_thousand) == (14 * 6, Decimal(2000) / 84)
        assert (energy.first_seen, energy.last_seen, energy.state) == (AT - 3 * DAY, AT - DAY, "new")
        assert (clock.sessions, energy.acknowledged) == (0, False)

    def test_money_is_summed_by_currency_and_only_of_bills(self, store: Store) -> None:
        """What each bill is wrong by, without its sign; a difference of the wire alone weighs no money."""
        bill = {"record_id": "R", "record_amount": Decimal("9.99")}
        add(
            store,
            *(
                replace(a_session(3 * number, AT - DAY), record_currency=currency, amount_delta=delta, **bill)
                for number, currency, delta in (
                    (1, "EUR", Decimal("-0.87")),
                    (2, "EUR", Decimal("0.13")),
                    (3, "CHF", Decimal("0.05")),
                    (4, "EUR", Decimal(0)),
                    (5, "EUR", Decimal(5)),
                )
            ),
            *(a_fault("session.energy", AT - DAY, session=f"s{n}", path="CDR.total_energy") for n in (3, 6, 9)),
            a_fault("session.token", AT - DAY, session="s12", path="CDR.cdr_token", delta=None, unit=None),
            a_fault("session.energy", AT - DAY, session="s15"),
            a_fault("session.missing-in-shadow", AT - DAY, session="s12", path="CDR"),
            a_fault("session.record-amount", AT - DAY, session="s12", path="CDR.total_cost", delta=Decimal("-1.00")),
        )
        lines = {(one.code, one.path): one.money for one in fingerprint_lines(store, AT)}
        assert lines["session.energy", "CDR.total_energy"] == {"EUR": Decimal("1.00"), "CHF": Decimal("0.05")}
        assert lines["session.missing-in-shadow", "CDR"] == {"EUR": Decimal("9.99")}
        assert lines["session.record-amount", "CDR.total_cost"] == {"EUR": Decimal("1.00")}
        assert lines["session.token", "CDR.cdr_token"] == {}
        assert [money for (_, path), money in lines.items() if not path.startswith("CDR")] == [{}]

    def test_an_amount_that_its_own_tariff_does_not_give_holds_the_money_gate(self, store: Store) -> None:
        """It is money as an energy is, although it is the primary's own doing."""
        generate(store, 6)
        add(store, a_fault("session.record-amount", AT - DAY, session="s1", path="CDR.total_cost"))
        assert _evidence(store).money_sessions == 1

    def test_new_back_gone_and_acknowledged(self, store: Store) -> None:
        """By the days on which it was seen, and by the same cause on an older firmware."""
        generate(store, 90)
        again = a_fault("session.energy", AT - DAY, session="s3")
        add(
            store,
            a_fault("session.energy", AT - 20 * DAY),
            again,
            a_fault("session.token", AT - 10 * DAY, path="idToken"),
            a_fault("session.stop-time", AT - 20 * DAY, path="stop", firmware="0.9"),
            a_fault("session.stop-time", AT - DAY, path="stop", session="s6"),
            Acknowledgement(again.fingerprint, "known", "ann", AT + DAY, charger="CP-1", at=AT - DAY),
        )
        lines = {(one.code, one.firmware): one for one in fingerprint_lines(store, AT)}
        assert lines["session.energy", "1.0"].state == "regressed"
        assert lines["session.energy", "1.0"].because == "seen again after 19 quiet days"
        assert lines["session.energy", "1.0"].acknowledged
        assert lines["session.token", "1.0"].state == "gone"
        assert lines["session.stop-time", "0.9"].state == "quiet"
        assert lines["session.stop-time", "1.0"].because == "known of firmware 0.9, and here again on another"

    def test_only_some_charging_stations(self, store: Store) -> None:
        """A cohort's own lines."""
        generate(store, 6)
        add(store, a_fault("session.energy", AT - DAY), a_fault("session.energy", AT - DAY, charger=1, session="s1"))
        assert [one.vendor for one in fingerprint_lines(store, AT, chargers=["CP-2"])] == ["Birch"]
        assert fingerprint_lines(store, AT, chargers=[]) == []
        assert len(CHARGERS) == 3
