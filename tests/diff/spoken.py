"""What tests of reports share: examined traffic, and discrepancies made by hand."""

from typing import Any

from msgspec.structs import replace

from diff.discrepancy import Class, Discrepancy, Severity, Status
from diff.examined import Examination, Examined
from ingest.frame import Frame
from shadow.config import DEFAULT

V16, V201 = "ocpp1.6", "ocpp2.0.1"

_ONE = Discrepancy(
    *("1", "schema.v16", Class.QUALITY, Severity.MAJOR, "CP1", None, 1, None),
    *("Heartbeat.a:type", "7", "string", None, None, ("c/1", "c/2"), 1, None, 5, 5),
    *("f", "title", "detail", Status.OPEN, 5, "Alder", "Curb 11", "1.0", "2", "1", "1", "live"),
)


def discrepancy(**changed: Any) -> Discrepancy:
    """A discrepancy that stands, with some fields changed."""
    return replace(_ONE, **changed)


def examined(frames: list[Frame], **options: Any) -> list[Examined]:
    """Each charging station of some frames, in order of name."""
    found: list[Examined] = []
    examination = Examination(found.append, DEFAULT, **options)
    for frame in frames:
        examination.feed(frame)
    examination.end()
    assert examination.faults == []
    return found
