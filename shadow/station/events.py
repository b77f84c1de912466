"""TransactionEvents: Started, Updated and Ended of a transaction, handed over to the reorder horizon (2.0.1 part E)."""

from __future__ import annotations

from typing import Any

from ingest.frame import Micros
from ingest.timestamps import format_micros
from shadow.station import ordering
from shadow.station.outbox import Outbox, seconds
from shadow.station.state import Transaction, WaitingEvent

__all__ = ["close_open", "end", "on_cable_out", "start", "update"]


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
    payload = _event(out, transaction, "Started", at, trigger, told, caused_by=caused_by)
    if transaction.id_token is not None:
        payload["idToken"] = out.id_token(transaction.id_token)
    if values:
        payload["meterValue"] = values
    if reservation_id is not None:
        payload["reservationId"] = reservation_id
    _tell(out, transaction, at, payload, caused_by)


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
    payload = _event(
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
    _tell(out, transaction, at, payload, caused_by)


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
    payload = _event(out, transaction, "Ended", at, trigger, info)
    if tag is not None:
        payload["idToken"] = out.id_token(tag)
    if meter_values:
        payload["meterValue"] = meter_values
    _close(out, transaction, at)
    _tell(out, transaction, at, payload, caused_by)


def _close(out: Outbox, transaction: Transaction, at: Micros) -> None:
    transaction.ended, transaction.ended_at = True, at
    transaction.held = []
    connector = out.station.connectors.get(transaction.connector_id)
    if connector is not None and connector.transaction_id == transaction.transaction_id:
        connector.transaction_id = None
    if connector is not None and connector.status in ("Charging", "SuspendedEV", "SuspendedEVSE"):
        connector.status = None  # it spoke of this transaction and says nothing of the next one


def _event(
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


def _tell(
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
