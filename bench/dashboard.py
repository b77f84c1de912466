"""First paint and interaction of every screen in a real browser, on a generated store, beside an empty page.

The pages are the ones that users get, in a process of their own; the store is the embedded engine, and as with a live
fleet something is written to it every second and summed up every minute. First paint is from the navigation to the
moment at which the page's main content is there, in a browser that has opened these pages before; every third visitor
comes when the pages have cached nothing any more. What the first visit of a new browser takes stands beside it. The
baseline is a Streamlit page that shows one heading, in the same run. Figures go to stdout, progress to stderr. Exit
code 1 where a 95th percentile is above its limit.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.generated import Size, generate
from dashboard.serve import Served, environment
from diff.store import queries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.summaries import Summariser, summarise

__all__ = ["main"]

CHROMIUM: Final = Path("/usr/bin/chromium")
FIRST_PAINT: Final = 2.0
"""Seconds that the 95th percentile of a first paint may take."""
INTERACTION: Final = 1.0
_BYTES_A_DISCREPANCY: Final = 1500
_TIMEOUT: Final = 1800.0
_CHARGERS: Final = 100_000
_PATIENCE_MS: Final = 60_000
_BASELINE: Final = "empty page"
_EMPTY: Final = 'import streamlit as st\nst.set_page_config(layout="wide")\nst.title("Empty", anchor=False)\n'


class Timing(msgspec.Struct, frozen=True):
    """One screen."""

    screen: str
    what: str
    """`first paint`, `in a new browser`, or what was done."""
    runs: int
    p50: float
    p95: float
    ratio: float
    """The median beside that of the empty page."""
    limit: float
    """Seconds that are asked of the 95th percentile; 0 where nothing is."""


class Screen(msgspec.Struct, frozen=True):
    """An address, what is there when its main content is, and something to do on it."""

    name: str
    address: str
    ready: str
    """A selector (CSS)."""
    says: str = ""
    """Words that it holds."""
    click: str = ""
    """The words of a control; what comes of it is awaited by `then`."""
    then: str = ""
    then_says: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a limit is not kept, 2 where it cannot be measured."""
    options = _options(argv)
    if not CHROMIUM.exists():
        print(f"{CHROMIUM} is absent: apt-get install chromium", file=sys.stderr)
        return 2
    size = msgspec.structs.replace(
        Size().scaled(options.rows / Size().discrepancies), chargers=min(options.chargers, max(options.rows // 10, 20))
    )
    say = _progress()
    with tempfile.TemporaryDirectory(prefix="shadow-bench-", dir=options.directory) as folder:
        needed = options.rows * _BYTES_A_DISCREPANCY
        if (free := shutil.disk_usage(folder).free) < needed:
            print(f"{needed / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free", file=sys.stderr)
            return 2
        place = options.store or Path(folder) / "engine"
        made = place.with_name(f"{place.name}.json")
        fresh = not place.exists()
        if not fresh and (not made.exists() or made.read_bytes() != msgspec.json.encode(size)):
            print(f"{place} holds another size, or half of one: remove it and {made}", file=sys.stderr)
            return 2
        with EmbeddedEngine(place) as engine, Store.connect(engine.url("generated"), timeout=_TIMEOUT) as store:
            if fresh:
                store.migrate()
                generate(store, size, say)
                made.write_bytes(msgspec.json.encode(size))
            screens = [one for one in _screens(store) if options.only in one.name]
            if not screens:
                print(f"no screen has {options.only} in its name", file=sys.stderr)
                return 2
            with _Sink(store):
                timings = _measured(engine.url("generated"), Path(folder), screens, options.runs, say)
    load = os.getloadavg()[0]
    head = {"discrepancies": size.discrepancies, "chargers": size.chargers, "sessions": size.sessions, "load": load}
    print(
        json.dumps({**head, "timings": msgspec.to_builtins(timings)}, indent=2)
        if options.json
        else _text(head, timings)
    )
    return 1 if any(one.limit and one.p95 > one.limit for one in timings) else 0


def _screens(store: Store) -> list[Screen]:
    session = queries.latest_sessions(store, limit=1)[0]
    group = queries.groups(store, queries.Filter(status="open"), limit=1)[0]
    table, chart = "[data-testid=stDataFrame] canvas", "[data-testid=stVegaLiteChart] :is(canvas, svg)"
    text = "[data-testid=stMarkdownContainer]"
    charger = f"charger?id={session.charger_id}"
    return [
        Screen("rollout", "rollout", f"{table}, [data-testid=stExpander]"),
        Screen("discrepancies", "discrepancies", table, click="critical", then=table),
        Screen("fingerprint", f"fingerprint?fp={group.fingerprint}", table),
        Screen("sessions", "session", table, click="differing", then=table),
        Screen("session", f"session?id={session.session_id}", chart),
        Screen("chargers", "charger", table),
        Screen("charger", charger, chart, click="device model", then=f"[data-testid=stAlert], {table}"),
        Screen("coverage", "coverage", table, click="weight", then=text, then_says="times 1.6"),
        Screen("health", "health", "h3", "Completeness", click="month", then=table),
    ]


def _measured(url: str, folder: Path, screens: Sequence[Screen], runs: int, say: Callable[[str], None]) -> list[Timing]:
    from playwright.sync_api import sync_playwright

    empty = folder / "empty.py"
    empty.write_text(_EMPTY)
    found: list[Timing] = []
    with (
        Served(_free_port(), {}, app=empty) as bare,
        Served(_free_port(), environment(url, "0.39", "EUR")) as served,
        sync_playwright() as playwright,
    ):
        new = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        known = playwright.chromium.launch_persistent_context(
            folder / "browser", executable_path=str(CHROMIUM), args=["--no-sandbox"], viewport=_VIEWPORT
        )
        for _ in range(_TO_KNOW):  # the server's first page imports Streamlit's parts
            _paint(known, bare.url, "h1")
        base = _timing(_BASELINE, _PAINT, [_paint(known, bare.url, "h1") for _ in range(runs)], None, FIRST_PAINT)
        found += [base, _timing(_BASELINE, _NEW, [_paint(new, bare.url, "h1") for _ in range(runs)], base, 0)]
        _paint(known, served.url + "session", "h1")
        # It is kept and drawn at once from then on; it is given anew below what is drawn.
        verdict = _paint(known, served.url + "rollout", screens[0].ready) if screens[0].name == "rollout" else 0.0
        say(f"the first verdict on the fleet: {verdict:.1f} s")
        for screen in screens:
            separator = "&" if "?" in screen.address else "?"
            address = f"{served.url}{screen.address}{separator}tz=UTC"
            times, firsts, actions = [], [], []
            for _ in range(_TO_KNOW):
                _paint(known, address, screen.ready, screen.says)
            for number in range(runs):
                if number % 3 == 0:
                    time.sleep(_CACHED)
                paint, action = _visit(known, address, screen)
                times.append(paint)
                actions += action
                firsts.append(_paint(new, address, screen.ready, screen.says))
            found.append(_timing(screen.name, _PAINT, times, base, FIRST_PAINT))
            found.append(_timing(screen.name, _NEW, firsts, base, 0))
            say(f"{screen.name}: p95 {found[-2].p95:.2f} s, in a new browser {found[-1].p95:.2f} s")
            if actions:
                found.append(_timing(screen.name, f"choose {screen.click}", actions, base, INTERACTION))
        known.close()
        new.close()
    return found


_CACHED: Final = 16.0
"""Seconds after which the pages ask the store anew."""


_PAINT: Final = "first paint"
_NEW: Final = "in a new browser"
_TO_KNOW: Final = 2
"""Visits after which a browser keeps scripts compiled."""
_APART: Final = 1.0
"""Seconds between visits: a page that closes keeps browser and server busy for a moment."""
_VIEWPORT: Final[Any] = {"width": 1440, "height": 900}


def _visit(browser: Any, address: str, screen: Screen) -> tuple[float, list[float]]:
    page = browser.new_page()
    page.set_viewport_size(_VIEWPORT)
    page.goto(address, wait_until="commit")
    painted = _seen(page, screen.ready, screen.says)
    actions = []
    if screen.click:
        page.wait_for_function(_IDLE, timeout=_PATIENCE_MS)
        page.evaluate(_TO_CLICK)
        page.get_by_role("radio", name=screen.click).or_(page.get_by_role("button", name=screen.click)).first.click()
        done = _seen(page, screen.then, screen.then_says, screen.click.split(" ")[0])
        actions.append(done - page.evaluate("window.clicked") / 1000)
    page.close()
    time.sleep(_APART)
    return painted, actions


def _paint(browser: Any, address: str, ready: str, says: str = "") -> float:
    return _visit(browser, address, Screen("", address, ready, says))[0]


def _seen(page: Any, ready: str, says: str, chosen: str = "") -> float:
    """Seconds from the navigation until it is on the screen, by the browser's own clock.

    The page looks for it in every frame. Playwright's own waiting looks each half second after the first third of one.
    """
    wanted = {"ready": ready, "says": says, "chosen": chosen}
    return float(page.wait_for_function(_SEEN, arg=wanted, timeout=_PATIENCE_MS).json_value()) / 1000


_IDLE: Final = "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
_SEEN: Final = f"""({{ready, says, chosen}}) => {{
    const there = [...document.querySelectorAll(ready)].some(
        one => one.checkVisibility() && one.getBoundingClientRect().width && one.textContent.includes(says));
    const done = !chosen || (location.search.includes(chosen) && window.ran && {_IDLE});
    window.frames_seen = there && done ? (window.frames_seen || 0) + 1 : 0;
    return window.frames_seen > 1 && performance.now();
}}"""
"""In the second frame that finds it the first one has been painted. What was chosen is there when its run has ended."""
_TO_CLICK: Final = """() => {
    window.ran = false;
    addEventListener("pointerdown", () => { window.clicked = performance.now(); }, {capture: true, once: true});
    new MutationObserver(() => { window.ran = true; }).observe(
        document.querySelector("[data-testid=stApp]"), {attributeFilter: ["data-test-script-state"]});
    window.frames_seen = 0;
}"""


class _Sink:
    """Writes and sums up as the sink of a live fleet does, meanwhile. What it writes is there already."""

    def __init__(self, store: Store) -> None:
        self._store, self._ended = store, threading.Event()
        self._rows = {table: _newest(store, table) for table in ("discrepancies", "sessions")}
        self._summariser = Summariser(store)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sink")

    def __enter__(self) -> None:
        self._writing = self._pool.submit(self._write)
        summarise(self._store)  # as it is a minute after a start
        self._summariser.__enter__()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._summariser.__exit__()
        self._writing.result()  # figures without the writing beside them would be others
        self._pool.shutdown()

    def _write(self) -> None:
        while not self._ended.wait(1):
            for table, (columns, rows) in self._rows.items():
                self._store.insert(table, columns, rows)


def _newest(store: Store, table: str) -> tuple[list[str], list[tuple[object, ...]]]:
    columns = [str(row[0]) for row in store.execute(_COLUMNS, {"table": table})]
    newest = f"SELECT max(first_received_at) - INTERVAL 1 HOUR FROM {table}"
    query = f"SELECT {', '.join(columns)} FROM {table} WHERE first_received_at >= ({newest}) LIMIT {_ROWS_A_SECOND}"
    return columns, store.execute(query)


_ROWS_A_SECOND: Final = 20
_COLUMNS: Final = """
    SELECT name FROM system.columns
    WHERE database = currentDatabase() AND table = %(table)s AND default_kind = ''"""


def _timing(screen: str, what: str, times: list[float], base: Timing | None, limit: float) -> Timing:
    ordered = sorted(times)
    p50, p95 = ordered[len(ordered) // 2], ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Timing(screen, what, len(times), p50, p95, 1.0 if base is None else p50 / base.p50, limit)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench dashboard", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="discrepancies of the generated store")
    parser.add_argument(
        "--chargers", type=int, default=_CHARGERS, help="charging stations, at most a tenth of the rows"
    )
    parser.add_argument("--runs", type=int, default=20, help="visits of each screen")
    parser.add_argument("--only", default="", help="screens whose name holds this")
    parser.add_argument(
        "--store", type=Path, help="generate the store here and keep it; one of the same size is taken again"
    )
    parser.add_argument("--directory", type=Path, help="where the data lies meanwhile; it is removed")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(argv)


def _progress() -> Callable[[str], None]:
    begin = time.monotonic()
    return lambda text: print(f"{time.monotonic() - begin:7.1f} s  {text}", file=sys.stderr, flush=True)


def _text(head: dict[str, Any], timings: Sequence[Timing]) -> str:
    lines = [
        f"{head['discrepancies']:,} discrepancies, {head['sessions']:,} sessions, {head['chargers']:,} stations",
        f"load average {head['load']:.1f} on {os.cpu_count()} cores",
        f"{'screen':<16}{'what':<24}{'p50 s':>8}{'p95 s':>8}{'x empty':>9}   of {timings[0].runs} visits",
    ]
    lines += [
        f"{one.screen:<16}{one.what:<24}{one.p50:>8.2f}{one.p95:>8.2f}{one.ratio:>9.1f}"
        f"{'   above the limit' if one.limit and one.p95 > one.limit else ''}"
        for one in timings
    ]
    return "\n".join(lines)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
