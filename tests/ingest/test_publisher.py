"""The publisher against a real broker: order, restarts, a broker that dies, and what it refuses."""

import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from app.stack.broker import Broker
from demo.traffic import frames as fleet_frames
from ingest.cloudevents import decode
from ingest.frame import Frame, FrameKind
from ingest.journal import Journal, Position
from ingest.publisher import Publisher, PublisherError, let_go, read_position
from ingest.topic_admin import create
from ingest.topics import Topics


def _frames(count: int, seed: int = 1) -> list[Frame]:
    return list(itertools.islice(fleet_frames(seed, 8, 20), count))


def _write(directory: Path, frames: Iterable[Frame], **limits: int) -> None:
    journal = Journal(directory, **limits)
    for frame in frames:
        assert journal.append(frame) == ""
    journal.close()


def _read(bootstrap: str, topic: str) -> Iterator[tuple[int, Frame]]:
    """All frames of a topic, partition by partition in order."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, fetch_max_wait_ms=50)
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
    for one in partitions:
        consumer.assign([one])
        consumer.seek_to_beginning(one)
        end = consumer.end_offsets([one])[one]
        while consumer.position(one) < end:
            for record in itertools.chain.from_iterable(consumer.poll(500).values()):
                yield record.partition, decode(record.key, record.value, record.headers)
    consumer.close()


def _publisher(kafka: str, topic: str, directory: Path) -> Publisher:
    return Publisher(directory / "journal", directory / "position.json", kafka, topic)


def _drain(publisher: Publisher) -> None:
    while publisher.step():
        assert publisher.failure == ""


def test_frames_arrive_whole_and_in_order_per_charger(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """Every frame of the journal is in the topic, equal, once, and in its charging station's order."""
    frames = _frames(3000)
    _write(tmp_path / "journal", frames, segment_bytes=200_000)
    publisher = _publisher(kafka, topics.frames, tmp_path)
    _drain(publisher)
    publisher.close()

    found: dict[str, list[Frame]] = defaultdict(list)
    places: dict[str, set[int]] = defaultdict(set)
    for partition, frame in _read(kafka, topics.frames):
        found[frame.charger_id].append(frame)
        places[frame.charger_id].add(partition)
    wanted: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        wanted[frame.charger_id].append(frame)

    assert found == wanted
    assert all(len(one) == 1 for one in places.values())
    assert len(set().union(*places.values())) > 1
    assert publisher.published == len(frames)


