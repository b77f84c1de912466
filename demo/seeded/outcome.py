"""What is lived of a seeded fleet, and what came of it. Plain data."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from diff.discrepancy import Class, Discrepancy
from shadow.config import ShadowConfig

__all__ = ["CONFIG", "Member", "Money", "Outcome", "Row", "ordinary"]

CONFIG: Final = ShadowConfig(security_profile=1)
"""How the fleet is lived: with the security profile that all but a planted few reach."""

_ORDINARY: Final = frozenset({"status.detail-lost"})
"""Expected losses of every 1.6 station, the best one included: they are planted too, and false nowhere."""


class Member(msgspec.Struct, frozen=True):
    """One charging station to be lived."""

    seed: int
    number: int
    days: int
    bills: bool
    """Its bills misbehave, not its wire."""
    plant: int | None
    """Which of `plants` it plants on the wire; None where it has nothing to hide."""


class Row(msgspec.Struct, frozen=True):
    """One code at one place: planted and missed, or found and never planted."""

    charger_id: str
    fault: str
    code: str
    path: str = ""


class Money(msgspec.Struct, frozen=True):
    """An amount that was planted, and the one that was found; in EUR, what the driver would pay less."""

    charger_id: str
    fault: str
    planted: Decimal
    found: Decimal | None


class Outcome(msgspec.Struct):
    """What came of one charging station."""

    frames: int = 0
    sessions: int = 0
    planted: list[Row] = []
    missed: list[Row] = []
    false: list[Row] = []
    money: list[Money] = []


def ordinary(row: Discrepancy) -> bool:
    """Whether it is an expected loss that every station has."""
    return row.class_ is Class.EXPECTED_LOSS and row.code in _ORDINARY
