"""`deadletter`: what was given up, and publishing it once more."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any, Final

import typer

from app.command import give_up, run, settings
from app.settings import Settings
from ingest.frame import Micros
from ingest.timestamps import format_micros, parse_stamp

__all__ = ["app"]

app: Final = typer.Typer(
    name="deadletter",
    help="Dead letters: records that could not be read, lived or stored; and how to replay frames among them.",
    no_args_is_help=True,
)

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

Since = Annotated[str | None, typer.Option(help="Written since then: 30m, 2h, 7d, or an ISO time with its zone.")]
Reason = Annotated[str, typer.Option(help="Only letters with this text somewhere in their reason.")]
Charger = Annotated[str, typer.Option(help="Only letters of this charging station.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Kafka = Annotated[str | None, typer.Option("--kafka", help="Kafka brokers as HOST:PORT, comma separated.")]


@app.command("list")
def list_letters(
    since: Since = None,
    reason: Reason = "",
    charger: Charger = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show at most so many, the newest.")] = 50,
    as_json: AsJson = False,
    kafka: Kafka = None,
) -> None:
    """Show what was given up: where it lies, why, and how often."""
    from app.distributed.deadletters import Wanted

    given, wanted = settings(kafka_bootstrap=kafka), Wanted(_since(since), reason, charger)
    run(lambda: _list(given, wanted, limit, as_json=as_json))


@app.command()
def replay(
    places: Annotated[list[str] | None, typer.Argument(help="TOPIC/PARTITION/OFFSET, as `list` shows them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All letters that are about frames.")] = False,
    since: Since = None,
    reason: Reason = "",
    charger: Charger = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be published.")] = False,
    kafka: Kafka = None,
) -> None:
    """Publish given-up frames again, into their partitions; they count as late then. Repeating it is harmless."""
    from app.distributed.deadletters import Place, Wanted

    given = settings(kafka_bootstrap=kafka)
    if bool(places) == all_:
        give_up(ValueError("name places (TOPIC/PARTITION/OFFSET), or give --all"))
    if places and (since or reason or charger):
        give_up(ValueError("--since, --reason and --charger choose among --all; places are taken as they are"))
    try:
        named = [Place.parse(one) for one in places or ()]
    except ValueError as error:
        give_up(error)
    wrong = next((one for one in named if one.topic != given.topics().frames), None)
    if wrong is not None:
        give_up(ValueError(f"{wrong}: only frames can be replayed, which lie in {given.topics().frames}"))
    wanted = Wanted(_since(since), reason, charger) if all_ else None
    run(lambda: _replay(given, named, wanted, dry_run=dry_run))


def _list(given: Settings, wanted: Any, limit: int, *, as_json: bool) -> int:
    import msgspec

    from app.distributed.deadletters import read_letters

    letters = read_letters(given.kafka_bootstrap, given.topics().dead_letters, wanted, **given.kafka_options())
    shown = list(letters.found.values())[-limit:]
    if as_json:
        document = {
            "total": len(letters.found),
            "unreadable": letters.unreadable,
            "reasons": dict(letters.reasons()),
            "letters": [
                {"id": one.letter.id, "times": one.times, "written_at": one.written_at} | _fields(one.letter)
                for one in shown
            ],
        }
        typer.echo(msgspec.json.encode(document).decode())
    elif letters.found:
        _tables(letters, shown)
    else:
        typer.echo("no dead letters" + (" like that" if wanted != type(wanted)() else ""))
    if letters.unreadable:
        typer.echo(f"{letters.unreadable} records of {given.topics().dead_letters} are no letters", err=True)
    return 0


def _fields(letter: Any) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(letter)


def _tables(letters: Any, shown: list[Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("written", "place", "by", "charging station", "bytes", "times", "reason")
    for one in shown:
        letter = one.letter
        cells = (format_micros(one.written_at), letter.position, letter.source, letter.charger_id)
        table.add_row(*map(escape, cells), str(letter.size), str(one.times), escape(letter.reason))
    console = Console()
    console.print(table)
    counts = Table("letters", "reason")
    for reason, count in letters.reasons()[:20]:
        counts.add_row(str(count), escape(reason))
    console.print(counts)
    if len(shown) < len(letters.found):
        typer.echo(f"the newest {len(shown)} of {len(letters.found)} letters; --limit shows more")


def _replay(given: Settings, named: list[Any], wanted: Any, *, dry_run: bool) -> int:
    from app.distributed.deadletter_replay import replay
    from app.distributed.deadletters import read_letters

    bootstrap, topics, options = given.kafka_bootstrap, given.topics(), given.kafka_options()
    elsewhere = 0
    if wanted is not None:
        letters = read_letters(bootstrap, topics.dead_letters, wanted, **options).found.values()
        named = [place for one in letters if (place := one.place) is not None and place.topic == topics.frames]
        elsewhere = len(letters) - len(named)
    done = replay(bootstrap, topics.frames, named, dry_run=dry_run, say=typer.echo, **options)
    parts = [f"{done.replayed} frames {'would be ' if dry_run else ''}published again"]
    if done.repeated:
        parts.append(f"{done.repeated} places are of frames among them that were replayed before and failed again")
    if elsewhere:
        parts.append(f"{elsewhere} letters are about no record of {topics.frames} and cannot be replayed")
    if done.lost:
        parts.append(f"{len(done.lost)} are not there")
    typer.echo("; ".join(parts))
    return 1 if done.lost else 0


def _since(text: str | None) -> Micros | None:
    """A time or an age. Ends the command where it is neither."""
    if not text:
        return None
    age = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if age:
        return time.time_ns() // 1000 - int(age[1]) * _UNITS[age[2]] * 1_000_000
    stamp = parse_stamp(text)
    if stamp.at is None:
        give_up(ValueError(f"--since {text[:40]!r}: {stamp.detail}; give 30m, 2h, 7d, or 2026-06-01T08:00:00Z"))
    return stamp.at
