"""`gate`: the verdict on cohorts. Exit codes: 0 GO, 10 HOLD, 20 INCONCLUSIVE; of several the worst."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from app.command import give_up, moment, run, settings
from app.settings import Settings
from ingest.frame import Micros
from ingest.timestamps import format_micros

if TYPE_CHECKING:
    from diff.gates.gate import Result
    from diff.store.gating import Given, Report

__all__ = ["app"]

app: Final = typer.Typer()

_INDENT: Final = " " * 26


@app.command()
def gate(
    cohort: Annotated[
        list[str] | None,
        typer.Option(help="A cohort of the file, or a selection ('vendor=ACME model=One*'); may be repeated."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every cohort of the file, and the fleet.")] = False,
    thresholds: Annotated[Path | None, typer.Option(help="TOML file of the gates' thresholds.")] = None,
    cohort_file: Annotated[Path | None, typer.Option(help="TOML file of cohorts, sites and waves.")] = None,
    at: Annotated[str | None, typer.Option(help="The verdict about this ISO time with its zone; none is now.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do not keep the verdicts in the store.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Say GO, HOLD or INCONCLUSIVE of cohorts (without one, of the fleet), and what would change it."""
    given = settings(cohort_file=cohort_file, thresholds_file=thresholds, data_dir=data_dir, store_url=store_url)
    if everything and cohort:
        give_up(typer.BadParameter("name cohorts or --all, not both"))
    now = time.time_ns() // 1000
    moment_of = moment(at, "--at") if at else now
    names = cohort or []
    run(lambda: _judge(given, names, moment_of, now, everything=everything, keep=not dry_run, as_json=as_json))


def _judge(
    given: Settings, names: list[str], at: Micros, now: Micros, *, everything: bool, keep: bool, as_json: bool
) -> int:
    import msgspec

    from app.storing import the_store
    from diff.store.gating import GatingError, chosen, read_cohorts, report, thresholds_in_force

    try:
        cohorts = read_cohorts(given.cohort_file)
        wanted = chosen(cohorts, names, everything=everything)
        with the_store(given) as store:
            held = thresholds_in_force(given.thresholds_file, store)
            found = report(store, cohorts, wanted, held, at, now, keep=keep)
    except GatingError as error:
        give_up(error)
    if found.problem:
        typer.echo(f"{found.problem}; version {found.thresholds_version} stays in force", err=True)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _show(found)
    return found.outcome.exit_code


def _show(found: Report) -> None:
    for one in found.verdicts:
        _verdict(one)
    if len(found.verdicts) > 1:
        typer.echo(f"together: {found.outcome.value}")


def _verdict(given: Given) -> None:
    from diff.gates.words import count

    verdict = given.verdict
    first = f", {verdict.first} first" if verdict.first else ""
    typer.echo(f"{verdict.cohort}: {verdict.outcome.value}{first} (about {format_micros(verdict.at)})")
    typer.echo(f"  {verdict.because}")
    if verdict.change:
        typer.echo(f"  what would change it: {verdict.change}")
    typer.echo(
        f"  {count(verdict.chargers, 'charging station')} of {count(verdict.vendors, 'vendor')} and"
        f" {count(verdict.models, 'model')}; {count(verdict.sessions, 'session')} compared since"
        f" {format_micros(verdict.since)}, {verdict.weekly_sessions:,} in the last week; clean for"
        f" {count(verdict.clean_days, 'day')}; trend {verdict.trend.word}"
    )
    if given.previous is not None:
        word = "flipped: it was" if given.flipped else "as before: it was"
        typer.echo(f"  {word} {given.previous.outcome} about {format_micros(given.previous.at)}")
    for result in verdict.results:
        _gate(result)


def _gate(result: Result) -> None:
    typer.echo(f"  {result.outcome.value:12}  {result.gate:8}  {result.value} (asked for: {result.threshold};"
               f" n = {result.n:,} {result.of})")  # fmt: skip
    if result.change:
        typer.echo(f"{_INDENT}{result.because}")
        typer.echo(f"{_INDENT}to change it: {result.change}")
