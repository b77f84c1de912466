"""The key file that the settings name, and what is made of it for those who redact and those who judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ingest.field_policy import FieldPolicy
from ingest.field_policy_file import read_fields
from ingest.field_redaction import redactor_of
from ingest.key_ring import NO_KEYS, KeyRing, RingKey
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

    def __init__(self, ring: KeyRing, policy: FieldPolicy | None = None) -> None:
        self._ring, self._policy = ring, policy
        self._made: dict[str, Redactor] = {}

    @property
    def current(self) -> Redactor:
        """Under the current key."""
        return self._of(self._ring.current)

    def at(self, moment: int) -> Redactor:
        """Under the key that was current at a time, in microseconds."""
        return self._of(self._ring.at(moment))

    def _of(self, key: RingKey) -> Redactor:
        if key.version not in self._made:
            self._made[key.version] = redactor_of(key, self._policy)
        return self._made[key.version]


def redactors(settings: Settings, *, create: bool) -> Redactors:
    """For whoever writes: the keys and the rules that the taps use; a key is made where there is none, if `create`.

    Raises `KeyFileError`, `FieldPolicyError`.
    """
    policy = None if settings.field_policy_file is None else read_fields(settings.field_policy_file).current
    return Redactors(read_ring(key_file(settings), create=create), policy)


def known_under(book: TokenBook, ring: KeyRing, redactor: Redactor | None) -> TokenBook:
    """The tokens of a file also under their pseudonyms, under each key and under that of a redactor of its own."""
    names = {*book.tokens, *(one.group for one in book.tokens.values() if one.group)}
    keys = {one.version: {name: one.cipher.token(name) for name in names} for one in ring}
    if redactor is not None:
        keys[redactor.key_version] = {name: redactor.pseudonym(name) for name in names}
    return tokens.pseudonymised(book, keys)
