"""TCP segments in, the records of a relay out: what the parser of the tap is fed with. Pure.

A connection is told to the mirror when its request asks for an upgrade (or is a message of OCPP over SOAP); all else
that a capture holds is counted by what it is and forgotten. A hole is lost when the receiver has acknowledged it and
it has not been filled for a moment, when too much waits behind it, or when the connection ends. Then the connection is
cut, as the tap cuts one: neither fragments nor compression can be picked up behind a hole.

Everything is bounded: connections, bytes that wait in one of them and in all, examples in the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ingest.capture.conversation import Conversation, Fate
from ingest.capture.packets import End, Segment, name_of
from ingest.capture.stream import Stream
from ingest.frame import Direction, Micros
from ingest.tap.channel import CUT, TOTALS, Op, Record
from ingest.tap.handshake import MAX_HEAD, read_request

__all__ = ["Assembler", "Limits"]

_SECOND: Final[Micros] = 1_000_000
_METHODS: Final = (b"GET ", b"POST ")
_TLS: Final = (b"\x16\x03", b"\x17\x03")
"""Handshake and application data of every TLS version (RFC 8446 §5.1)."""
_EXAMPLES: Final = 100
_HEAD_END: Final = b"\r\n\r\n"

_Key = tuple[End, End]


class Limits(msgspec.Struct, frozen=True):
    """How much is kept, and for how long by the clock of the capture."""

    conversations: int = 20_000
    """Of more, the one that has been silent longest is cut."""
    waiting_bytes: int = 64 * 1024 * 1024
    """Behind all holes together."""
    hole_grace: Micros = _SECOND
    """How long an acknowledged hole may still be filled: interfaces are not captured in step."""
    idle: Micros = 86_400 * _SECOND
    """A charging station may be silent for a heartbeat interval, which is seldom more than a day."""
    idle_untold: Micros = 300 * _SECOND
    """The same for what is no charging station (yet)."""
    tick: Micros = 5 * _SECOND


class Assembler:
    """All connections of a capture."""

    def __init__(
        self, handle: Callable[[Record], None], *, ports: Iterable[int] = (), limits: Limits | None = None
    ) -> None:
        """`handle` takes the records. `ports`: only connections to these ports count; none means all."""
        self.now: Micros = 0
        """The time of the latest packet; it never runs backwards."""
        self.fates: Counter[Fate] = Counter()
        """What the connections turned out to be, those that live left out."""
        self.cut = 0
        """Connections that were mirrored and have a hole."""
        self.retired = 0
        """Connections that were let go before they ended, because there were too many or they were silent too long."""
        self.strays = 0
        """Segments of no use to their stream."""
        self.examples: dict[tuple[Fate, str], int] = {}
        """Servers whose connections cannot be read, and how many there were."""
        self._handle = handle
        self._ports = frozenset(ports)
        self._limits = limits or Limits()
        self._living: dict[_Key, Conversation] = {}
        self._holes: set[_Key] = set()
        self._waiting = 0
        self._numbers = 0
        self._next_tick: Micros = 0
        self._next_sweep: Micros = 0
        self._next_look: Micros = 0

    @property
    def living(self) -> int:
        """Connections that have not ended."""
        return len(self._living)

    def take(self, at: Micros, segment: Segment) -> None:
        """Take the next segment."""
        self.pass_time(at)
        if self._ports and self._ports.isdisjoint((segment.source[1], segment.target[1])):
            return
        key = _key(segment)
        conversation = self._living.get(key)
        if segment.syn and segment.ack is None:
            if conversation is not None and conversation.client_isn == segment.seq:
                return  # said again
            self._finish(key)
            conversation = self._begin(key)
            conversation.charger, conversation.client_isn = segment.source, segment.seq
            conversation.streams[Direction.CP_TO_CS] = Stream(_next(segment.seq))
        elif conversation is None:
            if segment.rst or not (segment.payload or segment.syn):
                return  # what is left over of a connection that ended
            conversation = self._begin(key)
            if segment.syn and segment.ack is not None:
                conversation.charger = segment.target
                conversation.streams[Direction.CP_TO_CS] = Stream(segment.ack)
            else:
                conversation.fate = Fate.MIDWAY
        conversation.seen_at = self.now
        self._segment(key, conversation, segment)

    def pass_time(self, at: Micros) -> None:
        """Look at what time alone decides."""
        self.now = max(self.now, at)
        if self.now >= self._next_tick:
            self._next_tick = self.now + self._limits.tick
            self._tell(Op.TICK, 0)
        if self._holes and self.now >= self._next_look:
            self._next_look = self.now + self._limits.hole_grace // 4
            for key in list(self._holes):
                self._look_at_hole(key)
        if self.now >= self._next_sweep:
            self._next_sweep = self.now + 60 * _SECOND
            self._sweep()

    def end(self) -> None:
        """The capture ends; of what still lives nobody knows how it goes on."""
        for key, conversation in list(self._living.items()):
            if conversation.told and not conversation.lost:
                self._cut(key, conversation, "capture-ended")
            self._count(conversation)
        self._living.clear()

    def _begin(self, key: _Key) -> Conversation:
        if len(self._living) >= self._limits.conversations:
            oldest = min(self._living, key=lambda one: self._living[one].seen_at)
            self._retire(oldest, "too-many-connections")
        conversation = self._living[key] = Conversation(self.now)
        return conversation

    def _segment(self, key: _Key, conversation: Conversation, segment: Segment) -> None:
        if segment.rst:
            self._finish(key)
            return
        if segment.fin:
            conversation.fins.add(segment.source)
        if conversation.charger is None:
            self._midway(conversation, segment)
        if not conversation.ignored and not conversation.lost and conversation.charger is not None:
            self._stream(key, conversation, segment)
        if self._over(conversation):
            self._finish(key)

    def _midway(self, conversation: Conversation, segment: Segment) -> None:
        """A connection whose beginning was not seen: a request at the beginning of a segment shows who asks."""
        if segment.payload.startswith(_METHODS) and segment.ack is not None:
            conversation.charger = segment.source
            conversation.streams = {
                Direction.CP_TO_CS: Stream(segment.seq),
                Direction.CS_TO_CP: Stream(segment.ack),
            }
        elif segment.payload.startswith(_TLS) and conversation.fate is Fate.MIDWAY:
            conversation.fate = Fate.ENCRYPTED
            self._example(conversation.fate, min(segment.source, segment.target, key=lambda end: end[1]))

    def _stream(self, key: _Key, conversation: Conversation, segment: Segment) -> None:
        from_charger = segment.source == conversation.charger
        direction = Direction.CP_TO_CS if from_charger else Direction.CS_TO_CP
        stream = conversation.streams.get(direction)
        if segment.syn:
            if stream is None:
                conversation.streams[direction] = Stream(_next(segment.seq))
            return
        opposite = conversation.streams.get(direction.opposite)
        if segment.ack is not None:
            if opposite is None:
                # Where the answer to the SYN was not captured, what is acknowledged first says where it began.
                opposite = conversation.streams[direction.opposite] = Stream(segment.ack)
            opposite.acknowledge(segment.ack)
        if stream is None:
            stream = conversation.streams[direction] = Stream(segment.seq)
        strays = stream.strays
        data = stream.take(segment.seq, segment.payload, segment.size, fin=segment.fin)
        self.strays += stream.strays - strays
        if data and opposite is not None and opposite.acknowledged_hole:
            # It was said by one who had already read what the capture has not shown yet: cause before effect.
            conversation.held[direction] += data
        elif data:
            self._data(conversation, direction, data, segment)
        if conversation.held[direction.opposite] and not stream.acknowledged_hole:
            held = bytes(conversation.held[direction.opposite])
            conversation.held[direction.opposite].clear()
            self._data(conversation, direction.opposite, held, segment)
        if conversation.streams:
            now = conversation.waiting
            self._waiting += now - conversation.counted
            conversation.counted = now
            self._watch_holes(key, conversation)

    def _watch_holes(self, key: _Key, conversation: Conversation) -> None:
        if conversation.overfull or self._waiting > self._limits.waiting_bytes:
            self._lose(key, conversation)
            return
        if any(one.acknowledged_hole for one in conversation.streams.values()):
            if conversation.hole_since is None:
                conversation.hole_since = self.now
                self._holes.add(key)
        elif conversation.hole_since is not None:
            conversation.hole_since = None
            self._holes.discard(key)

    def _look_at_hole(self, key: _Key) -> None:
        conversation = self._living.get(key)
        if conversation is None or conversation.hole_since is None:
            self._holes.discard(key)
        elif self.now - conversation.hole_since >= self._limits.hole_grace:
            self._lose(key, conversation)
            if self._over(conversation):
                self._finish(key)

    def _data(self, conversation: Conversation, direction: Direction, data: bytes, segment: Segment) -> None:
        """Bytes in order, of a direction."""
        if conversation.told:
            op = Op.FROM_CHARGER if direction is Direction.CP_TO_CS else Op.FROM_CSMS
            self._tell(op, conversation.number, data)
        elif direction is Direction.CS_TO_CP:
            if conversation.fate is Fate.SILENT:
                self._ignore(conversation, Fate.OTHER, segment)  # whoever is connected to speaks first: no HTTP
        else:
            self._request(conversation, data, segment)

    def _request(self, conversation: Conversation, data: bytes, segment: Segment) -> None:
        """Gather a request until it shows what it asks for."""
        head = conversation.head
        if not head and conversation.fate is Fate.HTTP and not data.startswith(_METHODS):
            return  # the body of the request before
        head += data
        if head.startswith(_TLS):
            self._ignore(conversation, Fate.ENCRYPTED, segment)
        elif not any(head.startswith(method) or method.startswith(head) for method in _METHODS):
            self._ignore(conversation, Fate.OTHER, segment)
        elif (end := head.find(_HEAD_END)) >= 0:
            request = read_request(bytes(head[:end]))
            if not isinstance(request, str) and (request.upgrade or request.soap):
                self._open(conversation, Fate.SOAP if request.soap else Fate.WEBSOCKET)
            else:
                conversation.fate = Fate.HTTP
                head.clear()
        elif len(head) > MAX_HEAD:
            self._ignore(conversation, Fate.HTTP, segment)

    def _open(self, conversation: Conversation, fate: Fate) -> None:
        self._numbers += 1
        conversation.number, conversation.fate = self._numbers, fate
        peer = "" if conversation.charger is None else name_of(conversation.charger)
        self._handle(Record(Op.OPENED, conversation.number, conversation.opened_at, peer.encode()))
        self._tell(Op.FROM_CHARGER, conversation.number, bytes(conversation.head))
        conversation.head.clear()

    def _ignore(self, conversation: Conversation, fate: Fate, segment: Segment) -> None:
        conversation.fate, conversation.ignored = fate, True
        self._drop(conversation)
        if fate is Fate.ENCRYPTED:
            self._example(fate, segment.target if segment.source == conversation.charger else segment.source)

    def _lose(self, key: _Key, conversation: Conversation) -> None:
        if conversation.told:
            self._cut(key, conversation, "packets-missing")
        else:
            conversation.ignored = True
            self._drop(conversation)
            self._holes.discard(key)

    def _cut(self, key: _Key, conversation: Conversation, reason: str) -> None:
        missing = sum(stream.missing for stream in conversation.streams.values())
        missing += sum(len(held) for held in conversation.held.values())
        if missing and reason == "capture-ended":
            reason = "packets-missing"
        since = self.now if conversation.hole_since is None else conversation.hole_since
        self._tell(Op.CUT, conversation.number, CUT.pack(missing, since) + reason.encode())
        conversation.lost = True
        self.cut += reason == "packets-missing"
        self._drop(conversation)
        self._holes.discard(key)

    def _drop(self, conversation: Conversation) -> None:
        self._waiting -= conversation.counted
        conversation.let_go()

    def _over(self, conversation: Conversation) -> bool:
        """Both directions have ended."""
        if len(conversation.fins) < 2:
            return False
        return all(stream.finished for stream in conversation.streams.values())

    def _finish(self, key: _Key) -> None:
        """The connection ended."""
        conversation = self._living.pop(key, None)
        if conversation is None:
            return
        if conversation.told:
            if not conversation.lost and any(stream.missing for stream in conversation.streams.values()):
                self._cut(key, conversation, "packets-missing")
            self._tell(Op.CLOSED, conversation.number, TOTALS.pack(0, 0))
        self._drop(conversation)
        self._holes.discard(key)
        self._count(conversation)

    def _retire(self, key: _Key, reason: str) -> None:
        """Let go of a connection whose end was not seen."""
        conversation = self._living[key]
        if conversation.told:
            if not conversation.lost:
                self._cut(key, conversation, reason)
            self._tell(Op.CLOSED, conversation.number, TOTALS.pack(0, 0))
            self.retired += 1
        del self._living[key]
        self._drop(conversation)
        self._holes.discard(key)
        self._count(conversation)

    def _sweep(self) -> None:
        for key, conversation in list(self._living.items()):
            alive = conversation.told and not conversation.lost and not conversation.fins
            if self.now - conversation.seen_at > (self._limits.idle if alive else self._limits.idle_untold):
                self._retire(key, "silent-too-long")

    def _count(self, conversation: Conversation) -> None:
        self.fates[conversation.fate] += 1

    def _example(self, fate: Fate, server: End) -> None:
        key = (fate, name_of(server))
        if key in self.examples or len(self.examples) < _EXAMPLES:
            self.examples[key] = self.examples.get(key, 0) + 1

    def _tell(self, op: Op, number: int, payload: bytes = b"") -> None:
        self._handle(Record(op, number, self.now, payload))


def _key(segment: Segment) -> _Key:
    one, other = sorted((segment.source, segment.target))
    return one, other


def _next(seq: int) -> int:
    return (seq + 1) & 0xFFFFFFFF
