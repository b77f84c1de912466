"""The tokens that the shadow has been given, as its CSMS would know them (2.0.1 part C). Plain data.

Without them it can judge an authorization only by what the primary itself said of the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from ingest.frame import Micros
from ingest.timestamps import parse_stamp

__all__ = ["NONE", "GivenToken", "TokenBook", "parse", "pseudonymised"]

_STATUSES: Final = ("Accepted", "Blocked", "Expired", "Invalid", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation")
"""AuthorizationStatusEnumType (2.0.1 §3.3) less what speaks of a moment: ConcurrentTx follows from `concurrent`, and
Unknown is a token that does not stand in the file."""
_LONGEST: Final = 36
_LONGEST_STAMP: Final = 64
_MOST: Final = 1_000_000


class GivenToken(msgspec.Struct, frozen=True, omit_defaults=True):
    """One token."""

    status: str = "Accepted"
    expires_at: Micros | None = None
    group: str | None = None
    """Its group (1.6 parentIdTag, 2.0.1 groupIdToken) in lower case; empty: it has none; None: that is not known."""
    concurrent: bool | None = None
    """Whether it may have several transactions at once; None: that is not known."""


class TokenBook(msgspec.Struct, frozen=True):
    """All tokens of a file."""

    tokens: dict[str, GivenToken] = {}
    """By their lower-case form: tokens are the same whatever their case (1.6 CiString, 2.0.1 identifierString)."""
    complete: bool = False
    """A token that does not stand in it is unknown to the CSMS. Otherwise nothing is said of it."""
    keys: frozenset[str] = frozenset()
    """Versions of the keys under whose pseudonyms its tokens stand in it too."""

    def knows_key(self, version: str) -> bool:
        """Whether a token that stands under this key can be found in it. Where that is not known it may stand plain."""
        return not version or version in self.keys

    def __hash__(self) -> int:
        """Settings are compared and used as keys; a dictionary inside would forbid it."""
        return hash((len(self.tokens), self.complete))

    def __repr__(self) -> str:
        """How many there are: tokens belong to people and stand in no log."""
        return f"TokenBook({len(self.tokens)} tokens, complete={self.complete})"


NONE: Final = TokenBook()


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    status: str = "Accepted"
    expires: Any = None
    """A date-time of TOML, or a text of one."""
    group: str | None = None
    concurrent: bool | None = None


def parse(document: Mapping[str, Any]) -> TokenBook:
    """Read `complete` and `[[token]]` tables: `id`, and as far as known `status`, `expires`, `group`, `concurrent`.

    Raises:
        ValueError: says which table and what is wrong with it; no message repeats a token.

    """
    unknown = sorted(set(document) - {"complete", "token"})
    if unknown:
        raise ValueError(f"there is an entry {unknown[0][:40]!r}; the file holds complete and [[token]] tables")
    complete, entries = document.get("complete", False), document.get("token", [])
    if not isinstance(complete, bool):
        raise ValueError("complete is true or false")  # noqa: TRY004 - wrong text, not a wrong call
    if not isinstance(entries, list) or len(entries) > _MOST:
        raise ValueError(f"token must be a list of at most {_MOST:,} tables: write [[token]]")
    tokens: dict[str, GivenToken] = {}
    for place, entry in enumerate(entries, 1):
        name, token = _token(f"[[token]] number {place}", entry)
        if name in tokens:
            raise ValueError(f"[[token]] number {place}: its id stands on a table before it (capitals do not count)")
        tokens[name] = token
    return TokenBook(tokens, complete)


def _token(where: str, entry: Any) -> tuple[str, GivenToken]:
    try:
        read = msgspec.convert(entry, _Entry)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from None
    if not 1 <= len(read.id) <= _LONGEST:
        raise ValueError(f"{where}: id has 1 to {_LONGEST} characters (2.0.1 IdTokenType)")
    if read.status not in _STATUSES:
        raise ValueError(f"{where}: status is one of {', '.join(_STATUSES)}")
    expires_at = None
    if read.expires is not None:
        moment = read.expires.isoformat() if isinstance(read.expires, datetime) else str(read.expires)
        stamp = parse_stamp(moment[:_LONGEST_STAMP])
        if stamp.at is None or stamp.flaw is not None:
            raise ValueError(f"{where}: expires is no time with its zone: write 2027-01-01T00:00:00Z")
        expires_at = stamp.at
    group = None if read.group is None else read.group.lower()
    return read.id.lower(), GivenToken(read.status, expires_at, group, read.concurrent)


def pseudonymised(book: TokenBook, keys: Mapping[str, Mapping[str, str]]) -> TokenBook:
    """The book with each token also under its pseudonyms: what was mirrored is redacted, recordings of others are not.

    `keys`: for each version of a key the pseudonyms of every id and group of the book, by their lower-case form.
    """
    tokens = dict(book.tokens)
    for pseudonyms in keys.values():
        for name, token in book.tokens.items():
            group = pseudonyms[token.group].lower() if token.group else token.group
            tokens[pseudonyms[name].lower()] = msgspec.structs.replace(token, group=group)
    return TokenBook(tokens, book.complete, frozenset(keys))
