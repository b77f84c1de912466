"""The hand-off: never waits, never loses silently."""

import asyncio
import socket
import time
from collections.abc import Callable

import pytest

from ingest.frame import Direction
from ingest.tap.channel import ACK, CUT, TOTALS, ChannelError, Op, Record, RecordReader, block
from ingest.tap.handoff import HandOff

LIMIT = 1 << 20


class Parser:
    """The parser's end of the channel, in the hands of the test."""

    def __init__(self, hand_off: HandOff) -> None:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        hand_off.attach(ours)
        theirs.settimeout(0)
        self.socket = theirs
        self._reader = RecordReader()
        self.records: list[Record] = []

    async def read_until(self, condition: Callable[[list[Record]], bool]) -> list[Record]:
        loop = asyncio.get_running_loop()
        while not condition(self.records):
            data = await asyncio.wait_for(loop.sock_recv(self.socket, 1 << 20), 10)
            self.records += self._reader.feed(data)
        return self.records

    def ack(self, records: int, at: int) -> None:
        self.socket.send(ACK.pack(records, at))

    def die(self) -> None:
        self.socket.close()


def _has(op: Op) -> Callable[[list[Record]], bool]:
    return lambda records: any(record.op is op for record in records)


def _ops(records: list[Record], number: int) -> list[Op]:
    return [record.op for record in records if record.number == number]


def test_records_come_back_in_any_chunking() -> None:
    """The byte stream is cut back into the same records wherever it was cut."""
    wire = block([(Op.OPENED, 7, 5, b"ab")]) + block([(Op.TICK, 0, 6, b""), (Op.STOP, 0, 6, b"")])
    for cut in range(len(wire)):
        reader = RecordReader()
        assert [*reader.feed(wire[:cut]), *reader.feed(wire[cut:])] == [
            Record(Op.OPENED, 7, 5, b"ab"), Record(Op.TICK, 0, 6, b""), Record(Op.STOP, 0, 6, b""),
        ]  # fmt: skip


@pytest.mark.parametrize("wire", [b"\xff" * 64, b"\x03\0\0\0abc", block([(99, 1, 1, b"")])])  # type: ignore[list-item]  # no such op
def test_a_channel_out_of_step_is_noticed(wire: bytes) -> None:
    """What holds no records is an error, not an endless wait."""
    with pytest.raises(ChannelError):
        RecordReader().feed(wire)


def test_copies_arrive_in_order() -> None:
    """Opening, bytes of both directions and the end arrive as they happened."""

    async def work() -> None:
        hand_off = HandOff(LIMIT, together=1)
        parser = Parser(hand_off)
        copy = hand_off.opened("10.0.0.1:1")
        copy.data(Direction.CP_TO_CS, b"ask")
        copy.data(Direction.CS_TO_CP, b"answer")
        copy.closed()
        records = await parser.read_until(_has(Op.CLOSED))
        assert _ops(records, 1) == [Op.OPENED, Op.FROM_CHARGER, Op.FROM_CSMS, Op.CLOSED]
        assert [record.payload for record in records[:3]] == [b"10.0.0.1:1", b"ask", b"answer"]
        assert TOTALS.unpack(records[3].payload) == (9, 9)
        parser.die()
        await hand_off.finish(1)

    asyncio.run(work())


def test_gathered_copies_keep_their_order_and_time() -> None:
    """Copies wait for company, a while at most; whatever is told of a connection comes behind its copies."""

    async def work() -> None:
        hand_off = HandOff(LIMIT)
        parser = Parser(hand_off)
        copy, other = hand_off.opened("a"), hand_off.opened("b")
        copy.data(Direction.CP_TO_CS, b"one")
        before = time.time_ns() // 1000
        other.data(Direction.CS_TO_CP, b"two")
        assert hand_off.counters.bytes_handed_over == 0
        copy.closed()
        assert hand_off.counters.bytes_handed_over == 6
        other.data(Direction.CP_TO_CS, b"three")
        records = await parser.read_until(lambda found: any(record.payload == b"three" for record in found))
        told = [(record.op, record.number) for record in records[2:]]
        assert told == [(Op.FROM_CHARGER, 1), (Op.FROM_CSMS, 2), (Op.CLOSED, 1), (Op.FROM_CHARGER, 2)]
        times = [record.at for record in records]
        assert times == sorted(times)
        assert records[2].at <= before <= records[3].at
        parser.die()
        await hand_off.finish(1)

    asyncio.run(work())


