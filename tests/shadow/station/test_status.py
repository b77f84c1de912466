"""StatusNotification: what a 2.0.1 CSMS hears of a connector, and what becomes of the transaction on it."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow.config import ShadowConfig
from shadow.message import Provenance
from shadow.topology import parse

TAG = "04A1B2C3"


def _running() -> Script:
    return Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7).status(1, "Charging")


def _reported(lived: Lived) -> list[str]:
    return [one["connectorStatus"] for one in lived.requests("StatusNotification")]


@pytest.mark.parametrize(
    ("status", "reported"),
    [
        ("Available", "Available"),
        ("Preparing", "Occupied"),
        ("Charging", "Occupied"),
        ("SuspendedEV", "Occupied"),
        ("SuspendedEVSE", "Occupied"),
        ("Finishing", "Occupied"),
        ("Reserved", "Reserved"),
        ("Unavailable", "Unavailable"),
        ("Faulted", "Faulted"),
    ],
)
def test_each_status_of_1_6_has_a_connector_status(status: str, reported: str) -> None:
    """1.6 §7.7 against 2.0.1 §3.25, on EVSE n, connector 1 (Part 1 §7.2)."""
    lived = Lived().feed(Script().boot().status(2, status).frames)
    (payload,) = lived.requests("StatusNotification")
    assert (payload["connectorStatus"], payload["evseId"], payload["connectorId"]) == (reported, 2, 1)


def test_five_statuses_collapse_into_one_occupied() -> None:
    """A 2.0.1 CSMS hears Occupied once, however often 1.6 changes its mind."""
    script = Script().boot().status(1, "Available")
    for status in ("Preparing", "Finishing", "Preparing", "Finishing", "Available", "Available"):
        script.status(1, status)
    assert _reported(Lived().feed(script.frames)) == ["Available", "Occupied", "Available"]


@pytest.mark.parametrize("status", ["Occupied", "", "charging", 7, None])
def test_a_status_outside_the_enumeration_is_counted(status: Any) -> None:
    """Nothing is invented for it; the schema names it."""
    lived = Lived().feed(Script().boot().status(1, status).frames)
    assert _reported(lived) == []
    assert any(what.startswith("StatusNotification.status=") for what in lived.unmapped)
    assert "schema.v16" in lived.codes()


def test_connector_zero_is_a_variable_of_the_station_g01() -> None:
    """2.0.1 has no StatusNotification of the station: NotifyEvent of its AvailabilityState, when it changes."""
    script = Script().boot().status(0, "Available").status(0, "Available").status(0, "Unavailable")
    lived = Lived().feed(script.frames)
    assert _reported(lived) == []
    events = [one["eventData"][0] for one in lived.requests("NotifyEvent")]
    assert [(one["actualValue"], one["eventId"]) for one in events] == [("Available", 1), ("Unavailable", 2)]
    assert events[0]["variable"] == {"name": "AvailabilityState"}


@pytest.mark.parametrize("status", ["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"])
def test_what_becomes_occupied_is_an_expected_loss(status: str) -> None:
    """Once per status, with the place where 2.0.1 tells them apart."""
    script = Script().boot().status(1, status).status(2, status).status(1, status)
    (row,) = Lived().feed(script.frames).rows("status.detail-lost")
    assert (row.path, row.primary) == (f"StatusNotification.status={status}", status)
    assert (row.shadow or "").startswith("Occupied; chargingState ")


@pytest.mark.parametrize("status", ["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"])
def test_a_station_cannot_be_what_only_a_connector_can(status: str) -> None:
    """1.6 §4.9: connector 0 is Available, Unavailable or Faulted; the rest has no place in 2.0.1 either."""
    lived = Lived().feed(Script().boot().status(0, status).status(0, "Available").frames)
    assert [row.primary for row in lived.rows("status.unmappable")] == [status]
    assert [one["eventData"][0]["actualValue"] for one in lived.requests("NotifyEvent")] == ["Available"]


def test_a_status_without_a_timestamp_gets_the_time_of_receipt() -> None:
    """Optional in 1.6, required in 2.0.1."""
    script = Script().boot()
    script.call("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"})
    message = next(one for one in Lived().feed(script.frames).messages if one.action == "StatusNotification")
    assert message.payload["timestamp"] == script.now
    assert message.provenance["timestamp"] is Provenance.SYNTHESISED


@pytest.mark.parametrize("status", ["Charging", "SuspendedEV", "SuspendedEVSE"])
def test_a_status_repeated_is_no_second_event(status: str) -> None:
    """Every change of chargingState is reported (E01.FR.18), and nothing but changes."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).status(1, status).status(1, status)
    lived = Lived().feed(script.frames)
    assert lived.course[1:] == [("Updated", "ChargingStateChanged", status, None)]


