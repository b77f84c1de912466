"""The keys of the pseudonyms, the current one and those before it. Pure.

A key is exchanged by adding a new one: what was written under an older key stays as it is, and names that key's
version. Pseudonyms of two versions are never compared as they stand. Whoever has both keys can translate one into the
other, because the map of a key is one-to-one (`ingest.pseudonym`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from ingest.frame import Micros
from ingest.pseudonym import TokenCipher, subkey

__all__ = ["MOST_KEYS", "NO_KEYS", "KeyRing", "RingKey", "comparable", "is_version"]

MOST_KEYS: Final = 64
"""Keys of a ring: one a week is kept for more than a year."""
_VERSION: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_REMEMBERED: Final = 65_536


def is_version(text: str) -> bool:
    """Whether it can name a key: 1 to 64 characters, none of them a control character."""
    return _VERSION.fullmatch(text) is not None


def comparable(one: str, other: str) -> bool:
    """Whether tokens that were redacted under these key versions may be held against each other.

    Where a version is not known ("") nothing says that they differ: recordings of others and those of the time before
    there were several keys.
    """
    return one == other or not one or not other


class RingKey:
    """One key. Neither its text nor its hash shows it."""

    __slots__ = ("_cipher", "key", "since", "version")

    def __init__(self, version: str, key: bytes, since: Micros) -> None:
        """`since`: when it became the current one; 0 where that is not known."""
        self.version, self.key, self.since = version, key, since
        self._cipher: TokenCipher | None = None

    @property
    def cipher(self) -> TokenCipher:
        """Its map."""
        if self._cipher is None:
            self._cipher = TokenCipher(self.key)
        return self._cipher

    @property
    def digest(self) -> str:
        """16 hexadecimal digits by which machines find that they have the same key; it gives nothing away of it."""
        return blake2b(subkey(self.key, "digest"), digest_size=8).hexdigest()

    def __repr__(self) -> str:
        return f"RingKey({self.version!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RingKey) and (self.version, self.key, self.since) == (
            other.version,
            other.key,
            other.since,
        )

    def __hash__(self) -> int:
        return hash(self.version)


class KeyRing:
    """Keys in the order in which they were current, the current one last."""

    __slots__ = ("_by_version", "_starts", "_translate", "keys")

    def __init__(self, keys: Sequence[RingKey]) -> None:
        """Raises `ValueError` where the order is none, or a version stands there twice or names nothing."""
        self.keys = tuple(keys)
        if len(self.keys) > MOST_KEYS:
            raise ValueError(f"there are {len(self.keys)} keys, at most {MOST_KEYS} are kept: retire old ones")
        if any(not is_version(one.version) for one in self.keys):
            raise ValueError("a version is no name: it has 1 to 64 characters")
        self._by_version = {one.version: one for one in self.keys}
        if len(self._by_version) < len(self.keys):
            raise ValueError("a version stands there twice")
        self._starts = [one.since for one in self.keys]
        if any(after <= before for before, after in zip(self._starts, self._starts[1:], strict=False)):
            raise ValueError("the keys do not stand in the order of their times, the current one last")
        self._translate = lru_cache(maxsize=_REMEMBERED)(self._translated)

    @property
    def current(self) -> RingKey:
        """The key that is redacted with now. Raises `LookupError` where there is none."""
        if not self.keys:
            raise LookupError("a ring without a key")
        return self.keys[-1]

    def __iter__(self) -> Iterator[RingKey]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(one.version for one in self.keys)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyRing) and self.keys == other.keys

    def __hash__(self) -> int:
        return hash(self.keys)

    def find(self, version: str) -> RingKey | None:
        """The key of a version; None where it is not in the ring (any more)."""
        return self._by_version.get(version)

    def at(self, moment: Micros) -> RingKey:
        """The key that was current at a time; the oldest that is left, where that one was retired."""
        if not self.keys:
            raise LookupError("a ring without a key")
        return self.keys[max(0, bisect_right(self._starts, moment) - 1)]

    def reveal(self, pseudonym: str, version: str) -> str | None:
        """The token behind a pseudonym, up to case; None without that key, or where the token was too long to permute.

        For looking up under four eyes, and for nothing else.
        """
        key = self.find(version)
        return None if key is None else key.cipher.reveal(pseudonym)

    def translate(self, pseudonym: str, from_version: str, to_version: str) -> str | None:
        """The pseudonym that the same token has under another key, up to case; None where that cannot be said."""
        if from_version == to_version:
            return pseudonym
        if len(pseudonym) > 64:
            return self._translated(pseudonym, from_version, to_version)
        return self._translate(pseudonym, from_version, to_version)

    def _translated(self, pseudonym: str, from_version: str, to_version: str) -> str | None:
        to_key = self.find(to_version)
        token = self.reveal(pseudonym, from_version)
        return None if to_key is None or token is None else to_key.cipher.token(token)

    def pseudonyms(self, token: str) -> Iterable[tuple[str, str]]:
        """Version and pseudonym of a token under each key, the oldest first."""
        return ((one.version, one.cipher.token(token)) for one in self.keys)

    def rotated(self, new: RingKey) -> KeyRing:
        """The ring with a new current key. Raises `ValueError`."""
        return KeyRing((*self.keys, new))

    def without(self, version: str) -> KeyRing:
        """The ring without an older key.

        Raises:
            LookupError: there is none of that version.
            ValueError: it is the current one, which everything that comes is redacted with.

        """
        key = self.find(version)
        if key is None:
            raise LookupError(f"no key of version {version[:64]!r} is in the ring")
        if key is self.current:
            raise ValueError(f"{version} is the current key: rotate first")
        return KeyRing([one for one in self.keys if one is not key])


NO_KEYS: Final = KeyRing(())
"""For whoever has no keys: nothing can be revealed or translated."""
