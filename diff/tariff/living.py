"""What a session costs as the shadow lived it, under the tariff that its connector has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from diff.tariff import profile
from diff.tariff.book import TariffBook
from diff.tariff.pricing import price
from diff.tariff.tariff import TariffError
from ingest.frame import Micros

__all__ = ["Amount", "Lived", "amount_of"]


class Amount(NamedTuple):
    """An amount with VAT, to the smallest unit of its currency."""

    currency: str
    value: Decimal


class Lived(NamedTuple):
    """What a tariff asks of a session."""

    charger_id: str
    connector_id: int | None
    started_at: Micros | None
    stopped_at: Micros | None
    energy_wh: Decimal | None
    charging: Sequence[tuple[Micros, bool]] = ()
    """From when on it charged, or did not."""


def amount_of(book: TariffBook, session: Lived) -> Amount | None:
    """What it costs; None where no tariff is assigned, one cannot be applied, or the session lacks what it prices."""
    assigned = book.of(session.charger_id, session.connector_id)
    start, stop, energy = session.started_at, session.stopped_at, session.energy_wh
    if assigned.tariff is None or start is None or stop is None or energy is None or energy < 0:
        return None
    try:
        cost = price(assigned.tariff, profile.of_session(start, stop, energy, session.charging), assigned.zone)
    except TariffError:
        return None
    return Amount(cost.currency, cost.incl)
