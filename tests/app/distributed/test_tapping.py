"""`shadow-csms tap` as a process: its monitor, and an end in order."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import Server, ServerConnection, serve

from app.distributed.reading import read_topic
from diff.published import decode
from diff.store.tables import ConnectionAccount
from ingest.topics import Topics
from tests.app.watched import Part, free_port
from tests.running import until

CALL = '[2,"{}","Heartbeat",{{}}]'
ANSWER = '[3,"{}",{{"currentTime":"2026-01-01T00:00:00Z"}}]'


def _answer(connection: ServerConnection) -> None:
    for text in connection:
        connection.send(ANSWER.format(msgspec.json.decode(text)[1]))


@pytest.fixture
def primary() -> Iterator[Server]:
    """A primary CSMS that answers heartbeats."""
    with serve(_answer, "127.0.0.1", 0, subprotocols=["ocpp1.6"], compression=None) as server:  # type: ignore[list-item]  # any text is a subprotocol
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def _tap(primary: Server, directory: Path, kafka: str, topics: Topics, **settings: str) -> Iterator[Part]:
    upstream = f"ws://127.0.0.1:{primary.socket.getsockname()[1]}"
    with Part("tap", directory, kafka, topics, upstream=upstream, **settings) as part:
        yield part


def _charger(part: Part) -> ClientConnection:
    url = f"ws://127.0.0.1:{part.running.tap_port}/ocpp/CP-1"
    return connect(url, subprotocols=["ocpp1.6"], compression=None)  # type: ignore[list-item]  # any text is a subprotocol


def _talk(charger: ClientConnection, first: int, count: int) -> None:
    for number in range(first, first + count):
        charger.send(CALL.format(number))
        assert charger.recv(5) == ANSWER.format(number)


def _counted(part: Part, calls: int) -> dict[str, float] | None:
    """The metrics, where the parser has told of so many calls and the relay, once a second, of their bytes."""
    shown = part.metrics()
    parsed = shown['shadow_tap_frames_total{direction="cp-to-cs"}'] == calls
    relayed = shown['shadow_tap_bytes_total{direction="cp-to-cs"}'] > calls * len(CALL)
    return shown if parsed and relayed else None


def _published(kafka: str, topics: Topics) -> list[str]:
    """Texts of the messages, in order. None stands there twice."""
    records = [record for record in read_topic(kafka, topics.frames) if record.key == b"CP-1"]
    names = [dict(record.headers)["ce_id"] for record in records]
    assert len(set(names)) == len(names)
    return [record.value.decode() for record in records if record.value.startswith(b"[")]


def _newest_account(kafka: str, topics: Topics) -> ConnectionAccount:
    accounts = [decode(record.value, ConnectionAccount) for record in read_topic(kafka, topics.connections)]
    return max(accounts, key=lambda one: (one.at, one.frames_published or 0))


def _texts(count: int) -> list[str]:
    return [text.format(number) for number in range(count) for text in (CALL, ANSWER)]


def test_what_was_mirrored_is_published_before_the_tap_ends(
    primary: Server, tmp_path: Path, kafka: str, topics: Topics
) -> None:
    """SIGTERM right behind the last answer: exit status 0 within the budget, and every message is in Kafka once."""
    with _tap(primary, tmp_path, kafka, topics, stop_seconds="15") as part, _charger(part) as charger:
        _talk(charger, 0, 300)
        part.until("healthy")
        shown = until(lambda: _counted(part, 300), 10, "parser and relay have both reported")
        _talk(charger, 300, 200)
        began = time.monotonic()
        assert part.running.stop() == 0
        took = time.monotonic() - began

    assert took < 15
    assert _published(kafka, topics) == _texts(500)
    account = _newest_account(kafka, topics)
    assert account.frames_published == account.frames > 1000
    assert account.state == "closed"
    assert shown['shadow_tap_frames_total{direction="cs-to-cp"}'] == 300
    assert shown["shadow_tap_connections"] == 1
    assert shown['shadow_tap_bytes_total{direction="cp-to-cs"}'] > 300 * len(CALL)
    assert {value for name, value in shown.items() if name.startswith("shadow_tap_dropped_total")} == {0.0}
    assert shown["shadow_spool_limit_bytes"] == 8 << 30


def test_without_kafka_the_tap_forwards_says_that_it_is_blind_and_keeps_what_it_saw(
    primary: Server, tmp_path: Path, kafka: str, topics: Topics
) -> None:
    """Degraded and 200; it ends within its budget, and the next start publishes all of it once."""
    with (
        _tap(primary, tmp_path, f"127.0.0.1:{free_port()}", topics, stop_seconds="8") as part,
        _charger(part) as charger,
    ):
        _talk(charger, 0, 50)
        status, _, reasons = part.until("degraded", "Kafka takes nothing, the spool keeps it")
        _talk(charger, 50, 50)
        until(lambda: part.metrics()["shadow_spool_waiting_bytes"] > 100 * len(CALL), 10, "the spool grows")
        shown = part.metrics()
        began = time.monotonic()
        assert part.running.stop() == 0
        took = time.monotonic() - began
    assert (status, took < 8) == (200, True), (reasons, took)
    assert shown["shadow_publisher_failing"] == 1
    assert shown['shadow_state{state="degraded"}'] == 1
    assert any("Kafka takes nothing" in line for line in part.running.lines)

    with _tap(primary, tmp_path, kafka, topics) as part:
        part.until("healthy")
        until(lambda: len(_published(kafka, topics)) == 200, 20, "the spool is published")
        until(lambda: part.metrics()["shadow_spool_waiting_bytes"] < 1000, 10, "the tap says so")
        assert part.running.stop() == 0
    assert _published(kafka, topics) == _texts(100)


@pytest.mark.long
def test_a_parser_that_hangs_is_degraded_and_a_relay_that_hangs_is_unhealthy(
    primary: Server, tmp_path: Path, kafka: str, topics: Topics
) -> None:
    """The monitor answers for both from a process of its own, and says when they go on."""
    with _tap(primary, tmp_path, kafka, topics) as part:
        part.until("healthy")
        parser, relay = part.running.part("ingest.tap.parser"), part.running.process.pid
        os.kill(parser, signal.SIGSTOP)
        degraded = part.until("degraded", "the parser's status is")
        os.kill(relay, signal.SIGSTOP)
        unhealthy = part.until("unhealthy", "the process that forwards has not answered")
        os.kill(relay, signal.SIGCONT)
        os.kill(parser, signal.SIGCONT)
        part.until("healthy")
    assert (degraded[0], unhealthy[0]) == (200, 503)


def test_a_monitor_port_that_is_taken_ends_the_tap_before_it_begins(
    primary: Server, tmp_path: Path, topics: Topics, kafka: str
) -> None:
    """Exit status 2 and one line."""
    taken = str(primary.socket.getsockname()[1])
    with _tap(primary, tmp_path, kafka, topics, monitor_port=taken) as part:
        assert part.running.process.wait(20) == 2
    assert any(f"monitor: cannot listen on 127.0.0.1:{taken}" in line for line in part.running.lines)
