"""From the tap's stamp on a frame to its row in ClickHouse, through real Kafka, at the rate of a fleet.

Everything after the splice is real and a process of its own: the spool, the publisher, the broker, a worker, the sink,
the ClickHouse engine. Frames of a simulated fleet are written to the spool at the moment of their own time; a twentieth
of the rows, chosen by a hash of their ids, is looked for in the store twenty times a second. A frame's latency ends
when its row is found; a message's latency begins with the frame that caused it, so that it holds the judging too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from app.stack.broker import Broker
from app.storing import open_store
from demo.plan import Pace
from demo.traffic import Traffic
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from ingest.frame import Frame, FrameKind, Micros
from ingest.journal import Journal
from ingest.topic_admin import create
from ingest.topics import Topics

__all__ = ["Latency", "measure", "percentile"]

_SECOND: Final[Micros] = 1_000_000
_PER_CHARGER: Final = 0.52
"""Frames per second of one charging station at this pace, once all are connected."""
_PACE: Final = Pace(
    session=(60 * _SECOND, 120 * _SECOND),
    sample=5 * _SECOND,
    gap=(2 * _SECOND, 10 * _SECOND),
    handling=3 * _SECOND,
    stagger=10 * _SECOND,
)
_WARM_SECONDS: Final = 20.0
"""All charging stations have connected by then, and the worker has its partitions."""
_POLL_SECONDS: Final = 0.05
_SYNC_SECONDS: Final = 0.05
_LOOK_BACK: Final[Micros] = 20 * _SECOND
_SETTLE_SECONDS: Final = 15.0


class Latency(msgspec.Struct):
    """Seconds from the tap's stamp to the store, of the rows that were sampled."""

    rate: float
    """Frames per second that were fed while it was measured."""
    frames: list[float]
    messages: list[float]
    lost: int
    """Sampled frames that were never found. Anything but 0 is a bug."""


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def measure(rate: float, seconds: float) -> Latency:
    """Run the whole way at `rate` frames per second and measure `seconds` of it."""
    with tempfile.TemporaryDirectory(prefix="shadow-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        broker = stack.enter_context(Broker(folder / "kafka"))
        engine = stack.enter_context(EmbeddedEngine(folder / "engine"))
        store = stack.enter_context(open_store(engine.url("shadow")))
        topics = Topics(partitions=6)
        create(broker.bootstrap, topics)
        environment = {
            **os.environ,
            "SHADOW_KAFKA_BOOTSTRAP": broker.bootstrap,
            "SHADOW_KAFKA_PARTITIONS": str(topics.partitions),
            "SHADOW_STORE_URL": engine.url("shadow"),
            "SHADOW_DATA_DIR": name,
        }
        for module in (["app.distributed.publishing"], ["app.cli", "worker"], ["app.cli", "sink"]):
            stack.enter_context(_process(module, environment, folder / f"{module[-1]}.log"))
        return _measure(store, folder / "spool", rate, seconds)


@contextmanager
def _process(module: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *module], env=environment, stdout=file, stderr=file
        )
    try:
        yield
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(module)} ended with {process.returncode}: {log.read_text()[-2000:]}")
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _measure(store: Store, spool: Path, rate: float, seconds: float) -> Latency:
    lasting = _WARM_SECONDS + seconds
    start = time.time_ns() // 1000 + 8 * _SECOND  # by then the frames are made and the processes are up
    frames = _made(round(rate / _PER_CHARGER), start, lasting)
    feeding = threading.Thread(target=_feed, args=(spool, frames), name="feeder")
    feeding.start()
    begin, end = start + int(_WARM_SECONDS * _SECOND), start + int(lasting * _SECOND)
    found: dict[str, dict[str, float]] = {"frames": {}, "messages": {}}
    wait = (begin - time.time_ns() // 1000) / _SECOND
    time.sleep(max(wait, 0))
    until = time.monotonic() + seconds + _SETTLE_SECONDS
    while time.monotonic() < until:
        _look(store, begin, end, found)
        time.sleep(_POLL_SECONDS)
    feeding.join()
    within = [frame for frame in frames if begin <= frame.received_at < end]
    stored, sampled = store.execute(
        f"SELECT count(), countIf({_SAMPLED['frames'][1]}) FROM frames FINAL WHERE received_at >="
        f" fromUnixTimestamp64Micro({begin}) AND received_at < fromUnixTimestamp64Micro({end})"
    )[0]
    lost = len(within) - stored + sampled - len(found["frames"])
    return Latency(len(within) / seconds, [*found["frames"].values()], [*found["messages"].values()], lost)


def _made(chargers: int, start: Micros, lasting: float) -> list[Frame]:
    until, frames = start + int(lasting * _SECOND), []
    for frame in Traffic(seed=3, chargers=chargers, sessions_per_charger=6, pace=_PACE, start=start):
        if frame.received_at >= until:
            break
        frames.append(frame)
    return frames


def _feed(spool: Path, frames: list[Frame]) -> None:
    """Write each frame at its own time, as the tap's parser does; a tick every five seconds."""
    journal, synced, ticks = Journal(spool), time.monotonic(), 0
    ticked = frames[0].received_at
    for frame in frames:
        while (ahead := frame.received_at - time.time_ns() // 1000) > 0:
            journal.sync()
            time.sleep(min(ahead / _SECOND, _SYNC_SECONDS))
        if frame.received_at - ticked >= 5 * _SECOND:
            ticked, ticks = frame.received_at, ticks + 1
            journal.append(Frame("", "tick-bench", ticks - 1, ticked, FrameKind.TICK))
        if refusal := journal.append(frame):
            raise SystemExit(f"the spool takes no frame: {refusal}")
        if time.monotonic() - synced > _SYNC_SECONDS:
            journal.sync()
            synced = time.monotonic()
    journal.close()


_SAMPLED: Final = {
    "frames": ("received_at", "cityHash64(frame_id) % 20 = 0", "frame_id"),
    "messages": ("at", "cityHash64(message_id) % 20 = 0", "message_id"),
}


def _look(store: Store, begin: Micros, end: Micros, found: dict[str, dict[str, float]]) -> None:
    since = max(begin, time.time_ns() // 1000 - _LOOK_BACK)
    for table, (column, sampled, key) in _SAMPLED.items():
        rows = store.execute(
            f"SELECT {key}, toUnixTimestamp64Micro({column}) FROM {table} WHERE {sampled}"
            f" AND {column} >= fromUnixTimestamp64Micro({since}) AND {column} < fromUnixTimestamp64Micro({end})"
        )
        now = time.time_ns() // 1000
        for name, at in rows:
            found[table].setdefault(name, (now - at) / _SECOND)