def test_few_copies_are_gathered() -> None:
    """Neither many small ones nor a large one wait in memory without being counted."""

    async def work() -> None:
        hand_off = HandOff(LIMIT, together=10)
        parser = Parser(hand_off)
        copy = hand_off.opened("a")
        for _ in range(10):
            copy.data(Direction.CP_TO_CS, b"x")
        assert hand_off.counters.bytes_handed_over == 10
        copy.data(Direction.CP_TO_CS, b"x" * 20_000)
        assert hand_off.counters.bytes_handed_over == 20_010
        parser.die()
        await hand_off.finish(1)

    asyncio.run(work())


def test_a_full_channel_cuts_and_says_so() -> None:
    """A copy without room is dropped and counted; when there is room the parser hears how much and since when."""

    async def work() -> None:
        hand_off = HandOff(LIMIT, together=1)
        parser = Parser(hand_off)
        copy, other = hand_off.opened("a"), hand_off.opened("b")
        head = b"GET /ocpp/A HTTP/1.1\r\n\r\n"
        copy.data(Direction.CP_TO_CS, head)
        sent = len(head)
        while not copy.cut:
            copy.data(Direction.CP_TO_CS, b"x" * 10_000)
            sent += 10_000
        copy.data(Direction.CP_TO_CS, b"y" * 10_000)
        assert hand_off.counters.copies_dropped == 2
        assert hand_off.counters.bytes_dropped == 20_000
        assert hand_off.queued <= LIMIT
        records = await parser.read_until(_has(Op.CUT))
        got = sum(len(record.payload) for record in records if record.op is Op.FROM_CHARGER)
        assert got == sent - 10_000
        cut = next(record for record in records if record.op is Op.CUT)
        missing, since = CUT.unpack_from(cut.payload)
        assert (missing, cut.payload[CUT.size :]) == (20_000, b"buffer-full")
        assert since == copy.since <= cut.at
        copy.data(Direction.CP_TO_CS, b"z" * 5)
        other.data(Direction.CP_TO_CS, b"fine")
        hand_off.report(b"{}")
        copy.closed()
        records = await parser.read_until(_has(Op.CLOSED))
        assert _ops(records, 1)[-2:] == [Op.TOTALS, Op.CLOSED]
        assert TOTALS.unpack(records[-1].payload) == (sent + 10_005, sent - 10_000)
        assert b"fine" in [record.payload for record in records]
        parser.die()
        await hand_off.finish(1)

    asyncio.run(work())


def test_a_new_parser_is_told_everything() -> None:
    """After a restart every living connection and unacknowledged end is told anew, with its handshake, and cut."""

    async def work() -> None:
        hand_off = HandOff(LIMIT, together=1)
        first = Parser(hand_off)
        done, living, ended = (hand_off.opened(name) for name in "abc")
        head = b"GET /ocpp/B HTTP/1.1\r\n\r\n"
        living.data(Direction.CP_TO_CS, head[:9])
        living.data(Direction.CP_TO_CS, head[9:] + b"frames")
        done.closed()
        records = await first.read_until(_has(Op.CLOSED))
        first.ack(len(records), 77)
        await asyncio.wait_for(hand_off.ready.wait(), 5)
        ended.closed()
        first.die()
        await asyncio.wait_for(hand_off.lost.wait(), 5)
        living.data(Direction.CS_TO_CP, b"unseen")
        second = Parser(hand_off)
        records = await second.read_until(_has(Op.SYNCED))
        assert _ops(records, 1) == []
        assert _ops(records, 2) == [Op.OPENED, Op.HEAD_FROM_CHARGER, Op.HEAD_FROM_CSMS, Op.CUT]
        assert _ops(records, 3)[-2:] == [Op.CUT, Op.CLOSED]
        assert head in [record.payload for record in records]
        cut = next(record for record in records if record.op is Op.CUT and record.number == 2)
        assert cut.payload[CUT.size :] == b"parser-restarted"
        assert CUT.unpack_from(cut.payload)[0] == 6
        second.die()
        await hand_off.finish(1)

    asyncio.run(work())


def test_without_a_parser_nothing_waits_and_all_is_counted() -> None:
    """While no parser is there copies are dropped at once; memory does not grow."""

    async def work() -> None:
        hand_off = HandOff(LIMIT, together=1)
        copy = hand_off.opened("a")
        for _ in range(1000):
            copy.data(Direction.CP_TO_CS, b"x" * 1000)
        assert hand_off.queued == 0
        assert hand_off.counters.bytes_dropped == copy.missing == 1_000_000
        await hand_off.finish(0.1)

    asyncio.run(work())
