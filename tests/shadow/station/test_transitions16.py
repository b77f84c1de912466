"""The state table of 1.6 (§4.9), cell by cell, and when a step is not judged."""

from itertools import product

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow.config import ShadowConfig
from shadow.station.transitions16 import STATUSES, TRANSITIONS, is_legal
from shadow.topology import parse

CODE = "status.illegal-transition"
ROWS = {
    # §4.9 as printed: from → the columns that hold a description.
    "Available": "2345 789", "Preparing": "1 3456  9", "Charging": "1  456 89", "SuspendedEV": "1 3 56 89",
    "SuspendedEVSE": "1 34 6 89", "Finishing": "12     89", "Reserved": "12     89", "Unavailable": "12345   9",
    "Faulted": "12345678",
}  # fmt: skip


def _live(script: Script) -> list[str | None]:
    return [row.primary for row in Lived().feed(script.frames).rows(CODE)]


def test_the_table_has_the_cells_of_the_specification() -> None:
    """53 transitions in nine rows, compared with the rows as they are printed."""
    assert len(TRANSITIONS) == 53
    for before, columns in ROWS.items():
        allowed = {STATUSES[int(column) - 1] for column in columns.replace(" ", "")}
        assert {after for after in STATUSES if is_legal(before, after) and after != before} == allowed
    assert TRANSITIONS["G2"] == ("Reserved", "Preparing")


def test_each_step_that_the_table_has_not_is_named() -> None:
    """All 81 pairs of statuses, sent one after the other."""
    for before, after in product(STATUSES, STATUSES):
        script = Script().boot().status(1, before).status(1, after)
        expected = [] if is_legal(before, after) else [f"{before} → {after}"]
        assert _live(script) == expected


def test_the_first_status_is_no_step() -> None:
    """Whatever it is: what was before is not known."""
    for status in STATUSES:
        assert _live(Script().boot().status(1, status)) == []


@pytest.mark.parametrize("what", ["boot", "reconnect", "gap", "hole"])
def test_nothing_is_judged_over_a_break(what: str) -> None:
    """A boot, a reconnect, a cut or missing frames may each have hidden statuses."""
    script = Script().boot().status(1, "Available")
    match what:
        case "boot":
            script.boot()
        case "reconnect":
            script.close().wait(30).open()
        case "gap":
            script.cut()
        case _:
            script.skip(2)
    assert _live(script.status(1, "Finishing")) == []
    assert _live(script.status(1, "Charging")) == ["Finishing → Charging"]


def test_an_old_status_told_late_is_no_step() -> None:
    """Alfen replays a Faulted two days late: the order of sending is not that of happening."""
    script = Script().boot().status(1, "Preparing").status(1, "Unavailable", at="2029-12-30T12:00:00Z")
    assert _live(script.status(1, "Charging")) == []


def test_each_connector_has_its_own_statuses() -> None:
    """Two connectors in turn; connector 0 has no direct connection to them (§4.9)."""
    script = Script().boot().status(1, "Charging").status(2, "Available").status(0, "Available").status(1, "Finishing")
    assert _live(script.status(0, "Unavailable").status(2, "Preparing")) == []


def test_the_other_connector_of_an_evse_may_become_unavailable() -> None:
    """OCA note: an authorization makes all of them Preparing, and those not chosen Unavailable. No fault."""
    config = ShadowConfig(topology=parse({"station": [{"connectors": {"1": [1, 1], "2": [1, 2]}}]}))
    script = Script().boot().status(1, "Available").status(2, "Available").authorize("AA")
    script.status(1, "Preparing").status(2, "Preparing").start(1, "AA", 0, transaction=7)
    script.status(2, "Unavailable").status(1, "Charging").wait(60).stop(7, 100)
    script.status(1, "Finishing").status(1, "Available").status(2, "Available")
    lived = Lived(config).feed(script.frames).settle()
    assert not {CODE, "topology.ambiguous"} & {row.code for row in lived.versions}
    said = [(one["connectorId"], one["connectorStatus"]) for one in lived.requests("StatusNotification")]
    assert said == [(1, "Available"), (2, "Available"), (1, "Occupied"), (1, "Available")]
    # Without the file it is a guess that they are two EVSEs, and the guess shows.
    flat = Lived().feed(script.frames).settle()
    assert [(row.primary, row.shadow) for row in flat.rows("topology.ambiguous")] == [("2", "EVSE 2, connector 1")]
