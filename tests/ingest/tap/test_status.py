"""What the journal tells of connections whose end nobody saw."""

from pathlib import Path

from ingest.frame import Frame, FrameKind, Gap
from ingest.journal import Journal
from ingest.tap.connection import Recovered
from ingest.tap.status import recover


def test_a_gap_behind_the_end_opens_nothing_again(tmp_path: Path) -> None:
    """It says that a charging station was removed while it was away; the other connection is still to be closed."""
    journal = Journal(tmp_path, segment_bytes=1 << 20, max_bytes=1 << 22)
    for frame in (
        Frame("A", "run-1", 0, 1_000_000, FrameKind.OPENED),
        Frame("A", "run-1", 1, 2_000_000, FrameKind.CLOSED),
        Frame("B", "run-2", 0, 2_500_000, FrameKind.OPENED),
        Frame("A", "run-1", 2, 3_000_000, FrameKind.GAP, gap=Gap(0, 3_000_000, "unenrolled")),
    ):
        assert journal.append(frame) == ""
    journal.close()
    assert recover(None, tmp_path) == [Recovered("run-2", "B", 1, 2_500_000, 0)]
