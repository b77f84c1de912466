"""`records`: billing records of the primary (OCPI CDRs and sessions, tables) on their way in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from app.command import run, settings

__all__ = ["app"]

app: Final = typer.Typer(
    name="records",
    help="Billing records of the primary: what was billed, held against what the shadow lived.",
    no_args_is_help=True,
)

EvseMapFile = Annotated[Path | None, typer.Option("--evse-map", help="TOML or CSV: OCPI EVSEs → charger, connector.")]
DataDir = Annotated[Path | None, typer.Option(help="Where journal and redaction key live.")]


class Form(StrEnum):
    """What the files hold."""

    AUTO = "auto"
    OCPI = "ocpi"
    TABLE = "table"


class Target(StrEnum):
    """Where records go."""

    JOURNAL = "journal"
    KAFKA = "kafka"


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files or directories of records.")],
    form: Annotated[Form, typer.Option("--format", help="auto: *.csv is a table, the rest OCPI JSON.")] = Form.AUTO,
    mapping: Annotated[Path | None, typer.Option(help="TOML file: what the columns of a table mean.")] = None,
    evse_map: EvseMapFile = None,
    to: Annotated[Target, typer.Option(help="The embedded journal, or the topic of frames.")] = Target.JOURNAL,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    data_dir: DataDir = None,
    kafka: Annotated[str | None, typer.Option("--kafka", help="Kafka brokers as HOST:PORT; with --to kafka.")] = None,
) -> None:
    """Take billing records in; each bad one is named with its reason (exit code 1), and costs no other."""
    from app import importing

    given = settings(evse_map_file=evse_map, data_dir=data_dir, kafka_bootstrap=kafka)
    options = importing.Options(paths, form.value, mapping, to is Target.KAFKA, as_json)
    run(lambda: importing.run(given, options))


@app.command()
def follow(
    evse_map: EvseMapFile = None,
    data_dir: DataDir = None,
    kafka: Annotated[str | None, typer.Option("--kafka", help="Kafka brokers as HOST:PORT, comma separated.")] = None,
) -> None:
    """Take records from the topic ocpp.primary-records.v1 into the topic of frames (distributed runtime)."""
    from app.distributed import taking_records

    given = settings(evse_map_file=evse_map, data_dir=data_dir, kafka_bootstrap=kafka)
    run(lambda: taking_records.follow(given))
