"""Judging stored frames anew as a run beside the live one, and saying which run counts when.

A run takes what is stored of each charging station, from thirty days before its range up to the newest frame, so that
the state at the range's beginning is known and what began in it has come to its end. It writes sessions and
discrepancies whose first evidence came in the range, under its own name; nothing is published, and no row of another
run is touched. The 2.0.1 messages are not written again: they are the live run's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from diff.fleet import Fault
from diff.judging import FOREVER, Decision, JudgingRun, Placed, Stretch, rows_of_run
from diff.policy import JUDGING_RUN, Policy
from diff.records import SCHEMA_VERSION
from diff.rejudge import judge_again
from diff.store.client import Store
from diff.store.queries.frames import frames_of, newest_frame
from diff.store.queries.judged import frames_a_charger, stored_outcome
from diff.store.queries.run_comparison import RunComparison, compare_runs
from diff.store.queries.runs import (
    decide,
    drop_rows,
    judging_runs,
    open_rows,
    placed_rows,
    save_run,
    stretches,
    unstored,
)
from diff.store.writer import Writer
from ingest.frame import Frame, Micros
from ingest.key_ring import NO_KEYS
from ingest.timestamps import format_micros
from shadow.config import MAPPER_VERSION, SECOND, ShadowConfig

__all__ = ["JudgingError", "Wanted", "compared", "drop", "judge", "planned", "use"]

_HISTORY: Final[Micros] = 30 * 86_400 * SECOND
_MARGIN: Final[Micros] = 86_400 * SECOND
"""So long behind the last frame that is not stored any more, sessions are seen whole."""
_TOGETHER: Final = 10_000
_READ_TOGETHER: Final = 20_000
"""Frames. Two such batches are held at once, and at least one charging station's whole history."""
Evidence = TypeVar("Evidence")


class JudgingError(Exception):
    """A run cannot be judged or used as asked; the message is one line with the next step."""


class Wanted(msgspec.Struct, frozen=True):
    """What somebody asks to be judged; what is None is that of the run of this name, or a default."""

    name: str
    since: Micros | None = None
    until: Micros | None = None
    only: tuple[str, ...] = ()


def planned(store: Store, wanted: Wanted, config: ShadowConfig, policy: Policy, said_by: str = "") -> JudgingRun:
    """The run that is to be judged.

    Raises:
        JudgingError: there is nothing to judge, the frames are gone, or the name stands for another run.
        StoreError: the store is away.

    """
    newest = newest_frame(store)
    if newest is None:
        raise JudgingError("no frames are stored: nothing can be judged again")
    known = _known(store, wanted.name)
    since, until = wanted.since, wanted.until
    if known is not None:
        since, until = known.since if since is None else since, known.until if until is None else until
    if since is None:
        raise JudgingError(f"there is no run {wanted.name!r} yet: give --from, the beginning of its range")
    # What has not come yet cannot be judged, and must not count as judged.
    until = newest + 1 if until is None else min(until, newest + 1)
    if since >= until:
        raise JudgingError(
            f"the range holds no frames: it begins at {format_micros(since)} and ends at {format_micros(until)};"
            f" the newest frame came at {format_micros(newest)}"
        )
    run = JudgingRun(
        wanted.name,
        since,
        until,
        tuple(sorted(wanted.only or (() if known is None else known.only))),
        policy.version,
        MAPPER_VERSION,
        SCHEMA_VERSION,
        _digest(config),
        lived_until=newest,
        said_by=said_by,
    )
    if known is not None and (known.terms != run.terms or run.until < known.until):
        raise JudgingError(
            f"{wanted.name!r} was judged for {_range(known)} under policy {known.policy_version} and mapper"
            f" {known.mapper_version}, not as asked now: choose another --name, or `judging drop {wanted.name}` first"
        )
    gone, latest = unstored(store, max(since - _MARGIN, 0), until, run.only)
    if gone:
        raise JudgingError(
            f"the frames of {gone} charging stations are not stored any more as far back as {format_micros(since)}:"
            f" begin at {format_micros(latest + _MARGIN)} (--from), a day behind the last that are missing"
        )
    return run


def judge(
    store: Store,
    run: JudgingRun,
    config: ShadowConfig,
    policy: Policy,
    at: Micros,
    progress: Callable[[int, int, Sequence[Fault]], None] = lambda _done, _total, _faults: None,
) -> JudgingRun:
    """Judge, and give the run as it stands afterwards. Doing it again with nothing new writes no row.

    `progress`: called for each charging station with how many are done, of how many, and what could not be judged.
    Raises `StoreError`.
    """
    known = _known(store, run.name) is not None
    save_run(store, replace(run, at=at))
    begin = max(run.since - _HISTORY, 0)
    sizes = frames_a_charger(store, begin, run.lived_until, run.only)
    writer = Writer(store, judging_run=run.name, max_rows=_TOGETHER, max_age=60.0)
    frames = faults = done = 0
    for lived, live in _ahead(partial(_evidence, store, begin, run.lived_until), _batches(sizes)):
        for charger_id, own in lived.items():
            found: list[Fault] = []
            outcome = judge_again(own, run.lived_until, config, policy, found)
            stored = stored_outcome(store, charger_id, run.name) if known else None
            rows = rows_of_run(run, outcome, live, stored)
            for session in rows.sessions:
                writer.add_session(session)
            for row in rows.discrepancies:
                writer.add_discrepancy(row)
            frames, faults, done = frames + len(own), faults + len(found), done + 1
            progress(done, len(sizes), found)
    writer.flush()
    sessions, discrepancies = (open_rows(store, table, run.name) for table in ("sessions", "discrepancies"))
    judged = replace(
        run,
        chargers=len(sizes),
        frames=frames,
        sessions=sessions,
        discrepancies=discrepancies,
        faults=faults,
        finished=True,
        at=at + 1,
    )
    save_run(store, judged)
    return judged


