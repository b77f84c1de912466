"""`backfill`: fills the store from what Kafka holds of a time range."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Final

import msgspec
import typer

from app.command import give_up, moment, run, settings
from app.settings import Settings
from ingest.frame import Micros

__all__ = ["app"]

app: Final = typer.Typer()


@app.command()
def backfill(
    since: Annotated[str, typer.Option(help="ISO time with its zone: what was published from then on.")],
    until: Annotated[str | None, typer.Option(help="End of the range; none is now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    kafka: Annotated[str | None, typer.Option("--kafka", help="Kafka brokers, comma separated.")] = None,
    store_url: Annotated[str | None, typer.Option(help="clickhouse://USER:PASSWORD@HOST:PORT/DB")] = None,
) -> None:
    """Fill the store again from what Kafka holds of a time range; rows that are there stay one row."""
    given = settings(kafka_bootstrap=kafka, store_url=store_url)
    begin, end = moment(since, "--since"), moment(until, "--until") if until else time.time_ns() // 1000
    if begin >= end:
        give_up(typer.BadParameter(f"the range ends before it begins: {since} is not before {until or 'now'}"))
    run(lambda: _fill(given, begin, end, as_json=as_json))


def _fill(given: Settings, since: Micros, until: Micros, *, as_json: bool) -> int:
    from app.distributed.backfill import BackfillError, Filled
    from app.distributed.backfill import backfill as fill
    from app.distributed.preparing import named_store
    from diff.policy import JUDGING_RUN
    from diff.store.client import Store

    shown = 0.0

    def progress(filled: Filled) -> None:
        nonlocal shown
        if sys.stderr.isatty() and time.monotonic() - shown > 1:
            shown = time.monotonic()
            typer.echo(f"{filled.records:,} of {filled.of:,} records", err=True)

    with Store.connect(named_store(given)) as store:
        try:
            filled = fill(
                given.kafka_bootstrap,
                given.topics(),
                store,
                since,
                until,
                judging_run=JUDGING_RUN,
                progress=progress,
                **given.kafka_options(),
            )
        except BackfillError as error:
            give_up(error, 1)
    if as_json:
        typer.echo(msgspec.json.encode(filled).decode())
    else:
        typer.echo(_text(filled.records, filled.rows, filled.refused, filled.unreadable))
    return 0


def _text(records: int, rows: dict[str, int], refused: int, unreadable: int) -> str:
    if not records:
        return "nothing was published in that range, or Kafka no longer holds it"
    parts = ", ".join(f"{count:,} {table}" for table, count in sorted(rows.items()) if count)
    return (
        f"{records:,} records read; stored: {parts or 'nothing'}; {refused} rows refused (see the dead letters), "
        f"{unreadable} records unreadable"
    )
