"""`privacy seal`, `retire` and `destroy`: where keys are kept, and where they are no more."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.keys import key_file
from app.privacy import sealed as sealing
from app.privacy.asking import PrivacyError, hidden, passphrase_from, typed
from app.privacy.sealed import Sealed, SealedError
from app.settings import Settings
from ingest.key_ring import KeyRing
from ingest.redaction_key import change_ring, read_ring

__all__ = ["destroy", "passphrases_of", "read_sealed", "retire", "seal"]

_SHORTEST: Final = 12
_LONGEST_NAME: Final = 64


def seal(settings: Settings, names: Sequence[str], files: Sequence[Path], out: Path, *, strength: int) -> int:
    """Write a sealed copy of the ring. Raises `KeyFileError`, `PrivacyError`."""
    ring = read_ring(key_file(settings))
    if out.exists():
        raise PrivacyError(f"{out} is there already: name another file, a sealed copy is never overwritten")
    if any(not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable() for name in names):
        raise PrivacyError(f"a custodian's name has 1 to {_LONGEST_NAME} characters that can be printed")
    if len(set(names)) < len(names) or not sealing.FEWEST <= len(names) <= sealing.MOST:
        raise PrivacyError(f"name {sealing.FEWEST} to {sealing.MOST} different custodians, each with --custodian")
    given = passphrases_of(names, files, new=True)
    try:
        made = sealing.seal(ring, given, time.time_ns() // 1000, strength=strength)
    except SealedError as error:
        raise PrivacyError(str(error)) from None
    _write(out, sealing.encode(made), replace=False)
    print(f"{out}: {len(ring)} keys ({', '.join(one.version for one in ring)}), any two of {', '.join(names)} open it")
    print("keep it apart from the key file, and let each custodian keep the passphrase to himself", file=sys.stderr)
    return 0


def retire(settings: Settings, version: str, sealed_file: Path) -> int:
    """Take an older key out of the ring that a sealed copy holds. Raises `KeyFileError`, `PrivacyError`."""
    copy, path = read_sealed(sealed_file), key_file(settings)

    def retired(ring: KeyRing) -> KeyRing:
        left = _without(ring, version, path)
        key = ring.find(version)
        if key is None or not sealing.is_held(copy, key):
            raise PrivacyError(
                f"{sealed_file} does not prove that it holds {version}: it was sealed without this key, or changed"
                " since; seal a copy of the ring first, nothing is changed"
            )
        return left

    change_ring(path, retired)
    print(f"{version} is out of {path}; pseudonyms under it can be looked up by two of {', '.join(copy.names)}")
    print(
        "start workers anew: they still have it in memory; take it out of the copies of the file on other machines",
        file=sys.stderr,
    )
    return 0


def destroy(settings: Settings, version: str, sealed_files: Sequence[Path], *, sure: bool) -> int:
    """Remove a key from the ring and from sealed copies, for ever. Raises `KeyFileError`, `PrivacyError`."""
    path = key_file(settings)
    ring = read_ring(path)
    in_ring = ring.find(version) is not None
    if in_ring:
        _without(ring, version, path)
    copies = [(file, read_sealed(file)) for file in sealed_files]
    holding = [(file, copy) for file, copy in copies if any(one.version == version for one in copy.keys)]
    if not in_ring and not holding:
        places = ", ".join(map(str, (path, *sealed_files)))
        raise PrivacyError(f"no key of version {version[:64]!r} in {places}; `privacy keys` lists versions")
    if not sure:
        print(
            f"destroys {version}: nobody can look up a pseudonym under it any more, or join across it", file=sys.stderr
        )
        if typed("type the version again: ") != version:
            raise PrivacyError("that is another version: nothing is changed")
    for file, copy in holding:
        left = tuple(one for one in copy.keys if one.version != version)
        _write(
            file, sealing.encode(Sealed(copy.format, copy.sealed_at, copy.scrypt_n, copy.custodians, copy.pairs, left))
        )
    if in_ring:
        change_ring(path, lambda one: _without(one, version, path))
    gone = [str(file) for file, _ in holding] + ([str(path)] if in_ring else [])
    print(f"{version} is destroyed in {', '.join(gone)}")
    print(
        "it is gone only where it was removed: look after copies of these files, backups, other machines, sealed"
        " copies that were not named, and running processes",
        file=sys.stderr,
    )
    return 0


def read_sealed(path: Path) -> Sealed:
    """A sealed copy. Raises `PrivacyError`."""
    try:
        with path.open("rb") as file:
            return sealing.decode(file.read(sealing.LARGEST + 1))
    except OSError as error:
        raise PrivacyError(f"{path}: cannot be read: {error.strerror or error}") from None
    except SealedError as error:
        raise PrivacyError(f"{path}: {error}") from None


def passphrases_of(names: Sequence[str], files: Sequence[Path], *, new: bool) -> dict[str, str]:
    """The passphrase of each custodian: from a file for each, in the same order, or asked for at the terminal.

    `new`: it is made just now, so that it has a least length and is asked for twice. Raises `PrivacyError`.
    """
    if files and len(files) != len(names):
        raise PrivacyError(
            f"{len(files)} passphrase files for {len(names)} custodians: one for each, in the same order"
        )
    given: dict[str, str] = {}
    for number, name in enumerate(names):
        text = passphrase_from(files[number]) if files else hidden(f"passphrase of {name}: ")
        if new and len(text) < _SHORTEST:
            raise PrivacyError(f"the passphrase of {name} has {len(text)} characters: take {_SHORTEST} or more")
        if new and not files and hidden(f"passphrase of {name} once more: ") != text:
            raise PrivacyError(f"{name} typed two different passphrases: begin again")
        given[name] = unicodedata.normalize("NFC", text)
    return given


def _without(ring: KeyRing, version: str, path: Path) -> KeyRing:
    try:
        return ring.without(version)
    except (LookupError, ValueError) as error:
        raise PrivacyError(f"{path}: {error}; `privacy keys` lists versions, nothing is changed") from None


def _write(path: Path, content: bytes, *, replace: bool = True) -> None:
    """As a whole or not at all, and with mode 0600."""
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                Path(draft).replace(path.resolve())
            else:
                os.link(draft, path)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise PrivacyError(f"{path}: cannot be written: {error.strerror}") from None
