"""`weight`: what the telemetry of a fleet weighs on the wire, OCPP 1.6 against 2.0.1."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from app.command import give_up, run, settings, span
from app.settings import Settings

if TYPE_CHECKING:
    from app.sources import Source
    from shadow.weight import Account

__all__ = ["app"]

app: Final = typer.Typer()


@app.command()
def weight(
    recordings: Annotated[
        list[Path] | None, typer.Argument(help="Recordings (JSON Lines) in order; - is standard input.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Weigh the frames of the store.")] = False,
    since: Annotated[str | None, typer.Option(help="With --store: from this ISO time with its zone on.")] = None,
    until: Annotated[str | None, typer.Option(help="With --store: up to this time; none is the newest frame.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="With --store: only this charging station.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Weigh 1.6 against 2.0.1: messages and bytes a session and a charger-day, plain and compressed, per action."""
    from app.sources import Source

    given = settings(data_dir=data_dir, store_url=store_url)
    if store == bool(recordings):
        give_up(typer.BadParameter("name recordings, or --store for the frames of the store"))
    source = Source(recordings or (), store, *span(since, until, charger, store=store))
    run(lambda: _show(given, source, as_json=as_json))


def _show(given: Settings, source: Source, *, as_json: bool) -> int:
    from app.sources import count
    from shadow.weighing import document
    from shadow.weight import Scales

    scales = Scales(given.shadow_config())
    read = count(given, source, scales)
    account = scales.account()
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode({"read": read, **document(account)}) + b"\n")
    else:
        _print(read, account)
    return 0


def _print(read: str, account: Account) -> None:
    from rich.console import Console
    from rich.table import Table

    from shadow.weighing import VERSIONS, document

    figures = document(account)
    console = Console()
    console.print(f"{read}; {account.sessions} sessions, {figures['charger_days']} charger-days", highlight=False)
    heads = [f"{version} {name}" for version in VERSIONS for name in ("messages", "plain", "deflated")]
    table = Table("", *heads, "ratio plain", "ratio deflated", title="Bytes on the wire, WebSocket frames included")
    rows = {"total": figures["total"], "a session": figures["per_session"], "a charger-day": figures["per_charger_day"]}
    for name, beside in [*rows.items(), *figures["actions"].items()]:
        values = [beside[version][field] for version in VERSIONS for field in _SHOWN]
        ratios = [beside["ratio"]["plain_bytes"], beside["ratio"]["deflated_bytes"]]
        cells = ["-" if value is None else f"{value:,.0f}" for value in values]
        table.add_row(name, *cells, *("-" if ratio is None else f"{ratio:.2f}" for ratio in ratios))
    console.print(table)
    if account.observed < _SHORT:
        console.print("Less than a day was observed: the figures of a charger-day are extrapolated.")
    if account.passed_over:
        console.print(f"{account.passed_over} messages on connections of another subprotocol were passed over.")


_SHOWN: Final = ("messages", "plain_bytes", "deflated_bytes")
_SHORT: Final = 86_400_000_000
