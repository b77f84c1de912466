"""`policy`: which differences count, by field: as it is in force, whether a file can be followed, how two differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from app.command import give_up, settings
from app.settings import Settings

if TYPE_CHECKING:
    from diff.policy import Policy

__all__ = ["app"]

app: Final = typer.Typer(name="policy", help="Which differences count, field by field.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
_NAMES: Final = "a file, `current` (the settings' policy) or `built-in`"


@app.command()
def show(
    policy: Annotated[str, typer.Argument(help=f"Which one: {_NAMES}.")] = "current", *, as_json: AsJson = False
) -> None:
    """Show a policy, a line for each field and settling time."""
    from diff.policy_file import said

    chosen = _policy(settings(), policy)
    lines = said(chosen)
    if as_json:
        typer.echo(msgspec.json.encode({"version": chosen.version, "policy": lines}).decode())
        return
    typer.echo(f"policy {chosen.version}")
    for name, value in lines.items():
        typer.echo(f"  {name} = {value}")
    if chosen.tariffs:
        typer.echo(f"  with {len(chosen.tariffs)} tariffs of tariff_file")


@app.command()
def check(file: Annotated[Path, typer.Argument(help="TOML file.")], *, as_json: AsJson = False) -> None:
    """Say whether a policy file can be followed (else exit code 2), its version, and what it leaves out."""
    from diff.policy import Kind
    from diff.policy_file import FIELDS

    found = _policy(settings(), str(file))
    rules = {one.name: getattr(found, one.attribute) for one in FIELDS}
    ignored = {name: rule.reason for name, rule in rules.items() if rule.kind is Kind.IGNORE}
    if as_json:
        typer.echo(msgspec.json.encode({"version": found.version, "ignored": ignored}).decode())
        return
    typer.echo(f"{file}: can be followed, version {found.version}")
    for name, reason in ignored.items():
        typer.echo(f"  {name} is not compared: {reason}")


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help=f"One: {_NAMES}.")],
    after: Annotated[str, typer.Argument(help=f"The other: {_NAMES}.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say what a second policy says otherwise than a first one."""
    from diff.policy_file import changes

    given = settings()
    one, other = _policy(given, before), _policy(given, after)
    found = changes(one, other)
    if as_json:
        document = {"before": one.version, "after": other.version, "changes": found}
        typer.echo(msgspec.json.encode(document).decode())
        return
    typer.echo(f"{one.version} -> {other.version}")
    for change in found:
        old, new = ("nothing" if value is None else value for value in (change.before, change.after))
        typer.echo(f"  {change.name}: {old} -> {new}")
    if not found:
        typer.echo("  they say the same")


def _policy(given: Settings, name: str) -> Policy:
    """The policy that is meant. Ends the command where it cannot be followed."""
    from app.policies import PolicyFileError, read_policy
    from diff.policy import DEFAULT

    if name == "built-in":
        return DEFAULT
    if name == "current":
        return given.policy()
    try:
        return read_policy(Path(name), given.tariffs())
    except PolicyFileError as error:
        give_up(error)
