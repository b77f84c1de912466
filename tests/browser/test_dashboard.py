"""The pages in a real browser: links open the exact view, choices stand in the address, nothing is fetched outside."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.serve import PagesStartError, Served, environment
from dashboard.words import SEVERITY_NAMES
from demo.stored import fill
from demo.traffic import frames
from diff.store import queries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries import Filter, Group
from diff.store.queries.acknowledgements import acknowledgements
from tests.browser.browsing import LAPTOP, Browser, free_port

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def seeded(chromium: Any, engine: EmbeddedEngine) -> Iterator[Store]:
    """A store of eight simulated chargers with faults."""
    with Store.connect(engine.url("browser")) as store:
        store.migrate()
        fill(store, frames(seed=1, chargers=8, sessions_per_charger=3))
        yield store


@pytest.fixture(scope="module")
def pages(seeded: Store, engine: EmbeddedEngine) -> Iterator[Served]:
    """The pages as a user gets them: a process of their own on a free port."""
    with Served(free_port(), environment(engine.url("browser"), "0.39", "EUR")) as served:
        yield served


@pytest.fixture
def browser(chromium: Any, pages: Served) -> Iterator[Browser]:
    """A fresh page on a laptop's screen; what went wrong at any time fails the test."""
    page = chromium.new_page(viewport=LAPTOP)
    found = Browser(page, pages.url)
    yield found
    page.close()
    assert found.wrong == []
    assert "Traceback" not in pages.said()


SCREENS = {
    "rollout": "Rollout",
    "discrepancies": "Discrepancies",
    "fingerprint": "",
    "session": "Sessions",
    "session?id": "Session on",
    "charger": "Charging stations",
    "charger?id": "Charger",
    "coverage": "Coverage",
    "coverage?part=fields": "Coverage",
    "health": "Health",
    "fleet": "Fleet overview",
}
"""Addresses, and what their heading begins with; an `id` that is missing is filled in."""


def address_of(screen: str, store: Store) -> str:
    """The whole address of a screen, on something that the store holds."""
    line = queries.latest_sessions(store, limit=1)[0]
    whole = {
        "fingerprint": f"fingerprint?fp={worst(store).fingerprint}",
        "session?id": f"session?id={line.session_id}",
        "charger?id": f"charger?id={line.charger_id}",
    }
    return whole.get(screen, screen)


def worst(store: Store) -> Group:
    """The first group that concerns a session."""
    return next(group for group in queries.groups(store, Filter(status="open")) if group.sessions)


def test_a_deep_link_right_after_the_start_is_the_whole_app(
    seeded: Store, engine: EmbeddedEngine, chromium: Any
) -> None:
    """The first address that a new process is asked for may be a page below the root: it has the navigation too."""
    with Served(free_port(), environment(engine.url("browser"))) as fresh:
        page = chromium.new_page(viewport=LAPTOP)
        found = Browser(page, fresh.url)
        found.open("session?only=differing&tz=Asia/Tokyo", "Sessions")
        assert page.get_by_role("link", name="Discrepancies").count() == 1
        assert found.parameters() == {"only": ["differing"], "tz": ["Asia/Tokyo"]}
        assert "times in Asia/Tokyo" in found.text()
        page.close()


def test_the_overview_fits_its_verdict_on_a_laptop(seeded: Store, browser: Browser) -> None:
    """Sessions, money and all four severities are on the screen without scrolling."""
    browser.open("fleet", "Fleet overview")
    seen = queries.overview(seeded)
    assert f"{seen.compared} of {seen.judged}" in browser.text()
    for words in ("Money at stake", "▲ critical", "◆ major", "● minor", "○ info"):
        box = browser.page.get_by_text(words, exact=True).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < LAPTOP["height"]
        assert box["x"] + box["width"] < LAPTOP["width"]
    main = browser.page.locator("[data-testid=stMain]")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth"), "the page is wider than the screen"


def test_the_rollout_shows_verdict_and_reason_on_a_laptop(seeded: Store, browser: Browser) -> None:
    """The bare address is the rollout's; verdict, why not and what would change it are there without scrolling."""
    browser.page.set_viewport_size({"width": 1366, "height": 768})
    browser.open("?about=newest-frame&tz=Asia/Tokyo", "Rollout")
    browser.page.get_by_role("heading", name="Gates").wait_for(timeout=60_000)
    browser.settle()
    assert urlsplit(browser.page.url).path == "/rollout"
    assert browser.parameters() == {"about": ["newest-frame"], "tz": ["Asia/Tokyo"]}
    for words in ("Why not:", "What would change it."):
        box = browser.page.get_by_text(words).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 768
    main = browser.page.locator("[data-testid=stMain]")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth"), "the page is wider than the screen"


