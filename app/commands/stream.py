"""The commands of the distributed runtime, each one process: tap → Kafka → worker → Kafka → sink → ClickHouse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from app.command import run, settings

__all__ = ["app", "tap_app"]

app: Final = typer.Typer()
tap_app: Final = typer.Typer(name="tap")

DataDir = Annotated[Path | None, typer.Option(help="Where this process keeps its files.")]
Bootstrap = Annotated[str | None, typer.Option("--kafka", help="Kafka brokers as HOST:PORT, comma separated.")]
StoreUrl = Annotated[str | None, typer.Option(help="clickhouse://USER:PASSWORD@HOST:PORT/DB")]


@tap_app.callback(invoke_without_command=True)
def tap(
    context: typer.Context,
    upstream: Annotated[str | None, typer.Option(help="The primary CSMS, as ws://HOST:PORT.")] = None,
    listen_port: Annotated[int | None, typer.Option(help="Port of the tap; 0 takes a free one.")] = None,
    kafka: Bootstrap = None,
    data_dir: DataDir = None,
    enrolment_file: Annotated[Path | None, typer.Option(help="TOML file of enrolled charging stations.")] = None,
) -> None:
    """Tap live traffic on its way to the primary CSMS and publish it to Kafka, or take it from somewhere else."""
    if context.invoked_subcommand is not None:
        return
    from app.distributed import tapping

    given = settings(
        upstream=upstream,
        listen_port=listen_port,
        kafka_bootstrap=kafka,
        data_dir=data_dir,
        enrolment_file=enrolment_file,
    )
    run(lambda: tapping.run(given))


@app.command()
def worker(kafka: Bootstrap = None, data_dir: DataDir = None) -> None:
    """Judge the frames of the partitions that this worker is given (distributed runtime)."""
    from app.distributed import stream

    given = settings(kafka_bootstrap=kafka, data_dir=data_dir)
    run(lambda: stream.start(given))


@app.command()
def sink(kafka: Bootstrap = None, store_url: StoreUrl = None) -> None:
    """Write what taps and workers published to ClickHouse (distributed runtime)."""
    from app.distributed import sinking

    given = settings(kafka_bootstrap=kafka, store_url=store_url)
    run(lambda: sinking.run(given))


@app.command()
def topics(kafka: Bootstrap = None) -> None:
    """Make the Kafka topics that are missing, and set the settings of all."""
    from app.distributed import preparing

    given = settings(kafka_bootstrap=kafka)
    run(lambda: preparing.make_topics(given))


@app.command()
def migrate(store_url: StoreUrl = None) -> None:
    """Bring the tables of the ClickHouse server to the newest version, and set how long rows are kept."""
    from app.distributed import preparing

    given = settings(store_url=store_url)
    run(lambda: preparing.migrate(given))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    monitor: Annotated[
        list[str] | None, typer.Option(help="A monitor to ask, as http://HOST:PORT; may be given again.")
    ] = None,
    kafka: Bootstrap = None,
    store_url: StoreUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Look at settings, disk, Kafka, topics, groups, ClickHouse and clocks, and say what to do (changes nothing)."""
    from app.watch import doctor as looking

    flags = {"kafka_bootstrap": kafka, "store_url": store_url, "data_dir": data_dir}
    run(lambda: looking.run(flags, monitor or (), as_json=as_json))
