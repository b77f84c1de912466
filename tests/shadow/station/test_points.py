"""TxStartPoint and TxStopPoint: where a 2.0.1 transaction begins and ends that 1.6 begins and ends elsewhere."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from demo.lived import AT_ONCE, Lived
from demo.script import Script
from shadow import topology
from shadow.config import DEFAULT, ShadowConfig, checked
from shadow.station.points import FALSE_WITH, TRUE_WITH, Stimulus

TAG = "04A1B2C3"
CHARGING = ("Updated", "ChargingStateChanged", "Charging", None)
LOCAL = ("Ended", "StopAuthorized", "EVConnected", None)


def _with(start: str = "PowerPathClosed", stop: str = "EVConnected,Authorized") -> ShadowConfig:
    points = {"tx_start_points": frozenset(start.split(",")), "tx_stop_points": frozenset(stop.split(","))}
    return checked(replace(AT_ONCE, **points))


def _session(script: Script | None = None) -> Script:
    """Cable, token, energy, local stop, cable out."""
    script = (script or Script().boot().status(1, "Available")).status(1, "Preparing").wait(20).authorize(TAG)
    script.start(1, TAG, 1000, transaction=7).status(1, "Charging").wait(600)
    return (
        script.meter(1, 7, 2000)
        .wait(600)
        .stop(7, 3500, "Local", idTag=TAG)
        .status(1, "Finishing")
        .status(1, "Available")
    )


# -- settings -------------------------------------------------------------------------------------------------------


def test_the_tables_have_the_values_of_the_specification() -> None:
    """TxStartPointValues and TxStopPointValues are the same six (Part 2 §2.6.6)."""
    named = {"ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer", "DataSigned"}
    assert set(TRUE_WITH) == set(FALSE_WITH) == named
    assert {one for table in (TRUE_WITH, FALSE_WITH) for row in table.values() for one in row} == set(Stimulus)


@pytest.mark.parametrize(
    ("start", "stop", "reason"),
    [
        ("ParkingBayOccupancy", "Authorized", "parking bays"),
        ("PowerPathClosed", "ParkingBayOccupancy", "never shows"),
        ("PowerPathClosed", "DataSigned,ParkingBayOccupancy", "never shows"),
        ("Plugged", "Authorized", "choose from Authorized, DataSigned"),
        ("", "Authorized", "choose from"),
    ],
)
def test_points_without_evidence_in_1_6_are_refused(start: str, stop: str, reason: str) -> None:
    """A set that nothing in 1.6 can make true, or false, is no setting; the message says which can be added."""
    with pytest.raises(ValueError, match=reason):
        _with(start, stop)


@pytest.mark.parametrize("start", sorted(TRUE_WITH))
@pytest.mark.parametrize("stop", sorted(FALSE_WITH))
def test_every_combination_gives_legal_transactions(start: str, stop: str) -> None:
    """Each point beside the 1.6-compatible one, over a session of each kind: Started once and first, Ended once."""
    script = _session().wait(60)
    script = _session(script).wait(60).authorize("BB").wait(400).status(1, "Preparing").status(1, "Available")
    script.start(1, "CC", 9000, transaction=9).status(1, "Charging").wait(60).status(1, "SuspendedEV").wait(60)
    script.status(1, "Charging").wait(60).status(1, "SuspendedEV", info="EV side disconnected").wait(60)
    script.stop(9, 9900, "EVDisconnected").status(1, "Available").wait(500).call("Heartbeat", {})
    lived = Lived(_with(f"{start},PowerPathClosed", f"{stop},Authorized")).feed(script.frames).settle()
    alone = (
        Lived(_with(start if start != "ParkingBayOccupancy" else "Authorized", stop)).feed(script.frames).settle()
        if FALSE_WITH[stop]
        else lived
    )
    for one in (lived, alone):
        assert one.refused == []
        assert "schema.v201" not in one.codes()
        courses: dict[str, list[str]] = {}
        for event in one.events:
            courses.setdefault(event["transactionInfo"]["transactionId"], []).append(event["eventType"])
        for kinds in courses.values():
            assert kinds[0] == "Started"
            assert kinds.count("Started") == 1
            assert kinds.count("Ended") <= 1
            assert "Ended" not in kinds[:-1]


# -- start points -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["", ",EnergyTransfer", ",ParkingBayOccupancy", ",DataSigned"])
def test_the_compatible_start_point_gives_what_1_6_gives(more: str) -> None:
    """Table 95: PowerPathClosed, and what can only come later beside it, is StartTransaction."""
    assert (
        Lived(_with(f"PowerPathClosed{more}")).feed(_session().frames).events == Lived().feed(_session().frames).events
    )


def test_ev_connected_begins_with_the_cable_tc_e_09() -> None:
    """Preparing without a token is the cable (E02.FR.06); the token and the register come with StartTransaction."""
    lived = Lived(_with("EVConnected")).feed(_session().frames).settle()
    assert lived.course == [
        ("Started", "CablePluggedIn", "EVConnected", None),
        ("Updated", "Authorized", None, None),
        CHARGING,
        ("Updated", "MeterValuePeriodic", None, None),
        LOCAL,
    ]
    started, authorized, *_ = lived.events
    assert started["evse"] == {"id": 1, "connectorId": 1}
    assert "idToken" not in started
    assert authorized["idToken"]["idToken"] == TAG
    assert authorized["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.Begin"
    (session,) = lived.sessions.values()
    assert (session.complete, session.shadow_energy_wh, session.primary_transaction_id) == (True, 2500, "7")
    assert lived.codes() == {"session.start-time"}


def test_ev_connected_is_not_begun_by_a_token_tc_004_1() -> None:
    """Identification first: Preparing proves no cable (transactions §2.1), so StartTransaction does."""
    script = Script().boot().status(1, "Available").authorize(TAG).status(1, "Preparing").wait(5)
    lived = Lived(_with("EVConnected")).feed(script.start(1, TAG, 1000, transaction=7).frames)
    assert lived.course == [("Started", "CablePluggedIn", "EVConnected", None)]


def test_ev_connected_ends_with_the_cable_where_nobody_authorizes() -> None:
    """Plugged in and out again (E06.FR.02, G01.FR.04): a transaction that 1.6 never had."""
    script = Script().boot().status(1, "Available").status(1, "Preparing").wait(60).status(1, "Available")
    lived = Lived(_with("EVConnected")).feed(script.frames).settle()
    assert lived.course == [
        ("Started", "CablePluggedIn", "EVConnected", None),
        ("Ended", "EVCommunicationLost", "Idle", "EVDisconnected"),
    ]
    assert lived.codes() == {"session.missing-in-primary"}


def test_a_remote_start_joins_what_the_cable_began_f01_fr_19() -> None:
    """Cable first: the event after the command has the trigger RemoteStart and the remoteStartId."""
    script = Script().boot().status(1, "Available").status(1, "Preparing")
    script.remote("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}).start(1, TAG, 1000, transaction=7)
    lived = Lived(_with("EVConnected")).feed(script.frames)
    (command,) = lived.requests("RequestStartTransaction")
    assert [course[1] for course in lived.course] == ["CablePluggedIn", "RemoteStart"]
    assert lived.events[1]["transactionInfo"]["remoteStartId"] == command["remoteStartId"]


def test_a_status_that_only_a_cable_can_have_begins_it_too() -> None:
    """Available to Charging (1.6 §4.9 A3): the state itself is told."""
    script = Script().boot().status(1, "Available").status(1, "Charging").start(1, TAG, 1000, transaction=7)
    lived = Lived(_with("EVConnected")).feed(script.frames)
    assert lived.course[:2] == [
        ("Started", "ChargingStateChanged", "Charging", None),
        ("Updated", "Authorized", None, None),
    ]


@pytest.mark.parametrize("remote", [False, True])
def test_authorized_begins_with_the_token_tc_e_10(*, remote: bool) -> None:
    """No connector is known yet: Idle and no evse; the cable brings both, and the register (E01.FR.16, E02.FR.21)."""
    script = Script().boot().status(1, "Available")
    if remote:
        script.remote("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG})
    else:
        script.authorize(TAG)
    script.status(1, "Preparing").wait(9).start(1, TAG, 1000, transaction=7).status(1, "Charging").wait(60)
    lived = Lived(_with("Authorized")).feed(script.stop(7, 3500, idTag=TAG).frames).settle()
    assert lived.course == [
        ("Started", "RemoteStart" if remote else "Authorized", "Idle", None),
        ("Updated", "CablePluggedIn", "EVConnected", None),
        CHARGING,
        LOCAL,
    ]
    assert [event.get("evse") for event in lived.events] == [None, {"id": 1, "connectorId": 1}, None, None]
    assert [("idToken" in event) for event in lived.events] == [True, False, False, True]
    assert ("remoteStartId" in lived.events[0]["transactionInfo"]) is remote
    (session,) = lived.sessions.values()
    assert (session.complete, session.shadow_energy_wh) == (True, 2500)
    assert [one["connectorStatus"] for one in lived.requests("StatusNotification")] == ["Available", "Occupied"]


def test_a_token_that_no_cable_follows_times_out_e03_fr_05() -> None:
    """EVConnectTimeout at its deadline, whichever tick reveals it; or when the station gives up before (TC_004_2)."""
    script = Script().boot().status(1, "Available").authorize(TAG)
    accepted = script.at
    late = Lived(_with("Authorized")).feed(script.wait(5000).tick().frames)
    assert late.course[-1] == ("Ended", "EVConnectTimeout", "Idle", "Timeout")
    assert late.messages[-1].at == accepted + DEFAULT.connection_timeout
    script = Script().boot().status(1, "Available").authorize(TAG).status(1, "Preparing").wait(60)
    early = Lived(_with("Authorized")).feed(script.status(1, "Available").frames)
    assert early.course[-1] == ("Ended", "EVConnectTimeout", "Idle", "Timeout")


def test_a_token_shown_twice_waits_anew() -> None:
    """One transaction, and its time begins again."""
    script = Script().boot().status(1, "Available").authorize(TAG).wait(170).authorize(TAG.lower()).wait(170)
    lived = Lived(_with("Authorized")).feed(script.start(1, TAG, 1000, transaction=7).frames)
    assert [course[0] for course in lived.course] == ["Started", "Updated"]


def test_a_token_shown_to_stop_begins_nothing() -> None:
    """Its transaction runs: Authorize before StopTransaction is the end of the authorization, not another."""
    script = Script().boot().authorize(TAG).start(1, TAG, 1000, transaction=7).wait(60).authorize(TAG).wait(300)
    lived = Lived(_with("Authorized")).feed(script.stop(7, 2000, idTag=TAG).frames)
    assert [course[0] for course in lived.course] == ["Started", "Updated", "Ended"]


def test_energy_transfer_begins_with_the_energy_tc_e_02() -> None:
    """StartTransaction alone says nothing; Started says Charging, with the token, the EVSE and the begin value."""
    lived = Lived(_with("EnergyTransfer")).feed(_session().frames).settle()
    assert lived.course == [
        ("Started", "ChargingStateChanged", "Charging", None),
        ("Updated", "MeterValuePeriodic", None, None),
        LOCAL,
    ]
    started = lived.events[0]
    assert (started["idToken"]["idToken"], started["evse"]["id"]) == (TAG, 1)
    (session,) = lived.sessions.values()
    assert (session.complete, session.shadow_energy_wh) == (True, 2500)


@pytest.mark.parametrize("proof", ["register", "power", "stop"])
def test_energy_shows_in_meter_values_where_no_status_comes(proof: str) -> None:
    """Stations that suppress statuses: a register above meterStart, a power, or meterStop at last."""
    script = Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7, reservationId=12).wait(600)
    if proof == "register":
        script.meter(1, 7, 1500)
    elif proof == "power":
        script.meter(1, 7, 7000, unit="W", measurand="Power.Active.Import")
    lived = Lived(_with("EnergyTransfer")).feed(script.stop(7, 3500).frames)
    assert [course[0] for course in lived.course if course[0] != "Updated"] == ["Started", "Ended"]
    assert lived.events[0]["reservationId"] == 12


def test_without_energy_there_is_no_energy_transfer() -> None:
    """Stopped with the register where it was: 2.0.1 never had a transaction, and the primary's stands alone."""
    script = Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7).wait(600).meter(1, 7, 1000)
    lived = Lived(_with("EnergyTransfer")).feed(script.stop(7, 1000).frames).settle()
    assert lived.events == []
    assert len(lived.requests("MeterValues")) == 1
    assert lived.codes() == {"session.missing-in-shadow"}


