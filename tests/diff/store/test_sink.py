"""The sink between a real broker and a real engine: the store ends as the embedded runtime would have filled it."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace

import msgspec
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaConnectionError

from app.distributed.living import Arrival, Living
from demo.script import Script
from demo.stored import fill
from demo.traffic import frames as fleet_frames
from diff.discrepancy import JudgedSession
from diff.policy import JUDGING_RUN
from diff.published import decode
from diff.published import encode as published
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.sink import Sink
from diff.store.tables import TABLES
from diff.store.taking import Taker
from diff.store.writer import BackPressure, Writer
from ingest.cloudevents import Record, encode
from ingest.frame import Frame
from ingest.topics import Topics

FRAMES = list(itertools.islice(fleet_frames(4, 6, 4), 1200))


def _records(topics: Topics, frames: Iterable[Frame]) -> Iterator[tuple[str, Record]]:
    """What the taps and a worker publish of frames, batch by batch."""
    states: dict[str, bytes] = {}
    living, rest = Living(topics, lambda _, charger: states.get(charger)), iter(frames)
    offsets = itertools.count()
    while part := list(itertools.islice(rest, 100)):
        yield from ((topics.frames, encode(frame)) for frame in part)
        batch = living.live(Arrival(0, next(offsets), frame) for frame in part)
        states.update((charger, data) for (_, charger), data in batch.states.items())
        for (topic, _), records in batch.outputs.items():
            yield from ((topic, record) for record in records)


def _send(kafka: str, records: Iterable[tuple[str, Record]]) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=10)
    for topic, (key, value, headers) in records:
        producer.send(topic, value, key, headers=headers)
    producer.flush()
    producer.close()


@pytest.fixture
def sinks(kafka: str, topics: Topics, store: Store) -> Iterator[Callable[..., Sink]]:
    """Makes sinks; closes those that a test left open."""
    made: list[Sink] = []

    def make(**options: object) -> Sink:
        given = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 300, **options}
        sink = Sink(kafka, topics, store, judging_run=JUDGING_RUN, **given)
        made.append(sink)
        return sink

    yield make
    for sink in made:
        if not sink._consumer._closed:
            sink._consumer.close(autocommit=False)


def _take(sink: Sink, count: int, polls: int = 150) -> None:
    """Step until so many records were taken and are committed."""
    for _ in range(polls):
        sink.step()
        if sink.records >= count and not sink._taken:
            return
    raise AssertionError(f"{sink.records} of {count} records: {sink.failure}")


def _rows(store: Store) -> dict[str, list[tuple]]:
    """Everything in the store but the times of writing."""
    tables = [name for name in TABLES if name not in ("connections", "applied")]
    found = {
        name: sorted(store.execute(f"SELECT {', '.join(TABLES[name].columns)} FROM {name} FINAL"), key=repr)
        for name in tables
    }
    found["applied_counts"] = store.execute(
        "SELECT charger_id, connection_id, bitmapToArray(groupBitmapMergeState(seqs)), min(first_seq), max(last_seq),"
        " max(last_received_at) FROM applied_counts GROUP BY ALL ORDER BY ALL"
    )
    return found


def _expected(store: Store, frames: Iterable[Frame]) -> dict[str, list[tuple]]:
    """The rows that the embedded way leaves of the same frames, in a database beside."""
    with store.beside(f"{store.address.database}_embedded") as other:
        other.migrate()
        fill(other, frames, accounts=False)
        rows = _rows(other)
        other.execute(f"DROP DATABASE {other.address.database}")
    return rows


def _committed(kafka: str, topics: Topics) -> dict[TopicPartition, int]:
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        return {place: one.offset for place, one in admin.list_group_offsets(topics.sink)[topics.sink].items()}


def test_the_store_ends_as_the_embedded_runtime_fills_it(
    kafka: str, topics: Topics, store: Store, sinks: Callable[..., Sink]
) -> None:
    """Frames with their actions, messages, sessions, discrepancies and facts are equal row by row."""
    records = list(_records(topics, FRAMES))
    _send(kafka, records)
    sink = sinks()
    _take(sink, len(records))
    sink.close()

    rows = _rows(store)
    assert rows == _expected(store, FRAMES)
    assert len(rows["frames"]) == len(FRAMES)
    assert rows["sessions"]
    assert rows["discrepancies"]
    assert rows["device_facts"]
    assert sum(_committed(kafka, topics).values()) == len(records)


def test_reading_a_range_again_changes_nothing(
    kafka: str, topics: Topics, store: Store, sinks: Callable[..., Sink]
) -> None:
    """After the group was set back to the beginning every record is read again, and every row is as it was."""
    records = list(_records(topics, FRAMES[:600]))
    _send(kafka, records)
    first = sinks()
    _take(first, len(records))
    first.close()
    before = _rows(store)
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        admin.delete_groups([topics.sink])
    second = sinks()
    _take(second, len(records))
    second.close()

    assert _rows(store) == before


def test_a_sink_that_is_killed_leaves_the_rest_to_the_next(
    kafka: str, topics: Topics, store: Store, sinks: Callable[..., Sink]
) -> None:
    """What it had taken and not committed is taken again; answers after the restart still name their action."""
    records = list(_records(topics, FRAMES))
    _send(kafka, records[:700])
    first = sinks()
    _take(first, 700)
    _send(kafka, records[700:])
    while first.records == 700:
        first._taken.clear()  # it never comes to commit
        first._since = first._clock() + 100
        first.step()
    first._consumer.close(autocommit=False)
    second = sinks()
    _take(second, len(records) - 700)
    second.close()

    assert _rows(store) == _expected(store, FRAMES)


def test_a_restart_between_call_and_answer_keeps_the_action(
    kafka: str, topics: Topics, store: Store, sinks: Callable[..., Sink]
) -> None:
    """The call is read again and its answer is put to it; the call's row is not written a second time."""
    script = Script("CP1").boot().call("Heartbeat", {})
    before = list(script.frames)
    script.answer({"currentTime": "2030-01-01T12:00:00Z"})
    _send(kafka, ((topics.frames, encode(frame)) for frame in before))
    first = sinks()
    _take(first, len(before))
    first.close()
    _send(kafka, [(topics.frames, encode(script.frames[-1]))])
    second = sinks()
    _take(second, len(before) + 1)
    written = second._writer.written
    second.close()

    answer = script.frames[-1].frame_id
    assert store.execute("SELECT action, message_type FROM frames FINAL WHERE frame_id = %(id)s", {"id": answer}) == [
        ("Heartbeat", "result")
    ]
    assert written == 1


