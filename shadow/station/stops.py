"""StopTransaction: TransactionEvent Ended (E06, E07), also where it names a transaction that nobody opened."""

from __future__ import annotations

from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Micros
from ingest.key_ring import comparable
from ingest.ocppj import Call
from ingest.timestamps import format_micros
from shadow.quantities import whole_wh
from shadow.station import boundaries, events, measured, metering, ordering, registers, samples, transactions
from shadow.station.authorization import id_token_info
from shadow.station.fields import integer, objects, text
from shadow.station.outbox import Outbox, seconds
from shadow.station.points import Stimulus, ends
from shadow.station.state import Transaction
from shadow.station.tables import STOP_REASONS

__all__ = ["on_stop", "on_stop_answer"]

_RESET_WINDOW: Final[Micros] = 600_000_000
_NO_TOKEN: Final = frozenset({"RemoteStop", "ResetCommand"})
"""Ended after these carries no idToken (2.0.1 Part 2 §1.60.1, TC_B_22)."""


def on_stop(out: Outbox, call: Call, frame_id: str) -> None:
    """StopTransaction.req (1.6 §4.10) → TransactionEventRequest Ended."""
    payload = call.payload
    primary_id = integer(payload, "transactionId")
    tag = text(payload, "idTag") or None
    at, _ = out.stamp("StopTransaction", payload.get("timestamp"))
    meter_stop = whole_wh(payload.get("meterStop"))
    transaction = _named(out, primary_id, tag, at, meter_stop)
    if transaction is None:
        transaction = _orphan(out, primary_id, tag, at, meter_stop)
        if transaction is None:
            return
    if transaction.overrun:
        # It ended before, by a stop point that 1.6 does not have; what is kept tells a retry of this stop.
        transaction.overrun, transaction.ended_at, transaction.meter_stop = False, at, meter_stop
        return
    if transaction.ended:
        _again(out, transaction, at, meter_stop, frame_id)
        return
    number = transaction.connector_id
    values = _end_values(out, transaction, objects(payload.get("transactionData")), meter_stop, at)
    _check_times(out, transaction, at)
    held = tuple(one.frame_id for one in transaction.held)
    reasons = _reasons(out, text(payload, "reason"))
    token = None if reasons[1] in _NO_TOKEN else tag
    if token is not None and reasons[1] != "StopAuthorized":
        token = None  # E07.FR.02: the token stands in the event that ends the authorization, and in no other
    if tag is not None and token is None:
        detail = "2.0.1 says the token where it ends the authorization, and nowhere else (E07.FR.02, §1.60.1)"
        out.lost("StopTransaction.idTag", tag, detail=detail, connector_id=number or None)
    transaction.meter_stop = meter_stop
    out.station.authorized.pop((tag or "").lower(), None)  # it was shown to stop, not to start
    if transaction.latent and meter_stop is not None and (transaction.meter_start or 0) < meter_stop:
        # No status showed the energy, the register does (OCA TC_039): it flowed since the start for all that is known.
        boundaries.on_energy(out, transaction, transaction.started_at or at)
    unplugged = transaction.cable_out or reasons[0] == "EVDisconnected"
    if not ends(out.config.tx_stop_points, Stimulus.STOP) and not unplugged:
        # F03.FR.02: the authorization ends now and the transaction with the cable; the token belongs to the former.
        transaction.stop = {"reasons": [reasons[0], "EVCommunicationLost"], "meter_values": values}
        transaction.held = []
        events.update(out, transaction, at, reasons[1], tag=token, caused_by=(*held, frame_id))
        return
    events.end(out, transaction, at, reasons, tag=token, meter_values=values, caused_by=(*held, frame_id))
    connector = out.station.connectors.get(number)
    if connector is not None:
        connector.preparing_at = None


def _named(out: Outbox, primary_id: int | None, tag: str | None, at: Micros, meter_stop: Any) -> Transaction | None:
    """The transaction that a stop names: the ended one that it repeats, or the open one that its id stands on."""
    if primary_id is None:
        return None
    ended = out.station.transactions.get(out.station.aliases.get(str(primary_id), ""))
    if ended is not None and ended.ended and (ended.ended_at, ended.meter_stop) == (at, meter_stop):
        return ended
    return transactions.find_by_primary(out, primary_id, tag=tag, wh=meter_stop)


def _reasons(out: Outbox, reason: str | None) -> tuple[str, str]:
    """StoppedReason and triggerReason; Reboot after a Reset that we saw is that reset (B12.FR.04, errata 2.16)."""
    reset = out.station.reset_at
    if reason == "Reboot" and reset is not None and out.at - reset <= _RESET_WINDOW:
        return STOP_REASONS["HardReset"]
    found = STOP_REASONS.get(reason or "Local")
    if found is None:
        out.unmapped(f"StopTransaction.reason={reason}"[:80])
        return STOP_REASONS["Other"]
    return found


