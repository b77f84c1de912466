"""The error of a StatusNotification as NotifyEvent: which component tells it, when it is told again, and its end."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow import schema
from shadow.config import ShadowConfig
from shadow.message import Provenance
from shadow.station.error_reports import ERRORS, WARNINGS, report_of
from shadow.topology import parse

TWO_CABLES = ShadowConfig(topology=parse({"station": [{"connectors": {"1": [1, 1], "2": [1, 2]}}]}))
CODES = sorted(ERRORS)


def _events(lived: Lived) -> list[dict[str, Any]]:
    return [event for request in lived.requests("NotifyEvent") for event in request["eventData"]]


def _live(*statuses: tuple[str, str], connector: int = 1, config: ShadowConfig = ShadowConfig()) -> Lived:  # noqa: B008 - frozen
    script = Script().boot()
    for status, error in statuses:
        script.status(connector, status, errorCode=error)
    lived = Lived(config).feed(script.frames)
    assert "schema.v201" not in lived.codes()
    return lived


def _places(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["component"]["name"], one["variable"]["name"], one["actualValue"]) for one in events]


def test_every_error_code_of_the_official_schema_has_a_row() -> None:
    """Fifteen codes beside NoError (1.6 §7.6), none forgotten and none invented."""
    document = schema.read(schema.V16, "StatusNotification", response=False)
    assert document is not None
    official = set(document["properties"]["errorCode"]["enum"])
    assert set(ERRORS) == official - {"NoError"}
    assert set(WARNINGS) <= set(ERRORS)


@pytest.mark.parametrize("code", CODES)
def test_a_fault_is_told_and_taken_back(code: str) -> None:
    """One event when it comes and one when NoError takes it back: the same variable, `cleared`, another id."""
    lived = _live(("Faulted", code), ("Available", "NoError"))
    report = ERRORS[code]
    stands, cleared = _events(lived)
    assert _places([stands, cleared]) == [
        (report.component, report.variable, report.value),
        (report.component, report.variable, report.cleared),
    ]
    assert (stands.get("cleared"), cleared["cleared"]) == (None, True)
    assert stands["component"] == cleared["component"]
    assert stands["eventId"] < cleared["eventId"]
    assert ("status.detail-lost", f"StatusNotification.errorCode={code}") in lived.losses()


@pytest.mark.parametrize("code", CODES)
def test_a_warning_is_told_as_well(code: str) -> None:
    """ErrorCode with another status than Faulted is a warning (1.6 §4.9), and the CSMS hears of it too."""
    report = report_of(code, standing=False)
    assert report is not None
    (event, *cleared) = _events(_live(("Charging", code), ("Charging", "NoError")))
    assert _places([event]) == [(report.component, report.variable, report.value)]
    assert len(cleared) == (report.cleared is not None)


def test_a_lock_failure_is_the_mandated_triple_g05_fr_02() -> None:
    """ConnectorPlugRetentionLock.Problem = true on its connector, Delta (G05.FR.02, TC_G_20)."""
    (event,) = _events(_live(("Faulted", "ConnectorLockFailure"), connector=2))
    assert event["component"] == {"name": "ConnectorPlugRetentionLock", "evse": {"id": 2, "connectorId": 1}}
    assert event["variable"] == {"name": "Problem"}
    assert (event["actualValue"], event["trigger"]) == ("true", "Delta")
    assert event["eventNotificationType"] == "HardWiredMonitor"


@pytest.mark.parametrize(
    ("code", "variable"), [("OverCurrentFailure", "OverCurrentProtection"), ("GroundFailure", "RCD")]
)
def test_what_operated_by_itself_is_never_taken_back(code: str, variable: str) -> None:
    """Operated is for events only and always true (appendices); the standing fault after it is another variable."""
    lived = _live(("Charging", code), ("Faulted", code), ("Available", "NoError"))
    first, second, cleared = _events(lived)
    assert first["variable"] == {"name": "Operated"}
    assert (first["trigger"], first["eventNotificationType"]) == ("Alerting", "HardWiredNotification")
    assert second["variable"]["name"] in ("Active", "Tripped")
    assert _places([cleared]) == [(variable, second["variable"]["name"], "false")]


def test_connector_zero_is_the_charging_station() -> None:
    """No EVSE at all, and a Problem of no component is one of the station."""
    lived = _live(("Faulted", "OtherError"), ("Faulted", "PowerMeterFailure"), connector=0)
    state, other, meter = _events(lived)
    assert _places([state, other, meter]) == [
        ("ChargingStation", "AvailabilityState", "Faulted"),
        ("ChargingStation", "Problem", "true"),
        ("FiscalMetering", "Problem", "true"),
    ]
    assert all("evse" not in event["component"] for event in (state, other, meter))


def test_components_sit_on_their_tier() -> None:
    """A lock on its connector, a meter on its EVSE, the local list on the station (Part 2 §2.13.1)."""
    codes = ("ConnectorLockFailure", "PowerMeterFailure", "LocalListConflict")
    lived = _live(*(("Faulted", code) for code in codes), connector=2, config=TWO_CABLES)
    lock, meter, local_list = (event["component"] for event in _events(lived))
    assert lock["evse"] == {"id": 1, "connectorId": 2}
    assert meter["evse"] == {"id": 1}
    assert "evse" not in local_list


def test_the_stations_own_words_travel_along() -> None:
    """VendorErrorCode → techCode, info → techInfo, vendorId → customData, and none of them is named as lost."""
    script = (
        Script()
        .boot()
        .status(
            1,
            "Faulted",
            errorCode="PowerSwitchFailure",
            vendorErrorCode="CX013",
            info="contactor welded",
            vendorId="ACME",
        )
    )
    lived = Lived().feed(script.frames)
    (event,) = _events(lived)
    assert (event["techCode"], event["techInfo"]) == ("CX013", "contactor welded")
    assert event["customData"] == {"vendorId": "ACME"}
    assert lived.rows("message.field-lost") == []


@pytest.mark.parametrize("code", ["InternalError", "OtherError", "OverVoltage", "ResetFailure", "UnderVoltage"])
def test_what_the_variable_does_not_tell_stands_in_tech_info(code: str) -> None:
    """Two error codes on one variable, or a Problem of anything: techInfo begins with the 1.6 name."""
    script = Script().boot().status(1, "Faulted", errorCode=code, info="phase 2")
    (event,) = _events(Lived().feed(script.frames))
    assert event["techInfo"] == f"{code}: phase 2"
    (bare,) = _events(_live(("Faulted", code)))
    assert bare["techInfo"] == code


@pytest.mark.parametrize("nothing", ["none", "", " None ", "N/A", "null", "NoError"])
def test_placeholders_say_nothing(nothing: str) -> None:
    """ABL writes "none" into both fields: no techCode, no techInfo, no loss."""
    script = Script().boot().status(1, "Faulted", errorCode="ReaderFailure", info=nothing, vendorErrorCode=nothing)
    lived = Lived().feed(script.status(1, "Available", info=nothing, vendorErrorCode=nothing).frames)
    assert not {"techCode", "techInfo"} & set(_events(lived)[0])
    assert lived.rows("message.field-lost") == []


def test_the_longest_texts_of_2_0_1_are_kept_and_longer_ones_cut() -> None:
    """TechCode takes 50 characters and techInfo 500; what breaks 1.6 and is cut is named."""
    script = Script().boot().status(1, "Faulted", errorCode="OtherError", vendorErrorCode="7" * 51, info="i" * 600)
    lived = Lived().feed(script.frames)
    (event,) = _events(lived)
    assert len(event["techCode"]) == 50
    assert len(event["techInfo"]) == 500
    assert {row.path for row in lived.rows("message.field-lost")} == {"StatusNotification.vendorErrorCode"}
    assert "schema.v201" not in lived.codes()


def test_an_error_said_again_is_told_once() -> None:
    """A StatusNotification repeats the error with every status; 2.0.1 tells it when it comes."""
    script = Script().boot()
    for status in ("Faulted", "Faulted", "Faulted"):
        script.status(1, status, errorCode="GroundFailure", vendorErrorCode="7")
    assert len(_events(Lived().feed(script.frames))) == 1
    script.status(1, "Faulted", errorCode="GroundFailure", vendorErrorCode="8")
    assert [event["techCode"] for event in _events(Lived().feed(script.frames))] == ["7", "8"]


def test_no_error_takes_everything_back_at_once() -> None:
    """1.6 cannot clear one of several (UP §4.1.3): one NotifyEvent clears each variable once."""
    codes = ("OverVoltage", "UnderVoltage", "HighTemperature")
    lived = _live(*(("Faulted", code) for code in codes), ("Available", "NoError"), ("Available", "NoError"))
    requests = lived.requests("NotifyEvent")
    assert len(requests) == 4
    assert _places(requests[-1]["eventData"]) == [
        ("ElectricalFeed", "ACVoltage", ""),
        ("TemperatureSensor", "Active", "false"),
    ]
    ids = [event["eventId"] for event in _events(lived)]
    assert ids == sorted(set(ids))


def test_no_error_of_one_connector_leaves_the_others_alone() -> None:
    """Errors are remembered per connector; the station's own are those of connector 0."""
    script = Script().boot().status(1, "Faulted", errorCode="ReaderFailure").status(2, "Available")
    script.status(0, "Available").status(1, "Available")
    values = [event["actualValue"] for event in _events(Lived().feed(script.frames))]
    assert values == ["true", "Available", "false"]


