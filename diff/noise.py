"""The noise floor: the same frames lived again in other ways, which must give the same outcome (A/A). Pure.

The ways are those in which one run differs from the next although the charging stations did the same: frames that come
twice, batches that end elsewhere, charging stations spread over other workers, and connections that arrive in another
order. Of the last the outcome is what remains when the range was judged again in canonical order, as for every frame
that comes late. Whatever differs then is made by this program and not by the fleet: no verdict can be finer than that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from diff.discrepancy import Discrepancy, JudgedSession, Status
from diff.fleet import Fleet
from diff.judgement import Judgement, JudgeState
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from diff.rejudge import Outcome, RejudgeRequest, correct, judge_again
from ingest.frame import Frame, FrameKind, Micros
from shadow import codec
from shadow.config import DEFAULT, ShadowConfig

__all__ = ["WAYS", "Difference", "LivedAgain", "NoiseRun", "lived_again"]

_BATCH: Final = 7
"""Frames after which every state is written and read again; no dialogue has its length."""
_WORKERS: Final = 3
_LATEST: Final = 5
"""A duplicate comes at once or up to so many frames later."""
_LONGEST_DELAY: Final = 31
"""Seconds by which a connection may arrive late."""
_SECOND: Final[Micros] = 1_000_000
_MOST_NAMED: Final = 1000


class Difference(msgspec.Struct, frozen=True):
    """A row that one way of living gives otherwise. Values are not repeated: they may be about people."""

    way: str
    """In which of `WAYS`."""
    what: str
    """`session`, `discrepancy`, `message`, or `fault`."""
    id: str
    charger_id: str
    fields: tuple[str, ...]
    """The fields that differ; none where the row is missing on one side."""

    def __str__(self) -> str:
        how = f"differs in {', '.join(self.fields)}" if self.fields else "stands on one side only"
        return f"{self.what} {self.id} of {self.charger_id} {how} ({self.way})"


class LivedAgain(msgspec.Struct, frozen=True):
    """What living frames again showed."""

    frames: int
    chargers: int
    sessions: int
    discrepancies: int
    """Open ones."""
    differences: int
    named: tuple[Difference, ...]
    """The first thousand of them."""


class NoiseRun(msgspec.Struct, frozen=True):
    """A run over stored frames or recordings, as it is kept for the noise gate."""

    id: str
    at: Micros
    """When it ended."""
    mapper_version: str
    policy_version: str
    schema_version: str
    source: str
    """What was lived again, in words."""
    frames: int
    chargers: int
    sessions: int
    discrepancies: int
    differences: int
    first: str
    """The first difference in words; empty where there is none."""


class _Life(msgspec.Struct):
    """One way's outcome."""

    sessions: dict[str, JudgedSession] = {}
    discrepancies: dict[str, Discrepancy] = {}
    messages: dict[str, bytes] | None = {}
    """Digests by id; None where the way makes no messages that could be compared."""
    faults: list[tuple[str, str]] = []
    """Charging station and frame."""

    def take(self, judgements: Iterable[Judgement]) -> None:
        for judgement in judgements:
            self.sessions.update((row.session_id, row) for row in judgement.sessions)
            self.discrepancies.update((row.id, row) for row in judgement.discrepancies)
            if self.messages is not None:
                for message in judgement.observations.messages:
                    key = f"{message.charger_id} {message.message_id}"
                    self.messages[key] = blake2b(_encode(message), digest_size=8).digest()


def lived_again(
    frames: Iterable[Frame], until: Micros, config: ShadowConfig = DEFAULT, policy: Policy = DEFAULT_POLICY
) -> LivedAgain:
    """Live frames in canonical order, and then in each of `WAYS`; what is due by `until` falls due in all of them.

    All frames of the charging stations have to be there, of as many of them as fit into memory.
    """
    ordered = sorted(frames, key=lambda frame: frame.order_key)
    ticks = [frame for frame in ordered if frame.kind is FrameKind.TICK]
    own = [frame for frame in ordered if frame.kind is not FrameKind.TICK]
    plain = _live((*ordered, _end(until)), Fleet(config, policy))
    found: list[Difference] = []
    count = 0
    for name, way in WAYS.items():
        for difference in _differences(name, plain, way(own, ticks, until, config, policy)):
            count += 1
            if len(found) < _MOST_NAMED:
                found.append(difference)
    opened = sum(row.status is Status.OPEN for row in plain.discrepancies.values())
    chargers = len({frame.charger_id for frame in own})
    return LivedAgain(len(own), chargers, len(plain.sessions), opened, count, tuple(found))


def _live(frames: Iterable[Frame], fleet: Fleet, life: _Life | None = None) -> _Life:
    found = _Life() if life is None else life
    for frame in frames:
        found.take(fleet.feed(frame))
    found.faults += [(fault.charger_id, fault.frame_id) for fault in fleet.take_faults()]
    return found


def _duplicates(
    own: Sequence[Frame], ticks: Sequence[Frame], until: Micros, config: ShadowConfig, policy: Policy
) -> _Life:
    """Every frame twice: at once, or behind some that came after it."""
    waiting: dict[int, list[Frame]] = defaultdict(list)

    def twice() -> Iterator[Frame]:
        for place, frame in enumerate(_merged(own, ticks)):
            yield frame
            if frame.kind is not FrameKind.TICK:
                waiting[place + _number(frame.frame_id, _LATEST)].append(frame)
            yield from waiting.pop(place, ())
        for late in waiting.values():
            yield from late
        yield _end(until)

    return _live(twice(), Fleet(config, policy))


