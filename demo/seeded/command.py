"""`python -m demo.fleet`: a fleet over weeks, lived through the core, with what was planted and what was found."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec

from demo.seeded.account import Account
from demo.seeded.member import live, members
from demo.seeded.outcome import Member, Outcome

__all__ = ["main", "run"]


def run(fleet: Sequence[Member], processes: int = 1) -> Iterator[Outcome]:
    """Live charging stations, in their order, in so many processes. The outcome does not depend on how many."""
    if processes <= 1:
        yield from map(live, fleet)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(live, fleet, chunksize=4)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.fleet", description=__doc__)
    parser.add_argument("--chargers", type=_positive, default=500)
    parser.add_argument("--days", type=_positive, default=14, help="two sessions a day")
    parser.add_argument("--seed", type=int, default=1, help="the same seed plants the same")
    parser.add_argument("--faults", type=_share, default=0.6, help="share of the stations that plant one, 0 to 1")
    parser.add_argument("--processes", type=_positive, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write account.txt and account.json there")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 9999:
        raise argparse.ArgumentTypeError(f"{text} cannot be: give 1 to 9999")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share: give a number from 0 to 1")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it. 0 where every target is reached, 1 where one is missed, 2 for bad arguments, 130 after Ctrl-C."""
    options = _arguments(arguments)
    fleet = members(seed=options.seed, chargers=options.chargers, days=options.days, faults=options.faults)
    account, begun = Account(), time.monotonic()
    try:
        for outcome in run(fleet, options.processes):
            account.take(outcome)
            if sys.stderr.isatty() or account.chargers % 50 == 0:
                rate = account.frames / max(time.monotonic() - begun, 0.001)
                end = "\r" if sys.stderr.isatty() else "\n"
                sys.stderr.write(f"{account.chargers}/{len(fleet)} stations, {rate:,.0f} frames/s{end}")
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted: no account of half a fleet\n")
        return 130
    text = account.text()
    document = msgspec.json.format(msgspec.json.encode(account.document()), indent=2).decode() + "\n"
    if options.out is not None:
        try:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / "account.txt").write_text(text, encoding="utf-8")
            (options.out / "account.json").write_text(document, encoding="utf-8")
        except OSError as error:
            sys.stderr.write(f"fleet: {options.out}: {error.strerror or error}; name another --out\n")
            return 2
    sys.stdout.write(document if options.json else text)
    for failure in account.failures:
        sys.stderr.write(f"missed: {failure}\n")
    return 1 if account.failures else 0
