"""The life of a transaction at the 2.0.1 CSMS, as a table.

Two rules: everything that moves a transaction from phase to phase stands in this file, and what is no key here is
illegal — it leaves the transaction as it was and is reported. The table follows 2.0.1 Part 2: Started exactly once,
Ended exactly once, any number of Updated between (§2.6.4, §2.6.5).

`UNKNOWN` takes Updated and Ended: a CSMS that restarts, or a shadow that begins to listen, meets transactions that are
already running, and must take them over: it always answers, whatever its checks say (E03 remark, J02.FR.19). What it
then lacks is the beginning, and such a session is never complete.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["TRANSITIONS", "EventType", "Phase", "Verdict"]


class Phase(StrEnum):
    """Where a transaction stands."""

    UNKNOWN = "unknown"
    """Never heard of."""
    RUNNING = "running"
    ENDED = "ended"


class EventType(StrEnum):
    """TransactionEventEnumType (2.0.1 §3.72)."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


class Verdict(StrEnum):
    """What became of one TransactionEvent."""

    APPLIED = "applied"
    GAP = "gap"
    """Applied, and events before it are missing (E04.FR.07 lets a station drop some while offline)."""
    DUPLICATE = "duplicate"
    """Its seqNo was applied before: a retry (E13.FR.02), it changes nothing."""
    AFTER_END = "after-end"
    """It came after Ended and is newer than it: it changes nothing."""
    ILLEGAL = "illegal"
    """The table has no such step: it changes nothing."""


TRANSITIONS: Final[dict[tuple[Phase, EventType], Phase]] = {
    (Phase.UNKNOWN, EventType.STARTED): Phase.RUNNING,
    (Phase.UNKNOWN, EventType.UPDATED): Phase.RUNNING,
    (Phase.UNKNOWN, EventType.ENDED): Phase.ENDED,
    (Phase.RUNNING, EventType.UPDATED): Phase.RUNNING,
    (Phase.RUNNING, EventType.ENDED): Phase.ENDED,
}
