"""Rules of meter values in transactions (2.0.1 Part 2, functional block J, and E01, E06)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ingest.timestamps import format_micros
from shadow.native.reading import Event
from shadow.native.rule import REQUEST, Fault, Rule, Said, of_event
from shadow.native.state import NativeTransaction
from shadow.quantities import Reading

__all__ = ["RULES"]

_PLACEHOLDER_FROM_WH: Final = Decimal(100_000)
"""A transaction cannot have taken so much by its second reading: the first one, 0, was none."""


def _begin_in_started(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.kind == "Started" and event.contexts and "Transaction.Begin" not in event.contexts:
        return Fault(", ".join(sorted(event.contexts)), "Transaction.Begin", "the values of Started are its first")
    return None


def _end_in_ended(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.kind == "Ended" and event.contexts and "Transaction.End" not in event.contexts:
        return Fault(", ".join(sorted(event.contexts)), "Transaction.End", "Ended has values, and none of its end")
    if event.kind in ("Started", "Updated") and "Transaction.End" in event.contexts:
        return Fault("Transaction.End", "Ended has it", f"the end was told in {event.kind}")
    return None


def _periodic_has_values(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.trigger == "MeterValuePeriodic" and not event.meter_values:
        return Fault(None, "meterValue", "triggerReason MeterValuePeriodic without a value")
    return None


def _clock_has_values(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.trigger == "MeterValueClock" and not event.meter_values:
        return Fault(None, "meterValue", "triggerReason MeterValueClock without a value")
    return None


def _within_interval(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    """The beginning of the interval needs TxUpdatedInterval, which the messages alone do not tell: its end is asked."""
    if event.kind not in ("Started", "Updated") or event.at is None or len(event.meter_values) < 2:
        return None
    latest = max(event.moments(), default=event.at)
    if latest > event.at:
        return Fault(format_micros(latest), format_micros(event.at), "a value is later than the event that carries it")
    return None


def _monotonic(event: Event, known: NativeTransaction | None, _said: Said) -> Fault | None:
    """Less by less than the last digit of the coarser reading is no step back: 3051.11 kWh after 3 051 113 Wh."""
    before, since = None, None
    if known is not None and known.register is not None:
        before, since = Reading(known.register, known.register_resolution), known.register_at
    for at, now in event.registers():
        if since is not None and at < since:
            continue
        if before is not None and before.wh - now.wh >= max(before.resolution_wh, now.resolution_wh):
            return Fault(f"{now.wh:f}", f"{before.wh:f}", "the register runs backwards within the transaction")
        before, since = now, at
    return None


def _placeholder(event: Event, known: NativeTransaction | None, _said: Said) -> Fault | None:
    readings = [reading.wh for _, reading in event.registers()]
    if known is None or known.register != 0 or not readings or not known.whole:
        return None
    if readings[0] >= _PLACEHOLDER_FROM_WH:
        return Fault("0", f"{readings[0]:f}", "the register began at 0, and the next reading is a lifetime's")
    return None


_EVENT: Final = ("TransactionEvent", REQUEST)
_VALUE: Final = "meterValue.sampledValue."

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "E01.FR.09", *_EVENT, (_VALUE + "context", "eventType", "meterValue"),
        "The values of Started are those of its beginning (context Transaction.Begin).",
        of_event(_begin_in_started),
    ),
    Rule(
        "E06.FR.11", *_EVENT, (_VALUE + "context", "eventType", "meterValue"),
        "The values of the end (context Transaction.End) stand in Ended, and Ended that has values has them.",
        of_event(_end_in_ended),
    ),
    Rule(
        "J02.FR.11", *_EVENT, ("meterValue", "triggerReason"),
        "An event with triggerReason MeterValuePeriodic carries the values.",
        of_event(_periodic_has_values),
    ),
    Rule(
        "J01.FR.22", *_EVENT, ("meterValue", "triggerReason"),
        "An event with triggerReason MeterValueClock carries the values.",
        of_event(_clock_has_values),
    ),
    Rule(
        "J02.FR.10", *_EVENT, ("meterValue.timestamp", "timestamp", "eventType"),
        "Several values in Started or Updated lie within one sampling interval that ends with the event.",
        of_event(_within_interval),
    ),
    Rule(
        "J02.FR.16", *_EVENT,
        (_VALUE + "value", _VALUE + "measurand", _VALUE + "unitOfMeasure.unit", _VALUE + "unitOfMeasure.multiplier"),
        "A register of a transaction never runs backwards.",
        of_event(_monotonic),
    ),
    Rule(
        "J02.FR.17", *_EVENT, (_VALUE + "value",),
        "A register is told as the meter shows it, and not from 0 at the start of a transaction.",
        of_event(_placeholder),
        "meter.placeholder",
    ),
)  # fmt: skip
"""In the order in which they are asked."""
