"""`tap pcap|log|topic`: ways in that are not in the path of the traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from app.command import give_up, run, settings
from app.outlet import Target

__all__ = ["app"]

app: Final = typer.Typer()

To = Annotated[Target, typer.Option("--to", help="A recording on stdout (or --out), the journal, or Kafka.")]
Out = Annotated[Path | None, typer.Option(help="File of the recording; it must not exist.")]
DataDir = Annotated[Path | None, typer.Option(help="Where redaction key, journal and spool live.")]
Kafka = Annotated[str | None, typer.Option("--kafka", help="Kafka brokers as HOST:PORT; with --to kafka.")]
Enrolment = Annotated[Path | None, typer.Option(help="TOML file of enrolled charging stations; none takes all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Say what was read as one JSON document, on stderr.")]


@app.command()
def pcap(
    captures: Annotated[list[Path], typer.Argument(help="pcap or pcapng files in order; - is standard input.")],
    port: Annotated[
        list[int] | None, typer.Option(help="Only connections to this port of the CSMS; may be given again.")
    ] = None,
    to: To = Target.RECORDING,
    out: Out = None,
    enrolment_file: Enrolment = None,
    data_dir: DataDir = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Read captures, also live: tcpdump -U -s 0 -w - tcp port 9000 | shadow-csms tap pcap - | shadow-csms replay -."""
    from app import capturing

    check_target(to, out)
    given = settings(enrolment_file=enrolment_file, data_dir=data_dir, kafka_bootstrap=kafka)
    options = capturing.Options(captures, to, out, tuple(port or ()), as_json)
    run(lambda: capturing.run(given, options))


@app.command()
def log(
    logs: Annotated[list[Path], typer.Argument(help="Log files in order; - is standard input.")],
    mapping: Annotated[Path, typer.Option(help="TOML file: what stands where (examples/steve-log.toml).")],
    to: To = Target.RECORDING,
    out: Out = None,
    data_dir: DataDir = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Read the message log of a backend; each broken line is named (exit code 1), and costs no other."""
    from app import reading_logs

    check_target(to, out)
    given = settings(data_dir=data_dir, kafka_bootstrap=kafka)
    options = reading_logs.Options(logs, mapping, to, out, as_json)
    run(lambda: reading_logs.run(given, options))


@app.command()
def topic(
    name: Annotated[str, typer.Argument(help="The topic of the other CSMS.")],
    mapping: Annotated[Path, typer.Option(help="TOML file: what stands where (examples/kafka-topic.toml).")],
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="The first time: all that the topic holds, not only what is new.")
    ] = False,
    until_end: Annotated[bool, typer.Option("--until-end", help="End where the topic ends now.")] = False,
    data_dir: DataDir = None,
    kafka: Annotated[str | None, typer.Option("--kafka", help="Kafka brokers as HOST:PORT, comma separated.")] = None,
) -> None:
    """Take frames that another CSMS has on a Kafka topic into the topic of frames (distributed runtime)."""
    from app.distributed import following

    given = settings(data_dir=data_dir, kafka_bootstrap=kafka)
    options = following.Options(name, mapping, from_beginning, until_end)
    run(lambda: following.run(given, options))


def check_target(to: Target, out: Path | None) -> None:
    """End the command where a file is named for what is no recording."""
    if out is not None and to is not Target.RECORDING:
        give_up(typer.BadParameter("--out is for a recording: leave --to away"))
