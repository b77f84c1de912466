"""The registry of standard variables against the sources that it was collected from, and what it answers."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from shadow import schema
from shadow.device_model.address import Address
from shadow.device_model.blocks import BLOCKS
from shadow.device_model.standard import (
    ENUMERATIONS,
    GENERIC,
    STANDARD,
    DataType,
    Document,
    Reading,
    Tier,
    Variable,
    find,
    required,
)

FACTS = Path(__file__).resolve().parents[3] / "../shared/ocpp"
ADDED = {
    "AuthCtrlr/SupportedIdTokenTypes",
    "ChargingStation/Problem",
    "ClockCtrlr/TimeOffset[NextTransition]",
    "EVSE/Problem",
    "LocalAuthListCtrlr/SupportsExpiryDateTime",
    "SecurityCtrlr/AllowCSMSTLSWildcards",
}
"""Named by Part 2, the errata or the white paper on uptime, and not by the list."""


def _text(name: str) -> str:
    path = FACTS / name
    if not path.is_file():
        pytest.skip("the list of components and variables is not here")
    return path.read_text(encoding="utf-8")


def _listed() -> list[dict[str, str]]:
    return list(csv.DictReader(_text("dm_components_vars.csv").splitlines(), delimiter=";"))


def _row(component: str, variable: str, instance: str | None) -> Variable:
    return STANDARD[Address(component, variable, instance or None).key]


def _type(one: Variable) -> str:
    return one.refinement or one.data_type


def test_every_row_of_the_list_stands_in_the_registry() -> None:
    """249 rows: spelling, type and required flag letter for letter, and the unit wherever the list has one."""
    for fact in _listed():
        one = _row(fact["Specific Component"], fact["Variable"], fact["Instance"])
        assert (one.component, one.name, one.instance or "") == tuple(fact.values())[:3]
        assert (_type(one), one.said[Document.LIST]) == (fact["DataType"], fact["Required?"] == "yes"), one.address
        assert not fact["Unit"] or one.unit == fact["Unit"], one.address


def test_the_registry_has_what_the_list_has_and_the_additions() -> None:
    """By component as many as the list: 180 of 28 components, 69 of any; six more are named elsewhere."""
    counted = Counter(fact["Specific Component"] for fact in _listed())
    ours = Counter(one.component for one in STANDARD.values() if Document.LIST in one.said)
    assert ours == counted
    assert (sum(ours.values()) - ours[GENERIC], ours[GENERIC], len(ours) - 1) == (180, 69, 28)
    assert {str(one.address) for one in STANDARD.values() if Document.LIST not in one.said} == ADDED


def test_the_list_requires_64_variables_on_17_components() -> None:
    """As the OCA's white paper counts them."""
    wanted = required(BLOCKS, Reading.LIST)
    assert len(wanted) == 64
    assert len({one.component for one in wanted}) == 17


def test_mutability_units_and_requirements_are_those_of_part_2() -> None:
    """Of all that the collected sources say of Part 2 and Part 4, with its section; conditions where they have one."""
    judged = 0
    for fact in json.loads(_text("dm_201_merged.json")):
        component = GENERIC if fact["component"] == "*" else fact["component"]
        one = _row(component, fact["variable"], fact["instance"])
        if fact["mutability_part2"] is not None:
            judged += 1
            assert one.mutability == fact["mutability_part2"], one.address
            assert (one.section, one.block) == (fact["section"], fact["block"]), one.address
        assert fact["unit"] is None or one.unit == fact["unit"], one.address
        if fact["required_part2"] is not None:
            assert one.said[Document.PART2] is (fact["required_part2"] != "no"), one.address
            assert bool(one.condition) or fact["required_part2"] in ("yes", "no"), one.address
        if fact["in_part2"] and not fact["in_csv"]:
            assert Document.LIST not in one.said or one.component == GENERIC, one.address
        assert one.said.get(Document.PART4, False) is (fact.get("required_part4") == "yes"), one.address
    assert judged == 151


def test_values_are_those_that_the_collected_sources_have() -> None:
    """What EVerest lists is allowed; its lists of measurands are shorter, and its slots 1 and 2 are an example."""
    for fact in json.loads(_text("dm_201_merged.json")):
        if fact["values_everest"] and fact["variable"] != "NetworkConfigurationPriority":
            one = _row(fact["component"], fact["variable"], fact["instance"])
            assert set(fact["values_everest"].split(",")) <= set(one.values), one.address


@pytest.mark.parametrize(
    ("name", "action"),
    [("MeasurandEnumType", "MeterValues"), ("ConnectorEnumType", "ReserveNow"), ("IdTokenEnumType", "Authorize")],
)
def test_enumerations_are_those_of_the_official_schemas(name: str, action: str) -> None:
    """In their order."""
    document = schema.read(schema.V201, action, response=False)
    assert document is not None
    assert list(ENUMERATIONS[name]) == document["definitions"][name]["enum"]


