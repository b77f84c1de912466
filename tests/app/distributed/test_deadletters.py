"""Dead letters: listed as a user sees them, and frames published again, against a real broker."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

import app.distributed.living
from app.distributed.deadletter_replay import REPLAYED_FROM, replay
from app.distributed.deadletters import Place, Wanted, read_letters
from app.distributed.living import Arrival, Living
from app.distributed.reading import read_topic
from demo.traffic import frames as fleet_frames
from diff.published import encode as encode_record
from diff.store.tables import DeadLetter
from ingest import cloudevents
from ingest.frame import Frame, FrameKind
from ingest.topics import Topics
from tests.running import Outcome, call


def _deadletter(kafka: str, topics: Topics, cwd: Path, command: str, *arguments: object) -> Outcome:
    env = {"SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix}
    return call(["deadletter", command, "--kafka", kafka, *arguments], cwd, env)


@pytest.fixture
def producer(kafka: str) -> Iterator[KafkaProducer]:
    """A producer that is closed at the end."""
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all")
    yield producer
    producer.close()


def _publish(producer: KafkaProducer, topic: str, record: cloudevents.Record, **more: Any) -> Place:
    key, value, headers = record
    sent = producer.send(topic, value, key, headers=headers, **more).get(20)
    return Place(topic, sent.partition, sent.offset)


def _letter(position: object, reason: str = "ce_type is missing", charger: str = "CP-1") -> DeadLetter:
    return DeadLetter(charger, 1_780_000_000_000_000, "worker", str(position), reason, 12)


def _arrivals(kafka: str, topics: Topics) -> Iterator[Arrival]:
    for record in read_topic(kafka, topics.frames):
        frame = cloudevents.decode(record.key, record.value, record.headers)
        yield Arrival(record.partition, record.offset, frame)


def _lived(topics: Topics, arrivals: Iterable[Arrival]) -> dict[str, list[tuple[str, bytes]]]:
    """What a worker publishes of these records, by topic."""
    batch = Living(topics, lambda _, __: None).live(arrivals)
    return {
        topic: sorted((dict(one.headers)["ce_id"].decode(), one.value) for one in records)
        for topic in (topics.messages, topics.sessions, topics.discrepancies, topics.dead_letters)
        if (records := [one for (name, _), many in batch.outputs.items() if name == topic for one in many])
    }


def test_letters_are_listed_with_place_reason_and_count(
    kafka: str, topics: Topics, producer: KafkaProducer, tmp_path: Path
) -> None:
    """One that was written twice is one letter; filters and the limit choose, and other records are counted."""
    empty = _deadletter(kafka, topics, tmp_path, "list")
    assert (empty.code, empty.out) == (0, b"no dead letters\n")

    for letter in (
        _letter("f/0/1"),
        _letter("f/0/1"),
        _letter("f/0/2", "KeyError [x]"),
        _letter("f/0/3", charger="CP-2"),
    ):
        _publish(producer, topics.dead_letters, encode_record(letter))
    producer.send(topics.dead_letters, b"{}", b"CP-1").get(20)

    told = _deadletter(kafka, topics, tmp_path, "list", "--json").json
    assert (told["total"], told["unreadable"]) == (3, 1)
    assert told["reasons"] == {"ce_type is missing": 2, "KeyError [x]": 1}
    assert {one["position"]: one["times"] for one in told["letters"]} == {"f/0/1": 2, "f/0/2": 1, "f/0/3": 1}

    chosen = _deadletter(kafka, topics, tmp_path, "list", "--json", "--reason", "keyerror", "--since", "1h").json
    assert [one["position"] for one in chosen["letters"]] == ["f/0/2"]
    assert _deadletter(kafka, topics, tmp_path, "list", "--json", "--charger", "CP-2").json["total"] == 1
    assert (
        _deadletter(kafka, topics, tmp_path, "list", "--since", "2999-01-01T00:00:00Z").out
        == b"no dead letters like that\n"
    )

    table = _deadletter(kafka, topics, tmp_path, "list", "--limit", "1").out.decode()
    assert "the newest 1 of 3 letters" in table
    assert "KeyError [x]" in table


def test_a_frame_is_published_again_as_it_was(
    kafka: str, topics: Topics, producer: KafkaProducer, tmp_path: Path
) -> None:
    """Into its own partition with the same key, headers and value; a dry run publishes nothing."""
    first = next(frame for frame in fleet_frames(3, 1, 1) if frame.kind is FrameKind.MESSAGE)
    place = _publish(producer, topics.frames, cloudevents.encode(first), partition=2)
    other = _publish(producer, topics.frames, cloudevents.encode(first), partition=1)
    for position in (place, other, "spool line 7"):
        _publish(producer, topics.dead_letters, encode_record(_letter(position)))

    dry = _deadletter(kafka, topics, tmp_path, "replay", "--all", "--dry-run")
    assert dry.code == 0
    assert b"2 frames would be published again; 1 letters are about no record" in dry.out
    assert len(list(read_topic(kafka, topics.frames))) == 2
    done = _deadletter(kafka, topics, tmp_path, "replay", place)
    assert (done.code, done.out.decode().splitlines()[-1]) == (0, "1 frames published again")

    old, new = [one for one in read_topic(kafka, topics.frames) if one.partition == 2]
    assert (new.key, new.value) == (old.key, old.value)
    assert new.headers == [*old.headers, (REPLAYED_FROM, str(place).encode())]
    assert cloudevents.decode(new.key, new.value, new.headers) == first


def test_a_frame_that_fails_again_is_still_one_frame(kafka: str, topics: Topics, producer: KafkaProducer) -> None:
    """Its letters multiply, one for each attempt; replaying them all publishes it once more, not once for each."""
    record = cloudevents.Record(b"CP-1", b"?", [("ce_type", b"nothing known")])
    places = [_publish(producer, topics.frames, record, partition=0)]
    for attempt in range(3):
        done = replay(kafka, topics.frames, places)
        assert (done.replayed, done.repeated) == (1, attempt)
        places.append(Place(topics.frames, 0, attempt + 1))
    assert len(list(read_topic(kafka, topics.frames))) == 4


def test_a_frame_that_was_lived_brings_nothing_when_it_is_replayed(
    kafka: str, topics: Topics, producer: KafkaProducer
) -> None:
    """A replay of everything leaves messages, sessions and discrepancies as they were."""
    frames: list[Frame] = list(itertools.islice(fleet_frames(3, 2, 2), 150))
    places = [_publish(producer, topics.frames, cloudevents.encode(frame)) for frame in frames]
    once = _lived(topics, _arrivals(kafka, topics))
    assert replay(kafka, topics.frames, places).replayed == 150
    again = list(_arrivals(kafka, topics))
    assert len(again) == 300
    assert _lived(topics, again) == once
    assert len(once[topics.messages]) > 50


def test_a_frame_that_a_bug_gave_up_is_lived_behind_its_replay(
    kafka: str, topics: Topics, producer: KafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The letter that the worker wrote names its place; once the bug is gone, its messages come after all."""
    frames: list[Frame] = list(itertools.islice(fleet_frames(3, 1, 1), 40))
    for frame in frames:
        _publish(producer, topics.frames, cloudevents.encode(frame))
    victim = next(frame.frame_id for frame in frames[8:] if '"Authorize"' in frame.text)
    states: dict[str, bytes] = {}
    living = Living(topics, lambda _, charger: states.get(charger))
    true_judge = app.distributed.living.judge

    def buggy(state: Any, frame: Frame, *rest: Any) -> Any:
        if frame.frame_id == victim:
            raise KeyError("a bug")
        return true_judge(state, frame, *rest)

    def live(arrivals: Iterable[Arrival]) -> dict[str, list[cloudevents.Record]]:
        batch = living.live(arrivals)
        states.update((charger, data) for (_, charger), data in batch.states.items())
        return {topic: records for (topic, _), records in batch.outputs.items()}

    arrivals = list(_arrivals(kafka, topics))
    with monkeypatch.context() as bug:
        bug.setattr(app.distributed.living, "judge", buggy)
        first = live(arrivals)
    (letter,) = first[topics.dead_letters]
    _publish(producer, topics.dead_letters, letter)
    assert not any(victim.encode() in record.value for record in first[topics.messages])

    (counted,) = read_letters(kafka, topics.dead_letters, Wanted(reason="KeyError")).found.values()
    assert counted.place is not None
    assert replay(kafka, topics.frames, [counted.place]).replayed == 1
    (again,) = list(_arrivals(kafka, topics))[len(arrivals) :]
    assert any(victim.encode() in record.value for record in live([again])[topics.messages])


