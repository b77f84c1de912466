"""Where a command that counts finds its frames: recordings, or the store within a stretch of time.

Both are streamed. Of the store one charging station's frames come after another's, so that whoever counts can let go
of a charging station when the next one begins.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from app.replay import Places, read_recordings
from app.settings import Settings
from app.storing import the_store
from diff.store.client import Store
from diff.store.queries.frames import newest_frame
from diff.store.queries.judged import charger_frames, chargers_between
from ingest.frame import Frame, Micros
from ingest.recording import Reader, Rejected
from ingest.timestamps import format_micros

__all__ = ["Counter", "Source", "count", "count_stored", "say_bytes"]

_WEEK: Final[Micros] = 7 * 86_400_000_000
_EVERY_BYTES: Final = 16 << 20
_EVERY_FRAMES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Source:
    """What was asked for. Neither recordings nor the store: nothing is read."""

    recordings: Sequence[Path] = ()
    store: bool = False
    since: Micros | None = None
    """None: a week before the newest frame of the store."""
    until: Micros | None = None
    """None: its newest frame."""
    chargers: Sequence[str] = ()
    """Of the store; none means all that have frames in that time."""

    def __bool__(self) -> bool:
        return self.store or bool(self.recordings)


class Counter(Protocol):
    """Who counts."""

    def feed(self, frame: Frame) -> None:
        """Take one frame."""

    def forget(self, charger_id: str) -> None:
        """No more frames of this charging station will come."""

    def end(self) -> None:
        """No more frames will come."""


def count(settings: Settings, source: Source, counter: Counter) -> str:
    """Feed a source to a counter; gives what was read as a sentence. Progress and remarks go to stderr.

    Raises what `read_recordings`, `the_store` and the queries of the store raise.
    """
    if source.recordings:
        return _recordings(source.recordings, counter)
    if not source.store:
        return "nothing was read"
    with the_store(settings) as store:
        return count_stored(store, source, counter)


def _recordings(paths: Sequence[Path], counter: Counter) -> str:
    reader, places = Reader(), Places()
    frames = rejected = 0
    for item in read_recordings(paths, reader, places, progress=say_bytes()):
        if isinstance(item, Rejected):
            rejected += 1
            continue
        frames += 1
        counter.feed(item)
    counter.end()
    passed = f"; {rejected} lines hold no frame (`shadow-csms replay` names them)" if rejected else ""
    return f"{frames:,} frames of {len(paths)} recordings{passed}"


def count_stored(store: Store, source: Source, counter: Counter) -> str:
    """Feed the stored frames of a source to a counter; gives what was read as a sentence. Raises `StoreError`."""
    newest = newest_frame(store)
    if newest is None:
        return "the store holds no frames"
    until = newest if source.until is None else source.until
    since = until - _WEEK if source.since is None else source.since
    chargers = list(source.chargers) or chargers_between(store, since, until)
    frames = 0
    for number, charger_id in enumerate(chargers, start=1):
        for frame in charger_frames(store, charger_id, since, until):
            counter.feed(frame)
            frames += 1
            if frames % _EVERY_FRAMES == 0:
                print(f"{frames:,} frames, {number} of {len(chargers)} charging stations", file=sys.stderr, flush=True)
        counter.forget(charger_id)
    window = f"{format_micros(since)} to {format_micros(until)}"
    more = "" if source.since is not None else ", a week up to its newest frame (--since takes another stretch)"
    return f"{frames:,} frames of {len(chargers)} charging stations in the store from {window}{more}"


def say_bytes() -> Callable[[int], None] | None:
    """Says on a terminal how many MB were read; None where nobody watches."""
    if not sys.stderr.isatty():
        return None
    shown = [0]

    def say(done: int) -> None:
        if done >= shown[0] + _EVERY_BYTES:
            shown[0] = done
            print(f"\r{done >> 20} MB read", end="", file=sys.stderr, flush=True)

    return say
