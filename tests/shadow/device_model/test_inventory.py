"""The device model worked out from what was observed: predicted from 1.6, or reported by native 2.0.1."""

import pytest

from shadow.config import DEFAULT, ShadowConfig
from shadow.device_model.address import Address
from shadow.device_model.fact import Fact, Source
from shadow.device_model.inventory import build
from shadow.device_model.model import Certainty, DeviceModel, KeyFate, VariableEntry
from shadow.topology import Topology, TopologyRule
from tests.shadow.device_model.models import fact

BOOT = (fact(Source.BOOT, "chargePointVendor", "Alder"), fact(Source.BOOT, "chargePointModel", "Curb 22"))


def _model(*facts: Fact, config: ShadowConfig = DEFAULT) -> DeviceModel:
    return build("CP1", [*BOOT, *facts], config)


def _key(name: str, value: str | None, at: int = 1, **detail: str) -> Fact:
    return fact(Source.KEY, name, value, at=at, **{"readonly": "false", "via": "GetConfiguration", **detail})


def _entry(model: DeviceModel, text: str) -> VariableEntry:
    return model.entries[Address.parse(text).key]


def _told(model: DeviceModel, text: str) -> tuple[str | None, Certainty, str]:
    actual = _entry(model, text).actual
    assert actual is not None
    return actual.text, actual.certainty, actual.origin


def test_a_key_is_a_variable_with_its_provenance() -> None:
    """Value, how sure it is, what said it, when, and the frame."""
    model = _model(_key("HeartbeatInterval", "600"))
    entry = _entry(model, "OCPPCommCtrlr/HeartbeatInterval")

    assert _told(model, "OCPPCommCtrlr/HeartbeatInterval") == ("600", Certainty.OBSERVED, "key HeartbeatInterval")
    assert (entry.data_type, entry.unit, entry.mutability) == ("integer", "s", "ReadWrite")
    assert entry.actual is not None
    assert entry.actual.frame_id == "c/1"


def test_the_interval_of_an_accepted_boot_overwrites_the_key() -> None:
    """In both versions the answer sets the heartbeat (Part 2 §2.1.5); that of a pending one is the wait for a retry."""
    accepted = (fact(Source.BOOT_ANSWER, "interval", "300", at=2), fact(Source.BOOT_ANSWER, "status", "Accepted", at=2))
    pending = (fact(Source.BOOT_ANSWER, "interval", "30", at=2), fact(Source.BOOT_ANSWER, "status", "Pending", at=2))

    assert _told(_model(_key("HeartbeatInterval", "600"), *accepted), "OCPPCommCtrlr/HeartbeatInterval")[0] == "300"
    assert _told(_model(_key("HeartbeatInterval", "600"), *pending), "OCPPCommCtrlr/HeartbeatInterval")[0] == "600"
    later = _key("HeartbeatInterval", "900", at=3, via="ChangeConfiguration")
    assert _told(_model(later, *accepted), "OCPPCommCtrlr/HeartbeatInterval")[0] == "900"


def test_a_value_and_the_length_of_its_list_are_one_variable() -> None:
    """A key that is a characteristic is the maxLimit, and its origin is kept."""
    entry = _entry(_model(_key("LocalAuthListMaxLength", "200")), "LocalAuthListCtrlr/Entries")

    assert (entry.actual, entry.max_limit, entry.limit_origin) == (None, "200", "key LocalAuthListMaxLength")


def test_a_key_that_the_newest_answer_lacks_is_gone() -> None:
    """What was told before the first answer that reads just so is no key of the station any more."""
    whole = fact(Source.ANSWER, "GetConfiguration", "1", at=9, changed_at="1777896005000000")
    old, new = _key("ResetRetries", "2", at=1), _key("HeartbeatInterval", "600", at=5)
    changed = whole.detail["changed_at"] = str(new.at)

    model = _model(old, new, whole)

    assert changed == str(new.at)
    assert [key.name for key in model.keys] == ["HeartbeatInterval"]
    assert Address("OCPPCommCtrlr", "ResetRetries").key not in model.entries
    assert model.asked_all


