"""Enrolment through the control topic: commands, the follower, and a tap that obeys within seconds."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from app.distributed.control import ControlFollower, read_control, tell
from app.distributed.reading import read_topic
from app.stack.broker import Broker
from diff.published import decode
from diff.store.tables import ConnectionAccount
from ingest.control import ControlState, EnrolmentRule, EnrolmentSwitch, Message, encode, takes_back
from ingest.enrolment import Override, Overrides, parse_overrides
from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.topic_admin import TopicError, create
from ingest.topics import Topics
from tests.running import Outcome, Running, call, until


def _enrol(kafka: str, topics: Topics, cwd: Path, *arguments: str) -> Outcome:
    env = {"SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix}
    return call(["enrol", arguments[0], "--kafka", kafka, *arguments[1:]], cwd, env)


def _said(path: Path) -> Overrides | None:
    return parse_overrides(path.read_text()) if path.exists() else None


@contextmanager
def _following(kafka: str, topics: Topics, file: Path) -> Iterator[ControlFollower]:
    follower = ControlFollower(kafka, topics.control, file, bootstrap_timeout_ms=1_000)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()


def test_commands_say_it_and_list_shows_it(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """Rules under their ids, with who said it, when and why; what was taken back is gone."""
    empty = _enrol(kafka, topics, tmp_path, "list")
    assert empty.code == 0
    assert b"kill switch: on" in empty.out
    assert b"no rules" in empty.out

    before = time.time_ns() // 1000
    added = _enrol(
        kafka, topics, tmp_path, "add", "CP-1", "LAB-[b]*", "--connector", "2", "--reason", "beta", "--by", "ann"
    )
    assert (added.code, added.out) == (0, b"enrolled: CP-1, LAB-[b]*\n")
    assert _enrol(kafka, topics, tmp_path, "remove", "CP-1", "CP-2").code == 0
    assert _enrol(kafka, topics, tmp_path, "forget", "CP-2").code == 0
    assert _enrol(kafka, topics, tmp_path, "off", "--reason", "a test").code == 0

    told = _enrol(kafka, topics, tmp_path, "list", "--json").json
    assert [(one["charger"], one["enrolled"], one["connectors"]) for one in told["rules"]] == [
        ("CP-1", False, []),
        ("LAB-[b]*", True, [2]),
    ]
    lab = told["rules"][1]
    assert (lab["reason"], lab["by"]) == ("beta", "ann")
    assert before < lab["at"] < time.time_ns() // 1000
    assert "@" in told["rules"][0]["by"]
    assert (told["enabled"], told["switch"]["reason"]) == (False, "a test")
    table = _enrol(kafka, topics, tmp_path, "list").out.decode()
    assert "kill switch: OFF, nothing is mirrored (by " in table
    assert "LAB-[b]*" in table


def test_commands_that_cannot_be_followed_say_why(tmp_path: Path) -> None:
    """Exit code 2 and one line, before anything is written."""
    odd = call(["enrol", "add", "/enrolment-switch", "--kafka", "127.0.0.1:1"], tmp_path)
    assert odd.code == 2
    assert "[/]enrolment-switch" in odd.err
    away = call(["enrol", "list", "--kafka", "127.0.0.1:1"], tmp_path)
    assert away.code == 2
    assert "127.0.0.1:1" in away.err
    assert "Traceback" not in away.err


def test_the_follower_keeps_what_the_topic_says(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """What stood there before it came, and then each change, at once; also behind records that are none."""
    file = tmp_path / "overrides.json"
    tell(kafka, topics.control, [encode(EnrolmentRule(f"CP-{n}", enrolled=n % 2 == 0)) for n in range(50)])
    with _following(kafka, topics, file) as follower:
        said = until(lambda: _said(file), 20, "the file")
        assert len(said.rules) == 50

        producer = KafkaProducer(bootstrap_servers=kafka)
        producer.send(topics.control, b"{", b"CP-1").get(10)
        producer.send(topics.control, b'{"kind":"pardon"}', b"/pardon/7").get(10)
        producer.close()
        tell(kafka, topics.control, [takes_back(f"CP-{n}", 0) for n in range(49)])
        tell(kafka, topics.control, [encode(EnrolmentSwitch(enabled=False))])
        only = (Override("CP-49", enrolled=False),)
        until(lambda: _said(file) == Overrides(enabled=False, rules=only), 10, "the newest word")
        status = follower.status
    assert (status.caught_up, status.enabled, status.rules) == (True, False, 1)
    assert (status.passed_over, status.unreadable, status.failure) == (1, 1, "")


def test_what_was_said_stands_while_kafka_is_away(own_broker: Broker, tmp_path: Path) -> None:
    """The file is left alone, the follower says what is wrong, and goes on when Kafka is back."""
    topics, file = Topics(partitions=1), tmp_path / "overrides.json"
    create(own_broker.bootstrap, topics)
    tell(own_broker.bootstrap, topics.control, [encode(EnrolmentRule("CP-1", enrolled=False))])
    with _following(own_broker.bootstrap, topics, file):
        first = until(lambda: _said(file), 20, "the file")
    own_broker.kill()
    with pytest.raises(TopicError, match="Kafka at"):
        read_control(own_broker.bootstrap, topics.control, bootstrap_timeout_ms=1_000)
    with _following(own_broker.bootstrap, topics, file) as follower:
        until(lambda: follower.status.failure, 20, "a failure that is said")
        assert not follower.status.caught_up
        assert _said(file) == first
        own_broker.start()
        until(lambda: follower.status.caught_up, 60, "Kafka is followed again")
        tell(own_broker.bootstrap, topics.control, [encode(EnrolmentSwitch(enabled=False))])
        until(lambda: _said(file) != first, 10, "what was said since")


def _frames(spool: Path) -> list[Frame]:
    return [one for one in Reader().read(JournalReader(spool).follow()) if isinstance(one, Frame)]


def _texts(spool: Path, charger_id: str) -> list[str]:
    return [one.text for one in _frames(spool) if one.charger_id == charger_id and one.kind is FrameKind.MESSAGE]


class _Charger:
    """A charging station that asks the time without end, and notes how long each answer took."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.sent = 0
        self.longest = 0.0
        self.task = asyncio.create_task(self._talk())

    async def _talk(self) -> None:
        while True:
            began = time.monotonic()
            await self._socket.send(f'[2,"{self.sent}","Heartbeat",{{}}]')
            await self._socket.recv()
            self.longest = max(self.longest, time.monotonic() - began)
            self.sent += 1
            await asyncio.sleep(0.02)


