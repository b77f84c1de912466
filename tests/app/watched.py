"""Commands of the distributed runtime as processes with a monitor: what their tests share."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import msgspec
from kafka import KafkaProducer

from ingest import cloudevents
from ingest.frame import Frame, FrameKind
from ingest.topics import Topics
from tests.running import QUICK, Running, until


def free_port() -> int:
    """A port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Part:
    """A tap, worker or sink with a monitor."""

    def __init__(self, role: str, directory: Path, kafka: str, topics: Topics, **settings: str) -> None:
        self.port = free_port()
        given = {
            **QUICK,
            "SHADOW_DATA_DIR": str(directory / role),
            "SHADOW_KAFKA_BOOTSTRAP": kafka,
            "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix,
            "SHADOW_KAFKA_PARTITIONS": str(topics.partitions),
            "SHADOW_MONITOR_PORT": str(self.port),
            "SHADOW_LISTEN_PORT": "0",
            "SHADOW_WORKER_SESSION_SECONDS": "3",
            "SHADOW_SINK_SESSION_SECONDS": "3",
            **{f"SHADOW_{name.upper()}": value for name, value in settings.items()},
        }
        self.running = Running.start([role], directory, given)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.running.kill()

    def ask(self, path: str) -> tuple[int, bytes]:
        """Status and body; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""

    def ready(self) -> tuple[int, str, str]:
        """Status, state and reasons of /readyz."""
        status, body = self.ask("/readyz")
        said: dict[str, Any] = msgspec.json.decode(body) if status else {"state": "", "reasons": []}
        return status, said["state"], "; ".join(said["reasons"])

    def until(self, state: str, reason: str = "", seconds: float = 30) -> tuple[int, str, str]:
        """Wait for a state, with a reason that holds these words."""

        def look() -> tuple[int, str, str] | None:
            found = self.ready()
            return found if found[1] == state and reason in found[2] else None

        return until(look, seconds, f"{state} {reason}; it said {self.ready()}, {self.running.lines[-5:]}")

    def metrics(self) -> dict[str, float]:
        """Values by name and labels, as they stand in the text."""
        lines = self.ask("/metrics")[1].decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def publish(kafka: str, topics: Topics, frames: Iterable[Frame]) -> int:
    """Publish frames as a tap does; gives how many records that made."""
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=10)
    count = 0
    for frame in frames:
        key, value, headers = cloudevents.encode(frame)
        for partition in range(topics.partitions) if frame.kind is FrameKind.TICK else [None]:
            producer.send(topics.frames, value, key, headers=headers, partition=partition)
            count += 1
    producer.flush()
    producer.close()
    return count
