"""Which component and variable tells each errorCode of 1.6 (§7.6): 2.0.1 has no error codes, it has a device model.

Sources: 2.0.1 Part 2 G05.FR.02 (the one triple that is mandated), its appendices (generic variables), the OCA white
paper "Improving Uptime" v1.1 (UP, table T.6) and the open CharIN mapping. Where they are silent or disagree the reason
stands beside the row.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shadow.station.notify import ALERTING, DELTA

__all__ = ["ERRORS", "OTHER", "WARNINGS", "Report", "Tier", "report_of"]


class Tier(StrEnum):
    """Where in the station the component sits (2.0.1 Part 2 §2.13.1). Of connector 0 it is always the station."""

    STATION = "station"
    EVSE = "evse"
    CONNECTOR = "connector"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How one errorCode is told, and how its end is."""

    component: str
    variable: str = "Problem"
    tier: Tier = Tier.EVSE
    value: str = "true"
    """ActualValue while it stands."""
    cleared: str | None = "false"
    """ActualValue when it is cleared; None for what is only ever an event."""
    trigger: str = DELTA
    named: bool = False
    """Component and variable alone do not tell the errorCode, so techInfo begins with it."""
    why: str = ""


OTHER: Final = "OtherError"
"""What is reported where a station says Faulted, and only its own codes say why."""

_OPERATED: Final = "for an event only, always true (appendices: Operated), so nothing clears it"

ERRORS: Final[dict[str, Report]] = {
    "ConnectorLockFailure": Report(component="ConnectorPlugRetentionLock", tier=Tier.CONNECTOR, why="G05.FR.02"),
    "EVCommunicationError": Report(
        component="CPPWMController",
        why="UP T.6 for mode 3; of CHAdeMO and ISO 15118 it has other controllers, and 1.6 does not tell which",
    ),
    "GroundFailure": Report(component="RCD", variable="Tripped", why="UP T.6; it stays off until it is reset"),
    "HighTemperature": Report(
        component="TemperatureSensor",
        variable="Active",
        why="CharIN PR 85: its Problem would say that the sensor is broken",
    ),
    "InternalError": Report(component="Controller", named=True, why="hardware or software of the controller"),
    "LocalListConflict": Report(
        component="LocalAuthListCtrlr", tier=Tier.STATION, why="no source: the generic variable of its controller"
    ),
    OTHER: Report(
        component="Connector",
        tier=Tier.CONNECTOR,
        named=True,
        why="what EVerest says of any error: a Problem of the connector, or of ChargingStation for connector 0",
    ),
    "OverCurrentFailure": Report(
        component="OverCurrentProtection", variable="Active", why="appendices §3.2.42: it has switched off and stays so"
    ),
    "OverVoltage": Report(
        component="ElectricalFeed",
        variable="ACVoltage",
        value="",
        cleared="",
        trigger=ALERTING,
        named=True,
        why="UP T.6: a threshold was crossed; 1.6 does not tell the voltage, so the value is empty",
    ),
    "PowerMeterFailure": Report(component="FiscalMetering", why="not in UP T.6; the meter that bills"),
    "PowerSwitchFailure": Report(component="PowerContactor", why="UP T.6"),
    "ReaderFailure": Report(component="TokenReader", why="UP T.6"),
    "ResetFailure": Report(component="Controller", tier=Tier.STATION, named=True, why="it is the station that resets"),
    "UnderVoltage": Report(
        component="ElectricalFeed",
        variable="ACVoltage",
        value="",
        cleared="",
        trigger=ALERTING,
        named=True,
        why="as OverVoltage",
    ),
    "WeakSignal": Report(
        component="DataLink",
        variable="SignalStrength",
        tier=Tier.STATION,
        value="99",
        cleared="99",
        trigger=ALERTING,
        why="UP T.6: a threshold was crossed; 99 is the ASU value for a strength that is not known (appendices)",
    ),
}
"""By errorCode, with status Faulted: it stands until NoError."""

WARNINGS: Final[dict[str, Report]] = {
    "GroundFailure": Report(
        component="RCD",
        variable="Operated",
        cleared=None,
        trigger=ALERTING,
        why=f"charging goes on, so it closed again by itself; {_OPERATED}",
    ),
    "OverCurrentFailure": Report(
        component="OverCurrentProtection",
        variable="Operated",
        cleared=None,
        trigger=ALERTING,
        why=f"UP T.6; {_OPERATED}",
    ),
}
"""By errorCode, with another status: charging is still possible (1.6 §4.9). The others are told as when they stand."""


def report_of(code: str, *, standing: bool) -> Report | None:
    """How an errorCode is told; None for one that 1.6 does not have, and for NoError."""
    return (None if standing else WARNINGS.get(code)) or ERRORS.get(code)