async def _answer(socket: ServerConnection) -> None:
    async for message in socket:
        name = msgspec.json.decode(message)[1]
        await socket.send(f'[3,"{name}",{{"currentTime":"2026-06-01T00:00:00Z"}}]')


async def _until_mirrored(spool: Path, charger_id: str) -> None:
    before, deadline = len(_texts(spool, charger_id)), time.monotonic() + 20
    while len(_texts(spool, charger_id)) < before + 5:
        assert time.monotonic() < deadline, f"{charger_id} is not mirrored"
        await asyncio.sleep(0.05)


async def _until_removed(spool: Path, charger: _Charger, charger_id: str) -> int:
    """Wait for the gap that ends the mirror, and see that bytes go on and texts do not; gives the gap's time."""
    deadline = time.monotonic() + 10
    while not (gaps := [one for one in _frames(spool) if one.charger_id == charger_id and one.gap is not None]):
        assert time.monotonic() < deadline, f"{charger_id} is still mirrored"
        await asyncio.sleep(0.05)
    before, sent = len(_texts(spool, charger_id)), charger.sent
    await asyncio.sleep(1)
    assert charger.sent > sent + 10
    assert len(_texts(spool, charger_id)) == before
    return gaps[-1].received_at


async def _switched(kafka: str, topics: Topics, tap: Running, spool: Path) -> list[float]:
    async def say(*messages: Message) -> None:
        await asyncio.to_thread(tell, kafka, topics.control, messages)

    url = f"ws://127.0.0.1:{tap.tap_port}/ocpp"
    # Without compression: messages that build on each other cannot be joined before the next connection.
    async with connect(f"{url}/CP-1", compression=None) as one, connect(f"{url}/CP-2", compression=None) as two:
        first, second = _Charger(one), _Charger(two)
        await _until_mirrored(spool, "CP-1")
        took, said = [], time.time_ns()
        await say(encode(EnrolmentRule("CP-1", enrolled=False)))
        took.append(await _until_removed(spool, first, "CP-1") / 1e6 - said / 1e9)
        await _until_mirrored(spool, "CP-2")
        said = time.time_ns()
        await say(encode(EnrolmentSwitch(enabled=False)))
        took.append(await _until_removed(spool, second, "CP-2") / 1e6 - said / 1e9)
        await say(takes_back("CP-1", 0), encode(EnrolmentSwitch(enabled=True)))
        await asyncio.gather(_until_mirrored(spool, "CP-1"), _until_mirrored(spool, "CP-2"))
        for charger in (first, second):
            assert not charger.task.done()
            assert charger.longest < 2
            charger.task.cancel()
        return took


