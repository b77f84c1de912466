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
PassphraseFiles = Annotated[
    list[Path] | None,
    typer.Option(help="File of mode 0600 with the passphrase of each custodian, in their order; else asked for."),
]
Custodians = Annotated[list[str] | None, typer.Option(help="The two custodians; else they are asked for.")]
StoreUrl = Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")]
Version = Annotated[str, typer.Argument(help="The key's version, as `privacy keys` lists it.")]
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
def pseudonym(
    sealed: Annotated[
        Path | None, typer.Option(help="Under the keys of this sealed copy, for which two custodians are needed.")
    ] = None,
    reason: Annotated[str, typer.Option(help="With --sealed: why; it stands in the audit trail.")] = "",
    custodian: Custodians = None,
    passphrase_file: PassphraseFiles = None,
    as_json: AsJson = False,
    key_file: KeyFile = None,
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
) -> None:
    """Say what a token is called under each key: for requests of the people concerned (GDPR Art. 15).

    The token is read from standard input, or asked for at the terminal.
    """
    from app.privacy import keys, looking_up

    given = settings(redaction_key_file=key_file, data_dir=data_dir, store_url=store_url)
    if sealed is None:
        if reason or custodian or passphrase_file:
            give_up(typer.BadParameter("--reason, --custodian and --passphrase-file need --sealed"))
        _run(lambda: keys.pseudonyms(given, as_json=as_json))
    eyes = looking_up.Eyes(sealed, reason, custodian or (), passphrase_file or ())
    _run(lambda: looking_up.pseudonyms(given, eyes, keys.asked_token(), as_json=as_json))


@app.command()
def seal(
    out: Annotated[Path, typer.Argument(help="The file to write; it must not be there.")],
    custodian: Annotated[list[str], typer.Option(help="Who holds a passphrase, 2 to 8 of them; repeatable.")],
    passphrase_file: PassphraseFiles = None,
    key_file: KeyFile = None,
    data_dir: DataDir = None,
) -> None:
    """Write a sealed copy of all keys, which any two of its custodians open together and none of them alone."""
    from app.privacy import custody, sealed

    given = settings(redaction_key_file=key_file, data_dir=data_dir)
    _run(lambda: custody.seal(given, custodian, passphrase_file or (), out, strength=sealed.STRENGTH))


@app.command()
def lookup(
    sealed: Annotated[Path, typer.Argument(help="The sealed copy of the keys.")],
    pseudonym: Annotated[str, typer.Argument(help="The pseudonym, as it stands in a session.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the audit trail.")],
    key_version: Annotated[
        str | None, typer.Option(help="The key that it stands under; else each has its answer.")
    ] = None,
    custodian: Custodians = None,
    passphrase_file: PassphraseFiles = None,
    as_json: AsJson = False,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: StoreUrl = None,
) -> None:
    """Find out under four eyes whose pseudonym it is; the audit trail knows before anything is shown."""
    from app.privacy import looking_up

    given = settings(data_dir=data_dir, store_url=store_url)
    eyes = looking_up.Eyes(sealed, reason, custodian or (), passphrase_file or ())
    asked = looking_up.Asked(pseudonym, key_version)
    _run(lambda: looking_up.look_up(given, eyes, asked, as_json=as_json))


@app.command()
def retire(
    version: Version,
    sealed: Annotated[Path, typer.Option(help="A sealed copy that holds this key.")],
    key_file: KeyFile = None,
    data_dir: DataDir = None,
) -> None:
    """Take an older key out of the ring once a sealed copy holds it: then only two custodians can use it."""
    from app.privacy import custody

    given = settings(redaction_key_file=key_file, data_dir=data_dir)
    _run(lambda: custody.retire(given, version, sealed))


@app.command()
def destroy(
    version: Version,
    sealed: Annotated[list[Path] | None, typer.Option(help="A sealed copy to remove it from, too; repeatable.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the version once more.")] = False,
    key_file: KeyFile = None,
    data_dir: DataDir = None,
) -> None:
    """Remove an older key for ever: nobody can find out any more whose pseudonyms under it are."""
    from app.privacy import custody

    given = settings(redaction_key_file=key_file, data_dir=data_dir)
    _run(lambda: custody.destroy(given, version, sealed or (), sure=yes))


@app.command()
def explain(
    texts: Annotated[Path, typer.Argument(help="A recording, or a file with a message on each line; - is stdin.")],
    policy: Annotated[Path | None, typer.Option(help="The field policy (TOML); else the settings' one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what redaction does to texts, and by which rule of the field policy; names only, never a value."""
    from app.privacy import explaining

    given = settings(field_policy_file=policy)
    _run(lambda: explaining.explain(given, texts, as_json=as_json))


def _run(action: Callable[[], int]) -> NoReturn:
    from app.privacy.asking import PrivacyError

    def guarded() -> int:
        try:
            return action()
        except PrivacyError as error:
            give_up(error)

    run(guarded)