def test_data_signed_begins_with_the_signed_begin_value_e01_fr_04() -> None:
    """SignedDataReceived, with the value that was signed."""
    script = Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7).wait(2)
    ocmf = 'OCMF|{"RD":[{"RV":1.000,"RU":"kWh"}]}|{"SD":"30"}'
    script.meter(1, 7, ocmf, "Transaction.Begin", format="SignedData", unit=None).status(1, "Charging").wait(60)
    lived = Lived(_with("DataSigned")).feed(script.stop(7, 3500).frames)
    assert lived.course == [("Started", "SignedDataReceived", "EVConnected", None), CHARGING, LOCAL]
    assert "signedMeterValue" in str(lived.events[0]["meterValue"])


def test_two_cables_of_one_evse_begin_one_transaction_e01_fr_14() -> None:
    """The second connector may not begin one while the first runs."""
    shared = topology.parse({"station": [{"connectors": {"1": [1, 1], "2": [1, 2]}}]})
    script = Script().boot().status(1, "Available").status(2, "Available").status(1, "Charging").status(2, "Charging")
    lived = Lived(replace(_with("EVConnected"), topology=shared)).feed(script.frames)
    assert [course[0] for course in lived.course] == ["Started"]


# -- stop points ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stop", ["Authorized", "PowerPathClosed", "EVConnected,PowerPathClosed", "Authorized,DataSigned"]
)
def test_the_compatible_stop_points_end_with_stop_transaction(stop: str) -> None:
    """StopTransaction is the end wherever Authorized or PowerPathClosed is among them."""
    assert Lived(_with(stop=stop)).feed(_session().frames).events == Lived().feed(_session().frames).events


