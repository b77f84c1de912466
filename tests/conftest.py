"""What tests of several rooms share: one real ClickHouse engine, and a fresh database for each test that asks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from diff.store.client import Store
from diff.store.engine import EmbeddedEngine

_numbers = itertools.count(1)


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
