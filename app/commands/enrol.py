"""`enrol`: who is mirrored, said to all taps while they run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from app.command import give_up, run, said_by, settings
from app.settings import Settings
from ingest.control import ControlState, EnrolmentRule, EnrolmentSwitch, Message, encode, takes_back
from ingest.timestamps import format_micros
from ingest.waves import Scope

__all__ = ["app"]

app: Final = typer.Typer(
    name="enrol",
    help="Say to all taps of the distributed runtime, while they run, whom they mirror; they follow within seconds.",
    no_args_is_help=True,
)

Chargers = Annotated[list[str], typer.Argument(help="Ids of charging stations, or globs ('CP-*'; case counts).")]
Reason = Annotated[str, typer.Option(help="Why; kept with the rule.")]
By = Annotated[str | None, typer.Option(help="Who says it; else USER@HOST.")]
Kafka = Annotated[str | None, typer.Option("--kafka", help="Kafka brokers as HOST:PORT, comma separated.")]


@app.command()
def add(
    chargers: Chargers,
    connector: Annotated[
        list[int] | None, typer.Option(help="Judge only this connector; may be given several times.")
    ] = None,
    reason: Reason = "",
    by: By = None,
    kafka: Kafka = None,
) -> None:
    """Mirror charging stations, whatever a tap's enrolment file says of them."""
    connectors = tuple(sorted(set(connector or ())))
    who, at = said_by(by), _now()
    rules = [EnrolmentRule(name, True, connectors, reason, who, at) for name in chargers]
    _write(kafka, lambda: [encode(rule) for rule in rules], f"enrolled: {', '.join(chargers)}")


@app.command()
def remove(chargers: Chargers, reason: Reason = "", by: By = None, kafka: Kafka = None) -> None:
    """Stop mirroring charging stations, whatever a tap's enrolment file says of them."""
    who, at = said_by(by), _now()
    rules = [EnrolmentRule(name, False, (), reason, who, at) for name in chargers]
    _write(kafka, lambda: [encode(rule) for rule in rules], f"removed: {', '.join(chargers)}")


@app.command()
def wave(
    name: Annotated[str, typer.Argument(help="Name of the series: it decides who comes before whom.")],
    percent: Annotated[str, typer.Option(help="How much of the scope, as 10 or 2.5.")],
    site: Annotated[
        list[str] | None, typer.Option(help="Only charging stations whose id this glob matches; may be given again.")
    ] = None,
    vendor: Annotated[str, typer.Option(help="Only of this vendor (glob).")] = "",
    model: Annotated[str, typer.Option(help="Only of this model (glob).")] = "",
    firmware: Annotated[str, typer.Option(help="Only with this firmware (glob).")] = "",
    fleet: Annotated[
        Path | None, typer.Option(help="Ids of the fleet, one a line; else those that the store knows.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say who joins when.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: one JSON document.")] = False,
    reason: Reason = "",
    by: By = None,
    kafka: Kafka = None,
    store_url: Annotated[str | None, typer.Option(help="clickhouse://USER:PASSWORD@HOST:PORT/DB")] = None,
) -> None:
    """Enrol the first so many per cent of a fleet or a part of it; a larger percentage holds all of a smaller one."""
    from app import waving

    if as_json and not dry_run:
        give_up(typer.BadParameter("--json needs --dry-run"))
    if fleet is not None and (vendor or model or firmware):
        give_up(typer.BadParameter("--vendor, --model and --firmware need the store: leave --fleet away"))
    given = settings(kafka_bootstrap=kafka, store_url=store_url)
    try:
        plan = waving.Plan(name, waving.percentage(percent), Scope(tuple(site or ()), vendor, model, firmware))
    except ValueError as error:
        give_up(typer.BadParameter(str(error)))
    if dry_run:
        run(lambda: waving.show(given, plan, fleet, as_json=as_json))
    who, at = said_by(by), _now()
    run(lambda: waving.enrol(given, plan, fleet, reason=reason, by=who, at=at))


