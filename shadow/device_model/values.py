"""Values of variables: what their text means, when two are the same, and what is wrong with one. Pure and total.

Every value of the device model travels as text (attributeValue). What it means follows from DataEnumType (Part 2):
`TRUE` and `true` are one boolean, `16.0` and `16` one number, `A,W` and `W,A` one MemberList but two SequenceLists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ingest.timestamps import Flaw, format_micros, parse_stamp
from shadow.device_model.fact import LONGEST_VALUE
from shadow.device_model.standard import GENERIC, DataType, Variable
from shadow.quantities import decimal_of

__all__ = ["LONGEST_WRITTEN", "equal", "flaws", "members", "normal"]

LONGEST_WRITTEN: Final = 1000
"""ConfigurationValueSize (Part 2 §2.1.20): no value that can be set is longer."""
_LONGEST_STAMP: Final = 64
_LONGEST_SHOWN: Final = 40
_INTEGER: Final = re.compile(r"[+-]?\d{1,40}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]*", re.ASCII)
"""identifierString (Part 2, primitive datatypes)."""
_SYNONYMS: Final[Mapping[str, str]] = MappingProxyType({"ParkingBayOccupied": "ParkingBayOccupancy"})
"""Documents of the OCA use both; Part 2 §2.6.6 and the errata the second."""
_LISTS: Final = frozenset({DataType.MEMBER_LIST, DataType.SEQUENCE_LIST})
_IDENTIFIER_STRING: Final = "identifierString"
_PASSWORD_STRING: Final = "passwordString"  # noqa: S105 - the name of a type


# -- Meaning -----------------------------------------------------------------------------------------------------------


def members(text: str) -> tuple[str, ...]:
    """The members of a list as text, in their order and as often as they stand there, by their names of today."""
    items = (item.strip() for item in text.split(","))
    return tuple(_SYNONYMS.get(item, item) for item in items if item)


def normal(data_type: str, text: str) -> str:
    """The plain way to write a value: `TRUE` as `true`, `016` as `16`, `A, W,A` of a MemberList as `A,W`.

    A text that is no value of its type stays as it is. Normal forms are stable: that of a normal form is itself. The
    order in which a MemberList was written is kept, so equal lists may have different normal forms.
    """
    reader = _NORMAL.get(data_type)
    return text if reader is None else reader(text)


def equal(data_type: str, first: str, second: str) -> bool:
    """Whether two values of a type mean the same."""
    return first == second or _meaning(data_type, first) == _meaning(data_type, second)


def _meaning(data_type: str, text: str) -> object:
    if data_type == DataType.MEMBER_LIST:
        return frozenset(members(text))
    return normal(data_type, text)


def _boolean(text: str) -> str:
    word = text.strip().lower()
    return word if word in ("true", "false") else text


def _number(text: str) -> str:
    number = decimal_of(text)
    return text if number is None else _plain(number)


def _plain(number: Decimal) -> str:
    digits = format(number, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits


def _moment(text: str) -> str:
    at = parse_stamp(text).at if len(text) <= _LONGEST_STAMP else None
    return text if at is None else format_micros(at)


def _option(text: str) -> str:
    word = text.strip()
    return _SYNONYMS.get(word, word)


_NORMAL: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        DataType.BOOLEAN: _boolean,
        DataType.INTEGER: _number,
        DataType.DECIMAL: _number,
        DataType.DATE_TIME: _moment,
        DataType.OPTION_LIST: _option,
        DataType.MEMBER_LIST: lambda text: ",".join(dict.fromkeys(members(text))),
        DataType.SEQUENCE_LIST: lambda text: ",".join(members(text)),
        _IDENTIFIER_STRING: str.lower,
    }
)


# -- Flaws -------------------------------------------------------------------------------------------------------------


def flaws(variable: Variable, text: str) -> tuple[str, ...]:
    """Why a value is not one that the standard allows of a variable, in words with the rule; none where it is one.

    Of a password only its length is judged, and nothing of it is said.
    """
    return tuple(_flaws(variable, text))


def _flaws(variable: Variable, text: str) -> Iterator[str]:
    yield from _sizes(variable, text)
    if text.strip() or not variable.nullable:
        form = _form(variable, text)
        if form:
            yield form
        else:
            yield from _words(variable, text)
    yield from _limits(variable, text)


def _sizes(variable: Variable, text: str) -> Iterator[str]:
    if len(text) > LONGEST_VALUE:
        yield f"has {len(text)} characters, no value has more than {LONGEST_VALUE} (ReportingValueSize, Part 2 §2.1.21)"
    elif len(text) > LONGEST_WRITTEN and variable.writable:
        yield (
            f"has {len(text)} characters, none that can be set has more than {LONGEST_WRITTEN} "
            "(ConfigurationValueSize, Part 2 §2.1.20)"
        )


def _form(variable: Variable, text: str) -> str:
    """What is wrong with how it is written; empty where nothing is."""
    match variable.data_type:
        case DataType.BOOLEAN if text not in ("true", "false"):
            return f"{_shown(text)} is not true or false in lower case (DataEnumType boolean)"
        case DataType.INTEGER if not _INTEGER.fullmatch(text):
            return f"{_shown(text)} is no integer (DataEnumType integer)"
        case DataType.DECIMAL if not _NUMBER.fullmatch(text):
            return f"{_shown(text)} is no decimal number (DataEnumType decimal)"
        case DataType.DATE_TIME:
            return _stamp_form(variable, text)
        case DataType.STRING if variable.refinement == _IDENTIFIER_STRING and not _IDENTIFIER.fullmatch(text):
            return f"{_shown(text)} has characters that an identifier has not (identifierString: A-Z a-z 0-9 *-_=:+|@.)"
        case _:
            return ""


def _stamp_form(variable: Variable, text: str) -> str:
    stamp = parse_stamp(text) if len(text) <= _LONGEST_STAMP else None
    if stamp is None or stamp.at is None:
        return f"{_shown(text)} is no date and time (DataEnumType dateTime, RFC 3339)"
    # The zone of a generic variable is optional (list of components and variables, DateTime and Time).
    if stamp.flaw is Flaw.NO_ZONE and variable.component != GENERIC:
        return f"{_shown(text)} has no zone as RFC 3339 writes it (DataEnumType dateTime)"
    return ""


def _words(variable: Variable, text: str) -> Iterator[str]:
    if not variable.values or variable.refinement == _PASSWORD_STRING:
        return
    words = members(text) if variable.data_type in _LISTS else (normal(variable.data_type, text),)
    wrong = [word for word in dict.fromkeys(words) if word not in variable.values]
    if wrong:
        listed = ", ".join(variable.values)
        allowed = listed if len(listed) <= LONGEST_WRITTEN // 5 else f"the {len(variable.values)} of its list"
        yield f"{', '.join(map(_shown, wrong[:4]))} is none of {allowed} ({variable.section})"


def _limits(variable: Variable, text: str) -> Iterator[str]:
    numeric = variable.data_type in (DataType.INTEGER, DataType.DECIMAL)
    value = decimal_of(text) if numeric else Decimal(len(text))
    if value is None:
        return
    shown = _plain(value) if numeric else f"has {len(text)} characters, which"
    low, high = _limit(variable.min_limit), _limit(variable.max_limit)
    if low is not None and value < low:
        yield f"{shown} is below {variable.min_limit}, the least that is allowed (minLimit, {variable.section})"
    if high is not None and value > high:
        yield f"{shown} is above {variable.max_limit}, the most that is allowed (maxLimit, {variable.section})"


def _limit(text: str | None) -> Decimal | None:
    return None if text is None else decimal_of(text)


def _shown(text: str) -> str:
    shown = repr(text[: _LONGEST_SHOWN + 1])
    return shown if len(shown) <= _LONGEST_SHOWN + 2 else f"{shown[:_LONGEST_SHOWN]}…'"
