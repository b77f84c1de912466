"""StopTransaction as TransactionEvent Ended: reasons, closing values, and stops that name nothing."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from demo.lived import AT_ONCE, Lived
from demo.script import Script
from shadow.station.tables import STOP_REASONS

TAG = "04A1B2C3"


def _running(**more: Any) -> Script:
    return Script().boot().status(1, "Preparing").start(1, TAG, 1000, transaction=7, **more).status(1, "Charging")


@pytest.mark.parametrize(
    ("reason", "ended"),
    [
        (None, ("Ended", "StopAuthorized", "EVConnected", None)),  # E07.FR.04: absent is Local
        ("Local", ("Ended", "StopAuthorized", "EVConnected", None)),  # E06.FR.08: Local is left out
        ("Remote", ("Ended", "RemoteStop", "EVConnected", "Remote")),  # F03.FR.03
        ("DeAuthorized", ("Ended", "Deauthorized", "EVConnected", "DeAuthorized")),  # E05.FR.10
        ("EVDisconnected", ("Ended", "EVCommunicationLost", "Idle", "EVDisconnected")),  # E09.FR.01, TC_E_17
        ("HardReset", ("Ended", "ResetCommand", "EVConnected", "ImmediateReset")),  # B12.FR.04
        ("SoftReset", ("Ended", "ResetCommand", "EVConnected", "ImmediateReset")),
        ("Reboot", ("Ended", "AbnormalCondition", "EVConnected", "Reboot")),  # E06.FR.16
        ("PowerLoss", ("Ended", "AbnormalCondition", "EVConnected", "PowerLoss")),
        ("EmergencyStop", ("Ended", "AbnormalCondition", "EVConnected", "EmergencyStop")),  # E06.FR.16
        ("UnlockCommand", ("Ended", "UnlockCommand", "EVConnected", "Other")),
        ("Other", ("Ended", "AbnormalCondition", "EVConnected", "Other")),
    ],
)
def test_each_reason_of_1_6_has_its_ended(reason: str | None, ended: tuple[str, ...]) -> None:
    """Every reason gives its triggerReason, chargingState and stoppedReason, and both sides agree on it."""
    lived = Lived().feed(_running().wait(60).stop(7, 2000, reason).frames).settle()
    assert lived.course[-1] == ended
    assert lived.codes() == set()


def test_no_reason_of_the_table_is_left_untested() -> None:
    """The eleven reasons of 1.6 §7.36 are the keys of the table."""
    assert len(STOP_REASONS) == 11


def test_a_reason_outside_the_enumeration_is_other_and_counted() -> None:
    """What 1.6 does not know has no 2.0.1 reason either."""
    lived = Lived().feed(_running().stop(7, 2000, "Finished").frames)
    assert lived.course[-1][3] == "Other"
    assert "StopTransaction.reason=Finished" in lived.unmapped


@pytest.mark.parametrize(
    ("reason", "carries"),
    [(None, True), ("Local", True), ("Remote", False), ("HardReset", False), ("PowerLoss", False)],
)
def test_the_token_stands_where_the_authorization_ends_e07_fr_02(reason: str | None, *, carries: bool) -> None:
    """Ended carries the idToken with StopAuthorized and with no other trigger (TC_B_22)."""
    lived = Lived().feed(_running().stop(7, 2000, reason, idTag=TAG).frames)
    assert ("idToken" in lived.events[-1]) is carries


def test_a_local_stop_without_a_tag_carries_no_token_e07_fr_04() -> None:
    """A button was pressed: no token ends it."""
    assert "idToken" not in Lived().feed(_running().stop(7, 2000).frames).events[-1]


def test_ev_side_disconnect_tc_005_1() -> None:
    """Charging, SuspendedEV, Stop(EVDisconnected), Finishing, Available: nothing comes after Ended."""
    script = _running().wait(60).status(1, "SuspendedEV").stop(7, 2000, "EVDisconnected")
    lived = Lived().feed(script.status(1, "Finishing").status(1, "Available").frames)
    assert lived.course[2:] == [
        ("Updated", "ChargingStateChanged", "SuspendedEV", None),
        ("Ended", "EVCommunicationLost", "Idle", "EVDisconnected"),
    ]
    assert [one["connectorStatus"] for one in lived.requests("StatusNotification")] == ["Occupied", "Available"]


def test_finishing_with_ev_side_disconnected_waits_for_the_stop() -> None:
    """The info tells that the cable left the car: one Ended with Idle, no Updated before it (TC_E_17)."""
    script = _running().status(1, "Finishing", info="EV side disconnected").stop(7, 2000, "EVDisconnected")
    lived = Lived().feed(script.frames)
    assert lived.course[2:] == [("Ended", "EVCommunicationLost", "Idle", "EVDisconnected")]


def test_available_before_the_stop_ends_idle_c1() -> None:
    """Charging → Available (1.6 §4.9 C1), then the stop: Ended says Idle whatever the reason."""
    lived = Lived().feed(_running().status(1, "Available").stop(7, 2000, "Other").frames)
    assert lived.course[-1] == ("Ended", "AbnormalCondition", "Idle", "Other")


def test_remote_stop_tc_012() -> None:
    """RemoteStopTransaction names the station's own transactionId, and Ended says RemoteStop (F03.FR.03)."""
    script = _running().remote("RemoteStopTransaction", {"transactionId": 7}).wait(1).stop(7, 2000, "Remote", idTag=TAG)
    lived = Lived().feed(script.status(1, "Finishing").status(1, "Available").frames)
    (command,) = lived.requests("RequestStopTransaction")
    assert command["transactionId"] == lived.events[0]["transactionInfo"]["transactionId"]
    assert lived.course[-1] == ("Ended", "RemoteStop", "EVConnected", "Remote")


