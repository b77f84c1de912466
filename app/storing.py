"""From a judgement to the store: opening it, and which rows one lived frame leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.settings import Settings
from app.store_file import left, running_url
from diff.applied import AppliedFrames, FrameRange, extended
from diff.fleet import Fault
from diff.judge import Judgement
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.errors import StoreError, StoreUnavailable
from diff.store.migrations import Retention, set_retention
from diff.store.tables import ChargerFacts, DeadLetter
from diff.store.writer import Writer
from ingest.acknowledged import UNCOUNTED
from ingest.frame import Frame, FrameKind, Micros
from ingest.recording import Rejected

__all__ = ["Keeper", "StoreStartError", "embedded_store", "fault_line", "open_store", "store_place", "the_store"]


def fault_line(fault: Fault) -> str:
    """What to tell of a frame that could not be judged."""
    return (
        f"frame {fault.frame_id} of {fault.charger_id} could not be judged: {fault.reason};"
        " this is an error of shadow-csms, please report it with that frame"
    )


class StoreStartError(Exception):
    """The store cannot be used; the message is one line with the next step."""


def open_store(url: str, retention: Retention | None = None) -> Store:
    """The store at a URL, with the newest schema, keeping rows for as long as `retention` says where it is given.

    Raises:
        StoreStartError: it is away, or refuses.

    """
    store = Store.connect(url)
    try:
        store.migrate()
        if retention is not None:
            set_retention(store, retention)
    except StoreUnavailable as error:
        store.close()
        raise StoreStartError(f"{error.reason}; start it, or correct store_url (none runs the embedded one)") from None
    except StoreError as error:
        store.close()
        raise StoreStartError(f"{store.address!r}: {error}; correct store_url or the rights of its user") from None
    return store


@contextmanager
def the_store(settings: Settings, *, stays: bool = False) -> Iterator[Store]:
    """The store of the settings with the newest schema: a running ClickHouse where one is named, else the embedded one.

    `stays`: as for `store_place`. Raises what that raises, and:
        StoreStartError: it is away, or refuses.

    """
    with store_place(settings, stays=stays) as url, open_store(url) as store:
        yield store


@contextmanager
def store_place(settings: Settings, *, stays: bool = False) -> Iterator[str]:
    """Where the store of the settings is, for as long as the context lasts. The URL holds a password: not for logs.

    The embedded one is that of the process which has it, as `shadow-csms run`; where none has, it is started.
    `stays`: the command goes on for long, and lets others find what it has started.

    Raises:
        EngineStartError: the embedded one does not start, as while a process that left no `store.url` has it.
        SecurityError: the password of a named one cannot be read.

    """
    url = settings.store_location() or running_url(settings.data_dir)
    if url:
        yield url
        return
    with embedded_store(settings.data_dir) if stays else EmbeddedEngine(settings.data_dir / "store") as engine:
        yield engine.url()


@contextmanager
def embedded_store(data_dir: Path) -> Iterator[EmbeddedEngine]:
    """Run the embedded engine, and let commands that are started meanwhile find it. Raises `EngineStartError`."""
    with EmbeddedEngine(data_dir / "store") as engine, left(data_dir, engine.url()):
        yield engine


_TOLD_TOGETHER: Final = 256
"""Frames of one range of what was lived: while rows wait, a range grows in one row."""


class Keeper:
    """Hands everything that is kept to the writer, and counts what a charging station's facts need."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._first_seen: dict[str, int] = {}
        self._applied: dict[str, FrameRange] = {}
        """By charging station: the range that its next frame may extend."""
        self.compared = 0
        """Sessions compared so far."""

    def keep(self, frame: Frame, judgements: Sequence[Judgement]) -> None:
        """Keep a frame and what it brought. Raises `diff.store.writer.BackPressure`; then call it again."""
        writer = self._writer
        for position, judgement in enumerate(judgements):
            if position == 0 and frame.kind is not FrameKind.TICK:
                writer.add_frame(frame, judgement.observations.event)
                if frame.kind is not FrameKind.RECORD:  # a bill is no sign of life
                    self._facts(frame, judgement)
            for message in judgement.observations.messages:
                writer.add_message(message)
            for fact in judgement.observations.facts:
                writer.add_fact(fact)
            for session in judgement.sessions:
                writer.add_session(session)
            for row in judgement.discrepancies:
                writer.add_discrepancy(row)
        if judgements and judgements[0].charger is not None and frame.kind not in UNCOUNTED:
            self._lived(frame)
        # At the end: where the writer is full the same call comes again.
        self.compared += sum(judgement.compared for judgement in judgements)

    def reject(self, rejected: Rejected, source: str, position: str, at: Micros) -> None:
        """Keep the note of a line that holds no frame; `at` is when the frame before it came."""
        self._writer.add_dead_letter(
            DeadLetter(rejected.charger_id, at, source, position, rejected.masked, rejected.size)
        )

    def fault(self, fault: Fault) -> None:
        """Keep the note of a frame that could not be judged; the frame itself is kept as any other."""
        letter = DeadLetter(fault.charger_id, fault.received_at, "judge", fault.frame_id, fault.reason, fault.size)
        self._writer.add_dead_letter(letter)

    def _lived(self, frame: Frame) -> None:
        told = extended(self._applied.get(frame.charger_id), frame, _TOLD_TOGETHER)
        self._writer.add_applied(AppliedFrames(frame.charger_id, frame.received_at, (told,)))
        self._applied[frame.charger_id] = told

    def _facts(self, frame: Frame, judgement: Judgement) -> None:
        first = self._first_seen.setdefault(frame.charger_id, frame.received_at)
        if judgement.charger is None:
            return
        charger = judgement.charger
        self._writer.add_charger(
            ChargerFacts(
                frame.charger_id,
                JUDGING_RUN,
                charger.vendor,
                charger.model,
                charger.firmware,
                first,
                frame.received_at,
                judgement.comparisons,
                max(frame.received_at, 1),
            )
        )
