"""The key file that the settings name, and what is made of it for those who redact and those who judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ingest.key_ring import NO_KEYS, KeyRing
from ingest.redaction import Redactor
from ingest.redaction_key import KeyFileError, read_ring
from shadow import tokens
from shadow.tokens import TokenBook

if TYPE_CHECKING:
    from app.settings import Settings

__all__ = ["Redactors", "key_file", "known_under", "redactors", "ring_at_hand", "ring_of"]


def key_file(settings: Settings) -> Path:
    """Where the keys of the pseudonyms are."""
    return settings.redaction_key_file or settings.data_dir / "redaction-key.json"


def ring_of(settings: Settings) -> KeyRing:
    """The keys, for whoever compares pseudonyms; none where there is no file. Raises `KeyFileError`."""
    path = key_file(settings)
    return read_ring(path) if path.exists() else NO_KEYS


def ring_at_hand(settings: Settings) -> KeyRing:
    """The keys as far as they can be read: a command that only reads must not need them (`doctor` names the flaw)."""
    try:
        return ring_of(settings)
    except (KeyFileError, OSError):
        return NO_KEYS


class Redactors:
    """One redactor for each key."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._made: dict[str, Redactor] = {}

    @property
    def current(self) -> Redactor:
        """Under the current key."""
        return self._of(self._ring.current.version)

    def at(self, moment: int) -> Redactor:
        """Under the key that was current at a time, in microseconds."""
        return self._of(self._ring.at(moment).version)

    def _of(self, version: str) -> Redactor:
        if version not in self._made:
            key = self._ring.find(version)
            if key is None:
                raise LookupError(f"no key of version {version}")
            self._made[version] = Redactor(key.key, key.version)
        return self._made[version]


def redactors(settings: Settings, *, create: bool) -> Redactors:
    """For whoever writes: the keys that the taps use, made where there are none and `create` is set.

    Raises `KeyFileError`.
    """
    return Redactors(read_ring(key_file(settings), create=create))


def known_under(book: TokenBook, ring: KeyRing, redactor: Redactor | None) -> TokenBook:
    """The tokens of a file also under their pseudonyms, under each key and under that of a redactor of its own."""
    names = {*book.tokens, *(one.group for one in book.tokens.values() if one.group)}
    keys = {one.version: {name: one.cipher.token(name) for name in names} for one in ring}
    if redactor is not None:
        keys[redactor.key_version] = {name: redactor.pseudonym(name) for name in names}
    return tokens.pseudonymised(book, keys)
