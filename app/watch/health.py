"""How a process is doing, in the three states that matter to whoever runs it. Pure.

The primary path comes first: as long as charging stations talk with their primary CSMS, nothing of the shadow is an
emergency. So a shadow that is blind is *degraded*, and only a process that does not do its own work is *unhealthy*.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

__all__ = ["Health", "State", "judged"]


class State(StrEnum):
    """The three states."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


_MEANING: Final = {
    State.HEALTHY: "everything does its work",
    State.DEGRADED: "the primary is unaffected; the shadow is blind, behind or incomplete, and mends itself when the "
    "reasons go",
    State.UNHEALTHY: "this process does not do its work and should be started again",
}


class Health(msgspec.Struct, frozen=True):
    """What /readyz says."""

    state: State
    reasons: tuple[str, ...]
    meaning: str

    @property
    def ready(self) -> bool:
        """Whether starting the process again would mend nothing."""
        return self.state is not State.UNHEALTHY


def judged(unhealthy: Sequence[str] = (), degraded: Sequence[str] = ()) -> Health:
    """The state that these reasons make, the worst first; empty reasons do not count."""
    worst, others = tuple(filter(None, unhealthy)), tuple(filter(None, degraded))
    state = State.UNHEALTHY if worst else State.DEGRADED if others else State.HEALTHY
    return Health(state, worst + others, _MEANING[state])
