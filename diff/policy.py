"""What counts as equal, and how long to wait before something counts as missing. Versioned: every row names it."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from diff.tariff.book import EMPTY, TariffBook
from ingest.frame import Micros

__all__ = ["DEFAULT", "JUDGING_RUN", "SECOND", "Policy"]

SECOND: Final[Micros] = 1_000_000
JUDGING_RUN: Final = "live"
"""The name of the run that judges frames as they come."""


class Policy(msgspec.Struct, frozen=True):
    """Tolerances and settling times."""

    version: str = "1"
    energy_tolerance_wh: Decimal = Decimal(1)
    """Allowed beside the resolution of the readings: 1.6 gives meterStart and meterStop in whole Wh."""
    time_tolerance: Micros = 1 * SECOND
    """Between the billed start or stop and the one of the 2.0.1 session; both are the charging station's clock."""
    zero_seconds: int = 3
    """A session shorter than this is named `session.zero`, whatever its energy."""
    settle_missing: Micros = 900 * SECOND
    """How long the other side may lack a session, or its end, before that is judged."""
    settle_reboot: Micros = 600 * SECOND
    """How long a session may stay silent after a reboot before it counts as never ended."""
    settle_silence: Micros = 86_400 * SECOND
    """How long an open session may stay silent at all."""
    records_expected: bool = False
    """Every settled session is billed by a record: one without is `session.missing-in-primary`."""
    settle_record: Micros = 259_200 * SECOND
    """How long a session may lack its billing record, or a record its session."""
    record_time_tolerance: Micros = 60 * SECOND
    """Between a record's start or stop and the session's: billing systems round to minutes."""
    record_window: Micros = 300 * SECOND
    """A record whose start and stop are both so near to a session's may be its record without overlapping it."""
    amount_tolerance: Decimal = Decimal("0.01")
    """Between a record's total cost and what its own tariff gives: others round each component."""
    tariffs: TariffBook = EMPTY
    """For records that bring no tariff, and the time zones of all."""


DEFAULT: Final = Policy()
