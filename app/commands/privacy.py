"""`privacy`: the keys of the pseudonyms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from app.command import give_up, run, settings

__all__ = ["app"]

app: Final = typer.Typer(
    name="privacy",
    help="Keys of the pseudonyms: exchange them, and find out under four eyes whose one is (docs/privacy.md).",
    no_args_is_help=True,
)

KeyFile = Annotated[Path | None, typer.Option("--key-file", help="The key file; else the settings' one.")]
DataDir = Annotated[Path | None, typer.Option(help="Where the redaction key lives, if no file is named.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@app.command()
def rotate(key_file: KeyFile = None, data_dir: DataDir = None) -> None:
    """Make a new key the current one; older ones stay, so that what stands under them still joins."""
    from app.privacy import keys

    given = settings(redaction_key_file=key_file, data_dir=data_dir)
    _run(lambda: keys.rotate(given))


@app.command("keys")
def keys_(as_json: AsJson = False, key_file: KeyFile = None, data_dir: DataDir = None) -> None:
    """List the keys' versions, since when each is current, and a digest to compare machines by. Never a key."""
    from app.privacy import keys

    given = settings(redaction_key_file=key_file, data_dir=data_dir)
    _run(lambda: keys.listed(given, as_json=as_json))


@app.command()
def pseudonym(as_json: AsJson = False, key_file: KeyFile = None, data_dir: DataDir = None) -> None:
    """Say what a token is called under each key: for requests of the people concerned (GDPR Art. 15).

    The token is read from standard input, or asked for at the terminal.
    """
    from app.privacy import keys

    given = settings(redaction_key_file=key_file, data_dir=data_dir)
    _run(lambda: keys.pseudonyms(given, as_json=as_json))


def _run(action: Callable[[], int]) -> NoReturn:
    from app.privacy.asking import PrivacyError

    def guarded() -> int:
        try:
            return action()
        except PrivacyError as error:
            give_up(error)

    run(guarded)
