"""Pseudonyms for tokens: a keyed one-to-one map that keeps length, alphabet and case.

A token is cut into three parts by character: ASCII letters and digits (its core), other characters from U+00A0 on
(its rest), and everything else (punctuation), which stays in place. The core is permuted within its class: the
classes are disjoint, so the map is one-to-one over all tokens. Letters are folded before and their case is put
back after, so variants in case get variants in case (idTag is a CiString20Type in 1.6, idToken is
case-insensitive in 2.0.1); variants in punctuation (`04:AB` and `04AB`) stay variants in punctuation.

Cipher: FF1 of NIST SP 800-38G (library libffx) for domains of a million and more, the least that revision 1
allows; below that the swap-or-not shuffle (Hoang, Morris, Rogaway, CRYPTO 2012), which permutes any domain exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from string import ascii_lowercase, digits
from typing import Final

from ffx import FF1

__all__ = ["RESERVED", "TokenCipher", "subkey"]

RESERVED: Final = frozenset(
    {
        # No token: 2.0.1 Part 2 IdTokenEnumType, and what chargers write when they know none.
        "noauthorization", "none", "null", "unknown", "undefined", "invalid",
        # 1.6 §7.36 Reason: a reset or stop reason in the place of the idTag (field-seen).
        "deauthorized", "emergencystop", "evdisconnected", "hardreset", "local", "other", "powerloss",
        "reboot", "remote", "softreset", "unlockcommand",
        # Values of configuration keys that speak of tokens without holding one.
        "true", "false",
    }
)  # fmt: skip
"""Cores (letters and digits, folded) that stand as they are, together with the empty one. They name no person."""

_FF1_MIN_DOMAIN: Final = 1_000_000
"""SP 800-38G revision 1 (second public draft) and the library's own floor."""

_MAX_CORE: Final = 1024
"""Longest core that is permuted exactly. OCPP allows 20 (1.6) or 36 (2.0.1) characters, OCPI 36."""

_DIGITS: Final = frozenset(digits)
_LETTERS: Final = frozenset(ascii_lowercase)
_HEX: Final = frozenset("0123456789abcdef")
_HEX_LETTERS: Final = frozenset("abcdef")
_CORE: Final = _DIGITS | _LETTERS
_BASE36: Final = digits + ascii_lowercase

_REST_FIRST: Final = 0xA0
"""First code point of the rest: what lies between is C1 control characters, kept in place."""
_REST_SIZE: Final = 0x110000 - _REST_FIRST - 0x800
"""Code points from U+00A0 on, less the surrogates: 1 111 904, so that one of them is enough for FF1."""


class _Class(Enum):
    """The alphabet a core keeps. Disjoint: each core has exactly one."""

    NUMBER = "number"
    """Digits, the first not 0 (or a single digit): a token sent as a JSON number stays one."""
    ZERO = "zero"
    """Digits, the first of several is 0."""
    HEX = "hex"
    """Hexadecimal digits with at least one letter."""
    LETTERS = "letters"
    """Letters only, at least one beyond f."""
    ALNUM = "alnum"
    """Anything else: a digit, and a letter beyond f."""


_ALPHABET: Final = {_Class.HEX: _BASE36[:16], _Class.LETTERS: ascii_lowercase, _Class.ALNUM: _BASE36}


def subkey(key: bytes, purpose: str) -> bytes:
    """Derive 32 bytes for one purpose, so that no two uses share a key."""
    return blake2b(purpose.encode(), key=key[:64], digest_size=32, person=b"shadow-csms").digest()


