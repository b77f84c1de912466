"""MeterValues in 2.0.1 terms: which event carries them, what they were translated to, and whose they are."""

import json
from base64 import b64decode, b64encode
from decimal import Decimal
from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow.config import DEFAULT

TAG = "04A1B2C3"


def _running() -> Script:
    return Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7).wait(10)


def _samples(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [sample for value in payload["meterValue"] for sample in value["sampledValue"]]


@pytest.mark.parametrize(
    ("context", "trigger"),
    [
        ("Sample.Periodic", "MeterValuePeriodic"),  # J02.FR.11
        (None, "MeterValuePeriodic"),  # 1.6 §7.43: absent is Sample.Periodic
        ("Sample.Clock", "MeterValueClock"),  # J01.FR.22
        ("Interruption.End", "MeterValuePeriodic"),
        ("Interruption.Begin", "MeterValuePeriodic"),
    ],
)
def test_values_of_a_transaction_are_updated_events_j02_fr_11(context: str | None, trigger: str) -> None:
    """Within a transaction no MeterValuesRequest is sent but TransactionEvent Updated with the values."""
    lived = Lived().feed(_running().meter(1, 7, 1100, context).frames)
    assert lived.course[1:] == [("Updated", trigger, None, None)]
    assert lived.requests("MeterValues") == []
    assert _samples(lived.events[-1])[0].get("context") == context


def test_triggered_values_are_a_meter_values_request_f06_fr_06() -> None:
    """TriggerMessage(MeterValues) in a transaction (TC_054): MeterValuesRequest with context Trigger, no Updated."""
    script = _running().remote("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    lived = Lived().feed(script.meter(1, 7, 1100, "Trigger").frames)
    assert len(lived.events) == 1
    assert [one["evseId"] for one in lived.requests("MeterValues")] == [1]
    assert lived.requests("TriggerMessage") == [
        {"requestedMessage": "MeterValues", "evse": {"id": 1, "connectorId": 1}},
    ]


@pytest.mark.parametrize(("connector", "transaction"), [(0, None), (0, 7), (2, None)])
def test_values_of_no_transaction_are_meter_values_requests_j01_fr_14(connector: int, transaction: int | None) -> None:
    """An idle EVSE, and the main meter (0) always, even with a transactionId (1.6 errata 3.16)."""
    lived = Lived().feed(_running().meter(connector, transaction, 1100, "Sample.Clock").frames)
    assert len(lived.events) == 1
    assert [one["evseId"] for one in lived.requests("MeterValues")] == [connector]


def test_values_without_an_id_belong_to_what_runs_on_their_connector() -> None:
    """Some stations leave transactionId out: the values go to the open transaction."""
    lived = Lived().feed(_running().meter(1, None, 1100).frames)
    assert lived.course[1:] == [("Updated", "MeterValuePeriodic", None, None)]


def test_several_elements_are_one_updated_each_j02_fr_10() -> None:
    """Only Ended may span several intervals: a queue flushed in one message gives an event per element."""
    script = _running().wait(180)
    elements = [
        {"timestamp": script.ago(seconds), "sampledValue": [{"value": str(1000 + 180 - seconds), "unit": "Wh"}]}
        for seconds in (120, 60, 0)
    ]
    lived = Lived().feed(script.meter_values(1, 7, elements).frames)
    assert [event["timestamp"] for event in lived.events[1:]] == [one["timestamp"] for one in elements]
    assert [event["seqNo"] for event in lived.events] == [0, 1, 2, 3]


def test_an_object_in_place_of_the_array_is_lived_and_named() -> None:
    """Huawei's meterValue: the value counts, the schema is broken."""
    element = {"timestamp": "2030-01-01T12:00:11Z", "sampledValue": [{"value": "1.10", "unit": "kWh"}]}
    script = _running().call("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": element})
    lived = Lived().feed(script.frames)
    assert _samples(lived.events[-1])[0]["value"] == Decimal("1.10")
    assert "schema.v16" in lived.codes()


@pytest.mark.parametrize("elements", [[], [{"timestamp": "2030-01-01T12:00:11Z", "sampledValue": []}], [{}], [1]])
def test_empty_values_say_nothing(elements: list[Any]) -> None:
    """An empty list of samples makes no 2.0.1 message, which would break its schema."""
    lived = Lived().feed(_running().meter_values(1, 7, elements).frames)
    assert len(lived.events) == 1
    assert lived.requests("MeterValues") == []


def test_values_and_units_are_translated_with_their_digits() -> None:
    """A string becomes the same decimal number; the unit moves into unitOfMeasure; phases and places stay."""
    samples = [
        {"value": "3051.10", "unit": "kWh", "measurand": "Energy.Active.Import.Register", "location": "Outlet"},
        {"value": "230.1", "unit": "V", "measurand": "Voltage", "phase": "L1-N", "context": "Sample.Periodic"},
        {"value": "50.01", "measurand": "Frequency"},
        {"value": "80", "unit": "Percent", "measurand": "SoC", "location": "EV"},
    ]
    script = _running().meter_values(1, 7, [{"timestamp": "2030-01-01T12:00:12Z", "sampledValue": samples}])
    first, voltage, frequency, soc = _samples(Lived().feed(script.frames).events[-1])
    assert (str(first["value"]), first["unitOfMeasure"]) == ("3051.10", {"unit": "kWh"})
    assert (voltage["phase"], voltage["unitOfMeasure"]) == ("L1-N", {"unit": "V"})
    assert frequency["unitOfMeasure"] == {"unit": "Hz"}
    assert (soc["value"], soc["location"]) == (Decimal(80), "EV")


@pytest.mark.parametrize("measurand", ["Temperature", "RPM"])
def test_measurands_without_a_place_in_2_0_1_are_lost(measurand: str) -> None:
    """2.0.1 says Temperature and RPM in its device model: expected loss, not an omission."""
    lived = Lived().feed(_running().meter(1, 7, "21", None, unit=None, measurand=measurand).frames)
    assert ("message.field-lost", f"MeterValues.measurand={measurand}") in lived.losses()
    assert len(lived.events) == 1


def test_a_measurand_that_no_version_has_is_counted() -> None:
    """It breaks the schema of 1.6, and no 2.0.1 value is made of it."""
    lived = Lived().feed(_running().meter(1, 7, "21", None, unit=None, measurand="Colour").frames)
    assert "MeterValues.measurand=Colour" in lived.unmapped
    assert len(lived.events) == 1


# -- signed values ----------------------------------------------------------------------------------------------------

OCMF = 'OCMF|{"FV":"1.0","RD":[{"RV":1.100,"RU":"kWh","TX":"B"},{"RV":1.350,"RU":"kWh","TX":"E"}]}|{"SD":"3045"}'


def _signed(sample: dict[str, Any]) -> tuple[str, dict[str, str]]:
    value = dict(sample["signedMeterValue"])
    return b64decode(value.pop("signedMeterData")).decode(), value


def test_signed_data_stands_beside_the_number_that_it_signs() -> None:
    """A raw and a signed sample of one quantity are one sample of 2.0.1; the data keeps every byte (§2.44)."""
    samples = [
        {"value": "1350", "unit": "Wh", "measurand": "Energy.Active.Import.Register", "context": "Sample.Periodic"},
        {"value": OCMF, "format": "SignedData", "measurand": "Energy.Active.Import.Register"},
        {"value": OCMF, "format": "SignedData", "measurand": "Energy.Active.Import.Register"}
        | {"context": "Sample.Periodic"},
    ]
    script = _running().meter_values(1, 7, [{"timestamp": "2030-01-01T12:00:12Z", "sampledValue": samples}])
    raw, alone = _samples(Lived().feed(script.frames).events[-1])
    assert raw["value"] == 1350
    assert _signed(raw) == (OCMF, {"signingMethod": "", "encodingMethod": "", "publicKey": ""})
    assert (alone["value"], alone["unitOfMeasure"]) == (Decimal("1.350"), {"unit": "kWh"})


@pytest.mark.parametrize(("context", "reading"), [("Transaction.Begin", "1.100"), ("Transaction.End", "1.350")])
def test_of_a_pair_of_ocmf_the_begin_and_the_end_are_read(context: str, reading: str) -> None:
    """OCMF may hold both readings of the session."""
    script = _running().stop(
        7,
        1350,
        transactionData=[
            {
                "timestamp": "2030-01-01T12:00:12Z",
                "sampledValue": [{"value": OCMF, "format": "SignedData", "context": context}],
            }
        ],
    )
    sample = _samples(Lived().feed(script.frames).events[-1])[-1]
    assert str(sample["value"]) == reading


@pytest.mark.parametrize(
    ("context", "value"), [("Transaction.Begin", 1000), ("Transaction.End", 1350), ("Sample.Periodic", None)]
)
def test_signed_data_of_a_strange_form_goes_with_meter_start_and_stop(context: str, value: int | None) -> None:
    """Its number is the one that 1.6 gives for the same moment; where there is none the loss is named."""
    data = [
        {
            "timestamp": "2030-01-01T12:00:12Z",
            "sampledValue": [{"value": "<signedData>é</signedData>", "format": "SignedData", "context": context}],
        }
    ]
    lived = Lived().feed(_running().stop(7, 1350, transactionData=data).frames)
    signed = [sample for sample in _samples(lived.events[-1]) if "signedMeterValue" in sample]
    assert [sample["value"] for sample in signed] == ([] if value is None else [value])
    assert [_signed(sample)[0] for sample in signed] == ([] if value is None else ["<signedData>é</signedData>"])
    assert (("message.field-lost", "StopTransaction.transactionData.format=SignedData") in lived.losses()) is (
        value is None
    )


def test_a_signed_value_that_was_written_as_json_is_taken_apart() -> None:
    """The OCA note on signed values in 1.6: the whole SignedMeterValueType stands in the value."""
    told = {"signedMeterData": b64encode(OCMF.encode()).decode(), "encodingMethod": "OCMF", "publicKey": "a2V5"}
    sample = {"value": json.dumps(told), "format": "SignedData", "context": "Transaction.Begin"}
    script = _running().meter_values(1, 7, [{"timestamp": "2030-01-01T12:00:00Z", "sampledValue": [sample]}])
    (found,) = [
        one
        for event in Lived().feed(script.status(1, "Charging").frames).events
        for one in _samples({"meterValue": [], **event})
        if "signedMeterValue" in one
    ]
    assert _signed(found) == (OCMF, {"signingMethod": "", "encodingMethod": "OCMF", "publicKey": "a2V5"})


@pytest.mark.parametrize(
    ("name", "known"),
    [("MeterPublicKey", True), ("MeterPublicKey1", True), ("MeterPublicKey[1]", True), ("MeterPublicKey2", False)],
)
def test_the_public_key_is_the_one_that_the_station_told(name: str, *, known: bool) -> None:
    """MeterPublicKey of the connector, or of the station, as GetConfiguration gave it."""
    script = _running().command("GetConfiguration", {"key": [name]})
    script.answer({"configurationKey": [{"key": name, "readonly": True, "value": "3059A1"}]})
    lived = Lived().feed(script.meter(1, 7, OCMF, format="SignedData").frames)
    (sample,) = _samples(lived.events[-1])
    assert sample["signedMeterValue"]["publicKey"] == ("3059A1" if known else "")


def test_signed_data_is_never_cut() -> None:
    """Beyond 2500 characters no signature would hold: it is left out, and its length named."""
    lived = Lived().feed(_running().meter(1, 7, "OCMF|" + "x" * 2000, format="SignedData").frames)
    assert ("message.field-lost", "MeterValues.sampledValue.value") in lived.losses()
    assert len(lived.events) == 1


# -- Transaction.Begin ------------------------------------------------------------------------------------------------


def _begin(script: Script, **more: Any) -> Script:
    return script.meter(1, 7, 1000, "Transaction.Begin", **more)


def test_begin_samples_go_into_started_while_it_waits_e01_fr_09() -> None:
    """Inside the reorder horizon: Started carries them, caused by both frames."""
    script = Script().boot().start(1, TAG, 1000, transaction=7)
    script = _begin(script, at=script.ago(1)).status(1, "Charging")
    lived = Lived(DEFAULT).feed(script.frames).settle()
    assert [event["eventType"] for event in lived.events] == ["Started", "Updated"]
    assert len(lived.events[0]["meterValue"]) == 2
    started = next(message for message in lived.messages if message.payload.get("eventType") == "Started")
    assert len(started.caused_by) == 2


def test_begin_samples_go_into_the_event_that_reports_charging_e01_fr_17() -> None:
    """After Started was said: with the event that reports Charging."""
    lived = Lived().feed(_begin(_running()).wait(5).status(1, "Charging").frames)
    assert lived.course[1:] == [("Updated", "ChargingStateChanged", "Charging", None)]
    assert _samples(lived.events[1])[0]["context"] == "Transaction.Begin"


def test_begin_samples_that_nothing_waits_for_travel_alone() -> None:
    """While it charges already, or where Charging never comes: an Updated of their own."""
    charging = Lived().feed(_begin(_running().status(1, "Charging")).frames)
    assert charging.course[2:] == [("Updated", "MeterValuePeriodic", None, None)]
    never = Lived().feed(_begin(_running()).wait(31).tick().frames)
    assert never.course[1:] == [("Updated", "MeterValuePeriodic", None, None)]


def test_begin_samples_are_not_lost_when_the_end_comes_first() -> None:
    """Ended takes what is still held (E06.FR.11)."""
    lived = Lived().feed(_begin(_running()).stop(7, 1500).frames)
    assert [event["eventType"] for event in lived.events] == ["Started", "Ended"]
    assert [one["context"] for one in _samples(lived.events[-1])] == ["Transaction.End", "Transaction.Begin"]


# -- the main meter ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shown", "ambiguous"), [(3500, True), (3502, True), (9000, False)])
def test_connector_0_as_the_sum_of_all_is_no_main_meter(shown: int, *, ambiguous: bool) -> None:
    """Two registers whose sum it shows (KEBA): evseId 0 all the same, and named."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).start(2, "BB", 2500, transaction=8)
    lived = Lived().feed(script.meter(0, None, shown, "Sample.Clock").frames)
    assert [one["evseId"] for one in lived.requests("MeterValues")] == [0]
    assert (("topology.ambiguous", "MeterValues.connectorId") in lived.losses()) is ambiguous


# -- answers ----------------------------------------------------------------------------------------------------------


def test_each_request_of_2_0_1_is_answered() -> None:
    """MeterValues.conf holds nothing; whichever 2.0.1 message the request became is answered with as little."""
    lived = Lived().feed(_running().meter(1, 7, 1100).meter(2, None, 5).frames)
    assert lived.responses("TransactionEvent")[-1] == {}
    assert lived.responses("MeterValues") == [{}]


# -- whose they are ---------------------------------------------------------------------------------------------------


def test_a_transaction_that_ran_before_the_capture_is_adopted() -> None:
    """No Started is made up: numbering begins at 1, evse stands in the first event, the session is never complete."""
    script = Script(connected=False).meter(1, 41, 5000).status(1, "Charging").wait(60).stop(41, 6000)
    lived = Lived().feed(script.frames).settle()
    assert [(one["eventType"], one["seqNo"]) for one in lived.events] == [("Updated", 1), ("Updated", 2), ("Ended", 3)]
    assert [event.get("evse") for event in lived.events] == [{"id": 1, "connectorId": 1}, None, None]
    assert [session.complete for session in lived.sessions.values()] == [False]
    assert lived.codes() == {"session.orphan-meter-values"}


def test_a_transaction_that_goes_on_after_a_boot_is_adopted() -> None:
    """The capture begins with a BootNotification; the station resumes what ran before (OCA TC_032_1)."""
    script = Script().boot().status(1, "Charging").meter(1, 41, 5000).wait(60).stop(41, 6000)
    lived = Lived().feed(script.frames).settle()
    assert [one["eventType"] for one in lived.events] == ["Updated", "Ended"]
    assert lived.codes() == {"session.orphan-meter-values"}
    assert len(lived.sessions) == 1


def test_a_queue_from_before_the_capture_is_adopted_though_the_connector_is_free_now() -> None:
    """The status overtook the queue (1.6 §3.7): values stamped before it belong to a session of that time."""
    script = Script(connected=False).status(1, "Available")
    script.meter(1, 41, 5000, at=script.ago(600)).stop(41, 6000, at=script.ago(300))
    lived = Lived().feed(script.frames).settle()
    assert [one["eventType"] for one in lived.events] == ["Updated", "Ended"]
    assert not {"session.missing-in-shadow", "session.missing-in-primary"} & lived.codes()


@pytest.mark.parametrize("named", [99, -1, 0, -1700000000, 9223372036854760001])
def test_values_of_nobody_on_a_free_connector_are_orphans(named: int) -> None:
    """Its connector was seen free: the id is nobody's, and the values are a MeterValuesRequest."""
    lived = Lived().feed(Script().boot().status(1, "Available").wait(60).meter(1, named, 5000).frames).settle()
    assert lived.codes() == {"session.orphan-meter-values"}
    assert lived.events == []
    assert len(lived.requests("MeterValues")) == 1


@pytest.mark.parametrize("named", [-1, 0, -1700000000, 9223372036854760001])
def test_ids_that_no_primary_gives_adopt_nothing(named: int) -> None:
    """A station's own placeholder in a capture without a beginning is no session."""
    lived = Lived().feed(Script(connected=False).meter(1, named, 5000).frames).settle()
    assert lived.sessions == {}


def test_values_with_a_foreign_id_belong_to_what_runs_on_their_connector() -> None:
    """-1 while a transaction runs there (its answer was lost): taken for it, and named."""
    lived = Lived().feed(_running().meter(1, -1, 1100).frames)
    assert lived.course[1:] == [("Updated", "MeterValuePeriodic", None, None)]
    assert lived.codes() == {"session.orphan-meter-values"}


def test_values_after_the_stop_change_nothing() -> None:
    """Still with its id: MeterValuesRequest and session.after-end; no event after Ended (§2.6.5)."""
    script = _running().wait(60).stop(7, 2000).meter(1, 7, 2500, "Transaction.End")
    lived = Lived().feed(script.frames).settle()
    assert [one["eventType"] for one in lived.events] == ["Started", "Ended"]
    assert lived.codes() == {"session.after-end"}
    assert [session.shadow_energy_wh for session in lived.sessions.values()] == [1000]


def test_values_under_a_shared_id_stay_on_their_connector() -> None:
    """The primary calls both transactions 1: the connector tells them apart."""
    script = Script().boot().start(1, TAG, 1000, transaction=1).start(2, "BB", 90000, transaction=1).wait(60)
    lived = Lived().feed(script.meter(1, 1, 1100).meter(2, 1, 90100).frames)
    started = [event["transactionInfo"]["transactionId"] for event in lived.events[:2]]
    assert [event["transactionInfo"]["transactionId"] for event in lived.events[2:]] == started


def test_samples_out_of_order_are_named() -> None:
    """An event stamped well before the one that came before it (session.out-of-order)."""
    script = _running().wait(300).meter(1, 7, 1500)
    lived = Lived().feed(script.meter(1, 7, 1400, at=script.ago(60)).frames)
    assert lived.codes() == {"session.out-of-order"}
