"""What the primary CSMS knows, bills and answers: one OCPP 1.6 back-end without its sockets.

Pure: the caller brings the time and carries the answers, so that the primary on real sockets and the traffic
generator in virtual time answer alike. `Behaviour` makes it misbehave, per charging station, as back-ends do.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ingest.frame import Micros
from ingest.timestamps import format_micros

__all__ = ["Behaviour", "Billed", "Books", "Command", "Reply"]


class Command(msgspec.Struct, frozen=True):
    """A call of the CSMS to the charging station."""

    action: str
    payload: dict[str, Any]
    delay_us: Micros = 300_000
    """After the answer that gave rise to it."""


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """How the primary treats one charging station. The default is a correct 1.6 CSMS."""

    interval: int = 300
    """Heartbeat interval of BootNotification.conf, in seconds."""
    retried_start_gets_another_id: bool = False
    """A StartTransaction that repeats an open one opens a second transaction instead of giving the id again."""
    constant_transaction_id: int | None = None
    """Every transaction gets this id, as back-ends with `int(time())` or counters per connector do."""
    current_time_without_zone: bool = False
    silent: dict[str, int] = {}
    """By action: so many calls are never answered, from the first on."""
    slow: dict[str, int] = {}
    """By action: the first call is answered after so many microseconds."""
    errors: dict[str, int] = {}
    """By action: so many calls are answered with a CALLERROR, from the first on."""
    remote_starts: dict[int, str] = {}
    """By the count of Preparing statuses, from 1: the idTag of the RemoteStartTransaction that follows."""
    remote_stops: dict[int, int] = {}
    """By the count of transactions, from 1: after how many MeterValues a RemoteStopTransaction follows."""
    after_stop: dict[int, tuple[Command, ...]] = {}
    """By the count of StopTransactions, from 1: what the operator asks for next."""


class Reply(msgspec.Struct, frozen=True):
    """What goes back to the charging station."""

    payload: dict[str, Any] | None = None
    """The CALLRESULT, None where there is none."""
    error: str | None = None
    """The code of a CALLERROR. With neither, the call stays unanswered."""
    delay_us: Micros = 0
    commands: tuple[Command, ...] = ()


class Billed(msgspec.Struct):
    """A transaction in the primary's own table."""

    transaction_id: int
    charger_id: str
    connector_id: int
    id_tag: str
    meter_start: int
    started: str
    """Timestamps as the charging station gave them."""
    meter_stop: int | None = None
    stopped: str | None = None
    reason: str | None = None
    meter_values: int = 0

    @property
    def energy_wh(self) -> int | None:
        """What is billed: meterStop - meterStart, None while the transaction is open."""
        return None if self.meter_stop is None else self.meter_stop - self.meter_start


class _Station(msgspec.Struct):
    """What the primary remembers of one charging station."""

    calls: dict[str, int] = msgspec.field(default_factory=dict)
    preparing: int = 0
    transactions: int = 0
    stops: int = 0


class _Ask(msgspec.Struct, frozen=True):
    """One call with what is known of who calls."""

    charger_id: str
    station: _Station
    behaviour: Behaviour
    payload: dict[str, Any]
    now: Micros


