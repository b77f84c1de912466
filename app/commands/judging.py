"""`judge` and `judging`: stored frames judged anew beside the live run, compared with it, and put in its place."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec
import typer

from app.command import give_up, moment, run, said_by, settings
from app.settings import Settings
from ingest.frame import Micros
from ingest.timestamps import format_micros

if TYPE_CHECKING:
    from diff.fleet import Fault
    from diff.judging import JudgingRun, Stretch
    from diff.store.client import Store
    from diff.store.queries.run_comparison import CodeLine, RunComparison

__all__ = ["app", "group"]

app: Final = typer.Typer()
group: Final = typer.Typer(name="judging", help="Judging runs: what there is, how two differ, which one counts.")

_SHOWN: Final = 20
Answer = TypeVar("Answer")
Since = Annotated[str | None, typer.Option("--from", "--since", help="From this ISO time with its zone on.")]
Until = Annotated[str | None, typer.Option("--to", "--until", help="Up to this ISO time, itself left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
DataDir = Annotated[Path | None, typer.Option(help="Where the embedded store lives.")]
StoreUrl = Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")]
By = Annotated[str | None, typer.Option(help="Who decides; else the user of this process.")]


@app.command()
def judge(
    since: Since = None,
    until: Until = None,
    policy: Annotated[Path | None, typer.Option(help="Judge by this file; else by the settings' policy.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; else the policy's version.")] = None,
    charger: Annotated[
        list[str] | None, typer.Option(help="Only this charging station, to compare with; may be repeated.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Judge stored frames anew, as a run beside the live one: what pages and gates show does not change by it."""
    given = settings(data_dir=data_dir, store_url=store_url)
    span = _span(since, until)
    run(lambda: _judge(given, span, policy, name, tuple(charger or ()), as_json=as_json))


@group.command(name="list")
def list_runs(as_json: AsJson = False, data_dir: DataDir = None, store_url: StoreUrl = None) -> None:
    """List the runs, and where each is current."""
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _list(given, as_json=as_json))


