"""Reading the fields of a record: each gives a value or a `RecordError` that says what stood where."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from ingest.frame import Micros
from ingest.records.record import RecordError
from ingest.timestamps import Flaw, parse_stamp

__all__ = ["Fields", "decimal_of", "decimals"]

_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,12})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_LARGEST: Final = Decimal(10) ** 15
_MAX_TEXT: Final = 255


def decimal_of(value: Any) -> Decimal | None:
    """A JSON number, or a text that holds one, as an exact decimal; None where it is none, or absurdly large."""
    match value:
        case bool():
            return None
        case int() | Decimal():
            number = Decimal(value)
            fits = number.is_finite() and abs(number.adjusted()) <= 15 and abs(number) < _LARGEST
            return number if fits else None
        case str() if _NUMBER.fullmatch(value.strip()):
            return decimal_of(Decimal(value.strip()))
        case _:
            return None


def decimals(number: Decimal) -> int:
    """Decimals that stand there."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


class Fields:
    """An object of a record, with the path at which it stands."""

    def __init__(self, value: Any, path: str = "") -> None:
        if not isinstance(value, dict):
            shown = path or "the record"
            raise RecordError("not-an-object", shown, "is no JSON object", "deliver one object a record")
        self._values: dict[str, Any] = value
        self._path = path

    def where(self, name: str) -> str:
        """The path of a field."""
        return f"{self._path}.{name}" if self._path else name

    def has(self, name: str) -> bool:
        """Whether something stands there: null counts as nothing."""
        return self._values.get(name) is not None

    def text(self, name: str, *, needed: bool = False, longest: int = _MAX_TEXT) -> str:
        """A text; a number is taken for its digits, since ids are sent as both."""
        value = self._values.get(name)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = str(value)
        if value is None or value == "":
            if needed:
                raise self.error("missing-field", name, "is missing", "have the sender fill it in")
            return ""
        if not isinstance(value, str):
            raise self.error("not-a-text", name, "is no text", "correct the type of the field")
        if len(value) > longest:
            raise self.error("too-long", name, f"has {len(value)} characters, at most {longest} are read", "shorten it")
        return value

    def number(self, name: str, *, needed: bool = False) -> Decimal | None:
        """An exact decimal."""
        value = self._values.get(name)
        if value is None:
            if needed:
                raise self.error("missing-field", name, "is missing", "have the sender fill it in")
            return None
        number = decimal_of(value)
        if number is None:
            raise self.error("not-a-number", name, "is no number below 10^15", "send a JSON number with a point")
        return number

    def flag(self, name: str) -> bool:
        """A boolean, false where it is absent."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.error("not-a-boolean", name, "is neither true nor false", "correct the type of the field")
        return bool(value)

    def moment(self, name: str, *, needed: bool = False) -> Micros | None:
        """A time. OCPI's are UTC, also without a zone designator (§ 16.5 DateTime)."""
        text = self.text(name, needed=needed)
        if not text:
            return None
        stamp = parse_stamp(text[:64])
        if stamp.at is None:
            raise self.error("unreadable-time", name, f"is no time: {stamp.detail}", "write RFC 3339 in UTC", text)
        if stamp.flaw is Flaw.EPOCH:
            raise self.error(
                "unknown-time",
                name,
                f"is of no clock: {stamp.detail}",
                "a session without times cannot be matched",
                text,
            )
        return stamp.at

    def time(self, name: str) -> Micros:
        """A time that has to be there."""
        at = self.moment(name)
        if at is None:
            raise self.error("missing-field", name, "is missing", "have the sender fill it in")
        return at

    def currency(self, name: str, *, needed: bool = False) -> str:
        """An ISO 4217 code."""
        text = self.text(name, needed=needed)
        if text and not _CURRENCY.fullmatch(text):
            raise self.error("no-currency", name, "is no ISO 4217 code", "write three capitals, as EUR", text)
        return text

    def inner(self, name: str, *, needed: bool = False) -> Fields | None:
        """An object inside."""
        if self.has(name):
            return Fields(self._values[name], self.where(name))
        if needed:
            raise self.error("missing-field", name, "is missing", "have the sender fill it in")
        return None

    def objects(self, name: str, most: int) -> list[Fields]:
        """A list of objects; an absent one is empty."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error("not-a-list", name, "is no list", "correct the type of the field")
        if len(value) > most:
            raise self.error("too-many", name, f"has {len(value)} entries, at most {most} are read", "split the record")
        return [Fields(one, f"{self.where(name)}[{number}]") for number, one in enumerate(value)]

    def raw(self, name: str) -> Any:
        """What stands there, unread."""
        return self._values.get(name)

    @property
    def values(self) -> dict[str, Any]:
        """The object as it stands."""
        return self._values

    def error(self, rule: str, name: str, found: str, remedy: str, shown: str = "") -> RecordError:
        """An error at one of these fields."""
        return RecordError(rule, self.where(name), found, remedy, shown=shown)