def test_a_frame_that_was_delivered_twice_keeps_its_action(
    kafka: str, topics: Topics, store: Store, sinks: Callable[..., Sink]
) -> None:
    """Paired a second time an answer would be nobody's."""
    script = Script("CP1").boot()
    _send(kafka, ((topics.frames, encode(frame)) for frame in [*script.frames, *script.frames]))
    sink = sinks()
    _take(sink, 2 * len(script.frames))
    sink.close()

    assert _rows(store)["frames"] == _expected(store, script.frames)["frames"]


def test_while_the_store_is_away_nothing_is_committed(
    kafka: str, topics: Topics, engine: EmbeddedEngine, store: Store, sinks: Callable[..., Sink]
) -> None:
    """The sink waits, stays in its group, and goes on when the store is back."""
    records = list(_records(topics, FRAMES[:300]))
    sink = sinks(max_age=0.1)
    sink.step()
    engine.stop()
    try:
        _send(kafka, records)
        for _ in range(20):
            sink.step()
        failure, taken = sink.failure, sink.records
        assert sum(_committed(kafka, topics).values()) == 0
    finally:
        engine.start()
    _take(sink, len(records))
    sink.close()

    assert "is away" in failure
    assert taken <= len(records)
    assert sink.failure == ""
    assert _rows(store) == _expected(store, FRAMES[:300])


