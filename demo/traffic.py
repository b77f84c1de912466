"""OCPP 1.6J traffic without sockets: the same charging stations and the same primary in virtual time.

For tests and benchmarks that want realistic frames fast and the same ones each time. Pure: the seed and the
arguments decide every byte.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Iterator
from heapq import heapify, heappop, heapreplace
from random import Random
from types import coroutine
from typing import Any, Final
from uuid import UUID

import msgspec

from demo.books import Books, Command, Reply
from demo.charger import Charger, Driven
from demo.faults import FAULTS, Fault, Planted
from demo.link import CommandHandler
from demo.plan import ChargerPlan, Pace, behaviours, plan_fleet
from ingest.frame import Direction, Frame, FrameKind, Handshake, Micros
from ingest.ocppj import Call, parse

__all__ = ["REAL_PACE", "START", "Traffic", "frames"]

_SECOND: Final[Micros] = 1_000_000
_MINUTE: Final[Micros] = 60 * _SECOND

START: Final[Micros] = 1_780_300_800 * _SECOND
"""The virtual clock begins here: 2026-06-01T08:00:00Z."""

REAL_PACE: Final = Pace(
    session=(10 * _MINUTE, 90 * _MINUTE),
    sample=5 * _MINUTE,
    gap=(2 * _MINUTE, 60 * _MINUTE),
    handling=20 * _SECOND,
    stagger=10 * _MINUTE,
)
"""Sessions as long as real ones, sampled every five minutes."""

_TIMEOUT: Final[Micros] = 30 * _SECOND
"""How long a charging station waits for an answer."""


class Traffic:
    """A fleet's traffic. Iterating gives the frames in the order of their times; once."""

    def __init__(
        self,
        *,
        seed: int,
        chargers: int,
        sessions_per_charger: int,
        fault_share: float = 0.35,
        faults: tuple[Fault, ...] = FAULTS,
        pace: Pace = REAL_PACE,
        start: Micros = START,
        prefix: str = "DEMO",
        heartbeat_seconds: int = 300,
    ) -> None:
        self.plans = plan_fleet(
            seed=seed,
            chargers=chargers,
            fault_share=fault_share,
            pace=pace,
            sessions=sessions_per_charger,
            faults=faults,
            prefix=prefix,
        )
        self.books = Books(behaviours(self.plans, heartbeat_seconds))
        """The primary, with what it billed."""
        self._links = [_VirtualLink(plan, self.books, start) for plan in self.plans]
        self._chargers = [Charger(plan, link) for plan, link in zip(self.plans, self._links, strict=True)]

    @property
    def planted(self) -> list[Planted]:
        """Ground truth so far; complete when the frames have been drawn."""
        return [planted for charger in self._chargers for planted in charger.planted]

    @property
    def sessions(self) -> list[Driven]:
        """The sessions so far, as the charging stations know them."""
        return [session for charger in self._chargers for session in charger.sessions]

    def __iter__(self) -> Iterator[Frame]:
        runs: list[Coroutine[Any, None, None]] = [charger.run() for charger in self._chargers]
        queue = [(link.clock, index) for index, link in enumerate(self._links)]
        heapify(queue)
        while queue:
            _, index = queue[0]
            link = self._links[index]
            try:
                runs[index].send(None)
            except StopIteration:
                heappop(queue)
            else:
                heapreplace(queue, (link.clock, index))
            # What a step sends bears the time at which the step began, so the heap's order is that of the frames.
            yield from link.outbox
            link.outbox.clear()


def frames(seed: int, chargers: int, sessions_per_charger: int, faults: bool = True) -> Iterator[Frame]:  # noqa: FBT001, FBT002 - reads well at the call
    """Frames of a seeded fleet, in the order of their times. `Traffic` gives the ground truth beside them."""
    share = 0.35 if faults else 0.0
    return iter(Traffic(seed=seed, chargers=chargers, sessions_per_charger=sessions_per_charger, fault_share=share))


@coroutine
def _pass() -> Generator[None, None, None]:
    """Give way to the charging stations whose clocks are behind."""
    yield


