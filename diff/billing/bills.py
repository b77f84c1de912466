"""Bills and their sessions: a record finds its session, is compared with it, replaced, doubled or taken back."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from diff.billing import money
from diff.billing.comparing import COMPARED, compare_record
from diff.billing.matching import best, fits
from diff.billing.state import Awaiting, Billing, Settled
from diff.billing.telling import Teller
from diff.discrepancy import JudgedSession, session_id
from diff.policy import Policy
from ingest.frame import Frame, Micros
from ingest.key_ring import KeyRing, comparable
from ingest.records.framing import version_of
from ingest.records.record import BillingRecord, RecordKind

if TYPE_CHECKING:
    from diff.judgement import JudgeState

__all__ = ["Bills", "runs"]

_DUPLICATES: Final = 8
_SPARE: Final = 2
_STRENGTH: Final = {RecordKind.TABLE: 0, RecordKind.SESSION: 1, RecordKind.CDR: 2}
"""Of two forms of one bill the stronger stands: a CDR is sealed, a session is on its way to one."""


def runs(state: JudgeState, record: BillingRecord) -> bool:
    """Whether a session that can be the record's has not ended for the shadow."""
    stop = record.start_at if record.stop_at is None else record.stop_at
    return any(
        pair.open and pair.first_at <= stop and record.connector_id in (None, pair.connector_id)
        for pair in state.pairs.by_id.values()
    )


