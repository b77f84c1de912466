"""The official schemas: what is known, and what a payload breaks."""

import pytest

from shadow.config import ShadowConfig, checked
from shadow.schema import V16, V201, is_known, violations


@pytest.mark.parametrize(
    ("version", "action", "known"),
    [
        (V16, "StartTransaction", True),
        (V16, "TransactionEvent", False),
        (V201, "TransactionEvent", True),
        (V201, "StartTransaction", False),
        (V16, "AuthorizeResponse", False),
        (V16, "../v201/schemas/Heartbeat", False),
        (V16, "Ä", False),
        (V16, "A" * 65, False),
    ],
)
def test_known_actions(version: str, action: str, *, known: bool) -> None:
    """A file name is made of a plain word only, and an answer is no action."""
    assert is_known(version, action) is known


def test_a_violation_names_path_rule_and_value() -> None:
    """List positions are left out, so that the same flaw is one discrepancy wherever it stands."""
    payload = {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2030-01-01T12:00:00Z", "sampledValue": [{"value": "1", "unit": "Hz"}]}],
    }
    (broken,) = violations(V16, "MeterValues", response=False, payload=payload)
    assert (broken.path, broken.rule) == ("meterValue.sampledValue.unit", "enum")
    assert "Hz" in broken.detail


def test_violations_are_bounded() -> None:
    """A message of another shape altogether does not list each of its fields."""
    payload = {"connectorId": 1, "meterValue": [{"x": 1}] * 100}
    assert len(violations(V16, "MeterValues", response=False, payload=payload)) == 8


def test_formats_are_judged_in_2_0_1_only() -> None:
    """What is wrong with a 1.6 timestamp is said by the clock codes."""
    v16 = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": "2030-01-01T12:00:00"}
    v201 = {"timestamp": "2030-01-01T12:00:00", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    assert violations(V16, "StatusNotification", response=False, payload=v16) == []
    (broken,) = violations(V201, "StatusNotification", response=False, payload=v201)
    assert (broken.path, broken.rule) == ("timestamp", "format")


@pytest.mark.parametrize(
    "config",
    [
        ShadowConfig(tx_start_points=frozenset({"ParkingBayOccupancy"})),
        ShadowConfig(tx_start_points=frozenset()),
        ShadowConfig(tx_stop_points=frozenset({"ParkingBayOccupancy", "DataSigned"})),
        ShadowConfig(tx_stop_points=frozenset()),
    ],
)
def test_settings_that_cannot_be_lived_are_refused(config: ShadowConfig) -> None:
    """The message names the setting and what may stand there."""
    with pytest.raises(ValueError, match=r"tx_st(art|op)_points"):
        checked(config)


def test_the_default_is_the_1_6_compatible_setting() -> None:
    """2.0.1 Part 2 §1.1.2, Table 95."""
    config = checked(ShadowConfig())
    assert config.tx_start_points == {"PowerPathClosed"}
    assert config.tx_stop_points == {"EVConnected", "Authorized"}
