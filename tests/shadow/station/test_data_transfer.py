"""DataTransfer that is nobody's but the vendor's: the same in both versions (P01, P02)."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction

BOTH = [Direction.CP_TO_CS, Direction.CS_TO_CP]


def _exchange(direction: Direction, payload: dict[str, Any], answer: dict[str, Any]) -> Lived:
    script = Script().boot()
    say = script.call if direction is Direction.CP_TO_CS else script.command
    return Lived().feed(say("DataTransfer", payload).answer(answer).frames)


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"])
def test_both_sides_may_send_it_and_every_answer_has_its_name(direction: Direction, status: str) -> None:
    """Text that looks like JSON stays the text that it is: 2.0.1 would take any JSON, but nobody sent it so."""
    payload = {"vendorId": "Alder", "messageId": "M", "data": '{"a": 1}'}
    lived = _exchange(direction, payload, {"status": status, "data": "{}"})
    request, response = lived.messages[-2:]
    assert (request.action, request.direction, request.payload) == ("DataTransfer", direction, payload)
    assert (response.action, response.direction) == ("DataTransfer", direction.opposite)
    assert response.payload == {"status": status, "data": "{}"}
    assert lived.codes() == ({"vendor.data-transfer"} if status == "Accepted" else set())


@pytest.mark.parametrize("direction", BOTH)
def test_a_refusal_is_said_as_one(direction: Direction) -> None:
    """A CALLERROR answers the 2.0.1 DataTransfer under the name that its code has there."""
    script = Script().boot()
    say = script.call if direction is Direction.CP_TO_CS else script.command
    lived = Lived().feed(say("DataTransfer", {"vendorId": "Alder"}).refuse("FormationViolation").frames)
    error = lived.messages[-1]
    assert (error.action, error.payload["errorCode"]) == ("DataTransfer", "FormatViolation")


def test_identifiers_beyond_the_limit_are_cut_and_named() -> None:
    """They break 1.6 too, whose limits are the same: the message is said all the same."""
    lived = _exchange(Direction.CP_TO_CS, {"vendorId": "V" * 300, "messageId": "M" * 60}, {"status": "Accepted"})
    (request,) = lived.requests("DataTransfer")
    assert (len(request["vendorId"]), len(request["messageId"])) == (255, 50)
    assert lived.codes() == {"schema.v16", "vendor.data-transfer"}
    assert {row.path for row in lived.rows("message.field-lost")} == {"DataTransfer.vendorId", "DataTransfer.messageId"}
