"""The journal: what was acknowledged can be read, what is torn never is."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.frame import Direction, Frame, FrameKind
from ingest.journal import Journal, JournalError, JournalReader, Position, segments
from ingest.recording import Reader


def _frame(seq: int, text: str = "[2]") -> Frame:
    return Frame("CP1", "run-1", seq, 1_767_225_600_000_000 + seq, FrameKind.MESSAGE, Direction.CP_TO_CS, text)


def _seqs(lines: Iterator[bytes]) -> list[int]:
    return [frame.seq for frame in Reader().read(lines) if isinstance(frame, Frame)]


def test_lines_come_back_in_order_across_segments(tmp_path: Path) -> None:
    """Frames come back as they were, over as many segments as it took."""
    journal = Journal(tmp_path, segment_bytes=500)
    frames = [_frame(n, f'[2,{n},"é\u2028"]') for n in range(40)]
    for frame in frames:
        assert journal.append(frame) == ""
        journal.flush()
    assert journal.sync() == 40
    journal.close()
    assert len(segments(tmp_path)) > 5
    assert list(Reader().read(JournalReader(tmp_path).follow())) == frames


def test_only_synced_lines_are_acknowledged(tmp_path: Path) -> None:
    """Taking and writing is not yet acknowledging."""
    journal = Journal(tmp_path)
    journal.append(_frame(0))
    journal.flush()
    assert (journal.accepted, journal.acknowledged) == (1, 0)
    assert journal.sync() == 1
    journal.close()


def test_a_reader_follows_and_can_be_made_anew(tmp_path: Path) -> None:
    """Reading returns where nothing is new, goes on from there, and so does another reader at that position."""
    journal = Journal(tmp_path, segment_bytes=300)
    reader = JournalReader(tmp_path)
    assert _seqs(reader.follow()) == []
    seen = []
    for seq in range(20):
        journal.append(_frame(seq))
        journal.flush()
        seen += _seqs(reader.follow())
        reader = JournalReader(tmp_path, reader.position)
    assert seen == list(range(20))
    assert _seqs(reader.follow()) == []
    journal.close()


def test_a_reader_stopped_in_the_middle_resumes_behind_the_last_line(tmp_path: Path) -> None:
    """The position stands behind the last line that was given out."""
    journal = Journal(tmp_path)
    for seq in range(5):
        journal.append(_frame(seq))
    journal.close()
    reader = JournalReader(tmp_path)
    lines = reader.follow()
    next(lines)
    next(lines)
    assert _seqs(JournalReader(tmp_path, reader.position).follow()) == [2, 3, 4]


def test_a_torn_line_is_never_read_and_is_cut_off(tmp_path: Path) -> None:
    """Half a line at the end waits; at the next start it is cut off, said, and written over."""
    journal = Journal(tmp_path)
    journal.append(_frame(0))
    journal.append(_frame(1))
    journal.close()
    [(_, path)] = segments(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    reader = JournalReader(tmp_path)
    assert _seqs(reader.follow()) == [0]
    again = Journal(tmp_path)
    assert again.torn_bytes == len(whole.splitlines()[1]) + 1 - 7
    again.append(_frame(7))
    again.close()
    assert _seqs(reader.follow()) == [7]


def test_a_file_of_one_torn_line_is_emptied(tmp_path: Path) -> None:
    """Where no whole line stands, nothing is kept, however long the half line is."""
    (tmp_path / "frames-00000003.jsonl").write_bytes(b"x" * 3_000_000)
    journal = Journal(tmp_path)
    assert journal.torn_bytes == 3_000_000
    assert journal.position == Position(3, 0)
    journal.close()


def test_the_ceiling_refuses_until_there_is_room(tmp_path: Path) -> None:
    """At its limit the journal takes nothing and says why; moved segments make room again."""
    journal = Journal(tmp_path, segment_bytes=300, max_bytes=1000)
    taken = 0
    while not journal.append(_frame(taken)):
        journal.flush()
        taken += 1
    assert journal.append(_frame(99)) == "journal-full"
    assert "limit of 1000 bytes" in journal.error
    assert sum(path.stat().st_size for _, path in segments(tmp_path)) <= 1000
    segments(tmp_path)[0][1].unlink()
    journal.measure()
    assert journal.append(_frame(99)) == ""
    assert journal.error == ""
    journal.close()


@contextmanager
def _file_size_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_costs_nothing_that_fits_in_memory(tmp_path: Path) -> None:
    """While the disk takes nothing frames wait, unacknowledged; they are written whole when it does again."""
    journal = Journal(tmp_path)
    for seq in range(50):
        journal.append(_frame(seq))
    with _file_size_limit(1000):
        assert not journal.flush()
        assert journal.sync() == 0
        assert "cannot be written" in journal.error
        # Half a line stands at the end of the file now.
        assert _seqs(JournalReader(tmp_path).follow()) == list(range(1000 // (len(_line()))))
    assert journal.sync() == 50
    assert journal.error == ""
    assert _seqs(JournalReader(tmp_path).follow()) == list(range(50))
    journal.close()


def _line() -> bytes:
    from ingest.recording import encode_line

    return encode_line(_frame(1))


def test_a_full_disk_refuses_once_memory_is_used_up(tmp_path: Path) -> None:
    """What waits for the disk is bounded; then frames are refused, and counted by whoever asked."""
    journal = Journal(tmp_path)
    with _file_size_limit(0):
        refusals = [journal.append(_frame(seq, "x" * 1_000_000)) for seq in range(12)]
        assert refusals[:7] == [""] * 7
        assert refusals[-1] == "journal-full"
    journal.sync()
    assert journal.acknowledged == refusals.count("")
    journal.close()


def test_a_line_nobody_could_read_is_refused(tmp_path: Path) -> None:
    """A frame whose line would be longer than a reader takes is refused by name."""
    journal = Journal(tmp_path)
    assert journal.append(_frame(0, "\x01" * 2_000_000)) == "line-too-long"
    journal.close()


def test_one_writer_only(tmp_path: Path) -> None:
    """A second writer is refused with the next step; after the first has gone it may write."""
    journal = Journal(tmp_path)
    with pytest.raises(JournalError, match="another process writes"):
        Journal(tmp_path)
    journal.close()
    Journal(tmp_path).close()


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    """A path below a file gives one line with the next step."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="name another one"):
        Journal(tmp_path / "file" / "journal")


def test_a_deleted_current_segment_is_replaced(tmp_path: Path) -> None:
    """Frames do not go on being written into a file that has been deleted."""
    journal = Journal(tmp_path)
    journal.append(_frame(0))
    journal.sync()
    segments(tmp_path)[0][1].unlink()
    journal.measure()
    journal.append(_frame(1))
    journal.sync()
    assert _seqs(JournalReader(tmp_path, Position(1, 10)).follow()) == [1]
    journal.close()
