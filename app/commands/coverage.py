"""`coverage`: what becomes of every field of OCPP, and how often each was seen."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from app.command import give_up, run, settings, span
from app.settings import Settings

if TYPE_CHECKING:
    from app.sources import Source
    from shadow.mapping.coverage import Row

__all__ = ["app", "wanted"]

app: Final = typer.Typer()

_UNNAMED: Final = 20


@app.command()
def coverage(
    recordings: Annotated[
        list[Path] | None, typer.Argument(help="Count in these recordings (JSON Lines); - is standard input.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Count in the frames of the store.")] = False,
    since: Annotated[str | None, typer.Option(help="With --store: from this ISO time with its zone on.")] = None,
    until: Annotated[str | None, typer.Option(help="With --store: up to this time; none is the newest frame.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="With --store: only this charging station.")] = None,
    action: Annotated[list[str] | None, typer.Option(help="Only this action; may be repeated.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Only ocpp1.6 or ocpp2.0.1.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Say what becomes of every field in 2.0.1, and how often each was seen: never seen is not a pass."""
    from app.sources import Source

    given = settings(data_dir=data_dir, store_url=store_url)
    if store and recordings:
        give_up(typer.BadParameter("name recordings or --store, not both"))
    asked = span(since, until, charger, store=store)
    try:
        rows = wanted(action or (), protocol)
    except ValueError as error:
        give_up(error)
    source = Source(recordings or (), store, *asked)
    run(lambda: _show(given, rows, source, as_json=as_json))


def wanted(actions: Sequence[str], protocol: str | None) -> list[Row]:
    """The rows of some actions and one protocol, or of all.

    Raises:
        ValueError: there is no such action or protocol; names what there is.

    """
    from shadow.mapping.coverage import OCPP16, OCPP201, rows16, rows201
    from shadow.native.coverage import checked_fields

    rows = [*rows16(), *rows201(checked_fields())]
    protocols = (OCPP16, OCPP201)
    if protocol is not None and protocol not in protocols:
        raise ValueError(f"--protocol {protocol[:40]}: choose {' or '.join(protocols)}")
    rows = [row for row in rows if protocol in (None, row.protocol)]
    known = {row.action for row in rows}
    for name in actions:
        if name not in known:
            raise ValueError(f"--action {name[:40]}: there is none in {protocol or 'OCPP 1.6 and 2.0.1'}")
    return [row for row in rows if not actions or row.action in actions]


def _show(given: Settings, rows: list[Row], source: Source, *, as_json: bool) -> int:
    unnamed: list[tuple[str, str, str]] = []
    read = ""
    if source:
        from app.sources import count
        from shadow.tally import FieldTally

        tally = FieldTally(given.shadow_config())
        read = count(given, source, tally)
        rows, unnamed = tally.counted(rows), tally.unnamed(rows)
        print(f"counted: {read}", file=sys.stderr)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(rows) + b"\n")
        return 0
    _tables(rows)
    _summary(rows)
    if unnamed:
        shown = ", ".join(f"{action} {part} {field}" for action, part, field in unnamed[:_UNNAMED])
        more = f" and {len(unnamed) - _UNNAMED} more" if len(unnamed) > _UNNAMED else ""
        print(f"Seen, and in no official schema (schema.v16 names them): {shown}{more}")
    return 0


def _tables(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    for (protocol, action), group in groupby(rows, key=lambda row: (row.protocol, row.action)):
        # Folded and never cut: a path that ends in an ellipsis names no field.
        columns = (Column(name, overflow="fold") for name in ("direction", "part", "field", "handling", "seen"))
        table = Table(*columns, title=f"{action} ({protocol})")
        for row in group:
            seen = "" if row.seen is None else str(row.seen) if row.seen else "never"
            table.add_row(row.direction, row.part, row.field or "(no fields)", row.handling, seen)
        console.print(table)


def _summary(rows: list[Row]) -> None:
    for protocol, group in groupby(rows, key=lambda row: row.protocol):
        members = list(group)
        kinds = Counter(row.handling.partition(":")[0] for row in members)
        print(
            f"{protocol}: {len(members)} fields: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}"
        )
        if members[0].seen is not None:
            seen = sum(bool(row.seen) for row in members)
            print(f"{protocol}: {seen} of them seen, {len(members) - seen} never: never seen is not a pass")
