"""How tap, worker and sink are doing: by their monitors where addresses are given, and by the files of a local run.

Monitors answer /readyz and /metrics (`docs/metrics.md`); the embedded runtime has none, its tap and its worker write
how they are doing beside the journal. A part of which neither speaks is not seen, and the page says so.
"""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from dashboard import words
from dashboard.settings import DATA_DIR, WATCH
from ingest.frame import Micros
from ingest.tap.status import read_status

__all__ = ["Part", "Standing", "addresses", "look"]

_PATIENCE: Final = 1.5
_LARGEST: Final = 4 << 20
_MOST: Final = 32
"""Monitors that are asked; a larger fleet of workers is watched with Prometheus."""
_STALE: Final[Micros] = 15_000_000
"""A local run writes twice a second: a file that is older is of a run that ended."""


class Standing(StrEnum):
    """How a part is doing."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    SILENT = "silent"
    """It was asked, and does not answer."""
    ENDED = "ended"
    """The files of a local run are old."""


class Part(msgspec.Struct, frozen=True):
    """One process, or one part of a local run."""

    name: str
    standing: Standing
    seen: str
    """Who said it: an address, or the file of a local run."""
    at: Micros
    """When it was said."""
    reasons: tuple[str, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    """What it counts, by name, as texts."""


class _Ready(msgspec.Struct):
    state: str
    reasons: tuple[str, ...] = ()


class _Worker(msgspec.Struct):
    """What of the worker's status is shown (`app.worker.WorkerStatus`)."""

    frames: int
    rejected: int
    faults: int
    waiting: int
    caught_up: bool
    store_error: str


def addresses(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The monitors that the setting names: addresses as `http://127.0.0.1:9464`, separated by commas."""
    named = (one.strip().rstrip("/") for one in environment.get(WATCH, "").split(","))
    return tuple(one for one in named if urlsplit(one).scheme in ("http", "https"))[:_MOST]


def look(now: Micros, environment: Mapping[str, str] = os.environ) -> list[Part]:
    """Ask everything that can be asked. Takes as long as the slowest monitor, at most about three seconds."""
    asked = addresses(environment)
    found: list[Part] = []
    if asked:
        with ThreadPoolExecutor(len(asked)) as pool:
            found += pool.map(lambda address: _asked(address, now), asked)
    folder = environment.get(DATA_DIR, "").strip()
    return found + (_local(Path(folder), now) if folder else [])


def _asked(address: str, now: Micros) -> Part:
    try:
        ready = msgspec.json.decode(_get(f"{address}/readyz"), type=_Ready)
        standing = Standing(ready.state)
        name, figures = _figures(_get(f"{address}/metrics").decode("utf-8", "replace"))
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        why = getattr(error, "reason", None) or error
        return Part("monitor", Standing.SILENT, address, now, (f"{why}"[:200],))
    return Part(name, standing, address, now, tuple(ready.reasons), figures)


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310 - http(s) only, see addresses()
            return bytes(answer.read(_LARGEST))
    except urllib.error.HTTPError as error:
        if error.code != 503:  # unhealthy, and says why
            raise
        return bytes(error.read(_LARGEST))


_SHOWN: Final = {
    "shadow_tap_connections": "connections",
    "shadow_tap_frames": "frames mirrored",
    "shadow_tap_dropped": "copies dropped",
    "shadow_frames_gap": "gaps",
    "shadow_spool_waiting_bytes": "spool waiting",
    "shadow_publisher_records": "records published",
    "shadow_consumer_lag": "records waiting",
    "shadow_consumer_lag_seconds": "behind",
    "shadow_worker_frames": "records lived",
    "shadow_step_errors": "given up",
    "shadow_sink_records": "records taken",
    "shadow_sink_rows": "rows stored",
    "shadow_sink_refused": "rows refused",
    "shadow_sink_retries": "flushes retried",
}
"""Metrics that a row shows, by the name of their family (docs/metrics.md)."""
_SAMPLE: Final = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>-?[0-9][0-9.e+]*)", re.ASCII)
"""A line of Prometheus' text format that a counter or gauge writes."""
_ROLE: Final = re.compile(r'role="([a-z]{1,20})"')
_BYTES: Final = frozenset({"shadow_spool_waiting_bytes"})
_SECONDS: Final = frozenset({"shadow_consumer_lag_seconds"})


def _figures(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    role, found = "monitor", dict[str, int]()
    for line in text.splitlines():
        sample = _SAMPLE.fullmatch(line)
        if sample is None:
            continue
        name, labels, value = sample["name"].removesuffix("_total"), sample["labels"] or "", sample["value"]
        if name == "shadow_build_info" and (said := _ROLE.search(labels)):
            role = said[1]
        if name in _SHOWN:
            found[name] = found.get(name, 0) + int(float(value))
    return role, tuple((_SHOWN[name], _said(name, found[name])) for name in _SHOWN if name in found)


def _said(name: str, value: int) -> str:
    if name in _BYTES:
        return words.bytes_(value)
    return f"{words.count(value)} s" if name in _SECONDS else words.count(value)


def _local(folder: Path, now: Micros) -> list[Part]:
    found: list[Part] = []
    tap = read_status(folder / "tap-status.json")
    if tap is not None:
        reasons = tuple(filter(None, (tap.journal.error, tap.enrolment_error, tap.key_error)))
        dropped = int(tap.relay.get("copies_dropped", 0)) + tap.mirror.get("frames_refused", 0)
        figures = (
            ("connections", words.count(sum(one.closed_at is None for one in tap.connections))),
            ("journal lines", words.count(tap.journal.accepted)),
            ("copies dropped", words.count(dropped)),
            ("gaps", words.count(sum(one.gaps for one in tap.connections))),
        )
        if dropped:
            reasons = (*reasons, f"{words.plural(dropped, 'copy', 'copies')} not mirrored since it started")
        found.append(_aged("tap", reasons, figures, "tap-status.json", tap.at, now))
    path = folder / "worker-status.json"
    try:
        worker = msgspec.json.decode(path.read_bytes(), type=_Worker)
        written = path.stat().st_mtime_ns // 1000
    except (OSError, msgspec.MsgspecError):
        return found
    reasons = (
        worker.store_error,
        f"{words.plural(worker.faults, 'frame')} could not be judged: an error of this program"
        if worker.faults
        else "",
        "" if worker.caught_up or not worker.waiting else f"{words.plural(worker.waiting, 'row')} not stored yet",
    )
    figures = (
        ("frames lived", words.count(worker.frames)),
        ("lines rejected", words.count(worker.rejected)),
        ("rows waiting", words.count(worker.waiting)),
        ("caught up", "yes" if worker.caught_up else "no"),
    )
    found.append(_aged("worker", tuple(filter(None, reasons)), figures, path.name, written, now))
    return found


def _aged(
    name: str, reasons: tuple[str, ...], figures: tuple[tuple[str, str], ...], file: str, at: Micros, now: Micros
) -> Part:
    if now - at > _STALE:
        ended = f"written {words.ago(at, now)}: that run has ended, or hangs"
        return Part(name, Standing.ENDED, file, at, (ended, *reasons), figures)
    return Part(name, Standing.DEGRADED if reasons else Standing.HEALTHY, file, at, reasons, figures)
