"""What a session's billing record says, and what the shadow's session would cost under the record's tariff."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from diff.judging import CURRENT
from diff.store.client import Store
from diff.store.queries.reading import read
from diff.store.queries.runs import counting

__all__ = ["Billed", "billed"]


class Billed(msgspec.Struct, frozen=True):
    """The record that was found for a session."""

    record_id: str
    energy_wh: Decimal | None
    amount: Decimal | None
    currency: str | None
    shadow_amount: Decimal | None
    """What the session of 2.0.1 costs under the record's tariff; None where that cannot be told."""
    amount_delta: Decimal | None
    """Shadow minus record."""


def billed(store: Store, charger_id: str, session_id: str, run: str = CURRENT) -> Billed | None:
    """The record of a session; None where none was delivered for it."""
    query = f"""
    SELECT record_id, record_energy_wh, record_amount, record_currency, shadow_amount, amount_delta FROM sessions FINAL
    WHERE charger_id = %(charger)s AND {counting(store, run)} AND session_id = %(id)s AND record_id IS NOT NULL"""
    found = read(store, query, {"charger": charger_id, "id": session_id})
    return Billed(*found[0]) if found else None
