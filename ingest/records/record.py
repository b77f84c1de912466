"""The billing record: what the primary bills for one session, whatever form it was delivered in.

Energies are Wh, durations hours as OCPI has them, times microseconds; every number is an exact decimal.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from ingest.frame import Micros

__all__ = ["BillingRecord", "Period", "RecordError", "RecordKind"]


class RecordError(ValueError):
    """A record that cannot be used: what was found, where, which rule it breaks, what to do next.

    `rule` is one word for counting (`end-before-start`); `masked` is the message without what stood in the record,
    which may be about a person: this is the one that may be stored.
    """

    def __init__(self, rule: str, where: str, found: str, remedy: str, *, shown: str = "") -> None:
        super().__init__(f"{where} {found}{f' ({shown[:60]})' if shown else ''} [{rule}]; {remedy}")
        self.rule = rule
        self.where = where
        self.masked = f"{where} {found} [{rule}]; {remedy}"


class RecordKind(StrEnum):
    """What form it was delivered in."""

    CDR = "cdr"
    """OCPI 2.2.1 §10.3.1: sealed; corrected only by a credit CDR and a new one."""
    SESSION = "session"
    """OCPI 2.2.1 §9.3.1: changes while it runs; only a completed one is compared."""
    TABLE = "table"
    """A row of a table, such as an export of the primary's transactions."""


class Period(msgspec.Struct, frozen=True, omit_defaults=True):
    """A charging period (OCPI 2.2.1 §10.4.2): from `start_at` to the start of the next, or to the end."""

    start_at: Micros
    energy_wh: Decimal | None = None
    time_h: Decimal | None = None
    """TIME: hours of charging."""
    parking_h: Decimal | None = None
    """PARKING_TIME: hours without charging."""
    tariff_id: str = ""


class BillingRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One billing record."""

    source: str
    """Who gives such ids: `ocpi.BE.BEC` (country code and party), or the name of the table's mapping."""
    id: str
    kind: RecordKind
    start_at: Micros
    stop_at: Micros | None
    """None of a session that runs, and of a row without an end."""
    energy_wh: Decimal | None
    resolution_wh: Decimal
    """How exact the energy may be: one Wh, or finer where more decimals stand there. A JSON number drops its zeros."""
    tokens: tuple[str, ...] = ()
    """Pseudonyms by which the driver may be known: uid, contract_id, auth_id; the uid first."""
    token_type: str = ""
    """OCPI TokenType (§12.4.4): RFID, APP_USER, AD_HOC_USER, OTHER; empty where none stands."""
    evse_uid: str = ""
    evse_id: str = ""
    connector: str = ""
    """OCPI's connector id."""
    charger_id: str = ""
    """Where the record itself names the charging station (tables)."""
    connector_id: int | None = None
    """The 1.6 connector, where it is known."""
    meter_id: str = ""
    currency: str = ""
    tariffs: tuple[dict[str, Any], ...] = ()
    """As they stand in the record."""
    periods: tuple[Period, ...] = ()
    time_h: Decimal | None = None
    parking_h: Decimal | None = None
    cost_excl: Decimal | None = None
    """`total_cost`, without VAT."""
    cost_incl: Decimal | None = None
    reserved: bool = False
    """Its cost holds that of a reservation, which no charging period tells."""
    credit: bool = False
    """It takes back the record `credits`."""
    credits: str = ""
    status: str = ""
    """OCPI SessionStatus (§9.4.2); empty of a CDR."""
    updated_at: Micros | None = None
    """When it was last changed, or when the primary took the stop in."""
    transaction_id: str | None = None
    """The primary's 1.6 transactionId, where the record has it."""
    meter_start_wh: Decimal | None = None
    """The registers, where the record has them (tables)."""
    meter_stop_wh: Decimal | None = None
    key_version: str = ""
    """The key that its tokens are pseudonyms under; empty where that is not known."""

    @property
    def key(self) -> str:
        """Its identity over all ways in; the connection ids of its frames begin with it."""
        return f"record:{self.source}:{self.id}"

    @property
    def credits_key(self) -> str:
        """The key of the record that it takes back."""
        return f"record:{self.source}:{self.credits}"

    @property
    def running(self) -> bool:
        """Whether it is not a bill yet."""
        return self.stop_at is None or (self.kind is RecordKind.SESSION and self.status != "COMPLETED")

    @property
    def cost(self) -> Decimal | None:
        """The amount billed: with VAT where it stands there, else without."""
        return self.cost_excl if self.cost_incl is None else self.cost_incl
