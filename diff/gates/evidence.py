"""What is known of a cohort at a time, as counts: all that gates look at. Plain data, filled by the store's queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from diff.acknowledgement import Acknowledged
from diff.noise import NoiseRun
from ingest.frame import Micros

__all__ = ["AMOUNT_CODES", "DAY", "MONEY_CODES", "Attention", "CohortEvidence", "Day", "Fault", "Kind", "Sight"]

DAY: Final[Micros] = 86_400_000_000

MONEY_CODES: Final = ("session.energy", "session.token", "session.misattributed", "session.record-amount")
"""Another energy, another payer, another session, another amount: what the money gate looks for."""

AMOUNT_CODES: Final = (
    "session.energy",
    "session.start-time",
    "session.stop-time",
    "session.missing-in-shadow",
    "session.record-amount",
)
"""Codes that weigh money where they are about a billing record: what is wrong moves what is paid."""


class Sight(msgspec.Struct, frozen=True):
    """How much of a charging station's traffic was seen, by the tap's accounts."""

    charger_id: str
    bytes_forwarded: int = 0
    """Over the connections that ought to be mirrored; 0 where no tap has given an account."""
    bytes_parsed: int = 0
    """Mirrored and parsed."""
    last_frame_at: Micros | None = None
    open_gap: str = ""
    """Why its present connection cannot be read; empty where it can."""


class Kind(msgspec.Struct, frozen=True):
    """Charging stations of one vendor and model in the cohort, and how often each action was seen on the model."""

    vendor: str
    model: str
    chargers: int
    actions: Mapping[str, int]
    """In the cohort."""
    fleet_actions: Mapping[str, int]
    """On the model, inside and outside the cohort."""

    @property
    def name(self) -> str:
        """Vendor and model in one."""
        return f"{self.vendor} {self.model}".strip() or "unknown model"


class Fault(msgspec.Struct, frozen=True):
    """Open discrepancies of one fingerprint on one charging station."""

    fingerprint: str
    title: str
    code: str
    severity: str
    charger_id: str
    open: int
    first_seen: Micros
    last_seen: Micros
    acknowledged: bool = False


class Attention(msgspec.Struct, frozen=True):
    """Who was asked for and is not there, and how much of the fleet was asked for."""

    whole_fleet: bool = False
    missing: tuple[str, ...] = ()
    """Charging stations that were named for the cohort and never seen."""


class Day(msgspec.Struct, frozen=True):
    """The 24 hours that ended `age` days before the verdict."""

    age: int
    sessions: int
    """Compared."""
    critical: int = 0
    major: int = 0


class CohortEvidence(msgspec.Struct, frozen=True):
    """All that a verdict on a cohort rests on."""

    cohort: str
    at: Micros
    """The verdict is about this time; nothing later counts."""
    since: Micros
    """Nothing earlier counts."""
    mapper_version: str
    """Of this program: what the noise gate asks for."""
    sights: tuple[Sight, ...] = ()
    """One for each charging station of the cohort."""
    kinds: tuple[Kind, ...] = ()
    attention: Attention = Attention()
    sessions: int = 0
    """Judged sessions that ended on both sides and were compared."""
    weighed: int = 0
    """Those of them whose energy both sides knew: only they can prove that money agrees."""
    money_sessions: int = 0
    """Sessions with a mismatch of energy, token, attribution or amount."""
    comparisons: int = 0
    """Fields compared in those sessions."""
    faults: tuple[Fault, ...] = ()
    """Critical and major ones."""
    days: tuple[Day, ...] = ()
    """The latest first, without holes."""
    used: frozenset[str] = frozenset()
    """Actions that the fleet uses, inside and outside the cohort."""
    noise: NoiseRun | None = None
    """The newest run, of whatever mapper version."""
    acknowledged: tuple[Acknowledged, ...] = ()
    """Acknowledgements that concern the cohort."""
    mapper_versions: tuple[str, ...] = ()
    """Of the stored discrepancies."""

    @property
    def weekly_sessions(self) -> int:
        """Sessions compared in the last seven days."""
        return sum(day.sessions for day in self.days[:7])

    def seen(self, action: str) -> int:
        """How often an action was seen in the cohort."""
        return sum(kind.actions.get(action, 0) for kind in self.kinds)