def test_a_fault_without_a_code_is_told_by_the_stations_own_words() -> None:
    """Faulted, NoError and a vendor's code: what they say is the reason, and it goes with the next NoError."""
    script = Script().boot().status(1, "Faulted", vendorErrorCode="E42").status(1, "Faulted", vendorErrorCode="E42")
    lived = Lived().feed(script.status(1, "Available").frames)
    assert _places(_events(lived)) == [("Connector", "Problem", "true"), ("Connector", "Problem", "false")]
    assert _events(lived)[0]["techCode"] == "E42"
    assert not any(path.startswith("StatusNotification.errorCode") for _, path in lived.losses())
    assert _events(_live(("Faulted", "NoError"))) == []
    assert _events(Lived().feed(Script().boot().status(1, "Faulted", vendorErrorCode="0000").frames)) == []


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("info", '{"reason":"plugInGun","cpv":0,"rv":0}', True),
        ("info", "EV side disconnected", False),
        ("vendorErrorCode", "0x0000", False),
        ("vendorErrorCode", "12", True),
        ("vendorId", "EN+", True),
    ],
)
def test_what_stands_beside_no_error_has_no_event(field: str, value: str, *, named: bool) -> None:
    """There is no error that a NotifyEvent could be about: named as lost, unless it says nothing or becomes a state."""
    script = Script().boot().status(1, "Available").status(1, "Finishing", **{field: value})
    lived = Lived().feed(script.frames)
    assert _events(lived) == []
    lost = [(row.path, row.primary) for row in lived.rows("message.field-lost")]
    assert lost == ([(f"StatusNotification.{field}", value)] if named else [])