@pytest.mark.parametrize(("reason", "ended"), [("EVDisconnected", True), ("Local", False)])
def test_ev_connected_alone_ends_when_the_cable_is_out_f03_fr_02(reason: str, *, ended: bool) -> None:
    """A stop because of the cable is the end itself; any other ends the authorization only."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).status(1, "Charging").wait(60).stop(7, 2000, reason)
    lived = Lived(_with(stop="EVConnected")).feed(script.frames)
    assert (lived.course[-1][0] == "Ended") is ended
    out = Lived(_with(stop="EVConnected")).feed(script.status(1, "Available").frames)
    assert [course[0] for course in out.course].count("Ended") == 1


@pytest.mark.parametrize("info", ["", "EV side disconnected"])
def test_ev_connected_alone_ends_though_1_6_goes_on(info: str) -> None:
    """The cable leaves before any StopTransaction (C1; E10): Ended with the last reading, then silence."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).status(1, "Charging").wait(600).meter(1, 7, 2000)
    script.status(1, "SuspendedEV", info=info) if info else script.status(1, "Available")
    script.wait(10).meter(1, 7, 2000).wait(60).stop(7, 2000, "Other")
    lived = Lived(_with(stop="EVConnected")).feed(script.frames)
    assert lived.course[-1] == ("Ended", "EVCommunicationLost", "Idle", "EVDisconnected")
    sample = lived.events[-1]["meterValue"][0]["sampledValue"][0]
    assert (sample["value"], sample["context"]) == (Decimal(2000), "Transaction.End")
    assert len(lived.requests("MeterValues")) == 1
    assert not {"session.after-end", "session.orphan-stop"} & lived.codes()


