"""Pairing a CALL with its answer, per connection and direction.

The message id belongs to the sender (OCPP-J 1.6 §4.1.4), so the same id may be open in both directions at once,
and an id of one connection says nothing on another. State is plain data and bounded.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

import msgspec

from ingest.frame import Direction, Frame, Micros
from ingest.ocppj import Call, CallError, CallResult, Malformed, Message

__all__ = [
    "Answered",
    "Called",
    "DuplicateCall",
    "Orphan",
    "Pairing",
    "PendingCall",
    "Unreadable",
    "close_connection",
    "pair",
]

MAX_PENDING: Final = 256
"""Open calls kept per charging station. OCPP-J allows one per direction at a time (§4.1.1); the field sends more."""

MAX_ANSWERED: Final = 64
"""Message ids remembered after their answer, to tell a repeated call from a new one."""


class PendingCall(msgspec.Struct, frozen=True):
    """A call that waits for its answer."""

    connection_id: str
    direction: Direction
    frame_id: str
    called_at: Micros
    call: Call
    digest: int = 0
    """CRC-32 of the text, to tell a repeated call from another one that reuses its message id."""


class Pairing(msgspec.Struct):
    """What is open on the connections of one charging station. Plain data, so that it can be stored."""

    pending: dict[str, PendingCall] = msgspec.field(default_factory=dict)
    """By `connection_id`, direction and message id, in order of arrival."""
    answered: dict[str, int] = msgspec.field(default_factory=dict)
    """Digests of the calls answered lately, oldest first."""


class Called(msgspec.Struct, frozen=True):
    """A new call was seen."""

    pending: PendingCall
    reused_id: bool = False
    """Its message id stood on another call that is open or was answered lately: lived, but named."""


class DuplicateCall(msgspec.Struct, frozen=True):
    """The same text again under the same message id: a retry. It happened once and is lived once."""

    first: PendingCall | None
    """The open call, None where it has been answered already."""
    call: Call


class Answered(msgspec.Struct, frozen=True):
    """A call and its answer."""

    request: PendingCall
    answer: CallResult | CallError


class Orphan(msgspec.Struct, frozen=True):
    """An answer that no open call asked for."""

    answer: CallResult | CallError


class Unreadable(msgspec.Struct, frozen=True):
    """A text that is no message."""

    malformed: Malformed


Event = Called | DuplicateCall | Answered | Orphan | Unreadable


def pair(state: Pairing, frame: Frame, message: Message) -> Event:
    """Put one message of a `message` frame in its place. Changes `state`."""
    direction = frame.direction or Direction.CP_TO_CS
    match message:
        case Malformed():
            return Unreadable(message)
        case Call():
            return _on_call(state, frame, direction, message)
        case CallResult() | CallError():
            key = _key(frame.connection_id, direction.opposite, message.message_id)
            request = state.pending.pop(key, None)
            if request is None:
                return Orphan(message)
            state.answered[key] = request.digest
            if len(state.answered) > MAX_ANSWERED:
                del state.answered[next(iter(state.answered))]
            return Answered(request, message)


def close_connection(state: Pairing, connection_id: str) -> list[PendingCall]:
    """Forget a connection: its open calls can no longer be answered, and are returned in order of arrival."""
    prefix = f"{connection_id}\x1f"
    gone = [key for key in state.pending if key.startswith(prefix)]
    for key in [key for key in state.answered if key.startswith(prefix)]:
        del state.answered[key]
    return [state.pending.pop(key) for key in gone]


def _on_call(state: Pairing, frame: Frame, direction: Direction, call: Call) -> Event:
    key = _key(frame.connection_id, direction, call.message_id)
    digest = crc32(frame.text.encode("utf-8", "surrogatepass"))
    first = state.pending.get(key)
    known = first.digest if first is not None else state.answered.get(key)
    if first is not None and known == digest:
        return DuplicateCall(first, call)
    pending = PendingCall(frame.connection_id, direction, frame.frame_id, frame.received_at, call, digest)
    state.pending[key] = pending
    if len(state.pending) > MAX_PENDING:
        del state.pending[next(iter(state.pending))]
    if known == digest:
        # Sent again after its answer: it waits for one more, which then is no orphan.
        return DuplicateCall(None, call)
    return Called(pending, reused_id=known is not None)


def _key(connection_id: str, direction: Direction, message_id: str) -> str:
    return f"{connection_id}\x1f{direction.value}\x1f{message_id}"
