"""Holds sessions and billing records against each other, as they come and as they fall due."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from diff.billing import money
from diff.billing.comparing import COMPARED, compare_record
from diff.billing.matching import best, fits
from diff.billing.state import Awaiting, Billing, Settled
from diff.billing.telling import Teller
from diff.discrepancy import JudgedSession, session_id
from diff.pairs import Pair, row_of
from diff.policy import Policy
from ingest.frame import Frame, FrameKind, Micros
from ingest.records.framing import record_of, version_of
from ingest.records.record import BillingRecord, RecordError, RecordKind
from ingest.timestamps import parse_stamp
from shadow.message import ShadowMessage
from shadow.native.reading import nested, text

if TYPE_CHECKING:
    from diff.judgement import Judgement, JudgeState

__all__ = ["Auditor", "auditor_of", "note_charging"]

_MOST_STATES: Final = 32
_STRENGTH: Final = {RecordKind.TABLE: 0, RecordKind.SESSION: 1, RecordKind.CDR: 2}
"""Of two forms of one bill the stronger stands: a CDR is sealed, a session is on its way to one."""


def auditor_of(state: JudgeState, frame: Frame, policy: Policy, result: Judgement) -> Auditor:
    """The auditor of a charging station. From the first call on its sessions are kept; those it remembers count."""
    if state.billing is None:
        state.billing = Billing(frame.received_at)
        auditor = Auditor(state, state.billing, policy, result)
        for pair in state.pairs.by_id.values():
            if pair.shadow is not None and pair.shadow.ended:
                auditor.session(pair, row_of(pair, state.charger, pair.last_at), pair.last_at)
        return auditor
    return Auditor(state, state.billing, policy, result)


def note_charging(pair: Pair, message: ShadowMessage) -> None:
    """Note whether the session charges, as a TransactionEvent says it (2.0.1 ChargingStateEnumType)."""
    charging_state = text(nested(message.payload, "transactionInfo"), "chargingState")
    at = parse_stamp(str(message.payload.get("timestamp"))[:64]).at
    if charging_state is None or at is None or len(pair.charging) >= _MOST_STATES:
        return
    charging = charging_state == "Charging"
    if not pair.charging or pair.charging[-1][1] != charging:
        pair.charging.append((at, charging))


class Auditor:
    """One frame's audit."""

    def __init__(self, state: JudgeState, billing: Billing, policy: Policy, result: Judgement) -> None:
        self._state, self._billing, self._policy = state, billing, policy
        self._tell = Teller(state, policy, result)
        self._charger_id = state.charger.charger_id

    # -- what comes --------------------------------------------------------------------------------------------------

    def hear(self, frame: Frame, *, blind: bool) -> None:
        """Take what the frame itself says to the matter: a record, a cut of the copy, a new connection."""
        billing = self._billing
        if frame.kind is FrameKind.RECORD:
            self._record(frame)
        elif blind:
            since = frame.received_at if frame.gap is None else frame.gap.since
            lasting = frame.kind is FrameKind.GAP and (frame.gap is None or frame.gap.until_reconnect)
            billing.cut(since, 0 if lasting else frame.received_at)
        elif frame.kind is FrameKind.OPENED:
            billing.sees_again(frame.received_at)

    def session(self, pair: Pair, row: JudgedSession, at: Micros) -> JudgedSession:
        """Take a session that has ended, or changed after its end; gives its row with the bill."""
        if not pair.judged or pair.shadow is None:
            return row
        known = self._billing.sessions.get(row.session_id)
        if known is None:
            known = self._billing.sessions[row.session_id] = Settled(
                row,
                at,
                clock_offset=self._state.shadow.station.clock.offset,
                frames=(pair.opened_by,),
                due=at + self._policy.settle_record if self._policy.records_expected else None,
                blind=pair.blind,
            )
        known.row = _keep_bill(row, known.row)
        known.resolution_wh = pair.shadow.resolution_wh
        known.charging = tuple(pair.charging)
        if known.record is None:
            waiting = self._waiting_for(known)
            if waiting is not None:
                self._found(waiting, known, at)
                self._seconds(known, at)
        else:
            self._compare(known, at)
        self._bound(at)
        return known.row

    def _record(self, frame: Frame) -> None:
        at, billing = frame.received_at, self._billing
        try:
            record = record_of(frame)
        except RecordError as error:
            self._tell.unjudged("CDR", (frame.frame_id,), at, None, error.masked)
            return
        if record.running or billing.seen.get(record.key) == version_of(frame.frame_id):
            return  # not a bill yet, or the same record delivered again
        if record.credit:
            if record.key not in billing.seen:
                billing.note(record.key, version_of(frame.frame_id))
                self._credit(record, frame)
        elif record.key in billing.credited:
            billing.credited.remove(record.key)
            billing.note(record.key, version_of(frame.frame_id))
        else:
            self._bill(record, frame)
        self._bound(at)

    # -- bills -------------------------------------------------------------------------------------------------------

    def _bill(self, record: BillingRecord, frame: Frame) -> None:
        billing, at = self._billing, frame.received_at
        own, why_not = money.own_amount(self._charger_id, record, self._policy)
        if why_not and record.tariffs:
            self._tell.unjudged("CDR.tariffs", (frame.frame_id,), at, record.id, f"no amount: {why_not}")
        waiting = Awaiting(money.trimmed(record), frame.frame_id, at, own, session_id=self._pseudo_id(record.key))
        before = billing.records.pop(record.key, None)
        if before is not None and before.missing:
            self._tell.taken_back(before, at)
        owner = next((one for one in billing.sessions.values() if _has(one, record.key)), None)
        if owner is not None:
            self._said_again(owner, waiting, frame)
            return
        free, billed = self._match(record)
        if free is not None:
            self._found(waiting, free, at)
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
        found = best(record, free, 0)
        if found is None and not self._runs(record):
            found = best(record, free, self._policy.record_window)
        return found, best(record, (one for one in sessions if one.record is not None), 0)

    def _runs(self, record: BillingRecord) -> bool:
        """Whether a session that can be the record's has not ended for the shadow."""
        stop = record.start_at if record.stop_at is None else record.stop_at
        return any(
            pair.open and pair.first_at <= stop and record.connector_id in (None, pair.connector_id)
            for pair in self._state.pairs.by_id.values()
        )

    def _said_again(self, owner: Settled, waiting: Awaiting, frame: Frame) -> None:
        """A record of a known id with other content. OCPI sessions change; a CDR must not (§10.1)."""
        record, at = waiting.record, frame.received_at
        if record.kind is RecordKind.CDR:
            frames = (owner.record_frame, waiting.frame_id)
            detail = "one id with two contents: the newer one is compared"
            self._tell.raised(owner, "session.duplicate-record", "CDR.id", frames, at, record.id, detail)
        newer = version_of(frame.frame_id) > _known_version(self._billing, record.key)
        if newer and owner.record is not None and owner.record.key == record.key:
            self._attach(owner, waiting, at)
            self._tell.row(owner, at)

    def _seconds(self, session: Settled, at: Micros) -> None:
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
            session.duplicates = (*session.duplicates, record.key)[-8:]
            billed = "" if record.cost is None else f", {record.cost:f} {record.currency}"
            detail = f"{first.id} bills it already; {record.id} bills it again{billed}"
            frames = (session.record_frame, waiting.frame_id)
            named = f"{first.id}, {record.id}"
            self._tell.raised(session, "session.duplicate-record", "CDR.id", frames, at, named, detail)

    def _credit(self, record: BillingRecord, frame: Frame) -> None:
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
            owner.duplicates = tuple(one for one in owner.duplicates if one != key)
            if not owner.duplicates:
                self._tell.withdrawn(owner, "session.duplicate-record", "CDR.id", at, (frame.frame_id,))
            return
        for code, path in COMPARED:
            self._tell.withdrawn(owner, code, path, at, (frame.frame_id,))
        self._tell.withdrawn(owner, "session.late-record", "CDR", at, (frame.frame_id,))
        owner.record, owner.record_frame, owner.own_amount = None, "", None
        owner.row = _without_bill(owner.row)
        owner.due = at + self._policy.settle_record if self._policy.records_expected else None
        self._tell.row(owner, at)

    def _found(self, waiting: Awaiting, session: Settled, at: Micros) -> None:
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
        self._compare(session, at)

    def _compare(self, session: Settled, at: Micros) -> None:
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
        found = list(compare_record(session, record, delta, self._policy))
        differing = {one.code for one in found}
        frames = (*session.frames[:1], session.record_frame)
        for code, path in COMPARED:
            if code not in differing:
                self._tell.withdrawn(session, code, path, at, (session.record_frame,))
        for one in found:
            self._tell.difference(session, one, frames, at)

    # -- time --------------------------------------------------------------------------------------------------------

    def fall_due(self, now: Micros) -> None:
        """Judge what is still lacking at its deadline."""
        billing = self._billing
        if billing.due is None or billing.due > now:
            return
        for session in billing.sessions.values():
            if session.due is not None and session.due <= now:
                due, session.due = session.due, None
                if session.record is None and _is_owed(session):
                    session.missing = True
                    detail = "no billing record came in its settling time"
                    self._tell.raised(session, "session.missing-in-primary", "CDR", session.frames, due, None, detail)
        for waiting in billing.records.values():
            if waiting.due is not None and waiting.due <= now:
                due, waiting.due = waiting.due, None
                self._without_session(waiting, due)
        billing.schedule()

    def _without_session(self, waiting: Awaiting, due: Micros) -> None:
        record = waiting.record
        enrolled = self._state.judged_connectors
        if enrolled is not None and record.connector_id is not None and record.connector_id not in enrolled:
            return
        if not record.energy_wh and not record.cost:
            return  # nothing was billed, so nothing is missing
        reason = self._why_unknown(record)
        if reason:
            self._tell.unjudged("CDR", (waiting.frame_id,), due, record.id, reason)
        else:
            waiting.missing = True
            self._tell.no_session(waiting, due)

    def _why_unknown(self, record: BillingRecord) -> str:
        """Why the lack of its session says nothing; empty where it does."""
        billing, stop = self._billing, record.start_at if record.stop_at is None else record.stop_at
        if record.start_at < billing.since:
            return "its session began before anything was seen of this charging station"
        if record.start_at <= billing.dropped_until:
            return "its session may be among those that were let go: more waited than are kept"
        if billing.was_blind(record.start_at, stop):
            return "the copy was cut while its session ran"
        return "its session has not ended for the shadow" if self._runs(record) else ""

    def _bound(self, at: Micros) -> None:
        session, waiting = self._billing.overflow()
        if session is not None:
            detail = "more sessions wait for their records than are kept"
            self._tell.unjudged("session", session.frames, at, session.row.session_id, detail)
        if waiting is not None:
            detail = "more records wait for their sessions than are kept"
            self._tell.unjudged("CDR", (waiting.frame_id,), at, waiting.record.id, detail)
        self._billing.schedule()

    def _waiting_for(self, session: Settled) -> Awaiting | None:
        """The record that waits for this session: of several, the one that fits no other session better."""
        window = self._policy.record_window
        found = (one for one in self._billing.records.values() if fits(one.record, session, window))
        return _nearest(found, session)

    def _pseudo_id(self, key: str) -> str:
        return session_id(self._charger_id, key)


def _nearest(waiting: Iterable[Awaiting], session: Settled) -> Awaiting | None:
    start = session.row.started_at or session.row.first_received_at
    return min(waiting, key=lambda one: (abs(one.record.start_at - start), one.record.key), default=None)


def _has(session: Settled, key: str) -> bool:
    return (session.record is not None and session.record.key == key) or key in session.duplicates


def _known_version(billing: Billing, key: str) -> int:
    """The version of a record that is known; -1 of none."""
    return billing.seen.get(key, -1)


def _is_owed(session: Settled) -> bool:
    """Whether somebody has to pay for it: energy flowed, and all of it was seen."""
    row = session.row
    return not session.blind and bool(row.shadow_energy_wh or row.primary_energy_wh)


def _keep_bill(row: JudgedSession, before: JudgedSession) -> JudgedSession:
    return replace(
        row,
        record_id=before.record_id,
        record_energy_wh=before.record_energy_wh,
        record_amount=before.record_amount,
        record_currency=before.record_currency,
        shadow_amount=before.shadow_amount,
        amount_delta=before.amount_delta,
    )


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
