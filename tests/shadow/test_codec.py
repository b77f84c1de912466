"""States as versioned bytes: equal when they come back, and clear about what cannot be read."""

from decimal import Decimal

import pytest

from demo.lived import Lived
from demo.script import Script
from diff.judge import JudgeState
from shadow.codec import VERSION, StateError, decode, encode
from shadow.state import ChargerState
from shadow.station.state import Held, Transaction


def _state() -> JudgeState:
    script = Script().boot().start(1, "AA", 1000, transaction=2**70).wait(60)
    script.meter(1, 2**70, "3051.10", "Transaction.End", unit="kWh")
    script.call("DataTransfer", {"vendorId": "V", "data": "ü\u2028", "x": [1.50, 2**80, None, True]})
    return Lived().feed(script.frames).fleet.chargers["CP1"]


def test_a_state_comes_back_equal() -> None:
    """Also with calls that wait, values that are held, and integers that no machine word holds."""
    state = _state()
    assert state.shadow.pairing.pending
    assert decode(encode(state), JudgeState) == state


def test_decimals_in_payloads_come_back_as_decimals() -> None:
    """With their digits: a held value is sent on after a restart as it was read."""
    held = Held({"sampledValue": [{"value": Decimal("3051.10")}]}, "c/1", 5)
    state = ChargerState("CP")
    state.station.transactions["t"] = Transaction("t", "c/1", 1, 0, held=[held])
    back = decode(encode(state), ChargerState).station.transactions["t"].held[0].meter_value
    value = back["sampledValue"][0]["value"]
    assert isinstance(value, Decimal)
    assert str(value) == "3051.10"


def test_writing_is_deterministic() -> None:
    """The same state gives the same bytes, also after a round trip."""
    state = _state()
    assert encode(decode(encode(state), JudgeState)) == encode(state)


@pytest.mark.parametrize("data", [b"", b"{}", b"shadow-csms-state/", b"shadow-csms-state/x\n{}", b"\xff" * 100])
def test_bytes_of_something_else_are_refused(data: bytes) -> None:
    """They are told to be no state."""
    with pytest.raises(StateError, match="no stored state"):
        decode(data, ChargerState)


def test_an_unknown_version_is_refused_with_the_way_out() -> None:
    """Both versions are named."""
    newer = encode(ChargerState("CP")).replace(b"/%d\n" % VERSION, b"/%d\n" % (VERSION + 1))
    with pytest.raises(StateError, match=f"version {VERSION + 1}, this is version {VERSION}"):
        decode(newer, ChargerState)


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data.replace(b'"CP"', b"7")])
def test_a_damaged_body_is_refused(change) -> None:
    """Cut, or of another type: the reason is told."""
    with pytest.raises(StateError, match="cannot be read"):
        decode(change(encode(ChargerState("CP"))), ChargerState)


def test_fields_that_are_new_get_their_defaults() -> None:
    """A version N reads what N wrote before a field was added."""
    older = encode(ChargerState("CP")).replace(b'"messages":0,', b"")
    assert decode(older, ChargerState) == ChargerState("CP")
