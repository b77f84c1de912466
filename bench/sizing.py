"""What a fleet needs: the measured figures, stated assumptions, and a simulated day. Same arguments, same output.

The day is simulated in steps of ten seconds, each worker with a queue of its own: sessions come by the hour of day,
every charging station says heartbeats and samples, arrivals vary at random (seeded), and charging stations fall on
partitions as their ids hash, some fuller than others. In the morning peak the broker is away; the taps spool what
they see. When it is back a network that was gone as well lets all charging stations reconnect at once.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgspec

__all__ = ["MEASURED", "Assumptions", "Day", "Measured", "Need", "frames_a_core", "main", "need", "simulate", "text"]

_STEP: Final = 10
_DAY: Final = 86_400
_PROFILE: Final = (1, 1, 1, 1, 1, 2, 5, 9, 8, 5, 4, 4, 5, 4, 4, 4, 6, 8, 8, 6, 4, 3, 2, 1)
"""Sessions by hour of day, as parts: people arrive at work, and come home."""


class Measured(msgspec.Struct, frozen=True):
    """A figure that was measured, and how."""

    value: float
    unit: str
    command: str
    date: str


_FOOTPRINT: Final = "python -m bench footprint --changelog 500"
_ON: Final = "2026-11-21"
MEASURED: Final[dict[str, Measured]] = {
    "stream_frames": Measured(7_060, "frames a CPU second", "python -m bench stream --rounds 2", _ON),
    "full_frames": Measured(10_494, "frames a CPU second", _FOOTPRINT, _ON),
    "full_compressed": Measured(13_076, "states a CPU second", _FOOTPRINT, _ON),
    "sink_rows": Measured(23_410, "rows/s", "python -m bench store", _ON),
    "rows_a_frame": Measured(1.772, "rows", _FOOTPRINT, _ON),
    "kafka_frame": Measured(49.7, "bytes", _FOOTPRINT, _ON),
    "kafka_outputs": Measured(51.6, "bytes a frame", _FOOTPRINT, _ON),
    "spool_frame": Measured(359.9, "bytes", _FOOTPRINT, _ON),
    "store_evidence": Measured(63.7, "bytes a frame", _FOOTPRINT, _ON),
    "store_findings": Measured(2.5, "bytes a frame", _FOOTPRINT, _ON),
    "state": Measured(41_443, "bytes", _FOOTPRINT, _ON),
    "state_zstd": Measured(0.207, "of it in Kafka", _FOOTPRINT, _ON),
    "state_rocksdb": Measured(0.412, "of it on disk", _FOOTPRINT, _ON),
    "recovery": Measured(12.2, "s per GB of state", _FOOTPRINT, _ON),
}
"""On two cores, the sink's with other work beside it (load average 2 to 4). `docs/sizing.md` says what each is."""


def frames_a_core() -> float:
    """Frames/s of one worker core in a fleet so large that each frame of a batch is of another charging station.

    Then every frame costs a whole state: encoded, compressed and written. The three costs add up.
    """
    costs = ("stream_frames", "full_frames", "full_compressed")
    return 1 / sum(1 / MEASURED[name].value for name in costs)


class Assumptions(msgspec.Struct, frozen=True):
    """What is not measured. Sizes are bytes, times seconds unless the name says otherwise."""

    chargers: int = 1_000_000
    sessions_per_day: float = 1.2
    session_minutes: int = 60
    heartbeat: int = 300
    sample_interval: int = 300
    frames_a_session: int = 14
    """Beside the samples: authorisation, start, stop and states, each with its answer."""
    frames_a_reconnection: int = 10
    """Handshake, boot and states of all connectors, each with its answer, and what was queued."""
    outage: int = 600
    """So long the broker is away, from 08:00 on."""
    reconnect_within: int = 120
    headroom: float = 2.0
    """Workers' capacity over the busiest ten seconds of an undisturbed day."""
    replication: int = 3
    store_replicas: int = 2
    evidence_days: int = 30
    findings_days: int = 396
    kafka_days: int = 7
    standbys: int = 1
    partitions_a_worker: int = 4
    changelog_factor: float = 1.5
    """Bytes of the changelog over those of the newest states: compaction at 20 % dirty, and the segment in use."""
    seed: int = 1


