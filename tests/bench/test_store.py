"""`python -m bench store` at a small size: the same code as at ten million, with a real broker and engine."""

import json
from pathlib import Path

import pytest

from bench import store as bench
from bench.generated import Size, generate
from bench.store_queries import ask
from diff.store import queries
from diff.store.client import Store


def test_a_small_run_prints_every_figure(kafka: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rates of the sink and its yardsticks, rows generated, and a timing of each query; exit code by the limit."""
    arguments = ["--frames", "1500", "--chargers", "10", "--discrepancies", "10000", "--runs", "2", "--json"]
    code = bench.main([*arguments, "--directory", str(tmp_path)])
    report = json.loads(capsys.readouterr().out)

    assert code == (1 if any(one["p95"] > 1 for one in report["queries"]) else 0)
    assert report["sink"]["rows"]["frames"] == 1500
    assert report["sink"]["sink"] > report["sink"]["single"]
    assert sum(stage["share"] for stage in report["sink"]["stages"]) == pytest.approx(1)
    assert report["tables"]["frames"]["rows"] == 100_000
    assert len(report["queries"]) > 20
    assert all(0 < one["p50"] <= one["p95"] <= one["slowest"] for one in report["queries"])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_before_anything_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, with what is needed and what is there."""
    assert bench.main(["--discrepancies", "1000000000000000", "--directory", str(tmp_path)]) == 2
    assert "GB are needed" in capsys.readouterr().err


def test_the_generated_store_answers_as_it_was_made(store: Store) -> None:
    """Counts are those asked for, second versions count once, and every query finds something."""
    size = Size().scaled(0.0005)
    generate(store, size)

    overview = queries.overview(store)
    assert (overview.frames, overview.sessions) == (size.frames, size.sessions)
    assert sum(one.open + one.withdrawn for one in queries.severities(store)) == size.discrepancies
    found = queries.groups(store, queries.Filter(), limit=10_000)
    assert sum(one.open + one.withdrawn for one in found) == size.discrepancies
    assert all(one.title for one in found)
    (line, *_) = queries.latest_sessions(store)
    assert queries.messages_of(store, line)
    (differing, *_) = queries.latest_sessions(store, only="differing")
    assert differing.open == len(
        queries.occurrences(store, queries.Filter(session_id=differing.session_id, status="open"))
    )
    assert {timing.runs for timing in ask(store, lambda: 0.0, runs=1)} == {1}
