"""The alert as it is published, and what of it is remembered while it stands. Pure."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b

import msgspec

from diff.discrepancy import Severity
from ingest.frame import Micros

__all__ = ["Alert", "AlertKind", "AlertState", "alert_id"]


class AlertKind(StrEnum):
    """What is alerted of. Readers take a kind that they do not know as something else."""

    CRITICAL_FINGERPRINT = "critical-fingerprint"
    """A cause with open critical discrepancies that is new or back, and that nobody answers for."""
    GATE_FLIP = "gate-flip"
    """The verdict on a cohort is another one than before."""
    BLIND_TAP = "blind-tap"
    """Traffic is forwarded and cannot be seen."""
    SILENT_CHARGER = "silent-charger"
    """Nothing was heard of a charging station for too long."""
    HELD_BACK = "held-back"
    """So many alerts were due that not all of them were said."""


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    CLOSED = "closed"
    """It is over; or, where it was never open, there is nothing left to wait for."""


class Alert(msgspec.Struct, frozen=True):
    """One word of one alert: that it is open, or that it is closed."""

    id: str
    """The same for the word that opens it, for the one that closes it, and however often either is delivered."""
    kind: AlertKind
    state: AlertState
    severity: Severity
    charger_id: str
    """Empty where it is about no single charging station."""
    subject: str
    """What it is about: a fingerprint, a cohort, a charging station; `fleet` where it is about all."""
    title: str
    detail: str
    opened_at: Micros
    """When it was opened."""
    at: Micros
    """When this word was said."""
    link: str = ""
    """Where the dashboard shows it; empty where the setting `dashboard_url` is not given."""
    held_back: int = 0
    """Of `held-back`: alerts that are due and were not said yet."""


def alert_id(kind: AlertKind, subject: str, opened_at: Micros) -> str:
    """The identity of an alert."""
    return blake2b(f"{kind.value}\x1f{subject}\x1f{opened_at}".encode(), digest_size=10).hexdigest()