def test_a_pause_and_its_end_e02_fr_13() -> None:
    """SuspendedEV, Charging, Finishing: each is an Updated with its chargingState."""
    lived = Lived().feed(_running().status(1, "SuspendedEV").status(1, "Charging").status(1, "Finishing").frames)
    assert [course[2] for course in lived.course[2:]] == ["SuspendedEV", "Charging", "EVConnected"]


def test_ev_side_disconnected_goes_on_idle_tc_e_26() -> None:
    """StopTransactionOnEVSideDisconnect=false: Updated EVCommunicationLost/Idle, and the transaction lives."""
    script = _running().status(1, "SuspendedEV", info="EV side disconnected").wait(30).status(1, "Charging")
    lived = Lived().feed(script.wait(60).stop(7, 2000).frames)
    assert lived.course[2:] == [
        ("Updated", "EVCommunicationLost", "Idle", None),
        ("Updated", "CablePluggedIn", "EVConnected", None),
        ("Updated", "ChargingStateChanged", "Charging", None),
        ("Ended", "StopAuthorized", "EVConnected", None),
    ]


def test_faulted_while_charging_is_abnormal() -> None:
    """The fault stops the energy: Updated AbnormalCondition/SuspendedEVSE; recovery reports the state again."""
    lived = Lived().feed(_running().status(1, "Faulted").status(1, "Charging").frames)
    assert lived.course[2:] == [
        ("Updated", "AbnormalCondition", "SuspendedEVSE", None),
        ("Updated", "ChargingStateChanged", "Charging", None),
    ]
    assert _reported(lived)[-2:] == ["Faulted", "Occupied"]


def test_statuses_after_the_stop_make_no_event() -> None:
    """No TransactionEvent after Ended (§2.6.5), whatever the connector still says."""
    script = _running().stop(7, 2000).status(1, "SuspendedEV").status(1, "Finishing").status(1, "Available")
    lived = Lived().feed(script.frames)
    assert lived.events[-1]["eventType"] == "Ended"
    assert _reported(lived) == ["Available", "Occupied", "Available"]


def test_more_connectors_than_a_station_can_have_are_named() -> None:
    """The state is bounded: the sixty-fifth connector is named and not lived."""
    script = Script().boot()
    for number in range(1, 70):
        script.status(number, "Available")
    lived = Lived().feed(script.frames)
    assert len(_reported(lived)) == 64
    assert lived.unmapped.count("StatusNotification.connectorId") == 5
    (row,) = lived.rows("topology.unknown-connector")
    assert (row.primary, row.shadow, row.occurrences) == ("69", "64", 5)