@app.command()
def forget(chargers: Chargers, kafka: Kafka = None) -> None:
    """Take rules back: what each tap's enrolment file says of these charging stations holds again."""
    at = _now()
    _write(kafka, lambda: [takes_back(name, at) for name in chargers], f"forgotten: {', '.join(chargers)}")


@app.command()
def off(
    reason: Reason = "",
    by: By = None,
    bypass: Annotated[
        bool, typer.Option("--bypass", help="Do not even copy; until they reconnect, connections stay unmirrored.")
    ] = False,
    kafka: Kafka = None,
) -> None:
    """Kill switch: mirror nothing on any tap. The traffic between charging stations and primary goes on."""
    switch = EnrolmentSwitch(enabled=False, reason=reason, by=said_by(by), at=_now(), bypass=bypass)
    done = "no tap copies anything" if bypass else "no tap mirrors anything"
    _write(kafka, lambda: [encode(switch)], f"off: {done}; `shadow-csms enrol on` ends this")


@app.command()
def on(reason: Reason = "", by: By = None, kafka: Kafka = None) -> None:
    """End the kill switch: rules and enrolment files hold again."""
    switch = EnrolmentSwitch(enabled=True, reason=reason, by=said_by(by), at=_now())
    _write(kafka, lambda: [encode(switch)], "on: rules and enrolment files hold")


@app.command("list")
def list_rules(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    kafka: Kafka = None,
) -> None:
    """Show the rules and the kill switch, with who said it, when and why."""
    given = settings(kafka_bootstrap=kafka)
    run(lambda: _show(given, as_json=as_json))


def _show(given: Settings, *, as_json: bool) -> int:
    from app.distributed.control import read_control

    state = read_control(given.kafka_bootstrap, given.topics().control, **given.kafka_options())
    if as_json:
        typer.echo(_document(state))
    else:
        _table(state)
    return 0


def _document(state: ControlState) -> str:
    import msgspec

    document = {
        "enabled": state.enabled,
        "switch": state.switch,
        "rules": sorted(state.rules.values(), key=lambda one: one.charger),
        "passed_over": state.passed_over,
        "unreadable": state.unreadable,
    }
    return msgspec.json.encode(document).decode()


def _table(state: ControlState) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    switch = state.switch
    said = "" if switch is None else f" (by {switch.by} at {format_micros(switch.at)}{_because(switch.reason)})"
    typer.echo(f"kill switch: {'on, rules and files hold' if state.enabled else _off(switch)}{said}")
    if state.rules:
        table = Table("charging station", "", "connectors", "by", "at", "reason")
        for rule in sorted(state.rules.values(), key=lambda one: one.charger):
            connectors = ", ".join(map(str, rule.connectors)) or ("all" if rule.enrolled else "-")
            word = "enrolled" if rule.enrolled else "removed"
            # Escaped: a glob as CP-[12] is no style.
            cells = (rule.charger, word, connectors, rule.by, format_micros(rule.at), rule.reason)
            table.add_row(*map(escape, cells))
        Console().print(table)
    else:
        typer.echo("no rules: each tap follows its enrolment file, and one without a file mirrors everything")
    if state.unreadable:
        typer.echo(f"{state.unreadable} records cannot be followed; the last one: {state.flaw}", err=True)


def _off(switch: EnrolmentSwitch | None) -> str:
    return "OFF, nothing is copied" if switch is not None and switch.bypass else "OFF, nothing is mirrored"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _write(kafka: str | None, messages: Callable[[], list[Message]], done: str) -> None:
    from app.distributed.control import tell

    given = settings(kafka_bootstrap=kafka)
    try:
        ready = messages()
    except ValueError as error:
        give_up(error)

    def action() -> int:
        tell(given.kafka_bootstrap, given.topics().control, ready, **given.kafka_options())
        typer.echo(done)
        return 0

    run(action)


def _now() -> int:
    return time.time_ns() // 1000
