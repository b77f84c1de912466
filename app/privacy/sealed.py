"""A sealed copy of the ring: a file that any two of its custodians open together, and none of them alone.

Each custodian's passphrase becomes a key by scrypt with a salt of its own; for each pair HKDF makes one key of both,
and AES-256-GCM wraps the content key with it. Each key of the ring is encrypted by itself under the content key, so
that one can be destroyed without opening the others. What stands there in the clear is authenticated with each of them.

    {"format", "sealed_at", "scrypt_n", "custodians": [{"name", "salt"}], "pairs": [{"nonce", "wrapped"}],
     "keys": [{"version", "since", "digest", "nonce", "sealed", "proof"}]}

`proof` is keyed by the key itself: whoever has the key can tell that this very entry was made by somebody who had it,
and that neither the entry nor what is needed to open it was changed since. It gives nothing away.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ingest.frame import Micros
from ingest.key_ring import KeyRing, RingKey
from ingest.pseudonym import subkey

__all__ = [
    "FEWEST",
    "LARGEST",
    "MOST",
    "STRENGTH",
    "Sealed",
    "SealedError",
    "decode",
    "encode",
    "is_held",
    "seal",
    "unseal",
]

FEWEST: Final = 2
MOST: Final = 8
"""Custodians: 28 pairs."""
LARGEST: Final = 256 * 1024
"""Bytes of a file."""
STRENGTH: Final = 1 << 17
"""scrypt's N, with r = 8 and p = 1: 128 MiB, some tenths of a second for each custodian."""
_WEAKEST: Final = 1 << 14
_HARDEST: Final = 1 << 20
_FORMAT: Final = "shadow-csms-sealed-ring/1"
_BYTES: Final = 32
_NONCE: Final = 12
_PAIR: Final = b"shadow-csms sealed ring, two custodians"
_json: Final = msgspec.json.Encoder().encode


class SealedError(ValueError):
    """A sealed copy that cannot be made or opened; the message says why, and never which secret was wrong."""


