"""`export`: what is stored, as CSV, JSON or Parquet for others to count on."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from app.command import give_up, moment, run, settings
from diff.discrepancy import Class, Severity, Status
from diff.exports.columns import DATASETS, Form
from diff.exports.selection import Selection, misplaced
from diff.judging import CURRENT

__all__ = ["app"]

app: Final = typer.Typer()


class What(StrEnum):
    """The tables, as `DATASETS` names them."""

    DISCREPANCIES = "discrepancies"
    SESSIONS = "sessions"
    FINGERPRINTS = "fingerprints"
    ACKNOWLEDGEMENTS = "acknowledgements"
    VERDICTS = "verdicts"
    CHARGERS = "chargers"
    CONNECTIONS = "connections"


_OPTIONS: Final = {
    "run": "--run", "charger": "--charger", "vendors": "--vendor", "models": "--model", "firmwares": "--firmware",
    "severities": "--severity", "codes": "--code", "classes": "--class", "status": "--status",
    "fingerprint": "--fingerprint", "session_id": "--session", "cohort": "--cohort", "faults": "--faults",
    "since": "--since", "until": "--until",
}  # fmt: skip


@app.command()
def export(
    what: Annotated[What, typer.Argument(help="Which table; docs/exports.md says what its columns mean.")],
    form: Annotated[
        Form | None, typer.Option("--format", help="csv, json or parquet; else as the file is called, else csv.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write here; else to standard output.")] = None,
    since: Annotated[str | None, typer.Option(help="Last seen at or after this ISO time with its zone.")] = None,
    until: Annotated[str | None, typer.Option(help="First seen before this time.")] = None,
    charger: Annotated[str, typer.Option(help="Only this charging station; * stands for any characters.")] = "",
    vendor: Annotated[list[str] | None, typer.Option(help="Only this vendor; repeatable, as the next ones.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only this model.")] = None,
    firmware: Annotated[list[str] | None, typer.Option(help="Only this firmware.")] = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="Only this severity.")] = None,
    code: Annotated[list[str] | None, typer.Option(help="Only this code.")] = None,
    class_: Annotated[list[Class] | None, typer.Option("--class", help="Only this class.")] = None,
    status: Annotated[Status | None, typer.Option(help="open or withdrawn; else both.")] = None,
    fingerprint: Annotated[str, typer.Option(help="Only this fingerprint.")] = "",
    session: Annotated[str, typer.Option(help="Only this session, by its id.")] = "",
    cohort: Annotated[str, typer.Option(help="Only verdicts on this cohort.")] = "",
    faults: Annotated[bool, typer.Option("--faults", help="Without expected losses.")] = False,
    judging_run: Annotated[str, typer.Option("--run", help="A judging run; else the current one.")] = CURRENT,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Export a table of the store, exactly and in bounded memory. Never the text of a frame; tokens are pseudonyms."""
    from app.exporting import ExportError, form_of
    from app.exporting import run as run_export

    given = settings(data_dir=data_dir, store_url=store_url)
    chosen = Selection(
        run=judging_run,
        charger=charger,
        vendors=tuple(vendor or ()),
        models=tuple(model or ()),
        firmwares=tuple(firmware or ()),
        severities=tuple(one.value for one in severity or ()),
        codes=tuple(code or ()),
        classes=tuple(one.value for one in class_ or ()),
        status="" if status is None else status.value,
        fingerprint=fingerprint,
        session_id=session,
        cohort=cohort,
        faults=faults,
        since=moment(since, "--since") if since else None,
        until=moment(until, "--until") if until else None,
    )
    dataset = DATASETS[what.value]
    if strange := misplaced(dataset, chosen):
        taken = ", ".join(_OPTIONS[name] for name in dataset.filters) or "none"
        give_up(typer.BadParameter(f"{_OPTIONS[strange[0]]} does not narrow {dataset.name}; what does: {taken}"))
    if chosen.since is not None and chosen.until is not None and chosen.since >= chosen.until:
        give_up(typer.BadParameter(f"the range ends before it begins: {since} is not before {until}"))
    wanted = form_of(output, form)
    if wanted is Form.PARQUET and output is None and sys.stdout.isatty():
        give_up(typer.BadParameter("Parquet is not for a terminal: name a file with --output"))

    def action() -> int:
        try:
            return run_export(given, dataset.name, chosen, wanted, output, time.time_ns() // 1000)
        except ExportError as error:
            give_up(error)

    run(action)
