"""`tap topic`: frames that another CSMS has on a Kafka topic into the topic of frames, by a mapping file.

One process reads all partitions. Where it stands, and how far each connection is counted, lies in a file that is
written when Kafka has what came of a batch; the group's offsets are committed behind it. A start after a crash goes on
from that file and gives what is published again the same ids. Without the file it goes on from the group's offsets and
begins connections anew.
"""

from __future__ import annotations

import base64
import logging
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from app.distributed.reading import kafka_errors
from app.distributed.taking_records import make_producer, send
from app.embedded import writable
from app.keys import redactors
from app.reading_logs import letter_of, load_log_mapping
from app.replay import RecordingError
from app.settings import Settings
from diff.store.tables import DeadLetter
from ingest.cloudevents import header_map
from ingest.frame import Frame
from ingest.group import leave
from ingest.logs.mapping import LogMapping
from ingest.logs.reading import Broken, LogReader
from ingest.redaction import Redactor
from ingest.topic_admin import TopicError
from ingest.topics import Topics

__all__ = ["Follower", "Options", "run"]

_log = logging.getLogger(__name__)
_POLL_MS: Final = 500
_GROUP: Final = "shadow-ways-in"


@dataclass(frozen=True, slots=True)
class Options:
    """What to follow."""

    topic: str
    mapping: Path
    from_beginning: bool = False
    until_end: bool = False
    """Stop where the topic ended when it began to follow."""


class _Saved(msgspec.Struct):
    offsets: dict[int, int]
    """By partition: the next offset."""
    connections: str


class Follower:
    """Follows one topic. Belongs to one thread."""

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        source: str,
        mapping: LogMapping,
        redactor: Redactor,
        state_file: Path,
        *,
        from_beginning: bool = False,
        **options: Any,
    ) -> None:
        """Connect. `options`: further settings of kafka-python (SASL, TLS).

        Raises:
            TopicError: there is no such topic.
            RecordingError: the state file cannot be used.

        """
        from kafka import KafkaConsumer, TopicPartition

        self._topics, self._source, self._state_file = topics, source, state_file
        self.stopping = False
        self.published = 0
        saved = _read_state(state_file)
        connections = b"" if saved is None else base64.b64decode(saved.connections)
        self.reader = LogReader(mapping, redactor.redact, connections, redactor.key_version)
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-ways-in", "reconnect_backoff_max_ms": 1_000, **options},
            group_id=f"{topics.prefix}{_GROUP}",
            enable_auto_commit=False,
            auto_offset_reset="earliest" if from_beginning else "latest",
            allow_auto_create_topics=False,
            max_poll_records=500,
        )
        self._producer = make_producer(bootstrap, **options)
        numbers = self._consumer.partitions_for_topic(source)
        if not numbers:
            self.close()
            raise TopicError(f"{source}: no such topic; name the one that holds the frames")
        self._partitions = [TopicPartition(source, number) for number in sorted(numbers)]
        self._consumer.assign(self._partitions)
        for partition in self._partitions:
            if saved is not None and partition.partition in saved.offsets:
                self._consumer.seek(partition, saved.offsets[partition.partition])
        self._ends = self._consumer.end_offsets(self._partitions)

    @property
    def at_end(self) -> bool:
        """All that the topic held at the start was read."""
        return all(self._consumer.position(one) >= self._ends[one] for one in self._partitions)

    def step(self) -> int:
        """Take what is there, publish it, write the place down. Gives the number of records."""
        frames: list[Frame] = []
        letters: list[DeadLetter] = []
        polled = self._consumer.poll(_POLL_MS)
        records = [one for partition in sorted(polled) for one in polled[partition]]
        for record in records:
            place = f"{record.topic}/{record.partition}/{record.offset}"
            headers = header_map([(name, value or b"") for name, value in record.headers or ()])
            for item in self.reader.record(record.key, record.value, headers, max(record.timestamp, 0), place):
                if isinstance(item, Broken):
                    _log.warning("%s: %s", item.place, item.reason)
                    letters.append(letter_of(item, max(record.timestamp, 0) * 1000))
                else:
                    frames.append(item)
        if records:
            send(self._producer, self._topics, frames, letters)
            self._save()
            self._consumer.commit()
            self.published += len(frames)
        return len(records)

    def close(self) -> None:
        """Let go of Kafka."""
        leave(self._consumer)
        self._producer.close(timeout=5)

    def _save(self) -> None:
        offsets = {one.partition: self._consumer.position(one) for one in self._partitions}
        saved = _Saved(offsets, base64.b64encode(self.reader.narrator.state()).decode())
        draft = self._state_file.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(saved))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._state_file)


def run(settings: Settings, options: Options) -> int:
    """Follow until SIGTERM or SIGINT. Raises `KeyFileError`, `RecordingError`, `TopicError`."""
    from app.watch import logs

    logs.begin("ways-in", settings)
    writable(settings.data_dir)
    mapping = load_log_mapping(options.mapping)
    if mapping.record is None:
        raise RecordingError(f"mapping {options.mapping}: a topic needs [record]; [[line]] is for logs")
    if options.topic in {one.name for one in settings.topics().all()}:
        raise RecordingError(f"{options.topic}: a topic of shadow-csms itself; name the one of the other CSMS")
    redactor = redactors(settings, create=False).current
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in options.topic)
    try:
        follower = Follower(
            settings.kafka_bootstrap,
            settings.topics(),
            options.topic,
            mapping,
            redactor,
            settings.data_dir / f"following-{safe}.json",
            from_beginning=options.from_beginning,
            **settings.kafka_options(),
        )
    except kafka_errors() as error:
        raise TopicError(f"Kafka at {settings.kafka_bootstrap}: {error}; is it there?") from None

    def stop(*_: object) -> None:
        follower.stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        while not follower.stopping and not (options.until_end and follower.at_end):
            follower.step()
    except kafka_errors() as error:
        raise TopicError(f"{options.topic}: {error}; start again, nothing counts twice") from None
    except OSError as error:
        raise RecordingError(f"{settings.data_dir}: {error.strerror or error}; start again") from None
    finally:
        follower.close()
    return 0


def _read_state(path: Path) -> _Saved | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Saved)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        raise RecordingError(
            f"{path}: no place to go on from: {error}; delete it to go on from the committed offsets"
        ) from None
