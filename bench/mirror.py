"""What the mirror costs: CPU time per message in each part of the tap, `python -m bench mirror`.

Time of the processor and not of the clock, so that what else the machine does hardly counts. The traffic is that of
`bench tap`: a call of a charging station and its answer, in the records that the relay hands to its parser. Parts that
build on each other are measured together; what a part costs by itself is the difference to the line above it.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvloop

from bench.tap_load import ANSWER_FRAME, CALL_FRAME, REQUEST, RESPONSE
from ingest.enrolment import MIRROR_ALL
from ingest.frame import Direction, Frame
from ingest.journal import Journal
from ingest.redaction import Redactor
from ingest.tap.channel import Op, RecordReader, block
from ingest.tap.handoff import TOGETHER, HandOff
from ingest.tap.mirror import Mirror
from ingest.tap.websocket import FrameReader, Text

__all__ = ["main"]

_CONNECTIONS: Final = 100
_ROUNDS: Final = 100
_TURNS: Final = 7
_START: Final = 1_767_225_600_000_000
_READ: Final = 256 * 1024
_MESSAGES: Final = _CONNECTIONS * _ROUNDS * 2
_ROOM: Final = 1 << 40


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    argparse.ArgumentParser(prog="bench mirror", description=__doc__).parse_args(argv)
    redact = Redactor(bytes(range(32)), "bench").redact
    data = _traffic()
    texts = [
        event.text
        for reader, frame in ((FrameReader(masked=True), CALL_FRAME), (FrameReader(masked=False), ANSWER_FRAME))
        for event in reader.feed(frame)
        if isinstance(event, Text)
    ]
    print(f"{'in the relay':<44}{'µs a message':>14}")
    put, sent, calls = uvloop.run(_handed_over())
    _print("handing a copy over", put)
    _print("and sending it to the parser", sent)
    print(f"  {calls:.3f} reads of the parser a message")
    print(f"\n{'in the parser':<44}{'µs a message':>14}")
    _print("reading records", _best(lambda: _read(data)))
    _print("reading WebSocket frames", _best(_follow))
    _print("redaction", _best(lambda: [redact(text) for _ in range(_MESSAGES // 2) for text in texts]))
    _print("records, frames of WebSocket, frames of ours", _best(lambda: _mirror(data, _nowhere, _as_it_is)))
    _print("and redaction", _best(lambda: _mirror(data, _nowhere, redact)))
    with _journal() as journal:
        _print("and journal, synced", _best(lambda: (_mirror(data, journal.append, redact), journal.sync())))
    return 0


def _print(name: str, micros: float) -> None:
    print(f"{name:<44}{micros:>14.2f}")


def _best(run: Callable[[], object]) -> float:
    """Microseconds a message, the best of some turns."""
    found = []
    for _ in range(_TURNS):
        begin = time.process_time()
        run()
        found.append(time.process_time() - begin)
    return min(found) / _MESSAGES * 1e6


def _traffic() -> list[bytes]:
    """What the parser reads: handshakes, then calls and answers of all connections in turn."""
    records: list[tuple[Op, int, int, bytes]] = []
    for number in range(1, _CONNECTIONS + 1):
        records.append((Op.OPENED, number, _START, b"127.0.0.1:1"))
        records.append((Op.FROM_CHARGER, number, _START, REQUEST.format(number).encode()))
        records.append((Op.FROM_CSMS, number, _START, RESPONSE))
    for at in range(_START, _START + _ROUNDS * 4_000, 4_000):
        for op, frame, after in ((Op.FROM_CHARGER, CALL_FRAME, 0), (Op.FROM_CSMS, ANSWER_FRAME, 2_000)):
            numbers = range(1, _CONNECTIONS + 1)
            records += [(op, number, at + after + number * 20, frame) for number in numbers]
    data = b"".join(block(records[at : at + TOGETHER]) for at in range(0, len(records), TOGETHER))
    return [data[at : at + _READ] for at in range(0, len(data), _READ)]


def _read(data: list[bytes]) -> None:
    reader = RecordReader()
    for chunk in data:
        for _ in reader.feed(chunk):
            pass


def _follow() -> None:
    for reader, frame in ((FrameReader(masked=True), CALL_FRAME), (FrameReader(masked=False), ANSWER_FRAME)):
        for _ in range(_MESSAGES // 2):
            reader.feed(frame)


def _mirror(data: list[bytes], write: Callable[[Frame], str], redact: Callable[[str], str]) -> Mirror:
    mirror, reader = Mirror("bench", write=write, redact=redact, enrolment=MIRROR_ALL), RecordReader()
    for chunk in data:
        for record in reader.feed(chunk):
            mirror.handle(record)
    assert mirror.counters.messages == _MESSAGES
    return mirror


def _nowhere(_: Frame) -> str:
    return ""


def _as_it_is(text: str) -> str:
    return text


@contextmanager
def _journal() -> Iterator[Journal]:
    with tempfile.TemporaryDirectory() as name:
        journal = Journal(Path(name), max_bytes=_ROOM)
        try:
            yield journal
        finally:
            journal.close()


async def _handed_over() -> tuple[float, float, float]:
    """Microseconds a message of handing over, of that with sending, and reads a message; of this thread alone."""
    hand_off = HandOff(_ROOM)
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    reads = []

    def drain() -> None:
        while data := theirs.recv(_READ):
            reads.append(len(data))

    threading.Thread(target=drain, daemon=True).start()
    hand_off.attach(ours)
    copies = [hand_off.opened("127.0.0.1:1") for _ in range(_CONNECTIONS)]
    for number, copy in enumerate(copies):
        copy.data(Direction.CP_TO_CS, REQUEST.format(number).encode())
        copy.data(Direction.CS_TO_CP, RESPONSE)
    puts, alls = [], []
    for _ in range(_TURNS):
        put, begin = 0.0, time.thread_time()
        for done in range(_ROUNDS):
            before = time.thread_time()
            for copy in copies:
                copy.data(Direction.CP_TO_CS, CALL_FRAME)
                copy.data(Direction.CS_TO_CP, ANSWER_FRAME)
            put += time.thread_time() - before
            if done % 10 == 9:
                while hand_off.queued:  # noqa: ASYNC110 - nothing tells of an empty queue
                    await asyncio.sleep(0.002)
        puts.append(put)
        alls.append(time.thread_time() - begin)
    ours.shutdown(socket.SHUT_WR)
    return min(puts) / _MESSAGES * 1e6, min(alls) / _MESSAGES * 1e6, len(reads) / (_MESSAGES * _TURNS)


if __name__ == "__main__":
    main()