@pytest.mark.parametrize(
    ("name", "value", "detail", "fate"),
    [
        ("HeartbeatInterval", "600", {}, KeyFate.MAPPED),
        ("MeterValuesSampledData", "Voltage.L1-N", {}, KeyFate.LOSSY),
        ("BlinkRepeat", "3", {}, KeyFate.NO_EQUIVALENT),
        ("AlderLight", "green", {}, KeyFate.UNMAPPED),
        ("AuthorizationKey", None, {"secret": "set"}, KeyFate.SECRET),
        ("AlderPassword", None, {"secret": "set"}, KeyFate.SECRET),
    ],
)
def test_every_key_has_a_fate(name: str, value: str | None, detail: dict[str, str], fate: KeyFate) -> None:
    """And stays visible, whatever becomes of it."""
    (key,) = _model(_key(name, value, **detail)).keys

    assert (key.name, key.fate, key.value) == (name, fate, value)
    assert key.addresses


def test_a_secret_is_there_and_not_told() -> None:
    """Its variable can only be written, and has no value."""
    entry = _entry(_model(_key("AuthorizationKey", None, secret="set")), "SecurityCtrlr/BasicAuthPassword")

    assert entry.mutability == "WriteOnly"
    assert entry.actual is not None
    assert entry.actual.text is None


def test_connectors_are_places_of_the_topology() -> None:
    """Two connectors of 1.6 on one EVSE are one EVSE with two connectors."""
    shared = Topology((TopologyRule({1: (1, 1), 2: (1, 2)}),))
    key = _key("NumberOfConnectors", "2", readonly="true")

    apart, together = _model(key), _model(key, config=ShadowConfig(topology=shared))

    assert {str(one.address) for one in apart.entries.values() if one.address.component == "Connector"} == {
        "Connector@1.1/Available",
        "Connector@2.1/Available",
    }
    assert {str(one.address) for one in together.entries.values() if one.address.evse_id} == {
        "EVSE@1/Available",
        "Connector@1.1/Available",
        "Connector@1.2/Available",
    }


def test_statuses_are_the_availability_of_every_tier() -> None:
    """The station by connector 0, connectors by their own, an EVSE by the busiest of its connectors."""
    shared = ShadowConfig(topology=Topology((TopologyRule({1: (1, 1), 2: (1, 2)}),)))
    statuses = [
        fact(Source.STATUS, "status", status, connector)
        for connector, status in ((0, "Available"), (1, "Faulted"), (2, "Charging"))
    ]

    model = _model(*statuses, config=shared)

    assert _told(model, "ChargingStation/AvailabilityState")[0] == "Available"
    assert _told(model, "Connector@1.1/AvailabilityState")[0] == "Faulted"
    assert _told(model, "Connector@1.2/AvailabilityState")[0] == "Occupied"
    assert _told(model, "EVSE@1/AvailabilityState")[0] == "Occupied"


@pytest.mark.parametrize(
    ("phases", "value", "certainty"),
    [("L1,L2,L3", "3", Certainty.DERIVED), ("L1-N,L2-N", "3", Certainty.DERIVED), ("L1", "1", Certainty.ASSUMED)],
)
def test_phases_that_were_measured_are_supply_phases(phases: str, value: str, certainty: Certainty) -> None:
    """One phase alone may be that of the car, so it is only assumed."""
    model = _model(fact(Source.METER, "Current.Import", "A", 1, phases=phases))

    assert _told(model, "EVSE@1/SupplyPhases")[:2] == (value, certainty)


def test_the_largest_power_is_a_limit_at_least() -> None:
    """Of Power.Offered and Power.Active.Import the larger."""
    offered = fact(Source.METER, "max:Power.Offered", "11000", 1)
    taken = fact(Source.METER, "max:Power.Active.Import", "10800", 1)

    entry = _entry(_model(offered, taken), "EVSE@1/Power")

    assert (entry.max_limit, entry.unit, entry.limit_origin) == ("11000", "W", "the largest Power.Offered so far")


