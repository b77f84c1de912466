"""Meter values: what MeterValues and transactionData say in 2.0.1 terms (J01, J02), and what is wrong with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from ingest.frame import Micros
from ingest.ocppj import Call
from ingest.timestamps import Flaw, format_micros, parse_stamp
from shadow.message import Provenance
from shadow.quantities import ENERGY_REGISTER
from shadow.state import Held, Transaction
from shadow.station import registers, samples, transactions
from shadow.station.fields import integer, objects, text
from shadow.station.outbox import Outbox, seconds

__all__ = ["LARGEST_ADOPTABLE", "ReadValue", "meter_value", "on_meter_values", "register_sample"]

_EVSE: Final = {"evseId": Provenance.CONFIGURED}
_TRIGGERS: Final = {
    # context of the samples → triggerReason of the Updated that carries them (J02.FR.11, J01.FR.22).
    "Sample.Clock": "MeterValueClock",
}
_MOST_HELD: Final = 16
"""Transaction.End values that wait for one StopTransaction; a station that sends more than these does not mean it."""
LARGEST_ADOPTABLE: Final = 2**53
"""Ids beyond this are a station's internal ones (seen near 2^63): no CSMS gave them out."""


class ReadValue(msgspec.Struct, frozen=True):
    """One meterValue element, translated."""

    value: dict[str, Any]
    """MeterValueType."""
    context: str
    """Of its first sample, but Transaction.End where any sample has it: those belong into Ended."""
    at: Micros


def register_sample(wh: Decimal, context: str, at: Micros) -> dict[str, Any]:
    """MeterValueType for meterStart or meterStop (E01.FR.09, E06.FR.11). Not rebased (J02.FR.17)."""
    sample = {"value": wh, "context": context, "measurand": ENERGY_REGISTER, "location": "Outlet"}
    return {"timestamp": format_micros(at), "sampledValue": [{**sample, "unitOfMeasure": samples.WH}]}


def meter_value(
    out: Outbox, action: str, element: dict[str, Any], transaction: Transaction | None, number: int | None
) -> ReadValue | None:
    """Translate one meterValue element; None where no sample of it can be said in 2.0.1."""
    at, own_clock = out.stamp(action, element.get("timestamp"), number)
    translated = []
    context = ""
    for raw in objects(element.get("sampledValue")):
        sample = samples.translate(out, action, raw, transaction, number)
        if sample is None:
            continue
        translated.append(sample)
        if not context or sample.get("context") == "Transaction.End":
            context = sample.get("context", "Sample.Periodic")
        if transaction is not None and samples.is_total_register(sample):
            registers.on_register(out, transaction, sample, at if own_clock else None)
    if not translated:
        return None
    return ReadValue({"timestamp": format_micros(at), "sampledValue": translated}, context, at)


def on_meter_values(out: Outbox, call: Call, frame_id: str) -> None:
    """MeterValues.req (1.6 §4.7) → TransactionEvent Updated inside a transaction, else MeterValuesRequest."""
    payload = call.payload
    number = integer(payload, "connectorId")
    if number is None or number < 0:
        out.unmapped("MeterValues.connectorId")
        return
    transaction = _transaction(out, payload, number, frame_id) if number > 0 else None
    idle: list[dict[str, Any]] = []
    for element in objects(payload.get("meterValue")):
        read = meter_value(out, "MeterValues", element, transaction, number)
        if read is None:
            continue
        if transaction is None or transaction.ended or read.context == "Trigger":
            # F06.FR.06: a triggered reading is a MeterValuesRequest, also while a transaction runs.
            idle.append(read.value)
        elif read.context == "Transaction.End":
            if len(transaction.held) >= _MOST_HELD:
                flush_held(out, transaction)
            until = out.at + out.config.end_sample_hold
            transaction.held.append(Held(read.value, frame_id, until, out.is_offline(read.at), out.at))
        else:
            trigger = _TRIGGERS.get(read.context, "MeterValuePeriodic")
            transactions.update(out, transaction, read.at, trigger, meter_value=read.value)
    if idle:
        evse_id = out.place(number).evse_id if number > 0 else 0
        out.say("MeterValues", {"evseId": evse_id, "meterValue": idle}, _EVSE)


def flush_held(out: Outbox, transaction: Transaction) -> None:
    """No StopTransaction came for these Transaction.End samples in time: they travel in an Updated of their own."""
    held, transaction.held = transaction.held, []
    for one in held:
        stamp = parse_stamp(one.meter_value["timestamp"]).at
        at = out.at if stamp is None else stamp
        cause = (one.frame_id,)
        transactions.update(
            out,
            transaction,
            at,
            "MeterValuePeriodic",
            meter_value=one.meter_value,
            caused_by=cause,
            offline=one.offline,
            received_at=one.received_at,
        )


def _transaction(out: Outbox, payload: dict[str, Any], number: int, frame_id: str) -> Transaction | None:
    """The transaction that the values belong to; names ids that nobody opened."""
    running = transactions.open_on(out, number)
    if payload.get("transactionId") is None:
        return running
    primary_id = integer(payload, "transactionId")
    known = transactions.find_by_primary(out, primary_id, number=number) if primary_id is not None else None
    if known is not None and not known.ended:
        return known
    if known is not None:
        if running is None or str(primary_id) not in running.primary_ids:
            at = _first_time(payload)
            ended_at = known.ended_at
            out.find(
                "session.after-end",
                "MeterValues",
                connector_id=number,
                frames=(known.opened_by, frame_id),
                transaction_id=known.transaction_id,
                found=None if at is None else format_micros(at),
                expected=None if ended_at is None else format_micros(ended_at),
                detail=f"the primary's transaction {primary_id}",
                delta=None if at is None or ended_at is None else seconds(ended_at - at),
                occurred_at=at,
            )
            return known
        return running
    detail = "no transaction runs on its connector"
    if running is not None:
        detail = "taken for the transaction on its connector"
    elif _may_adopt(out, number, primary_id, payload):
        running = transactions.adopt(out, number, primary_id)
        detail = "was running before the first frame seen: adopted"
    out.find(
        "session.orphan-meter-values",
        "MeterValues.transactionId",
        connector_id=number,
        found=primary_id,
        expected=None if running is None else running.transaction_id,
        detail=detail,
        transaction_id=None if running is None else running.transaction_id,
    )
    return running


def _may_adopt(out: Outbox, number: int, primary_id: int | None, payload: dict[str, Any]) -> bool:
    """Whether it can have been running before we looked: its connector was not seen free, or only after its values.

    A BootNotification says nothing: a transaction goes on after it (OCA TC_032_1).
    """
    if primary_id is None or not 0 < primary_id < LARGEST_ADOPTABLE:
        return False
    connector = out.station.connectors.get(number)
    if connector is None or connector.seen_since is None:
        return True
    at = _first_time(payload)
    return at is not None and at <= connector.seen_since


def _first_time(payload: dict[str, Any]) -> Micros | None:
    """The station's time of the first element; None where it has none, or a clock that was never set."""
    first = next(iter(objects(payload.get("meterValue"))), {})
    stamp = parse_stamp(text(first, "timestamp") or "")
    return None if stamp.flaw is Flaw.EPOCH else stamp.at