@pytest.mark.parametrize(("status", "reason"), [("SuspendedEV", "StoppedByEV"), ("SuspendedEVSE", "Other")])
def test_energy_transfer_ends_with_a_pause(status: str, reason: str) -> None:
    """Discouraged, and what it says: the first pause ends it; the StopTransaction that follows changes nothing."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).status(1, "Charging").wait(600).meter(1, 7, 2000)
    stopped = script.status(1, status).wait(60).now
    script.stop(7, 2000, at=stopped, idTag=TAG)
    lived = Lived(_with(stop="EnergyTransfer")).feed(script.frames)
    assert lived.course[-1] == ("Ended", "ChargingStateChanged", status, reason)
    again = Lived(_with(stop="EnergyTransfer")).feed(script.stop(7, 2000, at=stopped, idTag=TAG).frames)
    assert again.events == lived.events
    assert "session.after-end" not in again.codes()


def test_each_flow_of_energy_is_a_transaction_with_energy_transfer_at_both_ends() -> None:
    """Charge time billed: two flows of one 1.6 session are two transactions, and no Wh is counted twice or lost."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).status(1, "Charging").wait(600).meter(1, 7, 2000)
    script.status(1, "SuspendedEV").wait(600).status(1, "Charging").wait(600).stop(7, 3500, idTag=TAG)
    lived = Lived(_with("EnergyTransfer", "EnergyTransfer")).feed(script.frames).settle()
    assert [course[0] for course in lived.course if course[0] != "Updated"] == ["Started", "Ended"] * 2
    assert sorted(one.shadow_energy_wh or 0 for one in lived.sessions.values()) == [1000, 1500]


