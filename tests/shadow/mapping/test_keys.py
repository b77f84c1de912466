"""The table of configuration keys against the standard's list of components and variables."""

import csv
import json
from pathlib import Path

import pytest

from shadow.device_model import standard
from shadow.device_model.address import Address
from shadow.device_model.model import KeyFate
from shadow.mapping.keys import KEYS, LEGACY_COMPONENT, PUBLIC_KEY, Access, Key, Relation, Way, find
from shadow.schema import V201, violations

FACTS = Path(__file__).resolve().parents[3] / "../shared/ocpp"
OF_21 = {"SampledDataSignStartedReadings", "SampledDataSignUpdatedReadings", "AlignedDataSignUpdatedReadings"}
"""Their variables came with 2.1."""
GENERIC = {"PhaseRotation"}
"""Any component may have it: the list has it under <generic>."""


def _rows(name: str) -> str:
    path = FACTS / name
    if not path.is_file():
        pytest.skip("the list of components and variables is not here")
    return path.read_text(encoding="utf-8")


def test_every_variable_stands_in_the_standards_list() -> None:
    """Component, variable and instance of `dm_components_vars.csv`, letter for letter."""
    listed = {tuple(row[:3]) for row in csv.reader(_rows("dm_components_vars.csv").splitlines(), delimiter=";")}
    plain = {(component, variable) for component, variable, *_ in listed}
    for key in KEYS.values():
        for one in key.variables:
            if key.name not in OF_21 and one.name not in GENERIC and one.component != LEGACY_COMPONENT:
                assert (one.component, one.name) in plain, key.name
                assert (one.component, one.name, one.instance or "") in listed, key.name


def test_every_known_key_has_the_variables_of_the_collected_sources() -> None:
    """67 keys: targets, kind and mutability; where the table differs on purpose, the reason stands beside the row."""
    facts = json.loads(_rows("config_key_map.json"))
    assert len(facts) == 67
    assert {fact["key"] for fact in facts} == {key.name for key in (*KEYS.values(), PUBLIC_KEY)}
    for fact in facts:
        key = PUBLIC_KEY if fact["key"] == PUBLIC_KEY.name else find(fact["key"])
        targets = {(one["component"], one["variable"], one["instance"]) for one in fact["targets"]}
        filled = {(one.component, one.name, one.instance) for one in key.variables}
        assert (key.name, str(key.relation)) == (fact["key"], fact["kind"])
        if key.relation in (Relation.NONE, Relation.OTHER_CHARACTERISTIC):
            assert filled == {(LEGACY_COMPONENT, key.name, None)}
            assert {(one.component, one.name, one.instance) for one in key.about} == targets
        elif key.name == "ConnectorPhaseRotation":
            assert targets - filled == {("EVSE", "PhaseRotation", None)}
            assert "nothing in it is about an EVSE" in key.choice
        else:
            assert filled == targets, key.name
        limits = {one["field"] for one in fact["targets"]} == {"maxLimit"}
        assert (key.way is Way.LIMIT) is (limits and not key.about), key.name
        if not key.about:
            allowed = {one.get("mutability_201") for one in fact["targets"]} - {None}
            assert all(key.access in mutability.split(" or ") for mutability in allowed), key.name


def test_every_disagreement_of_the_collected_sources_has_its_choice() -> None:
    """Where public tables differ about a key, the row says how it was settled."""
    for fact in json.loads(_rows("config_key_map.json")):
        if fact["disagreement"]:
            key = find(fact["key"])
            assert key.choice or key.caveat, fact["key"]


def test_every_row_says_its_source_and_what_it_loses() -> None:
    """A caveat stands wherever the value does not simply copy over."""
    for key in (*KEYS.values(), PUBLIC_KEY):
        assert key.source, key.name
        assert key.caveat or key.relation is Relation.SAME or key.shows, key.name


def test_fates() -> None:
    """Six keys have no equivalent, one is a secret; of the lossy ones only part is said, or something else is meant."""
    by_fate: dict[KeyFate, set[str]] = {}
    for key in (*KEYS.values(), PUBLIC_KEY):
        by_fate.setdefault(key.fate, set()).add(key.name)
    assert by_fate[KeyFate.NO_EQUIVALENT] == {
        "BlinkRepeat",
        "ConnectorPhaseRotationMaxLength",
        "LightIntensity",
        "MinimumStatusDuration",
        "StopTransactionMaxMeterValues",
        "SupportedFeatureProfilesMaxLength",
    }
    assert by_fate[KeyFate.LOSSY] == {
        "AlignedDataSignUpdatedReadings",
        "ConnectionTimeOut",
        "GetConfigurationMaxKeys",
        "ISO15118CertificateManagementEnabled",
        "MessageTimeout",
        "MeterValuesAlignedDataMaxLength",
        "MeterValuesSampledDataMaxLength",
        "SampledDataSignStartedReadings",
        "SampledDataSignUpdatedReadings",
        "SecurityProfile",
        "StopTransactionOnEVSideDisconnect",
        "StopTransactionOnInvalidId",
        "StopTxnAlignedDataMaxLength",
        "StopTxnSampledDataMaxLength",
    }
    assert by_fate[KeyFate.SECRET] == {"AuthorizationKey"}
    assert set(by_fate) == {KeyFate.NO_EQUIVALENT, KeyFate.LOSSY, KeyFate.SECRET, KeyFate.MAPPED}


