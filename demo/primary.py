"""A small primary CSMS for OCPP 1.6J on the `ocpp` package and real sockets. What it answers stands in `demo.books`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from demo.books import Behaviour, Billed, Books, Command
from demo.ocpp16 import SUBPROTOCOL, ChargePoint, camel, handles, refusal, request, response, wire_payload
from demo.witness import Witness
from ingest.frame import Micros

__all__ = ["Primary", "PrimaryConfig"]

_QUIET: Final = logging.getLogger("demo.primary.ocpp")
_QUIET.setLevel(logging.CRITICAL)
"""The `ocpp` package logs a traceback for each text that it cannot read; here these are planted."""

_ANSWER_TIMEOUT: Final = 15
"""Seconds that a command waits for the charging station's answer."""


class PrimaryConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the primary listens and how it treats each charging station."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one; `Primary.port` tells which."""
    behaviours: dict[str, Behaviour] = {}


class Primary:
    """The server, as an asynchronous context manager. Raises OSError where the port is taken."""

    def __init__(self, config: PrimaryConfig | None = None, witness: Witness | None = None) -> None:
        self.config = config or PrimaryConfig()
        self.books = Books(self.config.behaviours)
        self._server: Server | None = None
        self._witness = witness
        self._desks: dict[str, _Desk] = {}

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("the primary does not run: use `async with`")
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """What a charging station is configured with; its id follows as one more path segment."""
        return f"ws://{self.config.host}:{self.port}/ocpp"

    @property
    def ledger(self) -> list[Billed]:
        """Every transaction that it opened: what it bills."""
        return self.books.ledger

    async def command(self, charger_id: str, action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Send a call to a connected charging station and give its CALLRESULT, None after a CALLERROR.

        Raises KeyError where the charging station is not connected, TimeoutError where it does not answer.
        """
        return await self._desks[charger_id].command(Command(action, payload, 0))

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            self.config.host,
            self.config.port,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            logger=_QUIET,
            close_timeout=2,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, connection: ServerConnection) -> None:
        path = "" if connection.request is None else connection.request.path
        charger_id = unquote(path.partition("?")[0].rstrip("/").rpartition("/")[2])
        heard = connection if self._witness is None else self._witness.at(connection, charger_id)
        desk = _Desk(charger_id, heard, self.books)
        self._desks[charger_id] = desk
        try:
            await desk.serve()
        finally:
            # A charging station that came back before its old connection ended has a new desk.
            if self._desks.get(charger_id) is desk:
                del self._desks[charger_id]


class _Desk(ChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """The primary's end of one connection."""

    def __init__(self, charger_id: str, connection: Any, books: Books) -> None:
        super().__init__(charger_id, connection, _ANSWER_TIMEOUT, _QUIET)
        self._books = books
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(self) -> None:
        """Answer until the connection ends. Each text has a task: a slow or silent answer holds up no other."""
        try:
            async for text in self._connection:
                self._spawn(self.route_message(text))
        except ConnectionClosed:
            pass
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def command(self, command: Command) -> dict[str, Any] | None:
        """Send one call and give its CALLRESULT."""
        await asyncio.sleep(command.delay_us / 1_000_000)
        answer = await self.call(request(command.action, command.payload))
        return None if answer is None else wire_payload(answer)

    async def _answer(self, action: str, arguments: dict[str, Any]) -> Any:
        reply = self._books.answer(self.id, action, camel(arguments), _now())
        await asyncio.sleep(reply.delay_us / 1_000_000)
        if reply.error is not None:
            raise refusal(reply.error)
        for command in reply.commands:
            self._spawn(self._obediently(command))
        if reply.payload is None:
            # Never answered: the task ends with the connection.
            await asyncio.Event().wait()
        return response(action, reply.payload or {})

    async def _obediently(self, command: Command) -> None:
        with suppress(ConnectionClosed, TimeoutError):
            await self.command(command)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, ConnectionClosed):
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"the primary's desk of {self.id} failed", "exception": error, "task": task}
            )

    # Validation is skipped: a real primary answers charging stations that break the schema, and so must this one.

    @handles("BootNotification", validated=False)
    async def on_boot_notification(self, **payload: Any) -> Any:
        """BootNotification.req."""
        return await self._answer("BootNotification", payload)

    @handles("Heartbeat", validated=False)
    async def on_heartbeat(self, **payload: Any) -> Any:
        """Heartbeat.req."""
        return await self._answer("Heartbeat", payload)

    @handles("Authorize", validated=False)
    async def on_authorize(self, **payload: Any) -> Any:
        """Authorize.req."""
        return await self._answer("Authorize", payload)

    @handles("StatusNotification", validated=False)
    async def on_status_notification(self, **payload: Any) -> Any:
        """StatusNotification.req."""
        return await self._answer("StatusNotification", payload)

    @handles("StartTransaction", validated=False)
    async def on_start_transaction(self, **payload: Any) -> Any:
        """StartTransaction.req."""
        return await self._answer("StartTransaction", payload)

    @handles("StopTransaction", validated=False)
    async def on_stop_transaction(self, **payload: Any) -> Any:
        """StopTransaction.req."""
        return await self._answer("StopTransaction", payload)

    @handles("MeterValues", validated=False)
    async def on_meter_values(self, **payload: Any) -> Any:
        """MeterValues.req."""
        return await self._answer("MeterValues", payload)

    @handles("DataTransfer", validated=False)
    async def on_data_transfer(self, **payload: Any) -> Any:
        """DataTransfer.req."""
        return await self._answer("DataTransfer", payload)


def _now() -> Micros:
    return time.time_ns() // 1000
