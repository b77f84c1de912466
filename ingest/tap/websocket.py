"""A passive WebSocket reader for one direction (RFC 6455 §5, RFC 7692): bytes in, messages and control frames out.

It only listens, so it cannot answer an illegal frame as an endpoint would: it says once why it stops reading.
Nothing is ever raised. While `decode` is off it follows the frame headers alone and keeps no payload, so that it
can join at the next message boundary.
"""

from __future__ import annotations

from typing import Final

import msgspec
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # of C, or of Python where that was not built

from ingest.ocppj import MAX_TEXT
from ingest.tap.deflate import InflateError, Inflater

__all__ = ["Closing", "Event", "FrameReader", "Ping", "Pong", "Text", "Undecodable", "Unparsable"]

_CONTINUATION: Final = 0
_TEXT: Final = 1
_BINARY: Final = 2
_CLOSE: Final = 8
_PING: Final = 9
_PONG: Final = 10
_WHOLE_TEXT: Final = 0x80 | _TEXT
"""First byte of a text that is neither fragmented nor compressed."""


class Text(msgspec.Struct, frozen=True):
    """A whole message."""

    text: str
    binary: bool = False
    """It came as a binary message, which OCPP-J does not use (1.6J §3.2), and was UTF-8 all the same."""


class Ping(msgspec.Struct, frozen=True):
    """A ping; what it carries is nobody's business."""


class Pong(msgspec.Struct, frozen=True):
    """A pong."""


class Closing(msgspec.Struct, frozen=True):
    """A close frame; `code` is None where it carried none (RFC 6455 §7.1.5)."""

    code: int | None


class Undecodable(msgspec.Struct, frozen=True):
    """A whole message that is no text. The frames around it are sound, so reading goes on."""

    reason: str
    size: int
    """Bytes of the message."""


class Unparsable(msgspec.Struct, frozen=True):
    """The direction cannot be followed from here on. Comes once, nothing comes after it."""

    reason: str


Event = Text | Ping | Pong | Closing | Undecodable | Unparsable