@pytest.mark.parametrize(
    ("name", "fate"),
    [("Alder.LedColour", KeyFate.UNMAPPED), ("GsmApnPassword", KeyFate.SECRET), ("MeterPublicKey[1]", KeyFate.MAPPED)],
)
def test_fates_of_keys_without_a_row(name: str, fate: KeyFate) -> None:
    """A vendor's key is unmapped, unless its name says that it is a secret."""
    assert find(name).fate is fate


def test_the_registry_knows_every_variable_and_says_the_same_of_it() -> None:
    """But for those of 2.1 and the public key of a meter: type and unit as the standard has them."""
    for key in KEYS.values():
        for one in key.variables:
            known = standard.find(Address(one.component, one.name, one.instance))
            if one.component == LEGACY_COMPONENT or key.name in OF_21:
                continue
            assert known is not None, key.name
            if key.way not in (Way.LIMIT, Way.PHASES):
                assert (key.data_type, key.unit) == (known.data_type, known.unit), key.name


def test_types_units_and_mutability_are_those_of_the_collected_sources() -> None:
    """Where a station may choose its mutability, ReadWrite is a choice; DataEnumType knows a password as a string."""
    merged = json.loads(_rows("dm_201_merged.json"))
    facts = {(one["component"], one["variable"], one["instance"]): one for one in merged}
    judged = 0
    for key in KEYS.values():
        for fact in (facts.get((one.component, one.name, one.instance)) for one in key.variables):
            if fact is None or key.way is Way.LIMIT:
                continue
            judged += 1
            kind = {"passwordString": "string"}.get(fact["data_type"], fact["data_type"])
            assert (key.data_type.lower(), key.unit) == (kind.lower(), fact["unit"]), key.name
            assert key.access in fact["mutability_part2"].split(" or "), key.name
    assert judged > 40


@pytest.mark.parametrize("name", ["HeartbeatInterval", "heartbeatinterval", "HEARTBEATINTERVAL"])
def test_keys_are_found_in_any_case(name: str) -> None:
    """CiString50Type; and HeartbeatInterval is of OCPPCommCtrlr."""
    (variable,) = find(name).variables
    assert (variable.component, variable.name) == ("OCPPCommCtrlr", "HeartbeatInterval")


@pytest.mark.parametrize(
    "name", ["Alder.LedColour", "BlinkRepeat", "", "x" * 50, "MeterPublicKey[0]", "MeterPublicKey"]
)
def test_a_key_without_a_row_is_of_the_legacy_component(name: str) -> None:
    """Under its own name, which is long enough at most."""
    key = find(name)
    (variable,) = key.variables
    assert (variable.component, variable.name, key.way) == (LEGACY_COMPONENT, name, Way.ATTRIBUTE)


@pytest.mark.parametrize(("name", "connector"), [("MeterPublicKey[1]", 1), ("meterpublickey2", 2)])
def test_public_keys_are_of_a_connector(name: str, connector: int) -> None:
    """One key for each."""
    assert find(name).connector == connector


def test_secrets_are_write_only() -> None:
    """BasicAuthPassword (Part 2 §2.2.1), and no other key of the standard is a secret."""
    assert [key.name for key in KEYS.values() if key.access is Access.WRITE_ONLY] == ["AuthorizationKey"]


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_what_the_table_says_is_valid_201(key: Key) -> None:
    """Data types and units are those of the official schema."""
    row = find(key.name)
    characteristics = {"dataType": row.data_type, "supportsMonitoring": False}
    if row.unit is not None:
        characteristics["unit"] = row.unit
    entry = {
        "component": {"name": row.variables[0].component},
        "variable": {"name": row.variables[0].name},
        "variableAttribute": [{"type": "Actual", "mutability": row.access}],
        "variableCharacteristics": characteristics,
    }
    report = {"requestId": 1, "generatedAt": "2030-01-01T00:00:00Z", "seqNo": 0, "reportData": [entry]}
    assert violations(V201, "NotifyReport", response=False, payload=report) == []
