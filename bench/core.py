"""Frames per second of one core through the whole pure core, beside the `ocpp` package and beside the floor.

The whole core is parse, pairing, both schema checks, the virtual station, the CSMS, the ledger and the comparison. It
is set against three things in the same run, over the same frames, in turns:

* `ocpp sync`: the package's own `unpack` and its synchronous validation of the 1.6 message, and nothing else;
* `ocpp default`: the same as the package does it by default, in a worker thread per message;
* `floor`: parsing and the two schema checks alone, of the same 1.6 frames and of the 2.0.1 messages that come of them.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import ocpp.messages
from ocpp.messages import Call, CallResult, unpack
from ocpp.messages import _validate_payload as validate_now

from demo.traffic import frames as fleet_frames
from diff.fleet import Fleet
from ingest import ocppj
from ingest.frame import Frame, FrameKind
from ingest.recording import Reader
from shadow.message import MessageType, ShadowMessage
from shadow.schema import V16, V201, violations

__all__ = ["actions_of", "judge_all", "main", "validate_all"]

_RECORDINGS: Final = Path(__file__).resolve().parents[2] / "shared" / "recordings"
_DEFAULT_SAMPLE: Final = 1500
"""The asynchronous way takes a thread per message: a sample of so many frames is enough, and is scaled."""


def _load(chargers: int, sessions: int, seed: int) -> dict[str, list[Frame]]:
    sets: dict[str, list[Frame]] = {}
    for path in sorted(_RECORDINGS.glob("*.jsonl")):
        with path.open("rb") as file:
            sets[path.stem] = [item for item in Reader().read(file) if isinstance(item, Frame)]
    if not sets:
        print("no recordings beside the checkout: the fleet mix alone", file=sys.stderr)
    sets["fleet mix"] = list(fleet_frames(seed=seed, chargers=chargers, sessions_per_charger=sessions, faults=True))
    return sets


def _whole(frames: Sequence[Frame]) -> list[ShadowMessage]:
    fleet, messages = Fleet(), []
    for frame in frames:
        for judgement in fleet.feed(frame):
            messages += judgement.observations.messages
    if faults := fleet.take_faults():
        raise SystemExit(f"{len(faults)} frames could not be judged, the figure would be none: {faults[0]}")
    return messages


def judge_all(frames: Sequence[Frame]) -> None:
    """As a runtime does it: what comes of a frame is handed on, not hoarded."""
    fleet = Fleet()
    for frame in frames:
        for _ in fleet.feed(frame):
            pass


def actions_of(frames: Sequence[Frame]) -> list[str | None]:
    """The action of each frame, so that the baselines need not pair: answers get the action of their call."""
    known: dict[tuple[str, str], str] = {}
    found: list[str | None] = []
    for frame in frames:
        message = ocppj.parse(frame.text) if frame.kind is FrameKind.MESSAGE else None
        match message:
            case ocppj.Call():
                known[frame.connection_id, message.message_id] = message.action
                found.append(message.action)
            case ocppj.CallResult():
                found.append(known.get((frame.connection_id, message.message_id)))
            case _:
                found.append(None)
    return found


def _floor(frames: Sequence[Frame], actions: Sequence[str | None], messages: Sequence[ShadowMessage]) -> None:
    for frame, action in zip(frames, actions, strict=True):
        if frame.kind is not FrameKind.MESSAGE:
            continue
        message = ocppj.parse(frame.text)
        if action is not None and isinstance(message, ocppj.Call | ocppj.CallResult):
            violations(V16, action, response=isinstance(message, ocppj.CallResult), payload=message.payload)
    for one in messages:
        violations(V201, one.action, response=one.type is MessageType.RESPONSE, payload=one.payload)


def _unpack(frame: Frame, action: str | None) -> Any:
    message = unpack(frame.text)
    if isinstance(message, CallResult):
        message.action = action
    return message


def validate_all(frames: Sequence[Frame], actions: Sequence[str | None]) -> None:
    """What the package does of itself with each message, in this thread."""
    for frame, action in zip(frames, actions, strict=True):
        if frame.kind is FrameKind.MESSAGE and action is not None:
            try:
                validate_now(_unpack(frame, action), "1.6")
            except ocpp.exceptions.OCPPError:
                continue


async def _default(frames: Sequence[Frame], actions: Sequence[str | None]) -> None:
    for frame, action in zip(frames, actions, strict=True):
        if frame.kind is FrameKind.MESSAGE and action is not None:
            try:
                message = _unpack(frame, action)
                if isinstance(message, Call | CallResult):
                    await ocpp.messages.validate_payload(message, "1.6")
            except ocpp.exceptions.OCPPError:
                continue


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _measure(frames: Sequence[Frame], rounds: int) -> dict[str, float]:
    """Frames per second by way; the ways take turns, the median counts."""
    actions, messages = actions_of(frames), _whole(frames)
    sample = min(len(frames), _DEFAULT_SAMPLE)
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "whole core": (len(frames), lambda: judge_all(frames)),
        "floor": (len(frames), lambda: _floor(frames, actions, messages)),
        "ocpp sync": (len(frames), lambda: validate_all(frames, actions)),
        "ocpp default": (sample, lambda: asyncio.run(_default(frames[:sample], actions[:sample]))),
    }
    for count, action in ways.values():
        del count
        action()  # compiles every schema
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (count, action) in ways.items():
            taken[name].append(count / _timed(action))
    return {name: statistics.median(rates) for name, rates in taken.items()}


def _profile(frames: Sequence[Frame], rows: int) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    _whole(frames)
    profiler.disable()
    print(f"\nwhere the time goes (fleet mix, top {rows} by own time; profiling slows small functions most)")
    stats: Any = pstats.Stats(profiler)
    total = stats.total_tt
    ordered = sorted(stats.stats.items(), key=lambda item: -item[1][2])[:rows]
    for (file, _, function), (_, calls, own, _, _) in ordered:
        place = file if file == "~" else "/".join(Path(file).parts[-2:])
        print(f"  {own / total:6.1%}  {calls:>9} calls  {place}:{function}")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where the core is slower than what it is held against."""
    parser = argparse.ArgumentParser(prog="bench core", description=__doc__)
    parser.add_argument("--chargers", type=int, default=30)
    parser.add_argument("--sessions", type=int, default=4, help="per charging station")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile-rows", type=int, default=14)
    options = parser.parse_args(argv)
    sets = _load(options.chargers, options.sessions, options.seed)
    names = ("whole core", "floor", "ocpp sync", "ocpp default")
    print(f"{'frames/s':<28}{'frames':>8}" + "".join(f"{name:>14}" for name in names))
    results: dict[str, dict[str, float]] = {}
    for title, frames in sets.items():
        results[title] = _measure(frames, options.rounds)
        print(f"{title:<28}{len(frames):>8}" + "".join(f"{results[title][name]:>14,.0f}" for name in names))
    _profile(sets["fleet mix"], options.profile_rows)
    total = sum(map(len, sets.values()))
    # Over all frames: the time that each set takes, added up.
    overall = {
        name: total / sum(len(frames) / results[title][name] for title, frames in sets.items()) for name in names
    }
    core, sync, default = overall["whole core"], overall["ocpp sync"], overall["ocpp default"]
    print(
        f"\nfloor (parse and schema checks alone): {overall['floor']:,.0f} frames/s, whole core at "
        f"{core / overall['floor']:.2f} of it"
    )
    print(f"overall {core:.0f} frames/s, {core / sync:.2f} x ocpp sync, {core / default:.2f} x ocpp default")
    return 0 if core >= sync and core >= 3 * default else 1
