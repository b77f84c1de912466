"""Meter values: what MeterValues and transactionData say in 2.0.1 terms (J01, J02), and what is wrong with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from ingest.exchange import PendingCall
from ingest.frame import Micros
from ingest.ocppj import Call
from ingest.timestamps import Flaw, format_micros, parse_stamp
from shadow.message import Provenance
from shadow.station import boundaries, events, measured, ordering, registers, samples, signed, transactions
from shadow.station.fields import integer, objects, text
from shadow.station.outbox import Outbox, seconds
from shadow.station.state import Held, Transaction

__all__ = [
    "LARGEST_ADOPTABLE",
    "ReadValue",
    "flush_held",
    "meter_value",
    "on_meter_values",
    "on_meter_values_answer",
]

_SIGNED: Final = "SignedData"
_BEGIN: Final = "Transaction.Begin"
_END: Final = "Transaction.End"
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
    """Of its first sample, but Transaction.End or Transaction.Begin where any has it: those belong to that event."""
    at: Micros


def meter_value(
    out: Outbox,
    action: str,
    element: dict[str, Any],
    transaction: Transaction | None,
    number: int | None,
    meter_stop: Decimal | None = None,
) -> ReadValue | None:
    """Translate one meterValue element; None where no sample of it can be said in 2.0.1."""
    at, own_clock = out.stamp(action, element.get("timestamp"), number)
    raws = objects(element.get("sampledValue"))
    translated = []
    for raw in raws:
        if raw.get("format") == _SIGNED:
            continue
        sample = samples.translate(out, action, raw, transaction, number)
        if sample is None:
            continue
        translated.append(sample)
        if transaction is not None and samples.is_total_register(sample):
            registers.on_register(out, transaction, sample, at if own_clock else None)
    registers_of = {_BEGIN: None if transaction is None else transaction.meter_start, _END: meter_stop}
    for raw in raws:
        if raw.get("format") == _SIGNED:
            _sign(out, action, raw, translated, registers_of, number)
    if not translated:
        return None
    return ReadValue({"timestamp": format_micros(at), "sampledValue": translated}, _context(translated), at)


def _context(translated: list[dict[str, Any]]) -> str:
    """Of all samples: the end of the transaction where one has it, else its begin, else that of the first."""
    contexts = [sample.get("context", "Sample.Periodic") for sample in translated]
    return next((context for context in (_END, _BEGIN) if context in contexts), contexts[0])


def _sign(
    out: Outbox,
    action: str,
    raw: dict[str, Any],
    translated: list[dict[str, Any]],
    registers_of: dict[str, Decimal | None],
    number: int | None,
) -> None:
    """Put signed data beside the number that it signs: the same quantity of the same moment, or one found for it."""
    value = signed.signed_value(out, action, raw.get("value"), number)
    if value is None:
        return
    for sample in translated:
        if "signedMeterValue" not in sample and all(sample.get(name) == raw.get(name) for name in signed.SAME):
            sample["signedMeterValue"] = value
            return
    context = raw.get("context")
    reading = signed.reading_of(raw.get("value"), context)
    if reading is None and signed.is_register(raw) and (known := registers_of.get(str(context))) is not None:
        reading = known, "Wh"
    found = None
    if reading is not None:
        plain = {name: word for name, word in raw.items() if name != "format"}
        found = samples.translate(out, action, {**plain, "value": reading[0], "unit": reading[1]}, None, number)
    if found is None:
        out.lost(f"{action}.format={_SIGNED}", context, detail=signed.NO_NUMBER, connector_id=number)
        return
    translated.append({**found, "signedMeterValue": value})


def on_meter_values(out: Outbox, call: Call, frame_id: str) -> None:
    """MeterValues.req (1.6 §4.7) → TransactionEvent Updated inside a transaction, else MeterValuesRequest."""
    payload = call.payload
    number = integer(payload, "connectorId")
    if number is None or number < 0:
        out.unmapped("MeterValues.connectorId")
        return
    transaction = _transaction(out, payload, number, frame_id) if number > 0 else None
    idle: list[dict[str, Any]] = []
    elements = objects(payload.get("meterValue"))
    measured.watch(out, number, elements)
    for element in elements:
        read = meter_value(out, "MeterValues", element, transaction, number)
        if read is None:
            continue
        # F06.FR.06: a triggered reading is a MeterValuesRequest, also while a transaction runs.
        if transaction is None or read.context == "Trigger" or not _place(out, transaction, read, frame_id):
            idle.append(read.value)
        if number == 0:
            _watch_sum(out, read)
    if idle:
        evse_id = out.place(number).evse_id if number > 0 else 0
        out.say("MeterValues", {"evseId": evse_id, "meterValue": idle}, _EVSE)


def _place(out: Outbox, transaction: Transaction, read: ReadValue, frame_id: str) -> bool:
    """Put values of a transaction into the event that they belong to; False where there is none, yet or any more."""
    if transaction.latent:
        _watch_energy(out, transaction, read)
    if transaction.latent and read.context == _BEGIN:
        _hold(out, transaction, read, frame_id, out.config.begin_sample_hold)
        if any("signedMeterValue" in sample for sample in read.value["sampledValue"]):
            boundaries.on_signed(out, transaction, read.at)
        return True
    if transaction.latent:
        return False
    if transaction.ended:
        ended_at = transaction.ended_at
        end = ordering.waiting_end(out, transaction.transaction_id)
        if end is None or ended_at is None or read.at > ended_at:
            return False
        if read.context == _END:
            ordering.merge(end, read.value, frame_id)
            return True
    elif read.context == _END:
        _hold(out, transaction, read, frame_id, out.config.end_sample_hold)
        return True
    elif read.context == _BEGIN:
        started = ordering.waiting_start(out, transaction.transaction_id)
        if started is not None and read.at <= started.at:  # J02.FR.10: no value is younger than its event
            ordering.merge(started, read.value, frame_id)
            return True
        if transaction.charging_state == "EVConnected" and transaction.charged_at is None:
            # E01.FR.17 by analogy: with the event that reports Charging.
            _hold(out, transaction, read, frame_id, out.config.begin_sample_hold)
            return True
    trigger = _TRIGGERS.get(read.context, "MeterValuePeriodic")
    events.update(out, transaction, read.at, trigger, meter_value=read.value)
    return True


def _watch_energy(out: Outbox, transaction: Transaction, read: ReadValue) -> None:
    """A register above meterStart, or a power, shows that energy flows."""
    for sample in read.value["sampledValue"]:
        register = samples.register_of(sample)
        risen = register is not None and register.wh > (transaction.meter_start or 0) + register.resolution_wh
        if risen or (sample.get("measurand") == "Power.Active.Import" and sample["value"] > 0):
            boundaries.on_energy(out, transaction, read.at)
            return


def _hold(out: Outbox, transaction: Transaction, read: ReadValue, frame_id: str, span: Micros) -> None:
    if len(transaction.held) >= _MOST_HELD:
        flush_held(out, transaction)
    offline = out.is_offline(read.at)
    transaction.held.append(Held(read.value, frame_id, out.at + span, offline, out.at, read.context == _BEGIN, read.at))


def on_meter_values_answer(out: Outbox, request: PendingCall, _answer: dict[str, Any]) -> None:
    """MeterValues.conf holds nothing, and so do the 2.0.1 answers to what the request became."""
    ordering.answer(out, request, {})
    out.respond(request, "MeterValues", {})


def _watch_sum(out: Outbox, read: ReadValue) -> None:
    """Connector 0 is the main meter; where its register is the sum of the others there is no such meter (KEBA)."""
    known = [
        (one.register, one.register_resolution)
        for number, one in out.station.connectors.items()
        if number > 0 and one.register
    ]
    total = sum((wh for wh, _ in known), Decimal(0))
    slack = sum((resolution for _, resolution in known), Decimal(1))
    for sample in read.value["sampledValue"]:
        reading = samples.register_of(sample)
        if len(known) > 1 and reading is not None and abs(reading.wh - total) <= slack:
            detail = f"its register is the sum of those of {len(known)} connectors: no meter of its own"
            path = "MeterValues.connectorId"
            out.find("topology.ambiguous", path, connector_id=0, found=0, expected="evseId 0", detail=detail)


def flush_held(out: Outbox, transaction: Transaction, until: Micros | None = None) -> None:
    """Samples whose event did not come by `until` (None: all that are held) travel in an Updated of their own."""
    due = [one for one in transaction.held if until is None or one.until <= until]
    transaction.held = [one for one in transaction.held if one not in due]
    for one in due:
        events.update(
            out,
            transaction,
            one.measured_at,
            "MeterValuePeriodic",
            meter_value=one.meter_value,
            caused_by=(one.frame_id,),
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
    if known is not None and known.overrun:
        return known  # 1.6 goes on with what has ended in 2.0.1: no event takes them
    if known is not None:
        if running is None or str(primary_id) not in running.primary_ids:
            at = _first_time(payload)
            ended_at = known.ended_at
            late = at is not None and ended_at is not None and at <= ended_at
            if late and ordering.waiting_end(out, known.transaction_id) is not None:
                return known  # late, and not too late to be numbered where it belongs
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
