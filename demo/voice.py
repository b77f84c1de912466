"""What a simulated charging station says, and what its fault makes of it.

Every message leaves through `_say`, where the fault table may strike it; what was planted is written down here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from demo.edits import edited, filled
from demo.faults import Extra, Flow, Moment, Planted, Strike
from demo.link import Link
from demo.meter import Meter
from demo.plan import ChargerPlan, SessionPlan
from ingest.frame import Micros
from ingest.timestamps import format_micros

__all__ = ["Driven", "Voice", "stamp"]


class Driven(msgspec.Struct):
    """A session as the charging station knows it."""

    charger_id: str
    number: int
    connector_id: int
    id_tag: str
    transaction_id: int
    meter_start_wh: int
    started_at: Micros
    meter_stop_wh: int | None = None
    """None while it runs, and for good where it never stops."""
    stopped_at: Micros | None = None

    @property
    def energy_wh(self) -> int | None:
        """By its own meter, whatever it told the primary."""
        return None if self.meter_stop_wh is None else self.meter_stop_wh - self.meter_start_wh


class Voice:
    """The messages of one charging station on a link."""

    def __init__(self, plan: ChargerPlan, link: Link) -> None:
        self.plan = plan
        self.planted: list[Planted] = []
        self._link = link
        self._meters = [Meter(plan.persona, wh) for wh in plan.persona.odometer_wh]
        self._session: SessionPlan | None = None
        """The one that is going on, from the idle time before it."""
        self._said: dict[str, int] = {}
        """Messages by action in this session."""
        self._heartbeat_at: Micros | None = None
        self._interval: Micros = 0

    @property
    def charger_id(self) -> str:
        """The last segment of its path."""
        return self.plan.persona.charger_id

    async def _registers(self, row: Driven, register_wh: int, at: Micros, context: str) -> None:
        value = self._meters[row.connector_id - 1].energy(register_wh, context)
        await self._meter_values(row, [{"timestamp": stamp(at), "sampledValue": [value]}])

    async def _meter_values(self, row: Driven, values: list[dict[str, Any]]) -> None:
        await self._say(
            "MeterValues",
            {"connectorId": row.connector_id, "transactionId": row.transaction_id, "meterValue": values},
        )

    async def _status(self, connector_id: int, status: str) -> None:
        await self._say(
            "StatusNotification",
            {
                "connectorId": connector_id,
                "errorCode": "NoError",
                "status": status,
                "timestamp": stamp(self._link.now()),
            },
        )

    async def _heartbeat(self) -> None:
        if self._heartbeat_at is not None and self._link.now() >= self._heartbeat_at:
            await self._say("Heartbeat", {})
            self._heartbeat_at = self._link.now() + self._interval

    async def _say(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """The one way out: where the fault table strikes, the text goes raw; all else goes as the standard has it."""
        self._said[action] = self._said.get(action, 0) + 1
        strikes = self._strikes(action, self._said[action])
        struck = edited(payload, tuple(edit for strike in strikes for edit in strike.edits))
        repeats = 2 if any(strike.repeat for strike in strikes) else 1
        if struck == payload and repeats == 1:
            answer = await self._link.call(action, payload)
        else:
            message_id = self._link.new_id()
            answer = await self._link.call_raw((_call_text(message_id, action, struck),) * repeats, message_id)
            self._plant(f"in {action}")
        for strike in strikes:
            if strike.again_after_ms is not None:
                await self._wait(strike.again_after_ms * 1000)
                again = await self._link.call(action, struck)
                self._plant(f"{action} again, answered {again}")
                answer = again or answer
        return answer

    def _strikes(self, action: str, count: int) -> list[Strike]:
        fault = self.plan.fault
        if fault is None or not (fault.lasting or self._struck_session() is not None):
            return []
        return [s for s in fault.strikes if s.action in {"*", action} and s.nth in {0, count}]

    async def _extras(self, moment: Moment, row: Driven | None = None) -> None:
        fault = self.plan.fault
        if fault is None or (moment is not Moment.BEFORE_BOOT and self._struck_session() is None):
            return
        for extra in fault.extras:
            if extra.moment is moment:
                await self._extra(extra, row)
                self._plant(f"{extra.action or extra.text} {moment}")

    async def _extra(self, extra: Extra, row: Driven | None) -> None:
        if extra.text:
            await self._link.send_raw(extra.text)
            return
        payload = filled(extra.payload, self._knowledge(row))
        message_id = self._link.new_id()
        text = _call_text(message_id, extra.action, payload)
        if extra.cut:
            await self._link.send_raw(text[: -extra.cut])
        else:
            await self._link.call_raw((text,), message_id, extra.patience_ms * 1000)

    def _knowledge(self, row: Driven | None) -> dict[str, Any]:
        """What `$name` stands for in the fault table."""
        now = self._link.now()
        connector_id = 1 if self._session is None else self._session.connector_id
        meter = self._meters[connector_id - 1]
        register_wh = meter.register_wh(now)
        reading = meter.energy(register_wh, "")
        return {
            "now": stamp(now),
            "connector": connector_id,
            "register": register_wh,
            "reading": reading["value"],
            "unit": reading["unit"],
            "transaction": None if row is None else row.transaction_id,
        }

    def _struck_session(self) -> SessionPlan | None:
        session = self._session
        return session if session is not None and session.number == self.plan.fault_session else None

    def _flow(self, session: SessionPlan) -> Flow:
        fault = self.plan.fault
        return fault.flow if fault is not None and session.number == self.plan.fault_session else Flow.NORMAL

    def _plant(self, detail: str, session_number: int | None = 0) -> None:
        """Write down, once, that the fault was planted."""
        fault = self.plan.fault
        if fault is None or self.planted:
            return
        struck = self._struck_session()
        number = None if session_number is None or fault.lasting or struck is None else struck.number
        said = f"{fault.detail} ({detail})" if detail else fault.detail
        self.planted.append(
            Planted(self.charger_id, number, fault.name, fault.codes, fault.also, self._link.now(), said)
        )

    async def _wait(self, duration: Micros) -> None:
        """Wait to the end, whatever the CSMS asks meanwhile."""
        until = self._link.now() + duration
        while (left := until - self._link.now()) > 0:
            await self._link.sleep(left)


def stamp(at: Micros) -> str:
    """RFC 3339 in UTC with milliseconds, as charging stations write it."""
    return format_micros(at - at % 1000)


def _call_text(message_id: str, action: str, payload: dict[str, Any]) -> str:
    return msgspec.json.encode([2, message_id, action, payload]).decode()
