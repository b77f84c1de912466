"""Pages against a real store, without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import data, parts
from diff.store.engine import EmbeddedEngine

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"

Open = Callable[..., AppTest]
"""Opens a page of the app by the name of its file (`rollout`, `fleet` …) and the parameters of the address.

What is folded away is open, so that its contents are tried too.
"""
_FOLDS = ("acknowledge", "trail", "id-map")


@pytest.fixture
def open_page(
    monkeypatch: pytest.MonkeyPatch, engine: EmbeddedEngine, request: pytest.FixtureRequest
) -> Iterator[Open]:
    """Open pages on the test's own store, or on the URL that `url` names."""
    monkeypatch.setenv("SHADOW_PRICE_PER_KWH", "0.39")
    monkeypatch.setenv("SHADOW_CURRENCY", "EUR")
    monkeypatch.setattr(parts, "MOMENT", 0.0)  # there is no browser to wait for

    def open_(name: str, *, url: str | None = None, **parameters: str | list[str]) -> AppTest:
        if url is None:
            url = engine.url(request.getfixturevalue("store").address.database)
        monkeypatch.setenv("SHADOW_STORE_URL", url)
        page = AppTest.from_file(str(APP), default_timeout=30)
        page.switch_page(f"views/{name}.py")
        for fold in _FOLDS:
            page.session_state[fold] = True
        for key, value in parameters.items():
            page.query_params[key] = value
        return page.run()

    yield open_
    data._ahead.clear()  # waits for what is being asked: it needs the store's connections
    st.cache_data.clear()
    st.cache_resource.clear()


def texts(page: AppTest) -> str:
    """All that a page says in words, as it reads: without the escapes of Markdown."""
    kinds = (page.title, page.subheader, page.markdown, page.caption, page.text, page.info, page.warning, page.success)
    words = [element.value for kind in kinds for element in kind]
    words += [f"{metric.label}: {metric.value}" for metric in page.metric]
    words += [code.value for code in page.code]
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", "\n".join(words))


@pytest.fixture(name="texts")
def texts_fixture() -> Callable[[AppTest], str]:
    """All that a page says in words."""
    return texts
