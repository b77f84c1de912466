"""What each action of OCPP 1.6 costs: an exchange, a request with every field and its answer, through the pure core.

Beside it stands the `ocpp` package's own `unpack` and synchronous validation of the same two texts, in the same run.
The figures are microseconds for both frames together, the median of several rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from bench.core import actions_of, judge_all, validate_all
from demo.examples import example
from demo.script import Script
from ingest.frame import Direction, Frame
from shadow.mapping.registry import TABLES
from shadow.mapping.rules import REQUEST

__all__ = ["main"]


class Cost(msgspec.Struct, frozen=True):
    """Of one action."""

    action: str
    core: float
    """µs for request and answer."""
    ocpp: float
    ratio: float
    """How many times as fast the core is as the package."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where all actions together are slower than what they are held against."""
    parser = argparse.ArgumentParser(prog="bench actions", description=__doc__)
    parser.add_argument("--exchanges", type=int, default=300, help="of each action in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(argv)
    actions = sorted({action for action, part in TABLES if part == REQUEST})
    costs = [_cost(action, options.exchanges, options.rounds) for action in actions]
    core, ocpp = sum(one.core for one in costs), sum(one.ocpp for one in costs)
    if options.json:
        print(json.dumps(msgspec.to_builtins(costs), indent=2))
    else:
        print("| action | core, µs | ocpp sync, µs | times as fast |\n|---|---|---|---|")
        for one in costs:
            print(f"| {one.action} | {one.core:.0f} | {one.ocpp:.0f} | {one.ratio:.1f} |")
        print(f"| all, one of each | {core:.0f} | {ocpp:.0f} | {ocpp / core:.1f} |")
    return 0 if core <= ocpp else 1


def _cost(action: str, exchanges: int, rounds: int) -> Cost:
    frames = _dialogue(action, exchanges)
    actions = actions_of(frames)
    judge_all(frames)
    validate_all(frames, actions)  # compiles the schemas of both
    core, ocpp = [], []
    for _ in range(rounds):
        core.append(_timed(judge_all, frames) / exchanges)
        ocpp.append(_timed(validate_all, frames, actions) / exchanges)
    mine, theirs = statistics.median(core), statistics.median(ocpp)
    return Cost(action, mine, theirs, theirs / mine)


def _dialogue(action: str, exchanges: int) -> list[Frame]:
    asked, answered = example(action, response=False), example(action, response=True)
    script = Script()
    direction = TABLES[action, REQUEST].directions[0]
    for _ in range(exchanges):
        call = script.call if direction is Direction.CP_TO_CS else script.command
        call(action, asked).answer(answered)
    return script.frames


def _timed(work: Any, *arguments: Any) -> float:
    began = time.perf_counter()
    work(*arguments)
    return (time.perf_counter() - began) * 1e6
