"""`whatif`: sessions lived again under other settings, before any charging station is configured so."""

from __future__ import annotations

import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer
from msgspec.structs import replace

from app.command import give_up, run, settings, span
from app.setting_files import SettingsError
from app.settings import Settings

if TYPE_CHECKING:
    from app.sources import Source
    from diff.whatif.life import Setting
    from diff.whatif.moves import Cohort

__all__ = ["app"]

app: Final = typer.Typer()

_SHOWN: Final = 20


@app.command()
def whatif(
    recordings: Annotated[
        list[Path] | None, typer.Argument(help="Recordings (JSON Lines) in order; - is standard input.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Live the frames of the store again.")] = False,
    tx_start: Annotated[str | None, typer.Option(help="Another TxStartPoint, comma separated.")] = None,
    tx_stop: Annotated[str | None, typer.Option(help="Another TxStopPoint, comma separated.")] = None,
    energy_tolerance: Annotated[str | None, typer.Option(help="Another energy_tolerance_wh.")] = None,
    tariff: Annotated[Path | None, typer.Option(help="Another tariff_file: TOML or JSON of OCPI tariffs.")] = None,
    cohort: Annotated[
        list[str] | None,
        typer.Option(help="Sum over vendor=GLOB,model=GLOB,firmware=GLOB,charger=GLOB; may be repeated."),
    ] = None,
    since: Annotated[str | None, typer.Option(help="With --store: from this ISO time with its zone on.")] = None,
    until: Annotated[str | None, typer.Option(help="With --store: up to this time; none is the newest frame.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="With --store: only this charging station.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Say how session times, idle minutes, energy and bills would move under other settings, before they are made."""
    from app.sources import Source

    given = settings(data_dir=data_dir, store_url=store_url)
    if store == bool(recordings):
        give_up(typer.BadParameter("name recordings, or --store for the frames of the store"))
    source = Source(recordings or (), store, *span(since, until, charger, store=store))
    try:
        sides, cohorts = _sides(given, tx_start, tx_stop, energy_tolerance, tariff), _cohorts(cohort or [])
    except (ValueError, SettingsError) as error:
        give_up(error)
    run(lambda: _show(given, source, sides, cohorts, as_json=as_json))


def _sides(
    given: Settings, tx_start: str | None, tx_stop: str | None, tolerance: str | None, tariff: Path | None
) -> tuple[Setting, Setting]:
    """The settings as they are, and as they would be. Raises `ValueError`, `SettingsError`."""
    from diff.policy import Kind
    from diff.whatif.life import Setting
    from shadow.config import checked

    if tx_start is None and tx_stop is None and tolerance is None and tariff is None:
        raise ValueError("nothing would change: give --tx-start, --tx-stop, --energy-tolerance or --tariff")
    config, policy = given.shadow_config(), given.policy()
    after, other = config, policy
    if tx_start is not None:
        after = replace(after, tx_start_points=_points(tx_start))
    if tx_stop is not None:
        after = replace(after, tx_stop_points=_points(tx_stop))
    if tolerance is not None:
        try:
            allowed = Decimal(tolerance)
        except InvalidOperation:
            allowed = Decimal(-1)
        if not allowed.is_finite() or allowed < 0:
            raise ValueError(f"--energy-tolerance {tolerance[:40]!r} is no number of Wh: give 0 or more")
        told = {"kind": Kind.TOLERANCE, "absolute": allowed, "reason": ""}
        energy, record_energy = replace(other.energy, **told), replace(other.record_energy, **told)
        other = replace(other, energy=energy, record_energy=record_energy)
    if tariff is not None:
        other = replace(other, tariffs=given.model_copy(update={"tariff_file": tariff}).tariffs())
    return Setting(config, policy), Setting(checked(after), other)


def _points(given: str) -> frozenset[str]:
    return frozenset(part.strip() for part in given.split(",") if part.strip())


def _cohorts(given: list[str]) -> tuple[Cohort, ...]:
    from diff.whatif.moves import cohort

    try:
        return tuple(cohort(one) for one in given)
    except ValueError as error:
        raise ValueError(f"--cohort {error}") from None


def _show(
    given: Settings, source: Source, sides: tuple[Setting, Setting], cohorts: tuple[Cohort, ...], *, as_json: bool
) -> int:
    from app.sources import count
    from app.storing import fault_line
    from diff.whatif.comparing import WhatIf

    report = WhatIf(*sides, cohorts)
    read = count(given, source, report)
    for fault in report.faults[:_SHOWN]:
        print(fault_line(fault), file=sys.stderr)
    document = {"read": read, "before": _settings_of(sides[0]), "after": _settings_of(sides[1]), **report.document()}
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    else:
        _print(document)
    return 1 if report.faults else 0


def _settings_of(side: Setting) -> dict[str, Any]:
    return {
        "tx_start_points": sorted(side.config.tx_start_points),
        "tx_stop_points": sorted(side.config.tx_stop_points),
        "energy_tolerance_wh": f"{side.policy.energy.absolute:f}",
    }


def _print(document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    console.print(document["read"], highlight=False)
    for name in ("before", "after"):
        side = document[name]
        points = f"TxStartPoint {','.join(side['tx_start_points'])}, TxStopPoint {','.join(side['tx_stop_points'])}"
        console.print(f"{name}: {points}, energy tolerance {side['energy_tolerance_wh']} Wh", highlight=False)
    heads = ("cohort", "sessions", "moved", "start s", "stop s", "idle min", "Wh", "only before", "only after", "open")
    sums = Table(*(Column(head, overflow="fold") for head in heads), title="In sum, after minus before")
    for name, row in document["cohorts"].items():
        times = (row["start_seconds"], row["stop_seconds"], row["idle_minutes"], row["energy_wh"])
        counts = (row["only_before"], row["only_after"], row["unfinished"])
        sums.add_row(name, str(row["sessions"]), str(row["moved"]), *times, *map(str, counts))
    console.print(sums if document["cohorts"] else "No charging station.")
    for name, row in document["cohorts"].items():
        changed = {code: pair for code, pair in row["discrepancies"].items() if pair[0] != pair[1]}
        for code, (before, after) in changed.items():
            console.print(f"{name}: {code} {before} before, {after} after", highlight=False)
        for currency, bill in (row["price"] or {}).items():
            moved = Decimal(bill["after"]) - Decimal(bill["before"])
            sums_of = f"{bill['before']} before, {bill['after']} after ({moved:+f})"
            console.print(f"{name}: {currency} {sums_of} in {bill['sessions']} sessions", highlight=False)
        if row["other_currency"]:
            console.print(f"{name}: {row['other_currency']} sessions would cost another currency", highlight=False)
    moves = Table("session", "charger", "start s", "stop s", "idle s", "Wh", title="Sessions that move most")
    for row in document["sessions"][:_SHOWN]:
        values = (row[key] for key in ("start_seconds", "stop_seconds", "idle_seconds", "energy_wh"))
        moves.add_row(row["session_id"], row["charger_id"], *("-" if value is None else value for value in values))
    if document["sessions"]:
        console.print(moves)
    print(f"{document['moved']} sessions would move, {document['shown']} of them in --json")