@group.command()
def compare(
    a: Annotated[str, typer.Argument(help="A run; `live` is the one that judges frames as they come.")],
    b: Annotated[str, typer.Argument(help="Another run.")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Say what two runs find differently over the range that both were judged for."""
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _compare(given, a, b, as_json=as_json))


@group.command()
def use(
    name: Annotated[str, typer.Argument(help="The run; `live` takes a range back.", metavar="RUN")],
    since: Since = None,
    until: Until = None,
    by: By = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Make a run current for its range, or a part of it: pages, gates and counts read it there from now on."""
    given = settings(data_dir=data_dir, store_url=store_url)
    span = _span(since, until)
    run(lambda: _use(given, name, span, said_by(by)))


@group.command()
def drop(
    name: Annotated[str, typer.Argument(help="The run.", metavar="RUN")],
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Remove a run that is not current, with all its rows."""
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _drop(given, name))


def _span(since: str | None, until: str | None) -> tuple[Micros | None, Micros | None]:
    begin = moment(since, "--from") if since else None
    end = moment(until, "--to") if until else None
    if begin is not None and end is not None and begin >= end:
        give_up(typer.BadParameter(f"the range ends before it begins: {since} is not before {until}"))
    return begin, end


def _judge(
    given: Settings,
    span: tuple[Micros | None, Micros | None],
    file: Path | None,
    name: str | None,
    only: tuple[str, ...],
    *,
    as_json: bool,
) -> int:
    from app.judging import Wanted, judge, planned
    from app.policies import PolicyFileError, read_policy
    from diff.judging import name_of

    config = given.shadow_config()
    try:
        policy = given.policy() if file is None else read_policy(file, given.tariffs())
        wanted = Wanted(name_of(name or policy.version), *span, only)
    except (PolicyFileError, ValueError) as error:
        give_up(error)

    def action(store: Store) -> JudgingRun:
        plan = planned(store, wanted, config, policy, said_by(None))
        return judge(store, plan, config, policy, _now(), _told)

    found = _with_store(given, action)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        typer.echo(
            f"run {found.name}: {found.frames:,} frames of {found.chargers:,} charging stations lived,"
            f" {found.sessions:,} sessions and {found.discrepancies:,} discrepancies from"
            f" {format_micros(found.since)} to {format_micros(found.until)} under policy {found.policy_version}"
        )
        typer.echo(f"`judging compare live {found.name}` says what differs, `judging use {found.name}` makes it count")
    return 1 if found.faults else 0


def _told(done: int, total: int, faults: Sequence[Fault]) -> None:
    from app.storing import fault_line

    for fault in faults[:_SHOWN]:
        print(fault_line(fault), file=sys.stderr)
    if done == total or (sys.stderr.isatty() and done % 10 == 0):
        print(f"{done:,} of {total:,} charging stations judged", file=sys.stderr, flush=True)


def _list(given: Settings, *, as_json: bool) -> int:
    from diff.store.queries.runs import judging_runs, stretches

    runs, current = _with_store(given, lambda store: (judging_runs(store), stretches(store)))
    if as_json:
        typer.echo(msgspec.json.encode({"runs": runs, "current": current}).decode())
        return 0
    for one in runs:
        _show_run(one, [stretch for stretch in current if stretch.run == one.name])
    if not runs:
        typer.echo("no runs: everything counts as it was judged live (`judge` makes one)")
    return 0


def _show_run(one: JudgingRun, current: list[Stretch]) -> None:
    typer.echo(f"{one.name}{'' if one.finished else ' (not finished)'}")
    stations = f"{len(one.only)} charging stations only" if one.only else f"{one.chargers:,} charging stations"
    typer.echo(f"  {format_micros(one.since)} to {format_micros(one.until)}, {stations}, {one.frames:,} frames")
    typer.echo(
        f"  policy {one.policy_version}, mapper {one.mapper_version}, schema {one.schema_version};"
        f" {one.sessions:,} sessions, {one.discrepancies:,} discrepancies; by {one.said_by or 'unknown'},"
        f" {format_micros(one.at)}"
    )
    for stretch in current:
        typer.echo(f"  current from {format_micros(stretch.since)} to {format_micros(stretch.until)}")


def _compare(given: Settings, a: str, b: str, *, as_json: bool) -> int:
    from app.judging import compared

    found = _with_store(given, lambda store: compared(store, a, b))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _show_comparison(found)
    return 0


def _show_comparison(found: RunComparison) -> None:
    a, b = found.a, found.b
    typer.echo(f"A = {a}, B = {b}: {format_micros(found.since)} to {format_micros(found.until)}")
    sums = found.sessions
    typer.echo(
        f"sessions: {sums.a:,} and {sums.b:,} ({sums.compared_a:,} and {sums.compared_b:,} compared);"
        f" {sums.only_a:,} only in A, {sums.only_b:,} only in B, {sums.changed:,} changed"
    )
    typer.echo(
        f"energy: primary {sums.primary_wh_a:f} and {sums.primary_wh_b:f} Wh, 2.0.1 {sums.shadow_wh_a:f} and"
        f" {sums.shadow_wh_b:f} Wh"
    )
    for one in found.amounts:
        typer.echo(
            f"amounts in {one.currency}: billed {one.billed_a:f} and {one.billed_b:f}, 2.0.1 {one.shadow_a:f} and"
            f" {one.shadow_b:f}, difference {one.delta_a:f} and {one.delta_b:f}"
        )
    if found.equal:
        typer.echo("they find the same")
        return
    for line in found.codes:
        _show_line(line, f"{line.code} ({line.severity})")
    for line in found.fingerprints[:_SHOWN]:
        _show_line(line, f"  {line.fingerprint} {line.title}")
    if len(found.fingerprints) > _SHOWN:
        typer.echo(f"  and {len(found.fingerprints) - _SHOWN} more fingerprints (--json)")


def _show_line(line: CodeLine, head: str) -> None:
    typer.echo(f"{head}: {line.only_a:,} only in A, {line.only_b:,} only in B, {line.changed:,} changed,"
               f" {line.same:,} the same")  # fmt: skip


def _use(given: Settings, name: str, span: tuple[Micros | None, Micros | None], by: str) -> int:
    from app.judging import use
    from diff.judging import FOREVER

    found = _with_store(given, lambda store: use(store, name, *span, _now(), by))
    begin = "the beginning" if found.since == 0 else format_micros(found.since)
    end = "on" if found.until == FOREVER else f"to {format_micros(found.until)}"
    typer.echo(f"{found.run} is current from {begin} {end}")
    return 0


def _drop(given: Settings, name: str) -> int:
    from app.judging import drop

    found = _with_store(given, lambda store: drop(store, name, _now()))
    typer.echo(f"{found.name} is gone, with {found.sessions:,} sessions and {found.discrepancies:,} discrepancies")
    return 0


def _with_store(given: Settings, action: Callable[[Store], Answer]) -> Answer:
    """Do something with the store. Ends the command where it cannot be done as asked."""
    from app.judging import JudgingError
    from app.storing import the_store

    try:
        with the_store(given) as store:
            return action(store)
    except JudgingError as error:
        give_up(error)


def _now() -> Micros:
    return time.time_ns() // 1000
