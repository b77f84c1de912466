"""What 2.0.1 standardises: every component and variable, with its type, unit, values, limits and who requires it. Pure.

The facts stand in `standard.tsv` beside this module, one row for each variable: names of the OCA's list of components
and variables (v1.4), mutability and limits of Part 2 (where it is silent, of EVerest's public model), and for each
document by itself whether it marks the variable Required, because they do not agree. `-` is an empty cell.

Which of the documents count is the reader's choice (`Reading`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec

from shadow.device_model.address import Address

__all__ = [
    "ENUMERATIONS",
    "GENERIC",
    "STANDARD",
    "DataType",
    "Document",
    "Reading",
    "Tier",
    "Variable",
    "components",
    "find",
    "required",
]

GENERIC: Final = "<generic>"
"""The component of a variable that any component may have."""

ENUMERATIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "MeasurandEnumType": (
            "Current.Export", "Current.Import", "Current.Offered",
            "Energy.Active.Export.Register", "Energy.Active.Import.Register",
            "Energy.Reactive.Export.Register", "Energy.Reactive.Import.Register",
            "Energy.Active.Export.Interval", "Energy.Active.Import.Interval", "Energy.Active.Net",
            "Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval", "Energy.Reactive.Net",
            "Energy.Apparent.Net", "Energy.Apparent.Import", "Energy.Apparent.Export",
            "Frequency", "Power.Active.Export", "Power.Active.Import", "Power.Factor", "Power.Offered",
            "Power.Reactive.Export", "Power.Reactive.Import", "SoC", "Voltage",
        ),
        "ConnectorEnumType": (
            "cCCS1", "cCCS2", "cG105", "cTesla", "cType1", "cType2", "s309-1P-16A", "s309-1P-32A", "s309-3P-16A",
            "s309-3P-32A", "sBS1361", "sCEE-7-7", "sType2", "sType3", "Other1PhMax16A", "Other1PhOver16A", "Other3Ph",
            "Pan", "wInductive", "wResonant", "Undetermined", "Unknown",
        ),
        "IdTokenEnumType": (
            "Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization",
        ),
    }
)  # fmt: skip
"""Enumerations of Part 2 whose names are the values of a variable; the table calls them by `{name}`."""

_NOTHING: Final = "-"
_NULL: Final = "null"
_ANY_INSTANCE: Final = frozenset({("ocppcommctrlr", "fieldlength"), ("controller", "maxmsgelements")})
"""One value for each message or field, named by the instance, though the list has one row without an instance."""


class DataType(StrEnum):
    """DataEnumType (Part 2)."""

    STRING = "string"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BOOLEAN = "boolean"
    OPTION_LIST = "OptionList"
    SEQUENCE_LIST = "SequenceList"
    MEMBER_LIST = "MemberList"


class Tier(StrEnum):
    """Where in the topology a component of that name stands (Part 1 §7)."""

    STATION = "station"
    EVSE = "evse"
    CONNECTOR = "connector"
    ANY = "any"


class Document(StrEnum):
    """Who says whether a variable is required."""

    LIST = "csv"
    """The list of components and variables, v1.4."""
    PART2 = "part2"
    """The table of the variable in Part 2, chapter 2 of the Referenced Components and Variables."""
    TEXT = "text"
    """A sentence or requirement of Part 2, where its table says otherwise."""
    PART4 = "part4"
    """OCPP-J, §8."""
    ERRATA = "errata"
    """The errata of 2025-09."""
    UPTIME = "uptime"
    """The OCA's white paper on uptime v1.1: what it needs, written against an older list; no part of the standard."""


