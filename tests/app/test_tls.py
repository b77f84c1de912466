"""Kafka with SASL and TLS, and ClickHouse with TLS: real certificates, a real broker, the real engine."""

import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient, ScramMechanism, UserScramCredentialUpsertion
from kafka.errors import KafkaError

from app.security import location
from app.stack.broker import Broker, BrokerError, libraries
from demo.traffic import frames as fleet_frames
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.errors import StoreUnavailable
from ingest.topics import Topics
from tests.app.conftest import Cli
from tests.app.watched import Part, free_port, publish
from tests.running import until

USER, PASSWORD = "shadow", "pass word/%:@"


@dataclass(frozen=True)
class Certificates:
    """An authority, and a server's certificate for `localhost` alone."""

    ca: Path
    other_ca: Path
    """Which has signed nothing here."""
    cert: Path
    key: Path


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made by openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    there = tmp_path_factory.mktemp("certificates")
    new_key = ("-newkey", "rsa:2048", "-nodes")
    for name in ("ca", "other"):
        _openssl("req", "-x509", *new_key, "-keyout", there / f"{name}.key", "-out", there / f"{name}.pem", "-days", 2,
                 "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    names = there / "names"
    names.write_text("subjectAltName=DNS:localhost\n")
    _openssl("req", "-new", *new_key, "-keyout", there / "key.pem", "-out", there / "csr", "-subj", "/CN=localhost")
    _openssl("x509", "-req", "-in", there / "csr", "-CA", there / "ca.pem", "-CAkey", there / "ca.key", "-days", 2,
             "-CAcreateserial", "-extfile", names, "-out", there / "cert.pem")  # fmt: skip
    return Certificates(there / "ca.pem", there / "other.pem", there / "cert.pem", there / "key.pem")


@pytest.fixture(scope="module")
def guarded(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, int]]:
    """A broker with a listener for users with passwords over TLS, and that listener's port."""
    try:
        libraries()
    except BrokerError as error:
        pytest.skip(f"no Kafka: {error}")
    directory, port = tmp_path_factory.mktemp("guarded"), free_port()
    both = directory / "both.pem"
    both.write_text(certificates.key.read_text() + certificates.cert.read_text())
    listener = f"SASL_SSL://localhost:{port}"
    login = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    extra = {
        "listeners": listener,
        "advertised.listeners": listener,
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": login,
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(both),
    }
    with Broker(directory / "data", extra=extra, quick=True) as broker:
        until(lambda: _user_made(broker), 60, "a user with a password")
        yield broker, port


def _user_made(broker: Broker) -> bool:
    """The broker answers before its controller takes changes."""
    user = UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, PASSWORD, 4096)
    with suppress(KafkaError), KafkaAdminClient(bootstrap_servers=broker.bootstrap, request_timeout_ms=5_000) as admin:
        admin.alter_user_scram_credentials([user])
        return True
    return False


@pytest.fixture
def settings(certificates: Certificates, guarded: tuple[Broker, int], tmp_path: Path) -> dict[str, str]:
    """As a user of that listener sets them, the password in a file."""
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    return {
        "kafka_security_protocol": "SASL_SSL",
        "kafka_username": USER,
        "kafka_password_file": str(password),
        "kafka_ca_file": str(certificates.ca),
        "kafka_bootstrap": f"localhost:{guarded[1]}",
        "kafka_partitions": "3",
    }


def _environment(settings: dict[str, str], **others: str) -> dict[str, str]:
    return {f"SHADOW_{name.upper()}": value for name, value in (settings | others).items()}


