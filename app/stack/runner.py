"""Every service of docker-compose.yml as a process, as written, where there is no Docker engine.

    python -m app.stack.runner [SERVICE...] [--profile demo] [--seconds N] [--data DIR]     (`make stack`)

The words and the environment of each service of ours are the file's; only host names, ports and directories are
those of this machine (`app.stack.loopback`). Apache Kafka itself runs in the place of its image (`app.stack.broker`),
the embedded ClickHouse in the place of the server's. Prometheus and Grafana are left out. Services start in the order
and under the conditions of `depends_on`, with their own health checks. Exit code 0 when it was ended, 1 when a service
died or never became healthy, 2 when it could not begin.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.live import say
from app.stack.broker import Broker, BrokerError
from app.stack.compose import COMPLETED, HEALTHY, ComposeError, Service, chosen, read
from app.stack.loopback import HOST, Loopback
from app.stack.part import Part, PartError
from diff.store.client import Address, Store
from diff.store.engine import EmbeddedEngine, EngineStartError
from diff.store.errors import StoreError
from diff.store.outcome import compared_sessions, open_codes, stored_frames

__all__ = ["Stack", "StoppedError", "main"]

_FILE: Final = Path(__file__).resolve().parents[2] / "docker-compose.yml"
_OURS: Final = "shadow-csms:"
_START_SECONDS: Final = 90.0
_LINE_SECONDS: Final = 5.0
_BEAT_SECONDS: Final = 0.2


class StoppedError(Exception):
    """Ctrl-C or SIGTERM while it comes up."""


class Stack:
    """The services of a compose file, started in their order and stopped against it."""

    def __init__(self, services: list[Service], directory: Path, stopping: threading.Event) -> None:
        """`directory`: below it everything is kept. `stopping`: set by whoever wants an end."""
        self.services = services
        self.parts: dict[str, Part] = {}
        """The processes of ours that were started, in order."""
        self.store: Store | None = None
        """A client of the store, where there is one."""
        self._directory = directory
        self.stopping = stopping
        self._at = Loopback(services, directory)
        self._places: dict[str, str] = {}
        self._engines = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_parts()
        self._engines.close()

    def start(self) -> None:
        """Start everything and wait until all that can say so is healthy.

        Raises:
            StoppedError: it was told to stop meanwhile.
            BrokerError, EngineStartError: Kafka or ClickHouse cannot be had.
            PartError: a service died, failed, or did not become healthy.

        """
        for service in self.services:
            if self.stopping.is_set():
                raise StoppedError
            name, image = service.name, service.image
            if image.startswith("apache/kafka:"):
                self._start_kafka(service)
            elif image.startswith("clickhouse/clickhouse-server:"):
                self._start_clickhouse(service)
            elif image.startswith(_OURS):
                self._start_part(service)
            else:
                self._places[name] = f"left out: {image} takes a container engine"
        for part in self.parts.values():
            if part.service.probe:
                self._await_healthy(part)

    def check(self) -> None:
        """Raises `PartError` where a service that should run does not."""
        for part in self.parts.values():
            if not part.once:
                part.check()

    def stop_parts(self) -> list[Part]:
        """End our processes, last started first, and leave Kafka and ClickHouse; those that did not end cleanly."""
        if any(not part.ended() for part in self.parts.values()):
            say("stack: stopping, last started first; what was mirrored is still published, judged and stored")
        return [part for part in reversed(self.parts.values()) if not part.stop()]

    def places(self) -> dict[str, str]:
        """By service: where it is reached, or what stands in its place."""
        places = self._places | {name: self._place(part) for name, part in self.parts.items() if not part.once}
        return {service.name: places[service.name] for service in self.services if service.name in places}

    def _place(self, part: Part) -> str:
        environment = self._at.environment(part.service)
        shapes = {
            "LISTEN": "charging stations connect to ws://{}:{}/ID",
            "DASHBOARD": "open http://{}:{}",
            "MONITOR": "monitor on http://{}:{}/metrics",
        }
        found = [
            shape.format(HOST, environment[f"SHADOW_{what}_PORT"])
            for what, shape in shapes.items()
            if f"SHADOW_{what}_PORT" in environment
        ]
        return ", ".join([*found, f"process {part.pid}"])

    def _start_kafka(self, service: Service) -> None:
        say(f"{service.name}: starting Apache Kafka in the place of {service.image}")
        port = service.ports[0]
        broker = Broker(self._directory / "kafka", port=self._at.port(service.name, port.target))
        self._engines.enter_context(broker)
        for listener in _ports_of(service):
            self._at.is_at(service.name, listener, broker.port)
        self._places[service.name] = f"{broker.bootstrap}, Apache Kafka"

    def _start_clickhouse(self, service: Service) -> None:
        say(f"{service.name}: starting the embedded ClickHouse in the place of {service.image}")
        engine = EmbeddedEngine(self._directory / "clickhouse", port=self._at.port(service.name, 9000))
        self._engines.enter_context(engine)
        # Its password is a new one each time, and goes to whoever is given the server's.
        address = Address.parse(engine.url())
        self._at.answers_as(service.name, f"clickhouse://{address.user}@{address.host}:{address.port}")
        self._at.is_given("SHADOW_STORE_PASSWORD", address.password)
        self.store = self._engines.enter_context(Store.connect(engine.url(service.environment["CLICKHOUSE_DB"])))
        self._places[service.name] = f"{engine.host}:{engine.port}, the embedded engine"

    def _start_part(self, service: Service) -> None:
        for name, condition in service.after.items():
            if condition == HEALTHY and name in self.parts:
                self._await_healthy(self.parts[name])
        once = any(one.after.get(service.name) == COMPLETED for one in self.services)
        part = Part(service, self._at, self._directory, once=once)
        self.parts[service.name] = part
        part.start()
        if not once:
            say(f"{service.name}: started as process {part.pid}")
            return
        self._until(part.ended, f"{service.name} did not end", part)
        if part.code:
            raise PartError(part.obituary())
        say(f"{service.name}: done ({part.last_line()})")

    def _await_healthy(self, part: Part) -> None:
        if part.healthy:
            return
        self._until(part.probe, f"{part.service.name} did not become healthy", part)
        say(f"{part.service.name}: {part.word}")

    def _until(self, condition: Callable[[], bool], complaint: str, part: Part) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not condition():
            if self.stopping.wait(_BEAT_SECONDS):
                raise StoppedError
            self.check()
            if time.monotonic() > deadline:
                raise PartError(f"{complaint} within {_START_SECONDS:g} s: {part.word or part.tail()}")


def _ports_of(service: Service) -> list[int]:
    """The ports of Kafka's listeners."""
    listeners = service.environment["KAFKA_LISTENERS"].split(",")
    return [int(listener.rpartition(":")[2]) for listener in listeners]


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m app.stack.runner", description=__doc__.splitlines()[0])
    parser.add_argument("services", nargs="*", help="these only, with what they depend on; none are all")
    parser.add_argument("--profile", action="append", default=[], help="a profile of the compose file; may be repeated")
    parser.add_argument("--seconds", type=int, help="end by itself so long after everything is healthy")
    parser.add_argument("--data", type=Path, help="directory of all data and logs, kept; none is a temporary one")
    parser.add_argument("--file", type=Path, default=_FILE, help="the compose file")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run the services until SIGTERM, Ctrl-C or the end of `--seconds`."""
    options = _arguments(arguments)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        services = chosen(read(options.file.read_text(), os.environ), frozenset(options.profile), options.services)
    except (OSError, ComposeError) as error:
        say(f"stack: {options.file}: {error}")
        return 2
    directory = _directory(options.data)
    say(f"stack: {len(services)} services of {options.file.name}; data and logs in {directory}")
    with Stack(services, directory, stopping) as stack:
        code = _run(stack, options.seconds)
    if options.data is None and code != 1:
        shutil.rmtree(directory, ignore_errors=True)
    elif code:
        say(f"stack: the logs are kept in {directory / 'logs'}")
    return code


def _directory(named: Path | None) -> Path:
    if named is None:
        return Path(tempfile.mkdtemp(prefix="shadow-stack-"))
    named.mkdir(parents=True, exist_ok=True)
    return named.resolve()


def _run(stack: Stack, seconds: int | None) -> int:
    try:
        stack.start()
        _introduce(stack)
        _watch(stack, seconds)
    except StoppedError:
        say("stack: told to stop while it came up")
        return 0
    except (BrokerError, EngineStartError) as error:
        say(f"stack: {error}")
        return 2
    except PartError as error:
        say(f"stack: {error}")
        return 1
    return _end(stack)


def _introduce(stack: Stack) -> None:
    places = stack.places()
    width = max(map(len, places))
    for name, place in places.items():
        say(f"  {name:<{width}}  {place}")
    if "tap" in stack.parts and "fleet" not in stack.parts and not os.environ.get("SHADOW_UPSTREAM"):
        say("stack: the tap has no primary CSMS yet: set SHADOW_UPSTREAM, or try --profile demo")
    say("stack: everything is up; Ctrl-C ends it")


def _watch(stack: Stack, seconds: int | None) -> None:
    began = told = time.monotonic()
    while not stack.stopping.wait(_BEAT_SECONDS):
        now = time.monotonic()
        stack.check()
        if now - told >= _LINE_SECONDS:
            told = now
            say(f"{now - began:.0f} s: {_figures(stack.store)}")
        if seconds is not None and now - began >= seconds:
            return


def _end(stack: Stack) -> int:
    unclean = stack.stop_parts()
    if stack.store is not None:
        print(_figures(stack.store))
    for part in unclean:
        say(f"stack: {part.obituary()}")
    return 1 if unclean else 0


def _figures(store: Store | None) -> str:
    if store is None:
        return "all processes run"
    try:
        found = open_codes(store)
        frames, compared = stored_frames(store), compared_sessions(store)
    except StoreError as error:
        return f"the store does not answer: {error}"
    stations, codes = len({charger for charger, _ in found}), len({code for _, code in found})
    return f"{frames} frames stored, {compared} sessions compared, {codes} codes open at {stations} charging stations"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
