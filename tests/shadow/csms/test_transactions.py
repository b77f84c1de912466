"""The 2.0.1 CSMS takes TransactionEvents: the phase table, order by seqNo, and the energy rule."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from msgspec import json

from ingest.frame import Direction
from shadow.csms import sessions, transactions
from shadow.csms.state import CsmsState
from shadow.csms.transitions import TRANSITIONS, EventType, Phase, Verdict
from shadow.message import MessageType, Observations, ShadowMessage, ShadowSession

TX = "tx-1"


def _event(kind: str, seq: int, *values: dict[str, Any], **info: Any) -> ShadowMessage:
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": f"2030-01-01T12:00:{seq % 60:02d}Z",
        "triggerReason": "Trigger",
        "seqNo": seq,
        "transactionInfo": {"transactionId": TX, **info},
    }
    if values:
        payload["meterValue"] = [{"timestamp": payload["timestamp"], "sampledValue": list(values)}]
    return ShadowMessage("CP", "TransactionEvent", payload, Direction.CP_TO_CS, MessageType.REQUEST, ("c/1",), 1, seq)


def _sample(value: str, context: str = "Transaction.Begin", unit: str | None = "Wh", **more: Any) -> dict[str, Any]:
    sample: dict[str, Any] = {"value": Decimal(value), "context": context, **more}
    if unit is not None:
        sample["unitOfMeasure"] = {"unit": unit}
    return sample


def _in(phase: Phase) -> CsmsState:
    state = CsmsState()
    if phase is not Phase.UNKNOWN:
        transactions.apply(state, _event("Started", 0))
    if phase is Phase.ENDED:
        transactions.apply(state, _event("Ended", 1))
    return state


@pytest.mark.parametrize(("phase", "event"), sorted(TRANSITIONS))
def test_each_key_of_the_table_moves_the_transaction(phase: Phase, event: EventType) -> None:
    """Every step that is a key is applied and leads where the table says."""
    state = _in(phase)
    seq = {Phase.UNKNOWN: 0, Phase.RUNNING: 1}[phase]
    verdict, known = transactions.apply(state, _event(event.value, seq))
    assert verdict in (Verdict.APPLIED, Verdict.GAP)
    assert known is not None
    assert known.phase == TRANSITIONS[phase, event]


_MISSING = sorted(set(product(Phase, EventType)) - set(TRANSITIONS))


@pytest.mark.parametrize(("phase", "event"), _MISSING)
def test_a_missing_key_leaves_the_transaction_unchanged(phase: Phase, event: EventType) -> None:
    """Law 9: illegal is a missing key; the event is refused, whatever its number."""
    state = _in(phase)
    before = json.encode(state)
    seq = {Phase.RUNNING: 1, Phase.ENDED: 2}[phase]
    verdict, _ = transactions.apply(state, _event(event.value, seq))
    assert verdict in (Verdict.ILLEGAL, Verdict.AFTER_END)
    assert json.encode(state) == before


def test_every_pair_of_phase_and_event_is_tested() -> None:
    """The table's keys and the missing ones are all that there are."""
    assert len(_MISSING) + len(TRANSITIONS) == len(Phase) * len(EventType)


# -- order by seqNo ---------------------------------------------------------------------------------------------------


def _run(*events: ShadowMessage) -> tuple[list[Verdict], ShadowSession]:
    state = CsmsState()
    verdicts = [transactions.apply(state, event)[0] for event in events]
    return verdicts, transactions.session_of(state.transactions[TX])


def test_a_complete_transaction() -> None:
    """Part 2 §1.3.2: Started, Ended, and every number between."""
    verdicts, session = _run(_event("Started", 0), _event("Updated", 1), _event("Ended", 2))
    assert verdicts == [Verdict.APPLIED] * 3
    assert session.complete
    assert session.events == 3


def test_numbering_need_not_begin_at_zero() -> None:
    """A counter per EVSE is still legal (§1.3.2): what counts is that nothing is missing between."""
    _, session = _run(_event("Started", 41), _event("Ended", 42))
    assert session.complete


