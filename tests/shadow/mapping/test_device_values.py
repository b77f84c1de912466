"""What a key and its value say of variables, how sure it is, and what is wrong or left out."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.device_model.address import Address
from shadow.device_model.model import Certainty, KeyFate
from shadow.mapping.device_values import Statement, addresses, fate, presence, report_addresses, statements
from shadow.mapping.keys import KEYS, LEGACY_COMPONENT, find
from shadow.topology import Place

DUMPS = Path(__file__).resolve().parents[3] / "../shared/config-dumps"
READ = st.one_of(st.text(max_size=80), st.sampled_from(["true", "0", "1", "Voltage.L1,RPM", "0.RST,1.Unknown", ""]))


def _place(connector: int) -> Place:
    return Place(connector, 1)


def _say(key: str, value: str, **others: str) -> list[Statement]:
    found, _ = statements(find(key), value, {name.lower(): told for name, told in others.items()}, _place)
    return found


def _whole(key: str, value: str) -> bool:
    return statements(find(key), value, {}, _place)[1]


def _values(found: list[Statement]) -> dict[str, str | None]:
    return {str(one.address): one.value for one in found}


@pytest.mark.parametrize(
    ("key", "address", "value"),
    [
        ("HeartBeatInterval", "OCPPCommCtrlr/HeartbeatInterval", "300"),
        ("TransactionMessageAttempts", "OCPPCommCtrlr/MessageAttempts[TransactionEvent]", "3"),
        ("CertificateSignedMaxChain", "SecurityCtrlr/MaxCertificateChainSize", "5000"),
        ("BlinkRepeat", "OCPP16LegacyCtrlr/BlinkRepeat", "3"),
        ("Alder.LedColour", "OCPP16LegacyCtrlr/Alder.LedColour", "green"),
        ("MeterPublicKey[2]", "FiscalMetering@2/PublicKey", "3059"),
    ],
)
def test_a_value_that_copies_over_is_observed(key: str, address: str, value: str) -> None:
    """Under another name, as it stood there, with nothing left out and nothing wrong."""
    assert _say(key, value) == [Statement(Address.parse(address), value)]
    assert _whole(key, value)


@pytest.mark.parametrize(("told", "plain"), [("TRUE", "true"), (" False", "false"), ("1", "1")])
def test_booleans_are_written_as_201_writes_them(told: str, plain: str) -> None:
    """What is none stays, and is a flaw."""
    (one,) = _say("LocalPreAuthorize", told)
    assert (one.value, bool(one.flaws)) == (plain, plain == "1")


@pytest.mark.parametrize(
    ("key", "value", "flaw"),
    [
        ("HeartbeatInterval", "0", "0 is below 1, the least that is allowed (minLimit, Part2 §2.1.5)"),
        ("SecurityProfile", "0", "0 is below 1, the least that is allowed (minLimit, Part2 §2.2.5)"),
        ("ResetRetries", "", "'' is no integer (DataEnumType integer)"),
        ("MeterValuesSampledData", "Foo,Voltage", "'Foo' is none of the 25 of its list (Part2 §2.7.7)"),
        ("PublicKeyWithSignedMeterValue", "Always",
         "'Always' is none of Never, OncePerTransaction, EveryMeterValue (Part2 §2.7.17)"),
    ],
)  # fmt: skip
def test_a_value_that_201_does_not_allow_is_kept_with_its_flaw(key: str, value: str, flaw: str) -> None:
    """It stood on the wire; nothing is put in its place."""
    (one,) = _say(key, value)
    assert (one.value, one.flaws, one.certainty) == (value, (flaw,), Certainty.OBSERVED)


@pytest.mark.parametrize(
    ("value", "left", "caveats"),
    [
        ("Voltage,SoC", "Voltage,SoC", ()),
        (" voltage , Current.Import", "Voltage,Current.Import", ()),
        ("Voltage.L1-N,Voltage.L2-N", "Voltage",
         ("the phase of 'Voltage.L1-N', which no member of 2.0.1 has",
          "the phase of 'Voltage.L2-N', which no member of 2.0.1 has")),
        ("RPM,Temperature", "",
         ("'RPM', which 2.0.1 does not measure", "'Temperature', which 2.0.1 does not measure")),
        ("Temperature.L1", "", ("'Temperature.L1', which 2.0.1 does not measure",)),
        ("Energy.Active.Import.Register", "Energy.Active.Import.Register", ()),
        ("", "", ()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["MeterValuesSampledData", "StopTxnAlignedData", "StartTxnSampledData"])
def test_lists_of_measurands_become_member_lists(key: str, value: str, left: str, caveats: tuple[str, ...]) -> None:
    """Phases and what 2.0.1 does not measure are left out and named; then the value is derived and the key lossy."""
    found, whole = statements(find(key), value, {}, _place)
    certainty = Certainty.DERIVED if caveats else Certainty.OBSERVED
    assert [(one.value, one.caveats, one.certainty, one.flaws) for one in found] == [(left, caveats, certainty, ())]
    assert whole is not bool(caveats)
    assert fate(find(key), whole=whole) is (KeyFate.LOSSY if caveats else KeyFate.MAPPED)


@pytest.mark.parametrize(
    ("key", "first", "second", "listing"),
    [
        ("MeterValueSampleInterval", "SampledDataCtrlr/TxUpdatedInterval", "SampledDataCtrlr/TxEndedInterval",
         "StopTxnSampledData"),
        ("ClockAlignedDataInterval", "AlignedDataCtrlr/Interval", "AlignedDataCtrlr/TxEndedInterval",
         "StopTxnAlignedData"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("listed", "mirrored", "caveat"),
    [
        ("Voltage", "60", "{} lists measurands"),
        ("", "0", "{} is empty"),
        (None, "60", "what {} lists was not told beside it"),
    ],
)
def test_the_interval_at_the_end_hangs_on_its_list(
    key: str, first: str, second: str, listing: str, listed: str | None, mirrored: str, caveat: str
) -> None:
    """The first variable is what the key says; the second is derived, and says what it rests on."""
    found = _say(key, "60", **({} if listed is None else {listing: listed}))
    assert _values(found) == {first: "60", second: mirrored}
    assert [one.certainty for one in found] == [Certainty.OBSERVED, Certainty.DERIVED]
    assert [one.caveats for one in found] == [(), (caveat.format(listing),)]


@pytest.mark.parametrize("key", ["GetConfigurationMaxKeys", "ISO15118CertificateManagementEnabled"])
def test_an_analogy_is_derived_and_never_equality(key: str) -> None:
    """Its key is lossy whatever its value."""
    assert {one.certainty for one in _say(key, "true" if "Enabled" in key else "50")} == {Certainty.DERIVED}
    assert fate(find(key), whole=True) is KeyFate.LOSSY


def test_capacities_are_limits_and_items_are_no_characters() -> None:
    """LocalAuthListMaxLength is a maxLimit; MeterValuesSampledDataMaxLength counts another thing and stays apart."""
    assert _say("LocalAuthListMaxLength", "500") == [Statement(Address("LocalAuthListCtrlr", "Entries"), limit=500)]
    (one,) = _say("MeterValuesSampledDataMaxLength", "20")
    assert (one.address.component, one.value, one.limit) == (LEGACY_COMPONENT, "20", None)
    assert not _whole("LocalAuthListMaxLength", "many")


def test_rate_units_are_read_in_both_spellings() -> None:
    """The text of 1.6 says Current and Power, its errata A and W."""
    for value in ("Current,Power", "A,W", "current, W"):
        (one,) = _say("ChargingScheduleAllowedChargingRateUnit", value)
        assert (one.value, one.certainty, one.flaws) == ("A,W", Certainty.OBSERVED, ())


@pytest.mark.parametrize("value", ["Core,SmartCharging", "Core, Smart Charging", "smart charging"])
def test_feature_profiles_are_read_with_and_without_blanks(value: str) -> None:
    """Stations write both."""
    assert _values(_say("SupportedFeatureProfiles", value)) == {
        "SmartChargingCtrlr/Available": "true",
        "ReservationCtrlr/Available": "false",
        "LocalAuthListCtrlr/Available": "false",
    }


def test_phase_rotations_are_of_the_station_and_its_connectors() -> None:
    """NotApplicable and Unknown are the empty value; what is no rotation of a connector is not said."""
    found = _say("ConnectorPhaseRotation", "0.RST, 1.Rxx,2.Unknown")
    assert _values(found) == {
        "ChargingStation/PhaseRotation": "RST",
        "Connector@1.1/PhaseRotation": "Rxx",
        "Connector@2.1/PhaseRotation": "",
    }
    assert found[2].caveats == ("Unknown is the empty value in 2.0.1",)
    assert not _whole("ConnectorPhaseRotation", "RST")


def test_connectors_are_derived_from_their_number() -> None:
    """An EVSE and a connector for each."""
    found = _say("NumberOfConnectors", "2")
    assert [str(one.address) for one in found] == [
        "EVSE@1/Available",
        "EVSE@2/Available",
        "Connector@1.1/Available",
        "Connector@2.1/Available",
    ]
    assert {(one.value, one.certainty) for one in found} == {("true", Certainty.DERIVED)}


@pytest.mark.parametrize(
    ("key", "component", "absence"),
    [
        ("AuthorizationCacheEnabled", "AuthCacheCtrlr", True),
        ("LocalAuthListEnabled", "LocalAuthListCtrlr", True),
        ("ChargeProfileMaxStackLevel", "SmartChargingCtrlr", True),
        ("ReserveConnectorZeroSupported", "ReservationCtrlr", False),
    ],
)
def test_a_known_key_shows_that_its_controller_is_there(key: str, component: str, *, absence: bool) -> None:
    """And an unknown one that it is not, unless 1.6 leaves the key to the station."""
    (there,) = presence(find(key), known=True)
    assert (there.address, there.value, there.certainty) == (Address(component, "Available"), "true", Certainty.DERIVED)
    assert there.caveats == (f"the station has {key}",)
    assert [one.value for one in presence(find(key), known=False)] == (["false"] if absence else [])


def test_other_keys_show_nothing_by_being_there() -> None:
    """Four do."""
    assert len([key for key in KEYS.values() if presence(key, known=True)]) == 4
    assert presence(find("Alder.LedColour"), known=True) == []


def test_a_secret_is_not_judged() -> None:
    """What stands for it is asterisks of the redaction, whose number says nothing of the rule."""
    (one,) = _say("AuthorizationKey", "****")
    assert one.flaws == ()


@given(st.one_of(st.sampled_from([key.name for key in KEYS.values()]), st.text(max_size=60)), READ, READ)
def test_whatever_a_key_says_its_variables_are_those_it_is_asked_for(name: str, value: str, other: str) -> None:
    """Never an error, each variable once, and none that neither a request nor a report would name."""
    key = find(name)
    others = {variable.silent_without.lower(): other for variable in key.variables}
    found, whole = statements(key, value, others, _place)
    named = {(one.component, one.variable) for one in (*addresses(key, _place), *report_addresses(key))}
    assert {(one.address.component, one.address.variable) for one in found} <= named
    assert len({one.address for one in found}) == len(found)
    assert whole or fate(key, whole=whole) is not KeyFate.MAPPED


@pytest.mark.parametrize(("name", "vendors"), [("keba", 151), ("enplus22kw", 3)])
def test_every_key_of_a_real_station_has_a_fate(name: str, vendors: int) -> None:
    """Vendors' keys stay on the legacy component, secrets are secrets, and flaws are named."""
    path = DUMPS / f"{name}.json"
    if not path.is_file():
        pytest.skip("the dumps of configurations are not here")
    dump = json.loads(path.read_text(encoding="utf-8"))
    told = {one["key"]: one.get("value", "") for one in dump["configurationKey"]}
    fates = {key: find(key).fate for key in told}
    assert sum(one is KeyFate.UNMAPPED for one in fates.values()) == vendors
    assert fates["AuthorizationKey"] is KeyFate.SECRET
    assert fates["NumberOfConnectors"] is KeyFate.MAPPED
    for key, value in told.items():
        found, _ = statements(find(key), value, {other.lower(): text for other, text in told.items()}, _place)
        assert found or key == "ConnectorPhaseRotation", key
