"""The gap audit of one charging station: `audit` is the entry. Pure.

It says what is there, what follows, what is missing and what nobody knows, each with what it was counted over; then
what is left to do, as counts. The renderers beside it show the same content as Markdown, HTML and JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from diff.audit.blocks import BLOCKS
from diff.audit.evidence import Evidence
from diff.audit.readiness import DEFAULT, Measure, Standing, Thresholds, readiness
from diff.audit.required import Applies, RequiredVariable, Requirement, State, requirements
from diff.audit.security import Have, Security, security
from diff.audit.statements import Statement, Verdict, statements
from diff.audit.tiers import Tiers, tiers
from shadow.device_model.model import DeviceModel, KeyFate, KeyState

__all__ = ["Audit", "Work", "audit"]

_WITH_A_PLACE: Final = frozenset(vendor for block in BLOCKS for vendor in block.vendors)
"""vendorIds whose messages 2.0.1 has messages of its own for."""


class Work(msgspec.Struct, frozen=True):
    """One kind of work that is left."""

    name: str
    count: int
    of: int
    """What it is counted among: a zero of zero is blindness."""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one charging station."""

    charger_id: str
    vendor: str
    model: str
    firmware: str
    native: bool
    """It speaks 2.0.1: the statements are about what it does, not about what it would."""
    asked_all: bool
    """It was asked for all of its configuration."""
    evidence: Evidence
    blocks: tuple[Statement, ...]
    required: tuple[Requirement, ...]
    keys: tuple[KeyState, ...]
    security: Security
    readiness: tuple[Measure, ...]
    tiers: Tiers
    keep: tuple[Measure, ...]
    """Why it is better kept on 1.6 for now: the measures beyond their thresholds."""
    work: tuple[Work, ...]


def audit(
    model: DeviceModel,
    evidence: Evidence,
    required: Iterable[RequiredVariable] = (),
    thresholds: Thresholds = DEFAULT,
) -> Audit:
    """Audit one charging station: its device model, what its traffic showed, and the variables that 2.0.1 requires."""
    blocks = statements(model, evidence)
    wanted = requirements(model, required, blocks)
    standing = security(model, evidence)
    measures = readiness(model, evidence, thresholds)
    keep = tuple(measure for measure in measures if measure.standing is Standing.BEYOND)
    return Audit(
        charger_id=model.charger_id,
        vendor=model.vendor,
        model=model.model,
        firmware=model.firmware,
        native=model.native,
        asked_all=model.asked_all,
        evidence=evidence,
        blocks=blocks,
        required=wanted,
        keys=tuple(map(_told, model.keys)),
        security=standing,
        readiness=measures,
        tiers=tiers(model, wanted),
        keep=keep,
        work=_work(blocks, wanted, model.keys, standing, measures, evidence),
    )


def _told(key: KeyState) -> KeyState:
    """A secret has no value here, whoever made the device model."""
    return replace(key, value=None) if key.fate is KeyFate.SECRET else key


def _work(
    blocks: Sequence[Statement],
    required: Sequence[Requirement],
    keys: Sequence[KeyState],
    standing: Security,
    measures: Sequence[Measure],
    evidence: Evidence,
) -> tuple[Work, ...]:
    verdicts = Counter(statement.verdict for statement in blocks)
    asked = [one for one in required if one.applies is Applies.YES]
    states = Counter(one.state for one in asked)
    known = [key for key in keys if key.known]
    fates = Counter(key.fate for key in known)
    needs = Counter(need.have for need in standing.needs)
    judged = Counter(measure.standing for measure in measures)
    own = [one for one in evidence.transfers if one.vendor.lower() not in _WITH_A_PLACE]
    return (
        Work("functional blocks that are missing", verdicts[Verdict.MISSING], len(blocks)),
        Work("functional blocks that nobody knows of: test them", verdicts[Verdict.UNKNOWN], len(blocks)),
        Work("commands that it said it does not have", sum(len(one.lacking) for one in blocks), _commands(blocks)),
        Work("required variables that nothing supplies", states[State.MISSING], len(asked)),
        Work("required variables that are assumed", states[State.ASSUMED], len(asked)),
        Work(
            "required variables whose value the standard does not allow",
            sum(bool(one.flaws) for one in asked),
            len(asked),
        ),
        Work("required variables that apply or not: their block is unknown", _open(required), len(required)),
        Work("vendor keys without a variable: map them", fates[KeyFate.UNMAPPED], len(known)),
        Work("keys of which 2.0.1 says only a part", fates[KeyFate.LOSSY], len(known)),
        Work("keys of the standard that 2.0.1 does not have", fates[KeyFate.NO_EQUIVALENT], len(known)),
        Work("kinds of DataTransfer to find a place for", len(own), len(evidence.transfers)),
        Work("needs of the next security profile that are missing", needs[Have.MISSING], len(standing.needs)),
        Work("needs of the next security profile to look into", needs[Have.UNKNOWN], len(standing.needs)),
        Work("reasons to keep it on 1.6 for now", judged[Standing.BEYOND], len(measures)),
        Work("measures of its hardware that are unknown", judged[Standing.UNKNOWN], len(measures)),
    )


def _commands(blocks: Sequence[Statement]) -> int:
    return len({(one.letter, row.action) for one in blocks for row in one.seen if row.direction.value == "cs>cp"})


def _open(required: Sequence[Requirement]) -> int:
    return sum(one.applies is Applies.UNKNOWN for one in required)
