"""A real single-node Apache Kafka (KRaft) on loopback, from its Maven Central artefacts: no Docker engine needed.

    python -m app.stack.broker [--port N] [--data DIR]        (`make kafka`)

It says `KAFKA_BOOTSTRAP=127.0.0.1:PORT` when it answers, and stops cleanly on SIGTERM or Ctrl-C. The data lies in a
temporary directory that goes with it, unless one is named. For tests, benchmarks, drills and trying things out:
one node, no replication, no encryption, loopback only.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["HOST", "Broker", "BrokerError", "libraries", "main", "server_properties"]

HOST: Final = "127.0.0.1"
_DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy" / "kafka"
_RESOLVE_SECONDS: Final = 600
_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 30.0
_HEAP: Final = ("-Xms256m", "-Xmx512m")
_QUICK: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Half the processor time until it answers (3.6 s for 7.3 s here), and less throughput afterwards."""
_ASK: Final = struct.pack("!ihhih6s", 16, 18, 0, 1, 6, b"shadow")
"""ApiVersions v0, which every broker answers (KIP-35): length, API key 18, version 0, correlation 1, client id."""
_ANSWER: Final = struct.pack("!ih", 1, 0)
"""Behind its length: correlation 1, no error."""
_LAST_LINES: Final = 15
_LISTENERS: Final = ("listeners", "advertised.listeners", "listener.security.protocol.map")


class BrokerError(Exception):
    """The broker cannot be had; the message is one paragraph and says what to do."""


def libraries(cache: Path | None = None) -> Path:
    """The directory with Kafka's jars, resolved by Maven into the cache on the first call.

    Raises:
        BrokerError: no Java, no Maven, or the artefacts cannot be fetched.

    """
    for tool, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if shutil.which(tool) is None:
            raise BrokerError(
                f"`{tool}` is not installed: apt-get install {package}, or set KAFKA_BOOTSTRAP to a broker"
            )
    pom = _DEPLOY / "pom.xml"
    base = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shadow-csms"
    # Named by what was asked for: another version is another directory, and half a resolution is never used.
    wanted = base / f"kafka-{blake2b(pom.read_bytes(), digest_size=6).hexdigest()}"
    if wanted.is_dir():
        return wanted
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as partial:
        target = Path(partial) / "libs"
        _resolve(pom, target)
        try:
            target.rename(wanted)
        except OSError:
            if not wanted.is_dir():  # another process was first, which is as good
                raise
    return wanted


def _resolve(pom: Path, target: Path) -> None:
    command = ["mvn", "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_RESOLVE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise BrokerError(
            f"Maven did not resolve {pom} within {_RESOLVE_SECONDS} s: is the repository reachable?"
        ) from None
    if done.returncode != 0 or not target.is_dir():
        raise BrokerError(
            f"Maven cannot resolve {pom}: reach Maven Central (or a mirror in ~/.m2/settings.xml) and try again\n"
            f"{_tail(done.stdout + done.stderr)}"
        )


def server_properties(data: Path, port: int, controller_port: int, extra: Mapping[str, str] | None = None) -> str:
    """The settings of the one node, which is broker and controller (Kafka 4 knows no ZooKeeper).

    `extra`: further settings; further listeners stand behind those that are there.
    """
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller_port}",
        "log.dirs": str(data / "log"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "auto.create.topics.enable": "false",
        # A node that was killed is let in again when its old session has expired: 3 s instead of 9.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }
    for name, value in (extra or {}).items():
        settings[name] = f"{settings[name]},{value}" if name in _LISTENERS else value
    return "".join(f"{name}={value}\n" for name, value in settings.items())


class Broker:
    """The broker as a child process. Port and data stay the same over `stop`, `kill` and `start`."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        cache: Path | None = None,
        extra: Mapping[str, str] | None = None,
        quick: bool = False,
    ) -> None:
        """Prepare. `extra`: further server properties. `quick`: for tests that start it often and load it little."""
        self.data = data
        self.port = port or _free_port()
        self._controller_port = _free_port()
        self._cache = cache
        self._extra = extra
        self._java = (*_HEAP, *(_QUICK if quick else ()))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """What a client connects to."""
        return f"{HOST}:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id once it was started."""
        return None if self._process is None else self._process.pid

    @property
    def log(self) -> Path:
        """Warnings and errors of the broker."""
        return self.data / "kafka.log"

    def start(self) -> None:
        """Start and wait until it answers. Raises `BrokerError`."""
        if self.alive:
            return
        jars = f"{libraries(self._cache)}/*"
        _check_free(self.port)
        self.data.mkdir(parents=True, exist_ok=True)
        properties = self.data / "server.properties"
        properties.write_text(server_properties(self.data, self.port, self._controller_port, self._extra))
        if not (self.data / "log" / "meta.properties").exists():
            self._format(jars, properties)
        logging = f"-Dlog4j2.configurationFile={_DEPLOY / 'log4j2.properties'}"
        command = [*_ends_with_us(), "java", *self._java, logging, "-cp", jars, "kafka.Kafka", str(properties)]
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C goes to the foreground group, and its clients still have to flush.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait()

    def stop(self) -> None:
        """Ask it to end; kill it where it does not in time."""
        if self._process is not None and self.alive:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once, as a lost machine would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _format(self, jars: str, properties: Path) -> None:
        # As `StorageTool random-uuid` makes it, without the seconds that a Java takes to start.
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        tool = ["java", "-Xmx128m", *_QUICK, "-cp", jars, "kafka.tools.StorageTool"]
        formatting = [*tool, "format", "--standalone", "-t", identity, "-c", str(properties)]
        done = subprocess.run(formatting, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"the storage at {self.data} cannot be formatted\n{_tail(done.stdout + done.stderr)}")

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if not self.alive:
                raise BrokerError(
                    f"the broker ended while starting; {self.log} ends with\n{_tail(self.log.read_text())}"
                )
            if _answers(self.port):
                return
            time.sleep(0.1)
        self.kill()
        raise BrokerError(
            f"the broker did not answer within {_START_SECONDS:g} s; {self.log} ends with\n"
            f"{_tail(self.log.read_text())}"
        )


def _ends_with_us() -> list[str]:
    """Linux ends the broker when this process ends, however it ends; elsewhere it is stopped in order or not at all."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _answers(port: int) -> bool:
    """Whether a broker answers ApiVersions without an error. An open port alone is no broker yet."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as link:
            link.settimeout(2)
            link.sendall(_ASK)
            head = link.recv(10, socket.MSG_WAITALL)
    except OSError:
        return False
    return head[4:] == _ANSWER


def _check_free(port: int) -> None:
    """Whoever holds the port would answer in the place of ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BrokerError(f"port {port} on {HOST} cannot be had ({error.strerror}): choose another") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_LAST_LINES:])


def main(arguments: list[str]) -> int:
    """Run a broker until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m app.stack.broker", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--data", type=Path, help="directory of the data, kept; none is a temporary one")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="shadow-kafka-") as temporary:
        try:
            with Broker(options.data or Path(temporary), port=options.port) as broker:
                print(f"KAFKA_BOOTSTRAP={broker.bootstrap}", flush=True)
                while broker.alive and not stop.wait(0.5):
                    pass
                ended = None if broker.alive else _tail(broker.log.read_text())
        except BrokerError as error:
            print(f"kafka: {error}", file=sys.stderr)
            return 1
    if ended is not None:
        print(f"kafka: the broker ended by itself; its log ended with\n{ended}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