def test_a_missing_number_is_a_gap_and_the_transaction_incomplete() -> None:
    """E04.FR.07 lets a station drop some while offline: applied, and named."""
    verdicts, session = _run(_event("Started", 0), _event("Updated", 3), _event("Ended", 4))
    assert verdicts == [Verdict.APPLIED, Verdict.GAP, Verdict.APPLIED]
    assert session.ended
    assert not session.complete


def test_a_gap_is_closed_by_what_comes_late() -> None:
    """Delivery order is free: the number that was missing makes it complete, also after Ended."""
    verdicts, session = _run(_event("Started", 0), _event("Ended", 2), _event("Updated", 1))
    assert verdicts == [Verdict.APPLIED, Verdict.GAP, Verdict.APPLIED]
    assert session.complete


def test_a_retry_is_a_duplicate_and_changes_nothing() -> None:
    """E13: a resend repeats content and seqNo."""
    late = _event("Updated", 1, _sample("99"))
    verdicts, session = _run(_event("Started", 0), _event("Updated", 1), late, _event("Started", 0), _event("Ended", 2))
    assert verdicts[2:4] == [Verdict.DUPLICATE, Verdict.DUPLICATE]
    assert session.events == 3
    assert session.energy_wh is None


@pytest.mark.parametrize("kind", ["Started", "Updated", "Ended"])
def test_what_is_newer_than_the_end_changes_nothing(kind: str) -> None:
    """§2.6.5: nothing comes after Ended."""
    verdicts, session = _run(_event("Started", 0), _event("Ended", 1), _event(kind, 2))
    assert verdicts[-1] is Verdict.AFTER_END
    assert session.events == 2


def test_a_counter_that_leaps_lists_no_million_numbers() -> None:
    """A jump of a counter that restarted is bounded."""
    state = CsmsState()
    transactions.apply(state, _event("Started", 0))
    transactions.apply(state, _event("Updated", 2_000_000_000))
    assert len(state.transactions[TX].missing) == 256


def test_a_transaction_that_was_running_is_taken_over_and_never_complete() -> None:
    """What it lacks is the beginning: the first event is a gap."""
    verdicts, session = _run(_event("Updated", 1), _event("Ended", 2))
    assert verdicts == [Verdict.GAP, Verdict.APPLIED]
    assert session.ended
    assert not session.complete


@pytest.mark.parametrize(
    "broken",
    [
        {"transactionInfo": None},
        {"transactionInfo": {"transactionId": 7}},
        {"seqNo": "1"},
        {"eventType": "Paused"},
        {"eventType": None},
    ],
)
def test_events_that_name_nothing_are_illegal(broken: dict[str, Any]) -> None:
    """Wrong types in a native message: refused, not raised."""
    message = _event("Started", 0)
    message.payload.update(broken)
    state = CsmsState()
    assert transactions.apply(state, message) == (Verdict.ILLEGAL, None)
    assert state == CsmsState()


def test_refusals_are_observed() -> None:
    """The verdict, the transaction and the number."""
    state, obs = CsmsState(), Observations()
    for message in (_event("Started", 0), _event("Started", 0), _event("Ended", 1), _event("Updated", 2)):
        sessions.receive(state, message, obs)
    assert obs.refused == ["duplicate tx-1/0", "after-end tx-1/2"]


# -- energy -----------------------------------------------------------------------------------------------------------


def _energy(
    begin: list[dict[str, Any]], end: list[dict[str, Any]], before_end: tuple[dict[str, Any], ...] = ()
) -> tuple[Decimal | None, Decimal]:
    middle = [_event("Updated", 1, *before_end)] if before_end else []
    _, session = _run(_event("Started", 0, *begin), *middle, _event("Ended", len(middle) + 1, *end))
    return session.energy_wh, session.resolution_wh


END = "Transaction.End"