def test_a_commit_that_failed_is_made_good_without_another_record(
    kafka: str, topics: Topics, sinks: Callable[..., Sink], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker went away between storing and committing, and the partitions stay silent from then on."""
    records = list(_records(topics, FRAMES[:50]))
    _send(kafka, records)
    sink = sinks(max_age=0.1)

    def away(*_: object) -> None:
        raise KafkaConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(sink._consumer, "commit", away)
        while sink.records < len(records):
            sink.step()
        sink.flush()
    assert sum(_committed(kafka, topics).values()) == 0
    time.sleep(0.2)
    sink.step()
    assert sum(_committed(kafka, topics).values()) == len(records)


def test_a_record_that_cannot_be_read_becomes_a_dead_letter(
    kafka: str, topics: Topics, store: Store, sinks: Callable[..., Sink]
) -> None:
    """In an output topic; of a frame that is none the worker tells."""
    broken = Record(b"CP1", b'{"no": "session"}', [])
    _send(kafka, [(topics.sessions, broken), (topics.frames, broken), *_records(topics, FRAMES[:50])])
    sink = sinks()
    count = 2 + len(list(_records(topics, FRAMES[:50])))
    _take(sink, count)
    sink.close()

    (letter,) = store.execute("SELECT charger_id, source, position, reason, size FROM dead_letters FINAL")
    assert letter[:2] == ("CP1", "sink")
    assert letter[2].startswith(f"{topics.sessions}/")
    assert letter[3].startswith("no JudgedSession: ")
    assert letter[4] == len(broken.value)
    assert sink.unreadable == 2


def test_a_store_that_is_away_for_long_bounds_what_is_held(
    kafka: str, topics: Topics, engine: EmbeddedEngine, store: Store, sinks: Callable[..., Sink]
) -> None:
    """Longer than its session: the sink holds one flush and a poll at most, and is still in its group."""
    records = list(_records(topics, [*FRAMES, *fleet_frames(5, 30, 2)]))
    assert len(records) > 5_000
    sink = sinks(max_rows=500, max_age=0.1, session_timeout_ms=2000)
    sink.step()
    engine.stop()
    try:
        _send(kafka, records)
        began, held = time.monotonic(), 0
        while (lasted := time.monotonic() - began) < 4 or (sink.retries < 2 and lasted < 30):  # its session is 2 s
            sink.step()
            held = max(held, sink._writer.waiting)
        with KafkaAdminClient(bootstrap_servers=kafka) as admin:
            (members,) = (group["members"] for group in admin.describe_groups([topics.sink]).values())
    finally:
        engine.start()
    _take(sink, len(records), polls=400)
    sink.close()

    assert 0 < held <= 500 + 2_000
    assert sink.retries > 1
    assert len(members) == 1
    assert store.execute("SELECT count() FROM frames FINAL") == store.execute("SELECT uniqExact(frame_id) FROM frames")
    assert sum(_committed(kafka, topics).values()) == len(records)


def test_a_rebalance_while_a_flush_waits_loses_nothing(
    kafka: str, topics: Topics, engine: EmbeddedEngine, store: Store, sinks: Callable[..., Sink]
) -> None:
    """What the first sink held when its partitions went is taken by the second, and rows of both are one."""
    records = list(_records(topics, FRAMES))
    first, second = sinks(max_age=0.1), sinks(max_age=0.1)
    # Each has a thread: who joins waits for the other, as processes do.
    threads = [threading.Thread(target=sink.run) for sink in (first, second)]
    engine.stop()
    try:
        _send(kafka, records)
        threads[0].start()
        _until(lambda: first.failure)
        held = first._writer.waiting
        threads[1].start()
        _until(lambda: second.places)
        committed = sum(_committed(kafka, topics).values())
    finally:
        engine.start()
        try:
            _until(lambda: sum(_committed(kafka, topics).values()) == len(records))
        finally:
            first.stopping = second.stopping = True
            for thread in threads:
                thread.join(20)

    assert held > 0
    assert committed == 0
    assert second.records > 0
    assert _rows(store) == _expected(store, FRAMES)


def _until(condition: Callable[[], object], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.1)


def test_a_row_that_the_store_refuses_holds_nothing_up(
    kafka: str, topics: Topics, store: Store, sinks: Callable[..., Sink]
) -> None:
    """It becomes a dead letter; the rest of its batch is stored, and everything is committed."""
    records = list(_records(topics, FRAMES[:300]))
    session = next(decode(record.value, JudgedSession) for topic, record in records if topic == topics.sessions)
    poison = published(msgspec.structs.replace(session, session_id="poison", version=2**80))
    _send(kafka, [*records[:200], (topics.sessions, poison), *records[200:]])
    sink = sinks()
    _take(sink, len(records) + 1)
    refused = sink.refused
    sink.close()

    rows = _rows(store)
    (letter,) = rows.pop("dead_letters")
    assert refused == 1
    assert letter[3:5] == ("writer", f"sessions '{session.charger_id}'/'live'/'poison'")
    expected = _expected(store, FRAMES[:300])
    assert rows == {name: lines for name, lines in expected.items() if name != "dead_letters"}
    assert sum(_committed(kafka, topics).values()) == len(records) + 1


def test_a_record_waits_for_room_and_is_taken_once(engine: EmbeddedEngine, store: Store) -> None:
    """A frame that found no room is written when there is some; paired again, it would have been passed over."""
    frames = FRAMES[:20]
    writer = Writer(store, max_rows=2, capacity=5)
    waits = []

    def wait(pressure: BackPressure) -> None:
        waits.append(pressure)
        engine.restart()
        time.sleep(pressure.retry_after)

    taker = Taker(Topics(), writer, wait)
    engine.stop()
    try:
        for number, frame in enumerate(frames):
            key, value, headers = encode(frame)
            taker.take(SimpleNamespace(topic=Topics().frames, key=key, value=value, headers=headers, offset=number))
    finally:
        engine.restart()
    writer.flush()

    assert waits
    found = store.execute("SELECT frame_id FROM frames FINAL")
    assert sorted(name for (name,) in found) == sorted(frame.frame_id for frame in frames if frame.kind != "tick")
