"""The variables that 2.0.1 requires: which of them the station has, which follow, which are assumed, which are missing.

A variable of an EVSE or connector is required of each: the worst of them counts. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from diff.audit.blocks import BLOCKS, COMPONENTS, CORE, MONITORING
from diff.audit.statements import Statement, Verdict
from shadow.device_model.address import Address
from shadow.device_model.model import Certainty, DeviceModel, VariableEntry

__all__ = ["Applies", "RequiredVariable", "Requirement", "State", "requirements"]


class RequiredVariable(msgspec.Struct, frozen=True):
    """A row of the standard's registry, as far as it is needed here."""

    component: str
    variable: str
    instance: str | None = None
    """Of the variable."""
    condition: str = ""
    """When it is required, in words; empty where it always is."""
    documents: tuple[str, ...] = ()
    """The documents that call it required; none where no document contradicts."""


class State(StrEnum):
    """Where the value of a required variable comes from. The worse comes later."""

    OBSERVED = "observed"
    DERIVED = "derived"
    ASSUMED = "assumed"
    MISSING = "missing"


class Applies(StrEnum):
    """Whether it is required of this station (Part 1 §4.6: of every functional block that it implements)."""

    YES = "yes"
    UNKNOWN = "unknown"
    """Whether the station has the block is not known."""
    NO = "no"


class Requirement(msgspec.Struct, frozen=True):
    """One required variable of one charging station."""

    component: str
    variable: str
    instance: str | None
    block: str
    """Letter of the functional block; empty where the table of blocks does not know the component."""
    applies: Applies
    state: State
    origin: str
    """What says its value; empty where nothing does."""
    value: str | None
    """Where there is one and it is told."""
    there: int
    """Places (station, EVSEs, connectors) that have it."""
    places: int
    flaws: tuple[str, ...]
    condition: str
    documents: tuple[str, ...]
    """Of the standard, those that require it, where another one does not."""

    @property
    def name(self) -> str:
        """`Component/Variable[Instance]`."""
        return str(Address(self.component, self.variable, self.instance))


_ORDER: Final = tuple(State)
_STATES: Final = {
    Certainty.OBSERVED: State.OBSERVED,
    Certainty.DERIVED: State.DERIVED,
    Certainty.ASSUMED: State.ASSUMED,
}
_CORE: Final = frozenset(block.letter for block in BLOCKS if CORE in block.profiles and block.letter != "N")
"""Blocks that every station implements. The components of N belong to its monitoring, which is not Core."""


def requirements(
    model: DeviceModel, required: Iterable[RequiredVariable], said: Iterable[Statement]
) -> tuple[Requirement, ...]:
    """The state of each required variable, in the order given."""
    verdicts = {statement.letter: _of_components(statement, model) for statement in said}
    index: defaultdict[tuple[str, str, str | None], list[VariableEntry]] = defaultdict(list)
    tiers: defaultdict[str, set[tuple[int | None, int | None]]] = defaultdict(set)
    for key, entry in model.entries.items():
        index[key.component, key.variable, key.instance].append(entry)
        tiers[key.component].add((key.evse_id, key.connector_id))
    return tuple(_requirement(one, verdicts, index, len(tiers[one.component.lower()])) for one in required)


def _requirement(
    wanted: RequiredVariable,
    verdicts: Mapping[str, Verdict],
    index: Mapping[tuple[str, str, str | None], list[VariableEntry]],
    places: int,
) -> Requirement:
    component, variable, instance = wanted.component, wanted.variable, wanted.instance
    key = (component.lower(), variable.lower(), None if instance is None else instance.lower())
    entries = index.get(key, [])
    found = [_found(entry) for entry in entries]
    places = max(places, 1)
    if len(found) < places:
        found.append((State.MISSING, "", None))
    state, origin, value = max(found, key=lambda one: _ORDER.index(one[0]))
    block = COMPONENTS.get(component.lower(), "")
    return Requirement(
        component,
        variable,
        instance,
        block,
        _applies(block, verdicts),
        state,
        origin,
        value,
        sum(one[0] is not State.MISSING for one in found),
        places,
        tuple(dict.fromkeys(flaw for entry in entries for flaw in entry.flaws)),
        wanted.condition,
        wanted.documents,
    )


def _found(entry: VariableEntry) -> tuple[State, str, str | None]:
    value = entry.actual
    if value is not None:
        secret = entry.mutability == "WriteOnly"  # BasicAuthPassword (Part 2 §2.2.1)
        return _STATES[value.certainty], value.origin, None if secret else value.text
    if entry.max_limit is not None:  # EVSE.Power, Entries: 1.6 knows the capacity and not what it is filled with
        return State.DERIVED, f"only its limit, by {entry.limit_origin}", None
    return State.MISSING, "", None


def _of_components(statement: Statement, model: DeviceModel) -> Verdict:
    """The statement that counts for the block's components: those of N are about monitoring, not about logs."""
    if statement.letter != "N" or statement.verdict is Verdict.MISSING:
        return statement.verdict
    if any(row.accepted for row in statement.seen if row.action in MONITORING):
        return Verdict.EVIDENCED
    available = model.entries.get(Address("MonitoringCtrlr", "Available").key)
    told = None if available is None or available.actual is None else (available.actual.text or "").lower()
    return {"true": Verdict.DERIVABLE, "false": Verdict.MISSING}.get(told or "", Verdict.UNKNOWN)


def _applies(block: str, verdicts: Mapping[str, Verdict]) -> Applies:
    if not block or block in _CORE:
        return Applies.YES
    match verdicts.get(block, Verdict.UNKNOWN):
        case Verdict.EVIDENCED | Verdict.DERIVABLE:
            return Applies.YES
        case Verdict.MISSING:
            return Applies.NO
        case Verdict.UNKNOWN:
            return Applies.UNKNOWN
