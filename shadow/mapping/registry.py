"""Every table of every feature profile, by 1.6 action and part."""

from __future__ import annotations

from typing import Final

from shadow.mapping import (
    charging_profiles,
    configuration,
    control,
    core,
    data_transfer,
    firmware,
    local_list,
    logs,
    metering,
    reservation,
    security,
    transactions,
)
from shadow.mapping.rules import Table

__all__ = ["TABLES"]

_PROFILES: Final = (
    core.TABLES,
    transactions.TABLES,
    metering.TABLES,
    control.TABLES,
    configuration.TABLES,
    data_transfer.TABLES,
    firmware.TABLES,
    logs.TABLES,
    local_list.TABLES,
    reservation.TABLES,
    charging_profiles.TABLES,
    security.TABLES,
)

TABLES: Final[dict[tuple[str, str], Table]] = {
    (table.action, table.part): table for profile in _PROFILES for table in profile
}
"""Key: 1.6 action, `request` or `answer`."""
