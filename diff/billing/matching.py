"""Which session a billing record bills. Pure.

Sessions on one connector do not overlap, so time finds the one that is meant, and the token and the primary's
transactionId confirm it. A record names times by some clock: the charging station's as it stands (most systems bill
what StartTransaction said), or a true one. Both readings of a session's times are tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from diff.billing.state import Settled
from diff.discrepancy import JudgedSession
from ingest.frame import Micros
from ingest.key_ring import NO_KEYS, KeyRing, comparable
from ingest.records.record import BillingRecord

__all__ = ["Span", "best", "fits", "same_token", "spans", "tokens_under"]

_PLAUSIBLE: Final[Micros] = 1_420_070_400_000_000
"""2015: an earlier time is a clock that was never set."""
_DAY: Final[Micros] = 86_400_000_000


class Span(NamedTuple):
    """A session's begin and end by one clock."""

    start: Micros
    stop: Micros


def spans(session: Settled) -> list[Span]:
    """The times of a session: by its charging station's clock, by that clock put right, else by the tap's."""
    row = session.row
    if row.started_at is None or row.stopped_at is None or min(row.started_at, row.stopped_at) < _PLAUSIBLE:
        return [Span(row.first_received_at, session.ended_at)]
    own = Span(row.started_at, row.stopped_at)
    if not session.clock_offset:
        return [own]
    return [own, Span(own.start - session.clock_offset, own.stop - session.clock_offset)]


def tokens_under(record: BillingRecord, session: JudgedSession, keys: KeyRing) -> tuple[str, ...] | None:
    """A record's tokens as they are called under the key of a session's; None where that cannot be said."""
    if comparable(record.key_version, session.key_version):
        return record.tokens
    found = [keys.translate(one, record.key_version, session.key_version) for one in record.tokens]
    known = tuple(one for one in found if one is not None)
    return known if len(known) == len(found) else None


def same_token(record: BillingRecord, session: JudgedSession, keys: KeyRing = NO_KEYS) -> bool | None:
    """Whether a session's token is one of those that a record names; None where that cannot be said.

    Tokens are the same whatever their case.
    """
    named = tokens_under(record, session, keys)
    plain = (session.id_token or "").lower()
    return None if named is None else any(one.lower() == plain for one in named)


def best(record: BillingRecord, sessions: Iterable[Settled], window: Micros, keys: KeyRing = NO_KEYS) -> Settled | None:
    """The session that a record bills; None where none fits.

    `window`: so near both its ends may lie to those of a session that it does not overlap.

    Without a connector a record may fit sessions that ran side by side: then its token has to decide.
    """
    found = [one for one in sessions if fits(record, one, window)]
    if record.connector_id is None and len(found) > 1:
        found = [one for one in found if same_token(record, one.row, keys)] or found
    return min(found, key=lambda one: _rank(record, one, keys), default=None)


def fits(record: BillingRecord, session: Settled, window: Micros) -> bool:
    """Whether a session can be the one."""
    row = session.row
    connectors = {record.connector_id, row.connector_id} - {None}
    if len(connectors) > 1:
        return False
    if record.transaction_id is not None and row.primary_transaction_id is not None:
        if record.transaction_id != row.primary_transaction_id:
            return False
        return any(_near(record, span, _DAY) for span in spans(session))
    return any(_overlaps(record, span, window) for span in spans(session))


def _stop(record: BillingRecord) -> Micros:
    return record.start_at if record.stop_at is None else record.stop_at


def _near(record: BillingRecord, span: Span, window: Micros) -> bool:
    return record.start_at <= span.stop + window and _stop(record) >= span.start - window


def _overlaps(record: BillingRecord, span: Span, window: Micros) -> bool:
    """They share half of the shorter one, or both their ends are close."""
    stop = _stop(record)
    if max(abs(record.start_at - span.start), abs(stop - span.stop)) <= window:
        return True
    shared = min(stop, span.stop) - max(record.start_at, span.start)
    shorter = min(stop - record.start_at, span.stop - span.start)
    return shared > 0 and shared * 2 >= shorter


def _rank(record: BillingRecord, session: Settled, keys: KeyRing) -> tuple[bool, Micros, str]:
    stop = _stop(record)
    distance = min(abs(record.start_at - span.start) + abs(stop - span.stop) for span in spans(session))
    return not same_token(record, session.row, keys), distance, session.row.session_id
