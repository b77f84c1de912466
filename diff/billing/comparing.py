"""Comparing a session with the record that bills it: exact decimals. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from diff.billing.matching import same_token, spans, tokens_under
from diff.billing.state import Settled
from diff.compare import Difference
from diff.policy import Kind, Numbers, Policy
from ingest.frame import Micros
from ingest.key_ring import NO_KEYS, KeyRing
from ingest.records.record import BillingRecord
from ingest.timestamps import format_micros

__all__ = ["COMPARED", "compare_record"]

COMPARED: Final = (
    ("session.energy", "CDR.total_energy"),
    ("session.token", "CDR.cdr_token"),
    ("session.start-time", "CDR.start_date_time"),
    ("session.stop-time", "CDR.end_date_time"),
    ("session.record-amount", "CDR.total_cost"),
)
"""Code and path of everything that a comparison can find: what no longer holds is withdrawn."""

_VIRTUAL: Final = frozenset({"AD_HOC_USER", "APP_USER", "OTHER"})
"""OCPI token types whose uid the station need not have seen: a CSMS may start such sessions under a tag of its own."""
_MICROS: Final = 6
_PLAUSIBLE: Final[Micros] = 1_420_070_400_000_000


def compare_record(
    session: Settled, record: BillingRecord, amount_delta: Decimal | None, policy: Policy, keys: KeyRing = NO_KEYS
) -> Iterator[Difference]:
    """Everything on which they differ; what one of them does not say is not compared. `delta` is shadow minus record.

    `amount_delta`: what the session costs more than the record under the same tariff. `keys`: those of pseudonyms.
    """
    yield from _energy(session, record, amount_delta, policy)
    yield from _token(session, record, policy.record_token.kind, keys)
    started, stopped = session.row.started_at, session.row.stopped_at
    if started is not None and stopped is not None and min(started, stopped) >= _PLAUSIBLE:
        known = spans(session)
        starts, stops = [one.start for one in known], [one.stop for one in known]
        yield from _time("session.start-time", "start_date_time", record.start_at, starts, policy.record_start)
        if record.stop_at is not None:
            yield from _time("session.stop-time", "end_date_time", record.stop_at, stops, policy.record_stop)
    yield from _cost(session, record, policy)


def _token(session: Settled, record: BillingRecord, kind: Kind, keys: KeyRing) -> Iterator[Difference]:
    """Tokens under keys of which one is not known (any more) are not compared."""
    token = session.row.id_token
    named = tokens_under(record, session.row, keys)
    if not named or not token or record.token_type in _VIRTUAL or kind is Kind.IGNORE:
        return
    # Translating loses the case: then tokens are the same whatever it is.
    exact = kind is Kind.EXACT and named is record.tokens
    if not (token in named if exact else same_token(record, session.row, keys)):
        yield Difference("session.token", "CDR.cdr_token", named[0], token)


def _energy(
    session: Settled, record: BillingRecord, amount_delta: Decimal | None, policy: Policy
) -> Iterator[Difference]:
    """A record is good to the Wh at best: kWh with three decimals, rounded or cut off, are no difference."""
    billed, lived = record.energy_wh, session.row.shadow_energy_wh
    if billed is None or lived is None or policy.record_energy.ignored:
        return
    resolution = session.resolution_wh if session.resolution_wh > 1 else 0
    allowed = policy.record_energy.allowed(billed, record.resolution_wh + resolution)
    delta = lived - billed
    if abs(delta) > allowed:
        money = "" if amount_delta is None else f", {amount_delta:+f} {record.currency} under the tariff of the record"
        detail = f"record {record.id}: {allowed:f} Wh are allowed{money}"
        yield Difference("session.energy", "CDR.total_energy", f"{billed:f}", f"{lived:f}", delta, detail)


def _time(code: str, name: str, billed: Micros, known: list[Micros], rule: Numbers) -> Iterator[Difference]:
    nearest = min(known, key=lambda at: abs(at - billed))
    delta = Decimal(nearest - billed).scaleb(-_MICROS)
    if rule.ignored or abs(delta) <= rule.allowed(Decimal()):
        return
    detail = f"an idle fee per minute would differ by {abs(delta) / 60:.1f} minutes"
    yield Difference(code, f"CDR.{name}", format_micros(billed), format_micros(nearest), delta, detail)


def _cost(session: Settled, record: BillingRecord, policy: Policy) -> Iterator[Difference]:
    """Whether the record follows its own tariff; only where it brings one."""
    billed, own = record.cost, session.own_amount
    if billed is None or own is None or record.reserved or not record.tariffs:
        return
    if policy.record_amount.ignored or abs(own - billed) <= policy.record_amount.allowed(billed):
        return
    detail = f"record {record.id}: its own periods under its own tariff cost {own:f} {record.currency}"
    yield Difference("session.record-amount", "CDR.total_cost", f"{billed:f}", f"{own:f}", own - billed, detail)