def test_an_error_in_a_transaction_names_it() -> None:
    """EventData.transactionId is the shadow's own id of the transaction on that connector."""
    script = Script().boot().start(1, "AA", 0, transaction=7).status(1, "Charging", errorCode="HighTemperature")
    lived = Lived().feed(script.wait(60).tick().frames)
    (event,) = _events(lived)
    assert event["transactionId"] == lived.events[0]["transactionInfo"]["transactionId"]


def test_what_is_made_up_is_marked() -> None:
    """Trigger, eventNotificationType and eventId are no words of the station."""
    message = next(one for one in _live(("Faulted", "WeakSignal")).messages if one.action == "NotifyEvent")
    made = {path for path, origin in message.provenance.items() if origin is Provenance.SYNTHESISED}
    assert made >= {"seqNo", "eventData.eventId", "eventData.trigger", "eventData.eventNotificationType"}


@pytest.mark.parametrize("error", ["Error", "", 7, None])
def test_an_error_code_outside_the_enumeration_is_counted(error: Any) -> None:
    """No event is made of it, and it clears nothing; `schema.v16` names it."""
    script = Script().boot().status(1, "Faulted", errorCode="ReaderFailure").status(1, "Faulted", errorCode=error)
    lived = Lived().feed(script.frames)
    assert len(_events(lived)) == 1
    assert f"StatusNotification.errorCode={'' if error == '' else error}" in lived.unmapped
    assert "schema.v16" in lived.codes()
