"""StartTransaction as TransactionEvent Started: the paired scenarios of both specifications, told as transcripts."""

from decimal import Decimal

import pytest

from demo.lived import Lived
from demo.script import Script

TAG = "04A1B2C3"
CHARGING = ("Updated", "ChargingStateChanged", "Charging", None)


def test_plug_in_first_is_authorized_e02_fr_01() -> None:
    """Cable, then card (OCA TC_003): Occupied, Started(Authorized, EVConnected), Updated Charging."""
    script = Script().boot().status(1, "Available").status(1, "Preparing").authorize(TAG)
    lived = Lived().feed(script.start(1, TAG, 1000, transaction=7).status(1, "Charging").frames)
    assert lived.course == [("Started", "Authorized", "EVConnected", None), CHARGING]
    assert [one["connectorStatus"] for one in lived.requests("StatusNotification")] == ["Available", "Occupied"]


def test_identification_first_is_cable_plugged_in_e02_fr_17() -> None:
    """Card, then cable (OCA TC_004_1): the more specific trigger wins."""
    script = Script().boot().authorize(TAG).status(1, "Preparing").start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.status(1, "Charging").frames)
    assert lived.course == [("Started", "CablePluggedIn", "EVConnected", None), CHARGING]


def test_identification_without_a_cable_makes_no_transaction_tc_004_2() -> None:
    """Card, Preparing, and then the time runs out: no transaction, and no cable is invented."""
    script = Script().boot().status(1, "Available").authorize(TAG).status(1, "Preparing").wait(60)
    lived = Lived().feed(script.status(1, "Available").frames).settle()
    assert lived.events == []
    assert [one["connectorStatus"] for one in lived.requests("StatusNotification")] == ["Available"]
    assert lived.codes() == set()


def test_an_authorization_that_has_run_out_proves_no_cable_order() -> None:
    """A card held up longer ago than the connection timeout says nothing of the order."""
    script = Script().boot().authorize(TAG).wait(181).status(1, "Preparing").start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.frames)
    assert lived.course == [("Started", "Authorized", "EVConnected", None)]
    assert "Occupied" in [one["connectorStatus"] for one in lived.requests("StatusNotification")]


def test_a_cached_token_stands_in_started_without_authorize_tc_007() -> None:
    """No Authorize is seen: Started carries the token all the same."""
    script = Script().boot().status(1, "Preparing").start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.frames)
    assert lived.events[0]["idToken"] == {"idToken": TAG, "type": "ISO14443"}
    assert lived.requests("Authorize") == []


def test_started_carries_evse_and_token_once_e01_fr_16() -> None:
    """Evse stands in the first event only, the token where authorization begins and where it ends."""
    script = Script().boot().status(2, "Preparing").start(2, TAG, 1000, transaction=7).status(2, "Charging")
    script.meter(2, 7, 1500).wait(60).stop(7, 2000, idTag=TAG)
    lived = Lived().feed(script.frames)
    assert [event.get("evse") for event in lived.events] == [{"id": 2, "connectorId": 1}, None, None, None]
    assert [("idToken" in event) for event in lived.events] == [True, False, False, True]


