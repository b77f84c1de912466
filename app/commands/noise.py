"""`noise`: the same frames lived again in other ways, which must give the same outcome."""

from __future__ import annotations

import sys
import time
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from app.command import give_up, run, settings, span
from app.settings import Settings

if TYPE_CHECKING:
    from app.relived import Relived
    from app.sources import Source
    from diff.noise import NoiseRun

__all__ = ["app"]

app: Final = typer.Typer()

_NAMED: Final = 20


@app.command()
def noise(
    recordings: Annotated[
        list[Path] | None, typer.Argument(help="Live these recordings again (JSON Lines); - is standard input.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Live the frames of the store again.")] = False,
    since: Annotated[str | None, typer.Option(help="With --store: from this ISO time with its zone on.")] = None,
    until: Annotated[str | None, typer.Option(help="With --store: up to this time; none is the newest frame.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="With --store: only this charging station.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do not keep the outcome for the noise gate.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Live frames again with duplicates, other batches, other workers and shuffled arrival: nothing may differ.

    Ends with 1 where something does.
    """
    from app.sources import Source

    given = settings(data_dir=data_dir, store_url=store_url)
    if store == bool(recordings):
        give_up(typer.BadParameter("name recordings, or --store"))
    source = Source(recordings or (), store, *span(since, until, charger, store=store))
    run(lambda: _live(given, source, keep=not dry_run, as_json=as_json))


def _live(given: Settings, source: Source, *, keep: bool, as_json: bool) -> int:
    from app.relived import Relived, TooManyFramesError
    from app.sources import count

    relived = Relived(given.shadow_config(), given.policy())
    try:
        read = count(given, source, relived)
        relived.end()
    except TooManyFramesError as error:
        give_up(error)
    outcome = _outcome(given, read, relived)
    if keep and outcome.frames:
        _keep(given, outcome)
    if as_json:
        document = {"run": outcome, "differences": relived.named}
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    else:
        _show(outcome, relived)
    return 1 if outcome.differences else 0


def _outcome(given: Settings, read: str, relived: Relived) -> NoiseRun:
    from diff.noise import NoiseRun
    from diff.records import SCHEMA_VERSION
    from shadow.config import MAPPER_VERSION

    at = time.time_ns() // 1000
    first = str(relived.named[0]) if relived.named else ""
    return NoiseRun(
        blake2b(f"{at}\x1f{read}".encode(), digest_size=8).hexdigest(),
        at,
        MAPPER_VERSION,
        given.policy().version,
        SCHEMA_VERSION,
        read,
        relived.frames,
        relived.chargers,
        relived.sessions,
        relived.discrepancies,
        relived.differences,
        first,
    )


def _keep(given: Settings, outcome: NoiseRun) -> None:
    from app.storing import the_store
    from diff.policy import JUDGING_RUN
    from diff.store.writer import Writer

    with the_store(given) as store:
        writer = Writer(store, judging_run=JUDGING_RUN)
        writer.add_noise_run(outcome)
        writer.flush()


def _show(outcome: NoiseRun, relived: Relived) -> None:
    from diff.noise import WAYS

    for one in relived.named[:_NAMED]:
        typer.echo(str(one))
    if outcome.differences > _NAMED:
        typer.echo(f"… and {outcome.differences - _NAMED} more")
    if not outcome.frames:
        typer.echo(f"nothing was lived again: {outcome.source}")
        return
    typer.echo(
        f"{outcome.differences} differences: {outcome.source}, lived again with {', '.join(WAYS)}, on mapper version"
        f" {outcome.mapper_version}; {outcome.sessions} sessions and {outcome.discrepancies} discrepancies each time"
    )
