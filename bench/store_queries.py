"""Times of the dashboard's queries on a generated store: each with parameters drawn anew every time."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Final

import msgspec

from diff.store import queries
from diff.store.client import Store
from diff.store.queries import SEVERITIES, Filter, SessionLine
from diff.store.queries.charger import cuts_of, links_of, said_statuses
from diff.store.queries.completeness import completeness, reconciled, unreconciled
from diff.store.queries.frames import newest_frames
from diff.store.queries.seen import Kind, action_counts, latest_chargers
from diff.store.queries.wellbeing import gap_lines, silence

__all__ = ["LIMIT", "Timing", "ask"]

LIMIT: Final = 1.0
"""Seconds that the 95th percentile of each query may take."""
_DAY: Final = 86_400_000_000
_SAMPLES: Final = 12


class Timing(msgspec.Struct, frozen=True):
    """How long one query took, in seconds."""

    name: str
    runs: int
    p50: float
    p95: float
    slowest: float
    cpu: float
    """Seconds of the engine's processor time in the median: what the time would not be below on one idle core."""


class _Draw:
    """Parameters that meet something in the store."""

    def __init__(self, store: Store, seed: int) -> None:
        self.random = Random(seed)
        found = store.execute(
            "SELECT session_id, charger_id FROM sessions WHERE sipHash64(session_id) MOD 997 < 97 LIMIT %(n)s",
            {"n": _SAMPLES},
        )
        lines = [queries.session(store, str(one)) for one, _ in found]
        self._sessions: list[SessionLine] = [line for line in lines if line is not None]
        rows = store.execute(
            "SELECT charger_id, frames, fingerprint FROM discrepancies WHERE sipHash64(id) MOD 997 < 97 LIMIT %(n)s",
            {"n": _SAMPLES},
        )
        self._rows = [(str(charger), tuple(frames), str(fingerprint)) for charger, frames, fingerprint in rows]
        (first, last), *_ = store.execute(
            "SELECT toUnixTimestamp64Micro(min(observed_at)), toUnixTimestamp64Micro(max(observed_at))"
            " FROM discrepancies"
        )
        self._first, self.last = int(first), int(last)

    def session(self) -> SessionLine:
        return self.random.choice(self._sessions)

    def row(self) -> tuple[str, tuple[str, ...], str]:
        return self.random.choice(self._rows)

    def severity(self) -> str:
        return self.random.choice(SEVERITIES)

    def since(self) -> int:
        """A day in the last month: what people look at."""
        return max(self.last - self.random.randint(1, 30) * _DAY, self._first)


_Question = Callable[[Store, _Draw], object]


def _whole(query: Callable[[Store], object]) -> _Question:
    return lambda store, _: query(store)


def _window(store: Store, draw: _Draw) -> object:
    line = draw.session()
    window = queries.window_of(line)
    return queries.frames_between(store, line.charger_id, window.since, window.until, also=draw.row()[1])


def _recording(store: Store, draw: _Draw) -> object:
    line = draw.session()
    window = queries.window_of(line)
    return queries.recording(store, line.charger_id, window.since, window.until)


def _frames_named(store: Store, draw: _Draw) -> object:
    charger, frames, _ = draw.row()
    return queries.frames_named(store, charger, frames)


def _session(store: Store, draw: _Draw) -> object:
    return queries.session(store, draw.session().session_id)


_QUESTIONS: Final[dict[str, _Question]] = {
    "overview": _whole(queries.overview),
    "connection_states": _whole(queries.connection_states),
    "severities": _whole(queries.severities),
    "money_at_stake": _whole(lambda store: queries.money_at_stake(store, Decimal("0.50"))),
    "pulse": _whole(queries.pulse),
    "choices": _whole(queries.choices),
    "chargers": _whole(lambda store: queries.chargers(store, limit=200)),
    "chargers, by a pattern": lambda store, draw: queries.chargers(store, charger=f"{draw.row()[0][:-2]}*"),
    "groups": _whole(lambda store: queries.groups(store, Filter())),
    "groups, open, one severity": lambda store, draw: queries.groups(
        store, Filter(status="open", severities=(draw.severity(),))
    ),
    "groups, one charger": lambda store, draw: queries.groups(store, Filter(charger=draw.row()[0])),
    "groups, since a day": lambda store, draw: queries.groups(store, Filter(since=draw.since())),
    "groups, one vendor": lambda store, draw: queries.groups(
        store, Filter(vendors=(draw.random.choice(("Alder", "Cedar", "Dogwood")),))
    ),
    "occurrences, a fingerprint": lambda store, draw: queries.occurrences(store, Filter(fingerprint=draw.row()[2])),
    "occurrences, a session": lambda store, draw: queries.occurrences(
        store, Filter(session_id=draw.session().session_id), limit=200
    ),
    "latest_sessions": _whole(queries.latest_sessions),
    "latest_sessions, differing": _whole(lambda store: queries.latest_sessions(store, only="differing")),
    "latest_sessions, one charger": lambda store, draw: queries.latest_sessions(store, charger=draw.row()[0]),
    "session": _session,
    "messages_of": lambda store, draw: queries.messages_of(store, draw.session()),
    "frames_between": _window,
    "frames_named": _frames_named,
    "recording": _recording,
    "action_counts, a week": lambda store, draw: action_counts(store, Kind(), draw.last - 7 * _DAY, draw.last),
    "latest_chargers": _whole(lambda store: latest_chargers(store, Kind(), 10)),
    "newest_frames, ten stations": lambda store, draw: newest_frames(store, [draw.row()[0] for _ in range(10)], 200),
    "links_of, a week": lambda store, draw: links_of(store, draw.row()[0], draw.last - 7 * _DAY, draw.last),
    "cuts_of, a week": lambda store, draw: cuts_of(store, draw.row()[0], draw.last - 7 * _DAY, draw.last),
    "said_statuses": lambda store, draw: said_statuses(store, draw.row()[0]),
    "reconciled, a day": lambda store, draw: reconciled(store, draw.last, draw.last - _DAY),
    "completeness": lambda store, draw: completeness(store, draw.last),
    "unreconciled, a day": lambda store, draw: unreconciled(store, draw.last, since=draw.last - _DAY),
    "silence": lambda store, draw: silence(store, draw.last),
    "gap_lines, a week": lambda store, draw: gap_lines(store, draw.last - 7 * _DAY),
}
"""Every query that reads the store, as the pages ask it. `energy_points` and `window_of` read nothing."""


def ask(store: Store, cpu: Callable[[], float], *, runs: int, seed: int = 1, only: str = "") -> Iterator[Timing]:
    """Time each question `runs` times, after one time that does not count.

    `cpu`: processor seconds of the engine so far. `only`: questions whose name holds it.
    """
    draw = _Draw(store, seed)
    for name, question in _QUESTIONS.items():
        if only not in name:
            continue
        question(store, draw)
        times, spent = [], []
        for _ in range(runs):
            begin, before = time.perf_counter(), cpu()
            question(store, draw)
            times.append(time.perf_counter() - begin)
            spent.append(cpu() - before)
        times.sort()
        at = math.ceil(0.95 * runs) - 1
        yield Timing(name, runs, statistics.median(times), times[at], times[-1], statistics.median(spent))
