"""What a session and its record cost under one tariff, so that a difference is also an amount. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from diff.billing.state import Settled
from diff.policy import Policy
from diff.tariff import profile
from diff.tariff.book import Assigned
from diff.tariff.pricing import Cost, price
from diff.tariff.tariff import TariffError, read_tariff
from ingest.records.record import BillingRecord

__all__ = ["own_amount", "session_amount", "trimmed"]

_MOST_TARIFF: Final = 16 * 1024
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def own_amount(charger_id: str, record: BillingRecord, policy: Policy) -> tuple[Decimal | None, str]:
    """What the record's own periods cost under its tariff, and why that cannot be told, if so."""
    try:
        given = _tariff(charger_id, record, policy)
        if given.tariff is None:
            return None, "no tariff: neither the record nor tariff_file has one"
        return _basis(record, price(given.tariff, profile.of_record(record), given.zone)), ""
    except TariffError as error:
        return None, str(error)


def session_amount(record: BillingRecord, session: Settled, policy: Policy) -> Decimal | None:
    """What the shadow's session costs under the tariff of its record; None where that cannot be told."""
    row = session.row
    if row.started_at is None or row.stopped_at is None or row.shadow_energy_wh is None or row.shadow_energy_wh < 0:
        return None
    try:
        given = _tariff(row.charger_id, record, policy)
        if given.tariff is None:
            return None
        lived = profile.of_session(row.started_at, row.stopped_at, row.shadow_energy_wh, session.charging)
        return _basis(record, price(given.tariff, lived, given.zone))
    except TariffError:
        return None


def trimmed(record: BillingRecord) -> BillingRecord:
    """As it is kept: without its periods, and with the one tariff that holds, if that is not too long."""
    chosen = _chosen(record)
    kept = () if chosen is None or len(_encode(chosen)) > _MOST_TARIFF else (chosen,)
    return msgspec.structs.replace(record, periods=(), tariffs=kept)


def _basis(record: BillingRecord, cost: Cost) -> Decimal:
    """With VAT, unless the record is billed without."""
    return cost.excl if record.cost_incl is None and record.cost_excl is not None else cost.incl


def _tariff(charger_id: str, record: BillingRecord, policy: Policy) -> Assigned:
    """That of the record, else the one assigned to its connector. The time zone comes from the file in both cases."""
    assigned = policy.tariffs.of(charger_id, record.connector_id)
    own = _chosen(record)
    if own is None and record.tariffs:
        raise TariffError("its periods are under several tariffs in turn: only one tariff a session can be applied")
    if own is not None:
        return Assigned(read_tariff(own, record.currency), assigned.zone)
    if assigned.tariff is not None and record.currency and assigned.tariff.currency != record.currency:
        raise TariffError(
            f"the record is in {record.currency}, the tariff {assigned.tariff.id} in {assigned.tariff.currency}:"
            " assign a tariff in the currency that is billed"
        )
    return assigned


def _chosen(record: BillingRecord) -> dict[str, object] | None:
    """The tariff that the periods name; the only one where they name none. Two that hold in turn are none."""
    named = {period.tariff_id for period in record.periods if period.tariff_id}
    if len(named) > 1:
        return None
    if named:
        wanted = next(iter(named))
        found = next((one for one in record.tariffs if one.get("id") == wanted), None)
        if found is not None:
            return found
    return record.tariffs[0] if len(record.tariffs) == 1 else None
