"""`check`: recordings as test cases, for the pipelines of firmware and CSMS teams.

Exit codes: 0 nothing at or above the threshold, 1 findings or something that could not be checked, 2 it could not begin
as asked, 3 nothing but passes and a declared failure among them.
"""

from __future__ import annotations

import secrets
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
import typer

from app.command import give_up, run, settings
from app.settings import Settings

if TYPE_CHECKING:
    from diff.checking import Checking
    from diff.expected import Expected
    from ingest.redaction import Redactor

__all__ = ["app"]

app: Final = typer.Typer()

_SHOWN: Final = 40
_LONGEST_FILE: Final = 4 << 20


@app.command()
def check(
    recordings: Annotated[
        list[Path], typer.Argument(help="Recordings (JSON Lines), each checked by itself; - is standard input.")
    ],
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit XML report to this file.")] = None,
    fail_on: Annotated[
        Literal["critical", "major", "minor"], typer.Option(help="Findings of this severity or a higher one fail.")
    ] = "major",
    expect: Annotated[Path | None, typer.Option(help="TOML file of expected failures, which must occur.")] = None,
    settle: Annotated[
        bool, typer.Option("--settle", help="Take the end of a recording for silence: judge everything that waits.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the redaction key of the tap lives.")] = None,
) -> None:
    """Check recordings of either protocol: schemas, sequences, certification. Exit code 0, 1 findings, 3 stale."""
    given = settings(data_dir=data_dir)
    try:
        expected = () if expect is None else read_expected(expect)
    except ValueError as error:
        give_up(error)
    if junit is not None and not junit.absolute().parent.is_dir():
        give_up(typer.BadParameter(f"--junit {junit}: there is no directory {junit.absolute().parent}; make it first"))
    run(lambda: _check(given, recordings, expected, junit, fail_on, settle=settle, as_json=as_json))


def read_expected(file: Path) -> tuple[Expected, ...]:
    """The expected failures of a file.

    Raises:
        ValueError: it cannot be read, or says something that it cannot; names the file, the table and the rule.

    """
    from diff.checking import CODES
    from diff.expected import parse

    try:
        with file.open("rb") as opened:
            text = opened.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise ValueError(f"--expect {file}: cannot be read: {error.strerror}") from None
    if len(text) > _LONGEST_FILE:
        raise ValueError(f"--expect {file}: longer than {_LONGEST_FILE >> 20} MB; split what it declares")
    try:
        return parse(tomllib.loads(text.decode()), CODES)
    except UnicodeDecodeError as error:
        raise ValueError(f"--expect {file}: no TOML: byte {error.start} is not UTF-8; correct the file") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"--expect {file}: no TOML: {error}; correct the file") from None
    except ValueError as error:
        raise ValueError(f"--expect {file}: {error}; see docs/check.md") from None


def _check(
    given: Settings,
    recordings: Sequence[Path],
    expected: Sequence[Expected],
    junit: Path | None,
    fail_on: str,
    *,
    settle: bool,
    as_json: bool,
) -> int:
    from diff.checking import Checking
    from diff.discrepancy import Severity

    checking = Checking(Severity(fail_on), expected)
    redactor = _redactor()
    for path in recordings:
        _recording(given, path, checking, redactor, settle=settle)
    if junit is not None:
        from diff.junit import junit as report

        try:
            junit.write_bytes(report(checking))
        except OSError as error:
            give_up(typer.BadParameter(f"--junit {junit}: cannot be written: {error.strerror}"))
    document = checking.document()
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    else:
        _print(checking)
    return checking.code


def _redactor() -> Redactor:
    """Under a key that nobody keeps: what is checked leaves in reports, and no report shows a token."""
    from ingest.redaction import Redactor

    return Redactor(secrets.token_bytes(32), "check")


def _recording(given: Settings, path: Path, checking: Checking, redactor: Redactor, *, settle: bool) -> None:
    from app.replay import Places, read_recordings
    from app.sources import say_bytes
    from app.storing import fault_line
    from diff.examined import Examination
    from ingest.recording import Reader, Rejected

    name = "standard input" if str(path) == "-" else str(path)
    config = given.shadow_config(redactor)
    examination = Examination(lambda one: checking.station(name, one), config, given.policy(), settle=settle)
    reader, places = Reader(), Places()
    frames, problems = 0, []
    for item in read_recordings([path], reader, places, progress=say_bytes()):
        if isinstance(item, Rejected):
            problems.append(f"{places.of(item.line)}: {item.masked or item.reason}")
            continue
        frames += 1
        own = reader.own or not item.text
        examination.feed(item if own else msgspec.structs.replace(item, text=redactor.redact(item.text)))
    examination.end()
    problems += [fault_line(fault) for fault in examination.faults]
    checking.recording(name, frames, problems)


def _print(checking: Checking) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    columns = (Column(name, overflow="fold") for name in ("recording", "charger", "case", "", "found"))
    table = Table(*columns)
    shown = 0
    for row in _bad(checking):
        shown += 1
        if shown <= _SHOWN:
            table.add_row(*row)
    if shown:
        Console().print(table)
    if shown > _SHOWN:
        print(f"and {shown - _SHOWN} more cases; --json and --junit tell all of them")
    for one in checking.unexpected_passes:
        print(f"UNEXPECTED PASS: {one.label}: declared ({one.reason}) and found nowhere; take it out of the file")
    cases = [case for suite in checking.suites for case in suite.cases]
    counted = {name: sum(case.outcome == name for case in cases) for name in ("passed", "failed", "error", "skipped")}
    print(f"{len(cases)} cases: " + ", ".join(f"{count} {name}" for name, count in counted.items()))


def _bad(checking: Checking) -> Iterator[tuple[str, ...]]:
    for suite in checking.suites:
        for case in suite.cases:
            if case.outcome in ("failed", "error"):
                yield suite.recording, suite.charger_id, case.name, case.outcome.value, _words(case)


def _words(case: Any) -> str:
    if not case.failures:
        return str(case.note)
    first = case.failures[0]
    value = f": {first.value}" if first.value else ""
    more = len(case.failures) + case.more - 1
    return f"{first.severity.value} {first.code} {first.path}{value}" + (f" and {more} more" if more else "")
