"""`device`: the device model of a charging station, as 2.0.1 would have it; nothing is asked of any station."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from app.command import give_up, run, settings
from app.settings import Settings

if TYPE_CHECKING:
    from shadow.device_model.compare import Comparison
    from shadow.device_model.fact import Fact
    from shadow.device_model.model import DeviceModel, VariableEntry

__all__ = ["app"]

app: Final = typer.Typer(
    name="device",
    help="The device model of a charging station: what its 2.0.1 firmware ought to report, or reports.",
    no_args_is_help=True,
)

_BASES: Final = {
    "full": "FullInventory",
    "configuration": "ConfigurationInventory",
    "summary": "SummaryInventory",
}
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

Charger = Annotated[str, typer.Argument(help="The charging station's id.")]
Recordings = Annotated[
    list[Path] | None, typer.Option("--recording", help="Take this recording instead of the store; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
DataDir = Annotated[Path | None, typer.Option(help="Where the embedded store lives.")]
StoreUrl = Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")]


@app.command()
def show(
    charger: Charger,
    recording: Recordings = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Every variable with its value, how sure it is and what said it; then what became of every key of 1.6."""
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _show(_model(given, recording, charger), as_json=as_json))


@app.command()
def report(
    charger: Charger,
    base: Annotated[str, typer.Option(help=f"One of {', '.join(_BASES)}.")] = "full",
    recording: Recordings = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Answer GetBaseReport as the station would: the response and its NotifyReports, as JSON."""
    if base not in _BASES:
        give_up(typer.BadParameter(f"--base {base[:40]}: choose {', '.join(_BASES)}"))
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _report(_model(given, recording, charger), _BASES[base]))


@app.command("get")
def get_(
    charger: Charger,
    variables: Annotated[list[str], typer.Argument(help="Component/Variable, EVSE@1/Power, Component/Variable[I] …")],
    recording: Recordings = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Answer GetVariables as the station would, with the statuses that 2.0.1 prescribes (B06)."""
    asked = [_said(one) for one in variables]
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _get(_model(given, recording, charger), asked))


@app.command("set")
def set_(
    charger: Charger,
    variables: Annotated[list[str], typer.Argument(help="Component/Variable=VALUE, as often as wanted.")],
    recording: Recordings = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Answer SetVariables as the station would (B05). Nothing is set anywhere."""
    asked = []
    for one in variables:
        name, equals, value = one.partition("=")
        if not equals:
            give_up(typer.BadParameter(f"{one[:80]!r}: write Component/Variable=VALUE"))
        asked.append({**_said(name), "attributeValue": value})
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _set(_model(given, recording, charger), asked))


@app.command()
def compare(
    predicted: Annotated[str, typer.Argument(help="A station on 1.6: what is predicted from it.")],
    reported: Annotated[
        str | None, typer.Argument(help="One that speaks 2.0.1; none is the same station after its firmware moved.")
    ] = None,
    recording: Recordings = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Hold what a 2.0.1 firmware reports against what 1.6 predicted. Exit code 1 where they differ."""
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _compare(given, recording or (), predicted, reported or predicted, as_json=as_json))


def _said(text: str) -> dict[str, Any]:
    from shadow.device_model.address import Address

    try:
        return Address.parse(text).said()
    except ValueError as error:
        give_up(error)


def _facts(given: Settings, recordings: Sequence[Path], charger: str) -> list[Fact]:
    from app.facts import facts_of

    found = facts_of(given, recordings, [charger]).get(charger)
    if not found:
        where = "these recordings hold" if recordings else "the store holds"
        give_up(LookupError(f"{where} nothing of the device model of {charger[:80]!r}: check its id"), 1)
    return found


def _model(given: Settings, recordings: Sequence[Path] | None, charger: str) -> DeviceModel:
    from shadow.device_model.inventory import build

    return build(charger, _facts(given, recordings or (), charger), given.shadow_config())


