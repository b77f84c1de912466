"""Stored frames judged anew: frames per second through `shadow-csms judge`, beside reading and parsing them alone.

A fleet's traffic is lived and stored as a run would have it, then multiplied inside the engine to the size that is
asked for, judged rows included. The same process then does both over the same frames:

* `read and parse`: the frames of each charging station out of the store in canonical order, each text parsed;
* `judge`: a judging run over all of them under another policy, its rows written beside the live ones.

Figures go to stdout, progress to stderr. Exit code 1 where a frame could not be judged.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from app.judging import Wanted, judge, planned
from demo.stored import fill
from demo.traffic import frames as fleet_frames
from diff.policy import DEFAULT, Kind, Numbers, named
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.outcome import stored_frames
from diff.store.queries.frames import frames_of
from diff.store.queries.judged import frames_a_charger
from ingest import ocppj
from ingest.frame import FrameKind, Micros
from shadow.config import DEFAULT as CONFIG

__all__ = ["main"]

_CHARGERS: Final = 120
_LIVED: Final = 50_000
"""Frames that are lived; the others are copies of them under other charging stations' names."""
_STRICT: Final = named(replace(DEFAULT, energy=Numbers(Kind.EXACT), zero=Numbers(absolute=Decimal(60))), "strict")
_READ_TOGETHER: Final = 50
"""Charging stations."""
_TIMEOUT: Final = 1800.0


class _Report(msgspec.Struct):
    """Everything that was measured."""

    frames: int
    chargers: int
    load_before: float
    load_after: float
    read_seconds: float
    judge_seconds: float
    sessions: int
    discrepancies: int
    faults: int

    @property
    def read_rate(self) -> float:
        """Frames read and parsed a second."""
        return self.frames / self.read_seconds

    @property
    def judge_rate(self) -> float:
        """Frames judged a second."""
        return self.frames / self.judge_seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a frame could not be judged."""
    parser = argparse.ArgumentParser(prog="bench judge", description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="at least so many stored frames")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="where the data lies meanwhile; it is removed")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(argv)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", file=sys.stderr, flush=True)

    with (
        tempfile.TemporaryDirectory(prefix="shadow-bench-", dir=options.directory) as folder,
        EmbeddedEngine(Path(folder) / "engine") as engine,
        Store.connect(engine.url("bench"), timeout=_TIMEOUT) as store,
    ):
        store.migrate()
        report = _measure(store, options.frames, options.seed, say)
    print(json.dumps(msgspec.to_builtins(report), indent=2) if options.json else _text(report))
    return 1 if report.faults else 0


def _measure(store: Store, frames: int, seed: int, say: Callable[[str], None]) -> _Report:
    begin, end = _generate(store, frames, seed, say)
    load, total = os.getloadavg()[0], stored_frames(store)
    clock = time.perf_counter()
    chargers = list(frames_a_charger(store, begin, end))
    for place in range(0, len(chargers), _READ_TOGETHER):
        for frames_of_one in frames_of(store, chargers[place : place + _READ_TOGETHER], begin, end).values():
            for frame in frames_of_one:
                if frame.kind is FrameKind.MESSAGE:
                    ocppj.parse(frame.text)
    read = time.perf_counter() - clock
    say(f"read and parsed: {total / read:,.0f} frames/s")
    clock = time.perf_counter()
    run = judge(store, planned(store, Wanted("strict", begin), CONFIG, _STRICT), CONFIG, _STRICT, end)
    judged = time.perf_counter() - clock
    say(f"judged: {total / judged:,.0f} frames/s")
    return _Report(
        total,
        len(chargers),
        load,
        os.getloadavg()[0],
        read,
        judged,
        run.sessions,
        run.discrepancies,
        run.faults,
    )


def _generate(store: Store, frames: int, seed: int, say: Callable[[str], None]) -> tuple[Micros, Micros]:
    """Fill the store; gives when its first and its last frame came."""
    lived = list(islice(fleet_frames(seed, _CHARGERS, 40, faults=True), min(frames, _LIVED)))
    times = [frame.received_at for frame in lived]
    fill(store, lived, accounts=False)
    copies = -(-frames // len(lived)) - 1
    say(f"{len(lived):,} frames lived and stored, {copies} copies to make")
    for number in range(1, copies + 1):
        for query in _COPIES:
            store.execute(query, {"copy": f"-{number}"})
    say("copied")
    return min(times), max(times)


def _copy(table: str, *names: str) -> str:
    named_anew = ", ".join(f"concat({name}, %(copy)s) AS {name}" for name in names)
    lived = "NOT match(charger_id, '-[0-9]+-')"
    rows = f"SELECT * FROM {table} FINAL WHERE {lived}"
    return f"INSERT INTO {table} SELECT * REPLACE ({named_anew}) FROM ({rows})"


_COPIES: Final = (
    _copy("frames", "charger_id", "connection_id", "frame_id"),
    _copy("sessions", "charger_id", "session_id"),
    _copy("discrepancies", "charger_id", "id", "session_id"),
    _copy("chargers", "charger_id"),
)


def _text(report: _Report) -> str:
    return (
        f"{report.frames:,} stored frames of {report.chargers} charging stations; load {report.load_before:.1f} before,"
        f" {report.load_after:.1f} after\n"
        f"read and parse   {report.read_seconds:8.1f} s  {report.read_rate:10,.0f} frames/s\n"
        f"judge            {report.judge_seconds:8.1f} s  {report.judge_rate:10,.0f} frames/s"
        f"  {report.judge_seconds / report.read_seconds:.2f} times as long\n"
        f"{report.sessions:,} sessions and {report.discrepancies:,} discrepancies in the run, {report.faults} faults"
    )


if __name__ == "__main__":
    sys.exit(main())