def test_a_tick_reaches_every_partition(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """Each worker looks at the deadlines of its own partitions, so each partition needs the tick."""
    tick = Frame("", "tick-1", 0, 5_000_000, FrameKind.TICK)
    _write(tmp_path / "journal", [tick])
    publisher = _publisher(kafka, topics.frames, tmp_path)
    _drain(publisher)
    publisher.close()

    assert list(_read(kafka, topics.frames)) == [(number, tick) for number in range(topics.partitions)]


def test_a_restart_goes_on_where_it_was_acknowledged(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """After an orderly end nothing is sent twice."""
    frames = _frames(400)
    _write(tmp_path / "journal", frames[:150])
    first = _publisher(kafka, topics.frames, tmp_path)
    _drain(first)
    first.close()
    _write(tmp_path / "journal", frames[150:])
    second = _publisher(kafka, topics.frames, tmp_path)
    assert second.committed == first.committed
    _drain(second)
    second.close()

    assert sorted(frame.order_key for _, frame in _read(kafka, topics.frames)) == sorted(f.order_key for f in frames)


def test_a_crash_publishes_again_and_loses_nothing(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """A place that was not written down is published again under the same ids, each station still in order."""
    frames = _frames(400)
    _write(tmp_path / "journal", frames)
    first = _publisher(kafka, topics.frames, tmp_path)
    _drain(first)
    first.close()
    (tmp_path / "position.json").unlink()  # as if it had been killed before it wrote the place down
    second = _publisher(kafka, topics.frames, tmp_path)
    _drain(second)
    second.close()

    by_id: dict[str, list[Frame]] = defaultdict(list)
    order: dict[str, list[int]] = defaultdict(list)
    for _, frame in _read(kafka, topics.frames):
        if frame.frame_id not in by_id:
            order[frame.connection_id].append(frame.seq)
        by_id[frame.frame_id].append(frame)
    assert {key: [frame] * 2 for frame in frames for key in [frame.frame_id]} == by_id
    assert all(seqs == sorted(seqs) for seqs in order.values())


def _counts(publisher: Publisher, frames: Iterable[Frame]) -> dict[str, int | None]:
    """Acknowledged frames by connection, of connections that were opened as long ago as there are any."""
    return {frame.connection_id: publisher.acknowledged.of(frame.connection_id, 0) for frame in frames}


def _lengths(frames: Iterable[Frame]) -> dict[str, int]:
    return dict(Counter(frame.connection_id for frame in frames))


def test_acknowledged_frames_are_counted_by_connection_over_restarts(
    kafka: str, topics: Topics, tmp_path: Path
) -> None:
    """Known at once after a start; what is published twice counts once, and a line without a frame not at all."""
    frames = _frames(400)
    _write(tmp_path / "journal", frames[:200])
    first = _publisher(kafka, topics.frames, tmp_path)
    _drain(first)
    assert _counts(first, frames[:200]) == _lengths(frames[:200])
    older = (tmp_path / "position.json").read_bytes()
    _write(tmp_path / "journal", frames[200:390])
    _drain(first)
    first.close()
    second = _publisher(kafka, topics.frames, tmp_path)
    assert _counts(second, frames[:390]) == _lengths(frames[:390])
    (tmp_path / "position.json").write_bytes(older)  # as if it had been killed before it wrote the place down
    with next((tmp_path / "journal").glob("*.jsonl")).open("ab") as file:
        file.write(b"{broken\n")
    _write(tmp_path / "journal", frames[391:])
    third = _publisher(kafka, topics.frames, tmp_path)
    _drain(third)
    third.close()
    lost = frames[390]
    assert any(frame.connection_id == lost.connection_id for frame in frames[391:])
    assert (third.rejected, _counts(third, frames)) == (1, _lengths(one for one in frames if one is not lost))


def test_a_position_of_the_release_before_is_read(tmp_path: Path) -> None:
    """Publishing goes on from there; of connections from before it is not known how many frames were published."""
    (tmp_path / "position.json").write_text('{"segment":3,"offset":70}')
    publisher = Publisher(tmp_path / "journal", tmp_path / "position.json", "127.0.0.1:1", "t")
    assert publisher.committed == read_position(tmp_path / "position.json") == Position(3, 70)
    since = publisher.acknowledged.since
    assert abs(since - time.time_ns() // 1000) < 60_000_000
    assert (publisher.acknowledged.of("c", since - 1), publisher.acknowledged.of("c", since)) == (None, 0)


def test_many_connections_are_not_written_down_with_every_step(
    kafka: str, topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But once a second, and at the end."""
    monkeypatch.setattr("ingest.publisher._FEW", 1)
    monkeypatch.setattr("ingest.publisher._SAVE_SECONDS", 3600.0)
    frames = _frames(60)
    _write(tmp_path / "journal", frames[:30])
    publisher = _publisher(kafka, topics.frames, tmp_path)
    _drain(publisher)
    before = read_position(tmp_path / "position.json")
    _write(tmp_path / "journal", frames[30:])
    _drain(publisher)
    assert read_position(tmp_path / "position.json") == before < publisher.committed
    publisher.close()
    assert read_position(tmp_path / "position.json") == publisher.committed


def test_a_broker_that_dies_and_returns_loses_nothing(own_broker: Broker, tmp_path: Path) -> None:
    """Killed in the middle of publishing and started again: every frame is there, the journal drained in order."""
    topics = Topics(partitions=2)
    create(own_broker.bootstrap, topics)
    frames = _frames(6000)
    _write(tmp_path / "journal", frames[:3000])
    publisher = _publisher(own_broker.bootstrap, topics.frames, tmp_path)
    thread = threading.Thread(target=publisher.run)
    thread.start()
    while not publisher.published:
        threading.Event().wait(0.01)
    own_broker.kill()
    _write(tmp_path / "journal", frames[3000:])
    threading.Event().wait(2)
    own_broker.start()
    publisher.stopping = True
    while publisher.failure:  # told to stop while Kafka was away: the next run drains
        threading.Event().wait(0.1)
        if not thread.is_alive():
            break
    thread.join(60)
    again = _publisher(own_broker.bootstrap, topics.frames, tmp_path)
    _drain(again)
    again.close()

    seqs: dict[str, list[int]] = defaultdict(list)
    for _, frame in _read(own_broker.bootstrap, topics.frames):
        if frame.seq not in seqs[frame.connection_id]:
            seqs[frame.connection_id].append(frame.seq)
    wanted: dict[str, list[int]] = defaultdict(list)
    for frame in frames:
        wanted[frame.connection_id].append(frame.seq)
    assert seqs == wanted


def test_while_kafka_is_away_the_place_stays(tmp_path: Path) -> None:
    """Nothing is committed, the failure is told, and the journal is read again later."""
    _write(tmp_path / "journal", _frames(10))
    publisher = Publisher(tmp_path / "journal", tmp_path / "position.json", "127.0.0.1:1", "t", connect_ms=300)
    assert not publisher.step()

    assert publisher.failure
    assert publisher.committed == Position(0, 0)
    assert not (tmp_path / "position.json").exists()


def test_a_topic_that_is_missing_is_named(kafka: str, tmp_path: Path) -> None:
    """It is not made on the way, with one partition and default settings."""
    _write(tmp_path / "journal", _frames(10))
    publisher = Publisher(tmp_path / "journal", tmp_path / "position.json", kafka, "no.such.topic", connect_ms=1000)
    publisher.step()
    publisher.close()

    assert "no.such.topic" in publisher.failure


def test_a_damaged_line_is_passed_over_and_told(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """It stops nothing; whoever asked is told, with the place."""
    frames = _frames(2)
    _write(tmp_path / "journal", frames)
    segment = next((tmp_path / "journal").glob("*.jsonl"))
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(lines[0] + b"{broken\n" + lines[1])
    told = []
    publisher = Publisher(
        tmp_path / "journal",
        tmp_path / "position.json",
        kafka,
        topics.frames,
        reject=lambda rejected, place: told.append((rejected.reason, place.offset)),
    )
    _drain(publisher)
    publisher.close()

    assert publisher.published == 2
    assert publisher.rejected == 1
    assert told[0][0].startswith("no line of a recording")
    assert told[0][1] == len(lines[0]) + 8


def test_a_position_that_cannot_be_read_is_not_guessed(tmp_path: Path) -> None:
    """The message says what deleting it means."""
    (tmp_path / "position.json").write_text("{}")
    with pytest.raises(PublisherError, match="delete it to publish the whole journal again"):
        read_position(tmp_path / "position.json")


def test_a_producer_that_cannot_deliver_is_let_go_all_the_same() -> None:
    """Where closing raises, as kafka-python's does while Kafka is away, the sender is told to end; nothing escapes."""
    ended: list[str] = []

    def close(timeout: float) -> None:
        raise KafkaTimeoutError(f"not within {timeout}")

    sender = SimpleNamespace(force_close=lambda: ended.append("sender"))
    let_go(SimpleNamespace(close=close, _sender=sender), 0)
    assert ended == ["sender"]