class Day(msgspec.Struct, frozen=True):
    """What the simulated day came to."""

    frames: int
    busiest: float
    """Frames/s in the busiest ten seconds before the outage."""
    spooled: int
    """Frames that lay in the taps' spools when the broker came back."""
    deepest: int
    """Frames that waited at most, over all workers, when the spools had been published."""
    deepest_worker: int
    drained_after: int
    """Seconds from the broker's return until no frame waited longer than one step at any worker."""
    fullest_worker: float
    """Charging stations of the fullest worker over those of the mean one."""


class Need(msgspec.Struct, frozen=True):
    """What the fleet takes."""

    workers: int
    """Cores: a worker is one process on one."""
    partitions: int
    sink_processes: int
    frames_a_second: float
    """Mean."""
    kafka_gb: float
    """All replicas."""
    spool_gb: float
    """All taps together, for the outage."""
    clickhouse_gb: float
    """All replicas, evidence and findings."""
    state_gb: float
    """Of all charging stations, once."""
    changelog_gb: float
    """In Kafka, once: compaction leaves what changed since behind."""
    changelog_mb_a_second: float
    """Written at the busiest time, once: a state for every frame."""
    rocksdb_gb: float
    """All workers and their standbys."""
    network_mbit: float
    """Into and out of the brokers at the busiest time: producing, replicas, workers and sinks."""
    recovery_seconds: float
    """One worker that lost its local store, from the changelog."""
    rebalance_seconds: float
    """One worker gone and no standby: its partitions are recovered by all others at the same time."""


