"""The functional blocks of 2.0.1, the certification profile that each belongs to, and what a profile asks for. Pure.

Sources: Part 2 (a chapter of Referenced Components and Variables for each block), Part 5 ed. 3 §5 (the controllers that
a profile must have).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

__all__ = ["BLOCKS", "CORE", "PROFILES", "Block", "blocks_of"]

CORE: Final = "Core"


class Block(msgspec.Struct, frozen=True):
    """One functional block."""

    name: str
    profile: str
    """Of certification (Part 5)."""
    chapter: str
    """Where Part 2 lists its variables."""
    controllers: tuple[str, ...] = ()
    """What a station must have that is certified for the profile, of the components that this block is about."""


_ALL: Final = (
    Block("General", CORE, "§2.1", ("OCPPCommCtrlr", "DeviceDataCtrlr", "ClockCtrlr")),
    Block("Security", CORE, "§2.2", ("SecurityCtrlr",)),
    Block("Authorization", CORE, "§2.3", ("AuthCtrlr",)),
    # Part 5 asks for no controller of the cache: it is an option of Core.
    Block("AuthorizationCache", CORE, "§2.4"),
    Block("LocalAuthList", "Local Authorization List Management", "§2.5", ("LocalAuthListCtrlr",)),
    Block("Transaction", CORE, "§2.6", ("TxCtrlr",)),
    Block("MeterValues", CORE, "§2.7", ("SampledDataCtrlr", "AlignedDataCtrlr")),
    Block("Reservation", "Reservation", "§2.8", ("ReservationCtrlr",)),
    Block("SmartCharging", "Smart Charging", "§2.9", ("SmartChargingCtrlr",)),
    Block("TariffCost", "Advanced UI", "§2.10", ("TariffCostCtrlr",)),
    Block("Diagnostics/Monitoring", "Advanced Diagnostics (Device Management)", "§2.11", ("MonitoringCtrlr",)),
    Block("DisplayMessage", "Advanced UI", "§2.12", ("DisplayMessageCtrlr",)),
    Block("ChargingInfrastructure", CORE, "§2.13"),
    Block("ISO15118", "ISO 15118 Support", "§2.14", ("ISO15118Ctrlr",)),
)

BLOCKS: Final[Mapping[str, Block]] = MappingProxyType({block.name: block for block in _ALL})
"""By name, in the order of Part 2."""

PROFILES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CORE: (
            "OCPPCommCtrlr",
            "TxCtrlr",
            "DeviceDataCtrlr",
            "ClockCtrlr",
            "SecurityCtrlr",
            "SampledDataCtrlr",
            "AlignedDataCtrlr",
            "AuthCtrlr",
        ),
        "Advanced Security": ("SecurityCtrlr",),
        "Local Authorization List Management": ("LocalAuthListCtrlr",),
        "Smart Charging": ("SmartChargingCtrlr",),
        "Advanced Diagnostics (Device Management)": ("MonitoringCtrlr",),
        "Advanced UI": ("TariffCostCtrlr", "DisplayMessageCtrlr"),
        "Reservation": ("ReservationCtrlr",),
        "ISO 15118 Support": ("ISO15118Ctrlr", "SmartChargingCtrlr"),
    }
)
"""Certification profile → the controllers that a station must have (Part 5 §5)."""


def blocks_of(profiles: Collection[str]) -> tuple[str, ...]:
    """The functional blocks of these profiles, in the order of Part 2: those whose controllers they ask for.

    Core is always among them. Advanced Security has no block that Core has not.

    Raises:
        ValueError: a name is no profile; says which there are.

    """
    unknown = sorted(set(profiles) - set(PROFILES))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no certification profile of 2.0.1: there are {', '.join(PROFILES)}")
    asked = {controller for profile in profiles for controller in PROFILES[profile]}
    return tuple(one.name for one in _ALL if one.profile == CORE or asked & set(one.controllers))