class TokenCipher:
    """The keyed map. Pure: the same key gives the same map, on every machine."""

    def __init__(self, key: bytes) -> None:
        self._ff1 = FF1(subkey(key, "token.ff1"))
        self._shuffle_key = subkey(key, "token.shuffle")
        self._stretch_key = subkey(key, "token.stretch")
        self._rounds = lru_cache(maxsize=64)(self._make_rounds)

    def token(self, token: str) -> str:
        """The pseudonym of a token. Total; one-to-one up to case.

        A core of more than 1024 characters is replaced by the stretched keyed hash of it: distinct up to a
        collision of 256 bits, and linear in its length.
        """
        return self._map(token, _forward)

    def reveal(self, pseudonym: str) -> str | None:
        """The token of a pseudonym, up to case: `token` undone. None where it was replaced by a hash (long cores)."""
        folded = [_fold(char) for char in pseudonym]
        if max(sum(char in _CORE for char in folded), sum(map(_in_rest, folded))) > _MAX_CORE:
            return None
        return self._map(pseudonym, _backward)

    def _map(self, token: str, way: _Way) -> str:
        folded = [_fold(char) for char in token]
        core = "".join(char for char in folded if char in _CORE)
        rest = [char for char in folded if _in_rest(char)]
        if core in RESERVED and not rest:
            return token
        marks = [char for char, fold in zip(token, folded, strict=True) if fold in _CORE]
        # With a rest beside it no core is a reserved word, neither before nor after.
        kept = frozenset() if rest else RESERVED
        new_core = iter(_recase(marks, self._permute_core(core, kept, way))) if core else iter("")
        new_rest = iter(self._permute_rest(rest, way)) if rest else iter("")
        out: list[str] = []
        for char, fold in zip(token, folded, strict=True):
            if fold in _CORE:
                out.append(next(new_core))
            elif _in_rest(fold):
                new = next(new_rest)
                out.append(_raise(new) if char != fold else new)
            else:
                out.append(char)
        return "".join(out)

    def number(self, text: str) -> str:
        """The pseudonym of a token that came as a JSON number: digits change, the rest of its text stays.

        The first digit is 0 after if it was 0 before, so the result is a JSON number; a plain integer gets
        the pseudonym that the same digits get as a string.
        """
        core = "".join(char for char in text if char in _DIGITS)
        new = iter(self._permute_core(core, RESERVED, _forward))
        return "".join(next(new) if char in _DIGITS else char for char in text)

    def _permute_core(self, core: str, kept: frozenset[str], way: _Way) -> str:
        kind = _class_of(core)
        size = len(core)
        if size > _MAX_CORE:
            return self._stretch(core, kind)
        if kind is _Class.NUMBER:
            low = 10 ** (size - 1) if size > 1 else 0
            return str(low + way(self, int(core) - low, 10**size - low, b"number"))
        if kind is _Class.ZERO:
            value = way(self, int(core), 10 ** (size - 1), b"zero")
            return str(value).zfill(size)
        alphabet = _ALPHABET[kind]
        base = len(alphabet)
        value = _rank(core, alphabet)
        while True:
            # Cycle walking: on from every core of another class, so that the class maps onto itself.
            value = way(self, value, base**size, kind.value.encode())
            walked = _unrank(value, size, alphabet)
            if _class_of(walked) is kind and walked not in kept:
                return walked

    def _permute_rest(self, rest: list[str], way: _Way) -> list[str]:
        if len(rest) > _MAX_CORE:
            stretched = self._stream("".join(rest), 4 * len(rest))
            quads = (int.from_bytes(stretched[4 * i : 4 * i + 4], "big") for i in range(len(rest)))
            return [_fold(_rest_char(quad % _REST_SIZE)) for quad in quads]
        value = 0
        for char in rest:
            value = value * _REST_SIZE + _rest_index(char)
        while True:
            value = way(self, value, _REST_SIZE ** len(rest), b"rest")
            left, out = value, []
            for _ in rest:
                left, index = divmod(left, _REST_SIZE)
                out.append(_rest_char(index))
            if all(_fold(char) == char for char in out):
                return out[::-1]

    def permute(self, value: int, size: int, tweak: bytes, *, back: bool) -> int:
        """The one place that chooses the cipher: a keyed permutation of 0 … size - 1 for each tweak, or its inverse."""
        if size >= _FF1_MIN_DOMAIN:
            crypt = self._ff1.decrypt_int if back else self._ff1.encrypt_int
            return int(crypt(value, domain=size, tweak=tweak))
        rounds = self._rounds(size, tweak)
        # Each round is its own inverse: it swaps two values, or does not.
        for offset, hasher in reversed(rounds) if back else rounds:
            partner = (offset - value) % size
            coin = hasher.copy()
            coin.update(max(value, partner).to_bytes(4, "big"))
            if coin.digest()[0] & 1:
                value = partner
        return value

    def _make_rounds(self, size: int, tweak: bytes) -> list[tuple[int, blake2b]]:
        """Offsets and keyed coins of the swap-or-not rounds.

        12 log2(size) rounds: for size 10^6 the bound that the paper proves, with half of the domain
        asked for, is below 10^-8.
        """
        rounds = []
        for number in range(12 * size.bit_length()):
            seed = b"%b %d %d" % (tweak, size, number)
            offset = int.from_bytes(blake2b(b"offset " + seed, key=self._shuffle_key, digest_size=16).digest(), "big")
            rounds.append((offset % size, blake2b(b"coin " + seed, key=self._shuffle_key, digest_size=1)))
        return rounds

    def _stretch(self, core: str, kind: _Class) -> str:
        alphabet = _ALPHABET.get(kind, digits)
        raw = self._stream(core, 2 * len(core))
        pairs = (raw[i] << 8 | raw[i + 1] for i in range(0, len(raw), 2))
        out = "".join(alphabet[pair % len(alphabet)] for pair in pairs)
        if kind is _Class.NUMBER:
            return digits[1 + raw[0] % 9] + out[1:]
        return "0" + out[1:] if kind is _Class.ZERO else out

    def _stream(self, text: str, size: int) -> bytes:
        seed = blake2b(text.encode("utf-8", "surrogatepass"), key=self._stretch_key, digest_size=32).digest()
        blocks = (blake2b(i.to_bytes(8, "big"), key=seed).digest() for i in range(-(-size // 64)))
        return b"".join(blocks)[:size]


_Way = Callable[[TokenCipher, int, int, bytes], int]
"""The permutation of a domain, or its inverse."""


def _forward(cipher: TokenCipher, value: int, size: int, tweak: bytes) -> int:
    return cipher.permute(value, size, tweak, back=False)


def _backward(cipher: TokenCipher, value: int, size: int, tweak: bytes) -> int:
    return cipher.permute(value, size, tweak, back=True)


def _class_of(core: str) -> _Class:
    used = set(core)
    if used <= _DIGITS:
        return _Class.ZERO if len(core) > 1 and core[0] == "0" else _Class.NUMBER
    if used <= _HEX:
        return _Class.HEX
    return _Class.LETTERS if used <= _LETTERS else _Class.ALNUM


def _rank(core: str, alphabet: str) -> int:
    if alphabet is ascii_lowercase:
        return int(core.translate(_LETTERS_AS_BASE26), 26)
    return int(core, len(alphabet))


_LETTERS_AS_BASE26: Final = str.maketrans(ascii_lowercase, _BASE36[:26])


def _unrank(value: int, size: int, alphabet: str) -> str:
    base = len(alphabet)
    out = []
    for _ in range(size):
        value, index = divmod(value, base)
        out.append(alphabet[index])
    return "".join(reversed(out))


def _recase(marks: list[str], core: str) -> str:
    """Put the case of the old core on the new one, letter by letter; a digit counts as the letter before it."""
    upper = next((mark.isupper() for mark in marks if mark not in _DIGITS), False)
    out = []
    for mark, char in zip(marks, core, strict=True):
        upper = upper if mark in _DIGITS else mark.isupper()
        out.append(char.upper() if upper else char)
    return "".join(out)


def _fold(char: str) -> str:
    """Fold one character to one character; where Unicode would need several, or ASCII, it is its own fold."""
    if char < "\x80":
        return char.lower()
    folded = char.casefold()
    return folded if len(folded) == 1 and folded >= "\x80" else char


def _raise(char: str) -> str:
    upper = char.upper()
    return upper if len(upper) == 1 and _fold(upper) == char else char


def _in_rest(char: str) -> bool:
    return char >= "\xa0" and not "\ud800" <= char <= "\udfff"


def _rest_index(char: str) -> int:
    point = ord(char)
    return point - _REST_FIRST - (0x800 if point > 0xDFFF else 0)


def _rest_char(index: int) -> str:
    point = index + _REST_FIRST
    return chr(point + 0x800 if point >= 0xD800 else point)
