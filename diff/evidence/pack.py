"""The evidence as data: what the report is made of, and nothing else. It is written as JSON beside the report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from diff.acknowledgement import Acknowledged
from diff.audit.security import Security
from diff.audit.tiers import Tiers
from diff.cohort import Member
from diff.gates.evidence import Kind, Sight
from diff.gates.verdict import Verdict
from diff.noise import NoiseRun
from ingest.frame import Micros

__all__ = [
    "FORMAT",
    "Amount",
    "Bills",
    "EvidenceError",
    "Fingerprint",
    "ModelPicture",
    "Named",
    "Pack",
    "Seen",
    "StationSecurity",
    "decode",
    "encode",
]

FORMAT: Final = "shadow-csms.evidence.v1"
_LONGEST: Final = 256 * 1024 * 1024


class EvidenceError(ValueError):
    """No evidence that a report can be made of; the message says why."""


class Amount(msgspec.Struct, frozen=True):
    """Money in one currency."""

    currency: str
    amount: Decimal
    sessions: int


class Fingerprint(msgspec.Struct, frozen=True):
    """A cause on the cohort's charging stations."""

    fingerprint: str
    title: str
    code: str
    severity: str
    state: str
    open: int
    chargers: int
    sessions: int
    comparisons: int
    first_seen: Micros
    last_seen: Micros
    wh: Decimal | None
    """Sum of the differences, without their signs."""
    money: dict[str, Decimal]
    """By how much the amounts of its sessions differ, without their signs; the whole of it although a session may have
    other causes too. Empty where no billing record says what a session costs."""
    acknowledged: bool


class Named(msgspec.Struct, frozen=True):
    """A name and how often it was seen."""

    name: str
    count: int
    chargers: int = 0


class StationSecurity(msgspec.Struct, frozen=True):
    """The security profile of one charging station."""

    charger_id: str
    security: Security


class ModelPicture(msgspec.Struct, frozen=True):
    """The device model of one charging station that stands for its vendor, model and firmware."""

    vendor: str
    model: str
    firmware: str
    charger_id: str
    stations: int
    """Of that kind in the cohort."""
    tiers: Tiers


class Bills(msgspec.Struct, frozen=True):
    """What billing records say of the cohort's sessions."""

    sessions: int
    """Compared ones."""
    billed: int
    """Those that a record bills."""
    energy_differs: int
    """Those of them whose record bills another energy than the shadow saw."""
    amounts: tuple[Amount, ...]
    """Sum of the amount differences (shadow less record), without their signs."""


class Seen(msgspec.Struct, frozen=True):
    """How much all of it rests on."""

    frames: int
    connections: int
    bytes_forwarded: int
    bytes_parsed: int
    sessions: int
    weighed: int
    """Sessions whose energy both sides knew."""
    comparisons: int


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    format: str = FORMAT
    made_at: Micros
    judging_run: str
    cohort: str
    verdict: Verdict
    previous: str
    """The verdict before this one, and its time; empty where there was none."""
    thresholds: Mapping[str, Any]
    members: tuple[Member, ...]
    missing: tuple[str, ...]
    seen: Seen
    fingerprints: tuple[Fingerprint, ...]
    fingerprints_total: int
    acknowledged: tuple[Acknowledged, ...]
    kinds: tuple[Kind, ...]
    used: tuple[str, ...]
    """Actions that the fleet uses."""
    sights: tuple[Sight, ...]
    """Those that were seen least completely."""
    certification: Mapping[str, Any] | None
    """What `certification --json` gives; None where it was not asked for."""
    certification_read: str
    security: tuple[StationSecurity, ...]
    security_events: tuple[Named, ...]
    certificates: tuple[Named, ...]
    """Exchanges about certificates: action and how it was answered."""
    pictures: tuple[ModelPicture, ...]
    audited: int
    """Charging stations that security and device models were looked at of."""
    bills: Bills
    noise: NoiseRun | None
    versions: Mapping[str, str]


def encode(pack: Pack) -> bytes:
    """As the file is written: the same evidence gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(pack), indent=2) + b"\n"


def decode(data: bytes) -> Pack:
    """Read such a file.

    Raises:
        EvidenceError: it is none, or of another format.

    """
    if len(data) > _LONGEST:
        raise EvidenceError(f"{len(data)} bytes: at most {_LONGEST} are read")
    try:
        pack = msgspec.json.decode(data, type=Pack)
    except (msgspec.MsgspecError, UnicodeError, ArithmeticError, RecursionError) as error:
        raise EvidenceError(f"no evidence of this version: {error}") from None
    if pack.format != FORMAT:
        raise EvidenceError(f"evidence of the format {pack.format[:80]!r}, not {FORMAT!r}")
    return pack
