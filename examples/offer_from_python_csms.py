"""A CSMS in Python (packages `ocpp` and `websockets`) that offers its traffic to the shadow from within.

    python examples/offer_from_python_csms.py DIRECTORY [PORT]
    shadow-csms replay DIRECTORY/journal/*.jsonl

The one thing to add to a CSMS is `Offered` around its connection: what is received and sent passes through unchanged.
`offer` never blocks and never raises; what does not fit into memory is dropped and shows as a gap.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ingest.tap import start_offering
from ingest.tap.offering import Offering


class Offered:
    """A connection whose messages are offered to the shadow."""

    def __init__(self, connection: ServerConnection, charger_id: str, offering: Offering) -> None:
        self._connection, self._charger_id, self._offering = connection, charger_id, offering

    async def recv(self) -> Any:
        """As the connection's own."""
        text = await self._connection.recv()
        self._offering.offer(self._charger_id, "cp>cs", text, connection=self._connection.id)
        return text

    async def send(self, text: str) -> None:
        """As the connection's own."""
        self._offering.offer(self._charger_id, "cs>cp", text, connection=self._connection.id)
        await self._connection.send(text)


class Station(ChargePoint):
    """What this CSMS does for a charging station."""

    @on("BootNotification")
    def on_boot(self, **_: Any) -> call_result.BootNotification:
        """Accept."""
        return call_result.BootNotification(datetime.now(UTC).isoformat(), 300, "Accepted")

    @on("Heartbeat")
    def on_heartbeat(self) -> call_result.Heartbeat:
        """Tell the time."""
        return call_result.Heartbeat(datetime.now(UTC).isoformat())


async def main(directory: Path, port: int, stop: asyncio.Event, started: asyncio.Future[int] | None = None) -> None:
    """Serve until told to stop; gives its port to `started`."""
    offering = start_offering(directory)

    async def station(connection: ServerConnection) -> None:
        charger_id = connection.request.path.rsplit("/", 1)[-1] if connection.request else ""
        offering.opened(charger_id, subprotocol=connection.subprotocol, connection=connection.id)
        try:
            await Station(charger_id, Offered(connection, charger_id, offering)).start()
        except ConnectionClosed:
            pass
        finally:
            offering.closed(charger_id, connection.close_code, connection=connection.id)

    async with serve(station, "127.0.0.1", port, subprotocols=["ocpp1.6"]) as server:  # type: ignore[list-item]
        if started is not None:
            started.set_result(next(iter(server.sockets)).getsockname()[1])
        await stop.wait()
    offering.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 9000, asyncio.Event()))
