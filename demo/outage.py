"""Charging stations that lose their connection, go on charging, and deliver what they queued once it is back.

OCPP 1.6 §3.7: transaction-related messages are queued and delivered in the order of their making; one counts as
delivered when its answer has come, so that what was on its way when the connection ended goes out again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import msgspec

from demo.link import LinkLostError
from demo.ocpp16 import validate_in_place
from demo.socket_link import SocketLink
from demo.voice import stamp
from demo.witness import Witness
from ingest.frame import Micros

__all__ = ["Outage", "Outpost", "OutpostPlan"]

_RETRY: Final[Micros] = 150_000
_STEP: Final[Micros] = 50_000
_WH_A_SAMPLE: Final = 25
_PATIENCE: Final[Micros] = 60_000_000
"""How long a charging station tries to deliver its queue at the end."""


class OutpostPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one charging station does."""

    charger_id: str
    seed: int
    clock_off: Micros = 0
    """What its own clock shows beside the true time; it is never set right."""
    sessions: int = 3
    samples: int = 6
    """Of each session."""
    sample: Micros = 400_000
    """Between two of them."""
    gap: Micros = 300_000


class _Transaction(msgspec.Struct):
    meter_start_wh: int
    id: int | None = None
    """As the primary gave it; None until the StartTransaction is answered."""


class _Queued(msgspec.Struct, frozen=True):
    action: str
    payload: dict[str, Any]
    transaction: _Transaction


class Outage:
    """The network of many charging stations, which can be taken away and given back."""

    def __init__(self) -> None:
        self._there = asyncio.Event()
        self._there.set()
        self.members: list[Outpost] = []

    @property
    def dark(self) -> bool:
        """Nobody can connect."""
        return not self._there.is_set()

    async def begin(self) -> None:
        """Every connection ends without a word, and none can be made."""
        self._there.clear()
        await asyncio.gather(*(member.link.cut() for member in self.members))

    def end(self) -> None:
        """Connections can be made again."""
        self._there.set()


class Outpost:
    """One charging station. `run` once; an outage does not end it."""

    def __init__(self, plan: OutpostPlan, url: str, network: Outage, witness: Witness | None = None) -> None:
        self.plan = plan
        self.link = SocketLink(url, plan.charger_id, compression=plan.seed % 2 == 0, seed=plan.seed, witness=witness)
        self.link.attach(self)
        self.connections = self.queued_offline = self.repeated = 0
        """Connections made, messages that were made while there was none, and messages that went out again."""
        self.transactions: list[_Transaction] = []
        self.undelivered = 0
        """Messages that the charging station gave up at the end."""
        self._network = network
        network.members.append(self)
        self._queue: deque[_Queued] = deque()
        self._sent: _Queued | None = None
        self._register_wh = 10_000 * (plan.seed % 100 + 1)

    def on_command(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - the interface of a link
        """It supports no calls of the CSMS."""
        raise KeyError(action)

    async def run(self) -> None:
        """Live all sessions, then deliver what is left and disconnect."""
        validate_in_place()
        await self._pass(_STEP * (self.plan.seed % 20))
        for number in range(1, self.plan.sessions + 1):
            await self._session(number)
            await self._pass(self.plan.gap)
        until = self.link.now() + _PATIENCE
        while self._queue and self.link.now() < until:
            await self._pass(_RETRY)
        self.undelivered = len(self._queue)
        await self.link.close()

    async def _session(self, number: int) -> None:
        transaction = _Transaction(self._register_wh)
        self.transactions.append(transaction)
        tag = f"{self.plan.seed * 1000 + number:014X}"
        self._add(
            "StartTransaction",
            {"connectorId": 1, "idTag": tag, "meterStart": self._register_wh, "timestamp": self._clock()},
            transaction,
        )
        for _ in range(self.plan.samples):
            await self._pass(self.plan.sample)
            self._register_wh += _WH_A_SAMPLE
            value = {
                "value": str(self._register_wh),
                "context": "Sample.Periodic",
                "measurand": "Energy.Active.Import.Register",
                "unit": "Wh",
            }
            samples = [{"timestamp": self._clock(), "sampledValue": [value]}]
            self._add("MeterValues", {"connectorId": 1, "meterValue": samples}, transaction)
        await self._pass(self.plan.sample)
        self._add(
            "StopTransaction",
            {"idTag": tag, "meterStop": self._register_wh, "timestamp": self._clock(), "reason": "Local"},
            transaction,
        )

    def _add(self, action: str, payload: dict[str, Any], transaction: _Transaction) -> None:
        self.queued_offline += not self.link.connected
        self._queue.append(_Queued(action, payload, transaction))

    async def _pass(self, duration: Micros) -> None:
        """Let time pass, and use the connection meanwhile where there is one."""
        until = self.link.now() + duration
        while True:
            try:
                if not self.link.connected and not self._network.dark:
                    await self._connect()
                if self.link.connected:
                    await self._deliver()
            except LinkLostError:
                await self.link.sleep(_RETRY)
            if self.link.now() >= until:
                return
            await self.link.sleep(min(_STEP, until - self.link.now()))

    async def _connect(self) -> None:
        await self.link.close()
        await self.link.connect()
        self.connections += 1
        if self.connections == 1:
            boot = {"chargePointVendor": "Dogwood", "chargePointModel": "Outpost 11", "firmwareVersion": "3.0.0"}
            await self.link.call("BootNotification", boot)
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging" if self._queue else "Available"}
        await self.link.call("StatusNotification", status)

    async def _deliver(self) -> None:
        """The queue in order, as far as the connection lasts. Raises LinkLostError."""
        while self._queue:
            first = self._queue[0]
            self.repeated += self._sent is first
            self._sent = first
            answer = await self.link.call(first.action, self._payload(first))
            if first.action == "StartTransaction":
                if answer is None:
                    return  # asked again: without it nothing that follows has a transaction
                first.transaction.id = int(answer["transactionId"])
            self._queue.popleft()

    def _payload(self, one: _Queued) -> dict[str, Any]:
        if one.action == "StartTransaction":
            return one.payload
        return {**one.payload, "transactionId": one.transaction.id}

    def _clock(self) -> str:
        return stamp(self.link.now() + self.plan.clock_off)