def _batches(
    own: Sequence[Frame], ticks: Sequence[Frame], until: Micros, config: ShadowConfig, policy: Policy
) -> _Life:
    """Batches that end elsewhere: what is not in the written state is lost at each end."""
    fleet, life = Fleet(config, policy), _Life()
    touched: set[str] = set()
    for place, frame in enumerate(_merged(own, ticks), start=1):
        _live((frame,), fleet, life)
        touched.add(frame.charger_id)
        if place % _BATCH == 0:
            for charger_id in touched & fleet.chargers.keys():
                fleet.chargers[charger_id] = codec.decode(codec.encode(fleet.chargers[charger_id]), JudgeState)
            touched.clear()
    return _live((_end(until),), fleet, life)


def _workers(
    own: Sequence[Frame], ticks: Sequence[Frame], until: Micros, config: ShadowConfig, policy: Policy
) -> _Life:
    """Charging stations on other workers, one worker's after another's."""
    life = _Life()
    for worker in range(_WORKERS):
        mine = [frame for frame in own if _number(frame.charger_id, _WORKERS) == worker]
        _live((*_merged(mine, ticks), _end(until)), Fleet(config, policy), life)
    return life


def _shuffled(
    own: Sequence[Frame], ticks: Sequence[Frame], until: Micros, config: ShadowConfig, policy: Policy
) -> _Life:
    """Connections that arrive late, each by its own time; then every charging station judged again."""
    delays = {frame.connection_id: _number(frame.connection_id, _LONGEST_DELAY) * _SECOND for frame in own}
    arriving = sorted(own, key=lambda frame: (frame.received_at + delays[frame.connection_id], *frame.order_key))
    life = _live((*_merged(arriving, ticks), _end(until)), Fleet(config, policy))
    life.messages = None
    by_charger: dict[str, list[Frame]] = defaultdict(list)
    for frame in own:
        by_charger[frame.charger_id].append(frame)
    for charger_id, frames in by_charger.items():
        stored = Outcome(_of(life.sessions, charger_id), _of(life.discrepancies, charger_id))
        last = max(until, stored.latest)
        request = RejudgeRequest(charger_id, frames[0].received_at, last, len(frames), frames[-1].frame_id)
        corrections = correct(
            request, stored, judge_again(frames, until, config, policy), frames[0].received_at, whole_life=True
        )
        life.sessions.update((row.session_id, row) for row in corrections.sessions)
        life.discrepancies.update((row.id, row) for row in corrections.discrepancies)
    return life


_Way = Callable[[Sequence[Frame], Sequence[Frame], Micros, ShadowConfig, Policy], _Life]

WAYS: Final[dict[str, _Way]] = {
    "duplicates": _duplicates,
    "other batches": _batches,
    "other workers": _workers,
    "shuffled arrival": _shuffled,
}


def _differences(way: str, plain: _Life, other: _Life) -> Iterator[Difference]:
    """What stands and is not the same on both sides. A row that was taken back is as one that was never raised."""
    rows: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
        ("session", _standing(plain.sessions), _standing(other.sessions)),
        ("discrepancy", _standing(plain.discrepancies), _standing(other.discrepancies)),
    )
    for what, ours, theirs in rows:
        for key in sorted({*ours, *theirs}):
            one, two = ours.get(key), theirs.get(key)
            if one is None or two is None:
                only = two if one is None else one
                yield Difference(way, what, key, getattr(only, "charger_id", ""), ())
            elif one != two:
                fields = [name for name in one.__struct_fields__ if getattr(one, name) != getattr(two, name)]
                yield Difference(way, what, key, one.charger_id, tuple(fields))
    if plain.messages is not None and other.messages is not None:
        for key in sorted({*plain.messages, *other.messages}):
            if plain.messages.get(key) != other.messages.get(key):
                charger_id, _, message_id = key.rpartition(" ")
                both = key in plain.messages and key in other.messages
                yield Difference(way, "message", message_id, charger_id, ("payload",) if both else ())
    for charger_id, frame_id in sorted({*plain.faults} ^ {*other.faults}):
        yield Difference(way, "fault", frame_id, charger_id, ())


def _standing(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Versions only count changes: judging again adds one."""
    return {key: msgspec.structs.replace(row, version=0) for key, row in rows.items() if row.status is Status.OPEN}


def _of(rows: Mapping[str, Any], charger_id: str) -> dict[str, Any]:
    return {key: row for key, row in rows.items() if row.charger_id == charger_id}


def _merged(own: Sequence[Frame], ticks: Sequence[Frame]) -> Iterator[Frame]:
    """The ticks between the frames, where their time falls: no frame is moved by them."""
    waiting = iter(ticks)
    tick = next(waiting, None)
    for frame in own:
        while tick is not None and tick.received_at < frame.received_at:
            yield tick
            tick = next(waiting, None)
        yield frame
    if tick is not None:
        yield tick
        yield from waiting


def _end(until: Micros) -> Frame:
    return Frame("", "", 0, until, FrameKind.TICK)


def _number(text: str, below: int) -> int:
    """A number that depends on nothing but the text: the same frames are always disturbed alike."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest()) % below


_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