def test_unlock_with_a_session_tc_018_1() -> None:
    """Finishing, Stop(UnlockCommand), Available: UnlockCommand/Other."""
    script = _running().remote("UnlockConnector", {"connectorId": 1}, "Unlocked").status(1, "Finishing")
    lived = Lived().feed(script.stop(7, 2000, "UnlockCommand").status(1, "Available").frames)
    assert lived.course[2:] == [
        ("Updated", "ChargingStateChanged", "EVConnected", None),
        ("Ended", "UnlockCommand", "EVConnected", "Other"),
    ]


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
def test_a_reset_in_mid_session_is_immediate_tc_b_22(kind: str) -> None:
    """A Reset with a transaction is Immediate: 1.6 stops it, where OnIdle would wait (B12.FR.01)."""
    script = _running().remote("Reset", {"type": kind}).stop(7, 2000, f"{kind}Reset", idTag=TAG).close().open().boot()
    lived = Lived().feed(script.frames)
    assert lived.requests("Reset") == [{"type": "Immediate"}]
    assert lived.course[-1] == ("Ended", "ResetCommand", "EVConnected", "ImmediateReset")
    assert [one["reason"] for one in lived.requests("BootNotification")] == ["PowerUp", "RemoteReset"]


@pytest.mark.parametrize(
    ("reset", "ended"),
    [("Accepted", ("ResetCommand", "ImmediateReset")), ("Rejected", ("AbnormalCondition", "Reboot"))],
)
def test_reboot_after_a_reset_is_that_reset_b12_fr_04(reset: str, ended: tuple[str, str]) -> None:
    """Errata 2.16: Reboot with a Reset of the CSMS seen is ImmediateReset, without one it is the station's own."""
    lived = Lived().feed(_running().remote("Reset", {"type": "Hard"}, reset).stop(7, 2000, "Reboot").frames).settle()
    assert (lived.course[-1][1], lived.course[-1][3]) == ended
    assert "session.stop-reason" not in lived.codes()


def test_power_loss_tc_032_1() -> None:
    """Start, Charging, BootNotification, Finishing, Stop(PowerLoss): the transaction goes on over the boot."""
    script = _running().wait(600)
    lost = script.now
    script.close().wait(120).open().boot().status(1, "Finishing").stop(7, 2000, "PowerLoss", at=lost)
    lived = Lived().feed(script.frames).settle()
    assert lived.course[-1] == ("Ended", "AbnormalCondition", "EVConnected", "PowerLoss")
    assert lived.events[-1]["offline"] is True
    assert lived.codes() == {"session.offline-replay"}


def test_a_whole_transaction_offline_tc_039() -> None:
    """Start and stop come from the queue, no statuses: both offline = true, no chargingState beyond EVConnected."""
    script = Script().boot().status(1, "Available").close().wait(3600)
    began, ended = script.ago(3000), script.ago(600)
    script.open().start(1, TAG, 1000, transaction=7, at=began).stop(7, 2000, "Local", at=ended)
    lived = Lived().feed(script.frames).settle()
    assert [(one["eventType"], one.get("offline")) for one in lived.events] == [("Started", True), ("Ended", True)]
    assert {course[2] for course in lived.course} == {"EVConnected"}
    assert lived.codes() == {"session.offline-replay"}