def test_seq_no_counts_from_zero_without_holes() -> None:
    """Part 2 §1.3.2.1: 0 in Started, one more in every event."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).status(1, "Charging").meter(1, 7, 1500).wait(60)
    lived = Lived().feed(script.stop(7, 2000).frames)
    assert [event["seqNo"] for event in lived.events] == [0, 1, 2, 3]
    assert len({event["transactionInfo"]["transactionId"] for event in lived.events}) == 1


def test_meter_start_is_the_transaction_begin_value_e01_fr_09() -> None:
    """MeterStart stands in Started, not rebased to zero (J02.FR.17)."""
    lived = Lived().feed(Script().boot().start(1, TAG, 3051113, transaction=7).frames)
    (value,) = lived.events[0]["meterValue"]
    assert value["sampledValue"] == [
        {
            "value": Decimal(3051113),
            "context": "Transaction.Begin",
            "measurand": "Energy.Active.Import.Register",
            "location": "Outlet",
            "unitOfMeasure": {"unit": "Wh"},
        }
    ]


def test_a_start_without_a_status_makes_the_connector_occupied_g01_fr_03() -> None:
    """The power path is closed, so that a cable is in: Occupied is due though 1.6 never said so."""
    lived = Lived().feed(Script().boot().start(1, TAG, 1000, transaction=7).frames)
    assert lived.actions == ["BootNotification", "StatusNotification", "TransactionEvent"]
    assert lived.requests("StatusNotification")[0]["connectorStatus"] == "Occupied"


def test_charging_before_the_start_is_reported_within_the_transaction_e02_fr_13() -> None:
    """A status that overtook its StartTransaction comes as an Updated right after Started."""
    script = Script().boot().status(1, "Charging").start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.frames)
    assert lived.course == [("Started", "Authorized", "EVConnected", None), CHARGING]


def test_a_remote_start_gives_its_id_to_the_transaction_f01_fr_25() -> None:
    """RemoteStartTransaction accepted, then the start (OCA TC_010): RemoteStart with the remoteStartId commanded."""
    script = Script().boot().status(1, "Preparing")
    script.remote("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}).start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.frames)
    assert lived.course == [("Started", "RemoteStart", "EVConnected", None)]
    (command,) = lived.requests("RequestStartTransaction")
    assert lived.events[0]["transactionInfo"]["remoteStartId"] == command["remoteStartId"]
    assert command["evseId"] == 1


def test_a_remote_start_before_the_cable_waits_for_it_tc_011() -> None:
    """RemoteStartTransaction without a connector, then the cable: Preparing proves no cable, the start does."""
    script = Script().boot().status(1, "Available").remote("RemoteStartTransaction", {"idTag": TAG})
    script.status(1, "Preparing").wait(5).start(1, TAG.lower(), 1000, transaction=7)
    lived = Lived().feed(script.frames)
    assert lived.course == [("Started", "RemoteStart", "EVConnected", None)]
    assert [one["connectorStatus"] for one in lived.requests("StatusNotification")] == ["Available", "Occupied"]


@pytest.mark.parametrize("case", ["rejected", "other token", "other connector", "too late"])
def test_what_a_remote_start_does_not_start_is_authorized(case: str) -> None:
    """A remote start that was rejected, is over, or is for somebody else leaves Started to the card."""
    script = Script().boot().status(1, "Preparing")
    payload = {"connectorId": 2 if case == "other connector" else 1, "idTag": "BB" if case == "other token" else TAG}
    script.remote("RemoteStartTransaction", payload, "Rejected" if case == "rejected" else "Accepted")
    script.wait(200 if case == "too late" else 1).start(1, TAG, 1000, transaction=7)
    lived = Lived().feed(script.frames)
    assert lived.course == [("Started", "Authorized", "EVConnected", None)]
    assert "remoteStartId" not in lived.events[0]["transactionInfo"]


def test_two_remote_starts_keep_their_ids_apart() -> None:
    """Both commands are sent before either is answered: each transaction names its own."""
    script = Script().boot()
    script.command("RemoteStartTransaction", {"connectorId": 1, "idTag": "AA"}, message_id="r1")
    script.command("RemoteStartTransaction", {"connectorId": 2, "idTag": "BB"}, message_id="r2")
    script.answer({"status": "Accepted"}, message_id="r1").answer({"status": "Accepted"}, message_id="r2")
    script.start(1, "AA", 1000, transaction=7).start(2, "BB", 1000, transaction=8)
    lived = Lived().feed(script.frames)
    commanded = {one["evseId"]: one["remoteStartId"] for one in lived.requests("RequestStartTransaction")}
    started = {one["evse"]["id"]: one["transactionInfo"]["remoteStartId"] for one in lived.events}
    assert started == commanded
    assert len(set(started.values())) == 2


@pytest.mark.parametrize(("sent", "expected"), [(12, 12), (0, None), (None, None)])
def test_reservation_id_of_the_start_h01_fr_15(sent: int | None, expected: int | None) -> None:
    """A reservation that is consumed is named; 0, which many stations always send, reserves nothing."""
    more = {} if sent is None else {"reservationId": sent}
    lived = Lived().feed(Script().boot().start(1, TAG, 1000, transaction=7, **more).frames)
    assert lived.events[0].get("reservationId") == expected


def test_an_invalid_token_is_told_to_the_station_and_ends_deauthorized_e05_fr_10() -> None:
    """StartTransaction.conf Invalid, then StopTransaction(DeAuthorized): Ended Deauthorized without a token."""
    script = Script().boot().start(1, TAG, 1000, transaction=7, status="Invalid").wait(2)
    lived = Lived().feed(script.stop(7, 1000, "DeAuthorized", idTag=TAG).frames)
    assert lived.course[-1] == ("Ended", "Deauthorized", "EVConnected", "DeAuthorized")
    assert lived.responses("TransactionEvent")[0]["idTokenInfo"]["status"] == "Invalid"
    assert "idToken" not in lived.events[-1]


def test_an_invalid_token_without_a_stop_suspends_e05_fr_02() -> None:
    """StopTransactionOnInvalidId=false: energy stops with the status, not with the answer."""
    script = Script().boot().start(1, TAG, 1000, transaction=7, status="Blocked").status(1, "SuspendedEVSE")
    lived = Lived().feed(script.frames)
    assert lived.course[1:] == [("Updated", "ChargingStateChanged", "SuspendedEVSE", None)]


# -- one start, told twice ------------------------------------------------------------------------------------------


def test_a_start_again_with_a_new_message_id_is_the_same_transaction() -> None:
    """Connector, token, meter and a plausible timestamp agree (seen at ABB): one transaction, both ids its aliases."""
    script = Script().boot()
    at = script.now
    script.start(1, TAG, 1000, transaction=7, at=at).wait(21).start(1, TAG, 1000, transaction=8, at=at)
    script.wait(60).stop(8, 2000)
    lived = Lived().feed(script.frames)
    assert [course[0] for course in lived.course] == ["Started", "Ended"]
    assert {"session.duplicate-start"} <= lived.codes()


def test_a_start_with_a_clock_set_meanwhile_is_the_same_transaction() -> None:
    """The first was stamped 1970 and never answered; the same message id again with the true time."""
    script = Script().boot()
    payload = {"connectorId": 1, "idTag": TAG, "meterStart": 1000, "timestamp": "1970-01-01T00:00:10Z"}
    script.call("StartTransaction", payload, message_id="s1").wait(90).close().open()
    script.start(1, TAG, 1000, transaction=7, message_id="s1")
    lived = Lived().feed(script.frames)
    assert [course[0] for course in lived.course] == ["Started"]


def test_zero_meters_and_restarted_message_ids_do_not_merge_strangers() -> None:
    """A per-session register and message ids that begin anew after each boot: two sessions remain two."""
    script = Script().boot()
    for transaction in (7, 8):
        script.start(1, TAG, 0, transaction=transaction, message_id="5").wait(600).stop(transaction, 900)
        script.close().open().boot()
    lived = Lived().feed(script.frames).settle()
    assert [course[0] for course in lived.course] == ["Started", "Ended", "Started", "Ended"]
    assert len(lived.sessions) == 2
    assert "session.missing-in-shadow" not in lived.codes()


def test_1970_clocks_do_not_merge_strangers() -> None:
    """Never set, each boot begins at the same time with the same ids: what was stopped is not started again."""
    script = Script().boot()
    for transaction in (7, 8):
        script.start(1, TAG, 0, transaction=transaction, message_id="5", at="1970-01-01T00:00:09Z").wait(600)
        script.stop(transaction, 900, at="1970-01-01T00:10:09Z").close().open().boot()
    lived = Lived().feed(script.frames).settle()
    assert [course[0] for course in lived.course] == ["Started", "Ended", "Started", "Ended"]
    assert lived.codes() <= {"clock.epoch", "meter.regression"}


def test_a_second_start_on_an_evse_ends_the_first_e01_fr_14() -> None:
    """2.0.1 allows one transaction per EVSE: the older one ends AbnormalCondition/Other, and the overlap is named."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).wait(60).start(1, "BB", 1500, transaction=8)
    lived = Lived().feed(script.frames)
    assert lived.course == [
        ("Started", "Authorized", "EVConnected", None),
        ("Ended", "AbnormalCondition", "EVConnected", "Other"),
        ("Started", "Authorized", "EVConnected", None),
    ]
    assert lived.codes() == {"session.overlap"}


