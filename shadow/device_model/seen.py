"""What the values of one name look like: their type, their range, some of them. Plain data, bounded."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import msgspec

from ingest.sensitive import Kind, classify
from ingest.timestamps import parse_stamp
from shadow.quantities import decimal_of

__all__ = ["Seen", "data_type_of", "is_plain"]

_SAMPLES: Final = 4
_LONGEST_SAMPLE: Final = 60
_INTEGER: Final = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_LIST: Final = re.compile(r"[\w.\- ]{1,60}(?:,[\w.\- ]{1,60}){1,40}", re.ASCII)
_MASKED: Final = re.compile(r"[*xX.•-]+|masked", re.ASCII | re.IGNORECASE)


def is_plain(name: str) -> bool:
    """Whether a value of this name may be shown: it is no token, no secret and no signed data."""
    return all(classify(part) is Kind.PLAIN for part in (name, *re.split(r"[.\[]", name)))


def data_type_of(text: str) -> str:
    """The DataEnumType that a text could be of."""
    word = text.strip()
    if word.lower() in ("true", "false"):
        return "boolean"
    if _INTEGER.fullmatch(word):
        return "integer"
    if decimal_of(word) is not None:
        return "decimal"
    if "T" in word and len(word) < 64 and parse_stamp(word).at is not None:
        return "dateTime"
    return "MemberList" if _LIST.fullmatch(word) else "string"


class Seen(msgspec.Struct):
    """The values of one name."""

    name: str
    secret: bool = False
    """It may be a token or a secret: only the number of values is kept."""
    shown: bool = True
    """False: nothing tells what it is, so that its type is kept and no value."""
    stations: int = 0
    values: int = 0
    types: set[str] = msgspec.field(default_factory=set)
    samples: dict[str, None] = msgspec.field(default_factory=dict)
    """Some different values, in the order of seeing."""
    more: bool = False
    """There were others."""
    least: Decimal | None = None
    most: Decimal | None = None
    readonly: set[bool] = msgspec.field(default_factory=set)
    """What 1.6 says of a configuration key."""

    def add(self, text: str, *, readonly: bool | None = None) -> None:
        """Take one value; one that is empty or masked says nothing of its type."""
        self.values += 1
        if readonly is not None:
            self.readonly.add(readonly)
        word = text.strip()
        if self.secret or not word or _MASKED.fullmatch(word):
            return
        kind = data_type_of(word)
        self.types.add(kind)
        if not self.shown:
            return
        number = decimal_of(word) if kind in ("integer", "decimal") else None
        if number is not None:
            self.least = number if self.least is None else min(self.least, number)
            self.most = number if self.most is None else max(self.most, number)
        self._sample(word)

    def _sample(self, word: str) -> None:
        cut = word if len(word) <= _LONGEST_SAMPLE else f"{word[:_LONGEST_SAMPLE]}…"
        if cut in self.samples:
            return
        if len(self.samples) < _SAMPLES:
            self.samples[cut] = None
        else:
            self.more = True

    def join(self, other: Seen) -> None:
        """Take what was seen of another charging station."""
        self.stations += other.stations
        self.values += other.values
        self.types |= other.types
        self.readonly |= other.readonly
        self.more = self.more or other.more
        for word in other.samples:
            self._sample(word)
        for number in (other.least, other.most):
            if number is not None:
                self.least = number if self.least is None else min(self.least, number)
                self.most = number if self.most is None else max(self.most, number)

    @property
    def data_type(self) -> str:
        """The one DataEnumType that all values are of; none seen, or a mixture, is `string`."""
        if self.types == {"integer", "decimal"}:
            return "decimal"
        return next(iter(self.types)) if len(self.types) == 1 else "string"