class Books:
    """The primary's memory and its answers, over all charging stations."""

    def __init__(self, behaviours: dict[str, Behaviour] | None = None, first_id: int = 1001) -> None:
        self.ledger: list[Billed] = []
        """Every transaction that was opened, in that order."""
        self.orphan_stops = 0
        """StopTransactions that named no open transaction; answered, not billed."""
        self._behaviours = behaviours or {}
        self._stations: dict[str, _Station] = {}
        self._open: dict[str, list[Billed]] = {}
        self._next_id = first_id
        self._default = Behaviour()

    def answer(self, charger_id: str, action: str, payload: dict[str, Any], now: Micros) -> Reply:
        """Answer one CALL of a charging station, schema-valid or not."""
        behaviour = self._behaviours.get(charger_id, self._default)
        station = self._stations.setdefault(charger_id, _Station())
        count = station.calls[action] = station.calls.get(action, 0) + 1
        if count <= behaviour.errors.get(action, 0):
            return Reply(error="InternalError")
        ask = _Ask(charger_id, station, behaviour, payload, now)
        answered = self._handle(action, ask)
        if answered is None:
            return Reply(error="NotImplemented")
        answer, commands = answered
        if count <= behaviour.silent.get(action, 0):
            return Reply(commands=commands)
        return Reply(answer, None, behaviour.slow.get(action, 0) if count == 1 else 0, commands)

    def _handle(self, action: str, ask: _Ask) -> _Answer | None:
        match action:
            case "BootNotification":
                current_time = _stamp(ask.now, ask.behaviour)
                return {"currentTime": current_time, "interval": ask.behaviour.interval, "status": "Accepted"}, ()
            case "Heartbeat":
                return {"currentTime": _stamp(ask.now, ask.behaviour)}, ()
            case "Authorize":
                return {"idTagInfo": {"status": "Accepted"}}, ()
            case "DataTransfer":
                return {"status": "UnknownVendorId"}, ()
            case "StatusNotification":
                return self._status(ask)
            case "StartTransaction":
                return self._start(ask)
            case "StopTransaction":
                return self._stop(ask)
            case "MeterValues":
                return self._meter_values(ask)
        return None

    def _status(self, ask: _Ask) -> _Answer:
        if ask.payload.get("status") != "Preparing":
            return {}, ()
        ask.station.preparing += 1
        tag = ask.behaviour.remote_starts.get(ask.station.preparing)
        if tag is None:
            return {}, ()
        return {}, (Command("RemoteStartTransaction", {"connectorId": ask.payload["connectorId"], "idTag": tag}),)

    def _start(self, ask: _Ask) -> _Answer:
        key = tuple(ask.payload.get(name) for name in ("connectorId", "idTag", "meterStart", "timestamp"))
        known = next((row for row in self._open.get(ask.charger_id, ()) if _start_key(row) == key), None)
        if known is None or ask.behaviour.retried_start_gets_another_id:
            known = self._open_transaction(ask.charger_id, ask.behaviour, ask.payload)
            ask.station.transactions += 1
        return {"transactionId": known.transaction_id, "idTagInfo": {"status": "Accepted"}}, ()

    def _stop(self, ask: _Ask) -> _Answer:
        ask.station.stops += 1
        row = self._named(ask)
        if row is None:
            self.orphan_stops += 1
        else:
            row.meter_stop = int(ask.payload["meterStop"])
            row.stopped = str(ask.payload["timestamp"])
            row.reason = ask.payload.get("reason", "Local")
            # Not `remove`: rows that collide may be equal.
            self._open[ask.charger_id] = [other for other in self._open[ask.charger_id] if other is not row]
        return {"idTagInfo": {"status": "Accepted"}}, ask.behaviour.after_stop.get(ask.station.stops, ())

    def _meter_values(self, ask: _Ask) -> _Answer:
        row = self._named(ask)
        if row is None:
            return {}, ()
        row.meter_values += 1
        if ask.behaviour.remote_stops.get(ask.station.transactions) != row.meter_values:
            return {}, ()
        return {}, (Command("RemoteStopTransaction", {"transactionId": row.transaction_id}),)

    def _open_transaction(self, charger_id: str, behaviour: Behaviour, payload: dict[str, Any]) -> Billed:
        transaction_id = behaviour.constant_transaction_id
        if transaction_id is None:
            transaction_id = self._next_id
            self._next_id += 1
        row = Billed(
            transaction_id,
            charger_id,
            int(payload["connectorId"]),
            str(payload["idTag"]),
            int(payload["meterStart"]),
            str(payload["timestamp"]),
        )
        self.ledger.append(row)
        self._open.setdefault(charger_id, []).append(row)
        return row

    def _named(self, ask: _Ask) -> Billed | None:
        """The open transaction that a StopTransaction or MeterValues names, the oldest of several."""
        wanted = ask.payload.get("transactionId")
        return next((row for row in self._open.get(ask.charger_id, ()) if row.transaction_id == wanted), None)


_Answer = tuple[dict[str, Any], tuple[Command, ...]]


def _start_key(row: Billed) -> tuple[int, str, int, str]:
    return (row.connector_id, row.id_tag, row.meter_start, row.started)


def _stamp(now: Micros, behaviour: Behaviour) -> str:
    text = format_micros(now - now % 1000)
    return text.removesuffix("Z") if behaviour.current_time_without_zone else text