class Bills:
    """The bills of one charging station."""

    def __init__(self, state: JudgeState, billing: Billing, policy: Policy, tell: Teller, keys: KeyRing) -> None:
        self._state, self._billing, self._policy, self._tell, self._keys = state, billing, policy, tell, keys
        self._charger_id = state.charger.charger_id

    def take(self, record: BillingRecord, frame: Frame) -> None:
        """A record that bills something: its session is found, or waited for."""
        billing, at = self._billing, frame.received_at
        own, why_not = money.own_amount(self._charger_id, record, self._policy)
        if why_not and record.tariffs:
            self._tell.unjudged("CDR.tariffs", (frame.frame_id,), at, record.id, f"no amount: {why_not}")
        waiting = Awaiting(
            money.trimmed(record), frame.frame_id, at, own, session_id=session_id(self._charger_id, record.key)
        )
        before = billing.records.pop(record.key, None)
        if before is not None and before.missing:
            self._tell.taken_back(before, at)
        owner = next((one for one in billing.sessions.values() if _has(one, record.key)), None)
        if owner is not None:
            self._said_again(owner, waiting, frame)
            return
        free, billed = self._match(record)
        if free is not None:
            self.found(waiting, free, at)
            self._tell.row(free, at)
        elif billed is not None:
            self._second(waiting, billed, at)
        else:
            waiting.due = at + self._policy.settle_record
            billing.records[record.key] = waiting

    def _match(self, record: BillingRecord) -> tuple[Settled | None, Settled | None]:
        """The session without a bill that a record is for, and the one with a bill.

        One that is only near in time is not taken while the true one may still be running.
        """
        sessions = self._billing.sessions.values()
        free = [one for one in sessions if one.record is None]
        found = best(record, free, 0, self._keys)
        if found is None and not runs(self._state, record):
            found = best(record, free, self._policy.record_window, self._keys)
        return found, best(record, (one for one in sessions if one.record is not None), 0, self._keys)

    def _said_again(self, owner: Settled, waiting: Awaiting, frame: Frame) -> None:
        """A record of a known id with other content. OCPI sessions change; a CDR must not (§10.1)."""
        record, at = waiting.record, frame.received_at
        if owner.record is not None and _same_but_for_key(owner.record, record):
            return  # delivered again, after its key was retired
        if record.kind is RecordKind.CDR:
            frames = (owner.record_frame, waiting.frame_id)
            detail = "one id with two contents: the newer one is compared"
            self._tell.raised(owner, "session.duplicate-record", "CDR.id", frames, at, record.id, detail)
        newer = version_of(frame.frame_id) > _known_version(self._billing, record.key)
        if newer and owner.record is not None and owner.record.key == record.key:
            self._attach(owner, waiting, at)
            self._tell.row(owner, at)

    def seconds(self, session: Settled, at: Micros) -> None:
        """Further records that waited for a session that has found one."""
        for other in [one for one in self._billing.records.values() if fits(one.record, session, 0)]:
            del self._billing.records[other.record.key]
            if other.missing:
                self._tell.taken_back(other, at)
            self._second(other, session, at)

    def _second(self, waiting: Awaiting, session: Settled, at: Micros) -> None:
        """A further record for a session that has one."""
        record, first = waiting.record, session.record
        if first is None:
            return
        self._billing.note(record.key, version_of(waiting.frame_id))
        if _STRENGTH[record.kind] > _STRENGTH[first.kind]:
            self._attach(session, waiting, at)
            self._tell.row(session, at)
        elif record.kind is first.kind:
            session.duplicates = (*session.duplicates, record.key)[-_DUPLICATES:]
            session.spare = (*session.spare, waiting)[-_SPARE:]
            billed = "" if record.cost is None else f", {record.cost:f} {record.currency}"
            detail = f"{first.id} bills it already; {record.id} bills it again{billed}"
            frames = (session.record_frame, waiting.frame_id)
            named = f"{first.id}, {record.id}"
            self._tell.raised(session, "session.duplicate-record", "CDR.id", frames, at, named, detail)

    def credit(self, record: BillingRecord, frame: Frame) -> None:
        """A record is taken back: its session waits for another one."""
        billing, at, key = self._billing, frame.received_at, record.credits_key
        waiting = billing.records.pop(key, None)
        if waiting is not None:
            if waiting.missing:
                self._tell.taken_back(waiting, at)
            billing.note(key, version_of(waiting.frame_id))
            return
        owner = next((one for one in billing.sessions.values() if _has(one, key)), None)
        if owner is None:
            if key not in billing.seen:
                billing.credit(key)
            return
        if key in owner.duplicates:
            self._no_duplicate(owner, key, frame)
            return
        for code, path in COMPARED:
            self._tell.withdrawn(owner, code, path, at, (frame.frame_id,))
        self._tell.withdrawn(owner, "session.late-record", "CDR", at, (frame.frame_id,))
        owner.record, owner.record_frame, owner.own_amount = None, "", None
        owner.row = _without_bill(owner.row)
        if owner.spare:  # the new record came before the credit of the old one
            follower = owner.spare[0]
            self._no_duplicate(owner, follower.record.key, frame)
            self._attach(owner, follower, at)
            self._tell.row(owner, at)
            return
        owner.due = at + self._policy.settle_record if self._policy.records_expected else None
        self._tell.row(owner, at)

    def _no_duplicate(self, owner: Settled, key: str, frame: Frame) -> None:
        """A further record for a session is none any more: taken back, or the one that counts."""
        owner.duplicates = tuple(one for one in owner.duplicates if one != key)
        owner.spare = tuple(one for one in owner.spare if one.record.key != key)
        if not owner.duplicates:
            at, frames = frame.received_at, (frame.frame_id,)
            self._tell.withdrawn(owner, "session.duplicate-record", "CDR.id", at, frames)

    def found(self, waiting: Awaiting, session: Settled, at: Micros) -> None:
        """A record and its session have each other."""
        self._billing.records.pop(waiting.record.key, None)
        if waiting.missing:
            self._tell.taken_back(waiting, at)
        self._attach(session, waiting, at)
        late = waiting.received_at - session.ended_at - self._policy.settle_record
        if session.missing:
            session.missing = False
            self._tell.withdrawn(session, "session.missing-in-primary", "CDR", at, (waiting.frame_id,))
        if late > 0 and self._policy.records_expected:
            delta = Decimal(waiting.received_at - session.ended_at).scaleb(-6)
            detail = f"record {waiting.record.id} came after the settling time"
            frames = (waiting.frame_id,)
            self._tell.raised(session, "session.late-record", "CDR", frames, at, waiting.record.id, detail, delta)

    def _attach(self, session: Settled, waiting: Awaiting, at: Micros) -> None:
        if session.record is None:
            self._state.comparisons += len(COMPARED)
        session.record, session.record_frame = waiting.record, waiting.frame_id
        session.own_amount, session.due = waiting.own_amount, None
        self._billing.note(waiting.record.key, version_of(waiting.frame_id))
        self.compare(session, at)

    def compare(self, session: Settled, at: Micros) -> None:
        """Compare, and put the bill into the row."""
        record = session.record
        if record is None:
            return
        own = session.own_amount
        lived = None if own is None else money.session_amount(record, session, self._policy)
        delta = None if lived is None or own is None else lived - own
        session.row = replace(
            session.row,
            record_id=record.id,
            record_energy_wh=record.energy_wh,
            record_amount=record.cost,
            record_currency=record.currency or None,
            shadow_amount=lived,
            amount_delta=delta,
        )
        found = list(compare_record(session, record, delta, self._policy, self._keys))
        differing = {one.code for one in found}
        frames = (*session.frames[:1], session.record_frame)
        for code, path in COMPARED:
            if code not in differing:
                self._tell.withdrawn(session, code, path, at, (session.record_frame,))
        for one in found:
            self._tell.difference(session, one, frames, at)


def _has(session: Settled, key: str) -> bool:
    return (session.record is not None and session.record.key == key) or key in session.duplicates


def _same_but_for_key(one: BillingRecord, other: BillingRecord) -> bool:
    """Whether two records say the same, and only the keys of their pseudonyms differ."""
    if comparable(one.key_version, other.key_version):
        return False
    return replace(one, tokens=(), key_version="") == replace(other, tokens=(), key_version="")


def _known_version(billing: Billing, key: str) -> int:
    """The version of a record that is known; -1 of none."""
    return billing.seen.get(key, -1)


def _without_bill(row: JudgedSession) -> JudgedSession:
    return replace(
        row,
        record_id=None,
        record_energy_wh=None,
        record_amount=None,
        record_currency=None,
        shadow_amount=None,
        amount_delta=None,
    )
