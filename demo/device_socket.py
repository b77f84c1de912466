"""Two charging stations of one model on real sockets, one on 1.6 and one on 2.0.1, and a CSMS that asks both for all.

    python -m demo.device_socket --url ws://127.0.0.1:9310/ocpp --listen 127.0.0.1:9000 [--plant]

Everything is said through the `ocpp` package, which checks it against the schemas on either end.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from demo import ocpp16, ocpp201
from demo.device import BOOT, PLANTS, Row, base_report, boot201, configuration, planted, rows

__all__ = ["NEW", "OLD", "live", "main"]

OLD: Final = "CURB-OLD"
NEW: Final = "CURB-NEW"
_NOW: Final = "2026-05-04T12:00:00Z"
"""Stands in every message: the pair says the same however often it is run."""


class _Old(ocpp16.ChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """The old firmware."""

    async def live(self) -> None:
        """Boot and tell the statuses."""
        await self.call(ocpp16.request("BootNotification", BOOT))
        for connector in (0, 1, 2):
            status = {"connectorId": connector, "errorCode": "NoError", "status": "Available", "timestamp": _NOW}
            await self.call(ocpp16.request("StatusNotification", status))

    @ocpp16.handles("GetConfiguration")
    def on_get_configuration(self, **_: Any) -> Any:
        """GetConfiguration.req."""
        return ocpp16.response("GetConfiguration", configuration())


class _New(ocpp201.ChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """The new firmware."""

    def __init__(self, connection: Any, told: Sequence[Row]) -> None:
        super().__init__(NEW, connection)
        self.reported = asyncio.Event()
        self._told = list(told)

    async def live(self) -> None:
        """Boot and tell the statuses."""
        await self.call(ocpp201.request("BootNotification", boot201()))
        for evse in (1, 2):
            status = {"timestamp": _NOW, "connectorStatus": "Available", "evseId": evse, "connectorId": 1}
            await self.call(ocpp201.request("StatusNotification", status))

    @ocpp201.handles("GetBaseReport")
    def on_get_base_report(self, **_: Any) -> Any:
        """GetBaseReportRequest."""
        return ocpp201.response("GetBaseReport", {"status": "Accepted"})

    @ocpp201.follows("GetBaseReport")
    async def after_get_base_report(self, request_id: int, **_: Any) -> None:
        """The report goes out behind the answer (B07.FR.03)."""
        for part in base_report(self._told, request_id, _NOW):
            await self.call(ocpp201.request("NotifyReport", part))
        self.reported.set()


class _OldDesk(ocpp16.ChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """The CSMS's end of a connection on 1.6."""

    @ocpp16.handles("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        """BootNotification.req."""
        return ocpp16.response("BootNotification", {"currentTime": _NOW, "interval": 600, "status": "Accepted"})

    @ocpp16.handles("StatusNotification")
    def on_status(self, **_: Any) -> Any:
        """StatusNotification.req."""
        return ocpp16.response("StatusNotification", {})


class _NewDesk(ocpp201.ChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """The CSMS's end of a connection on 2.0.1."""

    @ocpp201.handles("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        """BootNotificationRequest."""
        return ocpp201.response("BootNotification", {"currentTime": _NOW, "interval": 600, "status": "Accepted"})

    @ocpp201.handles("StatusNotification")
    def on_status(self, **_: Any) -> Any:
        """StatusNotificationRequest."""
        return ocpp201.response("StatusNotification", {})

    @ocpp201.handles("NotifyReport")
    def on_report(self, **_: Any) -> Any:
        """NotifyReportRequest."""
        return ocpp201.response("NotifyReport", {})


async def live(url: str, host: str, port: int, told: Sequence[Row]) -> None:
    """Run the CSMS on `host:port` and both stations against `url` until both have told all that they have.

    Raises:
        OSError: the port is taken, or nobody listens at `url`.
        TimeoutError: somebody did not answer.

    """
    ocpp16.validate_in_place()
    desks: dict[str, Any] = {}

    async def attend(connection: ServerConnection) -> None:
        path = "" if connection.request is None else connection.request.path
        name = unquote(path.rpartition("/")[2])
        kind = _NewDesk if connection.subprotocol == ocpp201.SUBPROTOCOL else _OldDesk
        desks[name] = kind(name, connection)
        await _read(desks[name])

    protocols = [Subprotocol(ocpp16.SUBPROTOCOL), Subprotocol(ocpp201.SUBPROTOCOL)]
    async with asyncio.timeout(60), serve(attend, host, port, subprotocols=protocols):
        async with connect(f"{url}/{OLD}", subprotocols=protocols[:1], proxy=None) as socket:
            old = _Old(OLD, socket)
            await _beside(old, _ask_old(old, desks))
        async with connect(f"{url}/{NEW}", subprotocols=protocols[1:], proxy=None) as socket:
            new = _New(socket, told)
            await _beside(new, _ask_new(new, desks))


async def _ask_old(old: _Old, desks: dict[str, Any]) -> None:
    await old.live()
    await desks[OLD].call(ocpp16.request("GetConfiguration", {}))


async def _ask_new(new: _New, desks: dict[str, Any]) -> None:
    await new.live()
    await desks[NEW].call(ocpp201.request("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}))
    await new.reported.wait()


async def _read(point: Any) -> None:
    with suppress(ConnectionClosed):
        await point.start()


async def _beside(point: Any, work: Any) -> None:
    """Do the work while the connection is read."""
    reading = asyncio.create_task(_read(point))
    try:
        await work
    finally:
        reading.cancel()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit code 2 where it cannot listen or connect."""
    parser = argparse.ArgumentParser(prog="python -m demo.device_socket", description=__doc__)
    parser.add_argument("--url", required=True, help="where the stations connect: the tap, or the CSMS itself")
    parser.add_argument("--listen", default="127.0.0.1:9000", help="HOST:PORT of the CSMS")
    parser.add_argument("--plant", action="store_true", help="plant differences into the report of the new firmware")
    given = parser.parse_args(arguments)
    host, _, port = given.listen.rpartition(":")
    told = planted(PLANTS) if given.plant else rows()
    try:
        asyncio.run(live(given.url.rstrip("/"), host, int(port), told))
    except (OSError, TimeoutError) as error:
        sys.stderr.write(f"demo.device_socket: {error}\n")
        return 2
    keys = len(configuration()["configurationKey"])
    sys.stdout.write(f"{OLD} told {keys} keys, {NEW} reported {len(told)} variables\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
