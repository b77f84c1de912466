"""`tap log`: the message log of a backend into frames, by a mapping file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from app import refusals
from app.keys import redactors
from app.outlet import Outlet, Target, open_outlet
from app.replay import RecordingError, bounded_lines
from app.settings import Settings
from diff.store.tables import DeadLetter
from ingest.frame import Frame
from ingest.logs.mapping import LogMapping, LogMappingError, parse_log_mapping
from ingest.logs.reading import Broken, LogReader

__all__ = ["Options", "letter_of", "load_log_mapping", "run"]

_MAX_MAPPING: Final = 1 << 20
_REMARKS: Final = 20
_PROGRESS_EVERY: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Options:
    """What to read, and where to put it."""

    logs: Sequence[Path]
    mapping: Path
    target: Target = Target.RECORDING
    out: Path | None = None
    as_json: bool = False


class _Remarks:
    """The first broken lines, one by one; the letters of all."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self.letters: list[DeadLetter] = []
        self.first: list[Broken] = []

    def add(self, broken: Broken, at: int) -> None:
        if len(self.first) < _REMARKS:
            self.first.append(broken)
        if self._keep:
            self.letters.append(letter_of(broken, at))


def run(settings: Settings, options: Options) -> int:
    """Read logs in order. Exit code 0, or 1 where a line was broken. Raises `RecordingError`, `KeyFileError`."""
    mapping = load_log_mapping(options.mapping)
    if mapping.of_topic:
        raise RecordingError(f"mapping {options.mapping}: places of a Kafka record; a log has lines (`tap topic`)")
    redactor = redactors(settings, create=options.target is not Target.KAFKA).current
    reader = LogReader(mapping, redactor.redact, key_version=redactor.key_version)
    remarks = _Remarks(keep=options.target is not Target.RECORDING)
    with open_outlet(settings, options.target, options.out) as outlet:
        for path in options.logs:
            _read(path, reader, outlet, remarks)
    _keep(settings, options.target, remarks.letters)
    _say(reader, remarks, as_json=options.as_json)
    return 1 if reader.counts.broken else 0


def load_log_mapping(path: Path) -> LogMapping:
    """Read a mapping file. Raises `RecordingError`."""
    try:
        if path.stat().st_size > _MAX_MAPPING:
            raise RecordingError(f"mapping {path}: more than {_MAX_MAPPING} bytes")
        return parse_log_mapping(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise RecordingError(f"mapping {path}: cannot be read: {reason}") from None
    except LogMappingError as error:
        raise RecordingError(f"mapping {path}: {error}") from None


def letter_of(broken: Broken, at: int) -> DeadLetter:
    """A dead letter: what was wrong, and what is left of what stood there."""
    return DeadLetter(broken.charger_id, at, "log", broken.place, broken.reason, broken.size, broken.evidence)


def _read(path: Path, reader: LogReader, outlet: Outlet, remarks: _Remarks) -> None:
    progress = _Progress() if sys.stderr.isatty() else None
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
            for number, line in enumerate(bounded_lines(file, progress), start=1):
                for item in reader.line(line, f"{path.name}, line {number}"):
                    if isinstance(item, Frame):
                        outlet.write(item)
                    else:
                        remarks.add(item, reader.now)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}; name a log file") from None


def _keep(settings: Settings, target: Target, letters: list[DeadLetter]) -> None:
    if target is Target.JOURNAL:
        refusals.append(settings.data_dir, letters)
    elif target is Target.KAFKA and letters:
        from app.distributed.taking_records import publish

        publish(settings.kafka_bootstrap, settings.topics(), (), letters, **settings.kafka_options())


def _say(reader: LogReader, remarks: _Remarks, *, as_json: bool) -> None:
    """To stderr: stdout may be the recording."""
    counts = reader.counts
    if as_json:
        first = [{"place": one.place, "reason": one.reason, "evidence": one.evidence} for one in remarks.first]
        print(msgspec.json.encode({**msgspec.structs.asdict(counts), "first": first}).decode(), file=sys.stderr)
        return
    for one in remarks.first:
        print(f"{one.place}: {one.reason}: {one.evidence}", file=sys.stderr)
    if counts.broken > len(remarks.first):
        print(f"… and {counts.broken - len(remarks.first)} more broken lines", file=sys.stderr)
    print(
        f"{counts.read:,} lines: {counts.frames:,} frames, {counts.broken} broken, "
        f"{counts.passed_over:,} of no interest",
        file=sys.stderr,
    )


class _Progress:
    def __init__(self) -> None:
        self._shown = 0

    def __call__(self, done: int) -> None:
        if done >= self._shown + _PROGRESS_EVERY:
            self._shown = done
            print(f"\r{done >> 20} MB read", end="", file=sys.stderr, flush=True)
