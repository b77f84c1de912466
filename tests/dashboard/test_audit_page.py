"""The audit page: a cohort, one charging station, filters in the address, empty and hostile stores."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from demo.script import Script
from demo.stored import fill
from demo.traffic import frames
from diff.store.client import Store

Open = Callable[..., AppTest]
Texts = Callable[[AppTest], str]


@pytest.fixture
def fleet(store: Store) -> Store:
    """A store with three simulated chargers."""
    fill(store, frames(seed=5, chargers=3, sessions_per_charger=1, faults=False))
    return store


def healthy(page: AppTest) -> AppTest:
    """The page, which shows no exception and no error box."""
    assert not page.exception, page.exception
    assert not page.error, page.error
    return page


def tables(page: AppTest) -> list[set[str]]:
    """The columns of each table."""
    return [set(frame.value.columns) for frame in page.dataframe]


def test_a_fleet_is_audited_as_a_cohort_with_links_to_its_members(fleet: Store, open_page: Open, texts: Texts) -> None:
    """Blocks are counted over the stations, and each station is a link to its own audit."""
    page = healthy(open_page("audit"))
    said = texts(page).replace("**", "")
    assert "Charging stations: 3" in said
    assert "What is left to do, and of how many" in said
    (blocks,) = [frame.value for frame in page.dataframe if {"Block", "Evidenced"} <= set(frame.value.columns)]
    assert next(iter(blocks["Block"])) == "A Security"
    assert dict(zip(blocks["Block"], blocks["Evidenced"], strict=True))["E Transactions"] == "3"
    (links,) = [frame.value for frame in page.dataframe if "charger" in frame.value.columns]
    assert all(link.startswith("audit?charger=") for link in links["charger"])


def test_one_charging_station_in_the_address_is_audited_alone(fleet: Store, open_page: Open, texts: Texts) -> None:
    """Its blocks, needs, measures and counts stand on the page, and every form can be downloaded."""
    charger_id = fleet.execute("SELECT min(charger_id) FROM chargers")[0][0]
    page = healthy(open_page("audit", charger=charger_id))
    assert f"Charging station: {charger_id}" in texts(page).replace("**", "")
    assert any({"Block", "Statement", "Why"} <= columns for columns in tables(page))
    assert any({"Measure", "Threshold", "Standing"} <= columns for columns in tables(page))
    labels = [button.proto.label for button in page.get("download_button")]
    assert labels == ["Download HTML", "Download Markdown", "Download JSON", "Download picture"]


def test_filters_in_the_address_narrow_the_cohort(fleet: Store, open_page: Open, texts: Texts) -> None:
    """A model that no station has is said, and not shown as a gap."""
    page = healthy(open_page("audit", model="Nobody*"))
    assert page.text_input(key="model").value == "Nobody*"
    assert "No charging station fits: model Nobody*" in texts(page).replace("**", "")
    assert not page.dataframe


def test_an_empty_store_is_said_to_be_empty(store: Store, open_page: Open, texts: Texts) -> None:
    """Nothing was seen, so nothing is missing."""
    page = healthy(open_page("audit"))
    assert "No charging station has been seen yet" in texts(page)
    assert not page.dataframe


def test_what_a_charging_station_says_is_shown_as_text(store: Store, open_page: Open) -> None:
    """Markdown and HTML in a firmware's name become no part of the page."""
    nasty = "<b>*1*</b> ![x](http://evil.example/x.png)"
    fill(store, Script("CP<b>*").boot(firmwareVersion=nasty).frames)
    page = healthy(open_page("audit"))
    marked = [element.value for element in (*page.markdown, *page.caption, *page.subheader)]
    assert not [text for text in marked if "](http" in text or "<b>" in text.replace("\\<", "")]
    assert any("evil" in text for text in marked)
