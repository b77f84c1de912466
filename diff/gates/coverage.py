"""Coverage: was everything tried that the fleet does? An action that was never seen is no pass. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from diff.gates.evidence import CohortEvidence
from diff.gates.gate import Outcome, Result
from diff.gates.thresholds import Thresholds
from diff.gates.words import count, listed

__all__ = ["OFFLINE_START", "OFFLINE_STOP", "REBOOT_IN_SESSION", "SESSION_ACTIONS", "coverage"]

OFFLINE_START: Final = "offline start"
"""A transaction that began without connection and was told later."""
OFFLINE_STOP: Final = "offline stop"
"""One that ended so."""
REBOOT_IN_SESSION: Final = "reboot in session"
"""A BootNotification between the beginning and the end of a session."""

SESSION_ACTIONS: Final = frozenset(
    {
        # 1.6
        "Authorize",
        "StartTransaction",
        "StopTransaction",
        "MeterValues",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        # native 2.0.1, beside Authorize and MeterValues
        "TransactionEvent",
        "RequestStartTransaction",
        "RequestStopTransaction",
        OFFLINE_START,
        OFFLINE_STOP,
        REBOOT_IN_SESSION,
    }
)


def coverage(evidence: CohortEvidence, thresholds: Thresholds) -> Result:
    """INCONCLUSIVE while an action that the fleet uses was seen too seldom, or too few vendors stand for the fleet."""
    limits = thresholds.coverage
    short = list(_shortfalls(evidence, thresholds))
    wanted = _wanted(evidence, thresholds)
    vendors = {kind.vendor for kind in evidence.kinds if kind.vendor}
    models = {kind.name for kind in evidence.kinds if kind.vendor or kind.model}
    behind = f"{count(len(vendors), 'vendor')} and {count(len(models), 'model')} stand behind it"
    value = f"{count(len(short), 'shortfall')} among {count(len(wanted), 'action')}; {behind}"
    threshold = f"session actions ≥ {limits.session_action}, others ≥ {limits.other_action} on each model"
    if evidence.attention.whole_fleet:
        threshold += f", ≥ {count(limits.vendors, 'vendor')}"

    def result(outcome: Outcome, because: str, change: str = "") -> Result:
        named = tuple(one for one, _, _ in short[:10])
        return Result("coverage", outcome, value, threshold, len(wanted), "actions", because, change, named=named)

    if not wanted:
        return result(Outcome.INCONCLUSIVE, "no action was seen at all", "traffic")
    if short:
        seen = [f"{name} {found} of {asked}" for name, found, asked in short]
        missing = [f"{asked - found} more {name}" for name, found, asked in short]
        return result(Outcome.INCONCLUSIVE, f"seen too seldom: {listed(seen)}", listed(missing, 5))
    if evidence.attention.whole_fleet and len(vendors) < limits.vendors:
        more, names = limits.vendors - len(vendors), listed(sorted(vendors)) or "none"
        return result(
            Outcome.INCONCLUSIVE,
            f"only {count(len(vendors), 'vendor')} would stand for the whole fleet: {names}",
            f"charging stations of {count(more, 'more vendor')}, or a verdict on a cohort in place of the fleet",
        )
    return result(Outcome.GO, f"each of {count(len(wanted), 'action')} was seen often enough; {behind}")


def _wanted(evidence: CohortEvidence, thresholds: Thresholds) -> list[str]:
    limits = thresholds.coverage
    return sorted((evidence.used | set(limits.required)) - set(limits.exempt))


def _shortfalls(evidence: CohortEvidence, thresholds: Thresholds) -> Iterator[tuple[str, int, int]]:
    """What, how often it was seen and how often it should have been; session actions first."""
    limits, wanted = thresholds.coverage, _wanted(evidence, thresholds)
    for action in wanted:
        found = evidence.seen(action)
        if action in SESSION_ACTIONS and found < limits.session_action:
            yield action, found, limits.session_action
    for kind in evidence.kinds:
        for action in wanted:
            found = kind.fleet_actions.get(action, 0)
            name = f"{kind.name}: {action}"
            if action not in SESSION_ACTIONS and found < limits.other_action and name not in limits.exempt:
                yield name, found, limits.other_action
