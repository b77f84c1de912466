"""Holds sessions and billing records against each other, as they come and as they fall due."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from diff.billing.bills import Bills, runs
from diff.billing.matching import fits
from diff.billing.state import Awaiting, Billing, Settled
from diff.billing.telling import Teller
from diff.discrepancy import JudgedSession
from diff.pairs import Pair, row_of
from diff.policy import Policy
from ingest.frame import Frame, FrameKind, Micros
from ingest.key_ring import NO_KEYS, KeyRing
from ingest.records.framing import record_of, version_of
from ingest.records.record import BillingRecord, RecordError
from ingest.timestamps import parse_stamp
from shadow.message import ShadowMessage
from shadow.native.reading import nested, text

if TYPE_CHECKING:
    from diff.judgement import Judgement, JudgeState

__all__ = ["Auditor", "auditor_of", "note_charging"]

_MOST_STATES: Final = 32


def auditor_of(state: JudgeState, frame: Frame, policy: Policy, result: Judgement, keys: KeyRing = NO_KEYS) -> Auditor:
    """The auditor of a charging station. From the first call on its sessions are kept; those it remembers count."""
    if state.billing is None:
        state.billing = Billing(frame.received_at)
        auditor = Auditor(state, state.billing, policy, result, keys)
        for pair in state.pairs.by_id.values():
            if pair.shadow is not None and pair.shadow.ended:
                auditor.session(pair, row_of(pair, state.charger, pair.last_at), pair.last_at)
        return auditor
    return Auditor(state, state.billing, policy, result, keys)


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

    def __init__(self, state: JudgeState, billing: Billing, policy: Policy, result: Judgement, keys: KeyRing) -> None:
        self._state, self._billing, self._policy = state, billing, policy
        self._tell = Teller(state, policy, result)
        self._bills = Bills(state, billing, policy, self._tell, keys)

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
                self._bills.found(waiting, known, at)
                self._bills.seconds(known, at)
        else:
            self._bills.compare(known, at)
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
                self._bills.credit(record, frame)
        elif record.key in billing.credited:
            billing.credited.remove(record.key)
            billing.note(record.key, version_of(frame.frame_id))
        else:
            self._bills.take(record, frame)
        self._bound(at)

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
        return "its session has not ended for the shadow" if runs(self._state, record) else ""

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


def _nearest(waiting: Iterable[Awaiting], session: Settled) -> Awaiting | None:
    start = session.row.started_at or session.row.first_received_at
    return min(waiting, key=lambda one: (abs(one.record.start_at - start), one.record.key), default=None)


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
