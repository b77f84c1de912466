"""Pictures of the pages, made in a real browser: `python docs/screenshots.py` writes them to docs/images/.

Without `--store` the whole system runs against a simulated fleet and is looked at meanwhile. The browser is Debian's
chromium (`apt-get install chromium`); nothing is downloaded.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import uvloop

from app.embedded import Embedded
from app.setting_sources import load
from dashboard.serve import Served, environment
from demo.fleet import FleetConfig, run_fleet
from demo.primary import Primary, PrimaryConfig
from diff.store import queries
from diff.store.client import Store
from diff.store.queries import Filter

CHROMIUM: Final = Path("/usr/bin/chromium")
IMAGES: Final = Path(__file__).with_name("images")
_SEED, _CHARGERS, _SECONDS, _LOOK_AFTER = 11, 60, 70, 45
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
    if not chosen.store:
        uvloop.run(_live(chosen.price, chosen.currency))
        return 0
    with Served(_free_port(), environment(chosen.store, chosen.price, chosen.currency)) as pages:
        _take(pages.url, _views(chosen.store))
    return 0


async def _live(price: str, currency: str) -> None:
    """Pictures of a running system: the simulated fleet goes through the tap while the browser looks."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        port = _free_port()
        settings = load(
            data_dir=Path(folder),
            upstream=f"ws://127.0.0.1:{port}",
            listen_port=0,
            dashboard_port=0,
            tick_seconds=1.0,
            settle_missing_seconds=8,
            settle_reboot_seconds=8,
            unanswered_seconds=8,
            price_per_kwh=price,
            currency=currency,
        )
        async with Embedded(settings) as runtime:
            config = FleetConfig(
                url=f"ws://127.0.0.1:{runtime.tap.port}/ocpp", chargers=_CHARGERS, seed=_SEED, duration_seconds=_SECONDS
            )
            async with Primary(PrimaryConfig(port=port, behaviours=config.behaviours())):
                fleet = asyncio.create_task(run_fleet(config))
                await asyncio.sleep(_LOOK_AFTER)
                await asyncio.to_thread(lambda: _take(f"{runtime.dashboard_url}/", _views(runtime.store_url)))
                fleet.cancel()
                await asyncio.gather(fleet, return_exceptions=True)


def _views(url: str) -> dict[str, str]:
    """The addresses, by the name of the picture: the worst fingerprint, and a session that it concerns."""
    with Store.connect(url) as store:
        groups = [group for group in queries.groups(store, Filter(status="open")) if group.sessions]
        if not groups:
            raise SystemExit("no pictures: no session in this store has an open discrepancy")
        dearest = [group for group in groups if group.code == "session.energy"]
        worst = (dearest or groups)[0].fingerprint
        (one,) = queries.occurrences(store, Filter(fingerprint=worst), limit=1)
    session, charger = f"session?id={one.session_id}", f"charger?id={one.charger_id}"
    return {
        "rollout": "rollout",
        "rollout-dark": "rollout",
        "fleet": "fleet",
        "discrepancies": f"discrepancies?severity=critical&severity=major&fp={worst}",
        "fingerprint": f"fingerprint?fp={worst}",
        "fingerprint-dark": f"fingerprint?fp={worst}",
        "session": session,
        "session-dark": session,
        "charger": charger,
        "charger-dark": charger,
        "charger-model": f"{charger}&part=device+model",
        "coverage": "coverage?span=month",
        "coverage-variables": "coverage?part=variables",
        "coverage-weight-dark": "coverage?part=weight",
        "health": "health",
        "health-dark": "health",
    }


def _take(base: str, views: dict[str, str]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for name, address in views.items():
            page = browser.new_page(
                viewport={"width": 1366, "height": 768}, color_scheme="dark" if name.endswith("dark") else "light"
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