class FrameReader:
    """Reads one direction."""

    __slots__ = (
        "_buffer", "_closed", "_compressed", "_dead", "_dropping", "_inflater", "_limit", "_masked", "_message",
        "_opcode", "_skip", "decode",
    )  # fmt: skip

    def __init__(
        self, *, masked: bool, inflater: Inflater | None = None, decode: bool = True, limit: int = MAX_TEXT
    ) -> None:
        self.decode = decode
        """Whether messages are read. Takes effect at the next message boundary."""
        self._masked = masked
        self._inflater = inflater
        self._limit = limit
        self._buffer = bytearray()
        self._skip = 0
        """Payload bytes still to be passed over."""
        self._opcode = _CONTINUATION
        """The kind of the message whose fragments are coming, `_CONTINUATION` between messages."""
        self._compressed = False
        self._dropping = False
        self._message = bytearray()
        self._dead = False
        self._closed = False

    @property
    def half_frame(self) -> int:
        """Bytes at hand of a frame or a fragmented message that has begun and not ended."""
        return len(self._buffer) + len(self._message)

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes, cut anywhere."""
        events: list[Event] = []
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        if self._buffer:
            self._buffer += data
            used = self._parse(self._buffer, events)
            del self._buffer[:used]
        elif data:
            used = self._parse(data, events)
            if used < len(data):
                self._buffer += memoryview(data)[used:]
        if self._dead or self._closed:
            # No frame may follow a close frame (RFC 6455 §5.5.1), and none is looked for.
            self._buffer.clear()
            self._message.clear()
        return events

    def _parse(self, data: bytes | bytearray, events: list[Event]) -> int:
        """Read the frames that stand whole in `data`; give the number of bytes used."""
        start, end = 0, len(data)
        while end - start >= 2 and not (self._dead or self._closed):
            first, second = data[start], data[start + 1]
            length, at = second & 0x7F, start + 2
            if length >= 126:
                size = 2 if length == 126 else 8
                if end < at + size:
                    reason = self._illegal(first, second, 126)
                    if reason:
                        self._die(reason, events)
                    break
                length = int.from_bytes(data[at : at + size], "big")
                at += size
            if first == _WHOLE_TEXT and second >> 7 == self._masked and self._takes_whole(length):
                # The everyday frame, read without asking for everything that a frame may be.
                begin = at + 4 if self._masked else at
                start_of_next = begin + length
                if end < start_of_next:
                    break
                events.append(_message(_TEXT, self._payload(data, begin, start_of_next)))
                start = start_of_next
                continue
            reason = self._illegal(first, second, length)
            if reason:
                self._die(reason, events)
                break
            at += 4 if self._masked else 0
            opcode = first & 0x0F
            if self._passes_over(opcode):
                if end < at:
                    break
                self._pass_over(first, opcode)
                self._skip = max(0, at + length - end)
                start = min(at + length, end)
                continue
            if end < at + length:
                break
            start = at + length
            payload = self._payload(data, at, start)
            if opcode & 8:
                self._control(opcode, payload, events)
            else:
                self._fragment(first, opcode, payload, events)
        return end if self._dead or self._closed else start

    def _takes_whole(self, length: int) -> bool:
        """A text of this length that comes in one frame is read, and may come now."""
        return self.decode and self._opcode == _CONTINUATION and length <= self._limit

    def _payload(self, data: bytes | bytearray, begin: int, end: int) -> bytes:
        """The payload, with the masking undone (RFC 6455 §5.3)."""
        if self._masked:
            return apply_mask(data[begin:end], data[begin - 4 : begin])
        return bytes(data[begin:end])

    def _illegal(self, first: int, second: int, length: int) -> str:
        """Say which rule the frame header breaks, empty where it breaks none."""
        opcode = first & 0x0F
        if first & 0x30:
            return "a reserved bit is set (RSV2 or RSV3, RFC 6455 §5.2)"
        if first & 0x40 and (self._inflater is None or opcode not in (_TEXT, _BINARY)):
            return "RSV1 is set where no compressed message may begin (RFC 7692 §6)"
        if bool(second & 0x80) is not self._masked:
            return "a charger's frame is not masked (RFC 6455 §5.1)" if self._masked else (
                "a CSMS's frame is masked (RFC 6455 §5.1)")  # fmt: skip
        if opcode & 8:
            if opcode > _PONG:
                return f"opcode {opcode} is reserved (RFC 6455 §5.2)"
            if second & 0x7F > 125 or not first & 0x80:
                return "a control frame is fragmented or longer than 125 bytes (RFC 6455 §5.5)"
            return ""
        if opcode > _BINARY:
            return f"opcode {opcode} is reserved (RFC 6455 §5.2)"
        if (opcode == _CONTINUATION) is not (self._opcode != _CONTINUATION):
            return "a fragment without a beginning (RFC 6455 §5.4)" if opcode == _CONTINUATION else (
                "a message begins inside another (RFC 6455 §5.4)")  # fmt: skip
        if length >> 63:
            return "a length of 64 bits (RFC 6455 §5.2)"
        if not self._passes_over(opcode) and length + len(self._message) > self._limit:
            return f"a message of more than {self._limit} bytes"
        return ""

    def _passes_over(self, opcode: int) -> bool:
        if opcode & 8:
            return False
        return self._dropping if opcode == _CONTINUATION else not self.decode

    def _pass_over(self, first: int, opcode: int) -> None:
        if opcode != _CONTINUATION:
            self._opcode = opcode
        self._dropping = True
        if first & 0x80:
            self._opcode, self._dropping = _CONTINUATION, False

    def _fragment(self, first: int, opcode: int, payload: bytes, events: list[Event]) -> None:
        if opcode != _CONTINUATION:
            self._opcode, self._compressed = opcode, bool(first & 0x40)
        if not first & 0x80:
            self._message += payload
            return
        if self._message:
            payload = bytes(self._message) + payload
            self._message = bytearray()
        kind, self._opcode = self._opcode, _CONTINUATION
        if self._compressed and self._inflater is not None:
            try:
                payload = self._inflater.inflate(payload, self._limit)
            except InflateError as error:
                self._die(f"a compressed message {error}", events)
                return
        events.append(_message(kind, payload))

    def _control(self, opcode: int, payload: bytes, events: list[Event]) -> None:
        if opcode == _PING:
            events.append(Ping())
        elif opcode == _PONG:
            events.append(Pong())
        elif len(payload) == 1:
            self._die("a close frame of one byte (RFC 6455 §5.5.1)", events)
        else:
            self._closed = True
            events.append(Closing(int.from_bytes(payload[:2], "big") if payload else None))

    def _die(self, reason: str, events: list[Event]) -> None:
        self._dead = True
        events.append(Unparsable(reason))


def _message(kind: int, payload: bytes) -> Event:
    try:
        return Text(payload.decode(), binary=kind == _BINARY)
    except UnicodeDecodeError as error:
        if kind == _BINARY:
            return Undecodable("binary: OCPP-J messages are text (1.6J §3.2)", len(payload))
        return Undecodable(f"not UTF-8 at byte {error.start} (RFC 6455 §8.1)", len(payload))
