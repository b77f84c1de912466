"""What a connector's status says of the transaction on it: chargingState, the cable, faults and their recovery."""

import pytest

from demo.lived import Lived
from demo.script import Script

TAG = "04A1B2C3"
GONE = "EV side disconnected"


def _running(*statuses: str) -> Script:
    script = Script().boot().status(1, "Available").status(1, "Preparing").start(1, TAG, 1000, transaction=7)
    for status in statuses:
        script.wait(60).status(1, status)
    return script.wait(60)


def _states(script: Script) -> list[tuple[str, str | None]]:
    """The trigger and chargingState of each event after Started."""
    return [(trigger, state) for _, trigger, state, _ in Lived().feed(script.frames).course[1:]]


@pytest.mark.parametrize("status", ["Charging", "SuspendedEV", "SuspendedEVSE"])
def test_each_change_of_the_state_is_told_once_e01_fr_18(status: str) -> None:
    """ChargingStateChanged with the state; the same status again says nothing new."""
    assert _states(_running(status, status)) == [("ChargingStateChanged", status)]


def test_the_way_through_all_states_e02_fr_13() -> None:
    """Each change is an event, in the order of the station."""
    course = ["Charging", "SuspendedEV", "Charging", "SuspendedEVSE", "SuspendedEV", "Charging"]
    assert _states(_running(*course)) == [("ChargingStateChanged", status) for status in course]


def test_finishing_before_the_stop_is_ev_connected_c6() -> None:
    """TC_018_1, TC_032_1 have Finishing first: energy has stopped, and the cable is in."""
    assert _states(_running("Charging", "Finishing"))[-1] == ("ChargingStateChanged", "EVConnected")


def test_preparing_in_a_transaction_says_nothing() -> None:
    """Some stations send Preparing after StartTransaction: the state is EVConnected already."""
    assert _states(_running("Preparing")) == []


# -- the EV side of the cable (E10) -----------------------------------------------------------------------------------


def test_the_ev_side_goes_and_comes_back_e10() -> None:
    """StopTransactionOnEVSideDisconnect = false: Idle, plugged in again, and on (TC_E_26)."""
    script = _running("Charging").status(1, "SuspendedEV", info=GONE).wait(60).status(1, "Charging")
    assert _states(script)[1:] == [
        ("EVCommunicationLost", "Idle"),
        ("CablePluggedIn", "EVConnected"),
        ("ChargingStateChanged", "Charging"),
    ]


def test_the_ev_side_is_told_gone_once() -> None:
    """The same status again while it is gone is no second loss."""
    script = _running("Charging").status(1, "SuspendedEV", info=GONE).wait(60).status(1, "SuspendedEV", info=GONE)
    assert _states(script)[1:] == [("EVCommunicationLost", "Idle")]


def test_after_the_stop_no_status_is_an_event() -> None:
    """Finishing or Suspended after StopTransaction (§2.6.5): the connector stays Occupied, and nothing is said."""
    script = _running("Charging").stop(7, 2000, idTag=TAG).status(1, "Finishing").status(1, "SuspendedEV")
    lived = Lived().feed(script.frames)
    assert lived.course[-1][0] == "Ended"
    assert [one["connectorStatus"] for one in lived.requests("StatusNotification")] == ["Available", "Occupied"]


def test_finishing_to_preparing_is_cable_first_f2() -> None:
    """The cable was never out: no StatusNotification, and the next Started is Authorized."""
    script = _running("Charging").stop(7, 2000, idTag=TAG).status(1, "Finishing").authorize("BB")
    script.status(1, "Preparing").start(1, "BB", 2000, transaction=8)
    lived = Lived().feed(script.frames)
    assert lived.course[-1] == ("Started", "Authorized", "EVConnected", None)
    assert [one["connectorStatus"] for one in lived.requests("StatusNotification")] == ["Available", "Occupied"]


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("back", ["Charging", "SuspendedEV"])
def test_a_fault_stops_the_energy_and_the_state_comes_back(back: str) -> None:
    """C8: AbnormalCondition with SuspendedEVSE; I3 to I5: ChargingStateChanged with what is restored."""
    assert _states(_running("Charging", "Faulted", back))[1:] == [
        ("AbnormalCondition", "SuspendedEVSE"),
        ("ChargingStateChanged", back),
    ]


def test_a_fault_without_energy_changes_no_state() -> None:
    """Suspended before and after: nothing has changed for the transaction (E01.FR.18)."""
    assert _states(_running("Charging", "SuspendedEV", "Faulted", "SuspendedEV")) == [
        ("ChargingStateChanged", "Charging"),
        ("ChargingStateChanged", "SuspendedEV"),
    ]


# -- two cables, one EVSE ---------------------------------------------------------------------------------------------


def test_statuses_of_the_other_connector_do_not_touch_the_transaction() -> None:
    """Connector 2 goes its own way: only connector 1 speaks of the transaction on it."""
    script = _running("Charging").status(2, "Preparing").status(2, "Unavailable").status(2, "Available")
    assert _states(script) == [("ChargingStateChanged", "Charging")]
