"""One simulated OCPP 1.6J charging station: what it does, whatever the link and the clock.

It follows its plan: boot, then one session after the other, with the plan's fault woven in. How it says things
stands in `demo.voice`.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

from demo.faults import Flow, Moment
from demo.link import Link
from demo.plan import ChargerPlan, SessionPlan
from demo.voice import Driven, Voice, stamp
from ingest.frame import Micros

__all__ = ["Charger", "Driven"]

_SECOND: Final[Micros] = 1_000_000
_PATIENCE: Final[Micros] = 3 * _SECOND
"""How long a driver waits for the remote start before holding up the card."""

_END_MARGIN: Final[Micros] = 700_000
"""No periodic sample so shortly before the end: between two readings in whole Wh the power must stay credible."""

_OFFLINE_START: Final[Micros] = 3_000 * _SECOND
_OFFLINE_STEP: Final[Micros] = 600 * _SECOND
_OFFLINE_ENERGY_WH: Final = 900
"""An outage session: began 50 minutes ago, four steps of ten minutes, at 5.4 kW."""


class Charger(Voice):
    """A charging station on a link. `run` once."""

    def __init__(self, plan: ChargerPlan, link: Link) -> None:
        super().__init__(plan, link)
        self.sessions: list[Driven] = []
        """Every session that the primary accepted, in the order of their starts."""
        self._random = Random(plan.seed)
        self._inbox: list[tuple[str, dict[str, Any]]] = []
        self._busy = False
        self._inoperative: set[int] = set()
        link.attach(self)

    async def run(self) -> None:
        """Live through the plan. Raises LinkLostError where the connection fails."""
        await self._wait(self.plan.delay)
        await self._link.connect()
        await self._extras(Moment.BEFORE_BOOT)
        await self._boot()
        for session in self.plan.sessions:
            self._session = session
            self._said = {}
            await self._idle(session.gap)
            await self._extras(Moment.IDLE)
            await self._live(session)
            self._session = None
        await self._idle(self.plan.pace.handling)
        await self._link.close()

    # -- the life between sessions ------------------------------------------------------------------------------

    async def _boot(self) -> None:
        persona = self.plan.persona
        while True:
            answer = await self._say(
                "BootNotification",
                {
                    "chargePointVendor": persona.vendor,
                    "chargePointModel": persona.model,
                    "chargePointSerialNumber": persona.serial,
                    "firmwareVersion": persona.firmware,
                },
            )
            if answer is not None and answer.get("status") == "Accepted":
                break
            await self._wait(max(_SECOND, int((answer or {}).get("interval", 5)) * _SECOND))
        self._interval = int(answer["interval"]) * _SECOND
        self._heartbeat_at = self._link.now() + self._interval
        fault = self.plan.fault
        if fault is not None and not (fault.strikes or fault.extras) and fault.flow is Flow.NORMAL:
            self._plant("in BootNotification.conf", None)
        for connector_id in range(persona.connectors + 1):
            await self._status(connector_id, "Available")

    async def _reboot(self) -> None:
        await self._link.close()
        await self._wait(self.plan.pace.handling)
        await self._link.connect()
        await self._boot()

    async def _idle(self, duration: Micros) -> None:
        until = self._link.now() + duration
        while self._link.now() < until or self._inoperative:
            wake_at = until if self._heartbeat_at is None else min(until, self._heartbeat_at)
            await self._link.sleep(max(100_000, wake_at - self._link.now()))
            await self._obey()
            await self._heartbeat()
        self._busy = True

    async def _obey(self) -> None:
        """Do what the CSMS asked for and was promised."""
        while self._inbox:
            action, payload = self._inbox.pop(0)
            connector_id = payload.get("connectorId", 0)
            if action == "Reset":
                await self._reboot()
            elif action == "ChangeAvailability":
                down = payload["type"] == "Inoperative"
                (self._inoperative.add if down else self._inoperative.discard)(connector_id)
                await self._status(connector_id, "Unavailable" if down else "Available")
            elif payload.get("requestedMessage") == "Heartbeat":
                await self._say("Heartbeat", {})
            elif payload.get("requestedMessage") == "StatusNotification":
                await self._status(connector_id, "Available")

    def on_command(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer a call of the CSMS; what it entails is done between two steps of the session."""
        if action == "UnlockConnector":
            return {"status": "UnlockFailed" if self._busy else "Unlocked"}
        if action == "RemoteStartTransaction":
            accepted = self._session is not None and self._session.remote_start
        elif action == "RemoteStopTransaction":
            accepted = any(
                row.transaction_id == payload["transactionId"] and row.stopped_at is None for row in self.sessions
            )
        elif action == "TriggerMessage":
            if payload["requestedMessage"] not in {"Heartbeat", "StatusNotification"}:
                return {"status": "NotImplemented"}
            accepted = not self._busy
        elif action in {"Reset", "ChangeAvailability"}:
            # An Operative that comes while charging asks for what already is.
            already = payload["type"] == "Operative" and not self._inoperative
            if already:
                return {"status": "Accepted"}
            accepted = not self._busy
        else:
            raise KeyError(action)
        if accepted:
            self._inbox.append((action, payload))
        return {"status": "Accepted" if accepted else "Rejected"}

    # -- sessions -----------------------------------------------------------------------------------------------

    async def _live(self, session: SessionPlan) -> None:
        flow = self._flow(session)
        if flow is Flow.OFFLINE:
            await self._replay(session)
            return
        row = await self._begin(session, session.connector_id, session.id_tag)
        rows = [] if row is None else [row]
        if flow is Flow.TWO_CONNECTORS or session.companion_tag is not None:
            other = session.connector_id % self.plan.persona.connectors + 1
            second = await self._begin(session, other, session.companion_tag or self._tag())
            rows += [] if second is None else [second]
            if flow is Flow.TWO_CONNECTORS:
                self._plant(f"transaction id {rows[-1].transaction_id} on connectors {session.connector_id}, {other}")
        if flow is Flow.ZERO:
            self._plant("")
            await self._wait(400_000)
        else:
            await self._charge(session, rows)
        if flow is Flow.REBOOT:
            self._plant(f"transaction {rows[0].transaction_id} stays open")
            for meter in self._meters:
                meter.flow(self._link.now(), 0)
            await self._reboot()
        else:
            for open_row in reversed(rows):
                await self._end(session, open_row)
            for connector_id in dict.fromkeys(row.connector_id for row in reversed(rows)):
                await self._wait(self.plan.pace.handling)
                await self._status(connector_id, "Available")
        self._busy = False

    async def _begin(self, session: SessionPlan, connector_id: int, tag: str) -> Driven | None:
        await self._status(connector_id, "Preparing")
        await self._wait(self.plan.pace.handling)
        if not (session.remote_start and await self._remote_start()):
            await self._say("Authorize", {"idTag": tag})
        row = await self._start(session, connector_id, tag)
        if row is None:
            await self._status(connector_id, "Available")
            return None
        if self._flow(session) is not Flow.ZERO:
            self._meters[connector_id - 1].flow(self._link.now(), self._power(session))
        await self._status(connector_id, "Charging")
        return row

    async def _remote_start(self) -> bool:
        until = self._link.now() + max(_PATIENCE, 2 * self.plan.pace.handling)
        while self._link.now() < until:
            if self._take("RemoteStartTransaction"):
                return True
            await self._link.sleep(until - self._link.now())
        return self._take("RemoteStartTransaction")

    async def _start(
        self, session: SessionPlan, connector_id: int, tag: str, at: Micros | None = None
    ) -> Driven | None:
        """StartTransaction and its Transaction.Begin; None where the primary does not open a transaction."""
        now = self._link.now() if at is None else at
        start_wh = self._meters[connector_id - 1].register_wh(self._link.now())
        answer = await self._say(
            "StartTransaction",
            {"connectorId": connector_id, "idTag": tag, "meterStart": start_wh, "timestamp": stamp(now)},
        )
        if answer is None or "transactionId" not in answer:
            return None
        row = Driven(self.charger_id, session.number, connector_id, tag, int(answer["transactionId"]), start_wh, now)
        self.sessions.append(row)
        await self._registers(row, start_wh, now, "Transaction.Begin")
        return row

    async def _charge(self, session: SessionPlan, rows: list[Driven]) -> None:
        """Sample until the session is over, somebody stops it, or its fault has had its way."""
        pace = self.plan.pace
        # A struck session lasts until its faults have had their turn, however slow the machine.
        struck = self._struck_session() is not None
        at_least = 4 if self._flow(session) is Flow.OVERLAP else 2 if struck else 0
        until = self._link.now() + session.duration
        samples = 0
        while rows:
            next_at = self._link.now() + pace.sample
            if samples < at_least:
                until = max(until, next_at + _END_MARGIN)
            next_at = min(until, next_at)
            while self._link.now() < next_at and not self._stop_asked():
                await self._link.sleep(next_at - self._link.now())
            if self._stop_asked() or until - next_at < _END_MARGIN:
                await self._wait(max(0, until - self._link.now()) if not self._stop_asked() else 0)
                return
            samples += 1
            for row in list(rows):
                await self._sample(session, row)
            if session.pauses and samples == 1:
                await self._pause(session, rows[0])
            if samples == 2:
                await self._extras(Moment.CHARGING, rows[0])
                if self._flow(session) is Flow.OVERLAP:
                    await self._overlap(session, rows)
                if self._flow(session) is Flow.REBOOT:
                    return
            await self._heartbeat()

    async def _sample(self, session: SessionPlan, row: Driven) -> None:
        meter = self._meters[row.connector_id - 1]
        now = self._link.now()
        values = meter.sample(now, "Sample.Periodic")
        await self._meter_values(row, [{"timestamp": stamp(now), "sampledValue": values}])
        meter.flow(self._link.now(), self._power(session))

    async def _pause(self, session: SessionPlan, row: Driven) -> None:
        meter = self._meters[row.connector_id - 1]
        meter.flow(self._link.now(), 0)
        await self._status(row.connector_id, "SuspendedEV")
        await self._wait(self.plan.pace.handling)
        meter.flow(self._link.now(), self._power(session))
        await self._status(row.connector_id, "Charging")

    async def _overlap(self, session: SessionPlan, rows: list[Driven]) -> None:
        second = await self._start(session, rows[0].connector_id, self._tag())
        if second is not None:
            rows.append(second)
            self._plant(f"transactions {rows[0].transaction_id} and {second.transaction_id} on one connector")

    async def _end(self, session: SessionPlan, row: Driven) -> None:
        persona = self.plan.persona
        meter = self._meters[row.connector_id - 1]
        remote = self._take("RemoteStopTransaction")
        now = self._link.now()
        meter.flow(now, 0)
        stop_wh = meter.register_wh(now)
        if persona.end_values:
            await self._registers(row, stop_wh, now, "Transaction.End")
        payload: dict[str, Any] = {
            "transactionId": row.transaction_id,
            "meterStop": stop_wh,
            "timestamp": stamp(now),
            "reason": "Remote" if remote else "EVDisconnected" if session.ev_disconnects else "Local",
        }
        if payload["reason"] == "Local":
            payload["idTag"] = row.id_tag
        if persona.transaction_data:
            payload["transactionData"] = [
                {
                    "timestamp": stamp(row.started_at),
                    "sampledValue": [meter.energy(row.meter_start_wh, "Transaction.Begin")],
                },
                {"timestamp": stamp(now), "sampledValue": [meter.energy(stop_wh, "Transaction.End")]},
            ]
        row.meter_stop_wh, row.stopped_at = stop_wh, now
        await self._say("StopTransaction", payload)
        await self._extras(Moment.AFTER_STOP, row)
        await self._status(row.connector_id, "Finishing")

    async def _replay(self, session: SessionPlan) -> None:
        """A session of an earlier outage: its queue is delivered in order after a reconnect (1.6 §3.7)."""
        connector_id = session.connector_id
        meter = self._meters[connector_id - 1]
        await self._link.close()
        await self._wait(self.plan.pace.handling)
        await self._link.connect()
        started_at = self._link.now() - _OFFLINE_START
        row = await self._start(session, connector_id, session.id_tag, started_at)
        if row is None:
            self._busy = False
            return
        self._plant(f"transaction {row.transaction_id}, 50 minutes old")
        start_wh = row.meter_start_wh
        for step in range(1, 4):
            at = started_at + step * _OFFLINE_STEP
            await self._registers(row, start_wh + step * _OFFLINE_ENERGY_WH, at, "Sample.Periodic")
        meter.jump(4 * _OFFLINE_ENERGY_WH)
        row.meter_stop_wh = start_wh + 4 * _OFFLINE_ENERGY_WH
        row.stopped_at = started_at + 4 * _OFFLINE_STEP
        await self._registers(row, row.meter_stop_wh, row.stopped_at, "Transaction.End")
        await self._say(
            "StopTransaction",
            {
                "transactionId": row.transaction_id,
                "meterStop": row.meter_stop_wh,
                "timestamp": stamp(row.stopped_at),
                "idTag": row.id_tag,
                "reason": "Local",
            },
        )
        self._busy = False

    # -- small things -------------------------------------------------------------------------------------------

    def _power(self, session: SessionPlan) -> int:
        percent = session.power_percent - self._random.randrange(5)
        return self.plan.persona.power_w * percent // 100

    def _tag(self) -> str:
        return f"{self._random.getrandbits(56):014X}"

    def _take(self, action: str) -> bool:
        found = next((entry for entry in self._inbox if entry[0] == action), None)
        if found is not None:
            self._inbox.remove(found)
        return found is not None

    def _stop_asked(self) -> bool:
        return any(action == "RemoteStopTransaction" for action, _ in self._inbox)
