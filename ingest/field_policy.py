"""The field policy: what becomes of members of vendors' data that no built-in name tells apart. Pure.

    [[rule]]
    vendor = "com.example.*"       # DataTransfer with this vendorId
    message = "Driver*"            # and this messageId; left out: any
    path = "driver.name"           # this member of its data and all below it; without path and member: all of it
    do = "drop"                    # drop: asterisks, hash: a pseudonym or keyed hash, keep: as it came
    reason = "names of drivers"

    [[rule]]
    key = "Customer*"              # the value of a configuration key (1.6) or variable (2.0.1)
    do = "hash"
    reason = "customer numbers"

    [[rule]]
    member = "phone*"              # a member of this name, anywhere; with vendor: anywhere in its data
    do = "drop"
    reason = "telephone numbers"

Globs know `*`, `?` and `[…]`; case does not count. The first rule that fits a value counts. What the built-in tables
(`ingest.sensitive`) call a secret stays asterisks, whatever a rule says.
"""

from __future__ import annotations

import re
import tomllib
from enum import Enum
from fnmatch import translate
from functools import lru_cache
from typing import Any, Final

import msgspec

from ingest.sensitive import Kind, classify

__all__ = ["Do", "FieldPolicy", "FieldPolicyError", "Rule", "parse_field_policy"]

_MOST: Final = 500
_LONGEST: Final = 255
_LONGEST_REASON: Final = 500
_WILD: Final = re.compile(r"[*?\[\]!]+")
_FIELDS: Final = ("vendor", "message", "path", "member", "key", "do", "reason")


class FieldPolicyError(ValueError):
    """A policy that cannot be followed; the message names the rule and what to do."""


class Do(Enum):
    """What becomes of a value."""

    DROP = "drop"
    """An asterisk for each character; a number keeps its form, its digits become 9."""
    HASH = "hash"
    """What can be a token becomes a pseudonym, other text a keyed hash: equal values stay equal under one key."""
    KEEP = "keep"
    """It stays, although its name is that of a token."""


class Rule(msgspec.Struct, frozen=True):
    """One rule; globs in lower case, None where it does not ask for that."""

    number: int
    """In the file, from 1."""
    do: Do
    reason: str
    vendor: str | None = None
    message: str | None = None
    path: tuple[str, ...] = ()
    member: str | None = None
    key: str | None = None


class _Written(msgspec.Struct, frozen=True):
    do: Do
    reason: str
    vendor: str | None = None
    message: str | None = None
    path: str | None = None
    member: str | None = None
    key: str | None = None


class FieldPolicy:
    """The rules of a file, in order."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self._anywhere = tuple(one for one in rules if one.member is not None and one.vendor is None)
        self._keys = tuple(one for one in rules if one.key is not None)
        self._vendors = tuple(one for one in rules if one.vendor is not None)
        self._signs = _signs(rules)
        self.of_member = lru_cache(maxsize=8192)(self._of_member)
        self.of_key = lru_cache(maxsize=8192)(self._of_key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldPolicy) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(self.rules)

    def may_hold(self, text: str) -> bool:
        """A quick look: False means that no rule touches any value of the text. True may be wrong."""
        low = text.lower()
        return any(sign in low for sign in self._signs)

    def of_vendor(self, vendor: str | None, message: str) -> tuple[Rule, ...]:
        """The rules for the data of a DataTransfer.

        An answer names no vendor (None): what is to be dropped or hashed of any vendor counts for it.
        """
        if vendor is None:
            return tuple(one for one in self._vendors if one.do is not Do.KEEP)
        return tuple(
            one
            for one in self._vendors
            if _fits(one.vendor or "", vendor.lower()) and _fits(one.message or "*", message.lower())
        )

    def _of_member(self, name: str) -> Rule | None:
        """The rule for a member of this name, in lower case, wherever it stands."""
        return next((one for one in self._anywhere if _fits(one.member or "", name)), None)

    def _of_key(self, name: str) -> Rule | None:
        """The rule for the value of a configuration key or variable."""
        return next((one for one in self._keys if _fits(one.key or "", name.lower())), None)


def within(rule: Rule, path: tuple[str, ...]) -> bool:
    """Whether a value of a vendor's data is meant by a rule for it; `path`: the members that lead to it."""
    if rule.member is not None:
        return any(_fits(rule.member, name) for name in path)
    return len(path) >= len(rule.path) and all(map(_fits, rule.path, path))