def test_a_tap_obeys_within_seconds_and_bytes_go_on(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """One charging station removed, then all by the kill switch, then all back; each waits for no answer longer."""
    spool, overrides = tmp_path / "data" / "spool", tmp_path / "data" / "overrides.json"
    env = {"SHADOW_KAFKA_BOOTSTRAP": kafka, "SHADOW_KAFKA_TOPIC_PREFIX": topics.prefix, "SHADOW_DATA_DIR": "data"}

    async def scene() -> list[float]:
        async with serve(_answer, "127.0.0.1", 0) as primary:
            port = primary.sockets[0].getsockname()[1]
            tap = Running.start(["tap", "--upstream", f"ws://127.0.0.1:{port}", "--listen-port", "0"], tmp_path, env)
            try:
                await asyncio.to_thread(lambda: tap.tap_port)
                await asyncio.to_thread(until, overrides.exists, 30, "the topic is followed")
                return await _switched(kafka, topics, tap, spool)
            finally:
                await asyncio.to_thread(tap.stop)

    took = asyncio.run(scene())
    print(
        f"seconds from the command to the end of the mirror: {took[0]:.2f} (one removed), {took[1]:.2f} (kill switch)"
    )
    assert max(took) < 5
    accounts = {}
    for record in read_topic(kafka, topics.connections):
        accounts[record.key.decode()] = decode(record.value, ConnectionAccount)
    assert {name: (one.state, one.gaps) for name, one in accounts.items()} == {
        "CP-1": ("closed", 2),
        "CP-2": ("closed", 2),
    }
    assert all(one.bytes_forwarded > one.bytes_parsed > 1000 for one in accounts.values())
    gaps = [(one.charger_id, one.gap.reason) for one in _frames(spool) if one.gap is not None]
    assert gaps[:2] == [("CP-1", "unenrolled"), ("CP-2", "unenrolled")]
    assert sorted(gaps[2:]) == [("CP-1", "joined-late"), ("CP-2", "joined-late")]


def test_a_tap_that_starts_while_kafka_is_away_obeys_what_was_said(tmp_path: Path) -> None:
    """One charging station removed and a second not: their bytes pass, and only the second stands in the spool."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "overrides.json").write_text('{"rules":[{"charger":"CP-1","enrolled":false}]}')

    async def scene() -> None:
        async with serve(_answer, "127.0.0.1", 0) as primary:
            port = primary.sockets[0].getsockname()[1]
            env = {"SHADOW_KAFKA_BOOTSTRAP": "127.0.0.1:1", "SHADOW_DATA_DIR": "data", "SHADOW_STOP_SECONDS": "4"}
            tap = Running.start(["tap", "--upstream", f"ws://127.0.0.1:{port}", "--listen-port", "0"], tmp_path, env)
            try:
                url = f"ws://127.0.0.1:{await asyncio.to_thread(lambda: tap.tap_port)}/ocpp"
                async with connect(f"{url}/CP-1") as one, connect(f"{url}/CP-2") as two:
                    first, second = _Charger(one), _Charger(two)
                    await _until_mirrored(data / "spool", "CP-2")
                    await asyncio.sleep(0.5)
                    assert min(first.sent, second.sent) > 10
                    first.task.cancel()
                    second.task.cancel()
            finally:
                await asyncio.to_thread(tap.stop)

    asyncio.run(scene())
    assert {one.charger_id for one in _frames(data / "spool")} - {""} == {"CP-2"}


def test_the_state_is_what_the_topic_says(kafka: str, topics: Topics) -> None:
    """`read_control` ends at the end, and finds nothing where nobody said anything."""
    state = read_control(kafka, topics.control)
    assert (state.rules, state.switch) == ({}, None)
    assert isinstance(state, ControlState)
