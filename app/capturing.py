"""`tap pcap`: capture files, or a live capture through a pipe, into frames."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import msgspec

from app.keys import redactors
from app.outlet import Outlet, Target, open_outlet
from app.replay import RecordingError
from app.settings import Settings
from ingest.capture.capture import Capture, Report
from ingest.enrolment import MIRROR_ALL, Enrolment
from ingest.enrolment_file import EnrolmentFile
from ingest.timestamps import format_micros

__all__ = ["Options", "enrolment_of", "run"]

_CHUNK: Final = 1 << 20
_FLUSH_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to read, and where to put it."""

    captures: Sequence[Path]
    target: Target = Target.RECORDING
    out: Path | None = None
    ports: tuple[int, ...] = ()
    as_json: bool = False


def run(settings: Settings, options: Options) -> int:
    """Read captures. Exit code 0, or 1 where one of them is damaged.

    Raises `RecordingError`, `KeyFileError`.
    """
    redactor = redactors(settings, create=options.target is not Target.KAFKA).current
    flaws = 0
    with open_outlet(settings, options.target, options.out) as outlet:
        capture = Capture(
            outlet.write,
            redactor.redact,
            enrolment=enrolment_of(settings),
            ports=options.ports,
            key_version=redactor.key_version,
        )
        try:
            for path in options.captures:
                flaws += _read(path, capture, outlet)
        except KeyboardInterrupt:
            print("stopping: what was captured is still written", file=sys.stderr)
        finally:
            capture.end()
    _say(capture.report(), as_json=options.as_json)
    return 1 if flaws else 0


def enrolment_of(settings: Settings) -> Enrolment:
    """The rules of the enrolment file. Raises `RecordingError` where it cannot be followed."""
    if settings.enrolment_file is None:
        return MIRROR_ALL
    followed = EnrolmentFile(settings.enrolment_file)
    followed.reload()
    if followed.error:
        raise RecordingError(f"enrolment_file {followed.error}")
    return followed.current


def _read(path: Path, capture: Capture, outlet: Outlet) -> bool:
    """Read one file; whether it is damaged."""
    flushed = time.monotonic()
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
            for chunk in _chunks(file):
                capture.feed(chunk)
                if time.monotonic() - flushed > _FLUSH_SECONDS:
                    flushed = time.monotonic()
                    outlet.flush()
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}; name a capture file") from None
    flaw = capture.end_file()
    if flaw is None:
        return False
    print(f"{path}, byte {flaw.at_byte}: {flaw.reason}; what stands before it is read", file=sys.stderr)
    return True


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    # One read at a time: a pipe is given out as it comes.
    read = getattr(file, "read1", file.read)
    while chunk := read(_CHUNK):
        yield chunk


def _say(report: Report, *, as_json: bool) -> None:
    """To stderr: stdout may be the recording."""
    if as_json:
        print(msgspec.json.encode(report).decode(), file=sys.stderr)
        return
    span = ""
    if report.first is not None and report.last is not None:
        span = f" from {format_micros(report.first)} to {format_micros(report.last)}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.connections.items()) or "none that ended"
    print(
        f"{report.packets:,} packets{span}; connections: {kinds}; {report.frames:,} frames, "
        f"{report.messages:,} messages, {report.gaps} gaps",
        file=sys.stderr,
    )
    for remark in report.remarks:
        print(remark, file=sys.stderr)
