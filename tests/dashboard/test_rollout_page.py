"""The rollout page: verdicts, why not, when to cut over, and what was changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data
from diff.store.client import Store
from tests.diff.store.generated import AT, generate

Open = Callable[..., AppTest]
Texts = Callable[[AppTest], str]
COHORTS = """
[sites]
"Depot North" = ["CP-1"]

[[cohort]]
name = "acme"
vendors = ["ACME"]
"""


@pytest.fixture
def fleet(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A clean fleet of three vendors with 600 sessions up to now, as the pages' clock has it."""
    monkeypatch.setattr(data, "now", lambda: AT + 1)
    generate(store, 600)
    return store


def table(page: AppTest, column: str) -> list[dict[str, Any]]:
    """The rows of the table that has this column."""
    for frame in page.dataframe:
        if column in frame.value.columns:
            rows: list[dict[str, Any]] = frame.value.to_dict("records")
            return rows
    raise AssertionError(f"no table with a column {column!r}: {[list(f.value.columns) for f in page.dataframe]}")


def test_a_fleet_without_a_verdict_is_judged_and_shown(fleet: Store, open_page: Open, texts: Texts) -> None:
    """The first look gives the verdict, keeps it, and shows every gate with value, threshold and n."""
    page = open_page("rollout")
    assert not page.exception, page.exception
    print(texts(page))
    print(table(page, "verdict"), table(page, "asked for"))