def test_energy_is_last_minus_first() -> None:
    """Total import register of Transaction.End less that of Transaction.Begin."""
    assert _energy([_sample("1000")], [_sample("3500", END)]) == (Decimal(2500), Decimal(1))


def test_the_finest_resolution_wins() -> None:
    """A sample with a tenth of a Wh is better than meterStop in whole Wh, whichever comes first."""
    assert _energy([_sample("1000")], [_sample("3500", END), _sample("3.4996", END, "kWh")])[0] == Decimal("2499.6")
    assert _energy([_sample("1000")], [_sample("3.4996", END, "kWh"), _sample("3500", END)])[0] == Decimal("2499.6")


def test_meter_stop_counts_where_the_resolution_is_equal() -> None:
    """The first value of Ended is meterStop: it wins over an equal sample, also over one that came before Ended."""
    assert _energy([_sample("1000")], [_sample("3500", END), _sample("3490", END)])[0] == Decimal(2500)
    assert _energy([_sample("1000")], [_sample("3500", END)], (_sample("3490", END),))[0] == Decimal(2500)


def test_kwh_with_two_decimals_is_good_to_ten_wh() -> None:
    """The coarser of the two readings is the resolution of their difference."""
    begin, end = [_sample("3051.11", unit="kWh")], [_sample("3051.36", END, "kWh")]
    assert _energy(begin, end) == (Decimal(250), Decimal(10))
    assert _energy([_sample("3051110")], end)[1] == Decimal(10)


@pytest.mark.parametrize(
    ("value", "multiplier", "wh", "resolution"),
    [("3.05", 3, "3050", "10"), ("3", 3, "3000", "1000"), ("3050", 0, "3050", "1"), ("30500", -1, "3050", "0.1")],
)
def test_the_multiplier_moves_the_point(value: str, multiplier: int, wh: str, resolution: str) -> None:
    """UnitOfMeasureType §2.52: a power of ten on the value, and on the weight of its last digit."""
    end = _sample(value, END)
    end["unitOfMeasure"]["multiplier"] = multiplier
    assert _energy([_sample("0.0")], [end]) == (Decimal(wh), max(Decimal(resolution), Decimal("0.1")))


@pytest.mark.parametrize(
    "other",
    [
        {"phase": "L1"},
        {"location": "Inlet"},
        {"location": "EV"},
        {"measurand": "Energy.Active.Export.Register"},
        {"context": "Sample.Periodic"},
        {"context": "Sample.Clock"},
    ],
)
def test_other_values_are_no_energy(other: dict[str, Any]) -> None:
    """Phases, the grid side, other measurands and what lies between the ends."""
    assert _energy([_sample("1000")], [{**_sample("3500", END), **other}])[0] is None


@pytest.mark.parametrize("unit", ["Hz", "varh", "MWh"])
def test_units_of_no_energy_are_not_used(unit: str) -> None:
    """A register in Hertz is no register."""
    assert _energy([_sample("1000")], [_sample("3500", END, unit)])[0] is None


def test_wh_is_the_default_unit() -> None:
    """UnitOfMeasureType: absent is Wh."""
    assert _energy([_sample("1000", unit=None)], [_sample("3500", END, unit=None)])[0] == Decimal(2500)


def test_an_absent_stopped_reason_is_local_e07_fr_04() -> None:
    """And a present one is kept."""
    assert _run(_event("Started", 0), _event("Ended", 1))[1].stopped_reason == "Local"
    assert _run(_event("Started", 0), _event("Ended", 1, stoppedReason="Remote"))[1].stopped_reason == "Remote"


def test_the_evse_and_the_token_are_those_of_the_first_event() -> None:
    """Repeats break nothing (E01.FR.16); the token that ends it is not the one that pays."""
    started, ended = _event("Started", 0), _event("Ended", 1)
    started.payload.update({"evse": {"id": 2, "connectorId": 1}, "idToken": {"idToken": "AA", "type": "Central"}})
    ended.payload.update({"evse": {"id": 9, "connectorId": 9}, "idToken": {"idToken": "BB", "type": "Central"}})
    _, session = _run(started, ended)
    assert (session.evse_id, session.connector_id, session.id_token) == (2, 1, "AA")


