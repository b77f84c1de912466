"""The control topic's shell: a tap's follower, and what the `enrol` commands read and write.

The follower keeps what the topic says in a file beside the spool. The tap's parser reads that file again every second,
so that what was said holds while Kafka is away and after a restart. It is written only when the topic was read to its
end: half of the rules would mirror whom the other half removes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from app.distributed.reading import kafka_errors, open_topic, read_topic
from ingest.control import ControlState, Message
from ingest.topic_admin import TopicError

__all__ = ["OVERRIDES_FILE", "ControlFollower", "FollowerStatus", "read_control", "tell"]

OVERRIDES_FILE: Final = "overrides.json"
"""Beside the spool."""
_POLL_MS: Final = 500
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 2.0
_ACKNOWLEDGE_SECONDS: Final = 20


class FollowerStatus(msgspec.Struct, frozen=True):
    """How a follower is doing."""

    caught_up: bool
    """The topic was read to its end since this process started; until then the file of the last time holds."""
    enabled: bool
    """Where the kill switch stands."""
    rules: int
    passed_over: int
    """Records of kinds that this version does not know."""
    unreadable: int
    failure: str
    """Why nothing can be followed at the moment; empty while all is well."""


class ControlFollower:
    """Follows the control topic in a thread of its own."""

    def __init__(self, bootstrap: str, topic: str, file: Path, **options: Any) -> None:
        """Prepare. `file` is replaced as a whole; `options` are further settings of kafka-python's consumer."""
        self._bootstrap, self._topic, self._file = bootstrap, topic, file
        self._options = {"client_id": "shadow-control", **options}
        self._state = ControlState()
        self._caught_up = False
        self._failure = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    @property
    def status(self) -> FollowerStatus:
        """How it is doing now."""
        state = self._state
        return FollowerStatus(
            self._caught_up, state.enabled, len(state.rules), state.passed_over, state.unreadable, self._failure
        )

    def start(self) -> None:
        """Begin; never fails and never waits for Kafka."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what it wrote stays. One that waits for Kafka is left behind: it writes nothing any more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except TopicError as error:
                self._failure = str(error)
            except kafka_errors() as error:
                self._failure = f"{type(error).__name__}: {error}"
            self._ended.wait(_RETRY_SECONDS)

    def _follow(self) -> None:
        """Read the topic from its beginning and go on, until it fails or is to end."""
        consumer, ends = open_topic(self._bootstrap, self._topic, **self._options)
        state = ControlState()
        told = None
        try:
            while not self._ended.is_set():
                for record in (one for records in consumer.poll(_POLL_MS).values() for one in records):
                    state.apply(record.key, record.value)
                if any(consumer.position(place) < end for place, end in ends.items()):
                    continue
                ends, self._state = {}, state
                if told != (said := state.overrides()):
                    _replace(self._file, msgspec.json.encode(said))
                    told = said
                self._caught_up, self._failure = True, ""
        finally:
            consumer.close()


def read_control(bootstrap: str, topic: str, **options: Any) -> ControlState:
    """What the topic says now. Raises `TopicError`."""
    state = ControlState()
    for record in read_topic(bootstrap, topic, **options):
        state.apply(record.key, record.value)
    return state


def tell(bootstrap: str, topic: str, messages: Iterable[Message], **options: Any) -> None:
    """Write to the control topic, and wait until Kafka has it all.

    Raises:
        TopicError: Kafka is away or refuses. What was not acknowledged may still arrive; saying it again is harmless.

    """
    from kafka import KafkaProducer

    producer = None
    try:
        producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            **{"client_id": "shadow-enrol", **options},
            acks="all",
            allow_auto_create_topics=False,
            max_block_ms=_ACKNOWLEDGE_SECONDS * 1000,
            bootstrap_timeout_ms=_ACKNOWLEDGE_SECONDS * 1000,
        )
        sent = [producer.send(topic, one.value, one.key, headers=one.headers) for one in messages]
        for future in sent:
            future.get(timeout=_ACKNOWLEDGE_SECONDS)
    except kafka_errors() as error:
        raise TopicError(f"Kafka at {bootstrap}: {topic}: {error}; is it there, and are the topics made?") from None
    finally:
        if producer is not None:
            producer.close(timeout=5)


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is there as a whole, also after a power cut. Raises OSError; the old one stands then."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
