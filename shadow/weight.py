"""What telemetry weighs on the wire: OCPP 1.6 as it was mirrored against the 2.0.1 that the shadow made of it.

Counted are the messages with their WebSocket frame (RFC 6455 section 5.2: a header of 2, 4 or 10 bytes, and a mask of 4
from the charging station), as they are and through permessage-deflate with context takeover (RFC 7692 section 7.2: one
deflate context for each connection and direction, window of 2^15). Below that, TCP and TLS are not counted: they depend
on the network and weigh on both versions alike. Pings, handshakes and retransmissions are not counted either.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

import msgspec

from ingest.exchange import Answered, Called, DuplicateCall
from ingest.frame import UNKNOWN_TIME, Direction, Frame, FrameKind, Micros
from shadow import schema, subprotocol
from shadow.config import DEFAULT, ShadowConfig
from shadow.message import MessageType, Observations, ShadowMessage
from shadow.state import ChargerState
from shadow.step import step

__all__ = ["DAY", "OTHER", "SESSION_ACTIONS", "Account", "Deflater", "Scales", "Weight", "frame_size"]

DAY: Final[Micros] = 86_400_000_000
OTHER: Final = "(no action)"
"""Stands for 1.6 texts that belong to no call: answers without a question, texts that are no message."""

SESSION_ACTIONS: Final = {
    "1.6": ("Authorize", "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction"),
    "2.0.1": ("Authorize", "MeterValues", "NotifyEvent", "StatusNotification", "TransactionEvent"),
}
"""Actions about charging, by version: what they weigh is told per session, all else only per day. Both versions say the
same with them: a fault of 1.6 StatusNotification is a NotifyEvent, its charging states are TransactionEvents."""

_MOST_CONNECTIONS: Final = 256
"""Open connections whose deflate contexts are kept, of a quarter megabyte each; the one silent longest goes first."""
_MOST_WAITING: Final = 64
_TAIL: Final = b"\x00\x00\xff\xff"
_ACTIONS: Final = frozenset(schema.actions(schema.V16))
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Weight(msgspec.Struct):
    """A number of messages, and their bytes."""

    messages: int = 0
    payload: int = 0
    """UTF-8 bytes of the texts."""
    plain: int = 0
    """On the wire without compression: the texts in their WebSocket frames."""
    deflated: int = 0
    """On the wire through permessage-deflate with context takeover."""

    def add(self, other: Weight) -> None:
        """Add what another one counted."""
        self.messages += other.messages
        self.payload += other.payload
        self.plain += other.plain
        self.deflated += other.deflated


class Account(msgspec.Struct):
    """What was counted."""

    by_action: dict[str, dict[str, Weight]]
    """`1.6` and `2.0.1` → action → weight; an answer counts under its action."""
    sessions: int
    """2.0.1 transactions that a TransactionEvent spoke of."""
    chargers: int
    observed: Micros
    """Time from the first to the last frame of each charging station, added up."""
    assumed: int
    """2.0.1 answers that 1.6 gives no content for: counted as empty CALLRESULTs."""
    passed_over: int
    """Messages on connections of another subprotocol than ocpp1.6."""

    def total(self, version: str, actions: Iterable[str] | None = None) -> Weight:
        """The weight of some actions of a version, or of all."""
        table, result = self.by_action[version], Weight()
        for action in table if actions is None else actions:
            result.add(table.get(action, Weight()))
        return result


def frame_size(payload: int, *, from_client: bool) -> int:
    """Bytes of one unfragmented WebSocket frame (RFC 6455 §5.2)."""
    header = 2 if payload < 126 else 4 if payload < 1 << 16 else 10
    return payload + header + (4 if from_client else 0)


class Deflater:
    """One direction of one connection through permessage-deflate with context takeover."""

    def __init__(self) -> None:
        self._context = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    def size(self, text: bytes) -> int:
        """Bytes of a message's payload, compressed after all that went before it (RFC 7692 §7.2.1)."""
        packed = self._context.compress(text) + self._context.flush(zlib.Z_SYNC_FLUSH)
        return len(packed) - len(_TAIL)


