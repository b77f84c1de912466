"""Telling what came of an audit: discrepancies and rows of sessions, in the form in which all are told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from diff.billing.state import Awaiting, Settled
from diff.compare import Difference
from diff.discrepancy import JudgedSession, Status
from diff.policy import JUDGING_RUN, Policy
from diff.records import Evidence
from ingest.frame import Micros

if TYPE_CHECKING:
    from diff.judgement import Judgement, JudgeState

__all__ = ["Teller"]


class Teller:
    """Fills the result of one frame."""

    def __init__(self, state: JudgeState, policy: Policy, result: Judgement) -> None:
        self._state, self._policy, self._result = state, policy, result

    def difference(self, session: Settled, found: Difference, frames: tuple[str, ...], at: Micros) -> None:
        """A value on which a session and its record differ."""
        self._raise(
            _of_session(session, found.code, found.path, frames, at),
            found.primary,
            found.shadow,
            found.delta,
            found.detail,
        )

    def raised(
        self,
        session: Settled,
        code: str,
        path: str,
        frames: tuple[str, ...],
        at: Micros,
        primary: str | None,
        detail: str,
        delta: Decimal | None = None,
    ) -> None:
        """Something about a session."""
        energy = session.row.shadow_energy_wh
        shadow = f"{energy:f}" if code == "session.missing-in-primary" and energy is not None else None
        self._raise(_of_session(session, code, path, frames, at), primary, shadow, delta, detail)

    def withdrawn(self, session: Settled, code: str, path: str, at: Micros, frames: tuple[str, ...]) -> None:
        """It no longer holds."""
        self._withdraw(session.row.session_id, code, path, at, frames)

    def no_session(self, waiting: Awaiting, at: Micros) -> None:
        """A record has no session: told under an id of its own, with a row, so that it can be looked at."""
        record = waiting.record
        billed = None if record.energy_wh is None else f"{record.energy_wh:f}"
        evidence = Evidence(
            "session.missing-in-shadow",
            "CDR",
            at,
            (waiting.frame_id,),
            waiting.session_id,
            record.connector_id,
            occurred_at=record.stop_at,
        )
        detail = f"record {record.id}"
        if record.cost is not None:
            detail += f", {record.cost:f} {record.currency} billed"
        self._raise(evidence, billed, None, None, detail)
        self._result.sessions.append(self._record_row(waiting, at, Status.OPEN))

    def taken_back(self, waiting: Awaiting, at: Micros) -> None:
        """What was told of a record without a session no longer holds."""
        self._withdraw(waiting.session_id, "session.missing-in-shadow", "CDR", at, (waiting.frame_id,))
        self._result.sessions.append(self._record_row(waiting, at, Status.WITHDRAWN))

    def row(self, session: Settled, at: Micros) -> None:
        """Write a session's row anew."""
        pair = self._state.pairs.by_id.get(session.row.session_id)
        version = max(session.row.version + 1, at, 0 if pair is None else pair.version + 1)
        if pair is not None:
            pair.version = version
        session.row = replace(session.row, version=version)
        self._result.sessions.append(session.row)

    def unjudged(self, path: str, frames: tuple[str, ...], at: Micros, named: str | None, detail: str) -> None:
        """Something could not be judged: counted, and named with its reason."""
        evidence = Evidence("session.unjudged-record", path, at, frames, primary=named, detail=detail)
        self._result.discrepancies.append(self._state.records.add(self._state.charger, evidence, self._policy))

    def _raise(
        self, evidence: Evidence, primary: str | None, shadow: str | None, delta: Decimal | None, detail: str
    ) -> None:
        whole = replace(evidence, primary=primary, shadow=shadow, delta=delta, detail=detail)
        row = self._state.records.state(self._state.charger, whole, self._policy)
        if row is not None:
            self._result.discrepancies.append(row)

    def _withdraw(self, session_id: str, code: str, path: str, at: Micros, frames: tuple[str, ...]) -> None:
        charger_id = self._state.charger.charger_id
        row = self._state.records.withdraw(charger_id, session_id, code, path, at, frames)
        if row is not None:
            self._result.discrepancies.append(row)

    def _record_row(self, waiting: Awaiting, at: Micros, status: Status) -> JudgedSession:
        record, charger = waiting.record, self._state.charger
        return JudgedSession(
            session_id=waiting.session_id,
            charger_id=charger.charger_id,
            connector_id=record.connector_id,
            evse_id=None,
            primary_transaction_id=record.transaction_id,
            shadow_transaction_id=None,
            id_token=record.tokens[0] if record.tokens else None,
            started_at=record.start_at,
            stopped_at=record.stop_at,
            stop_reason=None,
            primary_energy_wh=None,
            shadow_energy_wh=None,
            complete=False,
            compared=False,
            judged=True,
            first_received_at=waiting.received_at,
            last_received_at=at,
            vendor=charger.vendor,
            model=charger.model,
            firmware=charger.firmware,
            version=max(at, waiting.received_at) + (status is Status.WITHDRAWN),
            judging_run=JUDGING_RUN,
            status=status,
            record_id=record.id,
            record_energy_wh=record.energy_wh,
            record_amount=record.cost,
            record_currency=record.currency or None,
        )


def _of_session(session: Settled, code: str, path: str, frames: tuple[str, ...], at: Micros) -> Evidence:
    row = session.row
    return Evidence(
        code,
        path,
        at,
        frames,
        row.session_id,
        row.connector_id,
        row.evse_id,
        occurred_at=row.stopped_at or row.started_at,
    )
