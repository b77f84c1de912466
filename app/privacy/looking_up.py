"""`privacy lookup`: whose pseudonym it is, found out by two custodians, and never without a trace."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from app.command import said_by
from app.privacy import sealed as sealing
from app.privacy.asking import PrivacyError, typed
from app.privacy.custody import passphrases_of, read_sealed
from app.privacy.sealed import Sealed, SealedError
from app.settings import Settings
from app.store_file import running_url
from app.storing import StoreStartError, the_store
from diff.change import looked_up
from diff.policy import JUDGING_RUN
from diff.store.engine import EngineStartError
from diff.store.errors import StoreError
from diff.store.writer import Writer
from ingest.key_ring import KeyRing

__all__ = ["Asked", "Eyes", "look_up", "pseudonyms"]

_LONGEST: Final = 1024
_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Eyes:
    """Which sealed copy is to be opened, by whom and why."""

    sealed: Path
    reason: str
    custodians: Sequence[str] = ()
    """None: they are asked for."""
    passphrase_files: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be looked up."""

    pseudonym: str
    key_version: str | None = None
    """The key that it stands under; None: each, where that is not known."""


def look_up(settings: Settings, eyes: Eyes, asked: Asked, *, as_json: bool) -> int:
    """Look up, write to the audit trail, and only then show it. Raises `PrivacyError`."""
    if not asked.pseudonym or len(asked.pseudonym) > _LONGEST:
        raise PrivacyError(f"a pseudonym has 1 to {_LONGEST} characters")
    copy = read_sealed(eyes.sealed)
    held = [one.version for one in copy.keys]
    wanted = held if asked.key_version is None else [asked.key_version]
    if not set(wanted) <= set(held):
        raise PrivacyError(f"{eyes.sealed} holds no key {asked.key_version!r}: it holds {', '.join(held) or 'none'}")
    ring, names = _opened(settings, eyes, copy)
    found = [(version, ring.reveal(asked.pseudonym, version)) for version in wanted]
    _trace(settings, eyes.reason, names, ring, [(asked.pseudonym, wanted)])
    _show(found, as_json=as_json)
    return 0


def pseudonyms(settings: Settings, eyes: Eyes, token: str, *, as_json: bool) -> int:
    """Say what a token is called under the keys of a sealed copy, the retired ones too. Raises `PrivacyError`."""
    ring, names = _opened(settings, eyes, read_sealed(eyes.sealed))
    found = list(ring.pseudonyms(token))
    _trace(settings, eyes.reason, names, ring, [(pseudonym, [version]) for version, pseudonym in found])
    if as_json:
        rows = [{"key_version": version, "pseudonym": pseudonym} for version, pseudonym in found]
        print(msgspec.json.encode(rows).decode())
    else:
        for version, pseudonym in found:
            print(f"{version}  {pseudonym}")
    return 0


def _opened(settings: Settings, eyes: Eyes, copy: Sealed) -> tuple[KeyRing, Sequence[str]]:
    if not eyes.reason.strip() or len(eyes.reason) > _LONGEST_REASON:
        raise PrivacyError(f"--reason says why, in 1 to {_LONGEST_REASON} characters: it stands in the audit trail")
    _has_store(settings)
    names = list(eyes.custodians) or [typed("first custodian: "), typed("second custodian: ")]
    if len(names) != sealing.FEWEST or len(set(names)) != len(names):
        raise PrivacyError("it takes two different custodians")
    given = passphrases_of(names, eyes.passphrase_files, new=False)
    try:
        return sealing.unseal(copy, list(given.items())), names
    except SealedError as error:
        raise PrivacyError(str(error)) from None


def _has_store(settings: Settings) -> None:
    """An embedded store that is made just for this would be a trail that nobody ever reads."""
    url = settings.store_location() or running_url(settings.data_dir)
    if not url and not (settings.data_dir / "store").is_dir():
        raise PrivacyError(
            "no store, no look-up: the audit trail is kept there; name the store with --store-url, or the --data-dir"
            " of an embedded one"
        )


def _trace(
    settings: Settings,
    reason: str,
    names: Sequence[str],
    ring: KeyRing,
    found: Sequence[tuple[str, Sequence[str]]],
) -> None:
    """Each pseudonym with the versions that it was looked up under."""
    at, by = time.time_ns() // 1000, said_by(None)
    digests = {one.version: one.digest for one in ring}
    changes = [
        looked_up(pseudonym, names, reason.strip(), _said(versions, digests, by), at) for pseudonym, versions in found
    ]
    try:
        with the_store(settings) as store:
            writer = Writer(store, judging_run=JUDGING_RUN)
            for change in changes:
                writer.add_change(change)
            writer.flush()
    except (StoreError, StoreStartError, EngineStartError) as error:
        raise PrivacyError(
            f"the audit trail cannot be written, so nothing is shown: {error}; bring the store back and look up again"
        ) from None


def _said(versions: Sequence[str], digests: dict[str, str], by: str) -> str:
    said = {"key_versions": list(versions), "digests": [digests[one] for one in versions], "by": by}
    return msgspec.json.encode(said).decode()


def _show(found: Sequence[tuple[str, str | None]], *, as_json: bool) -> None:
    if as_json:
        rows = [{"key_version": version, "token": token} for version, token in found]
        print(msgspec.json.encode(rows).decode())
        return
    for version, token in found:
        print(f"{version}  {token if token is not None else '(too long to be found out)'}")
    if len(found) > 1:
        print(
            "each key has an answer, and one of them is true: a session's key_version says under which key it stands",
            file=sys.stderr,
        )
