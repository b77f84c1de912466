"""What the tap adds to a round trip: against a direct connection, and against a bare relay of the same runtime.

Each part runs in a process of its own, as in production: chargers, CSMS, bare relay (the same splice without a copy)
and tap (splice, hand-off, parser process, redaction, journal). The three ways are measured in turns, so that what else
the machine does falls on all of them alike. Every charger sends an OCPP call and waits for its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import struct
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, cast

import uvloop

from ingest.tap.relay import Relay
from ingest.tap.service import TapConfig, TapService
from ingest.tap.upstream import Endpoint

__all__ = ["main"]

_CALL: Final = (
    b'[2,"9c1b6a52-7f0c-4a51-9d7e-2f6f5a0b7d11","MeterValues",{"connectorId":1,"transactionId":7,"meterValue":[{"timestamp"'
    b':"2026-01-01T00:00:00Z","sampledValue":[{"value":"1234567","measurand":"Energy.Active.Import.Register","unit":"Wh"}]}]}]'
)
_ANSWER: Final = b'[3,"9c1b6a52-7f0c-4a51-9d7e-2f6f5a0b7d11",{}]'
_MASK: Final = b"\x37\xfa\x21\x3d"
_REQUEST: Final = (
    "GET /ocpp/BENCH-{} HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
_RESPONSE: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
_TURNS: Final = 3


def _call_frame() -> bytes:
    masked = bytes(byte ^ _MASK[i % 4] for i, byte in enumerate(_CALL))
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(_CALL)) + _MASK + masked


_CALL_FRAME: Final = _call_frame()
_ANSWER_FRAME: Final = struct.pack("!BB", 0x81, len(_ANSWER)) + _ANSWER


class _Csms(asyncio.Protocol):
    """Answers the upgrade, then every call."""

    def __init__(self) -> None:
        self._rest = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if not self._open:
            _, end, rest = self._rest.partition(b"\r\n\r\n")
            if not end:
                return
            self._open, self._rest = True, rest
            self._transport.write(_RESPONSE)
        count, left = divmod(len(self._rest), len(_CALL_FRAME))
        if count:
            self._rest = self._rest[len(self._rest) - left :] if left else b""
            self._transport.write(_ANSWER_FRAME * count)


class _Charger(asyncio.Protocol):
    """Sends a call, takes the time until its answer is there."""

    def __init__(self, number: int, samples: list[int]) -> None:
        self.opened = asyncio.get_running_loop().create_future()
        self._number = number
        self._samples = samples
        self._waiting = len(_RESPONSE)
        self._sent_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(_REQUEST.format(self._number).encode())

    def data_received(self, data: bytes) -> None:
        self._waiting -= len(data)
        if self._waiting:
            return
        if self._sent_at:
            self._samples.append(time.perf_counter_ns() - self._sent_at)
            self._sent_at = 0
        else:
            self.opened.set_result(None)

    def call(self) -> None:
        """Send, unless the answer to the last call is still awaited."""
        if not self._waiting:
            self._waiting = len(_ANSWER_FRAME)
            self._sent_at = time.perf_counter_ns()
            self.transport.write(_CALL_FRAME)


def _serve_csms(pipe: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Csms, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.recv)

    uvloop.run(run())


def _serve_relay(pipe: Connection, upstream: int) -> None:
    async def run() -> None:
        relay = Relay((Endpoint("127.0.0.1", upstream),), None)
        pipe.send(await relay.bind("127.0.0.1", 0))
        await relay.serve()
        await asyncio.to_thread(pipe.recv)
        await relay.stop()
        pipe.send({})

    uvloop.run(run())


def _serve_tap(pipe: Connection, upstream: int, directory: str) -> None:
    async def run() -> None:
        service = TapService(TapConfig(f"ws://127.0.0.1:{upstream}", Path(directory)))
        await service.start()
        pipe.send(service.port)
        await asyncio.to_thread(pipe.recv)
        await service.stop()
        pipe.send(service.counters())

    uvloop.run(run())


async def _measure(port: int, connections: int, rate: int, seconds: float) -> list[int]:
    loop = asyncio.get_running_loop()
    samples: list[int] = []
    chargers = []
    for number in range(connections):
        _, charger = await loop.create_connection(lambda n=number: _Charger(n, samples), "127.0.0.1", port)  # type: ignore[misc]  # a lambda's default
        chargers.append(charger)
    await asyncio.gather(*(charger.opened for charger in chargers))
    start = time.perf_counter()
    sent = 0
    while (now := time.perf_counter() - start) < seconds:
        while sent < now * rate:
            chargers[sent % connections].call()
            sent += 1
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.2)
    for charger in chargers:
        charger.transport.abort()
    await asyncio.sleep(0.1)
    return samples


def _start(context: Any, target: Any, *arguments: Any) -> tuple[Any, Connection, int]:
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments))
    process.start()
    if not ours.poll(30):
        process.kill()
        raise RuntimeError("a part of the benchmark did not start within 30 s")
    return process, ours, ours.recv()


def _percentile(samples: list[int], percent: int) -> float:
    """In microseconds."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1000


def _table(results: dict[str, list[int]]) -> dict[str, tuple[float, float]]:
    figures = {name: (_percentile(samples, 50), _percentile(samples, 99)) for name, samples in results.items()}
    base = figures["direct"]
    print(f"{'way':<12}{'round trips':>12}{'p50 µs':>10}{'p99 µs':>10}{'+p50 µs':>10}{'+p99 µs':>10}")
    for name, (p50, p99) in figures.items():
        print(f"{name:<12}{len(results[name]):>12}{p50:>10.0f}{p99:>10.0f}{p50 - base[0]:>10.0f}{p99 - base[1]:>10.0f}")
    return figures


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where the tap lost a copy, because then it was not measured whole."""
    parser = argparse.ArgumentParser(prog="bench tap", description=__doc__)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--rate", type=int, default=1000, help="round trips per second, over all connections")
    parser.add_argument("--seconds", type=float, default=18, help="measured time, over all three ways")
    options = parser.parse_args(argv)
    context = multiprocessing.get_context("spawn")
    parts = []
    with tempfile.TemporaryDirectory() as directory:
        parts.append(_start(context, _serve_csms))
        upstream = parts[0][2]
        parts.append(_start(context, _serve_relay, upstream))
        parts.append(_start(context, _serve_tap, upstream, directory))
        ways = dict(zip(("direct", "bare relay", "tap"), (part[2] for part in parts), strict=True))
        results: dict[str, list[int]] = {name: [] for name in ways}
        print(f"{options.connections} connections, {options.rate} round trips/s, {_TURNS} turns, on uvloop")
        for _ in range(_TURNS):
            for name, port in ways.items():
                seconds = options.seconds / _TURNS / len(ways)
                results[name] += uvloop.run(_measure(port, options.connections, options.rate, seconds))
        counters: dict[str, Any] = {}
        for process, pipe, _ in parts:
            pipe.send(None)
            if process is not parts[0][0] and pipe.poll(30):
                counters = pipe.recv()
            process.join(30)
    figures = _table(results)
    (direct50, direct99), (bare50, bare99), (tap50, tap99) = figures.values()
    print(f"tap: {counters.get('bytes_handed_over')} bytes handed over, {counters.get('bytes_dropped')} dropped")
    print(
        f"overall tap adds p50 {tap50 - direct50:.0f} µs, p99 {tap99 - direct99:.0f} µs to a direct round trip;"
        f" p50 {tap50 - bare50:.0f} µs, p99 {tap99 - bare99:.0f} µs to a bare relay"
    )
    return 1 if counters.get("bytes_dropped") else 0
