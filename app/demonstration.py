"""`shadow-csms demo`: a simulated fleet and a small primary, the real tap between them, and what came of it.

The fleet says what it planted, the store says what was found. Both are set against each other: planted, found, missed,
false — per code, counted in charging stations.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import webbrowser
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from app.embedded import Embedded
from app.live import say, tap_line, until_stopped
from app.setting_sources import load
from app.settings import Settings
from demo.faults import Planted
from demo.fleet import Fleet, FleetConfig
from demo.primary import Primary, PrimaryConfig
from diff.store.client import Store
from diff.store.outcome import compared_sessions, open_codes

__all__ = ["Outcome", "Plan", "run", "weigh"]

_SETTLE_SECONDS: Final = 8
_RESERVE_SECONDS: Final = 16
"""Of `--seconds`: for coming up, for the deadlines after the last session, and for going down."""
_ROUND_SECONDS: Final = 60.0
_CATCH_UP_SECONDS: Final = 20.0
_STOPPED: Final = 130
"""Exit code after Ctrl-C: what was missed may only have had no time to settle."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    seconds: int | None
    chargers: int
    seed: int
    fault_share: float
    data_dir: Path | None
    dashboard_port: int | None
    open_browser: bool
    as_json: bool


@dataclass(slots=True)
class Outcome:
    """Planted against found."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    """One line for each thing missed or false."""

    @property
    def clean(self) -> bool:
        """Everything planted was found, and nothing else."""
        return not self.missed and not self.false


def weigh(planted: Iterable[Planted], found: set[tuple[str, str]]) -> Outcome:
    """Set the ground truth against what was found; by charging station and code."""
    outcome = Outcome()
    wanted: set[tuple[str, str]] = set()
    explained: set[tuple[str, str]] = set()
    faults: dict[str, set[str]] = {}
    for one in planted:
        wanted.update((one.charger_id, code) for code in one.codes)
        explained.update((one.charger_id, code) for code in one.also)
        faults.setdefault(one.charger_id, set()).add(one.fault)
    outcome.planted.update(code for _, code in wanted)
    outcome.found.update(code for _, code in found & (wanted | explained))
    for charger_id, code in sorted(wanted - found):
        outcome.missed[code] += 1
        outcome.details.append(f"missed {code} on {charger_id}: {', '.join(sorted(faults[charger_id]))}")
    for charger_id, code in sorted(found - wanted - explained):
        outcome.false[code] += 1
        planted_here = ", ".join(sorted(faults.get(charger_id, {"nothing"})))
        outcome.details.append(f"false {code} on {charger_id}, which planted {planted_here}")
    return outcome


def run(plan: Plan) -> int:
    """Run the demonstration; 0 where it found what was planted and nothing else."""
    return uvloop.run(_run(plan))


async def _run(plan: Plan) -> int:
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        directory = plan.data_dir
        if directory is None:
            holder = stack.enter_context(tempfile.TemporaryDirectory(prefix="shadow-demo-", ignore_cleanup_errors=True))
            directory = Path(holder)
        primary_port = await _free_port()
        settings = _settings(plan, directory, primary_port)
        runtime = await stack.enter_async_context(Embedded(settings))
        say(f"tap on {settings.listen_host}:{runtime.tap.port}, between the fleet and its primary")
        say(f"dashboard on {runtime.dashboard_url}")
        if plan.open_browser and sys.stdout.isatty() and (os.environ.get("DISPLAY") or sys.platform == "darwin"):
            webbrowser.open(runtime.dashboard_url)
        planted: list[Planted] = []
        finished = await until_stopped(lambda: _line(runtime), _rounds(plan, runtime, primary_port, planted, began))
        if not finished:
            say("stopped; what was planted so far is set against what was found so far")
        code = await _sum_up(plan, runtime, planted, settle=finished)
        return code if finished else _STOPPED


async def _rounds(plan: Plan, runtime: Embedded, primary_port: int, planted: list[Planted], began: float) -> None:
    """One fleet with `--seconds`, else one after the other. Each round has charging stations of its own."""
    number = 0
    while True:
        number += 1
        seconds = _ROUND_SECONDS
        if plan.seconds is not None:
            seconds = max(8.0, plan.seconds - (time.monotonic() - began) - _RESERVE_SECONDS)
        config = FleetConfig(
            url=f"ws://{runtime.settings.listen_host}:{runtime.tap.port}/ocpp",
            chargers=plan.chargers,
            seed=plan.seed + number - 1,
            fault_share=plan.fault_share,
            duration_seconds=seconds,
            prefix="DEMO" if number == 1 else f"DEMO{number}",
        )
        fleet = Fleet(config)
        async with Primary(PrimaryConfig(port=primary_port, behaviours=config.behaviours())):
            say(f"round {number}: {plan.chargers} charging stations for {seconds:.0f} s, seed {config.seed}")
            try:
                report = await fleet.run()
            finally:
                planted.extend(fleet.report().planted)
        for charger_id, failure in report.failures.items():
            say(f"{charger_id} could not live its plan: {failure}")
        if plan.seconds is not None:
            return


async def _sum_up(plan: Plan, runtime: Embedded, planted: list[Planted], *, settle: bool) -> int:
    store = runtime.store()
    try:
        outcome, compared = await _await_outcome(runtime, store, planted, _SETTLE_SECONDS + 2 if settle else 0)
    finally:
        store.close()
    status = runtime.worker_status()
    figures = {
        "frames": 0 if status is None else status.frames,
        "sessions_compared": compared,
        "codes_found": len(outcome.found),
        "restarts": runtime.restarts,
        "faults": 0 if status is None else status.faults,
    }
    if plan.as_json:
        document = {
            **figures,
            **{name: dict(getattr(outcome, name)) for name in ("planted", "found", "missed", "false")},
            "details": outcome.details,
        }
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        _print(outcome, figures)
    return 0 if outcome.clean and compared and not figures["restarts"] and not figures["faults"] else 1


async def _await_outcome(
    runtime: Embedded, store: Store, planted: list[Planted], settle_seconds: float
) -> tuple[Outcome, int]:
    """Look until the time to settle is over and everything planted was found, or will not be any more."""
    settled = time.monotonic() + settle_seconds
    deadline = settled + _CATCH_UP_SECONDS
    while True:
        outcome = weigh(planted, await asyncio.to_thread(open_codes, store))
        status = runtime.worker_status()
        caught_up = status is not None and status.caught_up
        now = time.monotonic()
        if (now > settled and caught_up and outcome.clean) or now > deadline:
            return outcome, await asyncio.to_thread(compared_sessions, store)
        if now > settled + 4 and caught_up:
            return outcome, await asyncio.to_thread(compared_sessions, store)
        await asyncio.sleep(0.5)


def _settings(plan: Plan, directory: Path, primary_port: int) -> Settings:
    return load(
        data_dir=directory,
        upstream=f"ws://127.0.0.1:{primary_port}",
        listen_port=0,
        dashboard_port=plan.dashboard_port if plan.dashboard_port is not None else 0 if plan.seconds else None,
        tick_seconds=1.0,
        unanswered_seconds=_SETTLE_SECONDS,
        slow_answer_seconds=_SETTLE_SECONDS,
        settle_missing_seconds=_SETTLE_SECONDS,
        settle_reboot_seconds=_SETTLE_SECONDS,
    )


def _line(runtime: Embedded) -> str:
    status = runtime.worker_status()
    lived = "nothing lived yet"
    if status is not None:
        lived = f"{status.frames} frames lived, {status.compared} sessions compared, {len(status.discrepancies)} codes"
    return f"{tap_line(runtime.tap)}; {lived}"


def _print(outcome: Outcome, figures: dict[str, object]) -> None:
    console = Console()
    table = Table(title="Planted by the fleet, found by the shadow (charging stations per code)")
    table.add_column("code")
    for name in ("planted", "found", "missed", "false"):
        table.add_column(name, justify="right")
    for code in sorted({*outcome.planted, *outcome.found, *outcome.false}):
        counts = (outcome.planted, outcome.found, outcome.missed, outcome.false)
        table.add_row(code, *(str(count[code]) if count[code] else "-" for count in counts))
    console.print(table)
    for line in outcome.details:
        console.print(line, highlight=False)
    console.print(
        f"{figures['frames']} frames, {figures['sessions_compared']} sessions compared, "
        f"{figures['codes_found']} codes found, {outcome.planted.total()} planted, {outcome.missed.total()} missed, "
        f"{outcome.false.total()} false",
        highlight=False,
    )


async def _free_port() -> int:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
