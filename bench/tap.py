"""The tap beside HAProxy, nginx, a bare relay and no proxy at all: round trips, throughput, memory.

Each part runs in processes of its own, as in production. The ways are measured in turns, so that what else the machine
does falls on all of them alike: ratios count, not figures. Every charger sends an OCPP call and waits for its answer.
With `--kafka` the whole of `shadow-csms tap` is measured in the same way while Kafka is up, silent, or gone.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from app.stack.broker import Broker, BrokerError
from bench.tap_load import open_loop, saturated
from bench.tap_ways import Way, bare_relay, csms, haproxy, nginx, published_tap, tap
from ingest.tap.status import read_status

__all__ = ["main"]

_TURNS: Final = 5
_SATURATED: Final = 9
"""Turns of saturation: they differ more."""
_EAGER: Final = 100
"""Connections of the saturated run."""
_PATIENCE: Final = 60
_P50, _P99, _THROUGHPUT = 1.5, 2.0, 0.8
"""Targets, against HAProxy."""


class _Figures:
    """What was measured of one way."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.rates: list[float] = []
        self.memory: list[float] = []
        self.forwarded = 0
        """Messages in all saturated turns."""
        self.mirrored = 0
        """Of them, those that were made into frames."""
        self.dropped = 0
        """Bytes of which no copy could be made."""
        self.behind = 0.0
        """Seconds that the mirror needed after a turn, at most; as fine as a status that is written each second."""

    def percentile(self, percent: int) -> float:
        """In microseconds, of the middle turn: what else the machine does comes in bursts, and hits some turns only."""
        found = [sorted(turn)[min(len(turn) - 1, len(turn) * percent // 100)] / 1000 for turn in self.turns]
        return sorted(found)[len(found) // 2]

    @property
    def trips(self) -> int:
        """Round trips in all turns."""
        return sum(map(len, self.turns))

    @property
    def rate(self) -> float:
        """The middle one of the turns."""
        return sorted(self.rates)[len(self.rates) // 2] if self.rates else 0.0


def _measure(ways: dict[str, Way], connections: int, options: argparse.Namespace) -> dict[str, _Figures]:
    figures = {name: _Figures() for name in ways}
    for _ in range(_TURNS):
        for name, way in ways.items():
            one, before = figures[name], way.memory()

            def connected(one: _Figures = one, way: Way = way, before: int = before) -> None:
                one.memory.append((way.memory() - before) / connections)

            seconds = options.seconds / _TURNS
            one.turns.append(uvloop.run(open_loop(way.port, connections, options.rate, seconds, connected)))
    for _ in range(_SATURATED if options.saturated else 0):
        for name, way in ways.items():
            _saturate(way, figures[name], options.saturated / _SATURATED)
    return figures


def _sustain(ways: dict[str, Way], seconds: float, base: str) -> None:
    """Saturation that lasts: one turn each, long enough that nothing can be put off to its end."""
    figures = {name: _Figures() for name in ways}
    for name, way in ways.items():
        _saturate(way, figures[name], seconds)
    print(f"saturated for {seconds:.0f} s without a rest; beside {base} in brackets")
    for name, one in figures.items():
        mirrored = f", {one.mirrored / one.forwarded:.1%} mirrored" if one.forwarded else ""
        print(f"  {name:<12}{one.rate:>9.0f} /s ({one.rate / figures[base].rate:.2f}){mirrored}")


def _saturate(way: Way, one: _Figures, seconds: float) -> None:
    before = _caught_up(way)
    rate, answered = uvloop.run(saturated(way.port, _EAGER, seconds))
    one.rates.append(rate)
    # The next way is measured when the mirror has caught up, or it would pay for this one.
    after = _caught_up(way)
    if before is not None and after is not None:
        one.forwarded += 2 * answered
        one.mirrored += after.messages - before.messages
        one.dropped += after.dropped - before.dropped
        one.behind = max(one.behind, after.seconds)


@dataclass(frozen=True)
class _Mirror:
    """How far a mirror has come."""

    messages: int
    dropped: int
    seconds: float


def _caught_up(way: Way) -> _Mirror | None:
    """Wait until a tap has mirrored what it forwarded; None where the way is no tap."""
    if way.status is None:
        return None
    begin = time.time()
    last = read_status(way.status)
    while time.time() - begin < _PATIENCE:
        time.sleep(0.1)
        status = read_status(way.status)
        if status is None or (last is not None and status.at == last.at):
            continue
        if last is not None and last.at > begin * 1e6:
            moved = status.mirror["messages"] != last.mirror["messages"]
            if not moved and not status.relay.get("bytes_waiting"):
                return _Mirror(last.mirror["messages"], status.relay["bytes_dropped"], last.at / 1e6 - begin)
        last = status
    raise RuntimeError(f"the mirror has not caught up in {_PATIENCE} s")


def _print(title: str, figures: dict[str, _Figures], base: str) -> None:
    print(f"\n{title}; beside {base} in brackets")
    print(
        f"{'way':<14}{'round trips':>12}{'p50 µs':>16}{'p99 µs':>18}{'saturated /s':>20}{'mirrored':>10}"
        f"{'KiB/connection':>16}"
    )
    beside = figures[base]
    for name, one in figures.items():
        p50, p99 = one.percentile(50), one.percentile(99)
        trips = f"{p50:.0f} ({p50 / beside.percentile(50):.2f})", f"{p99:.0f} ({p99 / beside.percentile(99):.2f})"
        rate = f"{one.rate:.0f} ({one.rate / beside.rate:.2f})" if one.rate and beside.rate else "-"
        # The first turn alone: what it took is kept for the next connections.
        memory = f"{one.memory[0] / 1024:.1f}" if one.memory[0] > 0 else "-"
        mirrored = f"{one.mirrored / one.forwarded:.1%}" if one.forwarded else "-"
        print(f"{name:<14}{one.trips:>12}{trips[0]:>16}{trips[1]:>18}{rate:>20}{mirrored:>10}{memory:>16}")
    for name, one in figures.items():
        if one.forwarded:
            print(
                f"{name}, saturated: {one.mirrored} of {one.forwarded} messages mirrored, {one.dropped} bytes dropped;"
                f" the mirror had caught up after {one.behind:.0f} s at most"
            )


def _verdict(figures: dict[str, _Figures]) -> str:
    ours, theirs = figures["tap"], figures["haproxy"]
    pairs = [
        ("p50", ours.percentile(50) / theirs.percentile(50), _P50, True),
        ("p99", ours.percentile(99) / theirs.percentile(99), _P99, True),
        ("throughput", ours.rate / theirs.rate if theirs.rate else 1.0, _THROUGHPUT, False),
    ]
    said = []
    for name, ratio, target, at_most in pairs:
        held = ratio <= target if at_most else ratio >= target
        said.append(f"{name} {ratio:.2f} of HAProxy's ({'held' if held else 'MISSED'}: {target})")
    return "targets: " + ", ".join(said)


@contextmanager
def _silent() -> Iterator[str]:
    """Brokers that take connections and never answer."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        yield f"127.0.0.1:{sock.getsockname()[1]}"


@contextmanager
def _gone() -> Iterator[str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


@contextmanager
def _up(directory: Path) -> Iterator[str]:
    with Broker(directory) as broker:
        yield broker.bootstrap


def _with_kafka(upstream: int, directory: Path, options: argparse.Namespace) -> None:
    """Side by side at the same time, or the machine's mood would be measured."""
    with ExitStack() as stack:
        ways: dict[str, Way] = {}
        try:
            brokers = {"kafka up": stack.enter_context(_up(directory / "broker"))}
        except BrokerError as error:
            print(f"kafka up: not measured: {error}")
            brokers = {}
        brokers["kafka silent"] = stack.enter_context(_silent())
        brokers["kafka gone"] = stack.enter_context(_gone())
        for name, bootstrap in brokers.items():
            place = directory / name.replace(" ", "-")
            ways[name] = stack.enter_context(published_tap(upstream, place, bootstrap))
        connections = options.connections[0]
        figures = _measure(ways, connections, options)
        _print(f"`shadow-csms tap`, {connections} connections, {options.rate}/s", figures, next(iter(figures)))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where the tap lost a copy below saturation, because then it was not measured whole."""
    parser = argparse.ArgumentParser(prog="bench tap", description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--rate", type=int, default=1000, help="round trips per second, over all connections")
    parser.add_argument("--seconds", type=float, default=12, help="measured time for each way")
    parser.add_argument("--saturated", type=float, default=16, help="seconds of saturation for each way; 0: none")
    parser.add_argument("--sustained", type=float, default=20, help="seconds of saturation in one go; 0: none")
    parser.add_argument("--kafka", action="store_true", help="also the whole of `tap` with Kafka up, silent and gone")
    parser.add_argument("--short", action="store_true", help="a few seconds, for development")
    options = parser.parse_args(argv)
    if options.short:
        options.connections, options.seconds, options.saturated, options.sustained = [200], 3.0, 3.0, 0.0
    lost = 0
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        upstream = stack.enter_context(csms())
        for connections in options.connections:
            with ExitStack() as parts:
                place = Path(parts.enter_context(tempfile.TemporaryDirectory(dir=directory)))
                found = {
                    "direct": Way(upstream),
                    "haproxy": parts.enter_context(haproxy(upstream, place)),
                    "nginx": parts.enter_context(nginx(upstream, place)),
                    "bare relay": parts.enter_context(bare_relay(upstream)),
                    "tap": parts.enter_context(tap(upstream, place / "data")),
                }
                ways = {key: way for key, way in found.items() if way is not None}
                figures = _measure(ways, connections, options)
                base = "haproxy" if "haproxy" in ways else "direct"
                _print(f"{connections} connections, {options.rate}/s, {_TURNS} turns, mirroring on", figures, base)
                counters = ways["tap"].counters()
                dropped = counters.get("bytes_dropped", 0)
                lost += 0 if options.saturated else dropped
                print(f"tap: {counters.get('bytes_handed_over')} bytes handed over, {dropped} dropped")
                print(_verdict(figures) if base == "haproxy" else "HAProxy is not installed: no targets")
                if options.sustained and connections == options.connections[0]:
                    _sustain({name: ways[name] for name in (base, "tap")}, options.sustained, base)
        if options.kafka:
            _with_kafka(upstream, directory, options)
    return 1 if lost else 0