# -- what only native messages do --------------------------------------------------------------------------------------


def test_a_started_that_comes_last_completes_the_session() -> None:
    """Order of delivery is free (Part 6): Ended came before Updated, and Updated before Started."""
    state = CsmsState()
    verdicts = [
        transactions.apply(state, _event(kind, seq, *values), native=True)[0]
        for kind, seq, *values in (
            ("Ended", 3, _sample("5000", "Transaction.End")),
            ("Updated", 2),
            ("Started", 0, _sample("1000")),
            ("Updated", 1),
        )
    ]
    assert verdicts == [Verdict.GAP, Verdict.APPLIED, Verdict.APPLIED, Verdict.APPLIED]
    session = transactions.session_of(state.transactions[TX])
    assert (session.complete, session.ended, session.energy_wh, session.native) == (True, True, Decimal(4000), True)


def test_a_second_start_under_a_lower_number_changes_nothing() -> None:
    """One Started is enough: another one before it is a duplicate."""
    state = CsmsState()
    transactions.apply(state, _event("Started", 5))
    assert transactions.apply(state, _event("Started", 3))[0] is Verdict.DUPLICATE
    assert transactions.apply(state, _event("Updated", 4))[0] is Verdict.DUPLICATE


def test_numbers_that_are_missing_are_bounded() -> None:
    """A counter that leaps again and again: the newest holes are remembered, and the session is not complete."""
    state = CsmsState()
    transactions.apply(state, _event("Started", 0))
    for number in range(1, 50):
        transactions.apply(state, _event("Updated", number * 1000))
    assert len(state.transactions[TX].missing) <= 768
    transactions.apply(state, _event("Ended", 60_000))
    assert not transactions.session_of(state.transactions[TX]).complete


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"transactionInfo": [], "seqNo": 0, "eventType": "Started"},
        {"transactionInfo": {"transactionId": 7}, "seqNo": 0, "eventType": "Started"},
        {"transactionInfo": {"transactionId": TX}, "seqNo": True, "eventType": "Started"},
        {"transactionInfo": {"transactionId": TX}, "seqNo": 2**70, "eventType": "Started"},
        {"transactionInfo": {"transactionId": TX}, "seqNo": 0, "eventType": ["Started"]},
    ],
)
def test_an_event_that_names_nothing_is_illegal(payload: dict[str, Any]) -> None:
    """Native payloads may hold anything: without transaction, number and type nothing is applied."""
    message = ShadowMessage("CP", "TransactionEvent", payload, Direction.CP_TO_CS, MessageType.REQUEST, ("c/1",), 1, 0)
    assert transactions.apply(CsmsState(), message, native=True) == (Verdict.ILLEGAL, None)


def test_fields_of_the_wrong_type_are_absent() -> None:
    """The session stands with what can be read."""
    payload = {
        "transactionInfo": {"transactionId": TX, "chargingState": 5, "stoppedReason": {}}, "seqNo": 0,
        "eventType": "Started", "timestamp": 12, "evse": {"id": 2**40, "connectorId": "1"}, "idToken": "AA",
        "meterValue": [7, {"sampledValue": {"value": 1}}, {"sampledValue": [{"value": [], "unitOfMeasure": 3}]}],
    }  # fmt: skip
    message = ShadowMessage("CP", "TransactionEvent", payload, Direction.CP_TO_CS, MessageType.REQUEST, ("c/1",), 1, 0)
    state = CsmsState()
    assert transactions.apply(state, message, native=True)[0] is Verdict.APPLIED
    session = transactions.session_of(state.transactions[TX])
    assert (session.evse_id, session.connector_id, session.id_token, session.started_at) == (None, None, None, None)
