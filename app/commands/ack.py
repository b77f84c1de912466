"""`ack`: discrepancies that are known, with a reason, an owner and an expiry.

Where Kafka is named (flag, environment or settings file), what is said goes the way of the control topic and the sink
stores it; else it is written to the store.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from app.command import give_up, moment, run, said_by, settings
from app.setting_sources import origins
from app.settings import Settings
from ingest.control import Acknowledgement, encode, flaw_of
from ingest.frame import Micros
from ingest.timestamps import format_micros

if TYPE_CHECKING:
    from diff.acknowledgement import Acknowledged
    from diff.store.client import Store

__all__ = ["app"]

app: Final = typer.Typer(
    name="ack",
    help="Acknowledge known discrepancies: with a reason, an owner and an expiry. They stay stored and counted.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
By = Annotated[str | None, typer.Option(help="Who says it; else USER@HOST.")]
DataDir = Annotated[Path | None, typer.Option(help="Where the embedded store lives.")]
StoreUrl = Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")]
Kafka = Annotated[
    str | None, typer.Option("--kafka", help="Kafka brokers as HOST:PORT: say it through the control topic.")
]


@app.command()
def add(
    fingerprint: Annotated[str, typer.Argument(help="The group of discrepancies, as lists show it (16 digits).")],
    reason: Annotated[str, typer.Option(help="Why it may be so.")],
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    expires: Annotated[str, typer.Option(help="Until when: 2026-09-30, or a time with its zone; within a year.")],
    vendor: Annotated[str, typer.Option(help="Only charging stations of this vendor.")] = "",
    model: Annotated[str, typer.Option(help="Only of this model.")] = "",
    firmware: Annotated[str, typer.Option(help="Only with this firmware.")] = "",
    charger: Annotated[str, typer.Option(help="Only this charging station.")] = "",
    by: By = None,
    kafka: Kafka = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Acknowledge a fingerprint; said again for the same scope, the newer word counts."""
    given = settings(kafka_bootstrap=kafka, data_dir=data_dir, store_url=store_url)
    until = moment(expires if "T" in expires else f"{expires}T00:00:00Z", "--expires")
    said = Acknowledgement(
        fingerprint, reason, owner, until, vendor, model, firmware, charger, said_by(by), time.time_ns() // 1000
    )
    if flaw := flaw_of(said):
        give_up(typer.BadParameter(flaw))
    if _through_kafka(kafka):
        run(lambda: _tell(given, [said], f"acknowledged: {said.id}"))
    run(lambda: _write(given, said))


