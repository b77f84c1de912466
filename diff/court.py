"""One frame's judgement: both sides are heard in order, paired, compared when they have ended, and recorded."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from diff import settle
from diff.billing.auditor import Auditor, note_charging
from diff.catalogue import CATALOGUE
from diff.compare import COMPARED, Difference, compare
from diff.discrepancy import Class
from diff.judgement import Judgement, JudgeState
from diff.pairs import Pair, row_of
from diff.policy import Policy
from diff.primary import (
    Adopted,
    Collided,
    Duplicated,
    Ended,
    Forgotten,
    LedgerEvent,
    Opened,
    OrphanStop,
    PrimaryTransaction,
    Proposed,
    State,
)
from diff.records import Evidence
from diff.settle import Kind
from ingest.frame import Micros
from shadow.message import Finding, MessageType, Observations, ShadowMessage, ShadowSession
from shadow.native.reading import nested, text

__all__ = ["Court"]

_OF_THE_END: Final = frozenset({"session.stop-time", "session.stop-reason", "session.zero"})
"""Not judged where the end was made up because another session began on the EVSE: `session.overlap` says all of it."""


def _told_of(message: ShadowMessage) -> str | None:
    """The transaction that a TransactionEvent tells of; a native one may hold anything."""
    return text(nested(message.payload, "transactionInfo"), "transactionId")


def _begun_by_token(message: ShadowMessage) -> bool:
    """Whether it is a Started without a cable (TxStartPoint Authorized: 2.0.1 E01.FR.03)."""
    idle = text(nested(message.payload, "transactionInfo"), "chargingState") == "Idle"
    return idle and text(message.payload, "eventType") == "Started"


class Court:
    """One frame's judgement: takes what both sides say, in order, and fills the result."""

    def __init__(self, state: JudgeState, policy: Policy, result: Judgement, auditor: Auditor | None = None) -> None:
        """Prepare. `auditor`: holds sessions against billing records, where there are any."""
        self._state = state
        self._auditor = auditor
        self._policy = policy
        self._result = result
        self._changed: dict[str, tuple[Pair, Micros]] = {}

    def shadow(self, obs: Observations) -> None:
        """Hear the shadow: sessions that changed, and the messages that show which of them live."""
        pairs, charger_id = self._state.pairs, self._state.charger.charger_id
        for finding in obs.findings:
            known = self._pair(finding.transaction_id)
            if known is not None and finding.code == "session.overlap":
                known.superseded = True
        for transaction_id, frame_id in obs.repeated:
            known = self._pair(transaction_id)
            if known is not None:
                pairs.repeated(known, frame_id)
        events: dict[str, ShadowMessage] = {}
        for message in obs.messages:
            if message.action == "TransactionEvent" and message.type is MessageType.REQUEST:
                events.setdefault(_told_of(message) or "", message)
        for session in obs.sessions:
            message = events[session.transaction_id]
            pair = self._pair(session.transaction_id)
            if pair is None:
                native_id = session.transaction_id if session.native else None
                pair = pairs.opened(charger_id, message.caused_by[0], message.at, native_id)
            if pair.shadow is None:
                pair.judged = self._is_judged(pair.connector_id or session.evse_id)
                self._await_primary(Kind.MISSING_IN_PRIMARY, pair, session, message.at)
            pairs.shadow_changed(pair, session)
            self._touch(pair, message.at)
            if session.ended:
                settle.disarm(self._state.deadlines, Kind.SILENT, pair.session_id)
                self._await_primary(Kind.UNSTOPPED, pair, session, message.at)
        for message in obs.messages:
            self._hear(message)

    def _await_primary(self, kind: Kind, pair: Pair, session: ShadowSession, at: Micros) -> None:
        """Give the primary its time. Beside a native session stands no transaction of 1.6: nothing is awaited."""
        if not session.native:
            self._wait(kind, pair, at + self._policy.settle_missing)

    def _pair(self, transaction_id: str | None) -> Pair | None:
        """The session that the shadow calls by this transactionId, also before its Started is said.

        What waits for the reorder horizon is spoken of already: by findings, and by frames that repeat its start.
        """
        if transaction_id is None:
            return None
        pair = self._state.pairs.by_transaction(transaction_id)
        lived = self._state.shadow.station.transactions.get(transaction_id)
        if pair is not None or lived is None:
            return pair
        return self._state.pairs.opened(self._state.charger.charger_id, lived.opened_by, lived.received_at)

    def _hear(self, message: ShadowMessage) -> None:
        """A session is alive while its TransactionEvents come; a reboot puts it in doubt."""
        if message.type is not MessageType.REQUEST:
            return
        if message.action == "TransactionEvent":
            pair = self._state.pairs.by_transaction(_told_of(message) or "")
            if pair is None or pair.superseded:
                return  # the end that the station made up for a session overtaken by another proves no life
            if pair.open and (not pair.heard_at or pair.silent):
                pair.silent = False
                self._wait(Kind.SILENT, pair, message.at + self._policy.settle_silence)
            pair.heard_at, pair.rebooted_at = message.at, None
            pair.by_receipt = pair.by_receipt or _begun_by_token(message)
            if self._auditor is not None:
                note_charging(pair, message)
            pair.last_at = max(pair.last_at, message.at)
            self._withdraw(pair, "session.never-ended", "TransactionEvent.Ended", message.at, message.caused_by)
        elif message.action == "BootNotification" and message.payload.get("reason") != "Triggered":
            for pair in self._state.pairs.by_id.values():
                if pair.open and pair.rebooted_at is None:
                    pair.rebooted_at = message.at
                    pair.frames.append(message.caused_by[-1])
                    del pair.frames[:-4]
                    self._wait(Kind.NOT_RESUMED, pair, message.at + self._policy.settle_reboot)

    def primary(self, event: LedgerEvent, at: Micros) -> None:
        """Hear the primary: one event of its ledger."""
        pairs, charger_id = self._state.pairs, self._state.charger.charger_id
        match event:
            case Duplicated(transaction=second, first=first):
                pair = pairs.by_primary(first) or pairs.opened(charger_id, first.key, at)
                own = pairs.by_primary(second)
                if own is not None and own is not pair and own.shadow is None:
                    pairs.by_id.pop(own.session_id, None)
                    self._changed.pop(own.session_id, None)
                pairs.primary_changed(pair, second)
                self._touch(pair, at)
                ids = f"{first.transaction_id}, {second.transaction_id}"
                self._add("session.duplicate-start", "StartTransaction.conf.transactionId", pair, at, event.frames, ids)
            case Collided(transaction=newer, other=other):
                pair = pairs.by_primary(newer) or pairs.opened(charger_id, newer.key, at)
                detail = f"the primary gave its id {newer.transaction_id} to two open transactions"
                path = "StartTransaction.conf.transactionId"
                named = f"{newer.transaction_id} of {other.key} and {newer.key}"
                self._add("session.misattributed", path, pair, at, (*other.frames[:2], *event.frames), named, detail)
            case Proposed() | Opened() | Adopted() | Ended() | Forgotten():
                self._primary_changed(event.transaction, at)
            case OrphanStop():
                pass  # the shadow names it; what it leaves open here is judged when the stop has settled
            case _:
                known = pairs.by_primary(event.transaction)
                if known is not None:
                    pairs.primary_changed(known, event.transaction)

    def _primary_changed(self, transaction: PrimaryTransaction, at: Micros) -> None:
        pairs, charger_id = self._state.pairs, self._state.charger.charger_id
        pair = pairs.by_primary(transaction)
        if pair is None:
            pair = pairs.opened(charger_id, transaction.key, at)
            pair.judged = self._is_judged(transaction.connector_id)
        pairs.primary_changed(pair, transaction)
        if pair.shadow is None and transaction.state is not State.PROPOSED:
            self._wait(Kind.MISSING_IN_SHADOW, pair, at + self._policy.settle_missing)
        if transaction.state is not State.PROPOSED:
            self._withdraw(pair, "session.missing-in-primary", "session", at, transaction.frames[-1:])
        if transaction.state is State.ENDED:
            self._withdraw(pair, "session.never-ended", "TransactionEvent.Ended", at, transaction.frames[-1:])
        self._touch(pair, at)

    def blind(self) -> None:
        """The copy was cut: what is open now may go on unseen, so nothing it lacks is judged."""
        for pair in self._state.pairs.by_id.values():
            if pair.open:
                pair.blind = True

    def finding(self, finding: Finding) -> None:
        """Take a finding of the shadow, unless its connector is not judged."""
        pair = self._pair(finding.transaction_id)
        connector = finding.connector_id if finding.connector_id or pair is None else pair.connector_id
        if not self._is_judged(connector):
            return
        if finding.code == "session.overlap" and pair is not None and pair.blind:
            return  # its stop may have come unseen: tap.gap says that nothing is known here
        session = None if pair is None else pair.session_id
        records, charger = self._state.records, self._state.charger
        if finding.withdrawn:
            row = records.withdraw(charger.charger_id, session, finding.code, finding.path, finding.at, finding.frames)
        else:
            evidence = Evidence(
                finding.code,
                finding.path,
                finding.at,
                finding.frames,
                session,
                connector,
                None if pair is None or pair.shadow is None else pair.shadow.evse_id,
                finding.found,
                finding.expected,
                finding.delta,
                finding.detail,
                finding.occurred_at,
            )
            # What 1.6 says and 2.0.1 cannot is so or not so: said again with the same value it is no news.
            expected = CATALOGUE[finding.code].class_ is Class.EXPECTED_LOSS
            row = (records.state if expected else records.add)(charger, evidence, self._policy)
        if row is not None:
            self._result.discrepancies.append(row)

    def settle(self, deadline: settle.Deadline) -> None:
        """A deadline fell due: judge what is still lacking."""
        pair = self._state.pairs.by_id.get(deadline.session_id)
        if pair is None or pair.blind:
            return
        verdict = settle.judge_lack(deadline, pair, self._policy)
        if verdict is not None:
            pair.silent = pair.silent or deadline.kind is Kind.SILENT
            self._add(verdict.code, verdict.path, pair, deadline.due, verdict.frames, verdict.primary, verdict.detail)
        elif deadline.kind is Kind.SILENT and pair.open:
            self._wait(Kind.SILENT, pair, pair.heard_at + self._policy.settle_silence)

    def finish(self) -> None:
        """Compare what has ended on both sides, and write a row for every session that changed."""
        for pair, at in self._changed.values():
            primary = pair.primary
            ended = pair.shadow is not None and pair.shadow.ended
            if ended and pair.shadow is not None and primary is not None and primary.state is State.ENDED:
                if pair.judged:
                    found = compare(self._by_one_clock(pair, pair.shadow), primary, self._policy)
                    true = [one for one in found if not (pair.superseded and one.code in _OF_THE_END)]
                    self._compare(pair, true, primary, at)
                if not pair.compared:
                    pair.compared = True
                    self._result.compared += pair.judged
            row = row_of(pair, self._state.charger, at)
            if self._auditor is not None and ended:
                row = self._auditor.session(pair, row, at)
            self._result.sessions.append(row)
        if self._changed:
            billing = self._state.billing
            known = self._state.pairs.by_id
            self._state.records.forget(known if billing is None else {*known, *billing.sessions, *billing.pseudo()})

    def _by_one_clock(self, pair: Pair, session: ShadowSession) -> ShadowSession:
        """A start that stands at its receipt, put to the station's clock, by which the primary bills."""
        offset = self._state.shadow.station.clock.offset
        if not pair.by_receipt or session.native or session.started_at is None or not offset:
            return session
        return replace(session, started_at=session.started_at + offset)

    def _compare(self, pair: Pair, found: list[Difference], primary: PrimaryTransaction, at: Micros) -> None:
        if not pair.compared:
            self._state.comparisons += len(COMPARED)
        found_codes = {difference.code for difference in found}
        for code, path in COMPARED:
            if code not in found_codes:
                self._withdraw(pair, code, path, at, primary.frames[-1:])
        for one in found:
            self._add(one.code, one.path, pair, at, primary.frames, one.primary, one.detail, one.shadow, one)
        for extra in [one for one in pair.primaries.values() if one.state is State.ENDED and one.key != primary.key]:
            billed = None if extra.billed_wh is None else f"{extra.billed_wh:f}"
            detail = f"the primary billed this session a second time, as {extra.transaction_id}"
            self._add("session.missing-in-shadow", "session", pair, at, extra.frames, billed, detail)
        self._withdraw(pair, "session.misattributed", "StopTransaction.transactionId", at, primary.frames[-1:])

    def _add(
        self,
        code: str,
        path: str,
        pair: Pair,
        at: Micros,
        frames: tuple[str, ...],
        primary: str | None = None,
        detail: str = "",
        shadow: str | None = None,
        difference: Difference | None = None,
    ) -> None:
        if not pair.judged:
            return
        lived = pair.shadow
        named = shadow if shadow is not None or difference is not None else self._transaction_id(pair)
        evidence = Evidence(
            code,
            path,
            at,
            frames,
            pair.session_id,
            pair.connector_id,
            None if lived is None else lived.evse_id,
            primary,
            named,
            None if difference is None else difference.delta,
            detail,
            None if lived is None else lived.stopped_at or lived.started_at,
        )
        row = self._state.records.state(self._state.charger, evidence, self._policy)
        if row is not None:
            self._result.discrepancies.append(row)

    def _transaction_id(self, pair: Pair) -> str | None:
        """The shadow's transactionId of a session, also before its Started is said."""
        if pair.shadow is not None:
            return pair.shadow.transaction_id
        known = self._state.shadow.station.transactions.values()
        return next((one.transaction_id for one in known if one.opened_by == pair.opened_by), None)

    def _withdraw(self, pair: Pair, code: str, path: str, at: Micros, frames: tuple[str, ...]) -> None:
        charger_id = self._state.charger.charger_id
        row = self._state.records.withdraw(charger_id, pair.session_id, code, path, at, frames)
        if row is not None:
            self._result.discrepancies.append(row)

    def _touch(self, pair: Pair, at: Micros) -> None:
        pair.last_at = max(pair.last_at, at)
        self._changed[pair.session_id] = (pair, at)

    def _wait(self, kind: Kind, pair: Pair, due_at: Micros) -> None:
        settle.arm(self._state.deadlines, settle.Deadline(due_at, kind, pair.session_id))

    def _is_judged(self, connector_id: int | None) -> bool:
        enrolled = self._state.judged_connectors
        return enrolled is None or connector_id is None or connector_id == 0 or connector_id in enrolled
