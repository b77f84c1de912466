"""How a 1.6 connector number is read where a message of 2.0.1 names an EVSE."""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.rules import Handling, Read, Rule
from shadow.message import Provenance
from shadow.station import fields
from shadow.station.outbox import Outbox

__all__ = ["EVSE", "EVSE_ID", "EVSE_ONLY", "name_unknown", "placed"]


def placed(source: str, target: str, read: Read, *, why: str = "", lossy: bool = False) -> Rule:
    """A connector number that the topology turns into an EVSE: configured, and the default is one EVSE each."""
    handling = Handling.LOSSY if lossy else Handling.MAPPED
    return Rule(source=source, target=target, read=read, handling=handling, provenance=Provenance.CONFIGURED, why=why)


def name_unknown(out: Outbox, where: str, number: int, *, least: int = 0) -> bool:
    """Name a connector that the station does not have: below `least`, or beyond its NumberOfConnectors."""
    count = out.station.connector_count
    unknown = number < least or (count is not None and number > count)
    if unknown:
        detail = f"connectors of this message begin at {least}" if number < least else "more than NumberOfConnectors"
        most = "not told yet" if count is None else count
        out.find("topology.unknown-connector", where, found=number, expected=most, detail=detail)
    return unknown


def _evse_id(out: Outbox, where: str, value: Any) -> int | None:
    """The EVSE of a connector, 0 for the whole station, as both versions have it in smart charging."""
    number = fields.integer({"": value}, "")
    if number is None:
        return None
    name_unknown(out, where, number)
    return out.place(number).evse_id if number > 0 else number


def _evse_only(out: Outbox, where: str, value: Any) -> int | None:
    """The EVSE of a connector where 0 names nothing; which of its connectors is meant cannot be said."""
    number = fields.integer({"": value}, "")
    if number is None:
        return None
    name_unknown(out, where, number, least=1)
    if number < 1:
        return None
    if out.siblings(number):
        out.lost(where, number, detail="2.0.1 names the EVSE and not which of its connectors", connector_id=number)
    return out.place(number).evse_id


def _evse(out: Outbox, where: str, value: Any) -> dict[str, int] | None:
    """EVSEType of a connector; 0 is the whole station, which 2.0.1 says by naming no EVSE."""
    number = fields.integer({"": value}, "")
    if number is None:
        return None
    name_unknown(out, where, number)
    return out.evse(number) if number != 0 else None


EVSE_ID: Final[Read] = _evse_id
EVSE_ONLY: Final[Read] = _evse_only
EVSE: Final[Read] = _evse
