"""The distributed runtime as its user starts it: tap, workers and sink as processes on a real broker and engine."""

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from app.settings import Settings
from app.stack.broker import Broker
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.errors import StoreError
from ingest import cloudevents
from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.publisher import read_position
from ingest.recording import Reader
from ingest.topic_admin import create, delete
from ingest.topics import Topics
from tests.drills.distributed.load import Load
from tests.running import QUICK, Running, until

_numbers = itertools.count(1)
_DAY = 86_400_000_000
SETTLES = 3 * _DAY
"""By then everything that waits has been judged."""


class Runtime:
    """One installation. Use it as a context manager; processes, topics and database go with it."""

    def __init__(self, directory: Path, broker: Broker, engine: EmbeddedEngine, **settings: str) -> None:
        number = next(_numbers)
        self.directory, self.broker, self.engine = directory, broker, engine
        self.topics = Topics(f"drill{os.getpid()}x{number}.", 3)
        self.database = f"drill_{number}"
        self.parts: dict[str, Running] = {}
        self.given = {
            **QUICK,
            "PYTHONFAULTHANDLER": "1",
            "SHADOW_KAFKA_BOOTSTRAP": broker.bootstrap,
            "SHADOW_KAFKA_TOPIC_PREFIX": self.topics.prefix,
            "SHADOW_KAFKA_PARTITIONS": str(self.topics.partitions),
            "SHADOW_WORKER_SESSION_SECONDS": "3",
            "SHADOW_SINK_SESSION_SECONDS": "3",
            "SHADOW_LISTEN_PORT": "0",
            "SHADOW_STORE_URL": engine.url(self.database),
            **{f"SHADOW_{name.upper()}": value for name, value in settings.items()},
        }
        self.killed: dict[str, int] = {}
        """By part: how often it was killed."""

    def __enter__(self) -> Self:
        until(self._topics_made, 60, "topics made")
        with Store.connect(self.engine.url(self.database)) as store:
            store.migrate()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self.parts.values():
            running.kill()
        self.engine.restart()
        self.broker.start()
        with Store.connect(self.engine.url("default")) as store:
            store.execute(f"DROP DATABASE IF EXISTS {self.database}")
            store.execute(f"DROP DATABASE IF EXISTS {self.database}_expected")
        delete(self.broker.bootstrap, self.topics)

    def _topics_made(self) -> bool:
        with suppress(KafkaError):
            create(self.broker.bootstrap, self.topics)
            return True
        return False

    # -- parts ----------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """As every part reads them."""
        return Settings(
            **{
                name.removeprefix("SHADOW_").lower(): value
                for name, value in self.given.items()
                if name.startswith("SHADOW_")
            }
        )

    def start(self, name: str, **settings: str) -> Running:
        """Start a part: `tap`, `sink`, or `worker`, whose name may have a number behind it."""
        given = {**self.given, "SHADOW_DATA_DIR": str(self.directory / name)}
        given |= {f"SHADOW_{key.upper()}": value for key, value in settings.items()}
        running = self.parts[name] = Running.start([name.partition("-")[0]], self.directory, given)
        return running

    def start_tap(self, upstream: str, **settings: str) -> int:
        """Start the tap, or start it again where it was; gives its port."""
        running = self.start("tap", upstream=upstream, **settings)
        port = running.tap_port
        self.given["SHADOW_LISTEN_PORT"] = str(port)
        return port

    def start_all(self, load: Load, *, waves: bool = True, **settings: str) -> int:
        """One of each part, under load; returns the tap's port once a frame has gone through all of them."""
        self.start("worker")
        self.start("sink")
        port = self.start_tap(load.upstream, **settings)
        load.begin(port, waves=waves)
        self.recovered()
        return port

    def kill(self, name: str) -> None:
        """SIGKILL to a part, to `publisher`, `ClickHouse` or `broker`. Whoever watches over it has to start it."""
        self.killed[name] = self.killed.get(name, 0) + 1
        if name == "broker":
            self.broker.kill()
        elif name == "ClickHouse":
            _end(self.engine.pid)
            until(lambda: not self.engine.alive, 10, "the engine's end")
        elif name == "publisher":
            _end(self.parts["tap"].part("app.distributed.publishing"))
        else:
            self.parts[name].kill()

    def stop(self, name: str) -> None:
        """SIGTERM to a part; it has to end in order."""
        code = self.parts[name].stop()
        assert code == 0, f"{name} ended with {code}: {self.parts[name].lines[-15:]}"

    def pulse(self, pid: int | None, times: int, stopped: float, running: float) -> None:
        """Let a process stand still and run in turns."""
        assert pid is not None
        for _ in range(times):
            os.kill(pid, signal.SIGSTOP)
            try:
                time.sleep(stopped)
            finally:
                os.kill(pid, signal.SIGCONT)
            time.sleep(running)

    # -- what it has done -----------------------------------------------------------------------------------------

    def store(self, database: str = "") -> Store:
        """The store; close it."""
        return Store.connect(self.engine.url(database or self.database))

    def newest(self) -> int:
        """When the newest message of the shadow was made of a frame that is stored too, in microseconds; 0 for none."""
        query = (
            "SELECT least((SELECT max(toUnixTimestamp64Micro(received_at)) FROM frames),"
            " (SELECT max(toUnixTimestamp64Micro(at)) FROM messages))"
        )
        try:
            with self.store() as store:
                return int(store.execute(query)[0][0])
        except StoreError:
            return 0

    def recovered(self, seconds: float = 60) -> float:
        """Wait until what is seen from now on has gone through all parts, to the store; gives the seconds it took."""
        begun, now = time.monotonic(), time.time_ns() // 1000
        while self.newest() <= now:
            assert time.monotonic() < begun + seconds, f"nothing new in the store within {seconds} s; {self.stuck()}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def workers(self) -> int:
        """How many workers share the partitions; 0 while they are being shared out."""
        with suppress(KafkaError), KafkaAdminClient(bootstrap_servers=self.broker.bootstrap) as admin:
            group = admin.describe_groups([self.topics.worker])[self.topics.worker]
            return len(group["members"]) if group["group_state"] == "Stable" else 0
        return 0

    def said(self) -> str:
        """The last lines of each part."""
        return "; ".join(f"{name}: {running.lines[-4:]}" for name, running in self.parts.items())

    def stuck(self) -> str:
        """What groups and parts are at: where each thread of worker and sink stands. It ends them."""
        told = []
        with suppress(KafkaError), KafkaAdminClient(bootstrap_servers=self.broker.bootstrap) as admin:
            told += [str(admin.describe_groups([group])) for group in (self.topics.worker, self.topics.sink)]
        for name, running in self.parts.items():
            if name != "tap" and running.process.poll() is None:
                running.process.send_signal(signal.SIGABRT)  # faulthandler writes every thread's stack
                with suppress(subprocess.TimeoutExpired):
                    running.process.wait(5)
                running.process.kill()
            told.append(f"{name}: " + "\n".join(running.lines[-120:]))
        return "\n".join(told)

    @property
    def spool(self) -> Path:
        """The tap's record on the disk."""
        return self.directory / "tap" / "spool"

    def recorded(self) -> list[Frame]:
        """All frames that still stand in the spool, ticks left out."""
        found = Reader().read(JournalReader(self.spool).follow())
        return [one for one in found if isinstance(one, Frame) and one.kind is not FrameKind.TICK]

    def unpublished(self) -> int:
        """Lines of the spool behind the place that is written down as acknowledged."""
        place = read_position(self.directory / "tap" / "published.json")
        return sum(1 for _ in JournalReader(self.spool, place).follow())

    def publish(self, frames: Iterable[Frame]) -> None:
        """Publish frames as the tap's publisher would; a tick goes to every partition."""
        producer = KafkaProducer(bootstrap_servers=self.broker.bootstrap, acks="all", linger_ms=10)
        sent = []
        for frame in frames:
            key, value, headers = cloudevents.encode(frame)
            places = range(self.topics.partitions) if frame.kind is FrameKind.TICK else [None]
            sent += [producer.send(self.topics.frames, value, key, headers=headers, partition=at) for at in places]
        producer.flush()
        producer.close()
        for future in sent:
            future.get(0)

    def drain(self, seconds: float = 90, *, tick: bool = True) -> None:
        """Stop the tap, let a last tick judge what waits, and wait until every part has all and has ended in order."""
        if "tap" in self.parts:
            self.stop("tap")
            assert self.unpublished() == 0
        if tick:
            self.publish([Frame("", "drill-end", 0, time.time_ns() // 1000 + SETTLES, FrameKind.TICK)])
        self._until_committed(self.topics.worker, [self.topics.frames], seconds)
        outputs = ("frames", "messages", "sessions", "discrepancies", "chargers", "device_facts", "dead_letters")
        outputs += ("applied",)
        self._until_committed(self.topics.sink, [getattr(self.topics, name) for name in outputs], seconds)
        for name, running in self.parts.items():
            if name != "tap" and running.process.poll() is None:
                self.stop(name)

    def _until_committed(self, group: str, topics: list[str], seconds: float) -> None:
        """Wait until a group has committed everything of these topics."""
        wanted = {}
        consumer = KafkaConsumer(bootstrap_servers=self.broker.bootstrap)
        for topic in topics:
            places = [TopicPartition(topic, number) for number in range(self.topics.partitions)]
            wanted |= {place: end for place, end in consumer.end_offsets(places).items() if end}
        consumer.close()
        at: dict[Any, Any] = {}
        with KafkaAdminClient(bootstrap_servers=self.broker.bootstrap) as admin:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                with suppress(KafkaError):  # the coordinator of a new cluster or group is not there at once
                    at = {place: one.offset for place, one in admin.list_group_offsets(group)[group].items()}
                if all(at.get(place, 0) >= end for place, end in wanted.items()):
                    return
                self.check()
                time.sleep(0.1)
        left = {place: (at.get(place), end) for place, end in wanted.items() if at.get(place, 0) < end}
        raise AssertionError(f"{group} has not committed {left} after {seconds} s; {self.stuck()}")

    def check(self) -> None:
        """No part has ended by itself."""
        for name, one in self.parts.items():
            code = one.process.poll()
            assert code in (None, 0, -signal.SIGKILL), f"{name} ended by itself with {code}: {one.lines[-15:]}"


def _end(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
