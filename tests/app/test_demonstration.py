"""`demo`: planted against found, weighed in the small and shown in the large."""

import signal
from pathlib import Path

from app.demonstration import weigh
from demo.faults import Planted
from diff.catalogue import CATALOGUE
from tests.app.conftest import Start
from tests.running import alive, call, family, until


def _planted(charger_id: str, *codes: str, also: tuple[str, ...] = ()) -> Planted:
    return Planted(charger_id, 1, f"fault of {charger_id}", codes, also, 0, "")


def test_what_was_planted_and_found_is_clean() -> None:
    """A code that a fault may bring along is no false alarm, and needs not be found."""
    planted = [_planted("A", "session.energy", also=("meter.regression",)), _planted("B", "clock.skew")]
    outcome = weigh(planted, {("A", "session.energy"), ("A", "meter.regression"), ("B", "clock.skew")})
    assert outcome.clean
    assert outcome.planted == {"session.energy": 1, "clock.skew": 1}
    assert outcome.found == {"session.energy": 1, "meter.regression": 1, "clock.skew": 1}
    assert weigh(planted, {("A", "session.energy"), ("B", "clock.skew")}).clean


def test_what_was_not_found_is_missed() -> None:
    """The code found on another charging station does not make up for it: that one is false there."""
    outcome = weigh([_planted("A", "session.energy")], {("B", "session.energy")})
    assert not outcome.clean
    assert outcome.missed == outcome.false == {"session.energy": 1}
    assert outcome.found == {}
    assert outcome.details == [
        "missed session.energy on A: fault of A",
        "false session.energy on B, which planted nothing",
    ]


def test_a_code_planted_twice_on_one_charger_counts_once() -> None:
    """Counts are charging stations."""
    outcome = weigh([_planted("A", "rpc.malformed")] * 2, {("A", "rpc.malformed")})
    assert outcome.clean
    assert outcome.planted == outcome.found == {"rpc.malformed": 1}


def test_the_demonstration_finds_what_was_planted(tmp_path: Path) -> None:
    """The whole product against its simulated fleet in half a minute: nothing missed, nothing false, nothing restarted,
    and one JSON document on stdout.
    """
    done = call(["demo", "--seconds", 30, "--json", "--no-browser", "--data-dir", "kept"], tmp_path, seconds=120)
    document = done.json
    told = (document["details"], done.err)
    assert (document["missed"], document["false"], document["details"]) == ({}, {}, []), told
    assert (document["restarts"], document["faults"]) == ({}, 0), told
    assert done.code == 0, told
    assert document["sessions_compared"] >= 10
    assert document["codes_found"] == len(document["found"]) >= 6
    assert set(document["found"]) <= set(CATALOGUE)
    assert all(document["found"][code] >= count for code, count in document["planted"].items())
    assert document["frames"] > 500
    assert (tmp_path / "kept/journal").is_dir()
    assert not list(tmp_path.glob("shadow-demo-*"))


def test_a_demonstration_can_be_stopped(start: Start, tmp_path: Path) -> None:
    """Ctrl-C in the middle sums up what there was; its parts and its directory are gone afterwards."""
    running = start("demo", "--chargers", 6, "--no-browser", "--dashboard-port", 0, env={"TMPDIR": str(tmp_path)})
    running.said("^round 1: 6 charging stations")
    relatives = family(running.process.pid)
    assert len(relatives) == 4
    assert len(list(tmp_path.glob("shadow-demo-*"))) == 1
    assert running.stop(signal.SIGINT) == 130
    assert "stopped; what was planted so far is set against what was found so far" in running.lines
    assert "Traceback" not in "".join(running.lines)
    until(lambda: not any(alive(*one) for one in relatives.items()), 20, "the end of its parts")
    assert list(tmp_path.glob("shadow-demo-*")) == []
