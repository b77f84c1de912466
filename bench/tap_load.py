"""The two ends of the tap's benchmark: charging stations that call and take the time, a CSMS that answers at once.

Both are as lean as can be, because they share the machine with what is measured.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from typing import Final, cast

__all__ = ["ANSWER_FRAME", "CALL_FRAME", "REQUEST", "RESPONSE", "Csms", "open_loop", "saturated"]

_CALL: Final = (
    b'[2,"9c1b6a52-7f0c-4a51-9d7e-2f6f5a0b7d11","MeterValues",{"connectorId":1,"transactionId":7,"meterValue":[{"timestamp"'
    b':"2026-01-01T00:00:00Z","sampledValue":[{"value":"1234567","measurand":"Energy.Active.Import.Register","unit":"Wh"}]}]}]'
)
_ANSWER: Final = b'[3,"9c1b6a52-7f0c-4a51-9d7e-2f6f5a0b7d11",{}]'
_AT_A_TIME: Final = 100
_MASK: Final = b"\x37\xfa\x21\x3d"
REQUEST: Final = (
    "GET /ocpp/BENCH-{} HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
RESPONSE: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


def _call_frame() -> bytes:
    masked = bytes(byte ^ _MASK[i % 4] for i, byte in enumerate(_CALL))
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(_CALL)) + _MASK + masked


CALL_FRAME: Final = _call_frame()
ANSWER_FRAME: Final = struct.pack("!BB", 0x81, len(_ANSWER)) + _ANSWER


class Csms(asyncio.Protocol):
    """Answers the upgrade, then every call."""

    def __init__(self) -> None:
        self._rest = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self._rest += data
        if not self._open:
            _, end, rest = self._rest.partition(b"\r\n\r\n")
            if not end:
                return
            self._open, self._rest = True, rest
            self._transport.write(RESPONSE)
        count, left = divmod(len(self._rest), len(CALL_FRAME))
        if count:
            self._rest = self._rest[len(self._rest) - left :] if left else b""
            self._transport.write(ANSWER_FRAME * count)


class Charger(asyncio.Protocol):
    """Sends a call, takes the time until its answer is there."""

    def __init__(self, number: int, samples: list[int]) -> None:
        self.opened = asyncio.get_running_loop().create_future()
        self._number = number
        self._samples = samples
        self._waiting = len(RESPONSE)
        self._sent_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(REQUEST.format(self._number).encode())

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
            self._waiting = len(ANSWER_FRAME)
            self._sent_at = time.perf_counter_ns()
            self.transport.write(CALL_FRAME)


class _Eager(Charger):
    """Calls again as soon as the answer is there."""

    answered = 0
    going = True

    def data_received(self, data: bytes) -> None:
        called = self._sent_at
        super().data_received(data)
        if called and not self._waiting:
            type(self).answered += 1
            if type(self).going:
                self.call()


async def open_loop(port: int, connections: int, rate: int, seconds: float, connected: Callable[[], None]) -> list[int]:
    """Calls at a rate, over all connections in turn; nanoseconds of each round trip. `connected` is told once."""
    samples: list[int] = []
    chargers = await _connect(Charger, port, connections, samples)
    connected()
    start = time.perf_counter()
    sent = 0
    while (now := time.perf_counter() - start) < seconds:
        while sent < now * rate:
            chargers[sent % connections].call()
            sent += 1
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    await _leave(chargers)
    return samples


async def saturated(port: int, connections: int, seconds: float) -> tuple[float, int]:
    """Round trips per second where every connection calls again at once, and all that were made to the end."""
    _Eager.answered, _Eager.going = 0, True
    chargers = await _connect(_Eager, port, connections, [])
    start = time.perf_counter()
    for charger in chargers:
        charger.call()
    await asyncio.sleep(seconds)
    rate = _Eager.answered / (time.perf_counter() - start)
    _Eager.going = False
    await _leave(chargers)
    return rate, _Eager.answered


async def _connect(kind: type[Charger], port: int, connections: int, samples: list[int]) -> list[Charger]:
    loop = asyncio.get_running_loop()
    chargers = [kind(number, samples) for number in range(connections)]
    for begin in range(0, connections, _AT_A_TIME):
        some = chargers[begin : begin + _AT_A_TIME]
        await asyncio.gather(*(loop.create_connection(lambda one=one: one, "127.0.0.1", port) for one in some))  # type: ignore[misc]  # a lambda's default
        await asyncio.gather(*(charger.opened for charger in some))
    return chargers


async def _leave(chargers: list[Charger]) -> None:
    await asyncio.sleep(0.1)  # for the last answers
    for charger in chargers:
        charger.transport.abort()
    await asyncio.sleep(0.3)
