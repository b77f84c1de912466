"""What the shadow says: 2.0.1 messages with their provenance, sessions, and findings."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from ingest.exchange import Event
from ingest.frame import Direction, Micros
from shadow.device_model.fact import Fact

__all__ = ["Finding", "MessageType", "Observations", "Provenance", "ShadowMessage", "ShadowSession"]


class MessageType(StrEnum):
    """A request (CALL), its response (CALLRESULT), or its refusal (CALLERROR)."""

    REQUEST = "request"
    RESPONSE = "response"
    ERROR = "error"


class Provenance(StrEnum):
    """Where a field of a 2.0.1 message comes from."""

    OBSERVED = "observed"
    """It stood on the wire, perhaps under another name or unit. The default: only the rest is listed."""
    DERIVED = "derived"
    """It follows from what was observed."""
    SYNTHESISED = "synthesised"
    """2.0.1 asks for it and 1.6 cannot say it: made up by a stated rule, never to be compared."""
    CONFIGURED = "configured"
    """The operator's settings say so."""


class ShadowMessage(msgspec.Struct, frozen=True):
    """One 2.0.1 message, as it would travel."""

    charger_id: str
    action: str
    payload: dict[str, Any]
    direction: Direction
    type: MessageType
    caused_by: tuple[str, ...]
    """Ids of the frames it was made of, in order."""
    at: Micros
    """When it would be sent: the time of the last frame that caused it, or of its deadline."""
    number: int
    """Per charger, from 0, in the order of sending."""
    provenance: dict[str, Provenance] = msgspec.field(default_factory=dict)
    """By path, for every field that was not simply observed."""

    @property
    def message_id(self) -> str:
        """Deterministic: the same frames give the same id."""
        return f"{self.caused_by[-1] if self.caused_by else self.charger_id}#{self.number}"


class ShadowSession(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session as a 2.0.1 CSMS knows it: built from TransactionEvents and from nothing else."""

    transaction_id: str
    evse_id: int | None = None
    connector_id: int | None = None
    """Within its EVSE (2.0.1), not the 1.6 connector number."""
    id_token: str | None = None
    started_at: Micros | None = None
    stopped_at: Micros | None = None
    stopped_reason: str | None = None
    energy_wh: Decimal | None = None
    """Last minus first total import register among Transaction.Begin/End values; None while one is unknown."""
    resolution_wh: Decimal = Decimal(1)
    """The coarser resolution of the two readings that the energy is the difference of."""
    complete: bool = False
    """Started and Ended were seen and no seqNo is missing between them (2.0.1 Part 2 §1.3.2)."""
    ended: bool = False
    events: int = 0
    native: bool = False
    """The charging station itself speaks 2.0.1: no transaction of 1.6 stands beside it."""
    key_version: str = ""
    """The key that its token is a pseudonym under; empty where that is not known."""


class Finding(msgspec.Struct, frozen=True):
    """Something the shadow noticed that 2.0.1, or the wire, will not forgive. diff turns it into a discrepancy."""

    code: str
    """From the catalogue (`diff.catalogue`)."""
    path: str
    """Where: action and field, without anything that varies from message to message."""
    at: Micros
    frames: tuple[str, ...]
    connector_id: int | None = None
    """The 1.6 connector, where one is concerned."""
    transaction_id: str | None = None
    """The shadow's transaction, where one is concerned."""
    found: str | None = None
    """The value that stood there."""
    expected: str | None = None
    detail: str = ""
    delta: Decimal | None = None
    """`expected` minus `found`, in the unit that the catalogue names, where both are quantities."""
    occurred_at: Micros | None = None
    """The charging station's own time of it, where it gave one."""
    withdrawn: bool = False
    """Later evidence: an earlier finding of the same code and path no longer holds."""


class Observations(msgspec.Struct):
    """What one frame brought."""

    event: Event | None = None
    """The frame's message as parsed and paired, so that nobody parses it again."""
    messages: list[ShadowMessage] = msgspec.field(default_factory=list)
    sessions: list[ShadowSession] = msgspec.field(default_factory=list)
    """Newest state of every session that changed."""
    findings: list[Finding] = msgspec.field(default_factory=list)
    facts: list[Fact] = msgspec.field(default_factory=list)
    """What was learnt of the station's device model."""
    repeated: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """Starts that came again: the transactionId and the frame that repeats its start."""
    refused: list[str] = msgspec.field(default_factory=list)
    """TransactionEvents that the CSMS did not apply: `verdict transactionId/seqNo`."""
    unmapped: list[str] = msgspec.field(default_factory=list)
    """What 2.0.1 cannot say, or what this version does not translate: `Action` or `Action.field=value`."""
