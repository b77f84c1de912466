"""How single values of 1.6 are read for 2.0.1. Total: what cannot be said is named and left out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ingest.timestamps import format_micros, parse_stamp
from shadow.mapping.rules import Read
from shadow.quantities import decimal_of
from shadow.station import fields
from shadow.station.outbox import Outbox

__all__ = ["INTEGER", "NUMBER", "TIME", "TOKEN", "as_text", "one_of", "sized", "text"]

_LONGEST_STAMP: Final = 64


def text(limit: int) -> Read:
    """A string of at most `limit` characters; what is longer is cut, and the loss is named."""

    def read(out: Outbox, where: str, value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            return None  # the schema check has named it
        plain = str(value)
        if len(plain) > limit:
            out.lost(where, plain, detail=f"cut at {limit} characters, the longest that 2.0.1 takes")
        return plain[:limit]

    return read


def sized(limit: int) -> Read:
    """The same for what must not be shown: of a certificate, or a location with a password, the length is named."""

    def read(out: Outbox, where: str, value: Any) -> str | None:
        if not isinstance(value, str):
            return None
        if len(value) > limit:
            out.lost(where, f"{len(value)} characters", detail=f"cut at {limit} characters, the longest of 2.0.1")
        return value[:limit]

    return read


def one_of(names: Mapping[str, str | None]) -> Read:
    """A value of an enumeration. None as its 2.0.1 name: 1.6 has it and 2.0.1 has not, which is named as a loss.

    A value that 1.6 does not have either breaks the 1.6 schema, which is named there; here it is left out.
    """

    def read(out: Outbox, where: str, value: Any) -> str | None:
        if isinstance(value, str) and value in names:
            name = names[value]
            if name is None:
                out.lost(where, value, detail="a value that 2.0.1 does not have")
            return name
        out.unmapped(f"{where}={value}"[:80])
        return None

    return read


def as_text(_out: Outbox, _where: str, value: Any) -> str | None:
    """A number that 2.0.1 writes as a string, such as the primary's transactionId."""
    number = fields.integer({"": value}, "")
    return None if number is None else str(number)[:36]


def _integer(_out: Outbox, _where: str, value: Any) -> int | None:
    return fields.integer({"": value}, "")


def _number(_out: Outbox, _where: str, value: Any) -> Decimal | None:
    return decimal_of(value)


def _time(out: Outbox, where: str, value: Any) -> str | None:
    """A time of the future or the past as RFC 3339: never the charging station's clock, so no offset is learnt."""
    if not isinstance(value, str):
        return None
    stamp = parse_stamp(value[:_LONGEST_STAMP])
    if stamp.flaw is not None:
        out.name_flaw(stamp, where, value)
    return None if stamp.at is None else format_micros(stamp.at)


def _token(out: Outbox, _where: str, value: Any) -> dict[str, Any] | None:
    """IdTokenType of an idTag; its type is a guess that never enters a comparison (C01.FR.25)."""
    tag = fields.text({"": value}, "")
    return None if tag is None else out.id_token(tag)


INTEGER: Final[Read] = _integer
NUMBER: Final[Read] = _number
"""An exact decimal."""
TIME: Final[Read] = _time
TOKEN: Final[Read] = _token
