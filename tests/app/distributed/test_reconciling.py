"""A frame lost at each step from the tap's spool to the store: the connection is named, and at that step."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from app.distributed import living
from app.distributed.accounts import AccountPublisher
from app.distributed.living import Arrival, Living
from app.distributed.reading import read_topic
from app.watch import doctor_services
from demo.traffic import frames as fleet_frames
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.completeness import SETTLE, Outcome, completeness, unreconciled
from diff.store.sink import Sink
from diff.store.writer import Writer
from ingest import cloudevents
from ingest.cloudevents import header_map
from ingest.frame import Frame, FrameKind
from ingest.journal import Journal
from ingest.publisher import Publisher
from ingest.tap.status import ConnectionStatus, JournalStatus, TapStatus, write_status
from ingest.topics import Topics

_JOURNAL = JournalStatus(0, 0, settled=True, accepted=0, acknowledged=0, torn_bytes=0, error="")


def _traffic() -> list[Frame]:
    """Four charging stations, a connection each."""
    frames = list(itertools.islice(fleet_frames(7, 4, 1), 400))
    assert {frame.kind for frame in frames} >= {FrameKind.MESSAGE, FrameKind.OPENED}
    return frames


def _spool(directory: Path, frames: list[Frame], damaged: Frame) -> None:
    """As the tap writes it, and as a bad sector of the disk leaves it."""
    journal = Journal(directory)
    for frame in frames:
        assert journal.append(frame) == ""
    journal.close()
    (segment,) = directory.glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    lines[frames.index(damaged)] = b"{broken\n"
    segment.write_bytes(b"".join(lines))


def _status(frames: list[Frame], at: int) -> TapStatus:
    lengths = Counter(frame.connection_id for frame in frames)
    newest = {frame.connection_id: frame for frame in frames}
    opened = {frame.connection_id: frame.received_at for frame in reversed(frames)}
    told = tuple(
        ConnectionStatus(
            charger_id=newest[name].charger_id, connection_id=name, state="mirrored", reason="", subprotocol="ocpp1.6",
            compression=False, opened_at=opened[name], closed_at=None, last_frame_at=newest[name].received_at,
            bytes_forwarded=900, bytes_mirrored=900, bytes_parsed=900, frames=count, gaps=0,
        )
        for name, count in lengths.items()
    )  # fmt: skip
    return TapStatus(at, "run", {}, {}, _JOURNAL, "", 0, told)


def _arrivals(kafka: str, topics: Topics) -> Iterator[Arrival]:
    for record in read_topic(kafka, topics.frames):
        frame = cloudevents.decode(record.key, record.value, header_map(record.headers))
        yield Arrival(record.partition, record.offset, frame)


def _live(kafka: str, topics: Topics) -> None:
    """Live all frames in batches of some, and publish what comes of them as a worker does."""
    states: dict[tuple[int, str], bytes] = {}
    worker = Living(topics, lambda partition, charger_id: states.get((partition, charger_id)))
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=10)
    arrivals = _arrivals(kafka, topics)
    while part := list(itertools.islice(arrivals, 37)):
        batch = worker.live(part)
        states.update(batch.states)
        for (topic, partition), records in batch.outputs.items():
            for key, value, headers in records:
                producer.send(topic, value, key, headers=headers, partition=partition)
    producer.flush()
    producer.close()


def _store(kafka: str, topics: Topics, store: Store) -> int:
    """Take all records of all topics; returns how many."""
    wanted = sum(sum(1 for _ in read_topic(kafka, topic.name)) for topic in topics.all() if topic.name != topics.state)
    sink = Sink(kafka, topics, store, judging_run=JUDGING_RUN, max_age=0.2)
    for _ in range(300):
        sink.step()
        if sink.records == wanted:
            break
    sink.close()
    return sink.records


def test_a_frame_lost_at_each_step_is_missed_at_that_step(
    kafka: str, topics: Topics, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the spool, in the worker and in the sink; every other connection reconciles."""
    frames = _traffic()
    by_connection: dict[str, list[Frame]] = {}
    for frame in frames:
        by_connection.setdefault(frame.connection_id, []).append(frame)
    names = list(by_connection)
    unpublished, unlived, unstored = (by_connection[name][len(by_connection[name]) // 2] for name in names[:3])
    judge, add_frame = living.judge, Writer.add_frame

    _spool(tmp_path / "spool", frames, unpublished)
    publisher = Publisher(tmp_path / "spool", tmp_path / "published.json", kafka, topics.frames)
    while publisher.step():
        assert publisher.failure == ""
    write_status(tmp_path / "status.json", _status(frames, frames[-1].received_at))
    accounts = AccountPublisher(
        kafka, topics.connections, tmp_path / "status.json", acknowledged=publisher.acknowledged
    )
    accounts.start()
    accounts.stop()
    publisher.close()

    def brittle(state, frame, config, policy):
        if frame.frame_id == unlived.frame_id:
            raise ZeroDivisionError
        return judge(state, frame, config, policy)

    def leaky(writer: Writer, frame: Frame, event=None) -> None:
        if frame.frame_id != unstored.frame_id:
            add_frame(writer, frame, event)

    with monkeypatch.context() as broken:
        broken.setattr(living, "judge", brittle)
        broken.setattr(Writer, "add_frame", leaky)
        _live(kafka, topics)
        assert _store(kafka, topics, store) > len(frames)

    now = frames[-1].received_at + SETTLE // 2  # young: what misses is missing before others, and named all the same
    counted = {name: len(own) for name, own in by_connection.items()}
    assert {one.connection_id: _numbers(one) for one in unreconciled(store, now)} == {
        names[0]: (Outcome.UNPUBLISHED, counted[names[0]], -1, -1, -1),
        names[1]: (Outcome.UNAPPLIED, counted[names[1]], 0, -1, 0),
        names[2]: (Outcome.UNSTORED, counted[names[2]], 0, 0, -1),
    }
    assert [(one.outcome, one.connections) for one in completeness(store, now)] == [
        (Outcome.RECONCILED, len(names) - 3),
        (Outcome.UNAPPLIED, 1),
        (Outcome.UNPUBLISHED, 1),
        (Outcome.UNSTORED, 1),
    ]
    told = doctor_services._completeness(store, now)
    assert "1 unapplied, 1 unpublished, 1 unstored" in told.seen
    assert "frames-are-missing" in told.todo


def _numbers(one) -> tuple[Outcome, int, int, int, int]:
    """Outcome and frames, and by how many each step has fewer."""
    told = (one.frames_published, one.frames_applied, one.frames_stored)
    return (one.outcome, one.frames, *(count - one.frames for count in told))
