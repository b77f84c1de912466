"""What a rule of the specification is: its requirement id, the message it is about, and how it is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from ingest.frame import UNKNOWN_TIME, Direction, Micros
from shadow.message import MessageType
from shadow.native.reading import Event
from shadow.native.state import NativeState, NativeTransaction

__all__ = ["ANSWER", "ANY", "REQUEST", "Broken", "Check", "Fault", "Rule", "Said", "of_event"]

REQUEST: Final = "request"
ANSWER: Final = "answer"
ANY: Final = "*"
"""Action of a rule that is about every message."""


class Fault(NamedTuple):
    """What a check found."""

    found: str | None = None
    expected: str | None = None
    detail: str = ""
    field: str | None = None
    """The field at fault, where it is another than the first one of the rule."""
    withdrawn: bool = False
    """Later evidence: the rule was kept after all."""


class Said:
    """One 2.0.1 message that is checked, with the request that it answers."""

    __slots__ = ("action", "at", "direction", "event", "is_request", "payload", "queued", "request", "transaction")

    def __init__(
        self,
        action: str,
        payload: dict[str, Any],
        direction: Direction,
        type_: MessageType,
        *,
        request: dict[str, Any] | None = None,
        at: Micros = UNKNOWN_TIME,
        queued: bool = False,
    ) -> None:
        self.action, self.payload, self.direction = action, payload, direction
        self.is_request = type_ is MessageType.REQUEST
        self.request = request
        """Payload of the request, where this is an answer."""
        self.at = at
        """When it was received."""
        self.queued = queued
        """Its timestamp says that it happened while the station was not connected."""
        self.event = Event(payload) if action == "TransactionEvent" and self.is_request else None
        self.transaction: NativeTransaction | None = None
        """What was known of the transaction before this event of it."""

    def look_up(self, facts: NativeState) -> None:
        """Find what is known of the transaction that it tells of."""
        if self.event is not None and self.event.transaction_id is not None:
            self.transaction = facts.transactions.get(self.event.transaction_id)

    @property
    def is_resend(self) -> bool:
        """The event was told before (E13.FR.02): it says nothing new and breaks nothing."""
        event, known = self.event, self.transaction
        if event is None or known is None or event.seq_no is None:
            return False
        told = known.recent.get(event.seq_no)
        # Whatever is older than what is remembered in full can only be a resend, or a number that was missing.
        forgotten = event.seq_no < min(known.recent, default=event.seq_no) and event.seq_no not in known.missing
        return told == event.digest or (told is None and forgotten and known.whole)

    @property
    def is_late(self) -> bool:
        """A later event of the transaction came first: order of delivery is free (Part 6, general rules)."""
        event, known = self.event, self.transaction
        return known is not None and event is not None and event.seq_no is not None and event.seq_no < known.seq_no


Check = Callable[[NativeState, Said], Fault | None]


class Rule(msgspec.Struct, frozen=True):
    """One requirement of OCPP 2.0.1."""

    id: str
    """As the specification numbers it: `E01.FR.16`, or the section of Part 2 where it has no number of its own."""
    action: str
    """The message at fault where it is broken."""
    part: str
    """`request` or `answer`."""
    fields: tuple[str, ...]
    """The fields of that message that it is about, dotted; the first one is named where it is broken."""
    text: str
    check: Check
    code: str = "rule.v201"
    """Of the finding, from the catalogue: a few rules have a code of their own there."""

    def path(self, action: str, field: str | None = None) -> str:
        """Where it is broken: `E01.FR.16:TransactionEvent.evse`."""
        if self.code == "rpc.before-boot":
            return action
        named = field or (self.fields[0] if self.fields else "")
        message = action if self.part == REQUEST else f"{action}Response"
        return f"{self.id}:{message}.{named}" if named else f"{self.id}:{message}"


class Broken(NamedTuple):
    """A rule and what broke it."""

    rule: Rule
    path: str
    fault: Fault
    transaction_id: str | None = None


def of_event(check: Callable[[Event, NativeTransaction | None, Said], Fault | None]) -> Check:
    """A check of a TransactionEventRequest beside what is known of its transaction."""

    def checked(_facts: NativeState, said: Said) -> Fault | None:
        return None if said.event is None else check(said.event, said.transaction, said)

    return checked
