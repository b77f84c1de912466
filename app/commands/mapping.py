"""`mapping`: the file that gives vendors' configuration keys and DataTransfers their variables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from app.command import give_up, run, settings, span
from app.setting_files import SettingsError, read_mapping
from app.settings import Settings

if TYPE_CHECKING:
    from app.sources import Source

__all__ = ["app"]

app: Final = typer.Typer(
    name="mapping",
    help="The vendor mapping file: which 2.0.1 variables vendors' configuration keys and DataTransfers are.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A vendor mapping file (TOML).")],
    as_json: AsJson = False,
) -> None:
    """Say whether a mapping file can be used, what it holds, and what in it is doubtful."""
    from shadow.device_model.vendor_check import remarks

    try:
        mapping = read_mapping(file)
    except SettingsError as error:
        give_up(error)
    found = remarks(mapping)
    keys = sum(len(table.keys) for table in mapping.stations)
    kinds = [kind for table in mapping.stations for kind in table.transfers]
    fields = sum(len(kind.fields) for kind in kinds)
    if as_json:
        counts = {"stations": len(mapping.stations), "keys": keys, "transfers": len(kinds), "fields": fields}
        typer.echo(msgspec.json.encode({"file": str(file), **counts, "warnings": found}).decode())
        return
    for remark in found:
        typer.echo(f"warning: {remark.where}: {remark.text}", err=True)
    typer.echo(
        f"{file}: {len(mapping.stations)} [[station]] tables with rules for {keys} keys and {len(kinds)} kinds of"
        f" DataTransfer ({fields} fields); {len(found)} warnings"
    )


@app.command()
def suggest(
    recordings: Annotated[
        list[Path] | None, typer.Argument(help="Look into these recordings (JSON Lines); - is standard input.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Look into the frames of the store.")] = False,
    vendor: Annotated[str, typer.Option(help="Only charging stations of this vendor (a glob; capitals count).")] = "*",
    model: Annotated[str, typer.Option(help="Only this model (a glob; capitals count).")] = "*",
    since: Annotated[str | None, typer.Option(help="With --store: from this ISO time with its zone on.")] = None,
    until: Annotated[str | None, typer.Option(help="With --store: up to this time; none is the newest frame.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="With --store: only this charging station.")] = None,
    as_json: AsJson = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Write a mapping file of what was seen and has no rule yet: candidates to be confirmed, the rest as comments."""
    from app.sources import Source

    given = settings(data_dir=data_dir, store_url=store_url)
    if store == bool(recordings):
        give_up(typer.BadParameter("name recordings, or --store for the frames of the store"))
    source = Source(recordings or (), store, *span(since, until, charger, store=store))
    run(lambda: _suggest(given, source, vendor, model, as_json=as_json))


def _suggest(given: Settings, source: Source, vendor: str, model: str, *, as_json: bool) -> int:
    from app.sources import count
    from shadow.device_model import suggested
    from shadow.device_model.suggest import VendorTally

    tally = VendorTally(given.shadow_config(), vendor, model)
    read = count(given, source, tally)
    groups = tally.found()
    keys, kinds = sum(len(one.keys) for one in groups), sum(len(one.transfers) for one in groups)
    mapped = f"; {tally.mapped} have a rule already" if tally.mapped else ""
    left_out = f"; {tally.left_out} were left out, there are too many: choose with --vendor" if tally.left_out else ""
    print(f"looked into: {read}", file=sys.stderr)
    print(f"without a rule: {keys} keys and {kinds} kinds of DataTransfer{mapped}{left_out}", file=sys.stderr)
    if as_json:
        document = {"read": read, "stations": suggested.document(groups), "left_out": tally.left_out}
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    else:
        sys.stdout.buffer.write(suggested.toml(groups).encode())
    return 0
