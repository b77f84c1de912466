"""What the embedded runtime refused at its way in: kept in a file, and from there in the store as dead letters."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from diff.store.tables import DeadLetter

__all__ = ["FILE", "append", "read"]

FILE: Final = "records-refused.jsonl"
"""In the data directory."""
_decode: Final = msgspec.json.Decoder(DeadLetter).decode


def append(directory: Path, letters: Iterable[DeadLetter]) -> None:
    """Add letters. Raises OSError."""
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in letters)
    if not lines:
        return
    with (directory / FILE).open("ab") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def read(directory: Path, offset: int) -> tuple[list[DeadLetter], int]:
    """The letters behind a place in the file, and the place behind them. A line that is no letter is passed over."""
    try:
        with (directory / FILE).open("rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    letters = []
    for line in whole.splitlines():
        try:
            letters.append(_decode(line))
        except (msgspec.MsgspecError, UnicodeError):
            continue
    return letters, offset + len(whole)