def test_acknowledged_on_the_page_it_is_in_the_store(seeded: Store, browser: Browser) -> None:
    """Reason and owner are typed, the button pressed: the store has it, the page says so, and the trail names it."""
    group = worst(seeded)
    browser.open(f"fingerprint?fp={group.fingerprint}", f"{SEVERITY_NAMES[group.severity]} {group.code}")
    browser.page.get_by_text("Acknowledge it").click()
    browser.page.get_by_role("textbox", name="Reason: why may it be so").fill("a fault that was planted")
    browser.page.get_by_role("textbox", name="Owner: who answers for it").fill("the field team")
    browser.page.get_by_role("button", name="Acknowledge", exact=True).click()
    browser.page.get_by_text("acknowledged, holds").wait_for(timeout=30_000)
    browser.page.get_by_text("(1 change)").wait_for(timeout=30_000)  # at the foot of the page
    browser.settle()
    (held,) = acknowledgements(seeded)
    assert (held.fingerprint, held.owner, held.reason) == (
        group.fingerprint,
        "the field team",
        "a fault that was planted",
    )


def test_a_severity_leads_to_its_discrepancies(seeded: Store, browser: Browser) -> None:
    """The link of a severity opens the list with that filter in the address and the chosen time zone kept."""
    severity = queries.severities(seeded)[0].severity
    browser.open("fleet?tz=Europe/Berlin", "Fleet overview")
    browser.page.get_by_role("link", name=f"Show {severity}").click()
    browser.page.get_by_role("heading", name="Discrepancies", exact=True).wait_for()
    browser.settle()
    assert browser.parameters() == {"severity": [severity], "tz": ["Europe/Berlin"]}
    expected = queries.groups(seeded, Filter(severities=(severity,), status="open"))
    assert f"{len(expected)} of {len(expected)} fingerprint" in browser.text()
    assert "times in Europe/Berlin" in browser.text()


def test_a_link_with_filters_opens_the_exact_view_and_survives_a_reload(seeded: Store, browser: Browser) -> None:
    """Filters and the chosen fingerprint of an address are all there, also after the page was loaded again."""
    group = worst(seeded)
    address = f"discrepancies?severity={group.severity}&code={group.code}&status=all&fp={group.fingerprint}"
    browser.open(address, "Discrepancies")
    before = browser.parameters()
    assert before == parse_qs(urlsplit(address).query)
    assert group.title in browser.text()
    assert "What to do." in browser.text()
    browser.page.reload()
    browser.page.get_by_text("What to do.").wait_for(timeout=60_000)
    browser.settle()
    assert browser.parameters() == before
    assert group.title in browser.text()


def test_a_choice_goes_into_the_address(seeded: Store, browser: Browser) -> None:
    """A click on a filter and on a row of the table is a new address, which is what one sends to a colleague."""
    browser.open("discrepancies", "Discrepancies")
    group = queries.groups(seeded, Filter(status="open"))[0]
    browser.page.get_by_role("radio", name="all").or_(browser.page.get_by_text("all", exact=True)).first.click()
    browser.settle()
    assert browser.parameters() == {"status": ["all"]}
    first = queries.groups(seeded, Filter())[0]
    table = browser.page.locator("[data-testid=stDataFrame]").first
    table.click(position={"x": 20, "y": 52})  # the box at the left of the first row
    browser.page.get_by_text("What it means.").wait_for(timeout=30_000)
    browser.settle()
    assert browser.parameters() == {"status": ["all"], "fp": [first.fingerprint]}
    assert first.title in browser.text()
    assert group.severity == first.severity


def test_a_session_is_drawn_and_a_frame_can_be_chosen(seeded: Store, browser: Browser) -> None:
    """The chart has both lanes, the raw frames stand below it, and a chosen frame stands in the address."""
    (one,) = queries.occurrences(seeded, Filter(fingerprint=worst(seeded).fingerprint), limit=1)
    assert one.session_id is not None
    browser.open(f"session?id={one.session_id}", f"Session on {one.charger_id}")
    chart = browser.page.locator("[data-testid=stVegaLiteChart]")
    chart.wait_for(timeout=30_000)
    box = chart.bounding_box()
    drawn = chart.locator("canvas, svg").first.bounding_box()
    assert box is not None
    assert drawn is not None
    assert drawn["x"] + drawn["width"] <= LAPTOP["width"], "the chart is cut off"
    assert drawn["height"] > 250
    assert one.code in browser.text() or "Discrepancies" in browser.text()
    frames_table = browser.page.locator("[data-testid=stDataFrame]").last
    frames_table.scroll_into_view_if_needed()
    frames_table.click(position={"x": 20, "y": 52})
    browser.page.wait_for_url("**frame=**", timeout=30_000)
    browser.settle()
    assert browser.parameters()["id"] == [one.session_id]
    assert "1.6 as received" in browser.text()


