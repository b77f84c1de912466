"""The energy register over a session: placeholders, steps back, leaps, meterStart and meterStop against samples."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from ingest.frame import Micros
from shadow.quantities import Reading, energy_reading
from shadow.station.outbox import Outbox
from shadow.station.state import Transaction

__all__ = ["begin_register", "end_register", "is_placeholder", "on_register"]

_PLACEHOLDERS: Final = frozenset({Decimal(-1), Decimal(2147483647), Decimal(4294967295)})
"""Values that stand for `unknown` in the field; each is the end of an integer's range."""
_ONE: Final = Decimal(1)
_THOUSAND: Final = Decimal(1000)
_MICROS_PER_HOUR: Final = Decimal(3_600_000_000)


def begin_register(out: Outbox, transaction: Transaction, wh: Decimal, at: Micros) -> bool:
    """Take meterStart; False where it is a placeholder, which a 2.0.1 station would not send."""
    if _is_placeholder(out, transaction, wh, "StartTransaction.meterStart"):
        return False
    connector = out.station.connectors.get(transaction.connector_id)
    before = None if connector is None else connector.register
    slack = _ONE if connector is None else max(_ONE, connector.register_resolution)
    if before is not None and wh < before - slack:
        _find(out, transaction, "meter.regression", "StartTransaction.meterStart", wh, before)
    _remember(out, transaction, Reading(wh, _ONE), at)
    return True


def end_register(out: Outbox, transaction: Transaction, wh: Decimal, at: Micros) -> bool:
    """Take meterStop, after the Transaction.End samples were read; False where it is a placeholder."""
    if _is_placeholder(out, transaction, wh, "StopTransaction.meterStop"):
        return False
    sample = transaction.end_sample
    if sample is not None:
        _against_sample(out, transaction, "StopTransaction.meterStop", wh, Reading(sample, transaction.end_resolution))
        agrees = abs(wh - sample) <= max(transaction.end_resolution, _ONE)
    else:
        agrees = True
        _check_course(out, transaction, Reading(wh, _ONE), at, "StopTransaction.meterStop")
    if agrees:
        # Whatever its time: meterStop is in whole Wh, and the next session begins where it stands.
        _remember(out, transaction, Reading(wh, _ONE), None)
    return True


def on_register(out: Outbox, transaction: Transaction, sample: dict[str, Any], at: Micros | None) -> None:
    """Follow one reading of the billed register."""
    unit = sample.get("unitOfMeasure")
    reading = energy_reading(sample["value"], None if unit is None else unit["unit"])
    if reading is None:
        return
    path = "MeterValues.Energy.Active.Import.Register"
    context = sample.get("context")
    if _is_placeholder(out, transaction, reading.wh, path):
        return
    if transaction.meter_start == 0 and transaction.begin_sample is None and transaction.register in (None, 0):
        limit = out.config.placeholder_from_wh
        if reading.wh >= limit and not _can_be_charged(out, transaction, reading.wh, at):
            _find(out, transaction, "meter.placeholder", "StartTransaction.meterStart", Decimal(0), reading.wh)
            _remember(out, transaction, reading, at)
            transaction.begin_sample = reading.wh
            return
    if context == "Transaction.Begin":
        if transaction.begin_sample is None and transaction.meter_start is not None:
            _against_sample(out, transaction, "StartTransaction.meterStart", transaction.meter_start, reading)
        transaction.begin_sample = reading.wh
        if transaction.ended:
            return
    if context == "Transaction.End":
        transaction.end_sample, transaction.end_resolution = reading.wh, reading.resolution_wh
        transaction.end_sample_at = at
    if not transaction.ended:
        _check_course(out, transaction, reading, at, path)
        _remember(out, transaction, reading, at)


def _can_be_charged(out: Outbox, transaction: Transaction, wh: Decimal, at: Micros | None) -> bool:
    """Whether a cable can have carried so much since the start: then a register that began at 0 is one per session."""
    began = transaction.started_at
    if at is None or began is None or not transaction.plausible_start:
        return False
    return wh * _MICROS_PER_HOUR <= out.config.largest_power_w * max(at - began, 1_000_000)


def _check_course(out: Outbox, transaction: Transaction, reading: Reading, at: Micros | None, path: str) -> None:
    """Monotonic (J02.FR.16), and no faster than a cable carries."""
    before, before_at = transaction.register, transaction.register_at
    if before is None:
        return
    slack = max(reading.resolution_wh, transaction.register_resolution)
    if at is not None and before_at is not None and at < before_at:
        return  # an older sample that came late: it proves nothing about the course
    if reading.wh < before - slack:
        _find(out, transaction, "meter.regression", path, reading.wh, before)
    elif at is not None and before_at is not None:
        gained = reading.wh - before - slack
        if gained > 0 and gained * _MICROS_PER_HOUR > out.config.largest_power_w * max(at - before_at, 1_000_000):
            seconds = Decimal(at - before_at).scaleb(-6)
            detail = f"{gained:f} Wh more than {seconds:f} s before"
            _find(
                out, transaction, "meter.implausible", path, reading.wh, before + _most_wh(out, at - before_at), detail
            )


def _most_wh(out: Outbox, span: Micros) -> Decimal:
    """The most energy that a cable carries in so many microseconds, in whole Wh."""
    return (out.config.largest_power_w * max(span, 1_000_000) / _MICROS_PER_HOUR).quantize(_ONE)


def _against_sample(out: Outbox, transaction: Transaction, path: str, wh: Decimal, sample: Reading) -> None:
    if wh in _PLACEHOLDERS or abs(wh - sample.wh) <= max(sample.resolution_wh, _ONE):
        return
    slip = wh and sample.wh and any(abs(a * _THOUSAND - b) <= _THOUSAND for a, b in ((wh, sample.wh), (sample.wh, wh)))
    detail = "a factor of 1000: one of the two is in the wrong unit" if slip else "another register, or a slip"
    _find(out, transaction, "meter.register-vs-samples", path, wh, sample.wh, detail)


def is_placeholder(wh: Decimal) -> bool:
    """Whether a register stands for `unknown`."""
    return wh in _PLACEHOLDERS


def _is_placeholder(out: Outbox, transaction: Transaction, wh: Decimal, path: str) -> bool:
    if wh not in _PLACEHOLDERS:
        return False
    _find(out, transaction, "meter.placeholder", path, wh, None)
    return True


def _remember(out: Outbox, transaction: Transaction, reading: Reading, at: Micros | None) -> None:
    if at is not None and transaction.register_at is not None and at < transaction.register_at:
        return  # transactionData repeats the readings of the whole session
    transaction.register, transaction.register_resolution = reading.wh, reading.resolution_wh
    transaction.register_at = at
    connector = out.station.connectors.get(transaction.connector_id)
    if connector is not None:
        connector.register, connector.register_resolution = reading.wh, reading.resolution_wh


def _find(
    out: Outbox, transaction: Transaction, code: str, path: str, wh: Decimal, expected: Decimal | None, detail: str = ""
) -> None:
    """Values and delta are in Wh."""
    out.find(
        code,
        path,
        connector_id=transaction.connector_id,
        transaction_id=transaction.transaction_id,
        found=f"{wh:f}",
        expected=None if expected is None else f"{expected:f}",
        detail=detail,
        delta=None if expected is None else expected - wh,
    )
