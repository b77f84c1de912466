"""The charger, coverage and health pages against a seeded store, an empty one, and with nothing that reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from demo.stored import fill
from demo.traffic import frames
from diff.store import queries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine

VIEWS = ("charger", "coverage", "health")
Texts = Callable[[AppTest], str]
Look = Callable[..., AppTest]
APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"


@pytest.fixture(scope="module")
def seeded(engine: EmbeddedEngine) -> Iterator[Store]:
    """Six simulated chargers with faults."""
    with Store.connect(engine.url("operations")) as store:
        store.migrate()
        fill(store, frames(seed=5, chargers=6, sessions_per_charger=2))
        yield store


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, engine: EmbeddedEngine, seeded: Store) -> Iterator[Look]:
    """Look at a page of the seeded store, or of the database that is named."""

    def look_(view: str, database: str = "operations", **parameters: str) -> AppTest:
        monkeypatch.setenv("SHADOW_STORE_URL", engine.url(database))
        page = AppTest.from_file(str(APP), default_timeout=30)
        page.switch_page(f"views/{view}.py")
        for name, value in parameters.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception, page.exception
        return page

    yield look_
    st.cache_data.clear()
    st.cache_resource.clear()


def a_charger(store: Store) -> str:
    """The first charging station that the store lists."""
    return queries.chargers(store, limit=1)[0].charger_id


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_draws(look: Look, texts: Texts, view: str) -> None:
    """A page of a seeded store draws without an exception, says its age, and offers what it shows as a file."""
    page = look(view)
    assert "Newest frame" in texts(page)


@pytest.mark.parametrize("part", ["timeline", "statuses", "device model", "keys of 1.6", "enrolment"])
def test_every_part_of_a_charger_is_a_link(look: Look, seeded: Store, part: str, texts: Texts) -> None:
    """The parameter `part` opens that part of a charging station."""
    charger = a_charger(seeded)
    page = look("charger", id=charger, part=part)
    assert f"Charger {charger}" in texts(page)


@pytest.mark.parametrize("part", ["actions", "fields", "variables", "weight"])
def test_every_part_of_the_coverage_is_a_link(look: Look, part: str, texts: Texts) -> None:
    """The parameter `part` opens that part, each with its denominators."""
    said = texts(look("coverage", part=part, span="month"))
    assert "Coverage" in said
    assert " of " in said
