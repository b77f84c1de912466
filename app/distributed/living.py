"""A batch of frames lived: state bytes in, state bytes and records out. Knows nothing of Kafka or Faust. Pure.

Each charging station's state is decoded at most once and encoded once a batch. A frame that the core cannot live is
given up with a dead letter, and its charging station goes on as if the frame had not come.

A state that cannot be read is lived anew from the topic of frames, as far as that reaches: its partition is read again
from there, and every other charging station passes over what is in its state already.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from app.distributed import lateness
from app.distributed.lateness import Order
from diff.applied import applied_by
from diff.fleet import place_of
from diff.judge import Judgement, JudgeState, due, judge, new_state
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import JUDGING_RUN, Policy
from diff.published import Published, encode
from diff.store.tables import ChargerFacts, DeadLetter
from ingest.cloudevents import Record
from ingest.frame import UNKNOWN_TIME, Frame, FrameKind, Micros
from ingest.topics import Topics
from shadow import codec
from shadow.config import DEFAULT, ShadowConfig

__all__ = ["Arrival", "Batch", "Kept", "Living"]

_MOST_CACHED: Final = 5_000
"""Decoded states held beside their bytes; the bytes stay the truth."""
_LONGEST_REASON: Final = 500


class Kept(msgspec.Struct):
    """What is kept of one charging station between two batches."""

    partition: int
    """Of the topic of frames: whose ticks wake it."""
    due: Micros | None
    first_seen: Micros
    state: JudgeState
    offset: int = 0
    """Behind the last record of the partition that is in the state; what comes again from before it brings nothing."""
    rebuilt_until: int = 0
    """A state that could not be read is lived anew from the topic: up to here. 0 where it never had to be."""
    order: Order = Order()


class _Outline(msgspec.Struct):
    """The part of `Kept` that is needed to know whom a tick wakes, and what is being rebuilt."""

    partition: int
    due: Micros | None
    offset: int = 0
    rebuilt_until: int = 0


class Arrival(NamedTuple):
    """One record of the topic of frames: a frame, or why it is none."""

    partition: int
    offset: int
    frame: Frame | None
    reason: str = ""
    key: str = ""
    size: int = 0


class Batch(msgspec.Struct):
    """What a batch brought, to be written in this order: outputs, then states."""

    outputs: dict[tuple[str, int], list[Record]]
    """By topic and partition."""
    states: dict[tuple[int, str], bytes]
    """By partition and charging station."""
    requests: dict[tuple[str, int], list[Record]] = msgspec.field(default_factory=lambda: defaultdict(list))
    """To judge again; to be written when the outputs are acknowledged, since they are about those."""
    frames: int = 0
    letters: int = 0
    late: int = 0
    """Frames behind their place in the canonical order of their charging station."""
    comparisons: int = 0
    """Sessions compared for the first time."""
    discrepancies: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    """Versions of rows by code and severity."""
    rebuild: set[int] = msgspec.field(default_factory=set)
    """Partitions to be read again from their beginning, because of a state that cannot be read."""


class _Touched:
    """A charging station in a batch."""

    __slots__ = ("before", "judgements", "kept", "last_seen", "lived", "now")

    def __init__(self, kept: Kept, before: bytes | None) -> None:
        self.kept = kept
        self.before = before
        self.lived: list[Frame] = []
        self.judgements: list[Judgement] = []
        self.last_seen: Micros | None = None
        self.now: Micros = 0
        """Of the latest frame or tick."""

    def take(self, frame: Frame, judgement: Judgement, *, fired: bool) -> None:
        """Note a frame that was lived, and what it brought. `fired`: something fell due before it."""
        self.lived.append(frame)
        self.judgements.append(judgement)
        self.now = max(self.now, frame.received_at)
        if frame.kind is FrameKind.TICK:
            if fired:
                self.kept.order = lateness.ticked(self.kept.order, frame.received_at)
        else:
            self.kept.order = lateness.seen(self.kept.order, frame)
            if frame.kind is not FrameKind.RECORD:  # a bill is no sign of life
                self.last_seen = frame.received_at
            if self.kept.first_seen == UNKNOWN_TIME:
                self.kept.first_seen = frame.received_at
        if judgement.sessions or judgement.discrepancies:
            self.kept.order = lateness.spoken(self.kept.order)


class Living:
    """The charging stations of all partitions that this worker has been given."""

    def __init__(
        self,
        topics: Topics,
        load: Callable[[int, str], bytes | None],
        config: ShadowConfig = DEFAULT,
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        """Prepare. `load` gives the stored state of a charging station of a partition."""
        self._topics = topics
        self._load = load
        self._config, self._policy = config, policy
        self._cache: OrderedDict[str, tuple[bytes, Kept]] = OrderedDict()
        self._due: dict[int, dict[str, Micros]] = defaultdict(dict)
        self._furthest: dict[int, int] = {}
        self._renewed: dict[int, int] = {}
        self.again: dict[int, int] = {}
        """By partition: from which offset it must be read again, to finish states that are being lived anew."""

    def follow(self, policy: Policy) -> None:
        """Judge by this policy from now on."""
        self._policy = policy

    def forget(self, stored: Iterable[tuple[str, bytes]]) -> None:
        """Partitions came or went: trust nothing but what is stored, and note again whom a tick wakes."""
        self._cache.clear()
        self._due.clear()
        self._furthest.clear()
        self._renewed.clear()
        self.again.clear()
        for charger_id, data in stored:
            try:
                outline = codec.decode(data, _Outline)
            except codec.StateError:
                continue  # told with a dead letter when its next frame comes
            partition = outline.partition
            self._furthest[partition] = max(self._furthest.get(partition, 0), outline.offset)
            if outline.due is not None:
                self._due[partition][charger_id] = outline.due
            if outline.offset < outline.rebuilt_until:
                self.again[partition] = min(self.again.get(partition, outline.offset), outline.offset)

    def begin(self, partition: int, end: int) -> bool:
        """Compare the states with the end of their partition; False where they know more than it holds.

        Then the topic was made anew beneath them: offsets say nothing any more about what is in a state.
        """
        if self._furthest.get(partition, 0) <= end:
            return True
        self._renewed[partition] = end
        self.again.pop(partition, None)
        return False

    def live(self, arrivals: Iterable[Arrival]) -> Batch:
        """Live a batch, in order."""
        batch = Batch(defaultdict(list), {})
        touched: dict[tuple[int, str], _Touched] = {}
        for arrival in arrivals:
            if arrival.partition in batch.rebuild:
                continue  # it comes again
            batch.frames += 1
            if arrival.frame is None:
                self._give_up(batch, arrival, arrival.key, 0, arrival.reason)
            elif arrival.frame.kind is FrameKind.TICK:
                self._tick(batch, touched, arrival, arrival.frame)
            else:
                self._frame(batch, touched, arrival, arrival.frame.charger_id, arrival.frame)
        for (partition, charger_id), one in touched.items():
            self._finish(batch, partition, charger_id, one)
        return batch

    def _tick(self, batch: Batch, touched: dict[tuple[int, str], _Touched], arrival: Arrival, frame: Frame) -> None:
        waiting = self._due[arrival.partition]
        for charger_id in sorted(key for key, at in waiting.items() if at <= frame.received_at):
            self._frame(batch, touched, arrival, charger_id, frame)

    def _frame(
        self,
        batch: Batch,
        touched: dict[tuple[int, str], _Touched],
        arrival: Arrival,
        charger_id: str,
        frame: Frame,
    ) -> None:
        key = (arrival.partition, charger_id)
        one = touched.get(key)
        if one is None:
            opened = self._open(batch, arrival, charger_id, frame)
            if opened is None:
                return
            one = touched[key] = opened
        if arrival.offset < one.kept.offset:
            return
        if one.kept.first_seen == UNKNOWN_TIME and one.kept.rebuilt_until:
            reason = f"the state is known from {frame.frame_id} on; what came before has expired"
            self._give_up(batch, arrival, charger_id, frame.received_at, reason)
        before = due(one.kept.state)
        try:
            _, judgement = judge(one.kept.state, frame, self._config, self._policy)
        except Exception as error:  # noqa: BLE001 - one frame must not stop the others, whatever is wrong with it
            self._give_up(batch, arrival, charger_id, frame.received_at, place_of(error))
            self._rewind(one, charger_id, frame)
            at = None if frame.kind is FrameKind.TICK else due(one.kept.state)  # else each tick would fail again
        else:
            one.take(frame, judgement, fired=before is not None and before <= frame.received_at)
            at = _earlier(due(one.kept.state), lateness.due(one.kept.order))
        one.kept.offset = arrival.offset + 1
        self._wait(arrival.partition, charger_id, one.kept, at)

    def _wait(self, partition: int, charger_id: str, kept: Kept, at: Micros | None) -> None:
        """Note when a tick has to wake a charging station."""
        kept.due = at
        if at is None:
            self._due[partition].pop(charger_id, None)
        else:
            self._due[partition][charger_id] = at

    def _open(self, batch: Batch, arrival: Arrival, charger_id: str, frame: Frame) -> _Touched | None:
        """The charging station as it is stored; None where it cannot be read and must be lived anew first."""
        data = self._load(arrival.partition, charger_id)
        cached = self._cache.pop(charger_id, None)
        if data is None:
            return _Touched(_new(arrival.partition, charger_id, frame), None)
        if cached is not None and cached[0] == data:
            return _Touched(cached[1], data)
        try:
            kept = codec.decode(data, Kept)
        except codec.StateError as error:
            self._begin_anew(batch, arrival, charger_id, frame, error)
            return None
        if kept.offset > self._renewed.get(arrival.partition, kept.offset):
            kept.offset = kept.rebuilt_until = 0
        return _Touched(kept, data)

    def _begin_anew(
        self, batch: Batch, arrival: Arrival, charger_id: str, frame: Frame, error: codec.StateError
    ) -> None:
        reason = f"{error}; lived anew up to {frame.frame_id} from what the topic of frames still holds"
        self._give_up(batch, arrival, charger_id, frame.received_at, reason)
        kept = _new(arrival.partition, charger_id, frame)
        kept.rebuilt_until, kept.first_seen = arrival.offset, UNKNOWN_TIME
        batch.states[arrival.partition, charger_id] = codec.encode(kept)
        batch.rebuild.add(arrival.partition)

    def _rewind(self, one: _Touched, charger_id: str, frame: Frame) -> None:
        """A frame that failed left the state half changed: make it anew, without that frame."""
        failed = one.kept
        if one.before is None:
            one.kept = _new(failed.partition, charger_id, one.lived[0] if one.lived else frame)
        else:
            one.kept = codec.decode(one.before, Kept)
        one.kept.order, one.kept.rebuilt_until = failed.order, failed.rebuilt_until
        one.judgements = [judge(one.kept.state, lived, self._config, self._policy)[1] for lived in one.lived]

    def _finish(self, batch: Batch, partition: int, charger_id: str, one: _Touched) -> None:
        topics = self._topics
        for judgement in one.judgements:
            batch.comparisons += judgement.compared
            for message in judgement.observations.messages:
                _add(batch, topics.messages, partition, message)
            for fact in judgement.observations.facts:
                _add(batch, topics.device_facts, partition, fact)
            for session in judgement.sessions:
                _add(batch, topics.sessions, partition, session)
            for row in judgement.discrepancies:
                _add(batch, topics.discrepancies, partition, row)
                batch.discrepancies[row.code, row.severity.value] += 1
        if one.last_seen is not None:
            _add(batch, topics.chargers, partition, _facts(charger_id, one.kept, one.last_seen))
        applied = applied_by(charger_id, one.lived)
        if applied is not None:
            _add(batch, topics.applied, partition, applied)
        if one.kept.order.since:
            self._ask_again(batch, partition, charger_id, one)
        data = batch.states[partition, charger_id] = codec.encode(one.kept)
        self._cache[charger_id] = (data, one.kept)
        if len(self._cache) > _MOST_CACHED:
            self._cache.popitem(last=False)

    def _ask_again(self, batch: Batch, partition: int, charger_id: str, one: _Touched) -> None:
        state = one.kept.state
        idle = not state.shadow.station.waiting and not any(pair.open for pair in state.pairs.by_id.values())
        last = next((frame.frame_id for frame in reversed(one.lived) if frame.kind is not FrameKind.TICK), "")
        news = one.kept.order.late - one.kept.order.told
        one.kept.order, request = lateness.ranged(one.kept.order, charger_id, last, idle=idle, now=one.now)
        self._wait(partition, charger_id, one.kept, _earlier(due(one.kept.state), lateness.due(one.kept.order)))
        if request is not None:
            batch.requests[self._topics.rejudge, partition].append(encode(request))
            batch.late += news

    def _give_up(self, batch: Batch, arrival: Arrival, charger_id: str, at: Micros, reason: str) -> None:
        """The text is not repeated (law 8): the position says where it lies."""
        batch.letters += 1
        position = f"{self._topics.frames}/{arrival.partition}/{arrival.offset}"
        letter = DeadLetter(charger_id, at, "worker", position, reason[:_LONGEST_REASON], arrival.size)
        _add(batch, self._topics.dead_letters, arrival.partition, letter)


def _earlier(one: Micros | None, other: Micros | None) -> Micros | None:
    return one if other is None else other if one is None else min(one, other)


def _new(partition: int, charger_id: str, frame: Frame) -> Kept:
    return Kept(partition, None, frame.received_at, new_state(charger_id))


def _facts(charger_id: str, kept: Kept, last_seen: Micros) -> ChargerFacts:
    who = kept.state.charger
    return ChargerFacts(
        charger_id,
        JUDGING_RUN,
        who.vendor,
        who.model,
        who.firmware,
        kept.first_seen,
        last_seen,
        kept.state.comparisons,
        max(last_seen, 1),
    )


def _add(batch: Batch, topic: str, partition: int, item: Published) -> None:
    batch.outputs[topic, partition].append(encode(item))
