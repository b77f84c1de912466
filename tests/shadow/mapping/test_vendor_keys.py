"""Vendors' keys by the mapping file, in the messages of the virtual station."""

import tomllib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from demo.lived import AT_ONCE, Lived
from demo.script import Script
from shadow.config import ShadowConfig
from shadow.device_model.vendor import KeyRule, StationRules, VendorMapping
from shadow.device_model.vendor_file import parse
from shadow.mapping.keys import LEGACY_COMPONENT
from shadow.mapping.vendor_keys import MappedKey, find_key
from shadow.message import MessageType, Provenance
from shadow.schema import V201, violations

FILE = """
[[station]]
model = "SingleSocket*"
[[station.key]]
key = "MaxCurrent"
variable = "ChargingStation/ACCurrent"
limit = "max"
unit = "A"
scale = "0.001"
[[station.key]]
key = "MinCurrent"
variable = "ChargingStation/ACCurrent"
limit = "min"
[[station.key]]
key = "Idle*"
variable = "TxCtrlr/Idle[Fee]"
data_type = "decimal"
unit = "s"
scale = "60"
[[station.key]]
key = "Auth"
variable = "AuthCtrlr/Enabled"
values = { "on" = "true", "off" = "false" }
[[station.key]]
key = "Zone"
variable = "ClockCtrlr/TimeZone"
[[station.key]]
key = "Alder.Password"
variable = "Alder/Login"
[[station.key]]
key = "Power.{connector}"
variable = "Connector@{evse}.{connector}/Power"
unit = "W"
[[station.key]]
key = "Heart*"
variable = "A/B"
"""
CONFIG = replace(AT_ONCE, vendor_mapping=parse(tomllib.loads(FILE)))
IDLE = {"component": {"name": "TxCtrlr"}, "variable": {"name": "Idle", "instance": "Fee"}}
ACTUAL = {"attributeType": "Actual"}


def _boot() -> Script:
    boot = {"chargePointVendor": "VendorX", "chargePointModel": "SingleSocketCharger"}
    accepted = {"status": "Accepted", "currentTime": "2030-01-01T12:00:00Z", "interval": 300}
    return Script().call("BootNotification", boot).answer(accepted)


def _get(asked: list[str] | None, told: dict[str, str], config: ShadowConfig = CONFIG) -> Lived:
    keys = [{"key": name, "readonly": False, "value": value} for name, value in told.items()]
    request = {} if asked is None else {"key": asked}
    return Lived(config).feed(_boot().command("GetConfiguration", request).answer({"configurationKey": keys}).frames)


def _change(key: str, value: str) -> Lived:
    return Lived(CONFIG).feed(_boot().remote("ChangeConfiguration", {"key": key, "value": value}).frames)


def test_a_mapped_key_is_read_under_its_variable() -> None:
    """Asked for and answered on the component of the file, its value scaled; other keys on the legacy one."""
    lived = _get(["IdleTime", "Other"], {"idletime": "1.50", "Other": "x"})
    other = {"component": {"name": LEGACY_COMPONENT}, "variable": {"name": "Other"}}
    assert lived.requests("GetVariables") == [{"getVariableData": [IDLE, other]}]
    accepted = {**ACTUAL, "attributeStatus": "Accepted"}
    assert lived.responses("GetVariables") == [
        {
            "getVariableResult": [
                {**IDLE, **accepted, "attributeValue": "90"},
                {**other, **accepted, "attributeValue": "x"},
            ]
        }
    ]


def test_a_mapped_key_is_set_under_its_variable() -> None:
    """SetVariables with the word of 2.0.1, and its result on the same variable (B05.FR.02)."""
    lived = _change("AUTH", "On")
    auth = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "Enabled"}}
    assert lived.requests("SetVariables") == [{"setVariableData": [{**auth, "attributeValue": "true"}]}]
    assert lived.responses("SetVariables") == [
        {"setVariableResult": [{**auth, **ACTUAL, "attributeStatus": "Accepted"}]}
    ]


@pytest.mark.parametrize(("key", "value", "provenance"), [("Auth", "on", Provenance.DERIVED), ("Zone", "UTC", None)])
def test_a_converted_value_is_derived(key: str, value: str, provenance: Provenance | None) -> None:
    """It stood not on the wire; one that is only moved did."""
    assert _change(key, value).messages[-2].provenance.get("setVariableData.attributeValue") is provenance
    answer = _get([key], {key: value}).messages[-1]
    assert answer.provenance.get("getVariableResult.attributeValue") is provenance


