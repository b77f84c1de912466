"""What reports and settings of a native station show that the standard does not allow, or that it lacks (B05, B07)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shadow.device_model import standard, values
from shadow.device_model.address import Address
from shadow.device_model.blocks import BLOCKS, CORE
from shadow.device_model.memory import ReportMemory
from shadow.station.key_facts import is_secret
from shadow.station.outbox import Outbox

__all__ = ["name_flaws", "name_missing", "name_readonly", "supply"]

_MOST_FLAWS: Final = 32
"""Of one message."""
_OPTIONAL: Final = frozenset({"AuthorizationCache"})
"""Of Core, and an option there: Part 5 asks for no controller of it."""
_DUE: Final = tuple(
    one
    for one in standard.required([block.name for block in BLOCKS.values() if block.profile == CORE])
    if not one.condition and one.block not in _OPTIONAL
)
"""What every station has to have; what hangs on a condition is for the audit to see."""
_PLACES: Final = {one.address.key: place for place, one in enumerate(_DUE)}


def supply(report: ReportMemory, addresses: Iterable[Address]) -> None:
    """Note which of the required variables a part of a report has; on any EVSE or connector."""
    for address in addresses:
        place = _PLACES.get(Address(address.component, address.variable, address.instance).key)
        if place is not None:
            report.supplied |= 1 << place


def name_missing(out: Outbox, report: ReportMemory) -> None:
    """A whole FullInventory was told: what of the required variables is not in it is not there (B07.FR.08)."""
    missing = out.station.device.missing
    for place, one in enumerate(_DUE):
        spelt = str(one.address)
        if report.supplied >> place & 1:
            if spelt in missing:
                missing.remove(spelt)
                out.withdraw("device.missing-variable", spelt)
        elif spelt not in missing:
            missing.append(spelt)
            asked_by = ", ".join(document.value for document in one.required_by())
            detail = f"its full report lacks it; required by: {asked_by}"
            out.find("device.missing-variable", spelt, expected="NotifyReport", detail=detail)


def name_flaws(out: Outbox, told: Iterable[tuple[Address, str]]) -> None:
    """Values of Actual attributes that the standard does not allow."""
    named = 0
    for address, text in told:
        known = standard.find(address)
        if known is None or is_secret(address.variable):
            continue
        found = values.flaws(known, text)
        if found and named < _MOST_FLAWS:
            named += 1
            out.find("device.invalid-value", str(address), found=text, expected=found[0], detail="; ".join(found)[:500])


def name_readonly(out: Outbox, address: Address, value: str | None) -> None:
    """SetVariables was accepted for a variable that the standard calls ReadOnly."""
    known = standard.find(address)
    if known is not None and known.mutability == "ReadOnly":
        shown = None if is_secret(address.variable) else value
        out.find("device.readonly", f"SetVariables:{address}", found=shown, expected="ReadOnly", detail=known.section)
