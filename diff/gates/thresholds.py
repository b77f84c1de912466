"""The thresholds of all gates: a TOML file, its defaults, and what holds while somebody's file is broken. Pure.

Every number is a default; a file names those that differ:

version = "2026-06"

[money]
sessions = 500
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from diff.document import DocumentError, parse

__all__ = ["DEFAULT", "Thresholds", "ThresholdsInForce", "parse_thresholds"]

Days = Annotated[int, Field(ge=1, le=396)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Percent = Annotated[Decimal, Field(gt=0, lt=100)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sight(_Part):
    """Sight: was everything seen."""

    complete_percent: Annotated[Decimal, Field(gt=0, le=100)] = Field(
        default=Decimal("99.9"),
        description="Of a charging station's forwarded bytes, so many must be mirrored and parsed.",
    )
    silent_hours: Annotated[int, Field(ge=1, le=24 * 396)] = Field(
        default=24, description="A charging station without a frame for so long makes the verdict INCONCLUSIVE."
    )


class Money(_Part):
    """Money: would anyone have been charged a different amount."""

    sessions: Annotated[int, Field(ge=3, le=10_000_000)] = Field(
        default=300,
        description="Settled sessions without a mismatch of energy, token or attribution that are needed for GO.",
    )


class Critical(_Part):
    """Is anything critical open, and nobody has answered for it."""

    days: Days = Field(
        default=7, description="So many days running without a critical discrepancy that nobody acknowledged."
    )
    sessions_per_day: Count = Field(
        default=1, description="So many sessions compared make a day one that was looked at."
    )


class Rate(_Part):
    """How often something major happens."""

    upper_percent: Percent = Field(
        default=Decimal("0.5"),
        description="The upper 95 % bound of major discrepancies per comparison must not exceed it.",
    )
    count_acknowledged: bool = Field(
        default=True, description="Acknowledged ones count in the rate too: known is not the same as rare."
    )


class Coverage(_Part):
    """Whether everything was tried."""

    session_action: Count = Field(default=30, description="Times that each session action must be seen in the cohort.")
    other_action: Count = Field(default=3, description="Times that every other action must be seen on each model.")
    vendors: Count = Field(default=3, description="Vendors that must stand behind a verdict on the whole fleet.")
    required: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), description="Session actions that must be seen although the fleet has not used them yet."
    )
    exempt: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), description="Actions that need not be seen (`UpdateFirmware`), or on one model (`ACME One: Reset`)."
    )


class Noise(_Part):
    """Whether the same traffic always gives the same outcome."""

    frames: Count = Field(default=1, description="So many frames must have been lived again by the run that counts.")


class Baseline(_Part):
    """Whether everything that was acknowledged is still true."""

    quiet_days: Days = Field(
        default=14, description="Not seen for so long, an acknowledged discrepancy stopped occurring …"
    )
    quiet_sessions: Count = Field(default=20, description="… if so many sessions of its scope were compared meanwhile.")


class Thresholds(_Part):
    """A file of thresholds as it stands."""

    version: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        default="1", description="Stands beside every verdict: raise it with each change."
    )
    evidence_days: Days = Field(
        default=28, description="Sessions and discrepancies of so many days count; older ones do not."
    )
    trend_days: Days = Field(default=14, description="Days that the trend of a verdict shows.")
    sight: Sight = Sight()
    money: Money = Money()
    critical: Critical = Critical()
    rate: Rate = Rate()
    coverage: Coverage = Coverage()
    noise: Noise = Noise()
    baseline: Baseline = Baseline()


DEFAULT: Final = Thresholds()


def parse_thresholds(text: str) -> Thresholds:
    """Read the text of a file of thresholds.

    Raises:
        DocumentError: it is no TOML, or holds what no threshold can be; says in which line.

    """
    return parse(text, Thresholds)


class ThresholdsInForce:
    """What holds while a file is changed: a broken one is named, and the last good one stays."""

    def __init__(self, good: Thresholds = DEFAULT) -> None:
        self.current = good
        self.problem = ""
        """What is wrong with the file as it was read last; empty while it is the one in force."""

    def take(self, text: str) -> None:
        """Take the file as it stands now."""
        try:
            self.current = parse_thresholds(text)
        except DocumentError as error:
            self.problem = str(error)
        else:
            self.problem = ""
