"""The charger, coverage and health pages against a seeded store, an empty one, and with nothing that reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.worker import WorkerStatus
from dashboard.settings import DATA_DIR, WATCH
from dashboard.words import NEVER
from demo.stored import fill
from demo.traffic import frames
from diff.store import queries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.tables import ConnectionAccount
from diff.store.writer import Writer

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


def test_nothing_that_reports_is_called_unseen_not_healthy(
    look: Look, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without monitors and without the files of a run, tap, worker and sink are not seen, with what to do."""
    monkeypatch.delenv(DATA_DIR, raising=False)
    monkeypatch.delenv(WATCH, raising=False)
    said = texts(look("health"))
    assert "tap, worker, sink" in said
    assert "not seen from here" in said
    assert "dashboard_watch" in said
    assert "healthy" in said  # the store itself answers


def test_the_files_of_a_local_run_are_read(
    look: Look, texts: Texts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The worker's own status, as it writes it, is shown with its trouble; an address nobody serves is silent."""
    status = WorkerStatus(1, 321, 0, 2, 0, {}, 5, caught_up=False, store_error="the store is away", segment=0, offset=0)
    (tmp_path / "worker-status.json").write_bytes(msgspec.json.encode(status))
    monkeypatch.setenv(DATA_DIR, str(tmp_path))
    monkeypatch.setenv(WATCH, "http://127.0.0.1:9")
    said = texts(look("health"))
    assert "frames lived 321" in said
    assert "the store is away" in said
    assert "does not answer" in said


def test_completeness_names_what_is_missing(look: Look, texts: Texts, engine: EmbeddedEngine) -> None:
    """Of a connection whose bytes were not all parsed, the health page says the difference and calls nothing clean."""
    at = time.time_ns() // 1000
    with Store.connect(engine.url("incomplete")) as store:
        store.migrate()
        writer = Writer(store, judging_run="live")
        account = ConnectionAccount(
            charger_id="A",
            connection_id="A@1",
            state="mirrored",
            subprotocol="ocpp1.6",
            compression=False,
            opened_at=at,
            closed_at=None,
            last_frame_at=at,
            bytes_forwarded=1000,
            bytes_mirrored=1000,
            bytes_parsed=600,
            frames=5,
            gaps=1,
            at=at,
        )
        writer.add_connections([account])
        writer.flush()
    page = look("health", "incomplete")
    said = texts(page)
    assert "100 % (1 of 1 connection) have fewer frames stored" in said
    assert "Nothing is missing" not in said
    lost = next(one.value for one in page.dataframe if "step" in one.value.columns)
    assert list(lost["difference"]) == ["0 B", "400 B", NEVER, NEVER, "5"]
    assert list(lost["sign"]) == ["✔ all", "▲ less", "○ not told", "○ not told", "▲ less"]
    assert "do not reconcile" not in said  # a gap says what is missing, and the frames may still be on their way


def test_connections_that_do_not_reconcile_are_listed(look: Look, texts: Texts, engine: EmbeddedEngine) -> None:
    """With the first step that each misses, every number, and a link to the charging station."""
    at = time.time_ns() // 1000 - 3_600_000_000
    with Store.connect(engine.url("unreconciled")) as store:
        store.migrate()
        fill(store, list(frames(5, 2, 1)))
        writer = Writer(store, judging_run="live")
        account = ConnectionAccount(
            charger_id="A", connection_id="A@1", state="closed", subprotocol="ocpp1.6", compression=False,
            opened_at=at, closed_at=at, last_frame_at=at, bytes_forwarded=1000, bytes_mirrored=1000,
            bytes_parsed=1000, frames=5, gaps=0, at=at, frames_published=4,
        )  # fmt: skip
        writer.add_connections([account])
        writer.flush()
    page = look("health", "unreconciled")
    assert "Connections that do not reconcile" in texts(page)
    (listed,) = [one.value for one in page.dataframe if "misses" in one.value.columns]
    row = listed.iloc[0]
    assert "id=A" in row["charger"]
    found = (row["misses"], row["frames"], row["published"], row["applied"], row["stored"])
    assert found == ("▲ frames not published", "5", "4", "not told", "0")


def test_an_empty_store_gets_the_first_run_or_is_called_blind(look: Look, texts: Texts, engine: EmbeddedEngine) -> None:
    """Where nothing was ever mirrored the pages say how to begin, and no zero stands there as if it were clean."""
    with Store.connect(engine.url("nothing")) as store:
        store.migrate()
    for view in ("charger", "coverage", "session"):
        assert "Nothing has been mirrored yet" in texts(look(view, "nothing"))
    assert "completeness cannot be told" in texts(look("health", "nothing"))


def test_a_session_has_both_bills_ids_and_the_command(
    look: Look, seeded: Store, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a price both sides are billed; the id map and the command that replays the session stand below."""
    monkeypatch.setenv("SHADOW_PRICE_PER_KWH", "0.40")
    line = next(one for one in queries.latest_sessions(seeded) if one.compared and one.primary_energy_wh)
    said = texts(look("session", id=line.session_id))
    assert "Primary, 1.6" in said
    assert "0.40 EUR per kWh" in said
    assert f"shadow-csms replay session-{line.session_id}.jsonl" in said


def test_what_if_lives_the_session_again(look: Look, seeded: Store, texts: Texts) -> None:
    """Other points in the address live the session a second time and say how it moves."""
    line = next(one for one in queries.latest_sessions(seeded) if one.compared)
    said = texts(look("session", id=line.session_id, tx_start="Authorized"))
    assert "to TxStartPoint Authorized" in said
    assert "lived twice" in said
