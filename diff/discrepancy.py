"""The discrepancy: two pictures of the world that differ, or a rule that was broken, with its evidence."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b

import msgspec

from ingest.frame import Micros

__all__ = ["Class", "Discrepancy", "JudgedSession", "Severity", "Status", "discrepancy_id", "session_id"]


class Class(StrEnum):
    """What kind of disagreement it is."""

    MISMATCH = "mismatch"
    """Shadow and primary hold different truths."""
    EXPECTED_LOSS = "expected-loss"
    """2.0.1 asks for something that 1.6 cannot say, or the reverse: known, counted, not a bug."""
    QUALITY = "quality"
    """The charging station, the primary or the wire broke a rule that 2.0.1 will not forgive."""


class Severity(StrEnum):
    """How much it matters; `critical` is money or identity."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


class Status(StrEnum):
    """Whether it still holds."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    """Later evidence took it back."""


class Discrepancy(msgspec.Struct, frozen=True):
    """One discrepancy in its newest version."""

    id: str
    code: str
    class_: Class = msgspec.field(name="class")
    severity: Severity
    charger_id: str
    evse_id: int | None
    connector_id: int | None
    session_id: str | None
    path: str
    primary: str | None
    shadow: str | None
    delta: Decimal | None
    unit: str | None
    frames: tuple[str, ...]
    """The frames that prove it: the first ones and the last ones, at most eight."""
    occurrences: int
    """How often it was seen under this id."""
    occurred_at: Micros | None
    """The charging station's own time of it, where it gave one."""
    observed_at: Micros
    """Tap clock: when this version came to be known."""
    first_received_at: Micros
    """Tap clock: when the first evidence came. Never changes, the store is partitioned by it."""
    fingerprint: str
    title: str
    """The fingerprint in words."""
    detail: str
    status: Status
    version: int
    """Rises with each change of this id, from 1."""
    vendor: str
    model: str
    firmware: str
    mapper_version: str
    policy_version: str
    schema_version: str
    judging_run: str


class JudgedSession(msgspec.Struct, frozen=True):
    """A session with both its sides, in its newest version."""

    session_id: str
    charger_id: str
    connector_id: int | None
    evse_id: int | None
    primary_transaction_id: str | None
    shadow_transaction_id: str | None
    id_token: str | None
    started_at: Micros | None
    stopped_at: Micros | None
    stop_reason: str | None
    primary_energy_wh: Decimal | None
    shadow_energy_wh: Decimal | None
    complete: bool
    """Both sides have ended and the shadow lacks nothing; a native session has the shadow's side only."""
    compared: bool
    """Both sides have ended and were compared."""
    judged: bool
    """Its connector is enrolled for judgement."""
    first_received_at: Micros
    last_received_at: Micros
    vendor: str
    model: str
    firmware: str
    version: int
    judging_run: str
    status: Status = Status.OPEN
    """Withdrawn where judging again in canonical order does not know it."""
    record_id: str | None = None
    """Of the billing record (CDR) that bills it; None while there is none."""
    record_energy_wh: Decimal | None = None
    """Energy billed by that record."""
    record_amount: Decimal | None = None
    """Amount billed by that record: with VAT where it says it, else without."""
    record_currency: str | None = None
    """Of all amounts here; ISO 4217."""
    shadow_amount: Decimal | None = None
    """What the shadow's session costs under the tariff of the record."""
    amount_delta: Decimal | None = None
    """`shadow_amount` less what the record's own energy and times cost under the same tariff."""
    key_version: str = ""
    """The key that `id_token` is a pseudonym under; empty where that is not known."""


def session_id(charger_id: str, key: str) -> str:
    """Identity of a session: the charger and what opened it (a frame, or a native transactionId)."""
    return blake2b(f"{charger_id}\x1f{key}".encode(), digest_size=10).hexdigest()


def discrepancy_id(charger_id: str, session: str | None, code: str, path: str) -> str:
    """Identity of a discrepancy. Holds no version: a better mapper corrects the row, it does not add one."""
    return blake2b("\x1f".join((charger_id, session or "", code, path)).encode(), digest_size=10).hexdigest()
