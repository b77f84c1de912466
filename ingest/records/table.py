"""Tables of billing records: a CSV and a mapping file that says what its columns mean. Pure.

A row becomes a small JSON object with the units and zones settled (`meter_start_wh`, times in UTC): that is what
is kept as the text of the frame, and `read_row` makes a `BillingRecord` of it. In the object the token is called `uid`,
as in OCPI, so that redaction knows it.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ingest.frame import Micros
from ingest.records.ocpi import check_energy, check_times
from ingest.records.reading import Fields, decimal_of
from ingest.records.record import BillingRecord, RecordError, RecordKind
from ingest.timestamps import Flaw, format_micros, parse_stamp

__all__ = ["BadRow", "Mapping", "MappingError", "RawRow", "parse_mapping", "read_row", "rows"]

_MAX_CELL: Final = 4096
_MAX_COLUMNS: Final = 512
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLACEHOLDERS: Final = frozenset({Decimal(2**31 - 1), Decimal(2**32 - 1), Decimal(-1)})
_WH_PER: Final = {"Wh": 0, "kWh": 3, "MWh": 6}
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

Columns = tuple[str, ...]
"""Names that a column may have: the first that stands in the table's header counts."""


class MappingError(ValueError):
    """A mapping file that cannot be used; the message names the key and the next step."""


