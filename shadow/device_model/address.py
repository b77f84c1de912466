"""Which variable of which component: its identity, as messages say it and as people write it. Pure.

A variable is known by component name and instance, EVSE, connector, variable name and instance (2.0.1 Part 1 §4, Part 2
ComponentType and VariableType). Names are compared without case; the spelling of the standard is the one that is shown.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

import msgspec

__all__ = ["LONGEST_NAME", "Address", "address_of"]

LONGEST_NAME: Final = 50
"""identifierString of the names and instances of components and variables."""
_TEXT: Final = re.compile(
    r"(?P<component>[^\[\]@/]+)(?:\[(?P<component_instance>[^\]]*)\])?"
    r"(?:@(?P<evse>\d+)(?:\.(?P<connector>\d+))?)?"
    r"/(?P<variable>[^\[\]@/]+)(?:\[(?P<instance>[^\]]*)\])?",
    re.ASCII,
)
_RESERVED: Final = re.compile(r"[\[\]@/%#]")
"""What the text form needs for itself stands there as in a URL (`%2F`)."""


class Address(msgspec.Struct, frozen=True):
    """Which variable of which component (ComponentType and VariableType)."""

    component: str
    variable: str
    instance: str | None = None
    """Of the variable."""
    evse_id: int | None = None
    connector_id: int | None = None
    component_instance: str | None = None

    def __str__(self) -> str:
        """`Component[instance]@evse.connector/Variable[instance]`, each part only where it is there."""
        component = _part(self.component, self.component_instance)
        tier = "" if self.evse_id is None else f"@{self.evse_id}"
        if tier and self.connector_id is not None:
            tier = f"{tier}.{self.connector_id}"
        return f"{component}{tier}/{_part(self.variable, self.instance)}"

    @property
    def key(self) -> Address:
        """The same address for comparisons: names in lower case (Part 2: case-insensitive)."""
        return Address(
            self.component.lower(),
            self.variable.lower(),
            None if self.instance is None else self.instance.lower(),
            self.evse_id,
            self.connector_id,
            None if self.component_instance is None else self.component_instance.lower(),
        )

    def said(self) -> dict[str, Any]:
        """The members `component` and `variable`, as every message of the device model has them."""
        component: dict[str, Any] = {"name": self.component}
        if self.component_instance is not None:
            component["instance"] = self.component_instance
        if self.evse_id is not None:
            component["evse"] = {"id": self.evse_id}
            if self.connector_id is not None:
                component["evse"]["connectorId"] = self.connector_id
        variable = {"name": self.variable}
        if self.instance is not None:
            variable["instance"] = self.instance
        return {"component": component, "variable": variable}

    @staticmethod
    def parse(text: str) -> Address:
        """Read what `str` writes.

        Raises:
            ValueError: it is no address; says how one is written.

        """
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text[:80]!r} is no variable: write Component/Variable, Component@1/Variable[Instance] …"
            )
        evse, connector = found["evse"], found["connector"]
        return Address(
            unquote(found["component"]),
            unquote(found["variable"]),
            _unquoted(found["instance"]),
            None if evse is None else int(evse),
            None if connector is None else int(connector),
            _unquoted(found["component_instance"]),
        )


def address_of(said: dict[str, Any]) -> Address | None:
    """The address that an element of a message names; None where it names none. Total."""
    component, variable = said.get("component"), said.get("variable")
    if not isinstance(component, dict) or not isinstance(variable, dict):
        return None
    names = component.get("name"), variable.get("name")
    if not all(isinstance(name, str) and name for name in names):
        return None
    evse = component.get("evse")
    tier = evse if isinstance(evse, dict) else {}
    return Address(
        _name(names[0]) or "",
        _name(names[1]) or "",
        _name(variable.get("instance")),
        _number(tier.get("id")),
        _number(tier.get("connectorId")),
        _name(component.get("instance")),
    )


def _part(name: str, instance: str | None) -> str:
    return _quoted(name) if instance is None else f"{_quoted(name)}[{_quoted(instance)}]"


def _quoted(name: str) -> str:
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", name)


def _unquoted(name: str | None) -> str | None:
    return None if name is None else unquote(name)


def _name(value: object) -> str | None:
    """A name, cut to its length."""
    return value[:LONGEST_NAME] if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None