def _batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Charging stations whose frames are read at once: a query for each would be most of the time."""
    batch: list[str] = []
    together = 0
    for charger_id, size in sizes.items():
        if batch and together + size > _READ_TOGETHER:
            yield batch
            batch, together = [], 0
        batch.append(charger_id)
        together += size
    if batch:
        yield batch


def _evidence(
    store: Store, begin: Micros, until: Micros, charger_ids: Sequence[str]
) -> tuple[dict[str, list[Frame]], Placed]:
    live = (placed_rows(store, table, charger_ids) for table in ("sessions", "discrepancies"))
    return frames_of(store, charger_ids, begin, until), Placed(*live)


def _ahead(load: Callable[[list[str]], Evidence], batches: Iterator[list[str]]) -> Iterator[Evidence]:
    """What is loaded for each batch; the next one is loaded while this one is judged."""
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for batch in batches:
            coming = pool.submit(load, batch)
            if waiting is not None:
                yield waiting.result()
            waiting = coming
        if waiting is not None:
            yield waiting.result()


def use(store: Store, name: str, since: Micros | None, until: Micros | None, at: Micros, said_by: str) -> Decision:
    """Make a run current for its range, or for a part of it; the live one for any range.

    Raises:
        JudgingError: there is no such run, it is not finished, or it was not judged for that range and all stations.
        StoreError: the store is away.

    """
    if name == JUDGING_RUN:
        decision = Decision(at, name, since or 0, FOREVER if until is None else until, said_by)
    else:
        run = _named(store, name)
        if not run.finished:
            raise JudgingError(f"{name!r} is not finished: `judge --name {name}` again")
        if run.only:
            raise JudgingError(
                f"{name!r} was judged for {len(run.only)} charging stations only: it can be compared, not used"
            )
        begin, end = run.since if since is None else since, run.until if until is None else until
        if begin < run.since or end > run.until:
            raise JudgingError(f"{name!r} was judged for {_range(run)}: nothing is known of what lies outside")
        decision = Decision(at, name, begin, end, said_by)
    if decision.since >= decision.until:
        raise JudgingError("the range ends before it begins")
    decide(store, decision)
    return decision


def compared(store: Store, a: str, b: str) -> RunComparison:
    """Compare two runs over the range, and of the charging stations, that both were judged for.

    Raises:
        JudgingError: there is no such run, or they have no range in common.
        StoreError: the store is away.

    """
    runs = [_named(store, name) for name in (a, b) if name != JUDGING_RUN]
    since, until = max((one.since for one in runs), default=0), min((one.until for one in runs), default=FOREVER)
    if since >= until:
        raise JudgingError(f"{a!r} and {b!r} have no range in common: {' and '.join(map(_range, runs))}")
    only: frozenset[str] | None = None
    for one in runs:
        if one.only:
            only = frozenset(one.only) if only is None else only & set(one.only)
    return compare_runs(store, a, b, since, until, only)


def drop(store: Store, name: str, at: Micros) -> JudgingRun:
    """Remove a run with all its rows.

    Raises:
        JudgingError: there is no such run, or it is current somewhere.
        StoreError: the store is away.

    """
    run = _named(store, name)
    used: list[Stretch] = [one for one in stretches(store) if one.run == name]
    if used:
        raise JudgingError(f"{name!r} is current for {_range(used[0])}: `judging use {JUDGING_RUN}` first")
    save_run(store, replace(run, dropped=True, at=max(at, run.at + 1)))
    drop_rows(store, name)
    return run


def _known(store: Store, name: str) -> JudgingRun | None:
    return next((run for run in judging_runs(store) if run.name == name), None)


def _named(store: Store, name: str) -> JudgingRun:
    known = judging_runs(store)
    for run in known:
        if run.name == name:
            return run
    names = ", ".join(run.name for run in known[:12]) or "none"
    raise JudgingError(f"there is no run {name[:80]!r}: the runs are {names} (`judging list`)")


def _range(one: JudgingRun | Stretch) -> str:
    return f"{format_micros(one.since)} to {format_micros(one.until)}"


def _digest(config: ShadowConfig) -> str:
    # A new key changes pseudonyms and nothing that is believed.
    said = msgspec.json.encode(msgspec.structs.replace(config, keys=NO_KEYS), order="sorted", enc_hook=repr)
    return blake2b(said, digest_size=8).hexdigest()