def test_data_types_are_those_of_the_official_schema() -> None:
    """DataEnumType of NotifyReport; the list's two others are strings of which more is said."""
    document = schema.read(schema.V201, "NotifyReport", response=False)
    assert document is not None
    assert set(DataType) == set(document["definitions"]["DataEnumType"]["enum"])
    refined = {one.refinement: one.data_type for one in STANDARD.values() if one.refinement}
    assert refined == {"passwordString": "string", "identifierString": "string"}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ocppcommctrlr/HEARTBEATINTERVAL", "OCPPCommCtrlr/HeartbeatInterval"),
        ("OCPPCommCtrlr/MessageAttempts[transactionevent]", "OCPPCommCtrlr/MessageAttempts[TransactionEvent]"),
        ("Connector@1.2/PhaseRotation", "<generic>/PhaseRotation"),
        ("EVSE@1/Power", "EVSE/Power"),
        ("AcMeter[main]@1/ACCurrent[L1]", "<generic>/ACCurrent"),
        ("DistributionPanel/Fuse[3]", "DistributionPanel/Fuse[<n>]"),
        ("ConnectedEV@1/ProtocolSupportedByEV[1]", "ConnectedEV/ProtocolSupportedByEV[<Priority>]"),
        (
            "CustomizationCtrlr/CustomImplementationEnabled[acme]",
            "CustomizationCtrlr/CustomImplementationEnabled[<vendorId>]",
        ),
        ("OCPPCommCtrlr/FieldLength[Get15118EVCertificateResponse.exiResponse]", "OCPPCommCtrlr/FieldLength"),
    ],
)
def test_a_variable_is_found_in_any_case_on_any_tier(asked: str, found: str) -> None:
    """Of its component first, then of any; an instance that stands for any matches every one."""
    one = find(Address.parse(asked))
    assert one is not None
    assert str(one.address) == found


@pytest.mark.parametrize(
    "asked",
    [
        "ChargingStation/HeartbeatInterval",
        "OCPPCommCtrlr/MessageAttempts",
        "OCPPCommCtrlr/HeartbeatInterval[Default]",
        "CustomizationCtrlr/CustomImplementationEnabled",
        "AuthCtrlr/LocalPreAuthorization",
    ],
)
def test_what_the_standard_does_not_know_is_not_found(asked: str) -> None:
    """Another component, a missing or an invented instance, a misread name."""
    assert find(Address.parse(asked)) is None


def test_readings_differ_by_what_the_documents_say() -> None:
    """Part 4, errata and sentences of Part 2 add eight to the list's 64; the white paper two more."""
    readings = (Reading.LIST, Reading.ANY, Reading.PAPERS)
    lists, each, papers = ({str(one.address) for one in required(BLOCKS, reading)} for reading in readings)
    assert each - lists == {
        "Connector/AvailabilityState",
        "OCPPCommCtrlr/ActiveNetworkProfile",
        "OCPPCommCtrlr/RetryBackOffRandomRange",
        "OCPPCommCtrlr/RetryBackOffRepeatTimes",
        "OCPPCommCtrlr/RetryBackOffWaitMinimum",
        "OCPPCommCtrlr/WebSocketPingInterval",
        "SecurityCtrlr/AdditionalRootCertificateCheck",
        "SecurityCtrlr/BasicAuthPassword",
    }
    assert papers - each == {"ChargingStation/Problem", "EVSE/Problem"}
    assert lists < each < papers


def test_conditions_stand_where_the_documents_have_one() -> None:
    """Each on a variable that some document requires."""
    conditions = {str(one.address): one.condition for one in STANDARD.values() if one.condition}
    assert set(conditions) == {
        "EVSE/Power",
        "LocalAuthListCtrlr/BytesPerMessage",
        "LocalAuthListCtrlr/Entries",
        "LocalAuthListCtrlr/ItemsPerMessage",
        "OCPPCommCtrlr/ActiveNetworkProfile",
        "SecurityCtrlr/AdditionalRootCertificateCheck",
        "SecurityCtrlr/BasicAuthPassword",
    }
    assert conditions["EVSE/Power"] == "maxLimit only"
    assert set(conditions) <= {str(one.address) for one in required(BLOCKS)}


def test_general_is_required_whatever_else_is_implemented() -> None:
    """Part 1 §4.6: the General block, and each block that a station implements."""
    assert {one.block for one in required(())} == {"General"}
    assert {one.block for one in required(["SmartCharging"])} == {"General", "SmartCharging"}
    with pytest.raises(ValueError, match=r"'Smart' is no functional block of 2\.0\.1: there are Authorization"):
        required(["Smart"])


def test_tiers_are_those_of_the_topology() -> None:
    """EVSE and Connector stand below the station, controllers on it."""
    assert {one.tier for one in STANDARD.values() if one.component == "EVSE"} == {Tier.EVSE}
    assert {one.tier for one in STANDARD.values() if one.component == "Connector"} == {Tier.CONNECTOR}
    assert {one.tier for one in STANDARD.values() if one.component == "OCPPCommCtrlr"} == {Tier.STATION}
    assert {one.tier for one in STANDARD.values() if one.component == GENERIC} == {Tier.ANY}


def test_the_table_is_part_of_the_package() -> None:
    """What is installed without the sources reads it as well."""
    import tomllib

    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    assert "standard.tsv" in project["tool"]["setuptools"]["package-data"]["shadow.device_model"]
