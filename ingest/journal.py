"""The journal: an append-only recording on the disk, in segments.

Lines are those of `ingest.recording`. A line is *acknowledged* once it was written and the file was synced: what was
acknowledged survives a killed process and a lost machine. What is not whole at the end of the last segment is cut off
at the next start, and a reader never sees it.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from ingest.frame import Frame
from ingest.recording import MAX_LINE, encode_line

__all__ = ["Journal", "JournalError", "JournalLockedError", "JournalReader", "Position", "segments"]

_NAME: Final = re.compile(r"frames-(\d{8})\.jsonl$")
_BUFFER: Final = 8 * 1024 * 1024
"""Bytes that wait in memory while the disk takes none; then frames are refused."""
_WRITE: Final = 256 * 1024
_CHUNK: Final = 1024 * 1024


class JournalError(Exception):
    """The journal cannot be opened; the message says why and what to do."""


class JournalLockedError(JournalError):
    """Another process writes to the journal."""


class Position(NamedTuple):
    """A place between two lines."""

    segment: int
    offset: int


def segments(directory: Path) -> list[tuple[int, Path]]:
    """Give the segments of a journal, oldest first."""
    found = []
    for path in directory.iterdir():
        match = _NAME.fullmatch(path.name)
        if match is not None:
            found.append((int(match.group(1)), path))
    return sorted(found)


class Journal:
    """The one writer of a journal."""

    def __init__(self, directory: Path, *, segment_bytes: int = 64 << 20, max_bytes: int = 8 << 30) -> None:
        """Open the journal, behind its last whole line.

        Raises:
            JournalError: another process writes to it, or the directory cannot be used.
        """
        self.directory = directory
        self.accepted = 0
        """Lines taken since the start of this process."""
        self.acknowledged = 0
        """Of those, the ones that are safe on the disk."""
        self.torn_bytes = 0
        """What was cut off behind the last whole line when the journal was opened."""
        self._disk_error = ""
        self._full = False
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._unsynced = False
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._take_lock()
            existing = segments(directory)
            self._number = existing[-1][0] if existing else 1
            self._others = sum(path.stat().st_size for _, path in existing[:-1])
            self._file = self._open()
            self._size = self._cut_torn_line()
        except OSError as error:
            raise JournalError(
                f"{directory}: the journal cannot be written: {error.strerror or error};"
                " make the directory writable, or name another one"
            ) from None

    @property
    def position(self) -> Position:
        """The end of what was written."""
        return Position(self._number, self._size)

    @property
    def error(self) -> str:
        """Why nothing is taken at the moment, empty where all is well."""
        if self._full:
            return f"the journal has reached its limit of {self._max_bytes} bytes; move old segments away"
        return self._disk_error

    @property
    def settled(self) -> bool:
        """Everything accepted has been written."""
        return not self._buffer

    def append(self, frame: Frame) -> str:
        """Take a frame; gives the reason where it cannot be taken, which is not an error: it is counted."""
        line, buffer = encode_line(frame), self._buffer
        waiting = len(buffer) + len(line)
        if len(line) > MAX_LINE:
            return "line-too-long"
        if self._others + self._size + waiting > self._max_bytes:
            self._full = True
            return "journal-full"
        if waiting > _BUFFER:
            return "journal-full"
        self._full = False
        buffer += line
        self.accepted += 1
        if waiting >= _WRITE and not self._disk_error:
            self.flush()
        return ""

    def flush(self) -> bool:
        """Write what was taken. False where the disk does not take it now; it is kept and tried again."""
        try:
            while self._buffer:
                count = os.write(self._file, memoryview(self._buffer)[:_CHUNK])
                del self._buffer[:count]
                self._size += count
                self._unsynced = True
            if self._size >= self._segment_bytes:
                self._rotate()
        except OSError as error:
            self._disk_error = f"the journal cannot be written: {error.strerror or error}"
            return False
        self._disk_error = ""
        return True

    def sync(self) -> int:
        """Write and sync; give the number of lines acknowledged so far."""
        if self.flush() and self._unsynced:
            try:
                os.fsync(self._file)
            except OSError as error:
                self._disk_error = f"the journal cannot be synced: {error.strerror or error}"
                return self.acknowledged
            self._unsynced = False
        if self.settled and not self._unsynced:
            self.acknowledged = self.accepted
        return self.acknowledged

    def measure(self) -> None:
        """Look again how much room the segments take: old ones may have been moved away, or even the newest."""
        if self.settled and os.fstat(self._file).st_nlink == 0:
            self._size = 0
            self._rotate()
        self._others = sum(path.stat().st_size for number, path in segments(self.directory) if number != self._number)

    def close(self) -> None:
        """Write, sync and let go."""
        self.sync()
        os.close(self._file)
        os.close(self._lock)

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise JournalLockedError(
                f"{self.directory}: another process writes to this journal; stop it, or name another directory"
            ) from None

    def _open(self) -> int:
        path = self.directory / f"frames-{self._number:08d}.jsonl"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        directory = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return file

    def _cut_torn_line(self) -> int:
        size = os.fstat(self._file).st_size
        end = size
        while end > 0:
            begin = max(0, end - _CHUNK)
            found = os.pread(self._file, end - begin, begin).rfind(b"\n")
            if found >= 0:
                end = begin + found + 1
                break
            end = begin
        self.torn_bytes = size - end
        if self.torn_bytes:
            os.ftruncate(self._file, end)
        return end

    def _rotate(self) -> None:
        # Only called with an empty buffer, so that no line is split over two segments.
        os.fsync(self._file)
        self._unsynced = False
        before, self._number = self._file, self._number + 1
        try:
            self._file = self._open()
        except OSError:
            self._number -= 1
            raise
        os.close(before)
        self._others += self._size
        self._size = 0


class JournalReader:
    """Reads a journal that may still grow. It may be made anew at any `position`."""

    def __init__(self, directory: Path, position: Position = Position(0, 0)) -> None:  # noqa: B008 - immutable
        self.directory = directory
        self.position = position
        """Behind the last line given out."""
        self.torn_segments = 0
        """Segments that ended in half a line although another one follows."""

    def follow(self) -> Iterator[bytes]:
        """Give the lines (with their line ends) that are there now, and return where there are no more."""
        while True:
            # Listed before reading: a segment that has a successor now does not grow any more.
            existing = segments(self.directory) if self.directory.is_dir() else []
            ahead = [(number, path) for number, path in existing if number >= max(1, self.position.segment)]
            if not ahead:
                return
            number, path = ahead[0]
            if number != self.position.segment:
                self.position = Position(number, 0)
            yield from self._lines(number, path)
            if len(ahead) == 1:
                return
            if path.exists() and path.stat().st_size > self.position.offset:
                self.torn_segments += 1
            self.position = Position(ahead[1][0], 0)

    def _lines(self, number: int, path: Path) -> Iterator[bytes]:
        with path.open("rb", buffering=_WRITE) as file:
            file.seek(self.position.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.position = Position(number, self.position.offset + len(line))
                yield line
