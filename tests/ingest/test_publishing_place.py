"""The file that says how far a publisher has come."""

from pathlib import Path

import pytest

from ingest.acknowledged import Count
from ingest.journal import Position
from ingest.publishing_place import Place, PublisherError, read_place, read_position, write_place


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """With what was counted; the file before it is replaced, and nothing is left beside it."""
    file = tmp_path / "position.json"
    assert (read_position(file), read_place(file).since) == (Position(0, 0), 0)
    for offset in (1, 70):
        write_place(file, Place(3, offset, 5, {"c1": Count(0, 4, 1, 9)}))
    assert read_place(file) == Place(3, 70, 5, {"c1": Count(0, 4, 1, 9)})
    assert [path.name for path in tmp_path.iterdir()] == ["position.json"]


def test_a_file_of_the_release_before_counts_nothing(tmp_path: Path) -> None:
    """Its position holds, and it says that nobody counted."""
    file = tmp_path / "position.json"
    file.write_text('{"segment":3,"offset":70}')
    assert read_place(file) == Place(3, 70, None, {})


@pytest.mark.parametrize("text", ["", "{}", '{"segment":3,"offset":70,"connections":{"c":[1]}}'])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    """With the way out: guessing would skip frames."""
    file = tmp_path / "position.json"
    file.write_text(text)
    with pytest.raises(PublisherError, match=r"position\.json: no position: .*; delete it to publish the whole"):
        read_place(file)
