"""The simulated fleet's ground truth against what the core finds: nothing missed, nothing false."""

from itertools import chain
from typing import Any

import msgspec
import ocpp.exceptions
import ocpp.messages
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.faults import FAULTS, Fault
from demo.lived import Lived
from demo.traffic import Traffic
from diff.discrepancy import Class
from shadow.config import DEFAULT
from shadow.message import MessageType, ShadowMessage


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_clean_chargers_give_nothing(seed: int) -> None:
    """A fleet without faults: every session compared and complete, equal to the Wh, and nothing but expected losses."""
    traffic = Traffic(seed=seed, chargers=12, sessions_per_charger=3, fault_share=0)
    lived = Lived(DEFAULT).feed(traffic).settle()
    assert lived.codes() == set()
    assert lived.refused == []
    assert lived.compared == len(traffic.sessions) == len(lived.sessions)
    assert all(session.complete for session in lived.sessions.values())
    billed = sorted(row.energy_wh for row in traffic.books.ledger if row.energy_wh is not None)
    assert sorted(session.shadow_energy_wh or 0 for session in lived.sessions.values()) == billed
    assert sorted(session.primary_energy_wh or 0 for session in lived.sessions.values()) == billed


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found_and_nothing_else(fault: Fault) -> None:
    """On each charger that it was planted on, whatever the seed: its codes, and none that it cannot lead to."""
    planted = 0
    for seed in range(3):
        traffic = Traffic(seed=seed, chargers=4, sessions_per_charger=2, fault_share=1, faults=(fault,))
        lived = Lived(DEFAULT).feed(traffic).settle()
        for one in traffic.planted:
            found = lived.codes(one.charger_id)
            assert set(one.codes) <= found, f"missed with seed {seed} on {one.charger_id}"
            assert found <= {*one.codes, *one.also}, f"false with seed {seed} on {one.charger_id}"
            planted += 1
    assert planted == 12


def test_clean_chargers_beside_faulty_ones_give_nothing() -> None:
    """In a mixed fleet only those have discrepancies, beside the expected losses, on which something was planted."""
    traffic = Traffic(seed=5, chargers=2 * len(FAULTS), sessions_per_charger=2, fault_share=0.5)
    lived = Lived(DEFAULT).feed(traffic).settle()
    faulty = {one.charger_id for one in traffic.planted}
    assert len(faulty) == len(FAULTS)
    expected = Class.EXPECTED_LOSS
    assert {row.charger_id for row in lived.versions if row.class_ is not expected} == faulty


def test_messages_validate_with_another_validator() -> None:
    """Every 2.0.1 message of a fleet with all faults passes the `ocpp` package's own validation: an independent oracle.

    It reads the same schemas with another library (jsonschema) and its own reading of numbers and names.
    """
    traffic = Traffic(seed=3, chargers=len(FAULTS), sessions_per_charger=1, fault_share=1)
    clean = Traffic(seed=4, chargers=20, sessions_per_charger=4, fault_share=0)
    lived = Lived(DEFAULT).feed(chain(traffic, clean))
    assert len(lived.messages) > 1000
    actions = set()
    for message in lived.messages:
        if message.type is not MessageType.ERROR:  # a CALLERROR has no schema (Part 4 §4.2.3)
            _validate(message)
        actions.add(message.action)
    assert actions >= {"BootNotification", "StatusNotification", "TransactionEvent", "Authorize", "NotifyEvent"}
    assert actions >= {"RequestStartTransaction", "RequestStopTransaction", "Reset", "UnlockConnector"}


def test_the_other_validator_refuses_what_is_wrong() -> None:
    """It is asked in a way that lets it say no."""
    script = Traffic(seed=4, chargers=1, sessions_per_charger=1, fault_share=0)
    message = next(m for m in Lived(DEFAULT).feed(script).messages if m.action == "TransactionEvent")
    del message.payload["triggerReason"]
    with pytest.raises(ocpp.exceptions.OCPPError):
        _validate(message)


def _validate(message: ShadowMessage) -> None:
    """Through JSON, as it would travel."""
    if message.type is MessageType.REQUEST:
        call = ocpp.messages.unpack(_json([2, "1", message.action, message.payload]))
        ocpp.messages._validate_payload(call, "2.0.1")
    else:
        result = ocpp.messages.unpack(_json([3, "1", message.payload]))
        result.action = message.action
        ocpp.messages._validate_payload(result, "2.0.1")


def _json(message: list[Any]) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(message).decode()
