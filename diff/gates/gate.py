"""What a gate says: GO, HOLD or INCONCLUSIVE, with the numbers, and what would change it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

__all__ = ["Outcome", "Result", "worst"]


class Outcome(StrEnum):
    """What may be done with a cohort."""

    GO = "GO"
    HOLD = "HOLD"
    """Something speaks against it."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """Too little is known: zero because blind is not zero because clean."""

    @property
    def exit_code(self) -> int:
        """Of the command that says it."""
        return _EXIT_CODES[self]


_EXIT_CODES: Final = {Outcome.GO: 0, Outcome.HOLD: 10, Outcome.INCONCLUSIVE: 20}
_BY_WEIGHT: Final = (Outcome.HOLD, Outcome.INCONCLUSIVE, Outcome.GO)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """HOLD before INCONCLUSIVE before GO. Of none: nothing is known."""
    found = set(outcomes)
    return next((one for one in _BY_WEIGHT if one in found), Outcome.INCONCLUSIVE)


class Result(msgspec.Struct, frozen=True):
    """One gate's word on a cohort."""

    gate: str
    outcome: Outcome
    value: str
    """What was found."""
    threshold: str
    """What is asked for."""
    n: int
    """How much was looked at: the denominator."""
    of: str
    """What `n` counts."""
    because: str
    """Why it says so, in a sentence."""
    change: str = ""
    """What would change it, with numbers; empty beside GO."""
    bound: Decimal | None = None
    """Upper 95 % bound of the rate, between 0 and 1, where the gate is about one."""
    named: Sequence[str] = ()
    """The worst offenders: charging stations, fingerprints or actions."""
