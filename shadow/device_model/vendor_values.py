"""What a vendor sends, as values of the variables that the mapping file names. Pure and total: any text may come."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from ingest.timestamps import parse_stamp
from shadow.device_model.fact import LONGEST_VALUE
from shadow.device_model.vendor import Parser, Target, TransferRule
from shadow.quantities import decimal_of

__all__ = ["CONVERTED", "convert", "fields", "number_text", "parsed"]

_LONGEST_DATA: Final = 100_000
"""Characters of a DataTransfer that are read; the longest honest one stays below 15 000."""
_MAX_FIELDS: Final = 1000
_LONGEST_PATH: Final = 200
_exactly: Final = Context(prec=400)
"""More digits than a number that `decimal_of` reads, scaled, can have: nothing is rounded."""
_GROUP: Final = re.compile(r'"[^"]*"|\{[^{}]*\}|[^"{]|["{]')
"""One quoted value, one group in braces, or one character of a CSV text."""
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode

_Outcome = tuple[str | None, str | None]
"""The value, or what is wrong with the text."""


# -- one value ---------------------------------------------------------------------------------------------------------


def convert(rule: Target, text: str) -> _Outcome:
    """The value that a text is in 2.0.1, or None and why it is none. The reason never repeats the text."""
    if len(text) > LONGEST_VALUE:
        return None, f"longer than the {LONGEST_VALUE} characters that 2.0.1 reports (ReportingValueSize)"
    if rule.values:
        word = rule.values.get(text.strip().lower())
        return (
            (None, f"none of the words that the rule knows: {', '.join(rule.values)}") if word is None else (word, None)
        )
    if rule.scale is not None:
        number = decimal_of(text)
        if number is None:
            return None, "no number, so that nothing can be scaled"
        text = number_text(_exactly.multiply(number, rule.scale))
    return CONVERTED[rule.kind](text)


def number_text(number: Decimal) -> str:
    """A number in plain digits, without zeros that say nothing: `0.50` is `0.5`, `1E+3` is `1000`."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _integer(text: str) -> _Outcome:
    number = decimal_of(text)
    if number is None or number != number.to_integral_value(context=_exactly):
        return None, "no integer"
    return number_text(number), None


def _decimal(text: str) -> _Outcome:
    number = decimal_of(text)
    return (None, "no number") if number is None else (number_text(number), None)


def _boolean(text: str) -> _Outcome:
    word = text.strip().lower()
    return (word, None) if word in ("true", "false") else (None, "neither true nor false: give its words in `values`")


def _moment(text: str) -> _Outcome:
    stamp = parse_stamp(text.strip()[:64])
    return (text.strip(), None) if stamp.at is not None and stamp.flaw is None else (None, "no time of RFC 3339")


def _plain(text: str) -> _Outcome:
    return text, None


CONVERTED: Final[Mapping[str, Callable[[str], _Outcome]]] = MappingProxyType(
    {
        "string": _plain,
        "decimal": _decimal,
        "integer": _integer,
        "dateTime": _moment,
        "boolean": _boolean,
        "OptionList": _plain,
        "SequenceList": _plain,
        "MemberList": _plain,
    }
)
"""By DataEnumType (2.0.1 §3.26): how a text becomes a value of it."""


# -- the fields of a DataTransfer --------------------------------------------------------------------------------------


def fields(rule: TransferRule, data: str) -> dict[str, str]:
    """The values in the data of a DataTransfer, by the names that `FieldRule.path` uses; none where it is unreadable.

    JSON: `a.b[0].c`. CSV: the column, from 1, and `8.2` for the second value of a group in braces. Query: the name.
    """
    return parsed(rule.parser, data)


def parsed(parser: Parser, data: str) -> dict[str, str]:
    """The values in a text, read so; the first of a name counts. Bounded in length and number."""
    found: dict[str, str] = {}
    if len(data) > _LONGEST_DATA:
        return found
    for path, value in _PARSERS[parser](data):
        if len(path) <= _LONGEST_PATH:
            found.setdefault(path, value)
        if len(found) >= _MAX_FIELDS:
            break
    return found


def _json(data: str) -> Iterator[tuple[str, str]]:
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            named = [(f"{path}.{name}" if path else name, child) for name, child in value.items()]
        elif isinstance(value, list):
            named = [(f"{path}[{number}]", child) for number, child in enumerate(value[:_MAX_FIELDS])]
        else:
            if value is not None:
                yield path, str(value).lower() if isinstance(value, bool) else str(value)
            continue
        # What stands first is looked at first, and paths only grow: one that is too long already has no short child.
        waiting.extend((name, child) for name, child in reversed(named) if len(name) <= _LONGEST_PATH)


def _csv(data: str) -> Iterator[tuple[str, str]]:
    parts = _GROUP.findall(data)
    separator = ";" if ";" in parts and "," not in parts else ","
    for column, value in enumerate(_columns(parts, separator), 1):
        yield str(column), value.removeprefix('"').removesuffix('"')
        if value.startswith("{") and value.endswith("}"):
            for number, inner in enumerate(value[1:-1].split(separator), 1):
                yield f"{column}.{number}", inner.strip()


def _columns(parts: list[str], separator: str) -> Iterator[str]:
    column: list[str] = []
    for part in parts:
        if part == separator:
            yield "".join(column).strip()
            column.clear()
        else:
            column.append(part)
    yield "".join(column).strip()


def _query(data: str) -> Iterator[tuple[str, str]]:
    # A plus is kept: stations write times with their zone and no blanks.
    separator = ";" if ";" in data and "&" not in data else "&"
    for part in data.strip().removeprefix("?").split(separator):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            yield unquote(name.strip()), unquote(value.strip())


def _text(data: str) -> Iterator[tuple[str, str]]:
    yield "", data


_PARSERS: Final[Mapping[Parser, Callable[[str], Iterator[tuple[str, str]]]]] = MappingProxyType(
    {Parser.JSON: _json, Parser.CSV: _csv, Parser.QUERY: _query, Parser.TEXT: _text}
)
