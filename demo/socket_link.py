"""A charging station's link over a real WebSocket, with the `ocpp` package for all that is well-formed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from random import Random
from typing import Any, Final, TypeVar
from urllib.parse import quote
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from demo.link import CommandHandler, LinkLostError
from demo.ocpp16 import SUBPROTOCOL, ChargePoint, camel, handles, refusal, request, response, wire_payload
from demo.witness import Witness
from ingest.frame import Micros
from ingest.ocppj import CallError, CallResult, parse

__all__ = ["SocketLink"]

_Result = TypeVar("_Result")

_QUIET: Final = logging.getLogger("demo.charger.ocpp")
_QUIET.setLevel(logging.CRITICAL)
"""The `ocpp` package logs each CALLERROR and stray answer; here these are planted."""

_TIMEOUT_SECONDS: Final = 15
"""For the handshake and for an answer: generous, a busy test machine must not look like a silent primary."""


class SocketLink:
    """One charging station's way to a CSMS, or to the tap before it."""

    def __init__(
        self, url: str, charger_id: str, *, compression: bool, seed: int, witness: Witness | None = None
    ) -> None:
        self._url = f"{url.rstrip('/')}/{quote(charger_id, safe='')}"
        self._charger_id = charger_id
        self._compression = compression
        self._random = Random(seed + 1)
        self._witness = witness
        self._handler: CommandHandler | None = None
        self._socket: ClientConnection | None = None
        self._point: _Point | None = None
        self._reading: asyncio.Task[None] | None = None
        self._commanded = asyncio.Event()

    def attach(self, handler: CommandHandler) -> None:
        """Say who answers the calls of the CSMS."""
        self._handler = handler

    def now(self) -> Micros:
        """The system's clock."""
        return time.time_ns() // 1000

    def new_id(self) -> str:
        """A UUID drawn from the seed."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    async def sleep(self, duration: Micros) -> None:
        """Wait, but no longer than until the CSMS calls."""
        self._commanded.clear()
        try:
            async with asyncio.timeout(max(0, duration) / 1_000_000):
                await self._commanded.wait()
        except TimeoutError:
            pass

    async def connect(self) -> None:
        """Open a socket. Raises LinkLostError where that fails."""
        try:
            self._socket = await connect(
                self._url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression="deflate" if self._compression else None,
                open_timeout=_TIMEOUT_SECONDS,
                close_timeout=2,
                proxy=None,
                logger=_QUIET,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise LinkLostError(f"{self._charger_id} cannot connect to {self._url}: {error}") from error
        heard = self._socket if self._witness is None else self._witness.at(self._socket, self._charger_id)
        self._point = _Point(self._charger_id, heard, self)
        self._reading = asyncio.create_task(self._point.read())

    async def close(self) -> None:
        """Close the socket with code 1000, if one is open."""
        if self._socket is None or self._reading is None:
            return
        await self._socket.close()
        await self._reading
        self._socket = self._point = self._reading = None

    @property
    def connected(self) -> bool:
        """A socket is open, as far as this end knows."""
        return self._reading is not None and not self._reading.done()

    async def cut(self) -> None:
        """The connection ends without a word to the other end, as when power or network fail."""
        if self._socket is not None and self._reading is not None:
            self._socket.transport.abort()
            await self._reading

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """A CALL through the package, checked against the schemas both ways. Raises LinkLostError."""
        point = self._connected()
        try:
            answer = await self._unless_lost(point.call(request(action, payload), unique_id=self.new_id()))
        except TimeoutError:
            return None
        return None if answer is None else wire_payload(answer)

    async def call_raw(
        self, texts: tuple[str, ...], message_id: str, patience: Micros | None = None
    ) -> dict[str, Any] | None:
        """Texts that the package would not let pass. Raises LinkLostError."""
        seconds = _TIMEOUT_SECONDS if patience is None else patience / 1_000_000
        return await self._unless_lost(self._connected().call_raw(texts, message_id, seconds))

    async def send_raw(self, text: str) -> None:
        """A text without an answer. Raises LinkLostError."""
        await self._unless_lost(self._connected().send_raw(text))

    def obey(self, action: str, arguments: dict[str, Any]) -> Any:
        """Pass a call of the CSMS to the charging station, wake it, and give its response."""
        if self._handler is None:
            raise RuntimeError("a link needs its charging station: call attach first")
        try:
            answer = self._handler.on_command(action, camel(arguments))
        except KeyError:
            raise refusal("NotSupported") from None
        self._commanded.set()
        return response(action, answer)

    def _connected(self) -> _Point:
        if self._point is None:
            raise LinkLostError(f"{self._charger_id} is not connected")
        return self._point

    async def _unless_lost(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """The result of the work, or LinkLostError as soon as the connection ends before it."""
        if self._reading is None:
            raise LinkLostError(f"{self._charger_id} is not connected")
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task, self._reading}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        except ConnectionClosed as error:
            raise LinkLostError(f"{self._charger_id} lost its connection: {error}") from error
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        code = None if self._socket is None else self._socket.close_code
        raise LinkLostError(f"{self._charger_id} lost its connection: close code {code}")


class _Point(ChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """The charging station's end of one connection."""

    def __init__(self, charger_id: str, connection: Any, link: SocketLink) -> None:
        super().__init__(charger_id, connection, _TIMEOUT_SECONDS, _QUIET)
        self._link = link
        self._awaited: dict[str, asyncio.Future[dict[str, Any] | None]] = {}

    async def read(self) -> None:
        """Route what comes until the connection ends."""
        try:
            async for text in self._connection:
                await self.route_message(text)
        except ConnectionClosed:
            pass

    async def route_message(self, raw_msg: str) -> None:
        """Answers to raw calls are ours; everything else is the package's."""
        message = parse(raw_msg)
        if isinstance(message, CallResult | CallError) and (future := self._awaited.get(message.message_id)):
            if not future.done():
                future.set_result(message.payload if isinstance(message, CallResult) else None)
            return
        await super().route_message(raw_msg)

    async def call_raw(self, texts: tuple[str, ...], message_id: str, seconds: float) -> dict[str, Any] | None:
        """Send texts as they stand, await one answer to the message id; None where none comes."""
        future: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._awaited[message_id] = future
        for text in texts:
            await self._connection.send(text)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return None

    async def send_raw(self, text: str) -> None:
        """Send a text as it stands."""
        await self._connection.send(text)

    @handles("RemoteStartTransaction")
    def on_remote_start_transaction(self, **payload: Any) -> Any:
        """RemoteStartTransaction.req."""
        return self._link.obey("RemoteStartTransaction", payload)

    @handles("RemoteStopTransaction")
    def on_remote_stop_transaction(self, **payload: Any) -> Any:
        """RemoteStopTransaction.req."""
        return self._link.obey("RemoteStopTransaction", payload)

    @handles("Reset")
    def on_reset(self, **payload: Any) -> Any:
        """Reset.req."""
        return self._link.obey("Reset", payload)

    @handles("UnlockConnector")
    def on_unlock_connector(self, **payload: Any) -> Any:
        """UnlockConnector.req."""
        return self._link.obey("UnlockConnector", payload)

    @handles("ChangeAvailability")
    def on_change_availability(self, **payload: Any) -> Any:
        """ChangeAvailability.req."""
        return self._link.obey("ChangeAvailability", payload)

    @handles("TriggerMessage")
    def on_trigger_message(self, **payload: Any) -> Any:
        """TriggerMessage.req."""
        return self._link.obey("TriggerMessage", payload)
