"""What counts as equal, field by field, and how long to wait before something counts as missing.

Versioned: every row names it. The defaults here hold where nobody wrote a file (`diff.policy_file`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import replace

from diff.tariff.book import EMPTY, TariffBook
from ingest.frame import Micros

__all__ = ["DEFAULT", "JUDGING_RUN", "REASONS", "SECOND", "Kind", "Numbers", "Policy", "Words", "named"]

SECOND: Final[Micros] = 1_000_000
JUDGING_RUN: Final = "live"
"""The name of the run that judges frames as they come."""
_DIGEST_BYTES: Final = 4


class Kind(StrEnum):
    """How the two values of a field are held against each other."""

    EXACT = "exact"
    """They have to be the same."""
    TOLERANCE = "tolerance"
    """They may differ by so much."""
    SEMANTIC = "semantic"
    """They have to mean the same."""
    IGNORE = "ignore"
    """They are not compared, for a reason that is written down."""


class Numbers(msgspec.Struct, frozen=True):
    """How an energy, a time or an amount is held against another. In the field's unit: Wh, seconds, currency."""

    kind: Kind = Kind.TOLERANCE
    absolute: Decimal = Decimal()
    relative_percent: Decimal = Decimal()
    """Of the primary's value; it adds to `absolute`."""
    resolution: bool = False
    """The resolution of the readings adds to both: two that are each good to one resolution differ by up to one."""
    reason: str = ""
    """Why it is not compared."""

    @property
    def ignored(self) -> bool:
        """It is not compared."""
        return self.kind is Kind.IGNORE

    def allowed(self, primary: Decimal, resolution: Decimal = Decimal()) -> Decimal:
        """By how much the other value may differ; `resolution` of both sides together, in the field's unit."""
        if self.kind is Kind.EXACT:
            return Decimal()
        share = abs(primary) * self.relative_percent / 100 if self.relative_percent else Decimal()
        return self.absolute + share + (resolution if self.resolution else 0)


REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    # 1.6 §7.36 → the 2.0.1 stoppedReasons that mean the same (2.0.1 §3.63). Written from the primary's side and on
    # purpose apart from the station's own table.
    "Local": ("Local",),
    "Remote": ("Remote",),
    "DeAuthorized": ("DeAuthorized",),
    "EVDisconnected": ("EVDisconnected",),
    "HardReset": ("ImmediateReset",),
    "SoftReset": ("ImmediateReset",),
    "Reboot": ("Reboot", "ImmediateReset"),
    "PowerLoss": ("PowerLoss",),
    "EmergencyStop": ("EmergencyStop",),
    "UnlockCommand": ("Other",),
    "Other": ("Other",),
}


class Words(msgspec.Struct, frozen=True):
    """How a token or a reason is held against another."""

    kind: Kind = Kind.SEMANTIC
    ignore_case: bool = False
    same: tuple[tuple[str, ...], ...] = ()
    """Groups of words that mean the same."""
    means: Mapping[str, tuple[str, ...]] = {}
    """What a word of the primary is called in 2.0.1."""
    otherwise: tuple[str, ...] = ()
    """What every other word of the primary is called; empty: as it is."""
    reason: str = ""
    """Why it is not compared."""

    def equal(self, primary: str, shadow: str) -> bool:
        """Whether they count as equal."""
        if self.kind is Kind.IGNORE:
            return True
        if self.kind is Kind.EXACT:
            return primary == shadow
        meant = self.means.get(primary) or self.otherwise or (primary,)
        return self._plain(shadow) in {self._plain(word) for word in meant}

    def _plain(self, word: str) -> str:
        """The word that stands for all that mean the same."""
        plain = self._case(word)
        for group in self.same:
            if plain in map(self._case, group):
                return self._case(group[0])
        return plain

    def _case(self, word: str) -> str:
        return word.lower() if self.ignore_case else word


class Policy(msgspec.Struct, frozen=True):
    """Which differences count, and settling times."""

    version: str = "1"
    energy: Numbers = Numbers(absolute=Decimal(1), resolution=True)
    """Of the session in Wh; 1.6 gives meterStart and meterStop in whole Wh, hence the one beside the resolution."""
    token: Words = Words(ignore_case=True, same=(("", "NoAuthorization"),))
    """Tokens are the same whatever their case; 1.6 stations write `NoAuthorization` where 2.0.1 leaves it empty."""
    start: Numbers = Numbers(absolute=Decimal(1))
    """Between the billed start and the one of the 2.0.1 session, in seconds; both are the charging station's clock."""
    stop: Numbers = Numbers(absolute=Decimal(1))
    stop_reason: Words = Words(means=REASONS, otherwise=("Other",))
    zero: Numbers = Numbers(absolute=Decimal(3))
    """A session without energy is named `session.zero`; within a tolerance also one that is shorter, in seconds."""
    record_energy: Numbers = Numbers(absolute=Decimal(1), resolution=True)
    """Between a record's energy and the session's, in Wh."""
    record_token: Words = Words()
    """Semantic: as `diff.billing.matching.same_token` knows them again."""
    record_start: Numbers = Numbers(absolute=Decimal(60))
    """Between a record's start and the session's, in seconds: billing systems round to minutes."""
    record_stop: Numbers = Numbers(absolute=Decimal(60))
    record_amount: Numbers = Numbers(absolute=Decimal("0.01"))
    """Between a record's total cost and what its own tariff gives: others round each component."""
    settle_missing: Micros = 900 * SECOND
    """How long the other side may lack a session, or its end, before that is judged."""
    settle_reboot: Micros = 600 * SECOND
    """How long a session may stay silent after a reboot before it counts as never ended."""
    settle_silence: Micros = 86_400 * SECOND
    """How long an open session may stay silent at all."""
    records_expected: bool = False
    """Every settled session is billed by a record: one without is `session.missing-in-primary`."""
    settle_record: Micros = 259_200 * SECOND
    """How long a session may lack its billing record, or a record its session."""
    record_window: Micros = 300 * SECOND
    """A record whose start and stop are both so near to a session's may be its record without overlapping it."""
    tariffs: TariffBook = EMPTY
    """For records that bring no tariff, and the time zones of all."""


DEFAULT: Final = Policy()


def named(policy: Policy, name: str = "") -> Policy:
    """The policy under its version: what a file names it, and a digest of what it says.

    Two that say different things have different versions, whatever they are called. Without a name it is one that
    nobody wrote a file for: the built-in one keeps its plain version.
    """
    plain = replace(policy, version=DEFAULT.version)
    if not name and plain == DEFAULT:
        return DEFAULT
    # Decimals are written in one way: 1 and 1.0 are the same tolerance.
    rest = msgspec.json.encode(replace(plain, tariffs=None), order="sorted", enc_hook=str)
    digest = blake2b(rest + plain.tariffs.said, digest_size=_DIGEST_BYTES).hexdigest()
    return replace(policy, version=f"{name or DEFAULT.version}+{digest}")
