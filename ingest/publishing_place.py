"""How far a publisher has come, written down: its place in the journal, and what it has counted up to there."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ingest.acknowledged import Count
from ingest.frame import Micros
from ingest.journal import Position

__all__ = ["Place", "PublisherError", "read_place", "read_position", "write_place"]


class PublisherError(Exception):
    """The position file cannot be used; the message says why and what to do."""


class Place(msgspec.Struct, frozen=True):
    """The file."""

    segment: int
    offset: int
    since: Micros | None = None
    """Since when frames are counted by connection; a file of the release before does not know of it."""
    connections: dict[str, Count] = {}

    @property
    def position(self) -> Position:
        """Everything before it is acknowledged."""
        return Position(self.segment, self.offset)


def read_place(path: Path) -> Place:
    """The place that was written down; the journal's beginning where there is none.

    Raises:
        PublisherError: the file cannot be read. Guessing would skip frames, or publish days of them again.

    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Place)
    except FileNotFoundError:
        return Place(0, 0, 0)
    except (OSError, msgspec.MsgspecError) as error:
        raise PublisherError(
            f"{path}: no position: {error}; delete it to publish the whole journal again (that counts nothing twice)"
        ) from None


def read_position(path: Path) -> Position:
    """The position alone. Raises `PublisherError`."""
    return read_place(path).position


def write_place(path: Path, place: Place) -> None:
    """Replace the file, so that a crash leaves the one before or this one. Raises `OSError`."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(place))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
