"""Workers as real processes on a real broker publish what one fleet in one process makes of the frames."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from demo.lived import Lived
from demo.traffic import frames as fleet_frames
from diff.published import decode, encode
from diff.store.tables import ChargerFacts, DeadLetter
from ingest import cloudevents
from ingest.frame import Frame, FrameKind
from ingest.topics import Topics
from shadow.config import DEFAULT

ROOT = Path(__file__).resolve().parents[3]
WORKER = """
import os, signal, sys
from pathlib import Path
from app.distributed.stream import Stream, run
from ingest.topics import Topics

bootstrap, prefix, data, store, point, times, standbys = sys.argv[1:]
stream = Stream(
    bootstrap, Topics(prefix, 3), Path(data), store=store, session_seconds=2, standbys=int(standbys)
)
left = int(times)

def crash(here):
    global left
    left -= here == point.removeprefix("still ")
    if here == point and left == 0:
        os._exit(9)
    if "still " + here == point and left == 0:
        os.kill(os.getpid(), signal.SIGSTOP)

stream.crash = crash
run(stream)
"""


@contextmanager
def _worker(
    kafka: str,
    topics: Topics,
    data: Path,
    *,
    store: str = "memory://",
    point: str = "-",
    times: int = 1,
    standbys: int = 0,
) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [kafka, topics.prefix, str(data), store, point, str(times), str(standbys)]
    data.mkdir(parents=True, exist_ok=True)
    with (data / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORKER, *arguments], cwd=ROOT, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _publish(kafka: str, topics: Topics, frames: Iterable[Frame]) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=10)
    for frame in frames:
        key, value, headers = cloudevents.encode(frame)
        for partition in range(topics.partitions) if frame.kind is FrameKind.TICK else [None]:
            producer.send(topics.frames, value, key, headers=headers, partition=partition)
    producer.flush()
    producer.close()


def _ends(consumer: KafkaConsumer, topic: str) -> dict[TopicPartition, int]:
    return consumer.end_offsets([TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)])


def _until_done(kafka: str, topics: Topics, process: subprocess.Popen[bytes], seconds: float = 180) -> None:
    """Wait until everything that is published is committed."""
    consumer, until = KafkaConsumer(bootstrap_servers=kafka), time.monotonic() + seconds
    wanted = {place: end for place, end in _ends(consumer, topics.frames).items() if end}
    consumer.close()
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        while time.monotonic() < until and process.poll() is None:
            try:
                offsets = admin.list_group_offsets(topics.worker)[topics.worker]
            except KafkaError:  # the coordinator of a new cluster or group is not there at once
                offsets = {}
            if all(place in offsets and offsets[place].offset == end for place, end in wanted.items()):
                return
            time.sleep(0.2)
    at = {place.partition: offsets[place].offset if place in offsets else None for place in wanted}
    pytest.fail(f"exit status {process.poll()}: committed {at} of {wanted}")


def _read(kafka: str, topic: str) -> dict[str, list[tuple[str, bytes]]]:
    """Ids and values of a topic by charging station, in order."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None, fetch_max_wait_ms=50)
    found: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    ends = _ends(consumer, topic)
    consumer.assign(list(ends))
    consumer.seek_to_beginning()
    while any(consumer.position(place) < end for place, end in ends.items()):
        for record in itertools.chain.from_iterable(consumer.poll(500).values()):
            found[record.key.decode()].append((dict(record.headers)["ce_id"].decode(), record.value))
    consumer.close()
    return found


def _outcome(kafka: str, topic: str) -> dict[str, dict[str, bytes]]:
    """Values by id and charging station. An id that was written again must have the same value."""
    found: dict[str, dict[str, bytes]] = {}
    for charger_id, records in _read(kafka, topic).items():
        mine = found[charger_id] = {}
        for name, value in records:
            assert mine.setdefault(name, value) == value
    return found


def _expected(items: Iterable) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for item in items:
        _, value, headers = encode(item)
        found[item.charger_id][dict(headers)["ce_id"].decode()] = value
    return found


