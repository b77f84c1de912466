"""What has come of a drill, set against one undisturbed run in one process over the same frames."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from app.storing import Keeper
from diff.fleet import Fleet
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.tables import TABLES
from diff.store.writer import Writer
from ingest import cloudevents
from ingest.cloudevents import UndecodableError, header_map
from ingest.frame import Frame, FrameKind
from tests.drills.distributed.runtime import Runtime

COMPARED = ("frames", "messages", "sessions", "discrepancies", "device_facts")


@dataclass
class Record:
    """The topic of frames, read to its end."""

    partitions: dict[int, list[Frame]]
    """In the order of their offsets, repeats included."""
    undecodable: int = 0

    @property
    def frames(self) -> list[Frame]:
        """All but ticks."""
        found = itertools.chain.from_iterable(self.partitions.values())
        return [frame for frame in found if frame.kind is not FrameKind.TICK]

    @property
    def ids(self) -> set[str]:
        return {frame.frame_id for frame in self.frames}

    @property
    def messages(self) -> int:
        """Texts of either side, each once."""
        return len({frame.frame_id for frame in self.frames if frame.kind is FrameKind.MESSAGE})

    @classmethod
    def read(cls, runtime: Runtime) -> "Record":
        name = runtime.topics.frames
        places = [TopicPartition(name, number) for number in range(runtime.topics.partitions)]
        consumer = KafkaConsumer(bootstrap_servers=runtime.broker.bootstrap, group_id=None, fetch_max_wait_ms=50)
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(places)
        record = cls({place.partition: [] for place in places})
        while any(consumer.position(place) < end for place, end in ends.items()):
            for one in itertools.chain.from_iterable(consumer.poll(500).values()):
                try:
                    frame = cloudevents.decode(one.key, one.value, header_map(one.headers))
                except UndecodableError:
                    record.undecodable += 1
                else:
                    record.partitions[one.partition].append(frame)
        consumer.close()
        return record


@dataclass
class Outcome:
    """The store beside what it should hold."""

    record: Record
    stored: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    expected: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)
    unmerged: int = 0
    """Rows of frames that are there before ClickHouse merges repeats."""
    ids: int = 0
    counted: int = 0

    @classmethod
    def of(cls, runtime: Runtime) -> "Outcome":
        """Read everything, and live the frames once more, in order and each once."""
        outcome = cls(Record.read(runtime))
        with runtime.store() as store:
            outcome.stored = {name: rows(store, name) for name in COMPARED}
            outcome.letters = store.rows("SELECT * EXCEPT ingested_at FROM dead_letters FINAL ORDER BY id")
            outcome.counted, outcome.ids = store.execute("SELECT count(), uniqExact(frame_id) FROM frames FINAL")[0]
            outcome.unmerged = store.execute("SELECT count() FROM frames")[0][0]
        with runtime.store(f"{runtime.database}_expected") as store:
            store.migrate()
            live(outcome.record, runtime, store)
            outcome.expected = {name: rows(store, name) for name in COMPARED}
        return outcome

    def check(self) -> None:
        """Every frame of the record is in the store exactly once, and all that was judged is as it should be."""
        ids = self.record.ids
        assert self.counted == self.ids == len(ids)
        assert {row["frame_id"] for row in self.stored["frames"]} == ids
        for name in COMPARED:
            assert self.expected[name], f"no {name}: this drill shows nothing about them"
            assert difference(self.stored[name], self.expected[name], name) == ""

    @property
    def line(self) -> str:
        """Counts in one line."""
        counts = ", ".join(f"{len(self.stored[name])} {name}" for name in COMPARED[1:])
        repeats = len(self.record.frames) - len(self.record.ids)
        return (
            f"{len(self.record.ids)} frames published ({repeats} of them more than once), {self.counted} stored once "
            f"({self.unmerged} rows before merging), {counts}"
        )


def rows(store: Store, name: str) -> list[dict[str, Any]]:
    """Every column that was written, in the order of the key."""
    table = TABLES[name]
    key = ", ".join(table.columns[place] for place in table.key)
    return store.rows(f"SELECT {', '.join(table.columns)} FROM {name} FINAL ORDER BY {key}")


def live(record: Record, runtime: Runtime, store: Store) -> None:
    """One undisturbed run: every frame once, in the order in which it was published first; no error of ours."""
    settings = runtime.settings
    keeper_writer = Writer(store, judging_run=JUDGING_RUN)
    keeper = Keeper(keeper_writer)
    for frames in record.partitions.values():
        fleet = Fleet(settings.shadow_config(), settings.policy())
        seen: set[str] = set()
        for frame in frames:
            if frame.frame_id not in seen:
                seen.add(frame.frame_id)
                keeper.keep(frame, list(fleet.feed(frame)))
        assert fleet.take_faults() == []
    keeper_writer.flush()


def difference(left: list[dict[str, Any]], right: list[dict[str, Any]], name: str) -> str:
    """What differs first, in words; empty where nothing does."""
    table = TABLES[name]
    key = [table.columns[place] for place in table.key]
    mine, theirs = ({tuple(row[part] for part in key): row for row in side} for side in (left, right))
    if missing := theirs.keys() - mine.keys():
        return f"{len(missing)} {name} missing, first {min(missing)}"
    if extra := mine.keys() - theirs.keys():
        return f"{len(extra)} {name} too many, first {min(extra)}"
    changed = [place for place in mine if mine[place] != theirs[place]]
    if not changed:
        return ""
    place = min(changed)
    ours, wanted = mine[place], theirs[place]
    what = {column: (ours[column], wanted[column]) for column in ours if ours[column] != wanted[column]}
    return f"{len(changed)} {name} differ, first {place}: {what}"
