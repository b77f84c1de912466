"""What becomes of every field of OCPP 1.6, and which rule looks at every field of native 2.0.1: rows from the tables.

The fields are those of the official schemas, so nothing is covered by being forgotten: a field that no table names is a
row that says `unclassified`, and a test allows none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from ingest.frame import Direction
from shadow import schema
from shadow.mapping import plug_and_charge
from shadow.mapping.registry import TABLES
from shadow.mapping.rules import ANSWER, REQUEST, Handling, Rule, Table

__all__ = [
    "ARROW",
    "OCPP16",
    "OCPP201",
    "SCHEMA_ONLY",
    "UNCLASSIFIED",
    "Entry",
    "Row",
    "classified",
    "directions201",
    "entries",
    "fields",
    "rows16",
    "rows201",
    "synthesised",
]

OCPP16: Final = "ocpp1.6"
OCPP201: Final = "ocpp2.0.1"
"""WebSocket subprotocols name the versions, as on the wire (OCPP-J 1.6 §3.1.2, 2.0.1 Part 4 §3.1.2)."""

ARROW: Final = "→ "
"""Stands before a field of 2.0.1 that 1.6 does not have: `→ TransactionEvent.seqNo`."""

UNCLASSIFIED: Final = "unclassified"
SCHEMA_ONLY: Final = "schema"
"""Of a 2.0.1 field: its type, its length and its presence are checked, and no requirement of the specification."""

_OF_THE_STATION: Final = frozenset(
    {
        "Authorize",
        "BootNotification",
        "ClearedChargingLimit",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyReport",
        "PublishFirmwareStatusNotification",
        "ReportChargingProfiles",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "StatusNotification",
        "TransactionEvent",
    }
)
"""2.0.1 actions whose request the charging station sends (Part 2 §1); both send DataTransfer, the CSMS the rest."""

_DEFINITIONS: Final = "#/definitions/"
_PARTS: Final = (REQUEST, ANSWER)


class Row(msgspec.Struct, frozen=True):
    """One field of one message."""

    protocol: str
    action: str
    direction: str
    """Who sends the request, `cp>cs` or `cs>cp`; of an answer too."""
    part: str
    field: str
    """Dotted, lists without their positions; empty for a message that has no fields."""
    handling: str
    seen: int | None = None
    """In how many messages; None where nothing was looked at."""


def fields(version: str, action: str, part: str) -> tuple[str, ...]:
    """Every field of an official schema, objects before what is inside them. None where there is no such message."""
    document = schema.read(version, action, response=part == ANSWER)
    return () if document is None else tuple(_walk(document, document, ""))


def _walk(document: dict[str, Any], node: dict[str, Any], prefix: str) -> Iterator[str]:
    node = _resolved(document, node)
    for name, child in node.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield path
        yield from _walk(document, child, f"{path}.")


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The object that a node is at last: through references, and from a list to its members."""
    while True:
        if "$ref" in node:
            node = document["definitions"][node["$ref"].removeprefix(_DEFINITIONS)]
        elif isinstance(node.get("items"), dict):
            node = node["items"]
        else:
            return node


class Entry(msgspec.Struct, frozen=True):
    """What a table says of one field."""

    field: str
    """Of 1.6, dotted; empty for one that 2.0.1 alone has."""
    target: str
    """Of 2.0.1, behind the name of its message; empty where there is none."""
    handling: Handling
    why: str


def entries(table: Table) -> list[Entry]:
    """Every field that a table names, in the order of its rules, doubles included.

    What is lost as a whole is lost with all that is inside; any other object has a rule for each of its members.
    """
    known = fields(schema.V16, table.action, table.part)
    return list(_entries(table, table.rules, "", "", known))


def _entries(
    table: Table, rules: tuple[Rule, ...], above: str, target_above: str, known: tuple[str, ...]
) -> Iterator[Entry]:
    for rule in rules:
        field = f"{above}{rule.source}" if rule.source else ""
        target = f"{target_above}{rule.target}"
        yield Entry(field, _named(table, target) if rule.target else "", rule.handling, rule.why)
        if rule.handling is Handling.NO_EQUIVALENT:
            inner = (name for name in known if name.startswith(f"{field}."))
            yield from (Entry(name, "", rule.handling, rule.why) for name in inner)
        lifted = target_above if not rule.target else f"{target}."
        yield from _entries(table, rule.inside, f"{field}.", lifted, known)


