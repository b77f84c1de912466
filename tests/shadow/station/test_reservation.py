"""Reservations: the commands both ways, and the ReservationStatusUpdate that the statuses lead to."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow.config import ShadowConfig
from shadow.state import ChargerState
from shadow.station.state import MAX_RESERVATIONS
from shadow.step import step
from shadow.topology import parse

TAG = "04A1B2C3"


def _reserved(
    script: Script, connector: int = 1, *, minutes: int = 10, status: str = "Accepted", **more: Any
) -> Script:
    payload = {"connectorId": connector, "expiryDate": script.ago(-600), "idTag": TAG, "reservationId": 5}
    return script.remote("ReserveNow", {**payload, **more}, status)


def _held() -> Script:
    """Connector 1 is reserved for the next ten minutes."""
    return _reserved(Script().boot().status(1, "Available")).status(1, "Reserved").wait(60)


def _updates(script: Script) -> list[str]:
    lived = Lived().feed(script.wait(60).tick().frames)
    assert "schema.v201" not in lived.codes()
    updates = lived.requests("ReservationStatusUpdate")
    assert {update["reservationId"] for update in updates} <= {5}
    return [update["reservationUpdateStatus"] for update in updates]


def _reported(script: Script) -> list[str]:
    return [one["connectorStatus"] for one in Lived().feed(script.frames).requests("StatusNotification")]


# -- the commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("connector", "evse"), [(2, {"evseId": 2}), (0, {})])
def test_reserve_now_names_an_evse_or_none_h01(connector: int, evse: dict[str, int]) -> None:
    """Connector 0 is any of them, which 2.0.1 says by naming none; the group's token is Central."""
    lived = Lived().feed(_reserved(Script().boot(), connector, parentIdTag="GROUP").frames)
    (request,) = lived.requests("ReserveNow")
    assert request == {
        "id": 5,
        "expiryDateTime": request["expiryDateTime"],
        "idToken": {"idToken": TAG, "type": "ISO14443"},
        "groupIdToken": {"idToken": "GROUP", "type": "Central"},
        **evse,
    }
    assert lived.codes() == set()


@pytest.mark.parametrize("status", ["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"])
def test_the_five_answers_have_the_same_name(status: str) -> None:
    """ReserveNowStatusEnumType."""
    lived = Lived().feed(_reserved(Script().boot(), status=status).frames)
    assert lived.responses("ReserveNow") == [{"status": status}]


def test_which_connector_of_an_evse_is_lost() -> None:
    """2.0.1 reserves an EVSE, and a connector by its type only."""
    config = ShadowConfig(topology=parse({"station": [{"connectors": {"1": [1, 1], "2": [1, 2]}}]}))
    lived = Lived(config).feed(_reserved(Script().boot(), 2).frames)
    assert lived.requests("ReserveNow")[0]["evseId"] == 1
    assert lived.losses() == {("message.field-lost", "ReserveNow.connectorId")}


def test_an_expiry_that_cannot_be_read_cannot_be_said() -> None:
    """2.0.1 requires it: nothing is said, nothing is made up, and the flaw is named."""
    lived = Lived().feed(_reserved(Script().boot(), expiryDate="tomorrow").frames)
    assert lived.requests("ReserveNow") == []
    assert lived.codes() == {"clock.unparseable"}


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
def test_cancel_reservation_h02(status: str) -> None:
    """The id and both answers."""
    lived = Lived().feed(Script().boot().remote("CancelReservation", {"reservationId": 5}, status).frames)
    assert lived.requests("CancelReservation") == [{"reservationId": 5}]
    assert lived.responses("CancelReservation") == [{"status": status}]


# -- the end of a reservation -----------------------------------------------------------------------------------------


def test_a_reservation_that_nobody_used_is_expired_h04_fr_01() -> None:
    """Reserved → Available after its expiry, with no start (TC_047)."""
    assert _updates(_held().wait(600).status(1, "Available")) == ["Expired"]
    assert _updates(_reserved(Script().boot().status(2, "Reserved"), 0).wait(700).status(2, "Available")) == ["Expired"]


def test_before_its_expiry_it_is_not_expired() -> None:
    """Available for another reason: nothing is claimed."""
    assert _updates(_held().status(1, "Available")) == []


@pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
def test_a_reservation_of_a_broken_connector_is_removed_h01_fr_16(status: str) -> None:
    """H01.FR.16 and FR.17: once, on its own connector, whatever comes then."""
    assert _updates(_held().status(1, status).status(1, "Available").status(1, status)) == ["Removed"]
    assert _updates(_held().status(2, status)) == []


