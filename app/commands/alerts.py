"""`alerts`: the watch that tells whoever is on call, and what it has said."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final

import typer

from app.command import give_up, run, settings
from app.setting_sources import origins
from app.settings import Settings
from ingest.timestamps import format_micros

if TYPE_CHECKING:
    from diff.alerts.alert import Alert

__all__ = ["app"]

app: Final = typer.Typer(
    name="alerts",
    help="Tell whoever is on call: new critical causes, flipped gates, blind taps, silent charging stations.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of text.")]
DataDir = Annotated[Path | None, typer.Option(help="Where the embedded store lives.")]
StoreUrl = Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")]


@app.command()
def watch(
    once: Annotated[bool, typer.Option("--once", help="Take one look and end.")] = False,
    as_json: AsJson = False,
    kafka: Annotated[str | None, typer.Option("--kafka", help="Kafka brokers: write the topic of alerts too.")] = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Look at the store every minute, and say what is due: to the webhook, to the topic where Kafka is named, here."""
    given = settings(kafka_bootstrap=kafka, data_dir=data_dir, store_url=store_url)
    through_kafka = kafka is not None or origins()["kafka_bootstrap"] != "default"
    run(lambda: _watch(given, kafka=through_kafka, once=once, as_json=as_json))


@app.command("list")
def list_all(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Show what was said, the latest first."""
    given = settings(data_dir=data_dir, store_url=store_url)
    run(lambda: _list(given, limit, as_json=as_json))


def _watch(given: Settings, *, kafka: bool, once: bool, as_json: bool) -> int:
    from app.alerting.watching import follow, watch_of
    from app.live import say
    from app.storing import the_store
    from app.watch import logs
    from app.watch.watching import watching_alerts
    from diff.store.gating import GatingError

    def told(alert: Alert) -> None:
        _show(alert, as_json=as_json)

    with the_store(given, stays=not once) as store:
        watch = watch_of(store, given, told, kafka=kafka)
        if once:
            try:
                said = watch.look(time.time_ns() // 1000)
            except GatingError as error:
                give_up(error)
            if watch.failure:
                typer.echo(watch.failure, err=True)
            if not said:
                typer.echo("nothing to say", err=True)
            return 1 if watch.failure else 0
        logs.begin("alerts", given)
        stopped = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        with watching_alerts(watch, given):
            where = [name for name, there in (("webhook", watch.has_webhook), ("topic", kafka)) if there]
            say(f"alerts: {store.address!r} every {given.alert_seconds:g} s, to {' and '.join([*where, 'stdout'])}")
            follow(watch, given.alert_seconds, stopped)
        say(f"alerts: stopped behind {watch.looks} looks and {watch.said} alerts")
    return 0


def _list(given: Settings, limit: int, *, as_json: bool) -> int:
    from app.storing import the_store
    from diff.store.queries.alerts import alerts

    with the_store(given) as store:
        found = alerts(store, limit)
    for one in found:
        _show(one, as_json=as_json)
    if not found and not as_json:
        typer.echo("no alert was said")
    return 0


def _show(alert: Alert, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(alert).decode())
        return
    link = f" {alert.link}" if alert.link else ""
    typer.echo(
        f"{format_micros(alert.at)} {alert.state.value} {alert.severity.value} {alert.kind.value}:"
        f" {alert.title}: {alert.detail}{link}"
    )