@lru_cache(maxsize=2048)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))


def _fits(glob: str, name: str) -> bool:
    return glob == name or _pattern(glob).match(name) is not None


def _signs(rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """One for each rule, that a text in lower case must hold for the rule to touch it; escapes may hide any."""
    if not rules:
        return ()
    signs = {"\\"}
    for one in rules:
        # An answer to a DataTransfer says neither its action nor the vendor.
        signs.add('"data"' if one.vendor is not None else _longest_piece(one.member or one.key or ""))
    return ("",) if "" in signs else tuple(sorted(signs))


def _longest_piece(glob: str) -> str:
    bare = re.sub(r"\[[^\]]*\]?", "*", glob)
    return max(re.split(r"[*?]+", bare), key=len)


def parse_field_policy(text: str) -> FieldPolicy:
    """Read a file.

    Raises:
        FieldPolicyError: it is no TOML, or a rule is none that can be followed.

    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FieldPolicyError(f"no TOML: {error}; correct it") from None
    unknown = sorted(set(document) - {"rule"})
    if unknown:
        raise FieldPolicyError(f"there is an entry {unknown[0][:40]!r}; the file holds [[rule]] tables")
    entries = document.get("rule", [])
    if not isinstance(entries, list) or len(entries) > _MOST:
        raise FieldPolicyError(f"rule must be a list of at most {_MOST} tables: write [[rule]]")
    return FieldPolicy(tuple(_rule(number, entry) for number, entry in enumerate(entries, 1)))


def _rule(number: int, entry: Any) -> Rule:
    where = f"[[rule]] number {number}"
    unknown = sorted(set(entry) - set(_FIELDS)) if isinstance(entry, dict) else []
    if unknown:
        raise FieldPolicyError(f"{where} has a field {unknown[0][:40]!r}; it takes {', '.join(_FIELDS)}")
    try:
        read = msgspec.convert(entry, _Written)
    except msgspec.ValidationError as error:
        raise FieldPolicyError(f"{where}: {error}; do is drop, hash or keep, and a reason says why") from None
    if not read.reason.strip() or len(read.reason) > _LONGEST_REASON:
        raise FieldPolicyError(f"{where}: a reason of 1 to {_LONGEST_REASON} characters says why; write one")
    globs = {name: getattr(read, name) for name in _FIELDS[:5] if getattr(read, name) is not None}
    for name, glob in globs.items():
        if not glob or len(glob) > _LONGEST:
            raise FieldPolicyError(f"{where}: {name} has 1 to {_LONGEST} characters; leave it out where any is meant")
    _check_shape(where, set(globs))
    if read.do is Do.KEEP:
        _check_kept(where, [*(read.path or "").split("."), read.member or "", read.key or ""])
    path = tuple((read.path or "").lower().split(".")) if read.path else ()
    if any(not part for part in path):
        raise FieldPolicyError(f"{where}: path is names with single dots between them, as driver.name")
    low = {name: glob.lower() for name, glob in globs.items() if name != "path"}
    return Rule(number, read.do, read.reason.strip(), path=path, **low)


def _check_shape(where: str, given: set[str]) -> None:
    if given & {"message", "path"} and "vendor" not in given:
        raise FieldPolicyError(f'{where}: message and path belong to a vendor; add one, vendor = "*" for any')
    if "key" in given and len(given) > 1:
        raise FieldPolicyError(f"{where}: key stands alone, a configuration key has no {min(given - {'key'})}")
    if {"path", "member"} <= given:
        raise FieldPolicyError(f"{where}: path and member are two ways to name a member; choose one")
    if not given:
        raise FieldPolicyError(f"{where}: says of nothing what to do; name a vendor, a key or a member")


def _check_kept(where: str, globs: list[str]) -> None:
    """What is kept has to be named so that it can be no secret; and a secret met at run time is none the less."""
    names = [_WILD.sub("", one) for one in globs]
    secret = next((one for one in names if classify(one) in (Kind.SECRET, Kind.SIGNED)), None)
    if secret is not None:
        raise FieldPolicyError(f"{where}: {secret} is the name of a secret, which is never kept; take the rule out")
    if not any(names):
        raise FieldPolicyError(f"{where}: keep needs a name: all names would be too many; write which member or key")
