"""A cohort without faults, as evidence: what the tests of gates begin with."""

from typing import Any

from msgspec.structs import replace

from diff.compare import COMPARED
from diff.gates.coverage import SESSION_ACTIONS
from diff.gates.evidence import DAY, CohortEvidence, Day, Fault, Kind, Sight
from diff.noise import NoiseRun

AT = 1_780_000_000_000_000
ACTIONS = {"StartTransaction": 400, "StopTransaction": 400, "MeterValues": 900, "BootNotification": 9, "Reset": 3}
RUN = NoiseRun("r", AT - DAY, "2", "1", "1", "the store", 5000, 3, 400, 12, 0, "")


def clean(sessions: int = 400, **changes: Any) -> CohortEvidence:
    """Sessions of two weeks on three charging stations of three vendors, everything seen and nothing found."""
    names = ("CP-1", "CP-2", "CP-3")
    assert set(ACTIONS) & SESSION_ACTIONS
    evidence = CohortEvidence(
        cohort="first",
        at=AT,
        since=AT - 28 * DAY,
        mapper_version="2",
        sights=tuple(Sight(name, 1_000_000, 1_000_000, AT - 1) for name in names),
        kinds=tuple(Kind(f"V{number}", "One", 1, ACTIONS, ACTIONS) for number in range(3)),
        sessions=sessions,
        weighed=sessions,
        comparisons=sessions * len(COMPARED),
        days=tuple(Day(age, sessions // 14 or int(sessions > age)) for age in range(14)),
        used=frozenset(ACTIONS),
        noise=RUN,
        mapper_versions=("2",),
    )
    return replace(evidence, **changes)


def fault(code: str = "session.energy", severity: str = "critical", *, age: float = 0.5, **changes: Any) -> Fault:
    """An open discrepancy, seen so many days before the verdict."""
    at = AT - int(age * DAY)
    return replace(Fault("f1", "session: energy (ACME One)", code, severity, "CP-1", 1, at, at), **changes)
