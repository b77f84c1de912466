"""The hand-off of the copy: what the parser has been told of each connection, and what it is still owed.

It holds no transport: whatever happens here, no byte of a charging station can be touched by it. A copy that finds no
room is dropped and counted, and its connection is *cut*: the stream of the copy has a hole, so no further byte of
that connection is handed over until it reconnects (the state of fragmentation and compression is lost). As soon
as there is room the parser is told what was lost and since when. After a restart of the parser every living connection
is told anew, its handshake with it, and is cut.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from time import time_ns
from typing import Final

import msgspec

from ingest.frame import Direction, Micros
from ingest.tap.channel import CUT, TOTALS, Op
from ingest.tap.handshake import MAX_HEAD
from ingest.tap.sender import Sender
from ingest.tap.wire import Wire

__all__ = ["TOGETHER", "Copy", "HandOff", "HandOffCounters"]

_MAX_CLOSED: Final = 20_000
"""Ended connections remembered until the parser has acknowledged their end."""

_HEADS: Final = {Direction.CP_TO_CS: Op.HEAD_FROM_CHARGER, Direction.CS_TO_CP: Op.HEAD_FROM_CSMS}
_OPS: Final = {Direction.CP_TO_CS: Op.FROM_CHARGER, Direction.CS_TO_CP: Op.FROM_CSMS}

TOGETHER: Final = 128
"""Copies that are dealt with together at most: one after the other, beside the forwarding, they cost twice as much."""
_LARGE: Final = 16 * 1024
"""Bytes of a chunk that is dealt with at once, so that those that wait are few in bytes too."""
_GATHER: Final = 0.005
"""Seconds that copies wait for company at most; nobody waits for a copy."""


class HandOffCounters(msgspec.Struct):
    """What happened to the copies."""

    bytes_handed_over: int = 0
    copies_dropped: int = 0
    bytes_dropped: int = 0
    """Forwarded and not handed over, for whatever reason."""
    connections_cut: int = 0
    connections_untold: int = 0
    """Connections that came and went while the parser was away, beyond what could be remembered."""
    parser_starts: int = 0
    clock_steps_back: int = 0
    """The clock ran backwards; `received_at` stood still until it had caught up."""


class Copy:
    """What the parser knows of one connection. The relay calls it once for each chunk, after forwarding it."""

    __slots__ = (
        "_hand_off",
        "closed_at",
        "closed_record",
        "cut",
        "forwarded",
        "heads",
        "known",
        "missing",
        "number",
        "opened_at",
        "peer",
        "plain",
        "reported",
        "since",
        "told",
    )  # fmt: skip

    def __init__(self, hand_off: HandOff, number: int, peer: str, opened_at: Micros) -> None:
        self._hand_off = hand_off
        self.number = number
        self.peer = peer
        self.opened_at = opened_at
        self.told = False
        self.known = b""
        """Facts of the socket."""
        self.cut = ""
        """Why the copy was cut, empty while it is whole."""
        self.since: Micros = 0
        self.missing = 0
        """Bytes forwarded and not handed over."""
        self.forwarded = 0
        self.reported = -1
        self.closed_at: Micros | None = None
        self.closed_record = 0
        self.heads: dict[Direction, bytearray | bytes] = {d: bytearray() for d in Direction}
        """The HTTP heads of both directions, `bytes` once complete: a new parser needs them to know the charger."""
        self.plain = False
        """Both heads are complete and nothing was cut: what comes is handed over, and that is all."""

    @property
    def handed_over(self) -> int:
        """Bytes handed over to a parser."""
        return self.forwarded - self.missing

    def wire(self, wire: Wire) -> None:
        """Take what is known of the socket."""
        self.known = msgspec.json.encode(wire)
        self._hand_off.known(self)

    def data(self, direction: Direction, chunk: bytes) -> None:
        """Take the copy of a chunk that was forwarded; when it came is noted, the rest is done in a while."""
        hand_off = self._hand_off
        gathered = hand_off.gathered
        gathered.append((self, direction, time_ns(), chunk))
        if not hand_off.due or len(gathered) >= hand_off.together or len(chunk) > _LARGE:
            hand_off.look_at_gathered()

    def closed(self) -> None:
        """Both sockets are gone."""
        self._hand_off.closed(self)

    def keep_head(self, direction: Direction, head: bytearray, chunk: bytes) -> None:
        """Keep what belongs to an HTTP head that is not complete yet."""
        searched = max(0, len(head) - 3)
        head += chunk[: MAX_HEAD + 4]
        end = head.find(b"\r\n\r\n", searched)
        if end >= 0:
            self.heads[direction] = bytes(head[: end + 4])
        elif len(head) > MAX_HEAD:
            self.heads[direction] = b""


class HandOff:
    """The copies of all connections, and the one channel they share."""

    def __init__(self, limit: int, *, together: int = TOGETHER) -> None:
        """`limit`: bytes that may wait for the parser. `together`: copies that are dealt with together at most."""
        self.counters = HandOffCounters()
        self._sender = Sender(limit, on_lost=self._parser_lost, on_room=self._settle, on_ack=self._acknowledged)
        self.together = together
        self.gathered: list[tuple[Copy, Direction, int, bytes]] = []
        """Copies that nothing was done with yet, with the nanosecond that each of them came."""
        self.due = False
        """They will be dealt with in a while."""
        self._now: Micros = 0
        self._numbers = 0
        self._living: dict[int, Copy] = {}
        # Ordered ones: taking the first out of a plain dictionary again and again walks over all that are gone already.
        self._ended: OrderedDict[int, Copy] = OrderedDict()
        """Closed, and the parser has not acknowledged it yet; oldest first."""
        self._owed: OrderedDict[int, Copy] = OrderedDict()
        self._cut: dict[int, Copy] = {}
        self._sync_owed = False
        self._loop = asyncio.get_running_loop()
        self.bypassed = False
        """Nothing is copied: the operator wants it so."""
        self.acknowledged_at: Micros = 0
        """`received_at` of the last record whose frames are safe on the disk."""
        self.lost = asyncio.Event()
        """The parser has gone and the next one is not attached yet."""
        self.ready = asyncio.Event()
        """The parser has opened its journal and reads."""

    @property
    def attached(self) -> bool:
        """A parser is there."""
        return self._sender.attached

    @property
    def queued(self) -> int:
        """Bytes that wait for the parser."""
        return self._sender.queued

    def now(self) -> Micros:
        """The tap's clock: UTC, never backwards within this process.

        Whatever gets a time comes behind the copies that were gathered before it.
        """
        if self.gathered:
            self.take()
        return self._stamp(time_ns())

    def _stamp(self, nanoseconds: int) -> Micros:
        at = nanoseconds // 1000
        if at < self._now:
            self.counters.clock_steps_back += 1
            return self._now
        self._now = at
        return at

    def attach(self, sock: socket.socket) -> None:
        """Speak to a new parser from now on."""
        again = self.counters.parser_starts > 0
        self.counters.parser_starts += 1
        self._sender.attach(sock)
        self.lost.clear()
        if again:
            self._owed = OrderedDict(self._ended | self._living)
            self._sync_owed = True
            self._settle()

    def opened(self, peer: str) -> Copy:
        """A charging station connected."""
        self._numbers += 1
        copy = Copy(self, self._numbers, peer, self.now())
        self._living[copy.number] = copy
        copy.told = self._sender.put(Op.OPENED, copy.number, copy.opened_at, peer.encode(), urgent=True)
        if self.bypassed:
            self._cut_off(copy, copy.opened_at, "bypass")
        elif not copy.told:
            self._cut_off(copy, copy.opened_at)
        return copy

    def known(self, copy: Copy) -> None:
        """Hand over what is known of the socket, or cut the connection; it is told again when the parser is."""
        if not copy.cut and not self._sender.put(Op.WIRE, copy.number, self.now(), copy.known, urgent=True):
            self._cut_off(copy, self.now())

    def bypass(self, *, on: bool) -> None:
        """Copy nothing more, or copy again. Connections that lived meanwhile are cut until they reconnect."""
        if on and not self.bypassed:
            at = self.now()
            for copy in self._living.values():
                if not copy.cut:
                    self._cut_off(copy, at, "bypass")
            self._settle()
        self.bypassed = on

    def look_at_gathered(self) -> None:
        """See that copies do not wait for long, and that there are never more than a few."""
        if len(self.gathered) >= self.together or len(self.gathered[-1][-1]) > _LARGE:
            self.take()
        elif not self.due:
            self.due = True
            self._loop.call_later(_GATHER, self._take_due)

    def take(self) -> None:
        """Hand over the copies that were gathered, or drop them and cut their connections."""
        gathered, self.gathered = self.gathered, []
        records: list[tuple[Op, int, Micros, bytes]] = []
        now, size = self._now, 0
        for copy, direction, came, chunk in gathered:
            at = came // 1000
            if at < now:
                self.counters.clock_steps_back += 1
                at = now
            now = at
            copy.forwarded += len(chunk)
            if copy.plain or self._takes(copy, direction, chunk):
                size += len(chunk)
                records.append((_OPS[direction], copy.number, at, chunk))
        self._now = now
        self.counters.bytes_handed_over += size
        if not records:
            return
        taken = self._sender.put_all(records)
        for op, number, at, chunk in records[taken:]:
            copy = self._living[number]
            if not copy.cut:
                if self._sender.put(op, number, at, chunk):
                    continue
                self._cut_off(copy, at)
            self.counters.bytes_handed_over -= len(chunk)
            self._drop(copy, len(chunk))

    def _takes(self, copy: Copy, direction: Direction, chunk: bytes) -> bool:
        """Look at a chunk that may belong to a head; False where its connection is cut, so that it is dropped."""
        head = copy.heads[direction]
        if isinstance(head, bytearray):
            copy.keep_head(direction, head, chunk)
        if copy.cut:
            self._drop(copy, len(chunk))
            return False
        copy.plain = all(isinstance(head, bytes) for head in copy.heads.values())
        return True

    def _take_due(self) -> None:
        self.due = False
        self.take()

    def _drop(self, copy: Copy, size: int) -> None:
        copy.missing += size
        self.counters.copies_dropped += 1
        self.counters.bytes_dropped += size

    def closed(self, copy: Copy) -> None:
        """Both sockets of a connection are gone."""
        copy.closed_at = self.now()
        self._living.pop(copy.number, None)
        self._cut.pop(copy.number, None)
        self._ended[copy.number] = copy
        if len(self._ended) > _MAX_CLOSED:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            if self._owed.pop(oldest, None) is not None:
                self.counters.connections_untold += 1
        if copy.number not in self._owed and not self._put_closed(copy):
            self._owed[copy.number] = copy

    def tick(self) -> None:
        """Let deadlines fire. A tick that finds no room is no loss: the next one does the same."""
        self._sender.put(Op.TICK, 0, self.now())

    def report(self, counters: bytes) -> None:
        """Tell the parser, for its status file, the relay's counters and how far the cut connections have come."""
        self._sender.put(Op.COUNTERS, 0, self.now(), counters)
        if self._sender.attached:
            self._settle()
        for copy in self._cut.values():
            if copy.reported != copy.forwarded and copy.number not in self._owed:
                totals = TOTALS.pack(copy.forwarded, copy.handed_over)
                if not self._sender.put(Op.TOTALS, copy.number, self.now(), totals):
                    return
                copy.reported = copy.forwarded

    async def finish(self, seconds: float) -> None:
        """Say that the tap ends in good order, and let the queue run empty."""
        self._sender.put(Op.STOP, 0, self.now(), urgent=True)
        await self._sender.drain(seconds)
        self._sender.detach()

    def _cut_off(self, copy: Copy, at: Micros, reason: str = "buffer-full") -> None:
        self.counters.connections_cut += 1
        copy.plain = False
        copy.cut = reason if self._sender.attached or not self.lost.is_set() else "parser-restarted"
        copy.since = at
        self._owed[copy.number] = copy
        self._cut[copy.number] = copy

    def _parser_lost(self) -> None:
        self.lost.set()
        self.ready.clear()
        # What was gathered meanwhile is found to be missing afterwards: it is not what was lost first.
        since = self.acknowledged_at or self._now
        for copy in [*self._ended.values(), *self._living.values()]:
            copy.told = False
            copy.closed_record = 0
            if not copy.cut:
                self._cut_off(copy, max(since, copy.opened_at), "parser-restarted")
        for number in self._ended:
            self._cut.pop(number, None)

    def _acknowledged(self, records: int, at: Micros) -> None:
        self.ready.set()
        self.acknowledged_at = at or self.acknowledged_at
        while self._ended:
            number, copy = next(iter(self._ended.items()))
            if not 0 < copy.closed_record <= records:
                return
            del self._ended[number]

    def _settle(self) -> None:
        """Pay what is owed while there is room."""
        while self._owed:
            number, copy = next(iter(self._owed.items()))
            if not self._tell(copy):
                return
            del self._owed[number]
        if self._sync_owed:
            self._sync_owed = not self._sender.put(Op.SYNCED, 0, self.now(), urgent=True)

    def _tell(self, copy: Copy) -> bool:
        at = self.now()
        put, number = self._sender.put, copy.number
        if not copy.told:
            copy.told = put(Op.OPENED, number, copy.opened_at, copy.peer.encode())
        if not copy.told or (copy.known and not put(Op.WIRE, number, at, copy.known)):
            return False
        if copy.cut:
            for direction, head in copy.heads.items():
                if head and not put(_HEADS[direction], number, at, bytes(head)):
                    return False
            if not put(Op.CUT, number, at, CUT.pack(copy.missing, copy.since) + copy.cut.encode()):
                return False
        return copy.closed_at is None or self._put_closed(copy)

    def _put_closed(self, copy: Copy) -> bool:
        at = self.now() if copy.closed_at is None else copy.closed_at
        totals = TOTALS.pack(copy.forwarded, copy.handed_over)
        done = self._sender.put(Op.CLOSED, copy.number, max(at, self._now), totals, urgent=True)
        copy.closed_record = self._sender.records if done else 0
        return done
