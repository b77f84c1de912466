"""`records import`: files of billing records in, `record` frames out: to the journal, or to Kafka."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from app import refusals
from app.embedded import writable
from app.keys import redactors
from app.replay import RecordingError
from app.settings import Settings
from diff.billing.survey import Survey
from diff.store.tables import DeadLetter
from ingest.frame import Frame, Micros
from ingest.journal import Journal, JournalError, JournalLockedError
from ingest.records import inbox
from ingest.records.evse_map import EvseMap, EvseMapError, parse_evse_map
from ingest.records.framing import record_of
from ingest.records.intake import Intake, Refused
from ingest.records.table import Mapping, MappingError, parse_mapping

__all__ = ["Options", "load_evse_map", "load_intake", "run"]

_MAX_FILE: Final = 256 * 1024 * 1024
_SUFFIXES: Final = frozenset({".json", ".jsonl", ".ndjson", ".csv"})
_REMARKS: Final = 20


@dataclass(frozen=True, slots=True)
class Options:
    """What to import, and how to read it."""

    paths: Sequence[Path]
    form: str = "auto"
    """`ocpi`, `table`, or `auto`: by the name of the file."""
    mapping: Path | None = None
    to_kafka: bool = False
    as_json: bool = False


@dataclass(slots=True)
class _Outcome:
    files: int = 0
    frames: list[Frame] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    survey: Survey = field(default_factory=Survey)

    def take(self, item: Frame | Refused, *, table: bool) -> None:
        if isinstance(item, Refused):
            self.refused.append(item)
            if table:
                self.survey.refuse(item.charger_id, item.record_id or item.place, item.rule)
        else:
            self.frames.append(item)
            if table:
                self.survey.take(item.charger_id, record_of(item))


def run(settings: Settings, options: Options) -> int:
    """Import. Exit code 0, or 1 where a record was refused. Raises `RecordingError`, `KeyFileError`, `TopicError`."""
    writable(settings.data_dir)
    intake = load_intake(settings, create=not options.to_kafka)
    mapping = _mapping(options.mapping)
    at = time.time_ns() // 1000
    outcome = _Outcome()
    for path in _files(options.paths):
        outcome.files += 1
        if sys.stderr.isatty():
            print(f"\r{outcome.files} files, {len(outcome.frames)} records", end="", file=sys.stderr, flush=True)
        _read(path, options, mapping, intake, at, outcome)
    letters = [_letter(one, at) for one in outcome.refused]
    if options.to_kafka:
        where = _publish(settings, outcome.frames, letters)
    else:
        where = _journal(settings, outcome.frames, at)
        refusals.append(settings.data_dir, letters)
    _say(outcome, where, settings, as_json=options.as_json)
    return 1 if outcome.refused else 0


def load_intake(settings: Settings, *, create: bool) -> Intake:
    """What takes records in, under the keys that the taps use: only with them do tokens of records and wire meet.

    Raises `KeyFileError`, `RecordingError`.
    """
    keys = redactors(settings, create=create)
    return Intake(keys.current.redact, load_evse_map(settings), redactor_at=keys.at)


def load_evse_map(settings: Settings) -> EvseMap:
    """The EVSE map of the settings. Raises `RecordingError`."""
    path = settings.evse_map_file
    if path is None:
        return EvseMap()
    try:
        return parse_evse_map(_text(path), table=path.suffix.lower() == ".csv")
    except EvseMapError as error:
        raise RecordingError(f"evse_map_file {path}: {error}") from None


def _mapping(path: Path | None) -> Mapping | None:
    try:
        return None if path is None else parse_mapping(_text(path))
    except MappingError as error:
        raise RecordingError(f"mapping {path}: {error}") from None


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(one for one in path.rglob("*") if one.is_file() and one.suffix.lower() in _SUFFIXES)
        if not found:
            raise RecordingError(f"{path}: holds no file of records ({', '.join(sorted(_SUFFIXES))})")
        yield from found


def _read(path: Path, options: Options, mapping: Mapping | None, intake: Intake, at: Micros, outcome: _Outcome) -> None:
    table = options.form == "table" or (options.form == "auto" and path.suffix.lower() == ".csv")
    if table and mapping is None:
        raise RecordingError(f"{path}: a table needs --mapping (examples/steve-transactions.toml is one)")
    text = _text(path)
    try:
        found = intake.table(text, mapping, path.name, at) if table and mapping else intake.ocpi(text, path.name, at)
        for item in found:
            outcome.take(item, table=table)
    except MappingError as error:
        raise RecordingError(f"{path}: {error}") from None


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > _MAX_FILE:
            raise RecordingError(f"{path}: {size} bytes, at most {_MAX_FILE} are read; split the file")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path}: byte {error.start} is not UTF-8; convert the file") from None


def _journal(settings: Settings, frames: Sequence[Frame], at: Micros) -> str:
    """Into the journal; where a tap writes it, into the inbox that the tap empties."""
    directory = settings.data_dir / "journal"
    try:
        journal = Journal(directory, max_bytes=settings.journal_bytes)
    except JournalLockedError:
        try:
            files = inbox.put(inbox.directory_of(directory), frames, str(at))
        except OSError as error:
            raise RecordingError(f"{directory}: {error.strerror or error}; make it writable") from None
        return f"handed to the tap that writes {directory} ({files} files, one a second)"
    except JournalError as error:
        raise RecordingError(str(error)) from None
    try:
        for frame in frames:
            refusal = journal.append(frame)
            if refusal:
                raise RecordingError(f"{directory}: {refusal}: {journal.error}; what came before is imported")
        if journal.sync() < journal.accepted:
            raise RecordingError(f"{directory}: {journal.error}; import again, nothing counts twice")
    finally:
        journal.close()
    return f"written to {directory}"


def _publish(settings: Settings, frames: Sequence[Frame], letters: Sequence[DeadLetter]) -> str:
    from app.distributed.taking_records import publish

    topics = settings.topics()
    publish(settings.kafka_bootstrap, topics, frames, letters, **settings.kafka_options())
    return f"published to {topics.frames}"


def _letter(refused: Refused, at: Micros) -> DeadLetter:
    return DeadLetter(refused.charger_id, at, "record", refused.place, refused.masked, refused.size)


def _say(outcome: _Outcome, where: str, settings: Settings, *, as_json: bool) -> None:
    rules = Counter(one.rule for one in outcome.refused)
    if as_json:
        document: dict[str, Any] = {
            "files": outcome.files,
            "records": len(outcome.frames),
            "chargers": len({frame.charger_id for frame in outcome.frames}),
            "where": where,
            "refused": [{"place": one.place, "rule": one.rule, "reason": one.reason} for one in outcome.refused],
            "rules": dict(sorted(rules.items())),
            "anomalies": [{**msgspec.to_builtins(one), "meaning": one.meaning} for one in outcome.survey.anomalies()],
        }
        print(msgspec.json.encode(document).decode())
        return
    for one in outcome.refused[:_REMARKS]:
        print(f"{one.place}: {one.reason}", file=sys.stderr)
    if len(outcome.refused) > _REMARKS:
        print(f"… and {len(outcome.refused) - _REMARKS} more (--json lists all)", file=sys.stderr)
    print(f"{len(outcome.frames)} records of {outcome.files} files {where}")
    if rules:
        print("refused: " + ", ".join(f"{rule} ({count})" for rule, count in sorted(rules.items())))
    _say_anomalies(outcome.survey)
    if outcome.frames and not settings.records_expected:
        print("records_expected is off: sessions without a record are not named", file=sys.stderr)


def _say_anomalies(survey: Survey) -> None:
    """What is wrong within the tables themselves, most of it long before any wire was seen."""
    found = survey.anomalies()
    if not found:
        return
    from rich.console import Console
    from rich.table import Column, Table

    heads = ("anomaly", "cases", "rows", "chargers", "for example", "meaning")
    told = Table(*(Column(head, overflow="fold") for head in heads), title=f"In {survey.rows:,} rows")
    for one in found:
        counts = (f"{one.cases:,}", f"{one.rows:,}", f"{one.chargers:,}")
        told.add_row(one.name, *counts, ", ".join(one.examples[:3]), one.meaning)
    Console().print(told)