def _show(model: DeviceModel, *, as_json: bool) -> int:
    if as_json:
        _print(_document(model))
        return 0
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    kind = "reported by its 2.0.1 firmware" if model.native else "predicted from 1.6"
    who = " ".join(part for part in (model.vendor, model.model, model.firmware) if part) or "of unknown make"
    whole = "" if model.asked_all else "; it was never asked for everything, so what is not here may still be there"
    console.print(f"{model.charger_id}, {who}: {len(model.entries)} variables, {kind}{whole}", highlight=False)
    columns = (Column(name, overflow="fold") for name in ("variable", "value", "access", "how sure", "said by"))
    table = Table(*columns, title="Variables")
    for entry in model.entries.values():
        table.add_row(*_row(entry))
    console.print(table)
    if model.keys:
        columns = (Column(name, overflow="fold") for name in ("key", "value", "becomes", "variables"))
        table = Table(*columns, title="Configuration keys of 1.6")
        for key in model.keys:
            value = key.value if key.value is not None else "(hidden)" if key.known else "(unknown to the station)"
            table.add_row(key.name, value, key.fate.value, "\n".join(str(address) for address in key.addresses))
        console.print(table)
    return 0


def _document(model: DeviceModel) -> dict[str, Any]:
    """The model as JSON has it: addresses as text."""
    entries = [{**msgspec.structs.asdict(one), "address": str(one.address)} for one in model.entries.values()]
    keys = [
        {**msgspec.structs.asdict(one), "addresses": [str(address) for address in one.addresses]} for one in model.keys
    ]
    return {**msgspec.structs.asdict(model), "entries": entries, "keys": keys}


def _row(entry: VariableEntry) -> tuple[str, str, str, str, str]:
    value = entry.actual
    shown = "" if value is None or value.text is None else value.text
    limits = "".join(
        f" {word} {limit}" for word, limit in (("from", entry.min_limit), ("up to", entry.max_limit)) if limit
    )
    unit = f" {entry.unit}" if entry.unit and shown else ""
    flaw = f"\n! {entry.flaws[0]}" if entry.flaws else ""
    sure, origin = ("", entry.limit_origin) if value is None else (value.certainty.value, value.origin)
    return str(entry.address), f"{shown}{unit}{limits}{flaw}".strip(), entry.mutability, sure, origin


def _report(model: DeviceModel, base: str) -> int:
    from ingest.timestamps import format_micros
    from shadow.device_model.reports import base_report

    at = max((value.at for entry in model.entries.values() for value in entry.values.values()), default=0)
    found = base_report(model, {"requestId": 1, "reportBase": base}, format_micros(at))
    _print({"GetBaseReportResponse": found.response, "NotifyReportRequest": found.parts})
    return 0


def _get(model: DeviceModel, asked: list[dict[str, Any]]) -> int:
    from shadow.device_model.variables import get_variables

    _print(get_variables(model, {"getVariableData": asked}))
    return 0


def _set(model: DeviceModel, asked: list[dict[str, Any]]) -> int:
    from shadow.device_model.variables import set_variables

    _print(set_variables(model, {"setVariableData": asked})[1])
    return 0


def _compare(given: Settings, recordings: Sequence[Path], old: str, new: str, *, as_json: bool) -> int:
    from shadow.device_model.compare import compare as compared
    from shadow.device_model.inventory import predicted, reported
    from shadow.device_model.newest import Facts
    from shadow.device_model.told import TELLABLE

    config = given.shadow_config()
    ours = predicted(old, Facts(_facts(given, recordings, old)), config)
    theirs = reported(new, Facts(_facts(given, recordings, new)))
    if not theirs.entries:
        give_up(LookupError(f"{new[:80]!r} reported no variable of 2.0.1: ask it for GetBaseReport, FullInventory"), 1)
    found = compared(ours, theirs, TELLABLE)
    if as_json:
        _print(found)
    else:
        _differences(found)
    return 1 if found.differences else 0


def _differences(found: Comparison) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    console.print(
        f"{found.compared} variables stand on both sides; {len(found.differences)} differ, "
        f"{len(found.assumptions)} are not as assumed, {len(found.new)} are new in 2.0.1",
        highlight=False,
    )
    if found.unasked:
        console.print("It was never asked for a full report: nothing is said to be missing.", highlight=False)
    for title, rows in (("Differences", found.differences), ("Not as assumed", found.assumptions)):
        if not rows:
            continue
        columns = (Column(name, overflow="fold") for name in ("how", "variable", "predicted", "reported", "said by"))
        table = Table(*columns, title=title)
        for one in rows:
            note = f"\n{one.detail}" if one.detail else ""
            values = ("" if value is None else value for value in (one.predicted, one.reported))
            table.add_row(one.kind.value, f"{one.address}{note}", *values, one.origin)
        console.print(table)


def _print(document: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.format(_encode(document), indent=2) + b"\n")
