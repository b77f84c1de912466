"""Values of variables: what is the same, what is normal, what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.device_model.address import Address
from shadow.device_model.standard import STANDARD, DataType, Variable, find
from shadow.device_model.values import equal, flaws, normal

TYPES = st.sampled_from([*DataType, "passwordString", "identifierString", "no such type"])
WORDS = st.sampled_from(
    ["true", "TRUE", " true", "1", "1.0", "01", "-0", "1e0", "+1", "A,W", "W,A", "A, W,A", "", " ", ",", "1,5", "1.5",
     "1E40", "ParkingBayOccupied", "ParkingBayOccupancy", "2030-01-01T00:00:00Z", "2030-01-01T01:00:00+01:00"]
)  # fmt: skip
TEXTS = st.one_of(WORDS, st.text(max_size=60), st.text(alphabet="0123456789.,+-eE TZ:tru", max_size=60))


def _variable(text: str) -> Variable:
    found = find(Address.parse(text))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("data_type", "first", "second"),
    [
        ("boolean", "TRUE", "true"),
        ("integer", "016", "16"),
        ("integer", "16.0", "16"),
        ("decimal", "1.50", "1.5e0"),
        ("decimal", "-0.0", "0"),
        ("decimal", "0.1000000000000000000000000000001", "1000000000000000000000000000001e-31"),
        ("dateTime", "2030-01-01T01:00:00+01:00", "2030-01-01T00:00:00.000Z"),
        ("OptionList", " ParkingBayOccupied", "ParkingBayOccupancy"),
        ("MemberList", "A, W", "W,A,A"),
        ("MemberList", "", " , "),
        ("MemberList", "EVConnected,ParkingBayOccupied", "ParkingBayOccupancy,EVConnected"),
        ("SequenceList", "NTP, GPS", "NTP,GPS"),
        ("identifierString", "CP-1", "cp-1"),
    ],
)
def test_values_that_mean_the_same_are_equal(data_type: str, first: str, second: str) -> None:
    """However they are written."""
    assert equal(data_type, first, second)


@pytest.mark.parametrize(
    ("data_type", "first", "second"),
    [
        ("boolean", "true", "1"),
        ("integer", "16", "17"),
        ("decimal", "0.1", "0.10000000000000000000000000000000000001"),
        ("dateTime", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00.000001Z"),
        ("OptionList", "never", "Never"),
        ("MemberList", "A", "A,W"),
        ("SequenceList", "NTP,GPS", "GPS,NTP"),
        ("string", "a", "A"),
    ],
)
def test_values_that_mean_something_else_are_not(data_type: str, first: str, second: str) -> None:
    """Exactly: no digit is rounded away."""
    assert not equal(data_type, first, second)


@pytest.mark.parametrize(
    ("data_type", "text", "plain"),
    [
        ("boolean", " True", "true"),
        ("boolean", "yes", "yes"),
        ("integer", "+0010", "10"),
        ("decimal", "16.500", "16.5"),
        ("decimal", "1e3", "1000"),
        ("dateTime", "2030-01-01T02:00:00.50+02:00", "2030-01-01T00:00:00.500Z"),
        ("MemberList", " W,A ,W,", "W,A"),
        ("SequenceList", "NTP, GPS,NTP", "NTP,GPS,NTP"),
        ("string", " as it is ", " as it is "),
    ],
)
def test_normal_forms(data_type: str, text: str, plain: str) -> None:
    """A text that is no value of its type stays as it is."""
    assert normal(data_type, text) == plain


@pytest.mark.parametrize(
    ("address", "text", "words"),
    [
        ("OCPPCommCtrlr/HeartbeatInterval", "0", "0 is below 1, the least that is allowed (minLimit, Part2 §2.1.5)"),
        ("OCPPCommCtrlr/HeartbeatInterval", "five", "'five' is no integer (DataEnumType integer)"),
        ("OCPPCommCtrlr/HeartbeatInterval", "", "'' is no integer (DataEnumType integer)"),
        ("OCPPCommCtrlr/WebSocketPingInterval", "-1",
         "-1 is below 0, the least that is allowed (minLimit, Part4 §8.4)"),
        ("SecurityCtrlr/SecurityProfile", "0", "0 is below 1, the least that is allowed (minLimit, Part2 §2.2.5)"),
        ("SecurityCtrlr/MaxCertificateChainSize", "10001",
         "10001 is above 10000, the most that is allowed (maxLimit, Part2 §2.2.7)"),
        ("SecurityCtrlr/BasicAuthPassword", "short",
         "has 5 characters, which is below 16, the least that is allowed (minLimit, Part2 §2.2.1)"),
        ("SecurityCtrlr/Identity", "CP 1",
         "'CP 1' has characters that an identifier has not (identifierString: A-Z a-z 0-9 *-_=:+|@.)"),
        ("TariffCostCtrlr/Currency", "EURO",
         "has 4 characters, which is above 3, the most that is allowed (maxLimit, Part2 §2.10.7)"),
        ("AuthCtrlr/LocalPreAuthorize", "TRUE", "'TRUE' is not true or false in lower case (DataEnumType boolean)"),
        ("EVSE@1/AvailabilityState", "Operative",
         "'Operative' is none of Available, Occupied, Reserved, Unavailable, Faulted (Part2 §2.13.2)"),
        ("EVSE@1/SupplyPhases", "2", "'2' is none of 0, 1, 3 (Part2 §2.13.6)"),
        ("SmartChargingCtrlr/RateUnit", "A,Power", "'Power' is none of A, W (Part2 §2.9.5)"),
        ("SmartChargingCtrlr/LimitChangeSignificance", "1,5", "'1,5' is no decimal number (DataEnumType decimal)"),
        ("SampledDataCtrlr/TxUpdatedMeasurands", "Voltage,RPM", "'RPM' is none of the 25 of its list (Part2 §2.7.7)"),
        ("ClockCtrlr/DateTime", "today", "'today' is no date and time (DataEnumType dateTime, RFC 3339)"),
        ("ClockCtrlr/DateTime", "2030-01-01T00:00:00",
         "'2030-01-01T00:00:00' has no zone as RFC 3339 writes it (DataEnumType dateTime)"),
        ("ClockCtrlr/TimeZone", "x" * 1001,
         "has 1001 characters, none that can be set has more than 1000 (ConfigurationValueSize, Part 2 §2.1.20)"),
        ("OCPPCommCtrlr/ActiveNetworkProfile", "1" * 2501,
         "has 2501 characters, no value has more than 2500 (ReportingValueSize, Part 2 §2.1.21)"),
    ],
)  # fmt: skip
def test_a_flaw_is_named_with_its_rule(address: str, text: str, words: str) -> None:
    """In words that follow the name of the variable."""
    assert flaws(_variable(address), text) == (words,)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("OCPPCommCtrlr/HeartbeatInterval", "300"),
        ("EVSE@1/SupplyPhases", ""),
        ("EVSE@1/SupplyPhases", "3"),
        ("EVSE@1/Power", "22000.0"),
        ("TxCtrlr/TxStartPoint", "ParkingBayOccupied, EVConnected"),
        ("SampledDataCtrlr/TxUpdatedMeasurands", ""),
        ("Connector@1.1/ConnectorType", "cGBT"),
        ("Connector@1.1/PhaseRotation", "Rxx"),
        ("SomeSensor@1/Time", "2030-01-01T00:00:00"),
        ("OCPPCommCtrlr/ActiveNetworkProfile", "x" * 1001),
        ("SecurityCtrlr/BasicAuthPassword", "sixteen letters!"),
    ],
)
def test_what_is_allowed_has_no_flaw(address: str, text: str) -> None:
    """The empty value of SupplyPhases means unknown; a generic time needs no zone."""
    assert flaws(_variable(address), text) == ()


@given(TYPES, TEXTS)
def test_normal_forms_are_stable_and_equal_to_what_they_stand_for(data_type: str, text: str) -> None:
    """That of a normal form is itself, whatever the text."""
    plain = normal(data_type, text)
    assert normal(data_type, plain) == plain
    assert equal(data_type, text, plain)


@given(TYPES, TEXTS, TEXTS, TEXTS)
def test_equality_is_an_equivalence(data_type: str, first: str, second: str, third: str) -> None:
    """Each value equals itself, either way round, and what equals the same is equal."""
    assert equal(data_type, first, first)
    assert equal(data_type, first, second) == equal(data_type, second, first)
    if equal(data_type, first, second) and equal(data_type, second, third):
        assert equal(data_type, first, third)


@given(st.lists(st.sampled_from(["A", "W", "Voltage", "SoC", "EVConnected"]), max_size=6), st.randoms())
def test_a_member_list_has_no_order(items: list[str], random) -> None:
    """Nor does it matter how often a member stands there."""
    turned = [*items, *items[:1]]
    random.shuffle(turned)
    assert equal(DataType.MEMBER_LIST, ",".join(items), " , ".join(turned))


@given(st.sampled_from(list(STANDARD.values())), st.one_of(TEXTS, st.text(min_size=900, max_size=3000)))
def test_flaws_never_raise_and_say_little(variable: Variable, text: str) -> None:
    """Whatever text: at most a few bounded sentences, and nothing of a password."""
    found = flaws(variable, text)
    assert all(0 < len(one) < 500 for one in found)
    assert len(found) <= 4
    if variable.refinement == "passwordString" and len(text) > 5:
        assert not any(text in one for one in found)