@pytest.mark.parametrize(("number", "lived_on", "named"), [(2, True, False), (3, True, True), (-1, False, True)])
def test_a_connector_beyond_number_of_connectors_is_named(number: int, *, lived_on: bool, named: bool) -> None:
    """The key may be wrong, so a connector beyond it is lived all the same; none of 1.6 is negative."""
    script = Script().boot().command("GetConfiguration", {"key": ["NumberOfConnectors"]})
    script.answer({"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]})
    lived = Lived().feed(script.status(number, "Available").frames)
    assert (_reported(lived) == ["Available"]) is lived_on
    assert [row.primary for row in lived.rows("topology.unknown-connector")] == ([str(number)] if named else [])


# -- the cable and the token ------------------------------------------------------------------------------------------


def test_preparing_proves_a_cable_unless_a_token_waits_tc_004_2() -> None:
    """Plug-in first is Occupied at once; identification first is not, until the transaction or Finishing proves it."""
    assert _reported(Lived().feed(Script().boot().status(1, "Preparing").frames)) == ["Occupied"]
    script = Script().boot().status(1, "Available").authorize(TAG).status(1, "Preparing").status(1, "Available")
    assert _reported(Lived().feed(script.frames)) == ["Available"]
    script = Script().boot().status(1, "Available").authorize(TAG).status(1, "Preparing").status(1, "Finishing")
    assert _reported(Lived().feed(script.frames)) == ["Available", "Occupied"]


@pytest.mark.parametrize("authorized_first", [True, False])
def test_a_new_use_of_a_cable_that_was_never_out_is_cable_first_f2(*, authorized_first: bool) -> None:
    """Finishing → Preparing: the cable was in before any token of this use, so Started says Authorized."""
    script = _running().wait(60).stop(7, 2000).status(1, "Finishing").wait(60)
    script = script.authorize(TAG).status(1, "Preparing") if authorized_first else script.status(1, "Preparing")
    if not authorized_first:
        script.authorize(TAG)
    lived = Lived().feed(script.start(1, TAG, 2000, transaction=8).wait(60).tick().frames)
    assert [course[1] for course in lived.course if course[0] == "Started"] == ["Authorized", "Authorized"]
    assert _reported(lived) == ["Available", "Occupied"]


def test_a_connector_of_a_shared_evse_is_occupied_by_its_transaction_only() -> None:
    """An authorization makes each connector of the EVSE Preparing: which one has the cable shows at the start."""
    config = ShadowConfig(topology=parse({"station": [{"connectors": {"1": [1, 1], "2": [1, 2]}}]}))
    script = Script().boot().status(1, "Preparing").status(2, "Preparing")
    assert _reported(Lived(config).feed(script.frames)) == []
    script.start(2, TAG, 1000, transaction=7).wait(60).tick()
    said = Lived(config).feed(script.frames).requests("StatusNotification")
    assert [(one["evseId"], one["connectorId"], one["connectorStatus"]) for one in said] == [(1, 2, "Occupied")]


def test_a_connector_that_stays_unavailable_when_the_evse_is_free_is_said_so() -> None:
    """Withheld while the other connector is in use; five minutes after that one is free again it is no longer why."""
    config = ShadowConfig(topology=parse({"station": [{"connectors": {"1": [1, 1], "2": [1, 2]}}]}))
    script = Script().boot().status(1, "Available").status(2, "Available").status(1, "Preparing")
    script.start(1, TAG, 0, transaction=7).status(2, "Unavailable").wait(600).stop(7, 500).status(1, "Available")

    def said(until: Script) -> list[str]:
        requests = Lived(config).feed(until.tick().frames).requests("StatusNotification")
        return [one["connectorStatus"] for one in requests if one["connectorId"] == 2]

    assert said(script.wait(200)) == ["Available"]
    assert said(script.wait(101)) == ["Available", "Unavailable"]


def test_an_unused_connector_of_a_shared_evse_is_unavailable_by_itself() -> None:
    """While the other one is in use it is no fault; with nobody on the EVSE it is one."""
    config = ShadowConfig(topology=parse({"station": [{"connectors": {"1": [1, 1], "2": [1, 2]}}]}))
    script = Script().boot().status(1, "Available").status(2, "Unavailable")
    said = Lived(config).feed(script.frames).requests("StatusNotification")
    assert [one["connectorStatus"] for one in said] == ["Available", "Unavailable"]


# -- the answer -------------------------------------------------------------------------------------------------------


def _answers(script: Script) -> list[tuple[str, str]]:
    said = Lived().feed(script.frames).messages
    return [(one.action, one.type.value) for one in said if one.direction.value == "cs>cp"][1:]  # the boot's is first


def test_an_answer_answers_what_the_status_became() -> None:
    """One response for each request, with both frames as its cause; none where 2.0.1 had nothing to hear."""
    script = Script().boot().status(1, "Faulted", errorCode="ReaderFailure")
    assert _answers(script) == [("StatusNotification", "response"), ("NotifyEvent", "response")]
    response = Lived().feed(script.frames).messages[-1]
    assert response.caused_by == (script.frames[-2].frame_id, script.frames[-1].frame_id)
    assert _answers(Script().boot().status(0, "Available")) == [("NotifyEvent", "response")]
    repeated = Script().boot().status(1, "Available").status(1, "Available")
    assert _answers(repeated) == [("StatusNotification", "response")]


def test_a_call_error_refuses_what_the_status_became() -> None:
    """Each of them with the same code; a status that became nothing is refused in silence."""
    payload = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}
    script = Script().boot().call("StatusNotification", payload).refuse("InternalError")
    assert _answers(script) == [("StatusNotification", "error")]
    assert _answers(script.call("StatusNotification", payload).refuse("InternalError")) == [
        ("StatusNotification", "error")
    ]


def test_a_status_that_a_start_brings_about_is_answered_with_it() -> None:
    """Occupied is due at the latest with Started (G01.FR.03), and it is a request like any other."""
    answered = _answers(Script().boot().start(1, TAG, 0, transaction=7))
    assert ("StatusNotification", "response") in answered
