"""Where the ways in that are not in the path put their frames: a recording, the journal, or Kafka by way of a spool.

The journal and the spool have one writer. Where a tap or a `run` holds the journal, another data directory is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from app.embedded import writable
from app.replay import RecordingError
from app.settings import Settings
from ingest.frame import Frame
from ingest.journal import Journal, JournalError
from ingest.publisher import Publisher
from ingest.recording import encode_line

__all__ = ["Outlet", "Target", "open_outlet"]

_SPOOL: Final = "ways-in-spool"
_POSITION: Final = "ways-in-position.json"
_EVERY: Final = 2_000
"""Frames between two drains of the spool."""


class Target(StrEnum):
    """Where frames go."""

    RECORDING = "recording"
    JOURNAL = "journal"
    KAFKA = "kafka"


class Outlet:
    """Takes frames."""

    def __init__(self, file: IO[bytes] | None, journal: Journal | None, publisher: Publisher | None) -> None:
        self._file, self._journal, self._publisher = file, journal, publisher
        self._undrained = 0

    def write(self, frame: Frame) -> str:
        """Take a frame; gives the reason where it cannot be taken, which a gap then tells."""
        if self._journal is None:
            if self._file is not None:
                self._file.write(encode_line(frame))
            return ""
        refusal = self._journal.append(frame)
        self._undrained += 1
        if self._publisher is not None and (refusal or self._undrained >= _EVERY):
            self.flush()
            refusal = self._journal.append(frame) if refusal else ""
        return refusal

    def flush(self) -> None:
        """Let go of what was taken so far: a live capture is watched while it runs."""
        if self._file is not None:
            self._file.flush()
        if self._journal is not None:
            self._journal.sync()
        if self._publisher is not None:
            self._publisher.step()
            self._undrained = 0

    def close(self) -> None:
        """Write all of it. Raises `RecordingError` where Kafka or the disk does not take it."""
        self.flush()
        if self._journal is not None and self._journal.acknowledged < self._journal.accepted:
            raise RecordingError(f"{self._journal.directory}: {self._journal.error}; make room and give it again")
        if self._publisher is None:
            return
        while self._publisher.step() and not self._publisher.failure:
            pass
        if self._publisher.failure:
            raise RecordingError(f"not all is published: {self._publisher.failure}; give the same again")


@contextmanager
def open_outlet(settings: Settings, target: Target, out: Path | None) -> Iterator[Outlet]:
    """Open a place for frames; what was taken is safe when it closes. `out` is the file of a recording, else stdout.

    Raises:
        RecordingError: it cannot be written.

    """
    try:
        match target:
            case Target.RECORDING if out is not None:
                with out.open("xb") as file:
                    yield from _used(Outlet(file, None, None))
            case Target.RECORDING:
                yield from _used(Outlet(sys.stdout.buffer, None, None))
            case Target.JOURNAL:
                writable(settings.data_dir)
                yield from _journalled(Journal(settings.data_dir / "journal", max_bytes=settings.journal_bytes), None)
            case Target.KAFKA:
                writable(settings.data_dir)
                journal = Journal(settings.data_dir / _SPOOL, max_bytes=settings.journal_bytes)
                publisher = Publisher(
                    settings.data_dir / _SPOOL,
                    settings.data_dir / _POSITION,
                    settings.kafka_bootstrap,
                    settings.topics().frames,
                    prune=True,
                    **settings.kafka_options(),
                )
                yield from _journalled(journal, publisher)
    except FileExistsError:
        raise RecordingError(f"{out}: is there already; name another file") from None
    except JournalError as error:
        raise RecordingError(str(error)) from None
    except OSError as error:
        raise RecordingError(f"{error.filename or target.value}: {error.strerror or error}") from None


def _used(outlet: Outlet) -> Iterator[Outlet]:
    yield outlet
    outlet.close()


def _journalled(journal: Journal, publisher: Publisher | None) -> Iterator[Outlet]:
    try:
        yield from _used(Outlet(None, journal, publisher))
    finally:
        journal.close()
        if publisher is not None:
            publisher.close()