def test_a_store_that_nobody_serves_is_a_sentence(chromium: Any) -> None:
    """With a store that nobody serves every page says so, and the browser's console stays clean."""
    with Served(free_port(), environment(f"clickhouse://x:hidden@127.0.0.1:{free_port()}/shadow")) as served:
        page = chromium.new_page(viewport=LAPTOP)
        found = Browser(page, served.url)
        for address, heading in (("", "Rollout"), ("fleet", "Fleet overview"), ("discrepancies", "Discrepancies")):
            found.open(address, heading)
            assert "The store does not answer" in found.text()
            assert "hidden" not in found.text()
        page.close()


def test_the_last_figures_stay_when_the_store_goes_away(tmp_path: Path, chromium: Any) -> None:
    """Under an open page the engine is stopped: the strip says so, the figures read before stand, nothing breaks."""
    with EmbeddedEngine(tmp_path / "data") as own, Store.connect(own.url()) as store:
        store.migrate()
        fill(store, frames(seed=2, chargers=2, sessions_per_charger=1))
        compared = queries.overview(store).compared
        with Served(free_port(), environment(own.url())) as served:
            page = chromium.new_page(viewport=LAPTOP)
            found = Browser(page, served.url)
            found.open("fleet", "Fleet overview")
            own.stop()
            page.get_by_text("The store does not answer.").wait_for(timeout=60_000)
            page.wait_for_timeout(12_000)  # longer than the period of the figures
            found.settle()
            assert "What stands below was read before" in found.text()
            assert f"{compared} of {compared}" in found.text()
            own.start()
            page.get_by_text("Newest frame").wait_for(timeout=60_000)
            assert "Traceback" not in served.said()
            page.close()


def test_a_taken_port_is_told_with_its_reason(seeded: Store, engine: EmbeddedEngine) -> None:
    """Where the pages cannot start, the error holds the address and their own words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(PagesStartError, match=f"127.0.0.1:{port}"),
            Served(port, environment(engine.url("browser"))),
        ):
            raise AssertionError("the pages started on a port that is taken")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_screen_is_without_serious_findings_of_axe(
    seeded: Store, pages: Served, chromium: Any, theme: str
) -> None:
    """Contrast, names and labels of every screen in both themes; no error of the browser, no box with an exception."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    context = chromium.new_context(viewport=LAPTOP, color_scheme=theme)
    found: list[str] = []
    page = context.new_page()
    browser = Browser(page, pages.url)
    for screen, heading in SCREENS.items():
        page.goto(pages.url + address_of(screen, seeded))
        page.locator("h1", has_text=heading).first.wait_for(timeout=60_000)
        browser.settle()
        for finding in axe.run(page, options=AXE).response["violations"]:
            if finding["impact"] in ("serious", "critical"):
                nodes = [f"{node['html'][:150]} :: {node['failureSummary'][:300]}" for node in finding["nodes"][:4]]
                found.append(f"{screen} {theme}: {finding['id']}: {nodes}")
    context.close()
    assert not found, "\n".join(found)


AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def test_a_filter_of_the_coverage_is_a_link(seeded: Store, browser: Browser) -> None:
    """A choice on the coverage page goes into the address, and the address brings it back."""
    browser.open("coverage?span=month", "Coverage")
    browser.page.get_by_role("radio", name="variables").click()
    browser.page.wait_for_url("**part=variables**")
    browser.settle()
    assert browser.parameters() == {"span": ["month"], "part": ["variables"]}
    browser.page.reload()
    browser.page.get_by_text("Device models of").wait_for(timeout=60_000)
    assert browser.parameters() == {"span": ["month"], "part": ["variables"]}


def test_a_charger_leads_to_its_session_and_back(seeded: Store, browser: Browser) -> None:
    """The session page links the charging station, in the chosen time zone."""
    line = queries.latest_sessions(seeded, limit=1)[0]
    browser.open(f"session?id={line.session_id}&tz=Asia/Tokyo", f"Session on {line.charger_id}")
    browser.page.locator('a[href*="charger?id="]').first.click()
    browser.page.get_by_role("heading", name=f"Charger {line.charger_id}", exact=True).wait_for(timeout=60_000)
    browser.settle()
    assert browser.parameters()["tz"] == ["Asia/Tokyo"]


def test_the_keyboard_reaches_the_choices(browser: Browser) -> None:
    """Tab comes to a choice of the coverage page, and a key chooses."""
    browser.open("coverage?span=month", "Coverage")
    for _ in range(60):
        browser.page.keyboard.press("Tab")
        if browser.page.evaluate("document.activeElement.innerText") in ("actions", "variables"):
            break
    browser.page.keyboard.press("ArrowRight")
    browser.page.keyboard.press("ArrowRight")
    browser.page.keyboard.press("Space")
    browser.page.wait_for_url("**part=variables**", timeout=20_000)
