"""What an audit says, as headings, facts, sentences and tables: Markdown and HTML are written from the same. Pure.

A verdict is a `Mark`, a word with a tone, so that each renderer can show it by more than its colour.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from diff.audit.tiers import Tiers
from ingest.frame import UNKNOWN_TIME, Micros

__all__ = [
    "LONGEST",
    "Cell",
    "Chart",
    "Document",
    "Facts",
    "Mark",
    "Picture",
    "Section",
    "Sentence",
    "Table",
    "Tone",
    "clean",
    "mark",
    "moment",
]

LONGEST: Final = 200
"""Characters of a value that are shown."""
_UNSHOWABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
"""Controls, marks that turn the direction of text, and halves of characters: none of them is shown as it stands."""


class Tone(StrEnum):
    """How good a word is."""

    GOOD = "good"
    PART = "part"
    BAD = "bad"
    OPEN = "open"


class Mark(msgspec.Struct, frozen=True):
    """A word that judges."""

    word: str
    tone: Tone


Cell = str | Mark


class Sentence(msgspec.Struct, frozen=True):
    """A paragraph."""

    text: str


class Facts(msgspec.Struct, frozen=True):
    """Terms and what they are."""

    rows: tuple[tuple[str, str], ...]


class Table(msgspec.Struct, frozen=True):
    """A table; the first column names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Picture(msgspec.Struct, frozen=True):
    """The three-tier picture of a device model; where no picture can stand, the table beside it says the same."""

    tiers: Tiers
    title: str


class Chart(msgspec.Struct, frozen=True):
    """A chart, and in words what it shows: where no picture can stand, the words do."""

    title: str
    said: str
    svg: str
    """Ready to stand in a page: whoever drew it has escaped what came from outside."""


class Section(msgspec.Struct, frozen=True):
    """A heading and what stands under it."""

    title: str
    parts: tuple[Sentence | Facts | Table | Picture | Chart, ...]


class Document(msgspec.Struct, frozen=True):
    """The whole."""

    title: str
    sections: tuple[Section, ...]


_TONES: Final = {
    "evidenced": Tone.GOOD,
    "observed": Tone.GOOD,
    "derived": Tone.GOOD,
    "there": Tone.GOOD,
    "within": Tone.GOOD,
    "mapped": Tone.GOOD,
    "vendor-mapped": Tone.GOOD,
    "derivable": Tone.PART,
    "assumed": Tone.PART,
    "lossy": Tone.PART,
    "secret": Tone.PART,
    "missing": Tone.BAD,
    "beyond": Tone.BAD,
    "no-equivalent": Tone.BAD,
    "unmapped": Tone.BAD,
}
"""By word: the enums of the audit use each word in one sense."""


def mark(word: StrEnum) -> Mark:
    """The mark of a verdict; what is neither good nor bad is open."""
    return Mark(word.value, _TONES.get(word.value, Tone.OPEN))


def clean(text: str, longest: int = LONGEST) -> str:
    """A text of the outside in one line, cut, and with nothing in it that moves or hides what stands beside it."""
    shown = text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"[\t\r\n]+", " ", shown))


def moment(at: Micros) -> str:
    """A time for people, in UTC."""
    if at == UNKNOWN_TIME:
        return "unknown"
    try:
        return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return f"{at} µs"
