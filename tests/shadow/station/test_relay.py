"""CALLERRORs of 1.6 in 2.0.1 (1.6J §4.2.3; 2.0.1 Part 4 §4.2.3 and §4.3)."""

import msgspec
import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction
from shadow.message import MessageType, Provenance, ShadowMessage


def _refused(code: str, *rest: object) -> tuple[ShadowMessage, Lived]:
    text = msgspec.json.encode([4, "c", code, *rest]).decode()
    lived = Lived().feed(Script().boot().command("ClearCache", {}, message_id="c").text(text).frames)
    return lived.messages[-1], lived


@pytest.mark.parametrize(
    ("code", "code_201"),
    [
        ("NotImplemented", "NotImplemented"),
        ("FormationViolation", "FormatViolation"),
        ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
        # Spelled as in 2.0.1, which many stations do.
        ("OccurrenceConstraintViolation", "OccurrenceConstraintViolation"),
    ],
)
def test_every_code_has_its_name_of_201(code: str, code_201: str) -> None:
    """Two are spelled otherwise; that is a name, so the code was observed."""
    error, lived = _refused(code, "why", {})
    assert (error.action, error.type, error.direction) == ("ClearCache", MessageType.ERROR, Direction.CP_TO_CS)
    assert error.payload == {"errorCode": code_201, "errorDescription": "why"}
    assert error.provenance == {}
    assert lived.losses() == set()


def test_a_code_of_nobody_is_a_generic_error_and_named() -> None:
    """Part 4 §4.3: GenericError is for any error that no other code covers."""
    error, lived = _refused("Overheated", "hot", {})
    assert error.payload == {"errorCode": "GenericError", "errorDescription": "hot"}
    assert error.provenance == {"errorCode": Provenance.DERIVED}
    (row,) = lived.rows("message.field-lost")
    assert (row.path, row.primary) == ("ClearCache.conf.errorCode", "Overheated")


def test_details_go_along_and_descriptions_have_their_limit() -> None:
    """Both versions leave errorDetails to the sender; 255 characters are the most that 2.0.1 describes an error in."""
    error, _ = _refused("InternalError", "x" * 300, {"line": 7})
    assert error.payload == {
        "errorCode": "InternalError",
        "errorDescription": "x" * 255,
        "errorDetails": {"line": 7},
    }


@pytest.mark.parametrize("rest", [(), ("why", "text"), (None, None)])
def test_an_error_of_another_shape_is_one_all_the_same(rest: tuple[object, ...]) -> None:
    """Without details, with text in their place, without a description."""
    error, lived = _refused("InternalError", *rest)
    assert error.payload == {"errorCode": "InternalError", "errorDescription": rest[0] if rest and rest[0] else ""}
    assert lived.losses() == set()
