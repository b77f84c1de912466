"""What the demo's primary bills: OCPI CDRs and a table as SteVe exports it, with faults that can be planted. Pure.

The costs are reckoned here on their own (energy and a flat fee, VAT, half up to the cent), not by `diff.tariff`: one
error must not hide another.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec

from demo.books import Billed
from ingest.frame import Frame, Micros
from ingest.records.evse_map import EvseMap, Place
from ingest.records.intake import Intake
from ingest.timestamps import format_micros, parse_stamp

__all__ = [
    "NOBODYS_WH",
    "TARIFF",
    "WRONG_AMOUNT",
    "WRONG_WH",
    "BillingFault",
    "Delivered",
    "amount",
    "cdrs",
    "evse_map",
    "record_frames",
    "steve_table",
]

_SECOND: Final[Micros] = 1_000_000
_MINUTE: Final[Micros] = 60 * _SECOND
_HOUR: Final[Micros] = 60 * _MINUTE
_PROMPT: Final[Micros] = 30 * _SECOND
_LATE: Final[Micros] = 100 * _HOUR
_PRICE, _FLAT, _VAT = Decimal("0.49"), Decimal("0.35"), Decimal(19)
_CENT: Final = Decimal("0.01")
WRONG_WH: Final = 1500
"""So much more is billed where the energy is wrong."""
WRONG_AMOUNT: Final = Decimal("1.00")
NOBODYS_WH: Final = 5000
"""Billed of a session that never was."""

TARIFF: Final[dict[str, Any]] = {
    "country_code": "DE",
    "party_id": "DEM",
    "id": "demo",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": _PRICE, "vat": _VAT, "step_size": 1},
                {"type": "FLAT", "price": _FLAT, "vat": _VAT, "step_size": 1},
            ]
        }
    ],
    "last_updated": "2026-01-01T00:00:00Z",
}


class BillingFault(StrEnum):
    """What the primary can do wrong with one session."""

    WRONG_ENERGY = "wrong-energy"
    MISSING = "missing"
    DUPLICATE = "duplicate"
    """A second CDR under another id."""
    CREDITED = "credited"
    """A wrong one first, then its credit CDR and a right one: in the end all is well."""
    FOREIGN_TOKEN = "foreign-token"  # noqa: S105 - the name of a fault
    LATE = "late"
    WRONG_TIMES = "wrong-times"
    """Begins and ends ten minutes early."""
    WRONG_AMOUNT = "wrong-amount"
    """The right energy, and a euro too much."""
    NO_SESSION = "no-session"
    """Beside the right CDR one of a session that never was, half an hour after it."""
    UNPRICEABLE = "unpriceable"
    """Its tariff is restricted by power, which no record tells."""


class Delivered(msgspec.Struct, frozen=True):
    """A CDR, and when it comes."""

    at: Micros
    charger_id: str
    cdr: dict[str, Any]

    @property
    def text(self) -> str:
        """JSON, numbers with their digits."""
        return _encode(self.cdr).decode()


_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def amount(energy_wh: int) -> Decimal:
    """What a session of so much energy costs under `TARIFF`, with VAT, half up to the cent."""
    return _amounts(energy_wh)[1]


def _amounts(energy_wh: int) -> tuple[Decimal, Decimal]:
    """Without and with VAT."""
    excl = Decimal(energy_wh).scaleb(-3) * _PRICE + _FLAT
    return excl.quantize(_CENT, ROUND_HALF_UP), (excl * (1 + _VAT / 100)).quantize(_CENT, ROUND_HALF_UP)


def cdrs(billed: Iterable[Billed], faults: Mapping[int, BillingFault] | None = None) -> list[Delivered]:
    """The CDRs of the transactions that have ended, in the order of delivery. `faults`: by transactionId."""
    found = []
    for row in billed:
        if row.stopped is not None and row.energy_wh is not None:
            found += _of(row, row.energy_wh, (faults or {}).get(row.transaction_id))
    return sorted(found, key=lambda one: (one.at, one.cdr["id"]))


def _of(row: Billed, energy: int, fault: BillingFault | None) -> list[Delivered]:
    at, name = _moment(row.stopped or "") + _PROMPT, f"{row.charger_id}-{row.transaction_id}"
    right = _cdr(row, name, energy)
    match fault:
        case BillingFault.MISSING:
            return []
        case BillingFault.WRONG_ENERGY:
            return [Delivered(at, row.charger_id, _cdr(row, name, energy + WRONG_WH))]
        case BillingFault.DUPLICATE:
            again = Delivered(at + _PROMPT, row.charger_id, _cdr(row, f"{name}-again", energy))
            return [Delivered(at, row.charger_id, right), again]
        case BillingFault.CREDITED:
            wrong = _cdr(row, name, energy + WRONG_WH)
            credit = {**wrong, "id": f"{name}-C", "credit": True, "credit_reference_id": name}
            credit["total_cost"] = {key: -value for key, value in wrong["total_cost"].items()}
            new = _cdr(row, f"{name}-new", energy)
            return [
                Delivered(at + number * _PROMPT, row.charger_id, one) for number, one in enumerate((wrong, credit, new))
            ]
        case BillingFault.FOREIGN_TOKEN:
            token = {**right["cdr_token"], "uid": "04AABBCCDDEE80"}
            return [Delivered(at, row.charger_id, {**right, "cdr_token": token})]
        case BillingFault.LATE:
            return [Delivered(at + _LATE, row.charger_id, right)]
        case BillingFault.WRONG_TIMES:
            early = (format_micros(_moment(one or "") - 10 * _MINUTE) for one in (row.started, row.stopped))
            moved = msgspec.structs.replace(row, **dict(zip(("started", "stopped"), early, strict=True)))
            return [Delivered(at, row.charger_id, _cdr(moved, name, energy))]
        case BillingFault.WRONG_AMOUNT:
            cost = {key: value + WRONG_AMOUNT for key, value in right["total_cost"].items()}
            return [Delivered(at, row.charger_id, {**right, "total_cost": cost})]
        case BillingFault.NO_SESSION:
            return [Delivered(at, row.charger_id, right), Delivered(at, row.charger_id, _of_nobody(row, name))]
        case BillingFault.UNPRICEABLE:
            elements = [{**element, "restrictions": {"min_power": 5}} for element in TARIFF["elements"]]
            return [Delivered(at, row.charger_id, {**right, "tariffs": [{**TARIFF, "elements": elements}]})]
        case None:
            return [Delivered(at, row.charger_id, right)]


def _of_nobody(row: Billed, name: str) -> dict[str, Any]:
    """A CDR of half an hour in which nobody charged."""
    ended = _moment(row.stopped or "")
    started, stopped = format_micros(ended + 30 * _MINUTE), format_micros(ended + 60 * _MINUTE)
    return _cdr(msgspec.structs.replace(row, started=started, stopped=stopped), f"{name}-nobody", NOBODYS_WH)


def _cdr(row: Billed, name: str, energy_wh: int) -> dict[str, Any]:
    """OCPI 2.2.1 §10.3.1."""
    kwh = Decimal(energy_wh).scaleb(-3)
    hours = (Decimal(_moment(row.stopped or "") - _moment(row.started)) / _HOUR).quantize(Decimal("0.0001"))
    excl, incl = _amounts(energy_wh)
    volumes = [{"type": "ENERGY", "volume": kwh}, {"type": "TIME", "volume": hours}]
    return {
        "country_code": "DE",
        "party_id": "DEM",
        "id": name,
        "start_date_time": row.started,
        "end_date_time": row.stopped,
        "cdr_token": {"uid": row.id_tag, "type": "RFID", "contract_id": f"DE-DEM-C{row.transaction_id:08d}-1"},
        "auth_method": "WHITELIST",
        "cdr_location": {
            "id": row.charger_id,
            "evse_uid": f"{row.charger_id}-{row.connector_id}",
            "evse_id": f"DE*DEM*E{row.charger_id}*{row.connector_id}",
            "connector_id": "1",
        },
        "currency": "EUR",
        "tariffs": [TARIFF],
        "charging_periods": [{"start_date_time": row.started, "dimensions": volumes, "tariff_id": "demo"}],
        "total_cost": {"excl_vat": excl, "incl_vat": incl},
        "total_energy": kwh,
        "total_time": hours,
        "last_updated": row.stopped,
    }


def evse_map(billed: Iterable[Billed]) -> EvseMap:
    """The EVSE map of these transactions: one EVSE for each connector."""
    places = {(row.charger_id, row.connector_id) for row in billed}
    return EvseMap(
        tuple(
            Place(charger=charger, connector_id=connector, evse_uid=f"{charger}-{connector}")
            for charger, connector in sorted(places)
        )
    )


def record_frames(
    delivered: Iterable[Delivered], evses: EvseMap, redact: Callable[[str], str] = lambda text: text
) -> list[Frame]:
    """CDRs as `record` frames, the way they come in."""
    intake = Intake(redact, evses)
    taken = [(one, item) for one in delivered for item in intake.ocpi(one.text, "demo", one.at)]
    refused = [item for _, item in taken if not isinstance(item, Frame)]
    if refused:
        raise ValueError(f"the demo's own CDR is refused: {refused[0].reason}")
    return [item for _, item in taken if isinstance(item, Frame)]


def steve_table(billed: Iterable[Billed]) -> str:
    """The transactions as SteVe exports them (examples/steve-transactions.toml maps the columns)."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = "transaction_pk charge_box_id connector_id id_tag start_timestamp start_value stop_timestamp stop_value"
    writer.writerow(names.split())
    for row in billed:
        stop = "" if row.meter_stop is None else row.meter_stop
        ids = (row.transaction_id, row.charger_id, row.connector_id, row.id_tag)
        writer.writerow((*ids, row.started, row.meter_start, row.stopped or "", stop))
    return out.getvalue()


def _moment(text: str) -> Micros:
    at = parse_stamp(text).at
    if at is None:
        raise ValueError(f"the books hold a time that is none: {text[:40]!r}")
    return at
