"""The sizing: a seeded day, figures that follow from the measured ones, and a page that says what the program says."""

import json
from pathlib import Path

import msgspec
import pytest

from bench import sizing
from bench.sizing import Assumptions, need, simulate, text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sizing.md"
SMALL = Assumptions(chargers=20_000)


def test_the_page_holds_the_output_of_the_defaults() -> None:
    """`python -m bench sizing` and docs/sizing.md are one; on a difference paste the one into the other."""
    given = Assumptions()
    day = simulate(given)
    assert text(given, day, need(given, day)) in PAGE.read_text()


def test_the_same_seed_is_the_same_day() -> None:
    """Another seed is another day, and near it."""
    one, same, other = simulate(SMALL), simulate(SMALL), simulate(msgspec.structs.replace(SMALL, seed=2))
    assert one == same
    assert one != other
    assert one.frames == pytest.approx(other.frames, rel=0.01)


def test_the_day_has_the_frames_that_the_assumptions_make() -> None:
    """Heartbeats with their answers, sessions with their samples, and the reconnection: counted by hand."""
    given = msgspec.structs.replace(SMALL, sessions_per_day=1.0, session_minutes=60)
    heartbeats = 2 * 86_400 / 300
    sessions = 14 + 2 * 3600 / 300
    assert simulate(given).frames == pytest.approx(20_000 * (heartbeats + sessions + 10), rel=0.01)


def test_an_outage_fills_the_spools_and_drains() -> None:
    """A longer outage spools more and takes longer; without one nothing is spooled, and a storm alone still waits."""
    short = simulate(SMALL)
    long = simulate(msgspec.structs.replace(SMALL, outage=1800))
    none = simulate(msgspec.structs.replace(SMALL, outage=0))
    assert none.spooled == 0
    assert short.spooled == pytest.approx(short.busiest * 600, rel=0.3)
    assert long.spooled > 2.5 * short.spooled
    assert long.drained_after > short.drained_after > 0


def test_more_chargers_and_longer_retention_need_more() -> None:
    """Ten times the fleet takes about ten times of everything; twice the evidence more of ClickHouse alone."""
    small = msgspec.structs.replace(SMALL, chargers=60_000)
    large = msgspec.structs.replace(SMALL, chargers=600_000)
    one, ten = need(small, simulate(small)), need(large, simulate(large))
    assert ten.kafka_gb == pytest.approx(10 * one.kafka_gb, rel=0.05)
    assert ten.workers > one.workers
    kept = msgspec.structs.replace(small, evidence_days=60)
    longer = need(kept, simulate(kept))
    assert longer.clickhouse_gb > one.clickhouse_gb
    assert longer.kafka_gb == one.kafka_gb


def test_the_command_takes_assumptions_and_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Options are the assumptions' names; what cannot be is refused with 2."""
    assert sizing.main(["--chargers", "5000", "--heartbeat", "600", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["assumed"]["chargers"] == 5000
    assert found["needed"]["workers"] >= 1
    assert all(one["command"].startswith("python -m bench") for one in found["measured"].values())
    with pytest.raises(SystemExit) as refused:
        sizing.main(["--chargers", "0"])
    assert refused.value.code == 2
