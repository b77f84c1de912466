"""One broker and one engine for all drills, which may kill them, and a line of counts for each drill."""

from collections.abc import Callable, Iterator

import pytest

from app.stack.broker import Broker, BrokerError, libraries
from diff.store.engine import EmbeddedEngine

_LINES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def drill_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that drills kill; each leaves it running."""
    try:
        libraries()
    except BrokerError as error:
        pytest.skip(f"no Kafka of our own to kill: {error}")
    with Broker(tmp_path_factory.mktemp("drill-kafka"), quick=True) as broker:
        yield broker


@pytest.fixture(scope="session")
def drill_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An engine that drills kill; each leaves it running."""
    with EmbeddedEngine(tmp_path_factory.mktemp("drill-engine") / "data") as engine:
        yield engine


@pytest.fixture(scope="session")
def tell(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Say something that stands in the report of the whole run."""
    return pytestconfig.stash.setdefault(_LINES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The drills' counts."""
    if lines := config.stash.get(_LINES, []):
        terminalreporter.section("drills")
        for line in lines:
            terminalreporter.write_line(line)
