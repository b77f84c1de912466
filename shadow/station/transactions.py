"""The transactions of the virtual station: StartTransaction and StopTransaction as TransactionEvents (E01 to E07).

With the 1.6-compatible start and stop points (2.0.1 Part 2 §1.1.2, Table 95) Started is StartTransaction and Ended is
StopTransaction. The transactionId is the station's own (E01.FR.08): it derives from the charger and the frame that
opened the transaction, so that a replay gives the same one. The primary's integer is an alias and nothing more.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

from ingest.frame import Micros
from ingest.timestamps import format_micros
from shadow.state import MAX_CONNECTORS, MAX_ENDED, MAX_OPEN, Connector, Transaction, WaitingEvent
from shadow.station import ordering
from shadow.station.outbox import Outbox, seconds

__all__ = [
    "adopt",
    "alias",
    "close_open",
    "connector_of",
    "end",
    "event",
    "find_by_primary",
    "goes_on",
    "is_void",
    "new_transaction",
    "on_cable_out",
    "open_on",
    "open_transactions",
    "start",
    "tell",
    "update",
]

_NAMESPACE: Final = UUID("8f0d3f0a-5c1f-5a0e-9d67-2c1f6c4b7a10")
_MAX_ALIASES: Final = 16
"""Ids kept per transaction; a primary that answers each retry with another one gives more."""


def connector_of(out: Outbox, number: int) -> Connector | None:
    """The connector with this 1.6 number; None where the station would have more than it can have."""
    connectors = out.station.connectors
    connector = connectors.get(number)
    if connector is None and len(connectors) < MAX_CONNECTORS:
        connector = connectors[number] = Connector()
    return connector


def open_on(out: Outbox, number: int) -> Transaction | None:
    """The open transaction of a connector."""
    connector = out.station.connectors.get(number)
    if connector is None or connector.transaction_id is None:
        return None
    return out.station.transactions.get(connector.transaction_id)


def goes_on(out: Outbox, number: int) -> bool:
    """Whether 1.6 goes on with a transaction that a stop point has ended in 2.0.1 (`station.boundaries`)."""
    return any(one.overrun and one.connector_id == number for one in out.station.transactions.values())


def open_transactions(out: Outbox) -> list[Transaction]:
    """All that have not ended, oldest first."""
    return [transaction for transaction in out.station.transactions.values() if not transaction.ended]


def find_by_primary(
    out: Outbox, primary_id: int, *, number: int | None = None, tag: str | None = None, wh: Decimal | None = None
) -> Transaction | None:
    """The transaction that the primary calls by this id, open or ended lately.

    Where it gave one id to several that are open, what else is known decides: the connector, the token, the register
    that is just above the last reading, and then the newest.
    """
    name = str(primary_id)
    running = [one for one in open_transactions(out) if name in one.primary_ids]
    if running:
        return max(reversed(running), key=lambda one: _fit(one, number, tag, wh)) if len(running) > 1 else running[0]
    transaction_id = out.station.aliases.get(name)
    return out.station.transactions.get(transaction_id) if transaction_id is not None else None


def _fit(one: Transaction, number: int | None, tag: str | None, wh: Decimal | None) -> tuple[bool, bool, bool, Decimal]:
    before = one.register
    follows = wh is not None and before is not None and wh >= before
    nearness = before - wh if follows and wh is not None and before is not None else Decimal(0)
    return (
        one.connector_id == number,
        tag is not None and (one.id_token or "").lower() == tag.lower(),
        follows,
        nearness,
    )


def alias(out: Outbox, transaction: Transaction, primary_id: int) -> None:
    """Note that the primary calls a transaction by this id."""
    name = str(primary_id)
    if name not in transaction.primary_ids:
        transaction.primary_ids.append(name)
        del transaction.primary_ids[:-_MAX_ALIASES]
    aliases = out.station.aliases
    aliases.pop(name, None)
    aliases[name] = transaction.transaction_id
    if len(aliases) > MAX_OPEN + MAX_ENDED:
        del aliases[next(iter(aliases))]


def new_transaction(out: Outbox, number: int, **known: Any) -> Transaction:
    """Open a transaction on a connector, or on none that is known (0).

    The oldest ended one is forgotten where too many are remembered.
    """
    transaction_id = str(uuid5(_NAMESPACE, f"{out.charger_id}\x1f{out.frame_id}"))
    transaction = Transaction(transaction_id, out.frame_id, number, out.at, **known)
    transactions = out.station.transactions
    transactions[transaction_id] = transaction
    ended = [key for key, one in transactions.items() if one.ended]
    forgotten = ended[0] if len(ended) > MAX_ENDED else next(iter(transactions))
    if len(ended) > MAX_ENDED or len(transactions) > MAX_OPEN + MAX_ENDED:
        ordering.flush(out, forgotten)
        del transactions[forgotten]
    connector = connector_of(out, number) if number > 0 else None
    if connector is not None:
        connector.transaction_id = transaction_id
        if connector.seen_since is None:
            connector.seen_since = known.get("started_at") or out.at
    return transaction


def adopt(out: Outbox, number: int, primary_id: int | None) -> Transaction:
    """Take over a transaction that was running before the first frame that we saw.

    Its Started was never seen, so no Started is made up: numbering begins at 1, and the CSMS sees that 0 is missing.
    """
    transaction = new_transaction(out, number, adopted=True, seq_no=1)
    if primary_id is not None:
        alias(out, transaction, primary_id)
    connector = out.station.connectors.get(number)
    if connector is not None and connector.status is not None:
        transaction.cable_out = False
    return transaction


def start(
    out: Outbox,
    transaction: Transaction,
    at: Micros,
    trigger: str,
    charging_state: str,
    *,
    info: dict[str, Any] | None = None,
    values: list[dict[str, Any]] | None = None,
    reservation_id: int | None = None,
    caused_by: tuple[str, ...] | None = None,
) -> None:
    """TransactionEvent Started, once (2.0.1 Part 2 §2.6.4); E01.FR.18: it always has a chargingState."""
    transaction.charging_state = charging_state
    if charging_state == "Charging":
        transaction.charged_at = at
    told = {"transactionId": transaction.transaction_id, "chargingState": charging_state, **(info or {})}
    payload = event(out, transaction, "Started", at, trigger, told, caused_by=caused_by)
    if transaction.id_token is not None:
        payload["idToken"] = out.id_token(transaction.id_token)
    if values:
        payload["meterValue"] = values
    if reservation_id is not None:
        payload["reservationId"] = reservation_id
    tell(out, transaction, at, payload, caused_by)


def update(
    out: Outbox,
    transaction: Transaction,
    at: Micros,
    trigger: str,
    *,
    charging_state: str | None = None,
    meter_value: dict[str, Any] | None = None,
    caused_by: tuple[str, ...] | None = None,
    offline: bool | None = None,
    received_at: Micros | None = None,
    tag: str | None = None,
    more: dict[str, Any] | None = None,
    remote_start_id: int | None = None,
) -> None:
    """TransactionEvent Updated; none while 2.0.1 has no transaction yet. `more`: further members of the event."""
    if transaction.latent:
        transaction.charging_state = charging_state or transaction.charging_state
        return
    info: dict[str, Any] = {"transactionId": transaction.transaction_id}
    values = [] if meter_value is None else [meter_value]
    if charging_state is not None:
        transaction.charging_state = charging_state
        info["chargingState"] = charging_state
    if charging_state == "Charging" and transaction.charged_at is None:
        transaction.charged_at = at
        # J02.FR.10: no value is younger than its event.
        begun = [one for one in transaction.held if one.begin and one.measured_at <= at]
        transaction.held = [one for one in transaction.held if one not in begun]
        values = [*values, *(one.meter_value for one in begun)]
        caused_by = (*dict.fromkeys(one.frame_id for one in begun), *(caused_by or (out.frame_id,)))
    if remote_start_id is not None:
        info["remoteStartId"] = remote_start_id
    payload = event(
        out,
        transaction,
        "Updated",
        at,
        trigger,
        info,
        caused_by=caused_by,
        offline=offline,
        received_at=received_at,
    )
    if tag is not None:
        payload["idToken"] = out.id_token(tag)
    if values:
        payload["meterValue"] = values
    payload.update(more or {})
    tell(out, transaction, at, payload, caused_by)


def end(
    out: Outbox,
    transaction: Transaction,
    at: Micros,
    reasons: tuple[str, str],
    *,
    tag: str | None = None,
    meter_values: list[dict[str, Any]] | None = None,
    caused_by: tuple[str, ...] | None = None,
    charging_state: str | None = None,
) -> None:
    """TransactionEvent Ended, once (2.0.1 Part 2 §2.6.5). `reasons` are stoppedReason and triggerReason."""
    stopped_reason, trigger = reasons
    idle = transaction.cable_out or stopped_reason == "EVDisconnected"
    info: dict[str, Any] = {
        "transactionId": transaction.transaction_id,
        "chargingState": charging_state or ("Idle" if idle else "EVConnected"),
    }
    if stopped_reason != "Local":  # E06.FR.08: absent is Local
        info["stoppedReason"] = stopped_reason
    latent, transaction.latent = transaction.latent, False
    if latent:
        _close(out, transaction, at)
        return  # no start point was ever true: 2.0.1 has no such transaction
    payload = event(out, transaction, "Ended", at, trigger, info)
    if tag is not None:
        payload["idToken"] = out.id_token(tag)
    if meter_values:
        payload["meterValue"] = meter_values
    _close(out, transaction, at)
    tell(out, transaction, at, payload, caused_by)


def _close(out: Outbox, transaction: Transaction, at: Micros) -> None:
    transaction.ended, transaction.ended_at = True, at
    transaction.held = []
    connector = out.station.connectors.get(transaction.connector_id)
    if connector is not None and connector.transaction_id == transaction.transaction_id:
        connector.transaction_id = None
    if connector is not None and connector.status in ("Charging", "SuspendedEV", "SuspendedEVSE"):
        connector.status = None  # it spoke of this transaction and says nothing of the next one


def event(
    out: Outbox,
    transaction: Transaction,
    kind: str,
    at: Micros,
    trigger: str,
    info: dict[str, Any],
    *,
    caused_by: tuple[str, ...] | None = None,
    offline: bool | None = None,
    received_at: Micros | None = None,
) -> dict[str, Any]:
    """The members that each TransactionEvent has; its seqNo is set when its turn comes (`station.ordering`).

    `offline` and `received_at` where what the event tells of was received, and judged, before now.
    """
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": format_micros(at),
        "triggerReason": trigger,
        "seqNo": 0,
        "transactionInfo": info,
    }
    if out.is_offline(at) if offline is None else offline:
        payload["offline"] = True
        received_at = out.at if received_at is None else received_at
        out.find(
            "session.offline-replay",
            f"TransactionEvent.{kind}",
            connector_id=transaction.connector_id,
            transaction_id=transaction.transaction_id,
            frames=caused_by,
            found=format_micros(received_at),
            expected=format_micros(at),
            delta=seconds(at - received_at),
            occurred_at=at,
        )
    return payload


def tell(
    out: Outbox, transaction: Transaction, at: Micros, payload: dict[str, Any], caused_by: tuple[str, ...] | None = None
) -> None:
    """Hand a TransactionEvent over to the reorder horizon."""
    # E01.FR.16: evse only once the EV is connected; of one that was adopted nothing else is known.
    placed = transaction.charging_state != "Idle"
    ordering.tell(out, WaitingEvent(transaction.transaction_id, payload, at, caused_by or (out.frame_id,), placed))


def on_cable_out(out: Outbox, transaction: Transaction, at: Micros) -> None:
    """The cable left. With TxStopPoint EVConnected alone this is the end of a stopped transaction (F03.FR.02)."""
    if transaction.stop is not None:
        stop, transaction.stop = transaction.stop, None
        end(out, transaction, at, tuple(stop["reasons"]), meter_values=stop["meter_values"])


def close_open(out: Outbox, transaction: Transaction, at: Micros) -> None:
    """End a transaction because another begins on its EVSE (E01.FR.14 allows one); synthetic, the caller names it."""
    held = transaction.held
    causes = tuple(dict.fromkeys(one.frame_id for one in held))
    values = [one.meter_value for one in held]
    caused_by = (*causes, out.frame_id) if causes else None
    end(out, transaction, at, ("Other", "AbnormalCondition"), meter_values=values, caused_by=caused_by)


def is_void(transaction: Transaction) -> bool:
    """Whether the primary refused its start and gave it no id that can be used: 1.6 then has no transaction at all."""
    return transaction.refused and not any(int(name) > 0 for name in transaction.primary_ids)
