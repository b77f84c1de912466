"""The verdict on a cohort: every gate asked in its order, and what follows from all of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from diff.gates.coverage import coverage
from diff.gates.evidence import CohortEvidence, Day
from diff.gates.faults import clean_streak, critical, money, rate
from diff.gates.gate import Outcome, Result, worst
from diff.gates.sight import sight
from diff.gates.thresholds import Thresholds
from diff.gates.trust import baseline, noise
from ingest.frame import Micros

__all__ = ["GATES", "Trend", "Verdict", "conclude", "decide"]

GATES: Final[dict[str, Callable[[CohortEvidence, Thresholds], Result]]] = {
    "sight": sight,
    "money": money,
    "critical": critical,
    "rate": rate,
    "coverage": coverage,
    "noise": noise,
    "baseline": baseline,
}
"""In their order: what comes first makes the rest worth reading."""


class Trend(msgspec.Struct, frozen=True):
    """How a cohort has been doing."""

    word: str
    """`improving`, `worsening`, `steady`, or `unknown` where half of the time has no comparisons."""
    before: Decimal | None
    """Critical and major discrepancies per 1,000 compared sessions in the older half of the days."""
    lately: Decimal | None
    """The same in the younger half."""
    days: Sequence[Day]
    """The latest first."""


class Verdict(msgspec.Struct, frozen=True):
    """What may be done with a cohort, and why."""

    cohort: str
    at: Micros
    since: Micros
    """Evidence from then on counted."""
    outcome: Outcome
    first: str
    """The first gate that says so; empty beside GO."""
    because: str
    change: str
    """What would change it; empty beside GO."""
    results: Sequence[Result]
    """All gates: the failing ones first, HOLD before INCONCLUSIVE, each in the order of `GATES`."""
    chargers: int
    sessions: int
    weekly_sessions: int
    vendors: int
    models: int
    clean_days: int
    """Days running, up to now, with comparisons and without anything critical that nobody answers for."""
    trend: Trend
    thresholds_version: str
    mapper_version: str
    mapper_versions: Sequence[str]
    """Of the discrepancies that counted."""


def decide(evidence: CohortEvidence, thresholds: Thresholds) -> Verdict:
    """Ask every gate."""
    results = [gate(evidence, thresholds) for gate in GATES.values()]
    outcome, ordered = conclude(results)
    decisive = ordered[0]
    passed = outcome is Outcome.GO
    told = next(one for one in ordered if one.gate == "money") if passed else decisive
    return Verdict(
        evidence.cohort,
        evidence.at,
        evidence.since,
        outcome,
        "" if passed else decisive.gate,
        told.because,
        told.change,
        ordered,
        len(evidence.sights),
        evidence.sessions,
        evidence.weekly_sessions,
        len({kind.vendor for kind in evidence.kinds if kind.vendor}),
        len({kind.name for kind in evidence.kinds if kind.vendor or kind.model}),
        clean_streak(evidence, thresholds),
        _trend(evidence.days[: thresholds.trend_days]),
        thresholds.version,
        evidence.mapper_version,
        evidence.mapper_versions,
    )


def conclude(results: Sequence[Result]) -> tuple[Outcome, list[Result]]:
    """HOLD beats INCONCLUSIVE beats GO; the first gate that says the worst stands first."""
    weights = (Outcome.HOLD, Outcome.INCONCLUSIVE, Outcome.GO)
    ordered = [one for weight in weights for one in results if one.outcome is weight]
    return worst(one.outcome for one in results), ordered


def _trend(days: Sequence[Day]) -> Trend:
    half = len(days) // 2
    lately, before = _per_thousand(days[:half]), _per_thousand(days[half : 2 * half])
    if lately is None or before is None:
        word = "unknown"
    else:
        word = "steady" if lately == before else "improving" if lately < before else "worsening"
    return Trend(word, before, lately, tuple(days))


def _per_thousand(days: Sequence[Day]) -> Decimal | None:
    sessions = sum(day.sessions for day in days)
    faults = sum(day.critical + day.major for day in days)
    return Decimal(faults * 1000) / sessions if sessions else None
