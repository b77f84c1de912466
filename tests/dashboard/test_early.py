"""What is asked before the browser asks: the questions of the page, and only where nobody has to sign in."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message
from streamlit.testing.v1 import AppTest

from dashboard import data, links
from dashboard.early import Early, asked
from dashboard.settings import SECRETS_FILE
from demo.stored import fill
from demo.traffic import frames
from diff.store import queries
from diff.store.client import Store

Open = Callable[..., AppTest]


def _names(path: str, query: bytes = b"") -> set[str]:
    return {one.query.__name__ for one in asked(path, query)}


def test_a_page_is_known_by_its_address() -> None:
    """Behind a proxy's path too; what is Streamlit's own asks nothing, although it is called like a page."""
    assert _names("/discrepancies") == {"denominators", "pulse", "causes"}
    assert _names("/fleet/ops/discrepancies", b"tz=UTC") == _names("/discrepancies")
    assert "causes" not in _names("/discrepancies", b"severity=critical")
    assert _names("/fingerprint") == set()
    assert "causes" in _names("/fingerprint", b"fp=abc")
    assert _names("/") == _names("/rollout")
    for path in ("/_stcore/health", "/static/js/index.js", "/favicon.png", "/audit"):
        assert _names(path) == set()


@pytest.mark.parametrize(
    ("rows", "limit"), [("", 100), ("rows=300", 300), ("rows=0", 1), ("rows=99999", 2000), ("rows=-5", 100)]
)
def test_as_many_rows_are_asked_for_as_the_address_says(rows: str, limit: int) -> None:
    """Between one and the most that a list may have, whatever stands there."""
    (listed,) = [one for one in asked("/discrepancies", rows.encode()) if one.query.__name__ == "causes"]
    assert listed.kwargs["limit"] == limit


def test_what_no_page_has_is_not_asked() -> None:
    """A parameter of a thousand characters, and a thousand parameters."""
    assert _names("/fingerprint", b"fp=" + b"a" * 1000) == set()
    with pytest.raises(ValueError, match="fields"):
        asked("/session", b"&".join(b"a=1" for _ in range(1000)))


def _fetched(path: str) -> bytes:
    """What a browser gets."""
    said: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nothing is sent")

    async def send(message: Message) -> None:
        said.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    asyncio.run(Early(PlainTextResponse("page"))(scope, receive, send))
    return b"".join(message.get("body", b"") for message in said)


def test_nothing_is_asked_for_who_has_to_sign_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And a question that cannot be asked keeps nobody from the page."""
    begun: list[data.Question] = []
    monkeypatch.setattr(data, "ahead", lambda *questions: begun.extend(questions))
    assert _fetched("/health") == b"page"
    assert begun
    begun.clear()
    monkeypatch.setenv(SECRETS_FILE, str(tmp_path / "secrets.toml"))
    assert _fetched("/health") == b"page"
    assert not begun
    monkeypatch.delenv(SECRETS_FILE)

    def broken(*_: data.Question) -> None:
        raise RuntimeError("no store")

    monkeypatch.setattr(data, "ahead", broken)
    assert _fetched("/health") == b"page"


@pytest.mark.parametrize("of", ["all", "one"])
@pytest.mark.parametrize("name", sorted(links.PAGES - {links.AUDIT, links.FLEET}))
def test_what_is_asked_early_is_what_the_page_asks(
    name: str, of: str, store: Store, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the store would be asked twice, and nobody would notice. Of lists, and of one thing where a page has one."""
    fill(store, frames(seed=5, chargers=6, sessions_per_charger=2))
    group = queries.groups(store, queries.Filter(status="open"), limit=1)[0]
    line = queries.latest_sessions(store, limit=1)[0]
    of_one = {"session": {"id": line.session_id}, "charger": {"id": line.charger_id}} if of == "one" else {}
    address = {"fingerprint": {"fp": group.fingerprint}, **of_one}.get(name, {})
    loaded: set[tuple[str, str]] = set()
    load = data.load

    def noting(query: Callable[..., object], *args: object, **kwargs: object) -> object:
        loaded.add((query.__name__, repr((args, sorted(kwargs.items())))))
        return load(query, *args, **kwargs)

    monkeypatch.setattr(data, "load", noting)
    minute = data.minute()
    monkeypatch.setattr(data, "minute", lambda: minute)
    page = open_page(name, **address)
    assert not page.exception
    query = "&".join(f"{key}={value}" for key, value in address.items()).encode()
    early = {(it.query.__name__, repr((it.args, sorted(it.kwargs.items())))) for it in asked(f"/{name}", query)}
    assert early
    assert early <= loaded
