"""Charging profiles in 2.0.1 terms (K01, K08, K10), and the conflicts that 2.0.1 will not allow."""

from decimal import Decimal
from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow.config import ShadowConfig
from shadow.message import MessageType, Provenance
from shadow.topology import Topology, TopologyRule

TAG = "04A1B2C3"
PERIODS = [{"startPeriod": 0, "limit": 16, "numberPhases": 3}, {"startPeriod": 3600, "limit": 6.4}]
SCHEDULE = {"chargingRateUnit": "A", "startSchedule": "2030-01-01T00:00:00Z", "chargingSchedulePeriod": PERIODS}
EXACT = [
    {"startPeriod": 0, "limit": 16, "numberPhases": 3},
    {"startPeriod": 3600, "limit": Decimal("6.4")},
]


def _profile(number: int, purpose: str = "TxDefaultProfile", stack: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "chargingProfileId": number,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": SCHEDULE,
        **more,
    }


def _set(script: Script, connector: int, profile: dict[str, Any], status: str = "Accepted") -> Script:
    return script.remote("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": profile}, status)


def _conflicts(script: Script, config: ShadowConfig | None = None) -> list[str]:
    rows = Lived(config or ShadowConfig()).feed(script.frames).rows("profile.conflict")
    return [row.path.partition(":")[2] for row in rows]


def _charging(connector: int = 1) -> Script:
    return Script().boot().status(connector, "Available").start(connector, TAG, 1000, transaction=7)


# -- SetChargingProfile -----------------------------------------------------------------------------------------------


def test_every_field_of_a_profile_has_its_place_k01() -> None:
    """The ids, the purpose and the list of schedules differ; limits are exact decimals."""
    schedule = {**SCHEDULE, "duration": 7200, "minChargingRate": 0.5}
    profile = _profile(
        9,
        "ChargePointMaxProfile",
        3,
        chargingProfileKind="Recurring",
        recurrencyKind="Daily",
        validFrom="2030-01-01T01:00:00+01:00",
        validTo="2031-01-01T00:00:00Z",
        chargingSchedule=schedule,
    )
    lived = Lived().feed(_set(Script().boot(), 0, profile).frames)
    assert lived.requests("SetChargingProfile") == [
        {
            "evseId": 0,
            "chargingProfile": {
                "id": 9,
                "stackLevel": 3,
                "chargingProfilePurpose": "ChargingStationMaxProfile",
                "chargingProfileKind": "Recurring",
                "recurrencyKind": "Daily",
                "validFrom": "2030-01-01T00:00:00Z",
                "validTo": "2031-01-01T00:00:00Z",
                "chargingSchedule": [
                    {
                        "id": 9,
                        "duration": 7200,
                        "startSchedule": "2030-01-01T00:00:00Z",
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": EXACT,
                        "minChargingRate": Decimal("0.5"),
                    }
                ],
            },
        }
    ]
    assert lived.responses("SetChargingProfile") == [{"status": "Accepted"}]
    assert lived.codes() | lived.losses() == set()
    provenance = next(one for one in lived.messages if one.action == "SetChargingProfile").provenance
    assert provenance == {
        "evseId": Provenance.CONFIGURED,
        "chargingProfile.chargingSchedule.id": Provenance.SYNTHESISED,
    }


def test_the_topology_decides_on_the_evse() -> None:
    """Two connectors of one EVSE."""
    config = ShadowConfig(topology=Topology((TopologyRule({1: (1, 1), 2: (1, 2)}),)))
    lived = Lived(config).feed(_set(Script().boot(), 2, _profile(1)).frames)
    assert lived.requests("SetChargingProfile")[0]["evseId"] == 1


def test_a_tx_profile_names_the_stations_own_transaction_k01_fr_03() -> None:
    """By the primary's id, or, where 1.6 leaves it out, the one that runs on the connector."""
    script = _set(_charging(), 1, _profile(1, "TxProfile", transactionId=7))
    lived = Lived().feed(_set(script, 1, _profile(2, "TxProfile", stack=1)).frames).settle()
    own = lived.events[0]["transactionInfo"]["transactionId"]
    named = [one["chargingProfile"]["transactionId"] for one in lived.requests("SetChargingProfile")]
    assert named == [own, own]
    assert "profile.conflict" not in lived.codes()


def test_a_station_without_smart_charging_k01_fr_29() -> None:
    """NotSupported has no value: Rejected with its reason, and named."""
    lived = Lived().feed(_set(Script().boot(), 1, _profile(1), "NotSupported").frames)
    response = {"status": "Rejected", "statusInfo": {"reasonCode": "UnsupportedRequest"}}
    assert lived.responses("SetChargingProfile") == [response]
    (row,) = lived.rows("profile.unmappable")
    assert (row.path, row.primary, row.shadow) == ("SetChargingProfile.conf.status", "NotSupported", "Rejected")


