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
from app.privacy.sealed import SealedError
from app.settings import Settings
from app.store_file import running_url
from app.storing import StoreStartError, the_store
from diff.change import looked_up
from diff.policy import JUDGING_RUN
from diff.store.engine import EngineStartError
from diff.store.errors import StoreError
from diff.store.writer import Writer
from ingest.key_ring import KeyRing

__all__ = ["Asked", "look_up"]

_LONGEST: Final = 1024
_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be looked up, by whom and why."""

    sealed: Path
    pseudonym: str
    reason: str
    key_version: str | None = None
    """The key that it stands under; None: each, where that is not known."""
    custodians: Sequence[str] = ()
    passphrase_files: Sequence[Path] = ()


def look_up(settings: Settings, asked: Asked, *, as_json: bool) -> int:
    """Look up, write to the audit trail, and only then show it. Raises `PrivacyError`."""
    if not asked.reason.strip() or len(asked.reason) > _LONGEST_REASON:
        raise PrivacyError(f"--reason says why, in 1 to {_LONGEST_REASON} characters: it stands in the audit trail")
    if not asked.pseudonym or len(asked.pseudonym) > _LONGEST:
        raise PrivacyError(f"a pseudonym has 1 to {_LONGEST} characters")
    copy = read_sealed(asked.sealed)
    held = [one.version for one in copy.keys]
    wanted = held if asked.key_version is None else [asked.key_version]
    if not set(wanted) <= set(held):
        raise PrivacyError(f"{asked.sealed} holds no key {asked.key_version!r}: it holds {', '.join(held) or 'none'}")
    _has_store(settings)
    names = list(asked.custodians) or [typed("first custodian: "), typed("second custodian: ")]
    if len(names) != sealing.FEWEST or len(set(names)) != len(names):
        raise PrivacyError("it takes two different custodians")
    given = passphrases_of(names, asked.passphrase_files, new=False)
    try:
        ring = sealing.unseal(copy, list(given.items()))
    except SealedError as error:
        raise PrivacyError(str(error)) from None
    found = [(version, ring.reveal(asked.pseudonym, version)) for version in wanted]
    _trace(settings, asked, names, wanted, ring)
    _show(found, as_json=as_json)
    return 0


def _has_store(settings: Settings) -> None:
    """An embedded store that is made just for this would be a trail that nobody ever reads."""
    url = settings.store_location() or running_url(settings.data_dir)
    if not url and not (settings.data_dir / "store").is_dir():
        raise PrivacyError(
            "no store, no look-up: the audit trail is kept there; name the store with --store-url, or the --data-dir"
            " of an embedded one"
        )


def _trace(settings: Settings, asked: Asked, names: Sequence[str], versions: Sequence[str], ring: KeyRing) -> None:
    at = time.time_ns() // 1000
    digests = {one.version: one.digest for one in ring}
    said = {"key_versions": list(versions), "digests": [digests[one] for one in versions], "by": said_by(None)}
    change = looked_up(asked.pseudonym, names, asked.reason.strip(), msgspec.json.encode(said).decode(), at)
    try:
        with the_store(settings) as store:
            writer = Writer(store, judging_run=JUDGING_RUN)
            writer.add_change(change)
            writer.flush()
    except (StoreError, StoreStartError, EngineStartError) as error:
        raise PrivacyError(
            f"the audit trail cannot be written, so nothing is shown: {error}; bring the store back and look up again"
        ) from None


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
