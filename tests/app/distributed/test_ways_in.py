"""Ways in that end in Kafka: a topic of another CSMS is followed, a capture is published."""

import itertools
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from typer.testing import CliRunner

from app.cli import app
from app.distributed.following import Follower
from app.reading_logs import load_log_mapping
from ingest.cloudevents import decode
from ingest.frame import Frame, FrameKind
from ingest.redaction import Redactor
from ingest.topics import Topics
from tests.ingest.capture.wire import Talk, pcap

MAPPING = Path(__file__).resolve().parents[3] / "examples" / "kafka-topic.toml"
REDACTOR = Redactor(b"k" * 32, "1")


def _frames(kafka: str, topic: str) -> list[Frame]:
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None, fetch_max_wait_ms=50)
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(partitions)
    frames: list[Frame] = []
    while any(consumer.position(one) < ends[one] for one in partitions):
        polled = itertools.chain.from_iterable(consumer.poll(500).values())
        frames += [decode(record.key, record.value, record.headers) for record in polled]
    consumer.close()
    return frames


def _produce(kafka: str, topic: str, numbers: range) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka)
    for number in numbers:
        value = b'{"message": "[2,\\"%d\\",\\"Heartbeat\\",{}]", "websocket": {"id": "w1"}}' % number
        headers = [("direction", b"FROM_STATION")]
        producer.send(
            topic, value, key=b"CP%d" % (number % 2), headers=headers, timestamp_ms=1_771_262_028_000 + number
        )
    producer.send(topic, b"{", key=b"CP9")
    producer.close(timeout=30)


def test_a_topic_is_followed_and_nothing_counts_twice(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """Frames of all records, dead letters of the rest; what a crash repeats has the same frame ids."""
    source = topics.primary_records  # any topic will do
    mapping = load_log_mapping(MAPPING)

    def follower() -> Follower:
        return Follower(kafka, topics, source, mapping, REDACTOR, tmp_path / "state.json", from_beginning=True)

    _produce(kafka, source, range(6))
    first = follower()
    while not first.at_end:
        first.step()
    first.close()
    before = (tmp_path / "state.json").read_bytes()
    frames = _frames(kafka, topics.frames)
    assert sum(frame.kind is FrameKind.MESSAGE for frame in frames) == 6

    _produce(kafka, source, range(6, 10))
    second = follower()
    while not second.at_end:
        second.step()
    second.close()
    (tmp_path / "state.json").write_bytes(before)  # as after a crash between publishing and writing the place down
    third = follower()
    while not third.at_end:
        third.step()
    third.close()

    frames = [frame for frame in _frames(kafka, topics.frames) if frame.kind is FrameKind.MESSAGE]
    assert len(frames) == 14
    assert len({frame.frame_id for frame in frames}) == 10
    for charger_id in ("CP0", "CP1"):
        own = {frame.seq for frame in frames if frame.charger_id == charger_id}
        assert own == set(range(5))


def test_a_capture_is_published(kafka: str, topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tap pcap --to kafka` publishes as the tap does, and given again nothing is new."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHADOW_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHADOW_KAFKA_TOPIC_PREFIX", topics.prefix)
    Redactor.from_key_file(tmp_path / "redaction-key.json")
    (tmp_path / "one.pcap").write_bytes(pcap(Talk().session().close().timed()))
    for _ in range(2):
        result = CliRunner().invoke(app, ["tap", "pcap", "one.pcap", "--to", "kafka", "--kafka", kafka])
        assert result.exit_code == 0, result.stderr
    frames = [frame for frame in _frames(kafka, topics.frames) if frame.kind is not FrameKind.TICK]
    assert len(frames) == 2 * len({frame.frame_id for frame in frames}) == 20