def test_a_refusal_is_a_refusal() -> None:
    """CALLERROR NotSupported, which K01.FR.29 asks for, has the same name."""
    script = Script().boot().command("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": _profile(1)})
    error = Lived().feed(script.refuse("NotSupported").frames).messages[-1]
    assert (error.type, error.action, error.payload["errorCode"]) == (
        MessageType.ERROR,
        "SetChargingProfile",
        "NotSupported",
    )


@pytest.mark.parametrize("ending", ["answer", "refuse"])
def test_a_schedule_of_nothing_is_not_said(ending: str) -> None:
    """ChargingSchedulePeriod has one member at least in 2.0.1; without a request there is no response either."""
    nothing = {**SCHEDULE, "chargingSchedulePeriod": []}
    script = Script().boot()
    script.command(
        "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": _profile(1, chargingSchedule=nothing)}
    )
    script = script.answer({"status": "Rejected"}) if ending == "answer" else script.refuse("FormationViolation")
    lived = Lived().feed(script.frames)
    assert "SetChargingProfile" not in {one.action for one in lived.messages}
    assert [row.primary for row in lived.rows("profile.unmappable")] == ["0 periods"]


def test_a_schedule_of_too_many_periods_is_cut() -> None:
    """2.0.1 takes 1024."""
    many = [{"startPeriod": number, "limit": 1} for number in range(1025)]
    profile = _profile(1, chargingSchedule={**SCHEDULE, "chargingSchedulePeriod": many})
    lived = Lived().feed(_set(Script().boot(), 1, profile).frames)
    (request,) = lived.requests("SetChargingProfile")
    assert len(request["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"]) == 1024
    assert [row.primary for row in lived.rows("profile.unmappable")] == ["1025 periods"]
    assert "schema.v201" not in lived.codes()


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ("K01.FR.38", {"chargingProfilePurpose": "ChargePointMaxProfile", "chargingProfileKind": "Relative"}),
        ("K01.FR.40", {"chargingProfileKind": "Absolute"}),
        ("K01.FR.40", {"chargingProfileKind": "Recurring", "recurrencyKind": "Weekly"}),
        ("K01.FR.41", {"chargingProfileKind": "Relative", "chargingSchedule": SCHEDULE}),
        ("K01.FR.31", {"chargingSchedule": {**SCHEDULE, "chargingSchedulePeriod": PERIODS[1:]}}),
        ("K01.FR.35", {"chargingSchedule": {**SCHEDULE, "chargingSchedulePeriod": [*PERIODS, PERIODS[0]]}}),
    ],
)
def test_a_shape_that_no_profile_of_201_has_is_named(rule: str, more: dict[str, Any]) -> None:
    """It is said as the primary said it; one rule each."""
    bare = {"chargingRateUnit": "W", "chargingSchedulePeriod": PERIODS}
    lived = Lived().feed(_set(Script().boot(), 0, _profile(1, **{"chargingSchedule": bare, **more})).frames)
    assert [row.path.partition(":")[2] for row in lived.rows("profile.unmappable")] == [rule]
    assert len(lived.requests("SetChargingProfile")) == 1


# -- conflicts --------------------------------------------------------------------------------------------------------


def test_one_purpose_and_stack_level_twice_k01_fr_06() -> None:
    """1.6 lets the second take the place of the first; 2.0.1 forbids it under another id."""
    script = _set(_set(Script().boot(), 1, _profile(1)), 1, _profile(2))
    lived = Lived().feed(script.frames)
    (row,) = lived.rows("profile.conflict")
    assert row.path == "SetChargingProfile.csChargingProfiles:K01.FR.06"
    assert row.primary == "2: TxDefaultProfile, stack level 0, EVSE 1"
    assert row.shadow == "1: TxDefaultProfile, stack level 0, EVSE 1"