def test_places_without_a_record_are_named(kafka: str, topics: Topics, producer: KafkaProducer, tmp_path: Path) -> None:
    """Expired, not there yet, no such partition: exit code 1, and the others are replayed all the same."""
    frame = next(iter(fleet_frames(3, 1, 1)))
    places = [_publish(producer, topics.frames, cloudevents.encode(frame), partition=1) for _ in range(3)]
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        admin.delete_records({TopicPartition(topics.frames, 1): 2})
    wanted = [*places, f"{topics.frames}/1/77", f"{topics.frames}/9/0"]
    done = _deadletter(kafka, topics, tmp_path, "replay", *wanted)

    assert done.code == 1
    lines = done.out.decode()
    assert f"{places[0]}: expired: Kafka holds the partition from 2 on" in lines
    assert f"{topics.frames}/1/77: nothing was published there yet" in lines
    assert f"{topics.frames}/9/0: there is no such partition" in lines
    assert lines.endswith("1 frames published again; 4 are not there\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay"], "name places"),
        (["replay", "x/0/1", "--all"], "name places"),
        (["replay", "nowhere"], "no place of a record"),
        (["replay", "ocpp.sessions.v1/0/1"], "only frames can be replayed"),
        (["replay", "ocpp.frames.v1/0/1", "--reason", "x"], "choose among --all"),
        (["list", "--since", "yesterday"], "--since 'yesterday'"),
    ],
)
def test_what_cannot_begin_ends_with_two(arguments: list[str], said: str, tmp_path: Path) -> None:
    """One line that says what to do."""
    done = call(["deadletter", *arguments], tmp_path)
    assert done.code == 2
    assert said in done.err
    assert len(done.lines) == 1


def test_letters_are_chosen_by_all_that_is_given(kafka: str, topics: Topics, producer: KafkaProducer) -> None:
    """Reason, charging station and time, each alone and together."""
    for charger, reason in (("A", "one"), ("A", "two"), ("B", "two")):
        _publish(producer, topics.dead_letters, encode_record(_letter("f/0/1", reason, charger)))

    def count(wanted: Wanted) -> int:
        return len(read_letters(kafka, topics.dead_letters, wanted).found)

    assert [count(Wanted()), count(Wanted(reason="TWO")), count(Wanted(reason="two", charger="B"))] == [3, 2, 1]
    assert count(Wanted(since=4_000_000_000_000_000)) == 0
