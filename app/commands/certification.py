"""`certification`: the seven certification failures that legacy code shows most, checked over what was observed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from app.command import give_up, run, settings, span
from app.settings import Settings

if TYPE_CHECKING:
    from app.sources import Source

__all__ = ["app"]

app: Final = typer.Typer()

_SHOWN: Final = 3
_FAULTS: Final = 20


@app.command()
def certification(
    recordings: Annotated[
        list[Path] | None, typer.Argument(help="Recordings (JSON Lines) in order; - is standard input.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Check the frames of the store.")] = False,
    since: Annotated[str | None, typer.Option(help="With --store: from this ISO time with its zone on.")] = None,
    until: Annotated[str | None, typer.Option(help="With --store: up to this time; none is the newest frame.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="With --store: only this charging station.")] = None,
    settle: Annotated[
        bool, typer.Option("--settle", help="Take the end for silence: judge everything that still waits.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Check what certification fails most, in 1.6 as the shadow says it and in native 2.0.1, with counts."""
    from app.sources import Source

    given = settings(data_dir=data_dir, store_url=store_url)
    if store == bool(recordings):
        give_up(typer.BadParameter("name recordings, or --store for the frames of the store"))
    source = Source(recordings or (), store, *span(since, until, charger, store=store))
    run(lambda: _show(given, source, settle=settle, as_json=as_json))


def _show(given: Settings, source: Source, *, settle: bool, as_json: bool) -> int:
    from app.sources import count
    from app.storing import fault_line
    from diff.certification import Certification
    from diff.examined import Examination

    report = Certification()
    examination = Examination(report.take, given.shadow_config(), given.policy(), settle=settle)
    read = count(given, source, examination)
    for fault in examination.faults[:_FAULTS]:
        print(fault_line(fault), file=sys.stderr)
    document = report.document()
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode({"read": read, **document}) + b"\n")
    else:
        _print(read, document)
    return 1 if examination.faults else 0


def _print(read: str, document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    console.print(f"{read}; {document['chargers']} charging stations", highlight=False)
    columns = (Column(name, overflow="fold") for name in ("check", "protocol", "result", "seen", "hits", "found"))
    table = Table(*columns, title="The seven certification failures that legacy code shows most")
    for check in document["checks"]:
        for protocol, row in check["protocols"].items():
            if not (document["messages"][protocol] or row["hits"]):
                continue  # said in one line below
            name = f"{check['number']}. {check['name']}"
            seen = f"{row['seen']:,} {row['seen_what']}"
            stations = f" on {row['chargers_hit']} stations" if row["hits"] else ""
            table.add_row(name, protocol, row["result"], seen, f"{row['hits']:,}{stations}", _found(row))
    console.print(table)
    for protocol, messages in document["messages"].items():
        if not messages:
            print(f"{protocol}: no message was seen, every check is NOT APPLICABLE")
    judged = document["authorizations"]
    print(
        f"Authorizations: {judged['judged_by_tokens']} answers judged by tokens that were given (docs/tokens.md),"
        f" {judged['judged_by_mapping']} by the mapping of their status only"
    )


def _found(row: dict[str, Any]) -> str:
    """The most frequent codes and paths; else the reason for the result."""
    ranked = sorted(row["found"], key=lambda one: (-one["hits"], one["code"], one["path"]))
    names = [f"{one['code']} {one['path']}".strip() + f" ({one['hits']})" for one in ranked[:_SHOWN]]
    more = f" and {len(ranked) - _SHOWN} more" if len(ranked) > _SHOWN else ""
    return ", ".join(names) + more if names else str(row["reason"])