class Custodian(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who holds a passphrase."""

    name: str
    salt: bytes


class Wrapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content key for one pair."""

    nonce: bytes
    wrapped: bytes


class SealedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key of the ring, encrypted."""

    version: str
    since: Micros
    digest: str
    """As `privacy keys` shows it."""
    nonce: bytes
    sealed: bytes
    proof: bytes


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    format: str
    sealed_at: Micros
    scrypt_n: int
    custodians: tuple[Custodian, ...]
    pairs: tuple[Wrapped, ...]
    """In the order of the pairs of custodians: first and second, first and third, …"""
    keys: tuple[SealedKey, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Who can open it."""
        return tuple(one.name for one in self.custodians)

    @property
    def head(self) -> bytes:
        """What has to be as it was for any of the keys to be opened, without the keys themselves."""
        return _json((self.format, self.sealed_at, self.scrypt_n, self.custodians))


def seal(ring: KeyRing, passphrases: Mapping[str, str], at: Micros, *, strength: int = STRENGTH) -> Sealed:
    """Seal a copy of the ring for 2 to 8 custodians, by their names. Every pair is tried before it is given back.

    Raises:
        SealedError: too few or too many custodians, or two with the same passphrase.

    """
    names = list(passphrases)
    if not FEWEST <= len(names) <= MOST:
        raise SealedError(f"{len(names)} custodians: a sealed copy has {FEWEST} to {MOST} of them")
    if len(set(passphrases.values())) < len(names):
        raise SealedError(
            "two custodians gave the same passphrase: one of them could open it alone; choose another one"
        )
    custodians = tuple(Custodian(name, os.urandom(_BYTES)) for name in names)
    blank = Sealed(_FORMAT, at, strength, custodians, (), ())
    shares = [_share(one, passphrases[one.name], strength) for one in custodians]
    content = AESGCM.generate_key(bit_length=256)
    pairs = tuple(_wrapped(first, second, content, blank.head) for first, second in combinations(shares, 2))
    made = msgspec.structs.replace(blank, pairs=pairs)
    made = msgspec.structs.replace(made, keys=tuple(_sealed_key(one, content, made) for one in ring))
    for (number, _), (first, second) in zip(enumerate(pairs), combinations(shares, 2), strict=True):
        if _opened(made, number, first, second) != ring:
            raise SealedError("the sealed copy did not open when it was tried; nothing is written")
    return made


def unseal(sealed: Sealed, passphrases: Sequence[tuple[str, str]]) -> KeyRing:
    """Open a sealed copy with the names and passphrases of two custodians.

    Raises:
        SealedError: the two are not two custodians of it, or a passphrase is wrong, or the copy was changed.

    """
    names = [name for name, _ in passphrases]
    if len(names) != FEWEST or len(set(names)) != len(names):
        raise SealedError("it takes two different custodians")
    unknown = [name for name in names if name not in sealed.names]
    if unknown:
        raise SealedError(f"{unknown[0][:64]} is no custodian of this copy: they are {', '.join(sealed.names)}")
    given = dict(passphrases)
    both = [one for one in sealed.custodians if one.name in given]
    number = list(combinations(sealed.names, 2)).index((both[0].name, both[1].name))
    first, second = (_share(one, given[one.name], sealed.scrypt_n) for one in both)
    return _opened(sealed, number, first, second)


def is_held(sealed: Sealed, key: RingKey) -> bool:
    """Whether the sealed copy holds this very key, as whoever has the key can prove."""
    return any(
        one.version == key.version and hmac.compare_digest(one.proof, _proof(one, key, sealed)) for one in sealed.keys
    )


def encode(sealed: Sealed) -> bytes:
    """The content of the file."""
    return msgspec.json.format(_json(sealed), indent=2) + b"\n"


def decode(content: bytes) -> Sealed:
    """Read a file. Raises `SealedError`."""
    if len(content) > LARGEST:
        raise SealedError(f"no sealed copy: more than {LARGEST} bytes")
    try:
        sealed = msgspec.json.decode(content, type=Sealed)
    except ValueError as error:
        raise SealedError(f"no sealed copy: {error}") from None
    if sealed.format != _FORMAT:
        raise SealedError(f"a sealed copy of the form {sealed.format[:64]!r}, this release knows {_FORMAT}")
    count = len(sealed.custodians)
    sound = (
        FEWEST <= count <= MOST
        and len(set(sealed.names)) == count
        and len(sealed.pairs) == count * (count - 1) // 2
        and _WEAKEST <= sealed.scrypt_n <= _HARDEST
        and sealed.scrypt_n.bit_count() == 1
        and all(len(one.nonce) == _NONCE for one in sealed.pairs)
        and all(len(one.nonce) == _NONCE for one in sealed.keys)
    )
    if not sound:
        raise SealedError("a sealed copy that was damaged: its custodians, pairs or numbers do not fit each other")
    return sealed


def _share(custodian: Custodian, passphrase: str, strength: int) -> bytes:
    # 128 bytes for each unit of N and r, and some.
    return Scrypt(salt=custodian.salt, length=_BYTES, n=strength, r=8, p=1).derive(passphrase.encode())


def _pair_key(first: bytes, second: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=hashes.SHA256(), length=_BYTES, salt=None, info=_PAIR).derive(first + second))


def _wrapped(first: bytes, second: bytes, content: bytes, head: bytes) -> Wrapped:
    nonce = os.urandom(_NONCE)
    return Wrapped(nonce, _pair_key(first, second).encrypt(nonce, content, head))


def _sealed_key(key: RingKey, content: bytes, made: Sealed) -> SealedKey:
    nonce = os.urandom(_NONCE)
    blank = SealedKey(key.version, key.since, key.digest, nonce, b"", b"")
    whole = msgspec.structs.replace(blank, sealed=AESGCM(content).encrypt(nonce, key.key, _label(blank, made)))
    return msgspec.structs.replace(whole, proof=_proof(whole, key, made))


def _label(one: SealedKey, sealed: Sealed) -> bytes:
    return _json((one.version, one.since, one.digest)) + sealed.head


def _proof(one: SealedKey, key: RingKey, sealed: Sealed) -> bytes:
    """Over the entry and over all that it takes to open it, keyed by the key."""
    said = _label(one, sealed) + _json((sealed.pairs, one.nonce, one.sealed))
    return hmac.digest(subkey(key.key, "sealed.proof"), said, "sha256")


def _opened(sealed: Sealed, number: int, first: bytes, second: bytes) -> KeyRing:
    pair = sealed.pairs[number]
    try:
        content = _pair_key(first, second).decrypt(pair.nonce, pair.wrapped, sealed.head)
    except InvalidTag:
        raise SealedError(
            "the two passphrases do not open this copy: one of them, or both, are wrong, or the copy was changed"
        ) from None
    try:
        return KeyRing(list(_keys(sealed, content)))
    except (InvalidTag, ValueError):
        raise SealedError("the copy was changed since it was sealed; take another one") from None


def _keys(sealed: Sealed, content: bytes) -> Iterator[RingKey]:
    for one in sealed.keys:
        yield RingKey(one.version, AESGCM(content).decrypt(one.nonce, one.sealed, _label(one, sealed)), one.since)
