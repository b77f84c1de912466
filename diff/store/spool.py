"""Where the blocks of an insert wait until chDB reads them.

chDB takes an insert from a file. Its streaming insert would need none, but (4.4.0) it reports success for rows that a
failing pipeline threw away, so it cannot be used where nothing may be lost silently. The file is one without a name,
in memory, where the system has such files (Linux), else a temporary one beside the data.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["MAX_SPOOL_BYTES", "Spool", "open_spool"]

MAX_SPOOL_BYTES: Final = 64 * 1024 * 1024
"""When so much is together it is inserted, and the rest of the blocks makes a further part."""


class Spool:
    """A file that is written, read by chDB, and emptied."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self.path = path
        """What chDB opens."""
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Append a block."""
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self.size += len(piece)

    def empty(self) -> None:
        """Begin again."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.size = 0


@contextmanager
def open_spool(directory: Path) -> Iterator[Spool]:
    """An empty spool; gone when the context ends. `directory` is used only where memory files do not exist."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("insert")
        try:
            yield Spool(descriptor, f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile(dir=directory, prefix="insert-", suffix=".native") as file:
            yield Spool(file.fileno(), file.name)
