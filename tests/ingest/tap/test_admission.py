"""Ceilings in total and per source."""

from ingest.tap.admission import Admission
from ingest.tap.limits import RelayLimits
from ingest.tap.wire import Networks

LIMITS = RelayLimits(connections=5, per_source=3, unanswered_per_source=2)


def test_a_source_waits_for_the_primarys_answer() -> None:
    """Of one address so many may be unanswered and so many be at all; another address is not concerned."""
    gate = Admission(LIMITS, Networks())
    assert [gate.enter("a") for _ in range(3)] == ["", "", "unanswered"]
    gate.answered("a")
    assert gate.enter("a") == ""
    gate.answered("a")
    gate.answered("a")
    assert gate.enter("a") == "per-source"
    assert gate.enter("b") == ""
    gate.leave("a", answered=True)
    assert gate.enter("a") == ""
    assert gate.total == 4


def test_trusted_sources_have_no_ceiling_of_their_own() -> None:
    """A load balancer speaks for many; the total counts all the same."""
    gate = Admission(LIMITS, Networks("10.0.0.0/8"))
    assert {gate.enter("10.1.2.3") for _ in range(5)} == {""}
    assert gate.is_full
    for _ in range(5):
        gate.leave("10.1.2.3", answered=False)
    assert gate.total == 0
