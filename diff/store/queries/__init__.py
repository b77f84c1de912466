"""Everything that is read from the store, as typed records. The writer's counterpart.

Times are microseconds since the epoch, energies and money are decimals; every list is bounded and says of how many.
All functions raise what `Store` raises: `StoreUnavailable` and `StoreRefusedError`.
"""

from __future__ import annotations

from diff.store.queries.audits import audits, members
from diff.store.queries.completeness import Balance, ConnectionBalance, Outcome, completeness, unreconciled
from diff.store.queries.device import chargers_with_facts, device_facts
from diff.store.queries.discrepancies import Choices, Group, Occurrence, choices, groups, occurrences
from diff.store.queries.filters import SEVERITIES, Filter
from diff.store.queries.fleet import (
    FOLLOWED,
    NO_PRICE,
    ChargerLine,
    Denominators,
    Money,
    Overview,
    Pulse,
    SeverityCount,
    StateCount,
    chargers,
    connection_states,
    denominators,
    money_at_stake,
    overview,
    pulse,
    severities,
)
from diff.store.queries.frames import FrameLine, frames_between, frames_named, recording
from diff.store.queries.readings import EnergyPoint, energy_points
from diff.store.queries.sessions import (
    MessageLine,
    SessionLine,
    Window,
    latest_sessions,
    messages_of,
    session,
    window_of,
)

__all__ = [
    "FOLLOWED",
    "NO_PRICE",
    "SEVERITIES",
    "Balance",
    "ChargerLine",
    "Choices",
    "ConnectionBalance",
    "Denominators",
    "EnergyPoint",
    "Filter",
    "FrameLine",
    "Group",
    "MessageLine",
    "Money",
    "Occurrence",
    "Outcome",
    "Overview",
    "Pulse",
    "SessionLine",
    "SeverityCount",
    "StateCount",
    "Window",
    "audits",
    "chargers",
    "chargers_with_facts",
    "choices",
    "completeness",
    "connection_states",
    "denominators",
    "device_facts",
    "energy_points",
    "frames_between",
    "frames_named",
    "groups",
    "latest_sessions",
    "members",
    "messages_of",
    "money_at_stake",
    "occurrences",
    "overview",
    "pulse",
    "recording",
    "session",
    "severities",
    "unreconciled",
    "window_of",
]
