"""Pictures of the pages, made in a real browser: `python docs/screenshots.py` writes them to docs/images/.

Without `--store` a store of its own is filled with a seeded fleet. The browser is Debian's chromium
(`apt-get install chromium`); nothing is downloaded.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dashboard.serve import Served, environment
from demo.stored import fill
from demo.traffic import frames
from diff.store import queries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries import Filter

CHROMIUM: Final = Path("/usr/bin/chromium")
IMAGES: Final = Path(__file__).with_name("images")
_SEED, _CHARGERS, _SESSIONS = 20, 30, 5
_SETTLE_MS: Final = 2_500


def main() -> int:
    """Make the pictures; 0 where all were made, 3 where there is no browser."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--store", default="", help="URL of a store that is filled already")
    options.add_argument("--price", default="0.39", help="per kWh")
    options.add_argument("--currency", default="EUR")
    chosen = options.parse_args()
    if not CHROMIUM.exists():
        sys.stderr.write(f"no pictures: {CHROMIUM} is absent; apt-get install chromium\n")
        return 3
    IMAGES.mkdir(exist_ok=True)
    with _store(chosen.store) as url, Served(_free_port(), environment(url, chosen.price, chosen.currency)) as pages:
        _take(pages.url, _views(url))
    return 0


@contextmanager
def _store(url: str) -> Iterator[str]:
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder, EmbeddedEngine(Path(folder) / "store") as engine:
        with Store.connect(engine.url()) as store:
            store.migrate()
            count = fill(store, frames(_SEED, _CHARGERS, _SESSIONS))
            sys.stderr.write(f"{count} frames of {_CHARGERS} simulated chargers\n")
        yield engine.url()


def _views(url: str) -> dict[str, str]:
    """The addresses, by the name of the picture: the worst fingerprint, and a session that it concerns."""
    with Store.connect(url) as store:
        groups = [group for group in queries.groups(store, Filter(status="open")) if group.sessions]
        if not groups:
            raise SystemExit("no pictures: no session in this store has an open discrepancy")
        worst = groups[0].fingerprint
        (one,) = queries.occurrences(store, Filter(fingerprint=worst), limit=1)
    session = f"session?id={one.session_id}"
    return {
        "fleet": "",
        "discrepancies": f"discrepancies?severity=critical&severity=major&fp={worst}",
        "session": session,
        "session-dark": session,
    }


def _take(base: str, views: dict[str, str]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for name, address in views.items():
            page = browser.new_page(
                viewport={"width": 1440, "height": 900}, color_scheme="dark" if name.endswith("dark") else "light"
            )
            page.goto(base + address)
            _wait(page)
            path = IMAGES / f"{name}.png"
            page.screenshot(path=path)
            page.close()
            sys.stderr.write(f"{path.relative_to(IMAGES.parents[1])}\n")
        browser.close()


def _wait(page: Any) -> None:
    page.wait_for_selector("h1", timeout=60_000)
    page.wait_for_selector("[data-testid=stStatusWidget]", state="detached", timeout=60_000)
    page.wait_for_timeout(_SETTLE_MS)  # tables and charts are drawn on a canvas, which no selector sees


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
