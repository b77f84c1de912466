"""The topics: their names, partitions and settings, as data. Pure.

The key is the charging station's id everywhere, so that all that concerns one of them stays in order in one
partition. Topics that one worker reads and writes for the same charging station have the same number of partitions, so
that its state lies with its frames. Partitions are fixed when a topic is made: adding some later moves charging
stations away from their state.
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["MAX_BATCH", "MAX_RECORD", "STATE", "Topic", "Topics"]

MAX_RECORD: Final = 8 * 1024 * 1024
"""Bytes of the longest value: the longest line of a recording fits. The broker's default is 1 MB."""
MAX_BATCH: Final = MAX_RECORD + 128 * 1024
"""And with what stands around it, also where it cannot be compressed."""
STATE: Final = "state"
"""Name of the worker's table; its changelog is `WORKER-state-changelog`, which is what Faust calls it."""

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR
_MOST_PARTITIONS: Final = 4096


class Topic(msgspec.Struct, frozen=True):
    """One topic as it is to be made."""

    name: str
    partitions: int
    config: dict[str, str]
    purpose: str


class Topics(msgspec.Struct, frozen=True):
    """Every topic under its full name.

    Raises:
        ValueError: a prefix or a number of partitions that Kafka does not take.

    """

    prefix: str = ""
    """Stands before each name and before the worker's group: several installations may share a cluster."""
    partitions: int = 12
    replication: int = 1

    def __post_init__(self) -> None:
        if not all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in self.prefix):
            raise ValueError(f"topic prefix {self.prefix[:40]!r}: only ASCII letters, digits, '.', '_' and '-'")
        if len(self.prefix) > 100:
            raise ValueError(f"topic prefix of {len(self.prefix)} characters: at most 100")
        if not 1 <= self.partitions <= _MOST_PARTITIONS:
            raise ValueError(f"{self.partitions} partitions: from 1 to {_MOST_PARTITIONS}")
        if not 1 <= self.replication <= 32:
            raise ValueError(f"replication factor {self.replication}: from 1 to 32")

    @property
    def frames(self) -> str:
        """What the taps saw."""
        return f"{self.prefix}ocpp.frames.v1"

    @property
    def messages(self) -> str:
        """The 2.0.1 messages of the shadow."""
        return f"{self.prefix}ocpp.shadow-messages.v1"

    @property
    def sessions(self) -> str:
        """Sessions with both their sides, each change a newer version."""
        return f"{self.prefix}ocpp.sessions.v1"

    @property
    def discrepancies(self) -> str:
        """Discrepancies, each change a newer version."""
        return f"{self.prefix}ocpp.discrepancies.v1"

    @property
    def chargers(self) -> str:
        """What is known of each charging station: the newest record counts."""
        return f"{self.prefix}ocpp.chargers.v1"

    @property
    def applied(self) -> str:
        """Which frames of each connection the workers have lived."""
        return f"{self.prefix}ocpp.applied.v1"

    @property
    def device_facts(self) -> str:
        """What was observed of the device models: the newest record of a name counts."""
        return f"{self.prefix}ocpp.device-facts.v1"

    @property
    def dead_letters(self) -> str:
        """What could not be read or lived, with the reason."""
        return f"{self.prefix}ocpp.deadletter.v1"

    @property
    def rejudge(self) -> str:
        """Ranges of charging stations that are to be judged again from the stored frames."""
        return f"{self.prefix}ocpp.rejudge.v1"

    @property
    def connections(self) -> str:
        """What the taps counted on each connection: the newest account of a connection counts."""
        return f"{self.prefix}ocpp.connections.v1"

    @property
    def primary_records(self) -> str:
        """Charge detail records of the primary, as others deliver them."""
        return f"{self.prefix}ocpp.primary-records.v1"

    @property
    def control(self) -> str:
        """What taps and sinks are told while they run: the newest record of a key counts."""
        return f"{self.prefix}ocpp.control.v1"

    @property
    def alerts(self) -> str:
        """What somebody has to be told: each alert when it opens and when it is closed."""
        return f"{self.prefix}ocpp.alerts.v1"

    @property
    def worker(self) -> str:
        """The workers' application id, which is their consumer group."""
        return f"{self.prefix}shadow-worker"

    @property
    def state(self) -> str:
        """The changelog of the workers' state."""
        return f"{self.worker}-{STATE}-changelog"

    @property
    def sink(self) -> str:
        """The sinks' consumer group."""
        return f"{self.prefix}shadow-sink"

    @property
    def records(self) -> str:
        """The consumer group of those who take billing records in."""
        return f"{self.prefix}shadow-records"

    @property
    def rejudger(self) -> str:
        """The consumer group of those who judge again."""
        return f"{self.prefix}shadow-rejudge"

    def all(self) -> tuple[Topic, ...]:
        """Every topic that has to exist before anything runs."""
        keep = {"max.message.bytes": str(MAX_BATCH), "min.insync.replicas": str(min(2, self.replication))}
        months = {**keep, "cleanup.policy": "delete", "retention.ms": str(30 * _DAY)}
        newest = {**keep, "cleanup.policy": "compact"}
        # A state is rewritten every few seconds: compacted early and often, or a recovery reads hours of old states.
        state = {
            **newest,
            "segment.ms": str(_HOUR),
            "segment.bytes": str(128 << 20),
            "min.cleanable.dirty.ratio": "0.2",
        }
        week = {**keep, "cleanup.policy": "delete", "retention.ms": str(7 * _DAY)}
        return (
            Topic(self.frames, self.partitions, week, "frames as the taps saw them; what state is rebuilt from"),
            Topic(self.messages, self.partitions, week, "2.0.1 messages of the shadow"),
            Topic(self.sessions, self.partitions, months, "sessions with both their sides"),
            Topic(self.discrepancies, self.partitions, months, "discrepancies, open and withdrawn"),
            Topic(self.chargers, self.partitions, newest, "newest facts of each charging station"),
            Topic(self.applied, self.partitions, week, "which frames of each connection were lived"),
            Topic(self.device_facts, self.partitions, months, "what was observed of the device models"),
            Topic(self.dead_letters, self.partitions, months, "what could not be read or lived, and why"),
            Topic(self.rejudge, self.partitions, months, "ranges to be judged again, because frames came late"),
            Topic(self.connections, self.partitions, week, "what the taps counted on each connection"),
            Topic(self.primary_records, self.partitions, months, "charge detail records of the primary"),
            Topic(self.alerts, self.partitions, months, "alerts, when they open and when they are closed"),
            Topic(
                self.control,
                self.partitions,
                newest,
                "enrolment rules, the kill switch and acknowledgements, newest per key",
            ),
            Topic(self.state, self.partitions, state, "state of the workers, newest per charging station"),
        )