@pytest.mark.parametrize(
    ("handshake", "profile"),
    [
        ({"basic_auth": "true"}, "1"),
        ({"basic_auth": "true", "tls_version": "TLSv1.3"}, "2"),
        ({"basic_auth": "false", "tls_version": "TLSv1.3", "client_certificate_subject": "CN=CP1"}, "3"),
        ({"basic_auth": "false"}, None),
    ],
)
def test_the_handshake_shows_the_security_profile(handshake: dict[str, str], profile: str | None) -> None:
    """Without password and certificate it is none of the three (A00), and no variable is made up."""
    model = _model(*(fact(Source.HANDSHAKE, name, value) for name, value in handshake.items()))
    entry = model.entries.get(Address("SecurityCtrlr", "SecurityProfile").key)

    assert (None if entry is None or entry.actual is None else entry.actual.text) == profile


def test_what_a_station_showed_before_its_last_handshake_is_past() -> None:
    """A terminator that was put before the tap takes TLS out of what it sees."""
    before = fact(Source.HANDSHAKE, "tls_version", "TLSv1.2", at=1)
    now = fact(Source.HANDSHAKE, "basic_auth", "true", at=2)

    assert _told(_model(before, now), "SecurityCtrlr/SecurityProfile")[0] == "1"


def test_what_nobody_says_is_marked_as_assumed() -> None:
    """Start and stop points are settings, the source of time is what 1.6 prescribes."""
    model = _model()

    assert _told(model, "TxCtrlr/TxStartPoint") == ("PowerPathClosed", Certainty.ASSUMED, "setting")
    assert _told(model, "ClockCtrlr/TimeSource")[:2] == ("Heartbeat", Certainty.ASSUMED)


def test_an_analogy_is_never_evidence() -> None:
    """GetConfigurationMaxKeys limits another message than ItemsPerMessage[GetVariables]."""
    model = _model(_key("GetConfigurationMaxKeys", "50", readonly="true"))

    assert _told(model, "DeviceDataCtrlr/ItemsPerMessage[GetVariables]")[:2] == ("50", Certainty.ASSUMED)


def test_a_value_that_the_standard_refuses_stays_visible_with_its_flaw() -> None:
    """A heartbeat of 0 is legal on 1.6 and below the minLimit of 2.0.1."""
    entry = _entry(_model(_key("HeartbeatInterval", "0")), "OCPPCommCtrlr/HeartbeatInterval")

    assert entry.actual is not None
    assert entry.actual.text == "0"
    assert len(entry.flaws) == 1


def _native(name: str, value: str | None, at: int = 1, **detail: str) -> Fact:
    return fact(Source.VARIABLE, name, value, at=at, **{"via": "NotifyReport", **detail})


def test_a_native_model_is_what_the_station_reported() -> None:
    """Characteristics and values come together, each attribute by itself; a value that was set later holds."""
    power = "EVSE@1/Power"
    model = _model(
        fact(Source.CHARACTERISTICS, power, "decimal", unit="kW", maxLimit="22.0", mutability="ReadOnly"),
        _native(power, "0"),
        _native(f"{power}#Target", "11"),
        _native("OCPPCommCtrlr/HeartbeatInterval", "600"),
        _native("OCPPCommCtrlr/HeartbeatInterval", "300", at=5, via="SetVariables"),
        _native("Vendor/Thing", None, status="UnknownVariable"),
    )
    entry = _entry(model, power)

    assert model.native
    assert {kind.value: value.text for kind, value in entry.values.items()} == {"Actual": "0", "Target": "11"}
    assert (entry.data_type, entry.unit, entry.max_limit, entry.mutability) == ("decimal", "kW", "22.0", "ReadOnly")
    assert _told(model, "OCPPCommCtrlr/HeartbeatInterval") == ("300", Certainty.OBSERVED, "SetVariables")
    assert Address("Vendor", "Thing").key not in model.entries


def test_the_protocol_that_was_spoken_last_says_which_model_it_is() -> None:
    """A station whose firmware moved has facts of both; one that fell back is on 1.6 again."""
    both = (_key("HeartbeatInterval", "600"), _native("OCPPCommCtrlr/HeartbeatInterval", "300", at=5))
    moved = fact(Source.HANDSHAKE, "subprotocol", "ocpp2.0.1", at=4)
    back = fact(Source.HANDSHAKE, "subprotocol", "ocpp1.6", at=9)

    assert _model(*both).native
    assert _model(*both, moved).native
    assert not _model(*both, moved, back).native