def classified(table: Table) -> list[tuple[str, Handling]]:
    """Every 1.6 field that a table names, and what becomes of it."""
    return [(entry.field, entry.handling) for entry in entries(table) if entry.field]


def synthesised(table: Table) -> list[str]:
    """The 2.0.1 fields that a table makes, as `→ TransactionEvent.seqNo`, each once."""
    return list(dict.fromkeys(f"{ARROW}{entry.target}" for entry in entries(table) if not entry.field))


def _named(table: Table, path: str) -> str:
    """A field under its message; a table of several messages may name another one itself."""
    if any(path.startswith(f"{message}.") for message in table.also):
        return path
    return f"{table.message}.{path}" if table.message else path


def rows16() -> list[Row]:
    """Every field of every message of OCPP 1.6, by action, direction and part, and the 2.0.1 fields that are made."""
    return [row for action in schema.actions(schema.V16) for row in _rows_of(action)]


def _rows_of(action: str) -> Iterator[Row]:
    for part in _PARTS:
        yield from _rows(action, part)
    for table in plug_and_charge.TABLES.values() if action == "DataTransfer" else ():
        yield from _wrapped_rows(table)


def _rows(action: str, part: str) -> Iterator[Row]:
    table = TABLES.get((action, part))
    handlings: dict[str, str] = {} if table is None else {path: handling.value for path, handling in classified(table)}
    directions = ("",) if table is None else tuple(one.value for one in table.directions)
    made = [] if table is None else synthesised(table)
    for direction in directions:
        names = fields(schema.V16, action, part)
        for name in names or ("",):
            handling = handlings.get(name, UNCLASSIFIED) if name else _of_empty(table)
            yield Row(OCPP16, action, direction, part, name, handling)
        for name in () if table is None else table.beyond:
            yield Row(OCPP16, action, direction, part, name, handlings.get(name, UNCLASSIFIED))
        for name in made:
            yield Row(OCPP16, action, direction, part, name, Handling.SYNTHESISED.value)


def _wrapped_rows(table: Table) -> Iterator[Row]:
    """A Plug & Charge message inside DataTransfer: `data.Authorize`, and its fields by the names of 2.0.1."""
    inside = f"data.{table.message}"
    for direction in table.directions:
        yield Row(OCPP16, "DataTransfer", direction.value, table.part, inside, Handling.MAPPED.value)
        for path, handling in classified(table):
            yield Row(OCPP16, "DataTransfer", direction.value, table.part, f"{inside}.{path}", handling.value)
        for name in synthesised(table):
            yield Row(OCPP16, "DataTransfer", direction.value, table.part, name, Handling.SYNTHESISED.value)


def _of_empty(table: Table | None) -> str:
    """A message without fields says only that it was sent: 2.0.1 has one like it, or not."""
    if table is None:
        return UNCLASSIFIED
    return (Handling.MAPPED if table.message or table.also else Handling.NO_EQUIVALENT).value


def rows201(rules: Mapping[tuple[str, str, str], Sequence[str]]) -> list[Row]:
    """Every field of every message of native OCPP 2.0.1.

    `rules`: action, part and field → ids of the requirements that look at it (`shadow.native.coverage`).
    """
    return [
        Row(OCPP201, action, direction.value, part, field, _checked(rules.get((action, part, field), ())))
        for action in schema.actions(schema.V201)
        for part in _PARTS
        for direction in directions201(action)
        for field in fields(schema.V201, action, part) or ("",)
    ]


def directions201(action: str) -> tuple[Direction, ...]:
    """Who may send the request of a 2.0.1 action."""
    if action == "DataTransfer":
        return (Direction.CP_TO_CS, Direction.CS_TO_CP)
    return (Direction.CP_TO_CS if action in _OF_THE_STATION else Direction.CS_TO_CP,)


def _checked(ids: Sequence[str]) -> str:
    return f"rules: {', '.join(ids)}" if ids else SCHEMA_ONLY
