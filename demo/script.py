"""Transcripts of one OCPP 1.6J charging station, written as one would tell them. Pure.

>>> script = Script("CP1").boot().status(1, "Preparing").authorize("04A1B2C3")
>>> script = script.start(1, "04A1B2C3", 1000, transaction=7).status(1, "Charging").wait(600).stop(7, 3500)
>>> [frame.seq for frame in script.frames][:3]
[0, 1, 2]

Each message takes a tenth of a second. Timestamps are the true time unless told otherwise.
"""

from __future__ import annotations

from typing import Any, Final, Self

import msgspec

from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake, Micros
from ingest.timestamps import format_micros, parse_stamp

__all__ = ["NOON", "Script"]

NOON: Final[Micros] = parse_stamp("2030-01-01T12:00:00Z").at or 0
"""When a script begins, unless told otherwise."""

_SECOND: Final[Micros] = 1_000_000
_LATENCY: Final[Micros] = 100_000


class Script:
    """What was said on a charging station's connections, in order. Every method gives the script itself back."""

    def __init__(
        self, charger_id: str = "CP1", *, at: Micros = NOON, connected: bool = True, connection: int = 0
    ) -> None:
        """Begin. `connection`: the number of the first connection, where others came before."""
        self.charger_id = charger_id
        self.at = at
        """The time of the latest frame."""
        self.frames: list[Frame] = []
        self.connectors: tuple[int, ...] | None = None
        """Connectors enrolled for judgement; None for all."""
        self._connection = connection
        self._seq = 0
        self._said = 0
        self._open: list[tuple[str, Direction]] = []
        if connected:
            self.open()

    # -- the connection ----------------------------------------------------------------------------------------

    def open(self, subprotocol: str | None = "ocpp1.6") -> Self:
        """The charging station connects, on a new connection where there was one before."""
        if self._seq:
            self._connection, self._seq = self._connection + 1, 0
        return self._add(FrameKind.OPENED, handshake=Handshake(path=f"/{self.charger_id}", subprotocol=subprotocol))

    def close(self, code: int | None = 1006) -> Self:
        """The connection ends; calls that are open stay unanswered."""
        self._open.clear()
        return self._add(FrameKind.CLOSED, close_code=code)

    def cut(self, bytes_missing: int = 1000) -> Self:
        """The copy is cut: nothing more is seen of this connection."""
        return self._add(FrameKind.GAP, gap=Gap(bytes_missing, self.at, "buffer-full"))

    def skip(self, count: int = 1) -> Self:
        """So many frames of the connection never come."""
        self._seq += count
        return self

    def ping(self, direction: Direction = Direction.CP_TO_CS) -> Self:
        """A WebSocket ping."""
        return self._add(FrameKind.PING, direction=direction)

    def pong(self, direction: Direction = Direction.CS_TO_CP) -> Self:
        """A WebSocket pong."""
        return self._add(FrameKind.PONG, direction=direction)

    # -- messages as they are ------------------------------------------------------------------------------------

    def call(self, action: str, payload: dict[str, Any], *, message_id: str | None = None) -> Self:
        """The charging station calls."""
        return self._call(Direction.CP_TO_CS, action, payload, message_id)

    def command(self, action: str, payload: dict[str, Any], *, message_id: str | None = None) -> Self:
        """The CSMS calls."""
        return self._call(Direction.CS_TO_CP, action, payload, message_id)

    def answer(self, payload: dict[str, Any], *, message_id: str | None = None) -> Self:
        """The latest open call is answered, or the one named."""
        answered, direction = self._answered(message_id)
        return self._say(direction, [3, answered, payload])

    def refuse(self, code: str, description: str = "", *, message_id: str | None = None) -> Self:
        """The latest open call is answered with a CALLERROR."""
        answered, direction = self._answered(message_id)
        return self._say(direction, [4, answered, code, description, {}])

    def text(self, text: str, direction: Direction = Direction.CP_TO_CS) -> Self:
        """A text as it stands, message or not."""
        self.at += _LATENCY
        return self._add(FrameKind.MESSAGE, direction=direction, text=text)

    # -- what charging stations and their CSMS say ---------------------------------------------------------------

    def boot(self, status: str = "Accepted", **more: Any) -> Self:
        """BootNotification and its answer."""
        self.call("BootNotification", {"chargePointVendor": "Alder", "chargePointModel": "Curb 11", **more})
        return self.answer({"status": status, "currentTime": self.now, "interval": 300})

    def status(self, connector: int, status: str, *, at: str | None = None, **more: Any) -> Self:
        """StatusNotification and its answer."""
        payload = {"connectorId": connector, "status": status, "errorCode": "NoError", "timestamp": at or self.now}
        return self.call("StatusNotification", {**payload, **more}).answer({})

    def authorize(self, tag: str, status: str = "Accepted") -> Self:
        """Authorize and its answer."""
        return self.call("Authorize", {"idTag": tag}).answer({"idTagInfo": {"status": status}})

    def start(
        self,
        connector: int,
        tag: str,
        meter: int,
        *,
        transaction: int,
        at: str | None = None,
        status: str = "Accepted",
        message_id: str | None = None,
        **more: Any,
    ) -> Self:
        """StartTransaction and the answer that gives it an id."""
        payload = {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at or self.now, **more}
        self.call("StartTransaction", payload, message_id=message_id)
        return self.answer({"transactionId": transaction, "idTagInfo": {"status": status}})

    def meter(
        self,
        connector: int,
        transaction: int | None,
        value: str | int,
        context: str | None = "Sample.Periodic",
        *,
        unit: str | None = "Wh",
        at: str | None = None,
        **more: Any,
    ) -> Self:
        """MeterValues with one reading of the import register, and its answer."""
        sample: dict[str, Any] = {"value": str(value), "measurand": "Energy.Active.Import.Register", **more}
        if context is not None:
            sample["context"] = context
        if unit is not None:
            sample["unit"] = unit
        return self.meter_values(connector, transaction, [{"timestamp": at or self.now, "sampledValue": [sample]}])

    def meter_values(self, connector: int, transaction: int | None, elements: list[dict[str, Any]]) -> Self:
        """MeterValues with any elements, and its answer."""
        payload: dict[str, Any] = {"connectorId": connector, "meterValue": elements}
        if transaction is not None:
            payload["transactionId"] = transaction
        return self.call("MeterValues", payload).answer({})

    def stop(
        self, transaction: int, meter: int, reason: str | None = None, *, at: str | None = None, **more: Any
    ) -> Self:
        """StopTransaction and its answer."""
        payload: dict[str, Any] = {"transactionId": transaction, "meterStop": meter, "timestamp": at or self.now}
        if reason is not None:
            payload["reason"] = reason
        return self.call("StopTransaction", {**payload, **more}).answer({})

    def remote(self, action: str, payload: dict[str, Any], status: str = "Accepted") -> Self:
        """A command of the CSMS and the charging station's answer."""
        return self.command(action, payload).answer({"status": status})

    # -- time ------------------------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> Self:
        """Let time pass."""
        self.at += round(seconds * _SECOND)
        return self

    def tick(self) -> Self:
        """The ticker says what time it is."""
        self.frames.append(Frame("", "tick", len(self.frames), self.at, FrameKind.TICK))
        return self

    @property
    def now(self) -> str:
        """The time as a charging station would write it."""
        return self.ago(0)

    def ago(self, seconds: float) -> str:
        """A time before now, as a charging station would write it; negative for one to come."""
        return format_micros((self.at - round(seconds * _SECOND)) // 1000 * 1000)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _call(self, direction: Direction, action: str, payload: dict[str, Any], message_id: str | None) -> Self:
        self._said += 1
        own_id = message_id or f"m{self._said}"
        self._open.append((own_id, direction))
        return self._say(direction, [2, own_id, action, payload])

    def _answered(self, message_id: str | None) -> tuple[str, Direction]:
        found = next((one for one in reversed(self._open) if message_id in (None, one[0])), None)
        if found is None:
            raise LookupError(f"no call {message_id or ''} is open to be answered")
        self._open.remove(found)
        return found[0], found[1].opposite

    def _say(self, direction: Direction, message: list[Any]) -> Self:
        return self.text(msgspec.json.encode(message, order=None).decode(), direction)

    def _add(self, kind: FrameKind, **rest: Any) -> Self:
        connection = f"{self.charger_id}@{self._connection}"
        frame = Frame(self.charger_id, connection, self._seq, self.at, kind, judged_connectors=self.connectors, **rest)
        self._seq += 1
        self.frames.append(frame)
        return self