@pytest.mark.parametrize("mechanism", [pytest.param("PLAIN", marks=pytest.mark.long), "SCRAM-SHA-512"])
def test_all_clients_of_a_worker_log_in(
    cli: Cli, guarded: tuple[Broker, int], settings: dict[str, str], tmp_path: Path, mechanism: str
) -> None:
    """kafka-python, aiokafka and Faust, by user and password over verified TLS: frames go through."""
    broker, _ = guarded
    topics = Topics(f"{mechanism}.", 3)
    settings |= {"kafka_sasl_mechanism": mechanism, "kafka_topic_prefix": topics.prefix}
    made = cli("topics", env=_environment(settings))
    assert (made.code, made.out.count(b"\nmade ")) == (0, len(topics.all()) - 1), made.err

    bootstrap = settings.pop("kafka_bootstrap")
    with Part("worker", tmp_path, bootstrap, topics, worker_store="memory://", **settings) as part:
        published = publish(broker.bootstrap, topics, list(fleet_frames(1, 2, 1))[:60])
        until(lambda: part.metrics().get("shadow_worker_frames_total") == published, 30, "frames are lived")
        part.until("healthy")
        assert part.running.stop() == 0
    assert PASSWORD not in "".join(part.running.lines)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        # The broker refuses and hangs up; whether kafka-python reads the refusal first is chance.
        ({"kafka_password_file": "", "kafka_password": "not it"}, "SaslAuthenticationFailed|socket disconnected"),
        ({"kafka_ca_file": "other"}, "unable to get local issuer certificate"),
        ({"kafka_bootstrap": "127.0.0.1"}, "IP address mismatch"),
    ],
)
def test_who_cannot_be_trusted_is_not_spoken_to(
    cli: Cli,
    certificates: Certificates,
    guarded: tuple[Broker, int],
    settings: dict[str, str],
    wrong: dict[str, str],
    said: str,
) -> None:
    """A wrong password, a certificate of somebody else's authority, and one for another name end the command."""
    replaced = {
        "kafka_ca_file": str(certificates.other_ca),
        "kafka_bootstrap": f"127.0.0.1:{guarded[1]}",
    }
    others = {name: replaced.get(name, value) for name, value in wrong.items()}
    outcome = cli("doctor", "--json", env=_environment(settings, **others))
    (kafka,) = [one for one in outcome.json["findings"] if one["check"] == "kafka"]

    assert (outcome.code, kafka["verdict"]) == (1, "fail")
    assert re.search(said, kafka["seen"])
    assert "refused the user or the password" in kafka["todo"]
    assert b"not it" not in outcome.out
    assert PASSWORD.encode() not in outcome.out


@pytest.fixture
def encrypted(certificates: Certificates, engine: EmbeddedEngine) -> Iterator[int]:
    """The engine behind TLS: a port that decrypts and passes on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=_pass_on, args=(plain, context, engine.port), daemon=True).start()
        yield plain.getsockname()[1]
        plain.shutdown(socket.SHUT_RDWR)


def _pass_on(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            taken, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(taken, context, port), daemon=True).start()


def _serve(taken: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """One connection, until both sides have ended it."""
    with (
        taken,
        suppress(OSError),
        context.wrap_socket(taken, server_side=True) as client,
        socket.create_connection(("127.0.0.1", port)) as server,
    ):
        back = threading.Thread(target=_copy, args=(server, client))
        back.start()
        _copy(client, server)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _url(engine: EmbeddedEngine, host: str, port: int, ca_file: Path) -> str:
    user, _, password = engine.url("default").removeprefix("clickhouse://").partition("@")[0].partition(":")
    return location(f"clickhouses://{user}@{host}:{port}/default", password, ca_file)


def test_clickhouse_is_spoken_to_over_verified_tls(
    certificates: Certificates, engine: EmbeddedEngine, encrypted: int
) -> None:
    """The right authority and name; the password and the authority come from settings of their own."""
    with Store.connect(_url(engine, "localhost", encrypted, certificates.ca)) as store:
        assert store.execute("SELECT 1") == [(1,)]
        assert repr(store.address) == f"clickhouses://shadow@localhost:{encrypted}/default"


@pytest.mark.parametrize(("host", "ours"), [("localhost", False), ("127.0.0.1", True)])
def test_clickhouse_with_another_certificate_is_not_spoken_to(
    certificates: Certificates,
    engine: EmbeddedEngine,
    encrypted: int,
    host: str,
    ours: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Somebody else's authority, and another name."""
    ca_file = certificates.ca if ours else certificates.other_ca
    with (
        Store.connect(_url(engine, host, encrypted, ca_file)) as store,
        pytest.raises(StoreUnavailable, match=r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"),
    ):
        store.execute("SELECT 1")