@pytest.mark.parametrize(
    ("first", "second", "rules"),
    [
        # The same id takes the place of the first in both versions (K01.FR.05).
        ((1, _profile(1)), (1, _profile(1)), []),
        ((1, _profile(1)), (1, _profile(2, stack=1)), []),
        ((1, _profile(1)), (2, _profile(2)), []),
        ((1, _profile(1)), (0, _profile(2, "ChargePointMaxProfile")), []),
        # validTo is the first moment without it (K01.FR.37).
        (
            (1, _profile(1, validTo="2030-02-01T00:00:00Z")),
            (1, _profile(2, validFrom="2030-02-01T00:00:00Z")),
            [],
        ),
        (
            (1, _profile(1, validTo="2030-02-01T00:00:01Z")),
            (1, _profile(2, validFrom="2030-02-01T00:00:00Z")),
            ["K01.FR.06"],
        ),
        ((1, _profile(1)), (2, _profile(1)), ["K01.FR.05"]),
        ((1, _profile(1)), (0, _profile(2)), ["K01.FR.52"]),
        ((0, _profile(1)), (1, _profile(2)), ["K01.FR.53"]),
    ],
)
def test_two_profiles(first: tuple[int, dict[str, Any]], second: tuple[int, dict[str, Any]], rules: list[str]) -> None:
    """What 2.0.1 allows beside what is installed, by requirement."""
    assert _conflicts(_set(_set(Script().boot(), *first), *second)) == rules


def test_a_profile_that_was_not_accepted_is_in_nobodys_way() -> None:
    """Neither a rejected one nor one without an answer."""
    script = _set(Script().boot(), 1, _profile(1), "Rejected")
    script.command("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": _profile(2)}, message_id="lost")
    assert _conflicts(_set(script, 1, _profile(3))) == []


def test_two_tx_profiles_of_one_transaction_k01_fr_39() -> None:
    """Of one stack level; the transaction's end takes its profiles with it."""
    script = _set(_set(_charging(), 1, _profile(1, "TxProfile")), 1, _profile(2, "TxProfile"))
    assert _conflicts(script) == ["K01.FR.39"]
    later = _set(_charging(), 1, _profile(1, "TxProfile")).wait(60).stop(7, 2000)
    later.status(1, "Available").start(1, TAG, 2000, transaction=8)
    assert _conflicts(_set(later, 1, _profile(2, "TxProfile"))) == []


@pytest.mark.parametrize(
    ("connector", "transaction", "rule"), [(2, None, "K01.FR.09"), (2, 99, "K01.FR.33"), (0, None, "K01.FR.16")]
)
def test_a_tx_profile_without_its_transaction(connector: int, transaction: int | None, rule: str) -> None:
    """No transaction there, one that nobody knows, and the station as a whole."""
    more = {} if transaction is None else {"transactionId": transaction}
    script = _charging().status(2, "Available")
    assert _conflicts(_set(script, connector, _profile(1, "TxProfile", **more), "Rejected")) == [rule]


def test_a_transaction_may_run_unseen() -> None:
    """Before a connector was seen free nothing is said of what runs on it."""
    assert _conflicts(_set(Script().boot(), 1, _profile(1, "TxProfile"))) == []


def test_the_memory_of_profiles_is_bounded() -> None:
    """The oldest is forgotten first."""
    script = Script().boot()
    for number in range(40):
        _set(script, 1, _profile(number, stack=number))
    lived = Lived().feed(script.frames)
    profiles = lived.fleet.chargers["CP1"].shadow.station.profiles
    assert [one.profile_id for one in profiles] == list(range(24, 40))


# -- ClearChargingProfile ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "payload_201", "named"),
    [
        ({"id": 5}, {"chargingProfileId": 5}, []),
        (
            {"connectorId": 0, "chargingProfilePurpose": "ChargePointMaxProfile", "stackLevel": 2},
            {
                "chargingProfileCriteria": {
                    "evseId": 0,
                    "chargingProfilePurpose": "ChargingStationMaxProfile",
                    "stackLevel": 2,
                }
            },
            [],
        ),
        ({"connectorId": 2}, {"chargingProfileCriteria": {"evseId": 2}}, []),
        ({"id": 5, "stackLevel": 2}, {"chargingProfileId": 5}, ["ClearChargingProfile.stackLevel"]),
        ({}, {}, ["ClearChargingProfile"]),
    ],
)
@pytest.mark.parametrize("status", ["Accepted", "Unknown"])
def test_clearing_by_id_or_by_criteria_k10_fr_02(
    payload: dict[str, Any], payload_201: dict[str, Any], named: list[str], status: str
) -> None:
    """One or the other in 2.0.1, and never neither."""
    lived = Lived().feed(Script().boot().remote("ClearChargingProfile", payload, status).frames)
    assert lived.requests("ClearChargingProfile") == [payload_201]
    assert lived.responses("ClearChargingProfile") == [{"status": status}]
    assert [row.path for row in lived.rows("profile.unmappable")] == named
    assert "schema.v201" not in lived.codes()