class _Columns(BaseModel):
    """Which column holds what. Of energy: both registers, or the energy itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Columns
    charger: Columns
    start: Columns
    stop: Columns
    connector: Columns = ()
    token: Columns = ()
    transaction_id: Columns = ()
    meter_start: Columns = ()
    meter_stop: Columns = ()
    energy: Columns = ()
    recorded: Columns = ()
    """When the primary took the stop in, by its own clock."""
    amount: Columns = ()
    currency: Columns = ()

    @field_validator("*", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class Mapping(BaseModel):
    """What a table's columns mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    """Names the source: ids are unique within it."""
    columns: _Columns
    delimiter: str = Field(",", min_length=1, max_length=1)
    time_format: str = ""
    """strptime's directives; empty: RFC 3339."""
    time_zone: str = ""
    """IANA name, for times that carry no zone; empty: such times are refused."""
    energy_unit: Literal["Wh", "kWh", "MWh"] = "Wh"
    currency: str = ""
    """Where no column says it."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (KeyError, OSError, ValueError) as error:
                raise ValueError(f"no time zone {value!r}: write an IANA name, as Europe/Berlin") from error
        return value


class RawRow(msgspec.Struct, frozen=True):
    """A row as it goes into a frame."""

    line: int
    charger_id: str
    text: str
    """JSON."""


class BadRow(msgspec.Struct, frozen=True):
    """A row that cannot be used."""

    line: int
    error: RecordError
    charger_id: str = ""
    record_id: str = ""


def parse_mapping(text: str) -> Mapping:
    """Read a mapping file.

    Raises:
        MappingError: it is no TOML, or a key is missing, unknown or wrong.

    """
    try:
        mapping = Mapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise MappingError(
            f"{place}: {first['msg'].removeprefix('Value error, ')}; see docs/billing-records.md"
        ) from None
    named = mapping.columns
    if not named.energy and not (named.meter_start and named.meter_stop):
        raise MappingError("columns: name energy, or meter_start and meter_stop; see docs/billing-records.md")
    return mapping


def rows(lines: Iterable[str], mapping: Mapping) -> Iterator[RawRow | BadRow]:
    """The rows of a table, each as JSON or with what is wrong with it.

    Raises:
        MappingError: the header lacks a column that the mapping names, or there is no header.

    """
    reader = csv.reader(lines, delimiter=mapping.delimiter, strict=True)
    places: dict[str, int] | None = None
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            wrong = RecordError("no-csv", "the row", f"is no CSV: {error}", "correct the quotes of this line")
            yield BadRow(reader.line_num, wrong)
            continue
        if places is None:
            places = _header(cells, mapping)
        elif any(cell.strip() for cell in cells):
            yield _row(cells, places, mapping, reader.line_num)
    if places is None:
        raise MappingError("the table is empty: a header with the names of the columns is needed")


def _header(cells: list[str], mapping: Mapping) -> dict[str, int]:
    """Where the columns stand. The first cell may begin with a byte order mark."""
    if len(cells) > _MAX_COLUMNS:
        raise MappingError(f"the header has {len(cells)} columns, at most {_MAX_COLUMNS} are read")
    known = {name.strip().removeprefix("\ufeff").strip('"'): place for place, name in enumerate(cells)}
    found: dict[str, int] = {}
    for what in type(mapping.columns).model_fields:
        names = getattr(mapping.columns, what)
        place = next((known[name] for name in names if name in known), None)
        if place is not None:
            found[what] = place
        elif names:
            shown = ", ".join(list(known)[:12])
            raise MappingError(f"columns.{what}: the table has no column {' or '.join(names)}; it has: {shown}")
    return found


def _row(cells: list[str], places: dict[str, int], mapping: Mapping, line: int) -> RawRow | BadRow:
    charger_id = record_id = ""
    try:
        given = {what: cells[place].strip() for what, place in places.items() if place < len(cells)}
        charger_id = given.get("charger", "")[:255]
        record_id = given.get("id", "")[:200]
        _check(given)
        record = _normal(given, mapping)
        read_row(record)
    except RecordError as error:
        return BadRow(line, error, charger_id, record_id)
    return RawRow(line, charger_id, _encode(record).decode())


def _check(given: dict[str, str]) -> None:
    missing = next((what for what in ("id", "charger", "start") if not given.get(what)), None)
    if missing is not None:
        raise RecordError("missing-field", missing, "is empty", "every row needs an id, a charger and a start")
    too_long = next((what for what, cell in given.items() if len(cell) > _MAX_CELL), None)
    if too_long is not None:
        raise RecordError("too-long", too_long, f"has more than {_MAX_CELL} characters", "correct the row")


def _normal(given: dict[str, str], mapping: Mapping) -> dict[str, Any]:
    record: dict[str, Any] = {"id": given["id"], "source": mapping.name, "charger": given["charger"]}
    if given.get("connector"):
        record["connector"] = given["connector"]
    if given.get("token"):
        record["uid"] = given["token"]
    if given.get("transaction_id"):
        record["transaction_id"] = given["transaction_id"]
    for what in ("start", "stop", "recorded"):
        if given.get(what):
            record[what] = format_micros(_moment(what, given[what], mapping))
    for what in ("meter_start", "meter_stop", "energy"):
        if given.get(what):
            record[f"{what}_wh"] = _wh(what, given[what], mapping)
    if given.get("amount"):
        record["amount"] = _number("amount", given["amount"])
        record["currency"] = given.get("currency") or mapping.currency
    return record


def _number(what: str, text: str) -> Decimal:
    number = decimal_of(text)
    if number is None:
        raise RecordError("not-a-number", what, "is no number", "write digits and a point, no separators", shown=text)
    return number


def _wh(what: str, text: str, mapping: Mapping) -> Decimal:
    number = _number(what, text)
    if what != "energy" and number in _PLACEHOLDERS:
        raise RecordError(
            "placeholder", what, f"is {number:f}, which stands for 'unknown'", "find the true register of that session"
        )
    return number.scaleb(_WH_PER[mapping.energy_unit])


def _moment(what: str, text: str, mapping: Mapping) -> Micros:
    if mapping.time_format:
        try:
            found = datetime.strptime(text, mapping.time_format)  # noqa: DTZ007 - the zone is given just below
        except ValueError:
            raise RecordError(
                "unreadable-time", what, "is not of the mapping's time_format", "correct one of them", shown=text
            ) from None
        if found.tzinfo is None:
            found = found.replace(tzinfo=_zone(what, mapping))
        return (found - _EPOCH) // timedelta(microseconds=1)
    stamp = parse_stamp(text[:64])
    if stamp.at is None:
        raise RecordError(
            "unreadable-time", what, f"is no time: {stamp.detail}", "name time_format in the mapping", shown=text
        )
    if stamp.flaw is Flaw.EPOCH:
        raise RecordError(
            "unknown-time", what, f"is of no clock: {stamp.detail}", "find when that session was", shown=text
        )
    if stamp.flaw is Flaw.NO_ZONE and "no zone" in stamp.detail:
        local = (_EPOCH + timedelta(microseconds=stamp.at)).replace(tzinfo=_zone(what, mapping))
        return (local - _EPOCH) // timedelta(microseconds=1)
    return stamp.at


def _zone(what: str, mapping: Mapping) -> ZoneInfo:
    if not mapping.time_zone:
        raise RecordError("no-zone", what, "carries no time zone", "name time_zone in the mapping file")
    return ZoneInfo(mapping.time_zone)


def read_row(value: Any) -> BillingRecord:
    """Make a billing record of a row's JSON. Raises `RecordError`."""
    fields = Fields(value)
    start_at, stop_at = fields.time("start"), fields.moment("stop")
    check_times("stop", start_at, stop_at)
    begin, end = fields.number("meter_start_wh"), fields.number("meter_stop_wh")
    energy = fields.number("energy_wh")
    if energy is None and begin is not None and end is not None:
        energy = end - begin
    if energy is not None:
        check_energy("the energy", energy.scaleb(-3), start_at, stop_at)
    elif stop_at is not None:
        raise RecordError("missing-field", "meter_stop", "is empty of a session that ended", "find its last register")
    amount = fields.number("amount")
    connector = fields.text("connector")
    return BillingRecord(
        source=fields.text("source", needed=True, longest=40),
        id=fields.text("id", needed=True, longest=200),
        kind=RecordKind.TABLE,
        start_at=start_at,
        stop_at=stop_at,
        energy_wh=energy,
        resolution_wh=Decimal(1),
        tokens=tuple(one for one in (fields.text("uid"),) if one),
        charger_id=fields.text("charger", needed=True),
        connector=connector,
        connector_id=int(connector) if connector.isdecimal() and len(connector) < 6 else None,
        currency=fields.currency("currency", needed=amount is not None),
        cost_incl=amount,
        transaction_id=fields.text("transaction_id") or None,
        updated_at=fields.moment("recorded"),
        meter_start_wh=begin,
        meter_stop_wh=end,
    )
