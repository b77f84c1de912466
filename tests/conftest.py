"""What tests of several rooms share: one real ClickHouse engine and one real Kafka, with fresh databases and topics."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from app.stack.broker import Broker, BrokerError, libraries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from ingest.topic_admin import create, delete
from ingest.topics import Topics

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that is busy with other tests makes an example slow, and no test is about that."""
settings.register_profile("deep", settings.get_profile("here"), max_examples=10_000)
"""`pytest --hypothesis-profile=deep tests/properties/test_mapping_properties.py`: minutes instead of seconds."""

settings.load_profile("here")

_numbers = itertools.count(1)
_LONGEST = ("distributed/test_stream.py", "distributed/test_outages.py", "browser/test_dashboard.py")
_NEED_KAFKA = frozenset({"kafka", "own_broker", "drill_broker"})
"""Fixtures. Whatever uses one of them, by however many steps, is marked `kafka`."""


def pytest_configure(config: pytest.Config) -> None:
    """The longest first, and one Kafka for all."""
    # Four processes of tests keep two cores busy: a parser that waits for an idle one would be what all wait for.
    os.environ.setdefault("SHADOW_TAP_PARSER_WHEN_IDLE", "false")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Tests that run as a script's background job are deaf to Ctrl-C, and what they start would be, too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(LongestFirst())
    _share_kafka(config)


def _share_kafka(config: pytest.Config) -> None:
    """Where several processes run the whole suite, start one Kafka for them all: one Java instead of one for each."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if not whole or not config.getoption("numprocesses", None) or "KAFKA_BOOTSTRAP" in os.environ:
        return
    try:
        libraries()
    except BrokerError:
        return  # the tests that need it say so
    directory = tempfile.TemporaryDirectory(prefix="shadow-tests-kafka-")
    broker = Broker(Path(directory.name) / "kafka", quick=True)
    config.add_cleanup(directory.cleanup)
    config.add_cleanup(broker.stop)
    broker.start()
    os.environ["KAFKA_BOOTSTRAP"] = broker.bootstrap
    config.add_cleanup(lambda: os.environ.pop("KAFKA_BOOTSTRAP", None))


class LongestFirst:
    """The three files that take longest begin first, so that none of them is what all wait for in the end."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Behind whatever shuffles; the order within is kept."""
        items.sort(key=lambda item: "/".join(item.path.parts[-2:]) not in _LONGEST)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs Kafka, before `-m` is looked at; long rounds run only where `-m` speaks of them."""
    for item in items:
        if _NEED_KAFKA.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)
    expression = str(config.getoption("markexpr"))
    if "long" in expression:
        return
    kept = [item for item in items if item.get_closest_marker("long") is None]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long") is not None])
        items[:] = kept


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """The embedded engine, started when the first test asks for it and shared by all."""
    with EmbeddedEngine(tmp_path_factory.mktemp("engine") / "data") as running:
        yield running


@pytest.fixture
def bare_store(engine: EmbeddedEngine) -> Iterator[Store]:
    """A store whose database does not exist yet."""
    with Store.connect(engine.url(f"test_{next(_numbers)}")) as store:
        yield store
        with store.beside("default") as server:
            server.execute(f"DROP DATABASE IF EXISTS {store.address.database}")


@pytest.fixture
def store(bare_store: Store) -> Store:
    """A store with the newest schema and no rows."""
    bare_store.migrate()
    return bare_store


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Apache Kafka: the one that KAFKA_BOOTSTRAP names, else one started for the session."""
    named = os.environ.get("KAFKA_BOOTSTRAP")
    if named:
        yield named
        return
    _kafka_or_skip()
    with Broker(tmp_path_factory.mktemp("kafka"), quick=True) as broker:
        yield broker.bootstrap


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, running, which it may kill."""
    _kafka_or_skip()
    with Broker(tmp_path / "kafka", quick=True) as broker:
        yield broker


@pytest.fixture
def topics(kafka: str) -> Iterator[Topics]:
    """All topics under names of the test's own, with few partitions; deleted afterwards."""
    names = Topics(prefix=f"t{os.getpid()}x{next(_numbers)}.", partitions=3)
    create(kafka, names)
    yield names
    delete(kafka, names)


def _kafka_or_skip() -> None:
    """Skip where no broker can be had. One that does not start although it could is a failure."""
    try:
        libraries()
    except BrokerError as error:
        pytest.skip(f"no Kafka: {error} (or set KAFKA_BOOTSTRAP=HOST:PORT; `make kafka` starts one)")
