"""Dead letters: what was given up, where it lies and why.

A letter names the place of the record that it is about, as TOPIC/PARTITION/OFFSET, and never repeats its text.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

import msgspec

from app.distributed.reading import read_topic
from diff.published import decode
from diff.store.tables import DeadLetter
from ingest.cloudevents import UndecodableError
from ingest.frame import Micros
from ingest.topic_admin import TopicError

__all__ = ["Counted", "Letters", "Place", "Wanted", "read_letters"]

_MOST_LETTERS: Final = 200_000


class Place(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read TOPIC/PARTITION/OFFSET.

        Raises:
            ValueError: it is none.

        """
        topic, *numbers = text.rsplit("/", 2)
        if not topic or len(numbers) != 2 or not all(one.isascii() and one.isdigit() for one in numbers):
            raise ValueError(f"{text[:80]!r} is no place of a record: TOPIC/PARTITION/OFFSET")
        return cls(topic, int(numbers[0]), int(numbers[1]))


class Wanted(msgspec.Struct, frozen=True):
    """Which letters: those for which all that is given holds."""

    since: Micros | None = None
    """When the letter was written, by Kafka's clock."""
    reason: str = ""
    """Stands somewhere in the reason, in whatever case."""
    charger: str = ""

    def holds(self, letter: DeadLetter) -> bool:
        """Whether it is one of them; `since` is left to the reading."""
        return self.reason.lower() in letter.reason.lower() and self.charger in ("", letter.charger_id)


class Counted(msgspec.Struct):
    """A letter and how often it was written: a worker that crashed writes one again."""

    letter: DeadLetter
    written_at: Micros
    """The first time, by Kafka's clock."""
    times: int = 1

    @property
    def place(self) -> Place | None:
        """The record it is about; None where it is about something else, as a line of a spool or a row."""
        try:
            return Place.parse(self.letter.position)
        except ValueError:
            return None


class Letters(msgspec.Struct):
    """What was found."""

    found: dict[str, Counted]
    """By id, in the order of writing."""
    unreadable: int = 0
    """Records of the topic that are no letters."""

    def reasons(self) -> list[tuple[str, int]]:
        """How many letters give each reason, the most frequent first."""
        return Counter(one.letter.reason for one in self.found.values()).most_common()


def read_letters(bootstrap: str, topic: str, wanted: Wanted, **options: Any) -> Letters:
    """Read the topic of dead letters to its end. Raises `TopicError`."""
    letters = Letters({})
    for record in read_topic(bootstrap, topic, since=wanted.since, **options):
        try:
            letter = decode(record.value, DeadLetter)
        except UndecodableError:
            letters.unreadable += 1
            continue
        if not wanted.holds(letter):
            continue
        known = letters.found.get(letter.id)
        if known is not None:
            known.times += 1
            known.written_at = min(known.written_at, record.timestamp * 1000)
        elif len(letters.found) < _MOST_LETTERS:
            letters.found[letter.id] = Counted(letter, record.timestamp * 1000)
        else:
            raise TopicError(f"{topic}: more than {_MOST_LETTERS} letters; ask for fewer with --since")
    letters.found = dict(sorted(letters.found.items(), key=lambda item: item[1].written_at))
    return letters