class Everything(Lived):
    """Also keeps every version of every session."""

    def __init__(self) -> None:
        super().__init__(DEFAULT)
        self.all_sessions = []

    def _take(self, judgement) -> None:
        super()._take(judgement)
        self.all_sessions += judgement.sessions


def _check(kafka: str, topics: Topics, frames: Iterable[Frame], letters: int = 0) -> None:
    lived = Everything().feed(frames)
    assert len(lived.messages) > 100
    assert lived.versions
    assert lived.all_sessions
    assert _outcome(kafka, topics.messages) == _expected(lived.messages)
    assert _outcome(kafka, topics.discrepancies) == _expected(lived.versions)
    assert _outcome(kafka, topics.sessions) == _expected(lived.all_sessions)
    assert sum(map(len, _read(kafka, topics.dead_letters).values())) == letters


def _traffic(count: int, seed: int = 5) -> list[Frame]:
    """A fleet's frames with ticks between them, and one at the end that makes everything fall due."""
    frames = list(itertools.islice(fleet_frames(seed, 12, 6), count))
    mixed = []
    for number, frame in enumerate(frames):
        mixed.append(frame)
        if number % 97 == 96:
            mixed.append(Frame("", "tick-1", number // 97, frame.received_at, FrameKind.TICK))
    return [*mixed, Frame("", "tick-1", 10_000, frames[-1].received_at + 3 * 86_400_000_000, FrameKind.TICK)]


@pytest.mark.parametrize("store", ["memory://", "rocksdb://"])
def test_a_worker_publishes_what_one_fleet_makes_of_the_frames(
    kafka: str, topics: Topics, tmp_path: Path, store: str
) -> None:
    """Messages, sessions and discrepancies are equal, byte for byte and each once; the facts are the last ones."""
    frames = _traffic(3000)
    _publish(kafka, topics, frames)
    with _worker(kafka, topics, tmp_path / "one", store=store) as process:
        _until_done(kafka, topics, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0

    _check(kafka, topics, frames)
    names = [name for records in _read(kafka, topics.messages).values() for name, _ in records]
    assert len(names) == len(set(names))
    for charger_id, records in _read(kafka, topics.chargers).items():
        own = [frame.received_at for frame in frames if frame.charger_id == charger_id]
        facts = decode(records[-1][1], ChargerFacts)
        assert (facts.first_seen, facts.last_seen) == (own[0], own[-1])


@pytest.mark.parametrize(
    "point", ["lived", "outputs acknowledged", "changelog acknowledged", "state acknowledged", "killed"]
)
def test_a_crash_at_any_point_changes_nothing(kafka: str, topics: Topics, tmp_path: Path, point: str) -> None:
    """The next worker, without the local store of the first, ends with the same outcome; ids keep their values."""
    frames = _traffic(3000)
    _publish(kafka, topics, frames[:1500])
    with _worker(kafka, topics, tmp_path / "one", point=point, times=2) as process:
        if point == "killed":
            _until_done(kafka, topics, process)
            _publish(kafka, topics, frames[1500:])
            time.sleep(0.3)
            process.kill()
        else:
            time.sleep(1)
            _publish(kafka, topics, frames[1500:])
        assert process.wait(40) in (9, -9)
    with _worker(kafka, topics, tmp_path / "two") as process:
        _until_done(kafka, topics, process)

    _check(kafka, topics, frames)


@pytest.mark.parametrize("standbys", [0, 1])
def test_workers_that_come_and_go_change_nothing(kafka: str, topics: Topics, tmp_path: Path, standbys: int) -> None:
    """A second worker takes partitions over in the middle, the first is killed, and the outcome is the same.

    Also where each keeps a warm copy of the other's states.
    """
    frames = _traffic(6000)
    steps = [frames[at : at + 600] for at in range(0, len(frames), 600)]
    with _worker(kafka, topics, tmp_path / "one", store="rocksdb://", standbys=standbys) as one:
        _publish(kafka, topics, steps[0])
        _until_done(kafka, topics, one)
        with _worker(kafka, topics, tmp_path / "two", store="rocksdb://", standbys=standbys) as two:
            for part in steps[1:-2]:
                _publish(kafka, topics, part)
                time.sleep(0.5)
            one.kill()
            for part in steps[-2:]:
                _publish(kafka, topics, part)
            _until_done(kafka, topics, two)

    _check(kafka, topics, frames)


@pytest.mark.parametrize("point", ["lived", "outputs acknowledged"])
def test_a_worker_that_stood_still_writes_nothing_old(kafka: str, topics: Topics, tmp_path: Path, point: str) -> None:
    """Stopped for longer than its session with a batch in its hands, while another goes on: the outcome is the same."""
    numbers = itertools.count(1000)
    frames = _traffic(3000)
    _publish(kafka, topics, frames[:1000])
    with _worker(kafka, topics, tmp_path / "one", point=f"still {point}", times=3) as one:
        _until_stopped(one, lambda: _publish(kafka, topics, [frames[next(numbers)]]))
        with _worker(kafka, topics, tmp_path / "two") as two:
            _publish(kafka, topics, frames[next(numbers) : 2400])
            _until_done(kafka, topics, two)
            one.send_signal(signal.SIGCONT)
            time.sleep(2)  # whatever it writes now stands last in the changelog
    with _worker(kafka, topics, tmp_path / "three") as three:
        _publish(kafka, topics, frames[2400:])
        _until_done(kafka, topics, three)

    _check(kafka, topics, frames)


def _until_stopped(process: subprocess.Popen[bytes], feed: Callable[[], None]) -> None:
    """Feed it until it stands still."""
    for _ in range(600):
        if Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            return
        feed()
        time.sleep(0.1)
    pytest.fail("it does not stand still")


def test_a_state_of_another_release_is_lived_anew(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """The partition is read again from its beginning; ids keep their values, and two letters tell of it."""
    frames = _traffic(1500)
    _publish(kafka, topics, frames[:800])
    with _worker(kafka, topics, tmp_path / "one") as process:
        _until_done(kafka, topics, process)
    states, victim = KafkaProducer(bootstrap_servers=kafka, acks="all"), frames[5].charger_id
    states.send(topics.state, b"shadow-csms-state/99\n{}", victim.encode())  # keyed as the frames are
    states.close()
    _publish(kafka, topics, frames[800:])
    with _worker(kafka, topics, tmp_path / "two") as process:
        _until_done(kafka, topics, process)

    _check(kafka, topics, frames, letters=2)


def test_a_poison_record_goes_to_the_dead_letters(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """With its place and its reason, and everything around it is lived."""
    frames = _traffic(600)
    _publish(kafka, topics, frames[:300])
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all")
    place = producer.send(topics.frames, b"\xff\x00secret", b"CP-X", partition=1).get(20)
    producer.send(topics.frames, None, b"CP-Y", partition=1).get(20)
    producer.close()
    _publish(kafka, topics, frames[300:])
    with _worker(kafka, topics, tmp_path / "one") as process:
        _until_done(kafka, topics, process)

    letters = [decode(value, DeadLetter) for one in _read(kafka, topics.dead_letters).values() for _, value in one]
    assert sorted((one.charger_id, one.position, one.reason, one.size) for one in letters) == [
        ("CP-X", f"{topics.frames}/1/{place.offset}", "the header ce_type is missing", 8),
        ("CP-Y", f"{topics.frames}/1/{place.offset + 1}", "the header ce_type is missing", 0),
    ]
    assert _outcome(kafka, topics.messages) == _expected(Lived(DEFAULT).feed(frames).messages)


def test_the_settings_start_a_worker(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """`shadow-csms worker` takes broker, prefix and folder from the environment, and ends in order on SIGTERM."""
    environment = {
        **os.environ,
        "SHADOW_KAFKA_BOOTSTRAP": kafka,
        "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
        "SHADOW_KAFKA_PARTITIONS": str(topics.partitions),
        "SHADOW_DATA_DIR": str(tmp_path / "data"),
    }
    frames = _traffic(300)
    _publish(kafka, topics, frames)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "app.cli", "worker"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        _until_done(kafka, topics, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()

    assert _outcome(kafka, topics.messages) == _expected(Lived(DEFAULT).feed(frames).messages)