class Scales:
    """Weighs frame by frame. Frames of one charging station come in their order."""

    def __init__(self, config: ShadowConfig = DEFAULT) -> None:
        self._config = config
        self._chargers: dict[str, _Charger] = {}
        self._contexts: dict[tuple[str, str, Direction], Deflater] = {}
        self._account = Account({"1.6": {}, "2.0.1": {}}, 0, 0, 0, 0, 0)

    def account(self) -> Account:
        """What was weighed of the charging stations that came to their end."""
        return self._account

    def forget(self, charger_id: str) -> None:
        """No more frames of this charging station will come: what still waits in the shadow is said."""
        charger = self._chargers.pop(charger_id, None)
        if charger is None:
            return
        end = Frame(charger_id, charger.connection, 0, charger.last + DAY, FrameKind.TICK)
        _, seen = step(charger.state, end, self._config)
        for message in seen.messages:
            self._said(charger, end, message)
        self._answer(charger, end)
        self._account.chargers += 1
        self._account.observed += charger.last - charger.first
        self._drop(f"{charger_id}\x1f")

    def end(self) -> None:
        """No more frames will come."""
        for charger_id in list(self._chargers):
            self.forget(charger_id)

    def feed(self, frame: Frame) -> None:
        """Weigh one frame and what the shadow made of it."""
        if frame.kind is FrameKind.TICK:
            return
        charger = self._chargers.get(frame.charger_id)
        if charger is None:
            charger = self._chargers[frame.charger_id] = _Charger(frame)
        charger.saw(frame)
        charger.state, seen = step(charger.state, frame, self._config)
        if frame.kind is FrameKind.CLOSED:
            self._drop(_connection(frame))
        elif frame.kind is FrameKind.MESSAGE:
            if not charger.speaks16(frame.connection_id):
                self._account.passed_over += 1
            else:
                direction = frame.direction or Direction.CP_TO_CS
                self._weigh("1.6", _action(seen), _connection(frame), direction, frame.text.encode("utf-8", "replace"))
        for message in seen.messages:
            self._said(charger, frame, message)
        self._answer(charger, frame)

    def _said(self, charger: _Charger, frame: Frame, message: ShadowMessage) -> None:
        """A 2.0.1 message travels on the connection on which the frame came that brought it."""
        if message.caused_by and not charger.speaks16(message.caused_by[-1].rpartition("/")[0]):
            return  # it was 2.0.1 on the wire already
        own_id = _message_id(message.message_id)
        match message.type:
            case MessageType.REQUEST:
                charger.waiting.append((own_id, message))
                del charger.waiting[:-_MOST_WAITING]
                self._account.sessions += charger.is_new_session(message)
                text: list[Any] = [2, own_id, message.action, message.payload]
            case MessageType.RESPONSE:
                text = [3, charger.answered(message, own_id), message.payload]
            case MessageType.ERROR:
                error = message.payload
                described = (error["errorCode"], error["errorDescription"], error.get("errorDetails", {}))
                text = [4, charger.answered(message, own_id), *described]
        self._weigh("2.0.1", message.action, _connection(frame), message.direction, _encode(text))

    def _answer(self, charger: _Charger, frame: Frame) -> None:
        """2.0.1 answers every request. What 1.6 gives no answer for is answered with an empty one, at the same time.

        A request waits as long as a 1.6 call that it was made of is open.
        """
        if not charger.waiting:
            return
        open_calls = {pending.frame_id for pending in charger.state.pairing.pending.values()}
        still = []
        for own_id, message in charger.waiting:
            if open_calls.intersection(message.caused_by):
                still.append((own_id, message))
                continue
            self._account.assumed += 1
            direction = message.direction.opposite
            self._weigh("2.0.1", message.action, _connection(frame), direction, _encode([3, own_id, {}]))
        charger.waiting = still

    def _weigh(self, version: str, action: str, connection: str, direction: Direction, text: bytes) -> None:
        key = (connection, version, direction)
        context = self._contexts.pop(key, None) or Deflater()
        self._contexts[key] = context
        if len(self._contexts) > 4 * _MOST_CONNECTIONS:
            del self._contexts[next(iter(self._contexts))]
        client = direction is Direction.CP_TO_CS
        weight = Weight(
            1,
            len(text),
            frame_size(len(text), from_client=client),
            frame_size(context.size(text), from_client=client),
        )
        self._account.by_action[version].setdefault(action, Weight()).add(weight)

    def _drop(self, prefix: str) -> None:
        for key in [key for key in self._contexts if key[0].startswith(prefix)]:
            del self._contexts[key]


class _Charger:
    def __init__(self, frame: Frame) -> None:
        self.state = ChargerState(frame.charger_id)
        self.first = self.last = frame.received_at
        self.connection = frame.connection_id
        self.waiting: list[tuple[str, ShadowMessage]] = []
        """2.0.1 requests without their answer, oldest first."""
        self.transactions: list[str] = []

    def saw(self, frame: Frame) -> None:
        """Note its time and its connection."""
        self.connection = frame.connection_id
        if frame.received_at != UNKNOWN_TIME:
            self.first = frame.received_at if self.first == UNKNOWN_TIME else min(self.first, frame.received_at)
            self.last = max(self.last, frame.received_at)

    def speaks16(self, connection_id: str) -> bool:
        """Whether a connection speaks OCPP 1.6; so does one whose log does not say what it speaks."""
        return subprotocol.of(self.state, connection_id) in ("", subprotocol.V16)

    def is_new_session(self, message: ShadowMessage) -> bool:
        """Whether a transaction is spoken of for the first time."""
        name = message.payload.get("transactionInfo", {}).get("transactionId")
        if message.action != "TransactionEvent" or name in self.transactions:
            return False
        self.transactions.append(str(name))
        del self.transactions[:-_MOST_WAITING]
        return True

    def answered(self, answer: ShadowMessage, own_id: str) -> str:
        """The id of the request that is answered: the oldest of its action that waits."""
        for place, (request_id, request) in enumerate(self.waiting):
            if request.action == answer.action and request.direction is not answer.direction:
                del self.waiting[place]
                return request_id
        return own_id


def _connection(frame: Frame) -> str:
    return f"{frame.charger_id}\x1f{frame.connection_id}\x1f"


def _action(seen: Observations) -> str:
    """The action that a 1.6 text belongs to; only those of the standard, so that a fuzzer fills no table."""
    match seen.event:
        case Called(pending=pending) | Answered(request=pending):
            call = pending.call
        case DuplicateCall(call=call):
            pass
        case _:
            return OTHER
    return call.action if call.action in _ACTIONS else OTHER


def _message_id(name: str) -> str:
    """As long and as incompressible as the UUIDs that 2.0.1 recommends (Part 4 §4.1.4), and the same each time."""
    return str(UUID(bytes=blake2b(name.encode("utf-8", "replace"), digest_size=16).digest(), version=4))
