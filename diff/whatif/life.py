"""One session under one setting: when it began and ended, what it drew, how long it idled, what it costs. Pure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from diff.tariff.living import Amount, Lived, amount_of
from ingest.frame import Micros
from shadow.config import DEFAULT, ShadowConfig

__all__ = ["Life", "Price", "Setting", "priced"]


class Setting(msgspec.Struct, frozen=True):
    """What one of the two sides lives by."""

    config: ShadowConfig = DEFAULT
    policy: Policy = DEFAULT_POLICY


class Life(msgspec.Struct, frozen=True):
    """One session under one setting."""

    session_id: str
    started_at: Micros | None
    stopped_at: Micros | None
    energy_wh: Decimal | None
    idle: Micros
    """Time within the transaction in which its chargingState was not Charging."""
    ended: bool
    native: bool
    connector_id: int | None = None
    charging: tuple[tuple[Micros, bool], ...] = ()
    """From when on it charged, or did not: what a tariff tells charging from parking by."""

    @property
    def duration(self) -> Micros | None:
        """From start to stop, None while one of them is unknown."""
        return None if self.started_at is None or self.stopped_at is None else self.stopped_at - self.started_at


Price = Callable[[Policy, str, Life], Amount | None]
"""What a session of a charging station costs under the tariffs of a policy; None where that cannot be said."""


def priced(policy: Policy, charger_id: str, life: Life) -> Amount | None:
    """What it costs under the tariffs of a policy, as `diff.tariff.living` prices it."""
    session = Lived(charger_id, life.connector_id, life.started_at, life.stopped_at, life.energy_wh, life.charging)
    return amount_of(policy.tariffs, session)
