"""Hosts, ports and directories of containers become those of one machine, and nothing else changes."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.stack.compose import read
from app.stack.loopback import Loopback

TEXT = """
services:
  kafka: {image: k:1.1.1, ports: ["127.0.0.1:%d:9092"]}
  tap:
    image: o:1.1.1
    volumes: ["tap-data:/data"]
    command: [tap, --url, "ws://primary:9000/x"]
    environment:
      LISTEN_HOST: 0.0.0.0
      LISTEN_PORT: "9310"
      BOOTSTRAP: kafka:19092,kafka:9092
      STORE: clickhouse://a@store:9000/shadow
      PASSWORD: its-own
      DATA: /data/spool
      ELSEWHERE: ws://my-kafka:9092/data
      BYTES: "9310"
  tap-two: {image: o:1.1.1, environment: {LISTEN_PORT: "9310"}, command: ["0.0.0.0:9000"]}
  primary: {image: o:1.1.1}
  store: {image: s:1.1.1}
"""


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_names_ports_and_directories_are_those_of_this_machine(tmp_path: Path) -> None:
    """Every address of another service and of its own is on loopback; what only looks like one is left alone."""
    services = read(TEXT % _free(), {})
    at = Loopback(services.values(), tmp_path)
    at.is_at("kafka", 19092, 50_001)
    at.answers_as("store", "clickhouse://shadow@127.0.0.1:50002")
    at.is_given("PASSWORD", "of what runs here")

    environment = at.environment(services["tap"])

    assert environment == {
        "LISTEN_HOST": "127.0.0.1",
        "LISTEN_PORT": str(at.port("tap", 9310)),
        "BOOTSTRAP": f"127.0.0.1:50001,127.0.0.1:{at.port('kafka', 9092)}",
        "STORE": "clickhouse://shadow@127.0.0.1:50002/shadow",
        "PASSWORD": "of what runs here",
        "DATA": str(tmp_path / "volumes/tap-data/spool"),
        "ELSEWHERE": "ws://my-kafka:9092/data",
        "BYTES": "9310",
    }
    assert at.words(services["tap"]) == ["tap", "--url", f"ws://127.0.0.1:{at.port('primary', 9000)}/x"]
    assert at.words(services["tap-two"]) == [f"127.0.0.1:{at.port('tap-two', 9000)}"]


def test_no_two_services_share_a_port_or_a_directory(tmp_path: Path) -> None:
    """In containers both may listen on 9310 and write to /data; here each has its own."""
    services = read(TEXT % _free(), {})
    at = Loopback(services.values(), tmp_path)

    assert at.port("tap", 9310) != at.port("tap-two", 9310)
    assert at.port("tap", 9310) == at.port("tap", 9310)
    assert at.volume("tap") != at.volume("tap-two")


def test_a_published_port_is_kept_where_it_is_free(tmp_path: Path, taken: int) -> None:
    """Where somebody else has it, any other does, instead of an error."""
    wanted = _free()
    free = Loopback(read(TEXT % wanted, {}).values(), tmp_path)
    held = Loopback(read(TEXT % taken, {}).values(), tmp_path)

    assert free.port("kafka", 9092) == wanted
    assert held.port("kafka", 9092) != taken