def test_limits_are_told_by_a_report() -> None:
    """MaxLimit and minLimit of one variable from two keys, with unit and type; exact where it is no whole number."""
    lived = _get(["MaxCurrent", "MinCurrent"], {"MaxCurrent": "12500", "MinCurrent": "6"})
    current = {"component": {"name": "ChargingStation"}, "variable": {"name": "ACCurrent"}}
    (request,) = lived.requests("GetReport")
    assert request["componentVariable"] == [current, current]
    (report,) = lived.requests("NotifyReport")
    (entry,) = report["reportData"]
    assert entry == {
        **current,
        "variableAttribute": [{"type": "Actual", "mutability": "ReadOnly"}],
        "variableCharacteristics": {
            "dataType": "decimal",
            "supportsMonitoring": False,
            "unit": "A",
            "maxLimit": Decimal("12.5"),
            "minLimit": 6,
        },
    }
    assert lived.requests("GetVariables") == []
    assert ("message.field-lost", "ChangeConfiguration.key") in _change("MaxCurrent", "32000").losses()


def test_a_report_of_all_keys_has_them_under_their_variables() -> None:
    """A key of a connector on its EVSE, a secret as write-only and without its value."""
    lived = _get(None, {"Power.2": "11000", "Alder.Password": "******", "Zone": "UTC"})
    (report,) = lived.requests("NotifyReport")
    power, login, zone = report["reportData"]
    assert power["component"] == {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}
    assert power["variableAttribute"][0]["value"] == "11000"
    assert login["variableAttribute"] == [{"type": "Actual", "mutability": "WriteOnly"}]
    assert zone["component"] == {"name": "ClockCtrlr"}


def test_what_a_rule_cannot_read_is_named() -> None:
    """Rejected in an answer, absent from a report, not set; each time a named loss."""
    lost = ("message.field-lost", "GetConfiguration.conf.configurationKey.value:Auth")
    asked = _get(["Auth"], {"Auth": "auto"})
    (result,) = asked.responses("GetVariables")[0]["getVariableResult"]
    assert result["attributeStatus"] == "Rejected"
    assert "attributeValue" not in result
    assert lost in asked.losses()
    reported = _get(None, {"Auth": "auto"})
    assert reported.requests("NotifyReport") == []
    assert lost in reported.losses()
    changed = _change("Auth", "auto")
    assert changed.requests("SetVariables") == []
    assert ("message.field-lost", "ChangeConfiguration.value:Auth") in changed.losses()


def test_the_standard_table_goes_first() -> None:
    """A glob does not reach a key of the standard."""
    lived = _get(["HeartbeatInterval", "Heartfelt"], {})
    names = [one["component"]["name"] for one in lived.requests("GetVariables")[0]["getVariableData"]]
    assert names == ["OCPPCommCtrlr", "A"]


def test_other_stations_keep_the_legacy_component() -> None:
    """The file is for some stations: vendor and model are those of BootNotification."""
    mapping = VendorMapping((StationRules(vendor="Z", keys=(KeyRule(key="Zone", variable="A/B"),)),))
    assert isinstance(find_key(mapping, "Z", "", "CP1", "zone"), MappedKey)
    assert find_key(mapping, "Y", "", "CP1", "zone").variables[0].component == LEGACY_COMPONENT


_names = st.sampled_from(
    ["MaxCurrent", "MinCurrent", "IdleTime", "Auth", "Zone", "Alder.Password", "Power.0", "Power.2"]
)
_told: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    _names, st.text(max_size=20) | st.sampled_from(["6", "on", "1E+30"])
)


@settings(deadline=None, max_examples=100)
@given(st.none() | st.lists(_names, min_size=1, max_size=4), _told)
def test_whatever_mapped_keys_say_is_valid_201(asked: list[str] | None, told: dict[str, str]) -> None:
    """Each message keeps its official schema, and each request that was made has one answer of its action."""
    lived = _get(asked, told)
    for message in lived.messages:
        response = message.type is MessageType.RESPONSE
        assert violations(V201, message.action, response=response, payload=message.payload) == []
    for action in ("GetVariables", "GetReport", "GetBaseReport"):
        assert len(lived.requests(action)) == len(lived.responses(action))