@pytest.mark.parametrize("connector", [0, -1, None, "one", 1.5])
def test_a_start_without_a_connector_is_counted_not_lived(connector: object) -> None:
    """No EVSE, no transaction: what cannot be mapped is named."""
    payload = {"connectorId": connector, "idTag": TAG, "meterStart": 0, "timestamp": "2030-01-01T12:00:00Z"}
    lived = Lived().feed(Script().boot().call("StartTransaction", payload).frames)
    assert lived.events == []
    assert "StartTransaction.connectorId" in lived.unmapped


def test_the_transaction_id_is_the_stations_own_and_stable_under_replay() -> None:
    """E01.FR.08: at most 36 characters, derived from charger and frame, never the primary's integer."""
    script = Script().boot().start(1, TAG, 1000, transaction=7)
    first, second = (Lived().feed(script.frames).events[0]["transactionInfo"]["transactionId"] for _ in range(2))
    other = Lived().feed(Script("CP2").boot().start(1, TAG, 1000, transaction=7).frames).events[0]
    assert first == second != other["transactionInfo"]["transactionId"]
    assert len(first) == 36


def test_offline_start_carries_the_flag_e04_fr_01() -> None:
    """Stamped before the connection opened: offline = true, for the events of that time only (E04.FR.01)."""
    script = Script().boot().status(1, "Available").wait(600).close().wait(1200)
    began = script.now
    script.wait(600).open().status(1, "Charging").start(1, TAG, 1000, transaction=7, at=began).wait(60)
    lived = Lived().feed(script.stop(7, 2000).frames)
    assert [event.get("offline") for event in lived.events if event["eventType"] != "Updated"] == [True, None]
    assert "session.offline-replay" in lived.codes()