@pytest.mark.parametrize("answered_first", [True, False])
def test_after_a_cancellation_nothing_is_told_h02_fr_03(*, answered_first: bool) -> None:
    """Whether Available comes after the answer or before it, and also after the expiry."""
    script = _held().wait(600).command("CancelReservation", {"reservationId": 5}, message_id="c")
    if answered_first:
        script.answer({"status": "Accepted"}, message_id="c").status(1, "Available")
    else:
        script.status(1, "Available").answer({"status": "Accepted"}, message_id="c")
    assert _updates(script) == []


@pytest.mark.parametrize("refused", [True, False])
def test_a_cancellation_that_failed_changes_nothing(*, refused: bool) -> None:
    """Rejected, or a CALLERROR."""
    script = _held().command("CancelReservation", {"reservationId": 5})
    script = script.refuse("InternalError") if refused else script.answer({"status": "Rejected"})
    assert _updates(script.wait(600).status(1, "Available")) == ["Expired"]


def test_a_reservation_that_was_used_ends_without_a_word() -> None:
    """Its reservationId stands in Started (H01.FR.15); what happens to the connector later concerns nobody."""
    script = _held().authorize(TAG).status(1, "Preparing").start(1, TAG, 0, transaction=7, reservationId=5)
    script.status(1, "Charging").wait(700).stop(7, 500).status(1, "Finishing").status(1, "Available")
    assert _updates(script.status(1, "Faulted")) == []


@pytest.mark.parametrize("status", ["Rejected", "Occupied"])
def test_a_reservation_that_was_refused_is_none(status: str) -> None:
    """Nothing ends that never began."""
    script = _reserved(Script().boot().status(1, "Available"), status=status).wait(700)
    assert _updates(script.status(1, "Reserved").status(1, "Available").status(1, "Faulted")) == []


def test_reservations_are_bounded() -> None:
    """A CSMS that reserves without end does not fill the state, and old ones go first."""
    script = Script().boot()
    for number in range(200):
        _reserved(script, reservationId=number)
    state = ChargerState("CP1")
    for frame in script.frames:
        state, _ = step(state, frame)
    assert list(state.station.reservations) == list(range(200 - MAX_RESERVATIONS, 200))


# -- the connector while it is reserved -------------------------------------------------------------------------------


def test_the_token_frees_its_connector_before_the_transaction_h03_fr_09() -> None:
    """Reserved → Available at the token, → Occupied with the cable; then Started."""
    script = _held().authorize(TAG).status(1, "Preparing").start(1, TAG, 0, transaction=7, reservationId=5)
    assert _reported(script.wait(60).tick()) == ["Available", "Reserved", "Available", "Occupied"]


def test_with_the_cable_in_it_is_occupied_at_the_token_h03_fr_10() -> None:
    """The cable changes nothing by itself (G01.FR.09, errata 2.28)."""
    script = _held().status(1, "Preparing")
    assert _reported(script) == ["Available", "Reserved"]
    assert _reported(script.wait(5).authorize(TAG)) == ["Available", "Reserved", "Occupied"]


def test_a_token_of_the_group_counts_h03_fr_07() -> None:
    """ParentIdTag of the reservation and of the answer to Authorize."""
    script = _reserved(Script().boot().status(1, "Available"), parentIdTag="GROUP").status(1, "Reserved")
    script.call("Authorize", {"idTag": "OTHER"}).answer({"idTagInfo": {"status": "Accepted", "parentIdTag": "group"}})
    assert _reported(script) == ["Available", "Reserved", "Available"]


def test_a_strange_token_frees_nothing() -> None:
    """Accepted, and for another connector: Preparing changes nothing."""
    assert _reported(_held().authorize("STRANGER").status(1, "Preparing")) == ["Available", "Reserved"]
    blocked = _held().authorize(TAG, "Blocked").status(1, "Preparing")
    assert _reported(blocked) == ["Available", "Reserved"]


def test_a_remote_start_of_its_token_frees_it() -> None:
    """RemoteStartTransaction with the token that reserved it, then Preparing without a cable."""
    script = _held().remote("RemoteStartTransaction", {"idTag": TAG, "connectorId": 1}).status(1, "Preparing")
    assert _reported(script) == ["Available", "Reserved", "Available"]


def test_where_the_reservation_was_made_unseen_the_state_table_decides() -> None:
    """G2 of 1.6 §4.9: Reserved goes to Preparing when its identity is presented."""
    script = Script().boot().status(1, "Reserved").authorize("ANY").status(1, "Preparing")
    assert _reported(script) == ["Reserved", "Available"]
    assert _reported(Script().boot().status(1, "Reserved").status(1, "Preparing")) == ["Reserved"]