def test_connection_time_billed() -> None:
    """EVConnected at both ends (Part 2 §1.1): from the cable in to the cable out."""
    lived = Lived(_with("EVConnected", "EVConnected")).feed(_session().frames).settle()
    assert [course[:2] for course in lived.course] == [
        ("Started", "CablePluggedIn"),
        ("Updated", "Authorized"),
        ("Updated", "ChargingStateChanged"),
        ("Updated", "MeterValuePeriodic"),
        ("Updated", "StopAuthorized"),
        ("Updated", "ChargingStateChanged"),
        ("Ended", "EVCommunicationLost"),
    ]
    (session,) = lived.sessions.values()
    assert (session.complete, session.shadow_energy_wh) == (True, 2500)


def _ids(lived: Lived) -> list[Any]:
    return [event["transactionInfo"]["transactionId"] for event in lived.events]


def test_a_start_that_is_retried_joins_once() -> None:
    """The retry repeats the StartTransaction that joined: one transaction on both sides."""
    script = Script().boot().status(1, "Available").status(1, "Preparing").wait(20)
    payload = {"connectorId": 1, "idTag": TAG, "meterStart": 1000, "timestamp": script.now}
    script.call("StartTransaction", payload).close().wait(5).open()
    script.call("StartTransaction", payload).answer({"transactionId": 7, "idTagInfo": {"status": "Accepted"}})
    lived = Lived(_with("EVConnected")).feed(script.wait(60).stop(7, 3500).frames).settle()
    assert len(set(_ids(lived))) == 1
    assert len(lived.sessions) == 1
    assert lived.codes() == {"rpc.unanswered", "session.start-time"}