class _VirtualLink:
    """A connection in virtual time: each passing of time is a step of the scheduler, each message a frame."""

    def __init__(self, plan: ChargerPlan, books: Books, start: Micros) -> None:
        self.clock = start
        self.outbox: list[Frame] = []
        self._charger_id = plan.persona.charger_id
        self._compression = plan.persona.compression
        self._books = books
        self._random = Random(plan.seed + 1)
        self._handler: CommandHandler | None = None
        self._connections = 0
        self._seq = 0
        self._open = False
        self._commands: list[tuple[Micros, int, Command]] = []
        self._numbered = 0

    def attach(self, handler: CommandHandler) -> None:
        self._handler = handler

    def now(self) -> Micros:
        return self.clock

    def new_id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    async def sleep(self, duration: Micros) -> None:
        until = self.clock + max(0, duration)
        if self._open and self._commands and self._commands[0][0] <= until:
            due, _, command = self._commands.pop(0)
            await self._advance(max(0, due - self.clock))
            await self._deliver(command)
            return
        await self._advance(until - self.clock)

    async def connect(self) -> None:
        await self._advance(self._latency())
        self._connections += 1
        self._seq = 0
        self._open = True
        self._emit(
            FrameKind.OPENED,
            handshake=Handshake(
                path=f"/ocpp/{self._charger_id}",
                subprotocol="ocpp1.6",
                offered=("ocpp1.6",),
                status=101,
                compression=self._compression,
            ),
        )

    async def close(self) -> None:
        if self._open:
            await self._advance(self._latency())
            self._emit(FrameKind.CLOSED, close_code=1000)
            self._open = False
            self._commands.clear()

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        message_id = self.new_id()
        return await self.call_raw((_text([2, message_id, action, payload]),), message_id)

    async def call_raw(
        self, texts: tuple[str, ...], message_id: str, patience: Micros | None = None
    ) -> dict[str, Any] | None:
        await self._advance(self._latency())
        calls: list[Call] = []
        for text in texts:
            self._emit(FrameKind.MESSAGE, Direction.CP_TO_CS, text)
            message = parse(text)
            if isinstance(message, Call):
                calls.append(message)
        first: dict[str, Any] | None = None
        for call in calls:
            # Decimal is what `parse` makes of fractions; the raw text went out, the primary reads the same value.
            reply = self._books.answer(self._charger_id, call.action, call.payload, self.clock)
            answer = await self._answer(call, reply, patience or _TIMEOUT)
            if first is None and call.message_id == message_id:
                first = answer
        return first

    async def send_raw(self, text: str) -> None:
        await self._advance(self._latency())
        self._emit(FrameKind.MESSAGE, Direction.CP_TO_CS, text)

    async def _answer(self, call: Call, reply: Reply, patience: Micros) -> dict[str, Any] | None:
        if reply.payload is None and reply.error is None:
            await self._advance(patience)
            return None
        await self._advance(self._latency() + reply.delay_us)
        if reply.error is not None:
            self._emit(FrameKind.MESSAGE, Direction.CS_TO_CP, _text([4, call.message_id, reply.error, "", {}]))
            return None
        self._emit(FrameKind.MESSAGE, Direction.CS_TO_CP, _text([3, call.message_id, reply.payload]))
        for command in reply.commands:
            self._numbered += 1
            self._commands.append((self.clock + command.delay_us, self._numbered, command))
        self._commands.sort(key=lambda entry: entry[:2])
        return reply.payload

    async def _deliver(self, command: Command) -> None:
        message_id = self.new_id()
        self._emit(FrameKind.MESSAGE, Direction.CS_TO_CP, _text([2, message_id, command.action, command.payload]))
        await self._advance(self._latency())
        if self._handler is None:
            raise RuntimeError("a virtual link needs its charging station: call attach first")
        answer = self._handler.on_command(command.action, command.payload)
        self._emit(FrameKind.MESSAGE, Direction.CP_TO_CS, _text([3, message_id, answer]))

    async def _advance(self, duration: Micros) -> None:
        self.clock += duration
        await _pass()

    def _latency(self) -> Micros:
        return self._random.randrange(8_000, 60_000)

    def _emit(
        self,
        kind: FrameKind,
        direction: Direction | None = None,
        text: str = "",
        handshake: Handshake | None = None,
        close_code: int | None = None,
    ) -> None:
        connection_id = f"{self._charger_id}@{self._connections - 1}"
        self.outbox.append(
            Frame(
                self._charger_id,
                connection_id,
                self._seq,
                self.clock,
                kind,
                direction,
                text,
                handshake=handshake,
                close_code=close_code,
            )
        )
        self._seq += 1


def _text(message: list[Any]) -> str:
    return msgspec.json.encode(message).decode()
