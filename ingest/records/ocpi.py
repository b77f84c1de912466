"""OCPI 2.2.1 CDRs (§10.3.1) and sessions (§9.3.1) → `BillingRecord`. Pure.

Fields that no judgement needs are passed over; one that is needed and missing, or that contradicts another, is a
`RecordError`. A record that contradicts itself is not half used: nobody could say which half was billed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from ingest.frame import Micros
from ingest.records.reading import Fields, decimals
from ingest.records.record import BillingRecord, Period, RecordError, RecordKind

__all__ = ["MAX_KW", "check_energy", "check_times", "read_ocpi"]

_MAX_PERIODS: Final = 2000
_MAX_TARIFFS: Final = 20
_WH: Final = 3
"""Power of ten from kWh to Wh."""
_ONE: Final = Decimal(1)
_THOUSAND: Final = Decimal(1000)
MAX_KW: Final = Decimal(5000)
"""More than any connector gives, the megawatt ones included: a mean power above it is an energy in another unit."""
_HOUR: Final[Micros] = 3_600_000_000
_SECOND: Final[Micros] = 1_000_000
_STATUSES: Final = frozenset({"ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION"})


def read_ocpi(value: Any, *, connector_id: int | None = None) -> BillingRecord:
    """Read one CDR or session.

    `connector_id`: the 1.6 connector that the EVSE map gives it.

    Raises:
        RecordError: it cannot be used.

    """
    fields = Fields(value)
    if fields.has("total_energy") or fields.has("cdr_location"):
        record = _cdr_or_session(fields, RecordKind.CDR, connector_id)
    elif fields.has("kwh") or fields.has("status"):
        record = _cdr_or_session(fields, RecordKind.SESSION, connector_id)
    else:
        raise RecordError(
            "unknown-object",
            "the record",
            "is neither a CDR (total_energy, cdr_token) nor a session (kwh, status) of OCPI 2.2.1",
            "deliver CDRs or sessions; tables need --mapping",
        )
    return record


def _cdr_or_session(fields: Fields, kind: RecordKind, connector_id: int | None) -> BillingRecord:
    cdr = kind is RecordKind.CDR
    record_id = fields.text("id", needed=True, longest=200)
    credit = fields.flag("credit")
    credits_ = fields.text("credit_reference_id", longest=200)
    if credit and not credits_:
        raise fields.error(
            "credit-without-reference", "credit_reference_id", "is missing of a credit CDR", "name the CDR credited"
        )
    start_at = fields.time("start_date_time")
    status = "" if cdr else fields.text("status", needed=True)
    if not cdr and status not in _STATUSES:
        raise fields.error("unknown-status", "status", "is no SessionStatus of OCPI 2.2.1", "correct it", status)
    stop_at = fields.moment("end_date_time", needed=cdr or status == "COMPLETED")
    energy_name = "total_energy" if cdr else "kwh"
    energy = fields.number(energy_name, needed=True)
    periods = _periods(fields)
    check_times(fields.where("end_date_time"), start_at, stop_at)
    if energy is not None and not credit:
        check_energy(fields.where(energy_name), energy, start_at, stop_at)
        _check_sum(fields, energy_name, energy, periods)
    time_h, parking_h = fields.number("total_time"), fields.number("total_parking_time")
    _check_hours(fields, time_h, start_at, stop_at)
    excl, incl = _price(fields, "total_cost", needed=cdr and not credit)
    if not credit and min(excl or Decimal(), incl or Decimal()) < 0:
        raise fields.error("negative-cost", "total_cost", "is negative and this is no credit CDR", "set credit")
    currency = fields.currency("currency", needed=True)
    tariffs = _tariffs(fields, currency)
    token = fields.inner("cdr_token", needed=cdr)
    location = (fields.inner("cdr_location", needed=True) if cdr else None) or fields
    return BillingRecord(
        source=_source(fields),
        id=record_id,
        kind=kind,
        start_at=start_at,
        stop_at=stop_at,
        energy_wh=None if energy is None else energy.scaleb(_WH),
        resolution_wh=_resolution(energy),
        tokens=_tokens(fields, token),
        token_type="" if token is None else token.text("type"),
        evse_uid=location.text("evse_uid"),
        evse_id=location.text("evse_id"),
        connector=location.text("connector_id"),
        connector_id=connector_id,
        meter_id=fields.text("meter_id"),
        currency=currency,
        tariffs=tariffs,
        periods=periods,
        time_h=time_h,
        parking_h=parking_h,
        cost_excl=excl,
        cost_incl=incl,
        reserved=fields.has("total_reservation_cost"),
        credit=credit,
        credits=credits_,
        status=status,
        updated_at=fields.moment("last_updated"),
    )


def _source(fields: Fields) -> str:
    """The id of an OCPI object is unique for its country code and party alone."""
    parts = [part for part in (fields.text("country_code"), fields.text("party_id")) if part]
    return ".".join(("ocpi", *parts))[:60]


def _tokens(fields: Fields, token: Fields | None) -> tuple[str, ...]:
    found = [] if token is None else [token.text("uid", needed=True), token.text("contract_id")]
    found.append(fields.text("auth_id"))
    return tuple(dict.fromkeys(one for one in found if one))


def _resolution(energy: Decimal | None) -> Decimal:
    """Three decimals of kWh are one Wh. Fewer say nothing: who writes JSON drops the zeros at the end."""
    places = _WH if energy is None else max(_WH, decimals(energy))
    return _ONE.scaleb(_WH - places)


def check_times(where: str, start_at: Micros, stop_at: Micros | None) -> None:
    """A session ends when it has begun. Raises `RecordError`."""
    if stop_at is not None and stop_at < start_at:
        seconds = (start_at - stop_at) // _SECOND
        raise RecordError(
            "end-before-start", where, f"is {seconds} s before the start", "look for a wrong zone, or swapped columns"
        )


def check_energy(where: str, kwh: Decimal, start_at: Micros, stop_at: Micros | None) -> None:
    """An energy is not negative, and no larger than a connector gives in that time. Raises `RecordError`."""
    if kwh < 0:
        raise RecordError(
            "negative-energy", where, f"is {kwh:f} kWh", "look for a register that ran backwards, or was exchanged"
        )
    if stop_at is not None and stop_at > start_at:
        mean = kwh * _HOUR / (stop_at - start_at)
        if mean > MAX_KW and kwh > MAX_KW / 100:
            raise RecordError(
                "energy-unit",
                where,
                f"is {kwh:f} kWh, a mean power of {mean:.0f} kW: no connector gives that",
                "is it in Wh? OCPI asks for kWh",
            )


def _check_sum(fields: Fields, name: str, energy: Decimal, periods: tuple[Period, ...]) -> None:
    """The energies of the periods make the whole."""
    parts = [one.energy_wh for one in periods if one.energy_wh is not None]
    if not parts:
        return
    whole, total = energy.scaleb(_WH), sum(parts, Decimal())
    if abs(whole - total) <= max(Decimal(len(parts) + 1), total / 1000):
        return
    for factor, unit in ((_THOUSAND, "1000 times"), (_ONE / _THOUSAND, "a thousandth of")):
        if total and abs(whole - total * factor) <= max(_ONE, total * factor / 100):
            raise fields.error(
                "energy-unit", name, f"is {unit} what the charging periods say", "one is in Wh: OCPI asks for kWh"
            )
    raise fields.error(
        "energy-contradiction",
        name,
        f"is {whole:f} Wh and the charging periods sum up to {total:f} Wh",
        "have the sender correct one of them",
    )


def _check_hours(fields: Fields, hours: Decimal | None, start_at: Micros, stop_at: Micros | None) -> None:
    if hours is None or stop_at is None:
        return
    if hours < 0:
        raise fields.error("negative-time", "total_time", "is negative", "have the sender correct it")
    span = Decimal(stop_at - start_at) / _HOUR
    if hours > 10 * max(span, _ONE / 60):
        raise fields.error(
            "time-unit",
            "total_time",
            f"is {hours:f} h and the session lasted {span:.4f} h",
            "is it in minutes or seconds? OCPI asks for hours",
        )


def _periods(fields: Fields) -> tuple[Period, ...]:
    found = []
    for one in fields.objects("charging_periods", _MAX_PERIODS):
        volumes: dict[str, Decimal] = {}
        for dimension in one.objects("dimensions", 20):
            kind = dimension.text("type", needed=True)
            volume = dimension.number("volume", needed=True)
            if volume is not None:
                volumes[kind] = volumes.get(kind, Decimal()) + volume
        energy = volumes.get("ENERGY")
        found.append(
            Period(
                one.time("start_date_time"),
                None if energy is None else energy.scaleb(_WH),
                volumes.get("TIME"),
                volumes.get("PARKING_TIME"),
                one.text("tariff_id"),
            )
        )
    return tuple(sorted(found, key=lambda period: period.start_at))


def _price(fields: Fields, name: str, *, needed: bool) -> tuple[Decimal | None, Decimal | None]:
    """A Price (§16.6): without and with VAT. OCPI 2.1.1 had a plain number, which is without."""
    raw = fields.raw(name)
    if raw is not None and not isinstance(raw, dict):
        return fields.number(name), None
    price = fields.inner(name, needed=needed)
    if price is None:
        return None, None
    return price.number("excl_vat", needed=True), price.number("incl_vat")


def _tariffs(fields: Fields, currency: str) -> tuple[dict[str, Any], ...]:
    found = fields.objects("tariffs", _MAX_TARIFFS)
    for one in found:
        own = one.currency("currency")
        if own and own != currency:
            raise one.error(
                "foreign-currency", "currency", f"is {own} and the record's is {currency}", "bill in one currency"
            )
    return tuple(one.values for one in found)
