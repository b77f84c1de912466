"""The benchmark of judging anew, small: every stored frame is judged, copies included, and both figures are told."""

import json

import pytest

from bench import judge


def test_copies_are_judged_as_the_frames_that_they_are_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three times the frames are three times the rows, and none is a fault."""
    monkeypatch.setattr(judge, "_CHARGERS", 3)
    monkeypatch.setattr(judge, "_LIVED", 400)
    assert judge.main(["--frames", "1200", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["frames"], report["faults"]) == (1200, 0)
    assert report["chargers"] % 3 == report["sessions"] % 3 == report["discrepancies"] % 3 == 0
    assert report["sessions"] > 0
    assert 0 < report["read_seconds"] < report["judge_seconds"] * 10
