"""`shadow-csms audit`: recordings or the store in, one document out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.settings import Settings
from app.sources import Source, count
from app.storing import the_store
from diff.audit.audit import Audit
from diff.audit.grounds import Cohort, Known, audited
from diff.audit.observing import Observer
from diff.audit.picture import picture
from diff.audit.written import Form, written
from diff.store.queries.audit import FOREVER
from diff.store.queries.audits import audits, members
from ingest.frame import Frame, FrameKind
from shadow.config import ShadowConfig
from shadow.device_model.fact import Fact
from shadow.state import ChargerState
from shadow.step import step

__all__ = ["AuditError", "Options", "Witness", "run"]

_MOST_FACTS: Final = 20_000
"""Facts of one charging station that are kept, the newest of each name."""


class AuditError(Exception):
    """There is nothing to audit, or the outcome cannot be written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    cohort: Cohort
    form: Form
    out: Path | None = None
    picture: Path | None = None


class _Station:
    def __init__(self, charger_id: str) -> None:
        self.state = ChargerState(charger_id)
        self.observer = Observer(charger_id)
        self.facts: dict[tuple[str, int | None, str], Fact] = {}


class Witness:
    """Lives the frames of charging stations and audits each when no more of its frames will come."""

    def __init__(self, config: ShadowConfig, wanted: Cohort) -> None:
        self._config = config
        self._wanted = wanted
        self._stations: dict[str, _Station] = {}
        self.audits: list[Audit] = []

    def feed(self, frame: Frame) -> None:
        """Take one frame."""
        if frame.kind is FrameKind.TICK or not self._wanted.names(frame.charger_id):
            return
        station = self._stations.get(frame.charger_id)
        if station is None:
            station = self._stations[frame.charger_id] = _Station(frame.charger_id)
        station.state, seen = step(station.state, frame, self._config)
        station.observer.feed(frame, seen.event)
        for fact in seen.facts:
            key = (fact.source.value, fact.connector_id, fact.name)
            if key in station.facts or len(station.facts) < _MOST_FACTS:
                station.facts[key] = fact

    def forget(self, charger_id: str) -> None:
        """No more frames of this charging station will come."""
        station = self._stations.pop(charger_id, None)
        if station is None:
            return
        who = station.state.station
        known = Known(charger_id, who.vendor, who.model, who.firmware)
        if self._wanted.holds(known):
            self.audits.append(audited(known, station.facts.values(), station.observer.evidence(), self._config))

    def end(self) -> None:
        """No more frames will come."""
        for charger_id in sorted(self._stations):
            self.forget(charger_id)


def run(settings: Settings, source: Source, options: Options) -> int:
    """Audit and write; what was read goes to stderr, the document to stdout or its file.

    Raises:
        AuditError: no charging station fits, or a file cannot be written.

    """
    found = _stored(settings, source, options.cohort) if source.store else _recorded(settings, source, options.cohort)
    if not found:
        raise AuditError(f"no charging station that was seen fits: {options.cohort.title}")
    if options.picture is not None:
        if len(found) > 1:
            raise AuditError(f"--picture draws one charging station, and {len(found)} fit: name one with --charger")
        _write(options.picture, picture(found[0].tiers, found[0].charger_id))
    text = written(found, options.cohort.title, options.form)
    if options.out is None:
        sys.stdout.buffer.write(text.encode())
    else:
        _write(options.out, text)
    return 0


def _recorded(settings: Settings, source: Source, wanted: Cohort) -> list[Audit]:
    witness = Witness(settings.shadow_config(), wanted)
    print(f"read: {count(settings, source, witness)}", file=sys.stderr)
    return witness.audits


def _stored(settings: Settings, source: Source, wanted: Cohort) -> list[Audit]:
    with the_store(settings) as store:
        known = members(store, wanted)
        until = FOREVER if source.until is None else source.until
        found = audits(store, known, source.since or 0, until, settings.shadow_config())
    frames = sum(one.evidence.frames for one in found)
    print(f"read: {frames:,} frames of {len(found)} charging stations in the store", file=sys.stderr)
    return found


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AuditError(f"cannot write {path}: {error.strerror or error}") from error
    print(f"written: {path}", file=sys.stderr)
