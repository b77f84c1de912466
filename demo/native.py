"""Transcripts of one charging station that speaks OCPP 2.0.1 itself. Pure.

>>> script = NativeScript("CP1").boot().status(1, "Occupied").started("tx-1", evse=1, token="04A1B2C3")
>>> script = script.updated("tx-1", "ChargingStateChanged", state="Charging").wait(600).ended("tx-1")
>>> script.frames[0].handshake.subprotocol
'ocpp2.0.1'

Every message is legal by the specification unless told otherwise.
"""

from __future__ import annotations

from typing import Any, Self

from demo.script import NOON, Script
from ingest.frame import Micros

__all__ = ["NativeScript"]


class NativeScript(Script):
    """What was said on the connections of a native charging station. Every method gives the script itself back."""

    def __init__(
        self, charger_id: str = "CP1", *, at: Micros = NOON, connected: bool = True, connection: int = 0
    ) -> None:
        """Begin. `connection`: the number of the first connection, where others came before."""
        super().__init__(charger_id, at=at, connected=False, connection=connection)
        self._numbers: dict[str, int] = {}
        """The latest seqNo of each transaction."""
        if connected:
            self.open("ocpp2.0.1")

    def boot(self, status: str = "Accepted", reason: str = "PowerUp", **more: Any) -> Self:
        """BootNotification and its answer."""
        station = {"model": "Curb 21", "vendorName": "Alder", "firmwareVersion": "2.0", **more}
        self.call("BootNotification", {"reason": reason, "chargingStation": station})
        return self.answer({"currentTime": self.now, "interval": 300, "status": status})

    def status(self, connector: int, status: str, *, at: str | None = None, **more: Any) -> Self:
        """StatusNotification of the only connector of an EVSE, and its answer."""
        payload = {"timestamp": at or self.now, "connectorStatus": status, "evseId": connector, "connectorId": 1}
        return self.call("StatusNotification", {**payload, **more}).answer({})

    def started(
        self,
        transaction: str,
        trigger: str = "Authorized",
        *,
        evse: int | None = 1,
        token: str | None = "04A1B2C3",  # noqa: S107 - the number of a card
        state: str | None = "EVConnected",
        wh: int | None = 1000,
        **more: Any,
    ) -> Self:
        """TransactionEvent Started, with a reading of its beginning."""
        if evse is not None:
            more = {"evse": {"id": evse, "connectorId": 1}, **more}
        return self.event("Started", transaction, trigger, token=token, state=state, wh=wh, **more)

    def updated(self, transaction: str, trigger: str, **more: Any) -> Self:
        """TransactionEvent Updated."""
        return self.event("Updated", transaction, trigger, **more)

    def ended(
        self,
        transaction: str,
        trigger: str = "StopAuthorized",
        *,
        token: str | None = "04A1B2C3",  # noqa: S107 - the number of a card
        reason: str | None = "Local",
        wh: int | None = 5000,
        **more: Any,
    ) -> Self:
        """TransactionEvent Ended, with a reading of its end."""
        info = {} if reason is None else {"stoppedReason": reason}
        return self.event("Ended", transaction, trigger, token=token, info=info, wh=wh, **more)

    def event(
        self,
        kind: str,
        transaction: str,
        trigger: str,
        *,
        seq: int | None = None,
        token: str | None = None,
        state: str | None = None,
        wh: int | None = None,
        context: str | None = None,
        info: dict[str, Any] | None = None,
        at: str | None = None,
        answer: dict[str, Any] | None = None,
        **more: Any,
    ) -> Self:
        """TransactionEvent and its answer; seqNo counts by itself."""
        number = self._numbers.get(transaction, -1) + 1 if seq is None else seq
        self._numbers[transaction] = max(number, self._numbers.get(transaction, -1))
        told = {"transactionId": transaction, **(info or {})}
        if state is not None:
            told["chargingState"] = state
        payload: dict[str, Any] = {
            "eventType": kind,
            "timestamp": at or self.now,
            "triggerReason": trigger,
            "seqNo": number,
            "transactionInfo": told,
        }
        if token is not None:
            payload["idToken"] = {"idToken": token, "type": "ISO14443"}
        if wh is not None:
            contexts = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}
            sample = {"value": wh, "context": context or contexts.get(kind, "Sample.Periodic")}
            payload["meterValue"] = [{"timestamp": at or self.now, "sampledValue": [sample]}]
        self.call("TransactionEvent", {**payload, **more})
        default = {} if token is None else {"idTokenInfo": {"status": "Accepted"}}
        return self.answer(default if answer is None else answer)

    def asked(self, action: str, payload: dict[str, Any], answer: dict[str, Any] | None = None) -> Self:
        """A request of the CSMS and the charging station's answer, Accepted unless told otherwise."""
        return self.command(action, payload).answer({"status": "Accepted"} if answer is None else answer)

    def told(self, action: str, payload: dict[str, Any], answer: dict[str, Any] | None = None) -> Self:
        """A request of the charging station and the CSMS's answer, empty unless told otherwise."""
        return self.call(action, payload).answer(answer or {})
