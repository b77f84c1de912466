"""The command line. Exit codes: 0 done, 1 something failed while it ran, 2 it could not begin as asked, 130 Ctrl-C.

`gate` says its verdict with 0, 10 and 20.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from app.command import give_up
from app.command import run as run_command
from app.command import settings as settings_of
from app.commands import ack as cli_ack
from app.commands import alerts as cli_alerts
from app.commands import audit as cli_audit
from app.commands import backfill as cli_backfill
from app.commands import certification as cli_certification
from app.commands import check as cli_check
from app.commands import coverage as cli_coverage
from app.commands import deadletter as cli_deadletter
from app.commands import device as cli_device
from app.commands import enrol as cli_enrol
from app.commands import export as cli_export
from app.commands import gate as cli_gate
from app.commands import judging as cli_judging
from app.commands import mapping as cli_mapping
from app.commands import noise as cli_noise
from app.commands import policy as cli_policy
from app.commands import privacy as cli_privacy
from app.commands import records as cli_records
from app.commands import rejudge as cli_rejudge
from app.commands import report as cli_report
from app.commands import stream as cli_stream
from app.commands import ways_in as cli_ways_in
from app.commands import weight as cli_weight
from app.commands import whatif as cli_whatif

__all__ = ["app", "main"]

app: Final = typer.Typer(
    name="shadow-csms",
    help="A shadow CSMS: live OCPP 1.6J traffic, lived through as OCPP 2.0.1 and compared with the primary.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataDir = Annotated[Path | None, typer.Option(help="Where journal, key and embedded store live.")]
Upstream = Annotated[str | None, typer.Option(help="The primary CSMS, as ws://HOST:PORT.")]
Listen = Annotated[int | None, typer.Option("--listen-port", help="Port of the tap; 0 takes a free one.")]
Enrolment = Annotated[Path | None, typer.Option(help="TOML file of enrolled charging stations; none mirrors all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
DashboardPort = Annotated[int | None, typer.Option(help="Port of the dashboard; 0 takes a free one.")]


@app.callback()
def _common(
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML); else ./shadow-csms.toml.")] = None,
) -> None:
    if config is not None:
        os.environ["SHADOW_CONFIG"] = str(config)


@app.command()
def demo(
    seconds: Annotated[int | None, typer.Option(min=20, help="End by itself after so many seconds.")] = None,
    chargers: Annotated[int, typer.Option(min=1, max=500, help="Simulated charging stations.")] = 48,
    seed: Annotated[int, typer.Option(help="Which fleet: the same seed plants the same faults.")] = 7,
    fault_share: Annotated[float, typer.Option(min=0, max=1, help="Share of stations that misbehave.")] = 0.8,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep everything here; else a directory that is removed.")
    ] = None,
    dashboard_port: DashboardPort = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the dashboard in a browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run everything against a simulated fleet with planted faults, and open the dashboard."""
    from app import demonstration

    plan = demonstration.Plan(
        seconds, chargers, seed, fault_share, data_dir, dashboard_port, open_browser=not no_browser, as_json=as_json
    )
    run_command(lambda: demonstration.run(plan))


@app.command()
def run(
    upstream: Upstream = None,
    listen_port: Listen = None,
    data_dir: DataDir = None,
    enrolment_file: Enrolment = None,
    dashboard_port: DashboardPort = None,
    no_dashboard: Annotated[bool, typer.Option("--no-dashboard", help="Without the dashboard.")] = False,
) -> None:
    """Tap live traffic on its way to the primary CSMS, judge it and show it (embedded runtime)."""
    from app import live

    settings = settings_of(
        upstream=upstream,
        listen_port=listen_port,
        data_dir=data_dir,
        enrolment_file=enrolment_file,
        dashboard_port=dashboard_port,
    )
    run_command(lambda: live.run(settings, dashboard=not no_dashboard))


@app.command()
def record(
    upstream: Upstream = None,
    listen_port: Listen = None,
    data_dir: DataDir = None,
    enrolment_file: Enrolment = None,
) -> None:
    """Tap live traffic and only write it down, as a recording in DATA_DIR/journal."""
    from app import live

    settings = settings_of(upstream=upstream, listen_port=listen_port, data_dir=data_dir, enrolment_file=enrolment_file)
    run_command(lambda: live.record(settings))


