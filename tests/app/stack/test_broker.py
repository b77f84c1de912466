"""The broker without Docker: it answers, keeps its data, ends in order, and says what it lacks."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer

from app.stack import broker
from app.stack.broker import Broker, BrokerError, libraries, server_properties

ROOT = Path(__file__).resolve().parents[3]


def _send(bootstrap: str, topic: str, value: bytes) -> None:
    from kafka.admin import KafkaAdminClient, NewTopic

    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    producer.send(topic, value).get(20)
    producer.close()


def _read(bootstrap: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=10_000, group_id=None
    )
    found = [next(consumer).value]
    consumer.close()
    return found


@pytest.mark.parametrize("end", [Broker.stop, Broker.kill])
def test_data_survive_the_end_of_a_broker(own_broker: Broker, end) -> None:
    """What was acknowledged before a stop or a kill is there after the next start, under the same address."""
    _send(own_broker.bootstrap, "kept", b"value")
    before = own_broker.bootstrap
    end(own_broker)
    assert not own_broker.alive
    own_broker.start()

    assert own_broker.bootstrap == before
    assert _read(before, "kept") == [b"value"]


def test_the_runner_says_its_address_and_leaves_nothing(kafka: str, tmp_path: Path) -> None:
    """`make kafka` prints KAFKA_BOOTSTRAP, ends on SIGTERM with status 0, and takes its data with it."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    runner = subprocess.Popen(
        [sys.executable, "-m", "app.stack.broker"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert runner.stdout is not None
    with runner.stdout:
        name, _, address = runner.stdout.readline().strip().partition("=")
        _send(address, "one", b"value")
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(40) == 0

    assert name == "KAFKA_BOOTSTRAP"
    assert list(tmp_path.glob("shadow-kafka-*")) == []
    with pytest.raises(OSError, match="refused"):
        broker.socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=1)


@pytest.mark.skipif(not broker.shutil.which("setpriv"), reason="setpriv (util-linux) ties the broker to its runner")
def test_a_killed_runner_takes_the_broker_with_it(kafka: str, tmp_path: Path) -> None:
    """Kill -9 of whoever started the broker leaves no Java process behind."""
    runner = subprocess.Popen(
        [sys.executable, "-m", "app.stack.broker", "--data", str(tmp_path / "data")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert runner.stdout is not None
    with runner.stdout:
        port = int(runner.stdout.readline().rpartition(":")[2])
        runner.kill()
        runner.wait()
    until = time.monotonic() + 20
    while broker._answers(port) and time.monotonic() < until:
        time.sleep(0.1)

    assert not broker._answers(port)


def test_an_open_port_alone_is_no_broker() -> None:
    """Something that listens and does not speak Kafka does not count as started."""
    with broker.socket.create_server(("127.0.0.1", 0)) as silent:
        assert not broker._answers(silent.getsockname()[1])


def test_a_port_that_is_taken_is_told(own_broker: Broker, tmp_path: Path) -> None:
    """Another broker on the port would answer in its place: it is refused before anything starts."""
    second = Broker(tmp_path / "second", port=own_broker.port)
    with pytest.raises(BrokerError, match=f"port {own_broker.port} .* cannot be had"):
        second.start()
    assert not second.alive


def test_a_broker_that_ends_while_starting_says_why(kafka: str, tmp_path: Path) -> None:
    """Its own reason is shown, not a time-out: here the data are those of another node."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "meta.properties").write_text("version=1\nnode.id=99\ncluster.id=another\n")
    broken = Broker(tmp_path)
    with pytest.raises(BrokerError, match=r"ended while starting(.|\n)*node"):
        broken.start()


def test_a_machine_without_java_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the tool and the package."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match="`java` is not installed: apt-get install"):
        libraries(tmp_path)


def test_a_failed_resolution_leaves_nothing_that_looks_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where Maven cannot fetch, the reason is shown and the next call tries again."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("java", "mvn"):
        (tools / name).write_text("#!/bin/sh\necho no route to the repository; exit 1\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    with pytest.raises(BrokerError, match=r"Maven cannot resolve(.|\n)*no route to the repository"):
        libraries(tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == []


def test_nothing_listens_beyond_loopback() -> None:
    """Every address in the settings is 127.0.0.1."""
    text = server_properties(Path("data"), 1234, 1235)
    addresses = [part for part in text.replace(",", "\n").splitlines() if "://" in part]

    assert len(addresses) == 4
    assert all("://127.0.0.1:" in part for part in addresses)
