"""What is remembered of one charging station, and what one of its frames brought. Plain data."""

from __future__ import annotations

import msgspec

from diff import ledger, settle
from diff.billing.state import Billing
from diff.discrepancy import Discrepancy, JudgedSession
from diff.pairs import Pairs
from diff.records import Charger, Records
from shadow.message import Observations
from shadow.state import ChargerState

__all__ = ["JudgeState", "Judgement"]


class JudgeState(msgspec.Struct):
    """All that is remembered of one charging station. Plain data, bounded."""

    shadow: ChargerState
    charger: Charger
    ledger: ledger.Ledger = msgspec.field(default_factory=ledger.Ledger)
    pairs: Pairs = msgspec.field(default_factory=Pairs)
    records: Records = msgspec.field(default_factory=Records)
    deadlines: list[settle.Deadline] = msgspec.field(default_factory=list)
    """In order of falling due."""
    judged_connectors: tuple[int, ...] | None = None
    comparisons: int = 0
    """Fields compared between the two sides since the beginning."""
    billing: Billing | None = None
    """Sessions and billing records beside each other; None where no record came and none is expected."""


class Judgement(msgspec.Struct):
    """What one frame brought."""

    observations: Observations
    sessions: list[JudgedSession] = msgspec.field(default_factory=list)
    discrepancies: list[Discrepancy] = msgspec.field(default_factory=list)
    compared: int = 0
    """Sessions compared just now for the first time."""
    charger: Charger | None = None
    """What the charging station said of itself so far."""
    comparisons: int = 0
    """Fields of its sessions compared so far."""