def _end_values(
    out: Outbox, transaction: Transaction, data: list[dict[str, Any]], meter_stop: Any, at: Micros
) -> list[dict[str, Any]]:
    """The meterValue list of Ended: meterStop first, then what was held back, then transactionData (E06.FR.11)."""
    values = []
    measured.watch(out, transaction.connector_id, data)
    for element in data:
        read = metering.meter_value(
            out, "StopTransaction.transactionData", element, transaction, transaction.connector_id, meter_stop
        )
        if read is not None:
            values.append(read.value)
    held = [one.meter_value for one in transaction.held]
    first = []
    if meter_stop is not None and registers.end_register(out, transaction, meter_stop, at):
        first = [samples.register_sample(meter_stop, "Transaction.End", at)]
    return [*first, *(one for one in held if one not in values), *values]


def _check_times(out: Outbox, transaction: Transaction, at: Micros) -> None:
    """A stop before its start, or before its own Transaction.End sample: the clock went backwards."""
    for name, bound in (("end sample", transaction.end_sample_at), ("start", transaction.started_at)):
        # A stop in whole seconds beside a sample in milliseconds is no clock that went backwards.
        if bound is not None and bound - at > ordering.ORDER_SLACK and transaction.plausible_start:
            out.find(
                "clock.backwards",
                "StopTransaction.timestamp",
                connector_id=transaction.connector_id,
                transaction_id=transaction.transaction_id,
                found=format_micros(at),
                expected=format_micros(bound),
                detail=f"before its own {name}",
                delta=seconds(bound - at),
                occurred_at=at,
            )
            return


def _orphan(out: Outbox, primary_id: int | None, tag: str | None, at: Micros, meter_stop: Any) -> Transaction | None:
    """A stop that names a transaction nobody opened: -1, 0, negative, forgotten (1.6 errata 3.18).

    It ends what it can only mean: the transaction just ended with the same stop, or the one open transaction that its
    token fits. Otherwise it is kept as an end without a beginning.
    """
    known = out.station.transactions.values()
    transaction = next(
        (one for one in reversed(known) if one.ended and one.ended_at == at and one.meter_stop == meter_stop), None
    )
    if transaction is None:
        transaction = _meant(out, primary_id, tag, at, meter_stop)
    detail = "ended the transaction that it fits" if transaction is not None else "fits no open transaction"
    if transaction is None and not out.station.booted and primary_id is not None and primary_id > 0:
        detail = "its start was before the first frame seen"
    out.find(
        "session.orphan-stop",
        "StopTransaction.transactionId",
        found=primary_id,
        expected=None if transaction is None else transaction.transaction_id,
        detail=detail,
        occurred_at=at,
        transaction_id=None if transaction is None else transaction.transaction_id,
        connector_id=None if transaction is None else transaction.connector_id,
    )
    if transaction is None:
        # On no connector: StopTransaction names none, and guessing one would be an invention.
        transaction = transactions.adopt(out, 0, primary_id)
        transaction.id_token = tag
    return transaction


def _meant(out: Outbox, primary_id: int | None, tag: str | None, at: Micros, meter_stop: Any) -> Transaction | None:
    """The one open transaction that a stop under a strange id can mean.

    First those that the primary has given no id: their stop has no id to name (errata 3.18). One that has an id is
    meant only by a stop without a usable one; an id that a CSMS may have given is another transaction's.
    """
    usable = primary_id is not None and 0 < primary_id < metering.LARGEST_ADOPTABLE
    running = transactions.open_transactions(out)
    possible = [one for one in running if not one.early and _can_end(one, at, meter_stop)]
    unnamed = [one for one in possible if not one.primary_ids]
    for pool in (unnamed,) if usable else (unnamed, possible):
        fitting = [one for one in pool if tag is not None and transactions.has_token(out, one, tag)]
        named = any(one.id_token and comparable(one.key_version, out.key_version) for one in pool)
        chosen = fitting or ([] if tag is not None and named else pool)
        if len(chosen) == 1:
            return chosen[0]
    return None


def _can_end(one: Transaction, at: Micros, meter_stop: Any) -> bool:
    """Whether a stop with this time and register can be its end: neither lies before what it has shown."""
    after = one.started_at is None or not one.plausible_start or one.started_at - at <= ordering.ORDER_SLACK
    placeholder = meter_stop is None or meter_stop < 0
    return after and (placeholder or one.register is None or meter_stop >= one.register - one.register_resolution)


def _again(out: Outbox, transaction: Transaction, at: Micros, meter_stop: Any, frame_id: str) -> None:
    """A stop of an ended transaction: its retry says nothing new, another one comes after the end."""
    if transaction.ended_at == at and transaction.meter_stop == meter_stop:
        return
    out.find(
        "session.after-end",
        "StopTransaction",
        connector_id=transaction.connector_id,
        frames=(frame_id,),
        transaction_id=transaction.transaction_id,
        found=format_micros(at),
        expected=None if transaction.ended_at is None else format_micros(transaction.ended_at),
        delta=None if transaction.ended_at is None else seconds(transaction.ended_at - at),
        occurred_at=at,
    )


def on_stop_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """StopTransaction.conf → TransactionEventResponse, with idTokenInfo where the request had a token (§1.60.2)."""
    info = id_token_info(out, answer.get("idTagInfo")) if "idTagInfo" in answer else None
    ordering.answer(out, request, {} if info is None else {"idTokenInfo": info})
