"""The vocabulary of the mapping tables: one `Rule` per field, one `Table` per request or answer.

A table is data. `translate` follows it, the coverage page is printed from it, and a test walks the official 1.6 schemas
to prove that no field is missing. Where a message needs the state of the station (transactions, meter values, statuses)
a handler of `shadow.station` makes it, and its table says what becomes of each field all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ingest.frame import Direction
from shadow.message import Provenance

if TYPE_CHECKING:
    from shadow.station.outbox import Outbox

__all__ = [
    "ANSWER",
    "FROM_CSMS",
    "FROM_STATION",
    "REQUEST",
    "Handling",
    "Read",
    "Rule",
    "Table",
    "fixed",
    "group",
    "listed",
    "lost",
    "made",
    "moved",
    "same",
]

REQUEST: Final = "request"
ANSWER: Final = "answer"
FROM_STATION: Final = (Direction.CP_TO_CS,)
FROM_CSMS: Final = (Direction.CS_TO_CP,)

Read = Callable[["Outbox", str, Any], Any]
"""Reads one 1.6 value: `(out, where, value)` → the 2.0.1 value, None where it cannot be said (then it is named)."""


class Handling(StrEnum):
    """What becomes of a field."""

    MAPPED = "mapped"
    """2.0.1 says the same, perhaps under another name."""
    LOSSY = "lossy"
    """2.0.1 says part of it, or says it in another message."""
    SYNTHESISED = "synthesised"
    """2.0.1 asks for it and 1.6 cannot say it."""
    NO_EQUIVALENT = "no-equivalent"
    """2.0.1 has no place for it: an `expected-loss` discrepancy names it whenever it carries a value."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one field, at one level of a message."""

    source: str = ""
    """The 1.6 field; empty where 1.6 has none."""
    target: str = ""
    """The 2.0.1 field, with dots where it lies deeper than the source; empty where 2.0.1 has none."""
    handling: Handling = Handling.MAPPED
    provenance: Provenance = Provenance.OBSERVED
    read: Read | None = None
    """None: the value as it stands."""
    constant: Any = None
    """The value of a field that is always the same, where 1.6 has no such field."""
    inside: tuple[Rule, ...] = ()
    """Rules for the members of an object, or of each object of a list."""
    wrapped: bool = False
    """2.0.1 has a list where 1.6 has one value."""
    why: str = ""
    """The clause, or the reason for the choice."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """All fields of one request or answer of OCPP 1.6."""

    action: str
    """Of 1.6."""
    part: str
    directions: tuple[Direction, ...]
    """Of the request, also where the table is of its answer; two for DataTransfer."""
    message: str
    """The 2.0.1 action that carries it; empty where there is none."""
    rules: tuple[Rule, ...] = ()
    why: str = ""
    also: tuple[str, ...] = ()
    """Further 2.0.1 messages that carry part of it."""
    beyond: tuple[str, ...] = ()
    """1.6 fields that the rules name and the official schema has not, such as names of an earlier edition."""


def same(name: str, read: Read | None = None, *, why: str = "", lossy: bool = False) -> Rule:
    """A field that has the same name in both versions."""
    return moved(name, name, read, why=why, lossy=lossy)


def moved(source: str, target: str, read: Read | None = None, *, why: str = "", lossy: bool = False) -> Rule:
    """A field that stands elsewhere in 2.0.1, or under another name."""
    handling = Handling.LOSSY if lossy else Handling.MAPPED
    return Rule(source=source, target=target, read=read, handling=handling, why=why)


def group(source: str, target: str, *inside: Rule, why: str = "") -> Rule:
    """An object, or a list of objects, with rules for what is inside. An empty target lifts the members one level."""
    return Rule(source=source, target=target, inside=inside, why=why)


def listed(source: str, target: str, *inside: Rule, read: Read | None = None, why: str = "") -> Rule:
    """One object or value of 1.6 that is a list of them in 2.0.1."""
    return Rule(source=source, target=target, inside=inside, read=read, wrapped=True, why=why)


def made(target: str, *, why: str = "", provenance: Provenance = Provenance.SYNTHESISED) -> Rule:
    """A field of 2.0.1 that 1.6 has not: the handler gives its value."""
    return Rule(target=target, handling=Handling.SYNTHESISED, provenance=provenance, why=why)


def fixed(target: str, value: Any, *, why: str = "") -> Rule:
    """A field of 2.0.1 that 1.6 has not and that always has the same value."""
    return Rule(
        target=target, constant=value, handling=Handling.SYNTHESISED, provenance=Provenance.SYNTHESISED, why=why
    )


def lost(source: str, *, why: str) -> Rule:
    """A field that has no place in 2.0.1."""
    return Rule(source=source, handling=Handling.NO_EQUIVALENT, why=why)