@pytest.mark.parametrize(
    ("payload", "status", "rules"),
    [
        ({"id": 1}, "Accepted", []),
        ({}, "Accepted", []),
        ({"connectorId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile"}, "Accepted", []),
        ({"id": 1}, "Unknown", ["K01.FR.06"]),
        ({"id": 2}, "Accepted", ["K01.FR.06"]),
        ({"connectorId": 2}, "Accepted", ["K01.FR.06"]),
        ({"stackLevel": 1}, "Accepted", ["K01.FR.06"]),
    ],
)
def test_what_was_cleared_is_in_nobodys_way(payload: dict[str, Any], status: str, rules: list[str]) -> None:
    """All criteria have to fit (K10.FR.04)."""
    script = _set(Script().boot(), 1, _profile(1)).remote("ClearChargingProfile", payload, status)
    assert _conflicts(_set(script, 1, _profile(2))) == rules


# -- GetCompositeSchedule ---------------------------------------------------------------------------------------------


def _composite(answer: dict[str, Any], asked: dict[str, Any] | None = None) -> Lived:
    asked = asked or {"connectorId": 1, "duration": 3600, "chargingRateUnit": "A"}
    return Lived().feed(Script().boot().command("GetCompositeSchedule", asked).answer(answer).frames)


def test_a_composite_schedule_k08() -> None:
    """The fields of the answer and of its schedule are one object in 2.0.1; two of them have no place."""
    schedule = {**SCHEDULE, "duration": 1800, "minChargingRate": 2}
    answer = {"status": "Accepted", "connectorId": 1, "scheduleStart": "2030-01-01T12:00:00Z"}
    lived = _composite({**answer, "chargingSchedule": schedule})
    assert lived.requests("GetCompositeSchedule") == [{"evseId": 1, "duration": 3600, "chargingRateUnit": "A"}]
    assert lived.responses("GetCompositeSchedule") == [
        {
            "status": "Accepted",
            "schedule": {
                "evseId": 1,
                "duration": 1800,
                "scheduleStart": "2030-01-01T12:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": EXACT,
            },
        }
    ]
    assert lived.messages[-1].provenance == {"schedule.evseId": Provenance.CONFIGURED}
    assert {row.path: row.primary for row in lived.rows("message.field-lost")} == {
        "GetCompositeSchedule.conf.chargingSchedule.startSchedule": "2030-01-01T00:00:00Z",
        "GetCompositeSchedule.conf.chargingSchedule.minChargingRate": "2",
    }


@pytest.mark.parametrize("outer", [None, "2030-01-01T01:00:00+01:00"])
def test_the_start_of_a_composite_schedule_may_stand_inside_it(outer: str | None) -> None:
    """Nothing is lost, and nothing made up, where 1.6 gives one moment, in one place or in both."""
    answer: dict[str, Any] = {"status": "Accepted", "connectorId": 1, "chargingSchedule": {**SCHEDULE, "duration": 60}}
    lived = _composite(answer if outer is None else {**answer, "scheduleStart": outer})
    (response,) = lived.responses("GetCompositeSchedule")
    assert response["schedule"]["scheduleStart"] == "2030-01-01T00:00:00Z"
    assert "schedule.scheduleStart" not in lived.messages[-1].provenance
    assert lived.codes() | lived.losses() == set()


def test_what_16_leaves_out_of_a_composite_schedule_comes_from_the_request() -> None:
    """2.0.1 asks for the EVSE, the duration and the start; the start is the time of the answer (K08.FR.02)."""
    bare = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000}]}
    lived = _composite({"status": "Accepted", "chargingSchedule": bare}, {"connectorId": 0, "duration": 600})
    (response,) = lived.responses("GetCompositeSchedule")
    schedule = response["schedule"]
    assert (schedule["evseId"], schedule["duration"]) == (0, 600)
    message = lived.messages[-1]
    assert schedule["scheduleStart"] == "2030-01-01T12:00:00.400Z"
    assert message.provenance["schedule.scheduleStart"] is Provenance.SYNTHESISED
    assert message.provenance["schedule.duration"] is Provenance.DERIVED
    assert lived.codes() == set()


@pytest.mark.parametrize("schedule", [None, {**SCHEDULE, "chargingSchedulePeriod": []}])
def test_an_answer_without_a_schedule_says_its_status_alone(schedule: dict[str, Any] | None) -> None:
    """A schedule of 2.0.1 has one period at least; what else was said is named, unless it repeats the request."""
    for connector in (1, 2):
        answer: dict[str, Any] = {"status": "Rejected", "connectorId": connector}
        lived = _composite(answer if schedule is None else {**answer, "chargingSchedule": schedule})
        assert lived.responses("GetCompositeSchedule") == [{"status": "Rejected"}]
        wanted = {"chargingSchedule"} if schedule is not None else set()
        wanted |= {"connectorId"} if connector == 2 else set()
        named = {row.path.rpartition(".")[2] for row in lived.rows("message.field-lost")}
        assert named == wanted
        assert "schema.v201" not in lived.codes()