@app.command()
def replay(
    recordings: Annotated[list[Path], typer.Argument(help="Recordings (JSON Lines) in order; - is standard input.")],
    as_json: AsJson = False,
    messages: Annotated[bool, typer.Option("--messages", help="With --json: the 2.0.1 messages too.")] = False,
    facts: Annotated[
        bool, typer.Option("--facts", help="With --json: what was observed of the device models too.")
    ] = False,
    store: Annotated[bool, typer.Option("--store", help="Keep the outcome in the store, redacted.")] = False,
    settle: Annotated[
        bool, typer.Option("--settle", help="Take the end of the recording for silence: let all deadlines pass.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Live recordings through and say what disagrees."""
    from app import replaying

    if messages and not as_json:
        give_up(typer.BadParameter("--messages needs --json"))
    if facts and not as_json:
        give_up(typer.BadParameter("--facts needs --json"))
    settings = settings_of(data_dir=data_dir)
    options = replaying.Options(as_json=as_json, messages=messages, facts=facts, store=store, settle=settle)
    run_command(lambda: replaying.run(settings, recordings, options))


@app.command()
def dashboard(
    data_dir: DataDir = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
    dashboard_port: DashboardPort = None,
) -> None:
    """Show what the store holds, without a tap."""
    from app import live

    settings = settings_of(data_dir=data_dir, store_url=store_url, dashboard_port=dashboard_port)
    run_command(lambda: live.show(settings))


@app.command()
def codes(as_json: AsJson = False) -> None:
    """List the catalogue of discrepancy codes."""
    import msgspec

    from diff.catalogue import CATALOGUE

    rows = [
        {
            "code": entry.code,
            "class": entry.class_.value,
            "severity": entry.severity.value,
            "meaning": entry.meaning,
            "remedy": entry.remedy,
        }
        for entry in CATALOGUE.values()
    ]
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("code", "class", "severity", "meaning")
    for row in rows:
        table.add_row(row["code"], row["class"], row["severity"], row["meaning"])
    Console().print(table)


@app.command()
def settings(as_json: AsJson = False) -> None:
    """Show every setting, its value, and where it comes from."""
    import msgspec

    from app.setting_files import SettingsError
    from app.setting_sources import origins
    from app.settings import Settings

    current = settings_of()
    try:
        sources = origins()
    except SettingsError as error:
        give_up(error)
    values = current.shown()
    if as_json:
        document = {name: {"value": values[name], "from": sources[name]} for name in values}
        typer.echo(msgspec.json.encode(document).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("setting", "value", "from", "meaning")
    for name, field in Settings.model_fields.items():
        table.add_row(name, values[name] or "-", sources[name], field.description or "")
    Console().print(table)


app.registered_commands += cli_audit.app.registered_commands
app.registered_commands += cli_gate.app.registered_commands + cli_noise.app.registered_commands
app.registered_commands += cli_export.app.registered_commands
app.registered_commands += cli_coverage.app.registered_commands + cli_weight.app.registered_commands
app.registered_commands += cli_certification.app.registered_commands + cli_check.app.registered_commands
app.registered_commands += cli_whatif.app.registered_commands + cli_judging.app.registered_commands
# Behind the commands of the embedded runtime, which a newcomer meets first.
app.registered_commands += cli_stream.app.registered_commands + cli_rejudge.app.registered_commands
app.registered_commands += cli_backfill.app.registered_commands
cli_stream.tap_app.registered_commands += cli_ways_in.app.registered_commands
app.add_typer(cli_stream.tap_app)
app.add_typer(cli_device.app)
app.add_typer(cli_mapping.app)
app.add_typer(cli_policy.app)
app.add_typer(cli_judging.group)
app.add_typer(cli_ack.app)
app.add_typer(cli_alerts.app)
app.add_typer(cli_enrol.app)
app.add_typer(cli_deadletter.app)
app.add_typer(cli_records.app)
app.add_typer(cli_privacy.app)
app.add_typer(cli_report.app)


def main() -> None:
    """The entry point of `shadow-csms`."""
    app()


if __name__ == "__main__":
    main()