@app.command()
def revoke(
    ids: Annotated[list[str], typer.Argument(help="Ids of acknowledgements, as `ack list` shows them.")],
    by: By = None,
    kafka: Kafka = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Take acknowledgements back; what was said stays on record."""
    given = settings(kafka_bootstrap=kafka, data_dir=data_dir, store_url=store_url)
    run(lambda: _revoke(given, ids, said_by(by), through_kafka=_through_kafka(kafka)))


@app.command("list")
def list_all(
    revoked: Annotated[bool, typer.Option("--revoked", help="Those that were taken back too.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Show what is acknowledged, by whom, why and until when."""
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _report(given, time.time_ns() // 1000, stale_only=False, revoked=revoked, as_json=as_json))


@app.command()
def report(
    at: Annotated[str | None, typer.Option(help="As of this ISO time with its zone; none is now.")] = None,
    thresholds: Annotated[Path | None, typer.Option(help="TOML file of the gates' thresholds.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Show what somebody has to see to: acknowledgements that expired, or whose discrepancy stopped occurring."""
    given = settings(thresholds_file=thresholds, data_dir=data_dir, store_url=store_url)
    moment_of = moment(at, "--at") if at else time.time_ns() // 1000
    run(lambda: _report(given, moment_of, stale_only=True, revoked=False, as_json=as_json))


def _through_kafka(kafka: str | None) -> bool:
    """Whether somebody named the brokers: then there is a sink that stores what the control topic says."""
    return kafka is not None or origins()["kafka_bootstrap"] != "default"


def _tell(given: Settings, said: Sequence[Acknowledgement], done: str) -> int:
    from app.distributed.control import tell

    tell(given.kafka_bootstrap, given.topics().control, [encode(one) for one in said], **given.kafka_options())
    typer.echo(f"{done} (on {given.topics().control}; the sink stores it within seconds)")
    return 0


def _write(given: Settings, said: Acknowledgement) -> int:
    from app.storing import the_store
    from diff.store.queries.acknowledgements import titles

    with the_store(given) as store:
        _keep(store, [said])
        known = titles(store, [said.fingerprint])
    typer.echo(f"acknowledged: {said.id} {known.get(said.fingerprint, said.fingerprint)}")
    if not known:
        typer.echo(f"no discrepancy with the fingerprint {said.fingerprint} is stored yet", err=True)
    return 0


def _revoke(given: Settings, ids: Sequence[str], by: str, *, through_kafka: bool) -> int:
    from app.storing import the_store
    from diff.store.queries.acknowledgements import acknowledgements

    now = time.time_ns() // 1000
    with the_store(given) as store:
        held = {one.id: one for one in acknowledgements(store) if not one.revoked}
        unknown = [name for name in ids if name not in held]
        if unknown:
            give_up(typer.BadParameter(f"{unknown[0][:40]!r} is no acknowledgement in force; see `ack list`"))
        # What expired is revoked too, and an expiry lies behind the word that it belongs to.
        taken = [msgspec.structs.replace(held[name], by=by, at=now, revoked=True) for name in dict.fromkeys(ids)]
        taken = [msgspec.structs.replace(one, expires=max(one.expires, now + 1)) for one in taken]
        if not through_kafka:
            _keep(store, taken)
    if through_kafka:
        return _tell(given, taken, f"revoked: {', '.join(ids)}")
    typer.echo(f"revoked: {', '.join(ids)}")
    return 0


def _keep(store: Store, said: Sequence[Acknowledgement]) -> None:
    from diff.store.changing import say

    say(store, said, role="approver", way="command line")


def _report(given: Settings, at: Micros, *, stale_only: bool, revoked: bool, as_json: bool) -> int:
    from app.storing import the_store
    from diff.acknowledgement import Standing
    from diff.store.gating import GatingError, thresholds_in_force
    from diff.store.queries.acknowledgements import acknowledgement_report

    try:
        with the_store(given) as store:
            held = thresholds_in_force(given.thresholds_file, store)
            found = acknowledgement_report(store, at, held.current.baseline)
    except GatingError as error:
        give_up(error)
    left_out = set() if revoked else {Standing.REVOKED}
    shown = [one for one in found if one.standing not in left_out]
    if stale_only:
        shown = [one for one in shown if one.standing in (Standing.EXPIRED, Standing.STOPPED)]
    if as_json:
        typer.echo(msgspec.json.encode([_document(one) for one in shown]).decode())
    else:
        _table(shown, len(found), stale_only=stale_only)
    return 0


def _document(one: Acknowledged) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(one)
    return {"id": one.acknowledgement.id, **fields}


def _table(shown: Sequence[Acknowledged], of: int, *, stale_only: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    if not shown:
        held = f"; {of} are held" if stale_only and of else ""
        typer.echo(f"no acknowledgement needs anybody{held}" if stale_only else "nothing is acknowledged")
        return
    columns = ("id", "fingerprint", "scope", "owner", "expires", "stands", "reason")
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for one in shown:
        told = one.acknowledgement
        scope = " ".join(filter(None, (told.vendor, told.model, told.firmware, told.charger))) or "any"
        stands = f"{one.standing.value}: {one.because}"
        title = f"{told.fingerprint} {one.title}".strip()
        cells = (told.id, title, scope, told.owner, format_micros(told.expires), stands, told.reason)
        table.add_row(*map(escape, cells))
    Console().print(table)