def _rate(given: Assumptions, second: int) -> tuple[float, float]:
    """Expected frames/s of the fleet at a time of day, and sessions that begin in a second."""
    begins = given.chargers * given.sessions_per_day * _PROFILE[second // 3600 % 24] / sum(_PROFILE) / 3600
    open_since = max(second - given.session_minutes * 60, 0)
    before = given.chargers * given.sessions_per_day * _PROFILE[open_since // 3600 % 24] / sum(_PROFILE) / 3600
    charging = (begins + before) / 2 * given.session_minutes * 60
    samples = 2 * charging / given.sample_interval
    return 2 * given.chargers / given.heartbeat + begins * given.frames_a_session + samples, begins


def _workers(given: Assumptions) -> tuple[int, float]:
    busiest = max(_rate(given, hour * 3600 + 3599)[0] for hour in range(24))
    return max(math.ceil(busiest * given.headroom / frames_a_core()), 1), busiest


def simulate(given: Assumptions) -> Day:
    """One day. Pure: the seed decides every draw."""
    random = Random(given.seed)
    workers, _ = _workers(given)
    mean = given.chargers / workers
    # Charging stations of a worker are binomial: each falls on one of so many, by the hash of its id.
    spread = math.sqrt(mean * (1 - 1 / workers))
    shares = [max(random.gauss(mean, spread), 0) / given.chargers for _ in range(workers)]
    capacity = frames_a_core() * _STEP
    queues, spools = [0.0] * workers, [0.0] * workers
    begin, end = 8 * 3600, 8 * 3600 + given.outage
    total = busiest = deepest = deepest_worker = spooled = 0.0
    drained_after = 0
    for second in range(0, _DAY, _STEP):
        expected = _rate(given, second)[0] * _STEP
        if end <= second < end + given.reconnect_within:
            expected += given.chargers * given.frames_a_reconnection * _STEP / given.reconnect_within
        arrived = [_poisson(random, expected * share) for share in shares]
        total += sum(arrived)
        if second < begin:
            busiest = max(busiest, sum(arrived) / _STEP)
        target = spools if begin <= second < end else queues
        for number, count in enumerate(arrived):
            target[number] += count
        if second == end:
            # The taps publish faster than workers judge: what was spooled lies in Kafka at once.
            spooled = sum(spools)
            queues = [queue + spool for queue, spool in zip(queues, spools, strict=True)]
        if target is queues:
            queues = [max(queue - capacity, 0.0) for queue in queues]
        if second >= end:
            deepest, deepest_worker = max(deepest, sum(queues)), max(deepest_worker, *queues)
            if any(queue > capacity for queue in queues):
                drained_after = second + _STEP - end
    fullest = max(shares) * workers
    return Day(
        round(total),
        round(busiest, 1),
        round(spooled),
        round(deepest),
        round(deepest_worker),
        drained_after,
        round(fullest, 3),
    )


def _poisson(random: Random, expected: float) -> float:
    """Arrivals of many independent sources: normal where that is as good, counted where it is not."""
    if expected > 50:
        return max(round(random.gauss(expected, math.sqrt(expected))), 0)
    count, chance, limit = 0, random.random(), math.exp(-expected)
    while chance > limit:
        count += 1
        chance *= random.random()
    return count


def need(given: Assumptions, day: Day) -> Need:
    """What the fleet takes: the day's frames times the measured figures."""
    value = {name: one.value for name, one in MEASURED.items()}
    workers, _ = _workers(given)
    kafka_frame = value["kafka_frame"] + value["kafka_outputs"]
    kafka = day.frames * kafka_frame * given.kafka_days
    state = given.chargers * value["state"]
    changelog = state * value["state_zstd"] * given.changelog_factor
    state_frame = value["state"] * value["state_zstd"]
    store = day.frames * (value["store_evidence"] * given.evidence_days + value["store_findings"] * given.findings_days)
    out = 2 + given.replication - 1  # workers and sinks read all of it, and so do the other replicas
    # The changelog is produced and replicated, and read only by standbys.
    peak = day.busiest * (kafka_frame * (1 + out) + state_frame * (given.replication + given.standbys)) * 8 / 1e6
    partition_share = state * value["recovery"] / 1e9
    return Need(
        workers=workers,
        partitions=workers * given.partitions_a_worker,
        sink_processes=max(math.ceil(day.busiest * value["rows_a_frame"] * given.headroom / value["sink_rows"]), 1),
        frames_a_second=round(day.frames / _DAY, 1),
        kafka_gb=round((kafka + changelog) * given.replication / 1e9, 1),
        spool_gb=round(day.spooled * value["spool_frame"] / 1e9, 2),
        clickhouse_gb=round(store * given.store_replicas / 1e9, 1),
        state_gb=round(state / 1e9, 2),
        changelog_gb=round(changelog / 1e9, 2),
        changelog_mb_a_second=round(day.busiest * state_frame / 1e6, 1),
        rocksdb_gb=round(state * value["state_rocksdb"] * (1 + given.standbys) / 1e9, 2),
        network_mbit=round(peak, 1),
        recovery_seconds=round(partition_share / workers * day.fullest_worker, 1),
        rebalance_seconds=round(partition_share / workers / max(workers - 1, 1), 2),
    )


def text(given: Assumptions, day: Day, wanted: Need) -> str:
    """Three Markdown tables: measured, assumed, and what comes of it."""
    lines = ["| measured | value | command | date |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {one.value:,g} {one.unit} | `{one.command}` | {one.date} |" for name, one in MEASURED.items()
    ]
    for title, found in (("assumed", given), ("the simulated day", day), ("needed", wanted)):
        lines += ["", f"| {title} | |", "|---|---|"]
        values: dict[str, Any] = msgspec.structs.asdict(found)
        lines += [f"| {name.replace('_', ' ')} | {value:,} |" for name, value in values.items()]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print what a fleet needs."""
    parser = argparse.ArgumentParser(prog="bench sizing", description=__doc__)
    for name, value in msgspec.structs.asdict(Assumptions()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = vars(parser.parse_args(argv))
    as_json = options.pop("json")
    wrong = [name for name, value in options.items() if value <= 0 and name not in ("standbys", "outage", "seed")]
    if wrong:
        parser.error(f"{', '.join(wrong)}: must be above 0")
    given = Assumptions(**options)
    day = simulate(given)
    wanted = need(given, day)
    parts = {"measured": MEASURED, "assumed": given, "day": day, "needed": wanted}
    print(json.dumps(msgspec.to_builtins(parts), indent=2) if as_json else text(given, day, wanted))
    return 0
