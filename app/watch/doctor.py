"""`doctor`: looks at everything that the distributed runtime needs, and says what is wrong and what to do about it.

It reads and changes nothing: no topic, no table, no file is made, no connection to the primary CSMS is opened. Whatever
is away costs a few seconds, and is a finding like any other.
"""

from __future__ import annotations

import logging
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from app.distributed.control import OVERRIDES_FILE
from app.keys import key_file
from app.security import SecurityError
from app.setting_files import SettingsError
from app.setting_sources import load, origins
from app.settings import Settings
from app.watch.doctor_privacy import privacy_findings
from app.watch.finding import Finding, Verdict
from app.watch.health import Health, State
from ingest.enrolment_file import EnrolmentFile
from ingest.redaction_key import KeyFileError, read_key

__all__ = ["Finding", "Verdict", "diagnose", "run"]

_SECONDS: Final = 3.0
_LEAST_FREE: Final = 1 << 30
_LONGEST_ANSWER: Final = 64 * 1024


def run(flags: dict[str, Any], monitors: Sequence[str], *, as_json: bool) -> int:
    """Look at everything and print it; 0 where nothing failed, else 1."""
    # What the clients say of a broker that is away is said once, by a finding.
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    logging.getLogger("kafka").propagate = False
    findings = []
    for finding in diagnose(flags, monitors):
        findings.append(finding)
        if not as_json:
            print(_line(finding), flush=True)
    failed = sum(finding.verdict is Verdict.FAIL for finding in findings)
    warned = sum(finding.verdict is Verdict.WARN for finding in findings)
    if as_json:
        print(msgspec.json.encode({"failed": failed, "warned": warned, "findings": findings}).decode())
    else:
        print(f"{len(findings)} checks, {failed} failed, {warned} to look at")
    return 1 if failed else 0


def diagnose(flags: dict[str, Any], monitors: Sequence[str] = ()) -> Iterator[Finding]:
    """All findings, in order, each as soon as it is known."""
    try:
        settings = load(**flags)
        sources = [name for name, source in origins(**flags).items() if source != "default"]
    except SettingsError as error:
        yield Finding("settings", Verdict.FAIL, str(error), "correct them; nothing else can be looked at before")
        return
    yield Finding("settings", Verdict.OK, f"{len(sources)} set: {', '.join(sources) or 'all are the defaults'}")
    from app.watch.doctor_services import kafka_findings, store_findings

    parts: tuple[tuple[str, Callable[[Settings], Iterable[Finding]]], ...] = (
        ("data directory", _data_dir),
        ("redaction key", _key),
        ("privacy", privacy_findings),
        ("enrolment", _enrolment),
        ("kafka", kafka_findings),
        ("clickhouse", store_findings),
    )
    for check, look in parts:
        yield from _guarded(check, look, settings)
    if settings.monitor_port:
        host = "127.0.0.1" if settings.monitor_host in ("0.0.0.0", "::") else settings.monitor_host  # noqa: S104 - where others may ask, we ask here
        monitors = (f"http://{host}:{settings.monitor_port}", *monitors)
    for url in monitors:
        yield _monitor(url)


def _guarded(check: str, look: Callable[[Settings], Iterable[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        yield from look(settings)
    except SecurityError as error:
        yield Finding(check, Verdict.FAIL, str(error), "correct the setting")
    except Exception as error:  # noqa: BLE001 - a diagnosis that ends in a stack trace helps nobody
        seen = f"{type(error).__name__}: {error}"
        for secret in settings.secrets():
            seen = seen.replace(secret, "***")
        yield Finding(check, Verdict.FAIL, seen[:500], "this is unexpected: please report it")


def _data_dir(settings: Settings) -> Iterator[Finding]:
    directory = settings.data_dir.absolute()
    if not directory.is_dir():
        yield Finding(
            "data directory", Verdict.WARN, f"{directory} is not there", "tap and worker make it; others need none"
        )
    elif not os.access(directory, os.W_OK | os.X_OK):
        todo = "make it writable for this user, or set data_dir to another one"
        yield Finding("data directory", Verdict.FAIL, f"{directory} cannot be written by user {os.getuid()}", todo)
    else:
        yield Finding("data directory", Verdict.OK, f"{directory} can be written")
    there = next(path for path in (directory, *directory.parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    room = max(0, settings.journal_bytes - _held(directory / "spool"))
    seen = f"{_size(free)} free at {there}; the spool may grow by {_size(room)}"
    if free < _LEAST_FREE:
        yield Finding("disk", Verdict.FAIL, seen, "make room: on a full disk frames show as gaps")
    elif free < room:
        yield Finding("disk", Verdict.WARN, seen, "lower journal_bytes, or make room for a long outage of Kafka")
    else:
        yield Finding("disk", Verdict.OK, seen)


def _held(spool: Path) -> int:
    held = 0
    for path in spool.glob("*"):
        with suppress(OSError):  # published and removed meanwhile
            held += path.stat().st_size
    return held


def _key(settings: Settings) -> Iterator[Finding]:
    path = key_file(settings).absolute()
    if not path.exists():
        todo = "the tap makes one when it starts; to get the same pseudonyms as another tap, copy its key before"
        yield Finding("redaction key", Verdict.WARN, f"{path} is not there", todo)
        return
    try:
        _, version = read_key(path, create=False)
    except KeyFileError as error:
        yield Finding("redaction key", Verdict.FAIL, str(error), "the tap does not start with it")
        return
    yield Finding("redaction key", Verdict.OK, f"{path}, version {version}, readable by its owner only")


def _enrolment(settings: Settings) -> Iterator[Finding]:
    overrides = settings.data_dir / OVERRIDES_FILE
    file = EnrolmentFile(settings.enrolment_file, overrides if overrides.exists() else None)
    file.reload()
    if file.error:
        yield Finding("enrolment", Verdict.FAIL, file.error, "correct the file; a tap does not start with it")
        return
    said = [str(path) for path in (settings.enrolment_file, overrides) if path is not None and path.exists()]
    seen = f"{' and '.join(said)} can be followed" if said else "no enrolment_file: every charging station is mirrored"
    yield Finding("enrolment", Verdict.OK, seen)


def _monitor(url: str) -> Finding:
    check = f"monitor {url}"
    if not url.startswith(("http://", "https://")):
        return Finding(check, Verdict.FAIL, "is no address", "give it as http://HOST:PORT")
    try:
        try:
            with urllib.request.urlopen(f"{url.rstrip('/')}/readyz", timeout=_SECONDS) as answer:  # noqa: S310 - checked above
                said = answer.read(_LONGEST_ANSWER)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(_LONGEST_ANSWER)
        health = msgspec.json.decode(said, type=Health)
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        todo = "start the process, or correct monitor_host and monitor_port"
        return Finding(check, Verdict.FAIL, f"does not answer: {error}", todo)
    verdict = {State.HEALTHY: Verdict.OK, State.DEGRADED: Verdict.WARN, State.UNHEALTHY: Verdict.FAIL}[health.state]
    seen = f"{health.state.value}" + (f": {'; '.join(health.reasons)}" if health.reasons else "")
    return Finding(check, verdict, seen, "" if verdict is Verdict.OK else health.meaning)


def _line(finding: Finding) -> str:
    first = f"{finding.verdict.value.upper():<5} {finding.check}: {finding.seen}"
    return f"{first}\n      → {finding.todo}" if finding.todo else first


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB"
