"""Which frames of a charging station's connections were lived, as ranges of their numbers. Pure.

A frame counts as applied when the shadow and the judge have lived it. One that could not be lived leaves a hole between
two ranges, and a dead letter. A range may be told again, or overlap with others: numbers are counted as a set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from ingest.acknowledged import UNCOUNTED
from ingest.frame import Frame, Micros

__all__ = ["LONGEST", "AppliedFrames", "FrameRange", "applied_by", "extended"]

LONGEST: Final = 1 << 16
"""Frames of one range. More than a batch has; a range that is longer was not written by a worker."""
_HIGHEST: Final = 2**32 - 2
"""What the store counts with: one more has to fit."""


class FrameRange(msgspec.Struct, frozen=True):
    """Frames of one connection that follow on each other, 65,536 of them at most."""

    connection_id: str
    first: int
    """Number of the first frame, as in `ce_sequence`."""
    last: int
    """Number of the last frame."""

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last <= _HIGHEST or self.last - self.first >= LONGEST:
            raise ValueError(f"frames {self.first} to {self.last}: no range of at most {LONGEST} frames")


class AppliedFrames(msgspec.Struct, frozen=True):
    """Frames of one charging station that a worker has lived together."""

    charger_id: str
    at: Micros
    """When the tap saw the latest of them."""
    ranges: tuple[FrameRange, ...]
    """By connection, in the order of their first frames."""


def applied_by(charger_id: str, lived: Iterable[Frame]) -> AppliedFrames | None:
    """The frames that a batch lived of one charging station; None where there is none of a connection."""
    found: dict[tuple[str, int], int] = {}
    """By connection and first number: the last number."""
    newest: dict[str, int] = {}
    """By connection: where its newest range begins."""
    at = 0
    for frame in lived:
        if frame.kind in UNCOUNTED:
            continue
        name, seq = frame.connection_id, frame.seq
        first = newest.get(name)
        if first is None or not first <= seq <= found[name, first] + 1 or seq - first >= LONGEST:
            newest[name] = first = seq
        if found.get((name, first), -1) < seq:
            found[name, first] = seq
        at = max(at, frame.received_at)
    if not found:
        return None
    return AppliedFrames(charger_id, at, tuple(FrameRange(name, first, last) for (name, first), last in found.items()))


def extended(before: FrameRange | None, frame: Frame, longest: int) -> FrameRange:
    """The range of one more frame, where frames are told one by one. It begins anew where the frame does not follow.

    The same frame a second time gives the same range.
    """
    if (
        before is not None
        and before.connection_id == frame.connection_id
        and before.first <= frame.seq <= before.last + 1
        and frame.seq - before.first < longest
    ):
        return FrameRange(before.connection_id, before.first, max(before.last, frame.seq))
    return FrameRange(frame.connection_id, frame.seq, frame.seq)
