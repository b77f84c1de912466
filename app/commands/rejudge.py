"""`rejudge`: as a service for late frames, and once for a range that somebody names."""

from __future__ import annotations

import signal
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
def rejudge(
    since: Annotated[str | None, typer.Option(help="Judge once, from this ISO time with its zone on.")] = None,
    until: Annotated[str | None, typer.Option(help="End of that range; none is now.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="Only this charging station; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be corrected.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    kafka: Annotated[str | None, typer.Option("--kafka", help="Kafka brokers, comma separated.")] = None,
    store_url: Annotated[str | None, typer.Option(help="clickhouse://USER:PASSWORD@HOST:PORT/DB")] = None,
) -> None:
    """Judge again from the stored frames: what came late, as a service; or a range, once (--since)."""
    given = settings(kafka_bootstrap=kafka, store_url=store_url)
    if since is None:
        if until or charger or dry_run or as_json:
            give_up(typer.BadParameter("--until, --charger, --dry-run and --json need --since"))
        run(lambda: _serve(given))
    begin, end = moment(since, "--since"), moment(until, "--until") if until else time.time_ns() // 1000
    if begin >= end:
        give_up(typer.BadParameter(f"the range ends before it begins: {since} is not before {until or 'now'}"))
    run(lambda: _once(given, begin, end, charger or [], publish=not dry_run, as_json=as_json))


def _serve(given: Settings) -> int:
    from app.distributed.correcting import Corrector
    from app.distributed.preparing import named_store
    from app.distributed.rejudging import Rejudger
    from app.live import say
    from app.watch import logs
    from app.watch.watching import await_kafka, stop_in_time, watching_rejudger
    from diff.store.client import Store

    logs.begin("rejudge", given)
    options, topics = given.kafka_options(), given.topics()
    url = named_store(given)
    await_kafka("rejudge", given)
    with Store.connect(url) as store:
        followed = given.followed_policy()
        corrector = Corrector(
            given.kafka_bootstrap, topics, store, config=given.shadow_config(), policy=followed, **options
        )
        rejudger = Rejudger(given.kafka_bootstrap, topics, store, corrector, **options)

        def stop(*_: object) -> None:
            if not rejudger.stopping:
                stop_in_time(given.stop_seconds, "rejudge")
            rejudger.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        with watching_rejudger(rejudger, given):
            say(f"rejudge: requests of {topics.rejudge}, frames of {store.address!r}")
            rejudger.run()
        corrector.close()
        say(f"rejudge: stopped behind {rejudger.requests} requests and {rejudger.corrections} corrected rows")
    return 0


def _once(given: Settings, since: Micros, until: Micros, chargers: list[str], *, publish: bool, as_json: bool) -> int:
    from app.distributed.correcting import Corrector
    from app.distributed.preparing import named_store
    from app.distributed.rejudging import Range, Rejudged, in_range
    from app.live import say
    from diff.store.client import Store

    done: list[Rejudged] = []
    with Store.connect(named_store(given)) as store:
        corrector = Corrector(
            given.kafka_bootstrap,
            given.topics(),
            store,
            config=given.shadow_config(),
            policy=given.followed_policy(),
            **given.kafka_options(),
        )
        for total, one in in_range(store, corrector, Range(since, until, chargers), publish=publish):
            done.append(one)
            if sys.stderr.isatty() or len(done) == total:
                say(f"{len(done)} of {total} charging stations judged again")
        corrector.close()
    if as_json:
        typer.echo(msgspec.json.encode({"published": publish, "chargers": done}).decode())
        return 0
    changed = [one for one in done if one.sessions or one.discrepancies]
    for one in changed:
        typer.echo(f"{one.charger_id}: {one.sessions} sessions, {one.discrepancies} discrepancies corrected")
    if not done:
        typer.echo("no frames are stored in that range")
    elif not changed:
        typer.echo(f"nothing to correct on {len(done)} charging stations")
    elif not publish:
        typer.echo("nothing was published (--dry-run)")
    return 0