# -- closing values -------------------------------------------------------------------------------------------------


def _closing(lived: Lived) -> list[tuple[str, Decimal, str]]:
    return [
        (sample["context"], sample["value"], sample.get("unitOfMeasure", {"unit": "Wh"})["unit"])
        for value in lived.events[-1]["meterValue"]
        for sample in value["sampledValue"]
    ]


def test_meter_stop_is_the_transaction_end_value_e06_fr_11() -> None:
    """MeterStop comes first, then what transactionData says; both ends of the session are there."""
    script = _running().wait(60)
    begin = {
        "timestamp": script.ago(60),
        "sampledValue": [{"value": "1.00", "unit": "kWh", "context": "Transaction.Begin"}],
    }
    end = {"timestamp": script.now, "sampledValue": [{"value": "2.00", "unit": "kWh", "context": "Transaction.End"}]}
    lived = Lived().feed(script.stop(7, 2000, transactionData=[begin, end]).frames)
    assert _closing(lived) == [
        ("Transaction.End", Decimal(2000), "Wh"),
        ("Transaction.Begin", Decimal("1.00"), "kWh"),
        ("Transaction.End", Decimal("2.00"), "kWh"),
    ]


def test_end_samples_before_the_stop_are_merged_into_ended() -> None:
    """MeterValues with Transaction.End wait for their StopTransaction and travel in Ended, not in an Updated."""
    lived = Lived().feed(_running().wait(60).meter(1, 7, 1990, "Transaction.End").stop(7, 1990).frames)
    assert [course[0] for course in lived.course] == ["Started", "Updated", "Ended"]
    assert _closing(lived) == [("Transaction.End", Decimal(1990), "Wh"), ("Transaction.End", Decimal(1990), "Wh")]


def test_end_samples_without_a_stop_go_their_own_way() -> None:
    """No StopTransaction within the hold: an Updated of their own, caused by their own frame."""
    script = _running().wait(60).meter(1, 7, 1990, "Transaction.End").wait(121).tick()
    lived = Lived().feed(script.frames)
    assert lived.course[-1] == ("Updated", "MeterValuePeriodic", None, None)
    last = lived.messages[-1]
    assert last.caused_by[0] in {frame.frame_id for frame in script.frames if "Transaction.End" in frame.text}
    assert "offline" not in last.payload


def test_more_end_samples_than_a_session_has_are_not_hoarded() -> None:
    """A station that floods Transaction.End values gets Updated events, and loses none."""
    script = _running()
    for number in range(40):
        script.meter(1, 7, 1000 + number, "Transaction.End")
    lived = Lived().feed(script.stop(7, 1039).frames)
    carried = [v for event in lived.events for v in event.get("meterValue", []) if "Transaction.End" in str(v)]
    assert len(carried) == 41
    assert len(lived.events[-1]["meterValue"]) <= 17


# -- stops that name nothing ----------------------------------------------------------------------------------------


def test_stop_minus_one_ends_the_one_transaction_that_runs() -> None:
    """-1 for a transaction whose answer never came (1.6 errata 3.18): it can only mean the one that is open."""
    lived = Lived().feed(_running().wait(60).stop(-1, 2000, idTag=TAG).frames)
    assert lived.course[-1][0] == "Ended"
    assert len({event["transactionInfo"]["transactionId"] for event in lived.events}) == 1
    assert "session.orphan-stop" in lived.codes()


def test_stop_minus_one_of_a_stranger_is_an_end_without_a_beginning() -> None:
    """The token fits none that is open: the open one goes on, and the stop is kept as an orphan Ended."""
    lived = Lived().feed(_running().wait(60).stop(-1, 2000, idTag="STRANGER").status(1, "SuspendedEV").frames)
    assert [(one["eventType"], one["seqNo"]) for one in lived.events][2:] == [("Ended", 1), ("Updated", 2)]
    assert lived.rows("session.orphan-stop")[0].primary == "-1"


