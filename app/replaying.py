"""`shadow-csms replay`: recordings in, one document or a summary out, and into the store where asked."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from app.embedded import writable
from app.keys import redactors
from app.replay import Places, Replay, encode, read_recordings
from app.settings import Settings
from app.storing import Keeper, fault_line, open_store
from diff.catalogue import CATALOGUE
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.writer import Writer
from ingest.frame import Frame, FrameKind
from ingest.recording import Reader, Rejected
from ingest.redaction import Redactor

__all__ = ["Options", "run"]

_PROGRESS_EVERY: Final = 16 << 20
_REMARKS: Final = 20
"""Lines without a frame that are named one by one; `--json` and the store hold all of them."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to make of the recordings."""

    as_json: bool = False
    messages: bool = False
    facts: bool = False
    store: bool = False
    settle: bool = False


def run(settings: Settings, recordings: Sequence[Path], options: Options) -> int:
    """Replay; progress and remarks go to stderr, the outcome to stdout."""
    replay = Replay(
        settings.shadow_config(), settings.policy(), keep_messages=options.messages, keep_facts=options.facts
    )
    reader, places = Reader(), Places()
    items = read_recordings(recordings, reader, places, progress=_Progress() if sys.stderr.isatty() else None)
    with ExitStack() as stack:
        keeper, writer = (None, None)
        if options.store:
            items = _redacted(items, reader, _redactor(settings))
            writer = Writer(_store(settings, stack), judging_run=JUDGING_RUN)
            keeper = Keeper(writer)
        _feed(replay, items, places, keeper, writer)
        for judgement in replay.finish(settle=options.settle):
            if keeper is not None:
                keeper.keep(Frame("", "end", 0, 0, FrameKind.TICK), [judgement])
        if keeper is not None and writer is not None:
            for fault in replay.faults:
                keeper.fault(fault)
            writer.flush()
            print(f"kept in the store: {writer.written} rows", file=sys.stderr)
    for rejected in replay.rejected[:_REMARKS]:
        print(f"{places.of(rejected.line)}: {rejected.reason}", file=sys.stderr)
    if len(replay.rejected) > _REMARKS:
        print(f"… and {len(replay.rejected) - _REMARKS} more lines that hold no frame", file=sys.stderr)
    for fault in replay.faults[:_REMARKS]:
        print(fault_line(fault), file=sys.stderr)
    if options.as_json:
        sys.stdout.buffer.write(encode(replay.document()))
    else:
        _summary(replay)
    return 1 if replay.faults else 0


def _feed(
    replay: Replay, items: Iterator[Frame | Rejected], places: Places, keeper: Keeper | None, writer: Writer | None
) -> None:
    for item in items:
        judgements = replay.feed(item)
        if keeper is None or writer is None:
            continue
        if isinstance(item, Rejected):
            keeper.reject(item, "recording", places.of(item.line), replay.latest)
        else:
            keeper.keep(item, judgements)
        writer.flush_due()


def _redacted(items: Iterator[Frame | Rejected], reader: Reader, redactor: Redactor) -> Iterator[Frame | Rejected]:
    """Law 8: what is written is redacted first. The tap's own recordings are redacted already."""
    for item in items:
        if isinstance(item, Frame) and not reader.own and (item.text or item.handshake):
            shake = item.handshake and replace(item.handshake, key_version=redactor.key_version)
            yield replace(item, text=item.text and redactor.redact(item.text), handshake=shake)
        else:
            yield item


def _redactor(settings: Settings) -> Redactor:
    writable(settings.data_dir)
    return redactors(settings, create=True).current


def _store(settings: Settings, stack: ExitStack) -> Store:
    url = settings.store_location()
    if not url:
        url = stack.enter_context(EmbeddedEngine(settings.data_dir / "store")).url()
    return stack.enter_context(open_store(url, settings.retention()))


class _Progress:
    """Says on a terminal how many MB were read, every 16 MB."""

    def __init__(self) -> None:
        self._next = _PROGRESS_EVERY

    def __call__(self, done: int) -> None:
        if done >= self._next:
            self._next = done + _PROGRESS_EVERY
            print(f"\r{done >> 20} MB read", end="", file=sys.stderr, flush=True)


def _summary(replay: Replay) -> None:
    console = Console()
    document = replay.document()
    console.print(
        f"{replay.frames} frames, {replay.malformed} malformed, {replay.shadow_messages} 2.0.1 messages, "
        f"{len(replay.sessions)} sessions"
    )
    sessions = Table(
        "session", "charger", "connector", "started", "primary Wh", "shadow Wh", "complete", title="Sessions"
    )
    for row in document["sessions"][:50]:
        values = (row[key] for key in ("session_id", "charger_id", "connector_id", "started_at"))
        energies = (row["primary_energy_wh"], row["shadow_energy_wh"], "yes" if row["complete"] else "no")
        sessions.add_row(*("-" if value is None else str(value) for value in (*values, *energies)))
    if document["sessions"]:
        console.print(sessions)
    codes = Counter(row["code"] for row in document["discrepancies"])
    found = Table("code", "severity", "rows", "meaning", title="Discrepancies")
    for code, count in sorted(codes.items()):
        found.add_row(code, CATALOGUE[code].severity.value, str(count), CATALOGUE[code].meaning)
    console.print(found if codes else "No discrepancy.")
    if replay.unmapped:
        lost = ", ".join(f"{what} ({count})" for what, count in sorted(replay.unmapped.items())[:12])
        console.print(f"Not translated: {lost}", highlight=False)
