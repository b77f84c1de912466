"""Records for a journal that another process writes: they wait in a directory beside it until that process takes them.

Only one process may write a journal. Files are complete when they have their name, and go when their lines are safe
in the journal: a crash in between writes some twice, under the same frame ids.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ingest.frame import Frame, FrameKind, Micros
from ingest.journal import Journal
from ingest.recording import Reader, encode_line

__all__ = ["directory_of", "put", "take"]

_LINES: Final = 500
"""Of one file; one file is taken at a time, so that whoever mirrors traffic is not kept from it."""
_BYTES: Final = 4 * 1024 * 1024


def directory_of(journal: Path) -> Path:
    """The inbox of a journal."""
    return journal / "inbox"


def put(directory: Path, frames: Sequence[Frame], name: str) -> int:
    """Leave frames for the writer of the journal; gives the number of files. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    files, waiting, size = 0, [], 0
    for number, frame in enumerate(frames, 1):
        line = encode_line(frame)
        waiting.append(line)
        size += len(line)
        if len(waiting) >= _LINES or size >= _BYTES or number == len(frames):
            _write(directory / f"{name}-{files:06d}.jsonl", b"".join(waiting))
            files, waiting, size = files + 1, [], 0
    return files


def take(directory: Path, journal: Journal, now: Micros) -> int:
    """Take one file into the journal; gives the number of records. What the journal refuses stays. Raises OSError.

    `now`: the records count as received then, if they were left earlier, so that the journal stays in order.
    """
    if not directory.is_dir():
        return 0
    waiting = sorted(path for path in directory.iterdir() if path.suffix == ".jsonl")
    if not waiting:
        return 0
    taken = 0
    with waiting[0].open("rb") as file:
        for item in Reader().read(file):
            if not isinstance(item, Frame) or item.kind is not FrameKind.RECORD:
                continue
            if journal.append(replace(item, received_at=max(item.received_at, now))):
                return taken
            taken += 1
    accepted = journal.accepted
    if journal.sync() >= accepted:
        waiting[0].unlink()
    return taken


def _write(path: Path, data: bytes) -> None:
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