class Reading(StrEnum):
    """Which documents count when they disagree on what is required."""

    ANY = "any"
    """Each document of the standard: required where one says so. A station that satisfies this satisfies each."""
    LIST = "list"
    """The list alone, as a CSMS that was generated from it."""
    PAPERS = "papers"
    """As `any`, and what the white paper on uptime asks for."""

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents that count."""
        return _COUNTED[self]


_COUNTED: Final[Mapping[Reading, tuple[Document, ...]]] = MappingProxyType(
    {
        Reading.ANY: tuple(one for one in Document if one is not Document.UPTIME),
        Reading.LIST: (Document.LIST,),
        Reading.PAPERS: tuple(Document),
    }
)


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """One variable that the standard knows."""

    component: str
    """`<generic>`: of any component."""
    name: str
    instance: str | None
    """Of the variable; `<n>`, `<Priority>`, `<vendorId>` stand for any."""
    tier: Tier
    data_type: DataType
    """As the list has it."""
    refinement: str
    """`passwordString` or `identifierString`: a string of which more is said than DataEnumType can."""
    part2_type: str
    """The type that Part 2 gives, where it is another."""
    unit: str | None
    """More than one that may be used are separated by a comma: `W, kW`."""
    mutability: str
    """MutabilityEnumType of Actual; `ReadOnly or ReadWrite` where the station may choose, `unknown` where none says."""
    values: tuple[str, ...]
    """The values or members that are allowed; empty: any."""
    nullable: bool
    """The empty value has a meaning of its own: unknown."""
    min_limit: str | None
    """Of a string or list: characters."""
    max_limit: str | None
    block: str
    """The functional block; empty where the standard names none."""
    section: str
    said: Mapping[Document, bool]
    """Required or not, by each document that says it."""
    condition: str
    """When it is required; empty: always."""

    @property
    def address(self) -> Address:
        """Its address, without an EVSE."""
        return Address(self.component, self.name, self.instance)

    @property
    def writable(self) -> bool:
        """A CSMS may be able to set it."""
        return "Write" in self.mutability

    def required_by(self, reading: Reading = Reading.ANY) -> tuple[Document, ...]:
        """The documents among those that count that call it required; its condition holds for them."""
        return tuple(one for one in reading.documents if self.said.get(one))


def find(address: Address) -> Variable | None:
    """What the standard says of a variable: of this component, else of any; None where it knows none of that name.

    Names are compared without case; EVSE, connector and the component's instance do not matter. A variable without its
    instance is another one (`MessageAttempts` is not `MessageAttempts[TransactionEvent]`), except that a generic
    variable may have instances, such as phases.
    """
    component, name = address.component.lower(), address.variable.lower()
    found = _BY_KEY.get((component, name, (address.instance or "").lower()))
    if found is None and address.instance:
        found = _BY_KEY.get((component, name, "<any>"))
    return found or _BY_KEY.get((GENERIC, name, ""))


def components() -> tuple[str, ...]:
    """The components that have variables of their own, by name."""
    return tuple(sorted({one.component for one in STANDARD.values()} - {GENERIC}, key=str.lower))


def required(blocks: Collection[str], reading: Reading = Reading.ANY) -> list[Variable]:
    """What a station must have that implements these functional blocks (Part 1 §4.6); General is always among them.

    A variable with a `condition` is in the list: whether it holds is for the caller to see.

    Raises:
        ValueError: a name is no functional block; says which there are.

    """
    unknown = sorted(set(blocks) - _BLOCKS)
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no functional block of 2.0.1: there are {', '.join(sorted(_BLOCKS))}")
    wanted = {"General", *blocks}
    return [one for one in STANDARD.values() if one.block in wanted and one.required_by(reading)]


def _read() -> Iterator[Variable]:
    head, *rows = files(__package__).joinpath("standard.tsv").read_text(encoding="utf-8").splitlines()
    names = head.split("\t")
    for row in rows:
        cells = ("" if cell == _NOTHING else cell for cell in row.split("\t"))
        yield _variable(dict(zip(names, cells, strict=True)))


def _variable(row: Mapping[str, str]) -> Variable:
    refinement = row["type"] if row["type"].endswith("String") else ""
    values = tuple(one for value in row["values"].split(",") for one in _listed(value))
    return Variable(
        component=row["component"],
        name=row["variable"],
        instance=row["instance"] or None,
        tier=Tier(row["tier"]),
        data_type=DataType.STRING if refinement else DataType(row["type"]),
        refinement=refinement,
        part2_type=row["type_part2"],
        unit=row["unit"] or None,
        mutability=row["mutability"],
        values=tuple(value for value in values if value not in ("", _NULL)),
        nullable=_NULL in values,
        min_limit=row["min"] or None,
        max_limit=row["max"] or None,
        block=row["block"],
        section=row["section"],
        said=MappingProxyType({one: row[one] == "yes" for one in Document if row[one]}),
        condition=row["condition"],
    )


def _listed(value: str) -> tuple[str, ...]:
    return ENUMERATIONS[value[1:-1]] if value.startswith("{") else (value,)


def _key(one: Variable) -> tuple[str, str, str]:
    name = one.component.lower(), one.name.lower()
    wild = name in _ANY_INSTANCE or (one.instance or "").startswith("<")
    return (*name, "<any>" if wild else (one.instance or "").lower())


STANDARD: Final[Mapping[Address, Variable]] = MappingProxyType({one.address.key: one for one in _read()})
"""By `Address.key` without an EVSE, in the order of names; those of any component come last."""

_BY_KEY: Final[Mapping[tuple[str, str, str], Variable]] = MappingProxyType(
    {_key(one): one for one in STANDARD.values()}
    | {(one.component.lower(), one.name.lower(), ""): one for one in STANDARD.values() if one.instance is None}
)
_BLOCKS: Final = frozenset(one.block for one in STANDARD.values()) - {""}
