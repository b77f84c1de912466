"""Frames lived to the end, and all that came of it: for tests, benchmarks and demonstrations. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from msgspec.structs import replace

from diff.discrepancy import Class, Discrepancy, JudgedSession, Status
from diff.fleet import Fleet
from diff.judge import Judgement
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from ingest.frame import Frame, FrameKind, Micros
from shadow.config import DEFAULT, ShadowConfig
from shadow.device_model.fact import Fact
from shadow.message import Finding, MessageType, ShadowMessage

__all__ = ["AT_ONCE", "Lived"]

AT_ONCE = replace(DEFAULT, reorder_horizon=0)
"""The default settings, but nothing waits for what may belong before it: what a frame brings comes with the frame."""

_DAY: Micros = 86_400_000_000


class Lived:
    """What a fleet made of frames. Unless told otherwise, TransactionEvents come at once (`AT_ONCE`)."""

    def __init__(self, config: ShadowConfig = AT_ONCE, policy: Policy = DEFAULT_POLICY) -> None:
        self.fleet = Fleet(config, policy)
        self.messages: list[ShadowMessage] = []
        """All 2.0.1 messages, in the order of sending."""
        self.findings: list[Finding] = []
        self.facts: list[Fact] = []
        """What was learnt of device models, in order."""
        self.versions: list[Discrepancy] = []
        """Every version of every discrepancy, in the order in which they were made."""
        self.sessions: dict[str, JudgedSession] = {}
        """Newest version of each session."""
        self.refused: list[str] = []
        self.unmapped: list[str] = []
        self.compared = 0
        self._now: Micros = 0

    def feed(self, frames: Iterable[Frame]) -> Self:
        """Live frames, in the order given."""
        for frame in frames:
            self._now = max(self._now, frame.received_at)
            for judgement in self.fleet.feed(frame):
                self._take(judgement)
        return self

    def settle(self, after: Micros = 3 * _DAY) -> Self:
        """Let time pass until everything that waits has been judged."""
        self._now += after
        return self.feed([Frame("", "settle", 0, self._now, FrameKind.TICK)])

    def _take(self, judgement: Judgement) -> None:
        seen = judgement.observations
        self.messages += seen.messages
        self.findings += seen.findings
        self.facts += seen.facts
        self.refused += seen.refused
        self.unmapped += seen.unmapped
        self.versions += judgement.discrepancies
        self.compared += judgement.compared
        self.sessions.update((session.session_id, session) for session in judgement.sessions)

    @property
    def discrepancies(self) -> dict[str, Discrepancy]:
        """Newest version of each discrepancy by id, withdrawn ones included."""
        return {row.id: row for row in self.versions}

    def codes(self, charger_id: str | None = None) -> set[str]:
        """Codes of the discrepancies that stand, of one charging station or of all; without the expected losses.

        What 2.0.1 cannot say of 1.6 is so on every charging station, the best one included: see `losses`.
        """
        return {row.code for row in self._standing(charger_id) if row.class_ is not Class.EXPECTED_LOSS}

    def losses(self, charger_id: str | None = None) -> set[tuple[str, str]]:
        """Code and path of the expected losses, of one charging station or of all."""
        return {(row.code, row.path) for row in self._standing(charger_id) if row.class_ is Class.EXPECTED_LOSS}

    def _standing(self, charger_id: str | None) -> list[Discrepancy]:
        rows = self.discrepancies.values()
        return [row for row in rows if row.status is Status.OPEN and charger_id in (None, row.charger_id)]

    def rows(self, code: str) -> list[Discrepancy]:
        """Newest versions of the discrepancies with this code, withdrawn ones included."""
        return [row for row in self.discrepancies.values() if row.code == code]

    def requests(self, action: str) -> list[dict[str, Any]]:
        """Payloads of the 2.0.1 requests with this action."""
        return [m.payload for m in self.messages if m.action == action and m.type is MessageType.REQUEST]

    def responses(self, action: str) -> list[dict[str, Any]]:
        """Payloads of the 2.0.1 responses to this action."""
        return [m.payload for m in self.messages if m.action == action and m.type is MessageType.RESPONSE]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Payloads of the TransactionEvents."""
        return self.requests("TransactionEvent")

    @property
    def actions(self) -> list[str]:
        """The 2.0.1 requests by action."""
        return [message.action for message in self.messages if message.type is MessageType.REQUEST]

    @property
    def course(self) -> list[tuple[str, str, str | None, str | None]]:
        """The TransactionEvents as eventType, triggerReason, chargingState and stoppedReason."""
        return [
            (
                event["eventType"],
                event["triggerReason"],
                event["transactionInfo"].get("chargingState"),
                event["transactionInfo"].get("stoppedReason"),
            )
            for event in self.events
        ]
