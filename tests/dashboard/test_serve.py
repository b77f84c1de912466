"""What starts the pages."""

from pathlib import Path

from dashboard.serve import command


def test_other_pages_stand_in_the_place_of_ours(tmp_path: Path) -> None:
    """A comparison with an empty page compares with ours again where the command names ours."""
    other = tmp_path / "empty.py"
    ours = command(8501)
    theirs = command(8501, app=other)
    assert [word for word in theirs if word not in ours] == [str(other)]
    assert [Path(word).name for word in ours if word not in theirs] == ["front.py"]
