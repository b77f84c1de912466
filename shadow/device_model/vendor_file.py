"""The vendor mapping as its TOML file says it, and what is wrong with one that cannot be used. Pure.

Which table, which field, what to write: the file is written by hand, from a vendor's manual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from ingest.frame import Direction
from shadow.device_model.address import LONGEST_NAME, Address
from shadow.device_model.toml_table import choice, listed, only, tables, text
from shadow.device_model.vendor import (
    CONNECTOR,
    EVSE,
    FieldRule,
    KeyRule,
    Limit,
    Parser,
    StationRules,
    Target,
    TransferRule,
    VendorMapping,
    pattern,
)
from shadow.device_model.vendor_values import CONVERTED
from shadow.mapping.keys import LEGACY_COMPONENT, find

__all__ = ["LONGEST_KEY", "LONGEST_VENDOR", "MAX_ENTRIES", "parse"]

_Rule = TypeVar("_Rule", bound=Target)

MAX_ENTRIES: Final = 5000
"""Keys, DataTransfers and their fields of one file."""
LONGEST_KEY: Final = 100
"""Characters of a glob for keys, which are 50 at most (1.6 CiString50Type): a glob may need brackets around some."""
LONGEST_VENDOR: Final = 255
"""CiString255Type of DataTransfer.vendorId."""
_LONGEST_NOTE: Final = 500
_LONGEST_WORD: Final = 500
"""A 1.6 configuration value (GetConfiguration.conf, §6.24)."""
_MAX_WORDS: Final = 200
_MAX_COLUMN: Final = 999
_LARGEST_SCALE: Final = 12
"""Powers of ten."""
_NUMBERS: Final = frozenset({"integer", "decimal"})

_TARGET: Final = ("variable", "limit", "data_type", "unit", "scale", "values", "note")
_STATION: Final = ("vendor", "model", "charger", "key", "transfer")
_KEY: Final = ("key", *_TARGET)
_TRANSFER: Final = ("vendor_id", "message_id", "direction", "parser", "connector", "field", "note")
_WHERE: Final = {Parser.JSON: "path", Parser.CSV: "column", Parser.QUERY: "name"}
"""How a field of a DataTransfer is named, by the parser; text has one field, without a name."""
_EXAMPLE: Final = {"path": 'path = "a.b[0].c"', "column": "column = 3", "name": 'name = "temp"'}


def parse(document: dict[str, Any]) -> VendorMapping:
    """Read `[[station]]` tables with their `[[station.key]]`, `[[station.transfer]]` and `[[station.transfer.field]]`.

    Raises:
        ValueError: says which table, which field of it, and what to write.

    """
    only(document, ("station",), "the vendor mapping")
    stations = tables(document, "station", "station", "the vendor mapping")
    _bounded(stations)
    return VendorMapping(tuple(_station(number, table) for number, table in enumerate(stations, 1)))


def _bounded(stations: Sequence[dict[str, Any]]) -> None:
    entries = len(stations)
    for table in stations:
        transfers = [one for one in listed(table.get("transfer")) if isinstance(one, dict)]
        entries += (
            len(listed(table.get("key"))) + len(transfers) + sum(len(listed(one.get("field"))) for one in transfers)
        )
    if entries > MAX_ENTRIES:
        raise ValueError(f"{entries} entries: a vendor mapping holds {MAX_ENTRIES} at most; use globs")


def _station(number: int, table: dict[str, Any]) -> StationRules:
    where = f"[[station]] number {number}"
    only(table, _STATION, where)
    globs = {name: text(table, name, where, LONGEST_VENDOR, "*") for name in ("vendor", "model", "charger")}
    keys = tables(table, "key", "station.key", where)
    transfers = tables(table, "transfer", "station.transfer", where)
    return StationRules(
        **globs,
        keys=tuple(_key(f"{where}, [[station.key]] number {place}", one) for place, one in enumerate(keys, 1)),
        transfers=tuple(
            _transfer(f"{where}, [[station.transfer]] number {place}", one) for place, one in enumerate(transfers, 1)
        ),
    )


def _key(where: str, table: dict[str, Any]) -> KeyRule:
    only(table, _KEY, where)
    name = text(table, "key", where, LONGEST_KEY)
    if not name:
        raise ValueError(f'{where} names no key: write key = "MaxAvailableCurrent", or a glob')
    where = f"{where} ({name})"
    standard = find(name).variables[0]
    if standard.component != LEGACY_COMPONENT:
        raise ValueError(
            f"{where}: key is one of the standard, whose variable is {standard.component}/{standard.name}; a mapping"
            " file never overrides the standard table: leave this entry out"
        )
    rule = _read(where, {**_target(where, table), "key": name}, KeyRule)
    if (CONNECTOR in name) != (EVSE in rule.variable):
        raise ValueError(
            f'{where}: key and variable have to agree on {CONNECTOR}: with key = "MaxCurrent{CONNECTOR}" write'
            f' variable = "Connector@{EVSE}.{CONNECTOR}/ACCurrent" or "EVSE@{EVSE}/ACCurrent"'
        )
    if CONNECTOR in name and pattern(name).groups != 1:
        raise ValueError(f"{where}: key may hold {CONNECTOR} once, and not between brackets")
    return rule


def _transfer(where: str, table: dict[str, Any]) -> TransferRule:
    only(table, _TRANSFER, where)
    vendor_id = text(table, "vendor_id", where, LONGEST_VENDOR)
    if not vendor_id:
        raise ValueError(f'{where} names no vendor_id: write the one that the DataTransfer has, or "*"')
    message_id = text(table, "message_id", where, LONGEST_KEY, "*")
    where = f"{where} ({vendor_id}/{message_id})"
    direction = choice(table, "direction", where, [one.value for one in Direction], Direction.CP_TO_CS.value)
    parser = Parser(choice(table, "parser", where, [one.value for one in Parser], ""))
    return TransferRule(
        vendor_id=vendor_id,
        message_id=message_id,
        direction=direction,
        parser=parser,
        connector=_connector(table, where, parser),
        fields=_fields(table, where, parser),
        note=text(table, "note", where, _LONGEST_NOTE) or None,
    )


def _connector(table: dict[str, Any], where: str, parser: Parser) -> str:
    if "connector" not in table:
        return ""
    if parser is Parser.TEXT:
        raise ValueError(f'{where}: connector names a field, and parser = "text" has none; leave it out')
    return _path({_WHERE[parser]: table["connector"]}, f"{where}: connector", parser)


def _fields(table: dict[str, Any], where: str, parser: Parser) -> tuple[FieldRule, ...]:
    found = []
    for number, field in enumerate(tables(table, "field", "station.transfer.field", where), 1):
        here = f"{where}, field {number}"
        only(field, (*_TARGET, *_WHERE.values()), here)
        path = _path({name: field[name] for name in _WHERE.values() if name in field}, here, parser)
        rule = _read(here, {**_target(here, field), "path": path}, FieldRule)
        if EVSE in rule.variable and "connector" not in table:
            raise ValueError(
                f"{here}: variable says {EVSE}, and nothing says which connector: write connector = … in its"
                " [[station.transfer]], the field that holds its number"
            )
        found.append(rule)
    return tuple(found)


def _path(named: dict[str, Any], where: str, parser: Parser) -> str:
    """The name of a field in what `vendor_values.fields` gives."""
    if parser is Parser.TEXT:
        if named:
            raise ValueError(f'{where}: parser = "text" has one field, the whole text; leave {next(iter(named))} out')
        return ""
    wanted = _WHERE[parser]
    if list(named) != [wanted]:
        has = f"has {', '.join(named)}" if named else "does not say which field it is"
        raise ValueError(f'{where} {has}: with parser = "{parser}" write {_EXAMPLE[wanted]}')
    value = named[wanted]
    if parser is not Parser.CSV:
        return text(named, wanted, where, 200) or _refused(f"{where}: {wanted} is empty: write {_EXAMPLE[wanted]}")
    parts = str(value).split(".") if isinstance(value, int | str) and not isinstance(value, bool) else [""]
    numbers = [int(one) if one.isascii() and one.isdigit() and len(one) < 4 else 0 for one in parts]
    if len(numbers) > 2 or not all(1 <= one <= _MAX_COLUMN for one in numbers):
        raise ValueError(
            f'{where}: column counts from 1 to {_MAX_COLUMN}: write column = 3, or column = "8.2" for the second value'
            " of the group in braces in column 8"
        )
    return ".".join(map(str, numbers))


def _target(where: str, table: dict[str, Any]) -> dict[str, Any]:
    """The fields that keys and fields of a DataTransfer share, checked."""
    found: dict[str, Any] = {"variable": _variable(where, table)}
    limit = choice(table, "limit", where, [one.value for one in Limit], "none")
    kind = choice(table, "data_type", where, list(CONVERTED), "none")
    if limit != "none":
        found["limit"] = limit
    if kind != "none":
        found["data_type"] = kind
    if "scale" in table:
        found["scale"] = _scale(where, table["scale"])
    for name, longest in (("unit", 16), ("note", _LONGEST_NOTE)):
        if name in table:
            found[name] = text(table, name, where, longest)
    if limit != "none" and kind not in {"none", *_NUMBERS}:
        raise ValueError(f'{where}: limit is of numbers: write data_type = "integer" or "decimal", or leave it out')
    if "scale" in table and kind not in {"none", *_NUMBERS}:
        raise ValueError(f'{where}: scale is for numbers: write data_type = "integer" or "decimal", or leave it out')
    if "values" in table:
        if "scale" in table:
            raise ValueError(f"{where}: values gives words and scale a factor: write one of them")
        found["values"] = _values(where, table["values"])
        _check_words(where, _read(where, found, Target))
    return found


def _variable(where: str, table: dict[str, Any]) -> str:
    said = text(table, "variable", where, 4 * LONGEST_NAME)
    if not said:
        raise ValueError(f'{where} names no variable: write variable = "Component/Variable", e.g. "EVSE@1/Power"')
    try:
        address = Address.parse(said.replace(f"@{EVSE}.{CONNECTOR}/", "@1.1/").replace(f"@{EVSE}/", "@1/"))
    except ValueError as error:
        raise ValueError(f"{where}: variable {error}") from None
    names = (address.component, address.variable, address.component_instance or "", address.instance or "")
    if any("{" in name or "}" in name for name in names):
        raise ValueError(
            f"{where}: variable {said!r}: {EVSE} and {CONNECTOR} stand behind the component:"
            f' write "Component@{EVSE}/Variable" or "Component@{EVSE}.{CONNECTOR}/Variable"'
        )
    long = next((name for name in names if len(name) > LONGEST_NAME), None)
    if long is not None:
        raise ValueError(f"{where}: variable: the name {long[:60]!r} is longer than {LONGEST_NAME} characters")
    return said


def _scale(where: str, given: Any) -> Decimal:
    hint = 'write a factor in quotes, scale = "0.001"'
    if isinstance(given, float):
        raise ValueError(f"{where}: scale = {given} is not exact as TOML reads it: {hint}")  # noqa: TRY004 - wrong text
    try:
        scale = msgspec.convert(given, Decimal)
    except msgspec.ValidationError:
        scale = Decimal(0)
    if isinstance(given, bool) or not scale.is_finite() or scale <= 0 or abs(scale.adjusted()) > _LARGEST_SCALE:
        raise ValueError(f"{where}: scale is no factor between 1E-{_LARGEST_SCALE} and 1E+{_LARGEST_SCALE}: {hint}")
    if len(scale.as_tuple().digits) > 2 * _LARGEST_SCALE:
        raise ValueError(f"{where}: scale has more than {2 * _LARGEST_SCALE} digits: {hint}")
    return scale


def _values(where: str, given: Any) -> dict[str, str]:
    words = given if isinstance(given, dict) else {}
    if not 0 < len(words) <= _MAX_WORDS or not all(isinstance(one, str) for one in words.values()):
        raise ValueError(f'{where}: values is a table of 1 to {_MAX_WORDS} words: write values = {{ "on" = "true" }}')
    if any(len(one) > _LONGEST_WORD for pair in words.items() for one in pair):
        raise ValueError(f"{where}: values: a word is {_LONGEST_WORD} characters at most")
    twice = [word for word, count in Counter(word.strip().lower() for word in words).items() if count > 1]
    if twice:
        raise ValueError(f"{where}: values: {twice[0]!r} stands there twice; words are compared without case")
    return {word.strip().lower(): value for word, value in words.items()}


def _check_words(where: str, rule: Target) -> None:
    for value in rule.values.values():
        if CONVERTED[rule.kind](value) != (value, None):
            raise ValueError(f"{where}: values: {value!r} is no {rule.kind}: write a value of data_type")


def _refused(message: str) -> str:
    raise ValueError(message)


def _read(where: str, found: dict[str, Any], type_: type[_Rule]) -> _Rule:
    try:
        return msgspec.convert(found, type_)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from None