def test_of_two_running_the_token_decides_whom_minus_one_stops() -> None:
    """Two connectors run; the token of the stop fits one of them."""
    script = Script().boot().start(1, "AA", 1000, transaction=7).start(2, "BB", 5000, transaction=8).wait(60)
    lived = Lived().feed(script.stop(-1, 6000, idTag="bb").frames)
    second = next(one for one in lived.events if one.get("evse", {}).get("id") == 2)
    assert lived.events[-1]["transactionInfo"]["transactionId"] == second["transactionInfo"]["transactionId"]


def test_an_orphan_stop_is_no_session_that_the_primary_lacks() -> None:
    """Nothing of its beginning was seen: it is named an orphan, and money is not said to be missing."""
    script = Script().boot().status(1, "Available").stop(-1, 2000, "Local")
    lived = Lived().feed(script.frames).settle()
    assert lived.codes() == {"session.orphan-stop"}
    assert [session.complete for session in lived.sessions.values()] == [False]


def test_a_stop_told_twice_ends_once() -> None:
    """A retry with a new message id and equal content changes nothing (E13.FR.02)."""
    script = _running().wait(60)
    at = script.now
    lived = Lived().feed(script.stop(7, 2000, at=at).wait(30).stop(7, 2000, at=at).frames).settle()
    assert [course[0] for course in lived.course] == ["Started", "Updated", "Ended"]
    assert lived.codes() == set()


def test_a_stop_told_again_under_minus_one_ends_once() -> None:
    """The same stop, its id changed to -1 (seen at ArduinoOcpp): the transaction that it ended, and no other."""
    script = _running().wait(60)
    at = script.now
    lived = Lived().feed(script.stop(7, 2000, at=at).stop(-1, 2000, at=at).frames)
    assert [course[0] for course in lived.course].count("Ended") == 1
    assert lived.codes() == {"session.orphan-stop"}


def test_another_stop_of_an_ended_transaction_is_after_its_end() -> None:
    """A second, different stop changes nothing and is named."""
    lived = Lived().feed(_running().wait(60).stop(7, 2000).wait(60).stop(7, 2100).frames)
    assert [course[0] for course in lived.course].count("Ended") == 1
    assert lived.codes() == {"session.after-end"}


def test_one_primary_id_on_two_connectors_is_told_by_the_register() -> None:
    """The primary calls both transactions 1: each stop ends the one whose register it follows."""
    script = Script().boot().start(1, TAG, 1000, transaction=1).start(2, "BB", 50000, transaction=1).wait(60)
    script.meter(1, 1, 1200).meter(2, 1, 50300).stop(1, 1400).wait(5).stop(1, 50900)
    lived = Lived().feed(script.frames).settle()
    assert [course[0] for course in lived.course] == ["Started", "Started", "Updated", "Updated", "Ended", "Ended"]
    energies = {session.connector_id: session.shadow_energy_wh for session in lived.sessions.values()}
    assert energies == {1: 400, 2: 900}
    assert "meter.regression" not in lived.codes()


# -- clocks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("early", "named"), [(0, False), (3, True)])
def test_a_stop_before_its_own_end_sample(early: int, *, named: bool) -> None:
    """Stamped three seconds before its Transaction.End sample: the clock went backwards."""
    script = _running().wait(60).meter(1, 7, 1990, "Transaction.End")
    lived = Lived().feed(script.stop(7, 1990, at=script.ago(early)).frames)
    assert ("clock.backwards" in lived.codes()) is named


def test_a_stop_before_its_start() -> None:
    """Stamped before the transaction began."""
    script = _running()
    lived = Lived().feed(script.stop(7, 1990, at=script.ago(600)).frames)
    assert "clock.backwards" in lived.codes()


# -- TxStopPoint EVConnected alone ----------------------------------------------------------------------------------


def test_with_ev_connected_alone_the_cable_ends_it_f03_fr_02() -> None:
    """RemoteStop gives an Updated, and the end comes when the cable goes."""
    config = replace(AT_ONCE, tx_stop_points=frozenset({"EVConnected"}))
    script = _running().wait(60).stop(7, 2000, "Remote").status(1, "Finishing").wait(300).status(1, "Available")
    lived = Lived(config).feed(script.frames)
    assert lived.course[2:] == [
        ("Updated", "RemoteStop", None, None),
        ("Updated", "ChargingStateChanged", "EVConnected", None),
        ("Ended", "EVCommunicationLost", "Idle", "Remote"),
    ]
    assert {"session.stop-time"} <= lived.settle().codes()
