"""The gap audit of many charging stations together: how many stand where, and what is left for all of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from diff.audit.audit import Audit, Work
from diff.audit.readiness import Measure, Standing
from diff.audit.required import Applies, Requirement, State
from diff.audit.statements import Verdict

__all__ = ["BlockCount", "CohortAudit", "Kept", "Lack", "Station", "cohort"]


class BlockCount(msgspec.Struct, frozen=True):
    """How many stations of a cohort stand where with one functional block."""

    letter: str
    name: str
    profiles: tuple[str, ...]
    evidenced: int
    derivable: int
    missing: int
    unknown: int
    calls: int
    accepted: int


class Lack(msgspec.Struct, frozen=True):
    """A required variable that not all stations of a cohort have."""

    name: str
    block: str
    condition: str
    missing: int
    assumed: int
    flawed: int
    of: int
    """Stations that it applies to."""


class Kept(msgspec.Struct, frozen=True):
    """A station that is better kept on 1.6 for now, and why."""

    charger_id: str
    reasons: tuple[Measure, ...]


class Station(msgspec.Struct, frozen=True):
    """One station of a cohort, in a line."""

    charger_id: str
    vendor: str
    model: str
    firmware: str
    evidenced: int
    derivable: int
    missing: int
    unknown: int
    lacking: int
    """Required variables that nothing supplies."""
    security: int | None
    keep: bool
    frames: int
    transactions: int
    days: int


class CohortAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of many charging stations together."""

    name: str
    stations: tuple[Station, ...]
    blocks: tuple[BlockCount, ...]
    required: tuple[Lack, ...]
    """Those that most stations lack first; empty where every station has all of them."""
    required_of: int
    """Required variables that were looked for."""
    security: tuple[tuple[str, int], ...]
    """Security profile now (`unknown` where it is) → stations."""
    keep: tuple[Kept, ...]
    unjudged: int
    """Stations of which every measure of readiness is unknown: not kept is no praise for them."""
    work: tuple[Work, ...]
    frames: int
    transactions: int
    days: int
    """Charger-days on which something was seen."""


def cohort(name: str, audits: Sequence[Audit]) -> CohortAudit:
    """Count over many audits, in the order of charging station ids."""
    members = sorted(audits, key=lambda one: one.charger_id)
    stations = tuple(map(_station, members))
    profiles = Counter("unknown" if one.security is None else str(one.security) for one in stations)
    work: dict[str, list[int]] = {}
    for one in members:
        for item in one.work:
            total = work.setdefault(item.name, [0, 0])
            total[0], total[1] = total[0] + item.count, total[1] + item.of
    return CohortAudit(
        name=name,
        stations=stations,
        blocks=_blocks(members),
        required=_lacks(members),
        required_of=len({one.name for member in members for one in member.required}),
        security=tuple(sorted(profiles.items())),
        keep=tuple(Kept(one.charger_id, one.keep) for one in members if one.keep),
        unjudged=sum(all(m.standing is Standing.UNKNOWN for m in one.readiness) for one in members),
        work=tuple(Work(what, *numbers) for what, numbers in work.items()),
        frames=sum(one.frames for one in stations),
        transactions=sum(one.transactions for one in stations),
        days=sum(one.days for one in stations),
    )


def _station(one: Audit) -> Station:
    verdicts = Counter(statement.verdict for statement in one.blocks)
    lacking = sum(row.state is State.MISSING for row in one.required if row.applies is Applies.YES)
    return Station(
        one.charger_id,
        one.vendor,
        one.model,
        one.firmware,
        verdicts[Verdict.EVIDENCED],
        verdicts[Verdict.DERIVABLE],
        verdicts[Verdict.MISSING],
        verdicts[Verdict.UNKNOWN],
        lacking,
        one.security.now,
        bool(one.keep),
        one.evidence.frames,
        one.evidence.transactions,
        one.evidence.days,
    )


def _blocks(members: Sequence[Audit]) -> tuple[BlockCount, ...]:
    rows = []
    for statements_ in zip(*(one.blocks for one in members), strict=True):
        verdicts = Counter(statement.verdict for statement in statements_)
        first = statements_[0]
        rows.append(
            BlockCount(
                first.letter,
                first.name,
                first.profiles,
                verdicts[Verdict.EVIDENCED],
                verdicts[Verdict.DERIVABLE],
                verdicts[Verdict.MISSING],
                verdicts[Verdict.UNKNOWN],
                sum(one.calls for one in statements_),
                sum(one.accepted for one in statements_),
            )
        )
    return tuple(rows)


def _lacks(members: Sequence[Audit]) -> tuple[Lack, ...]:
    found: dict[str, tuple[Requirement, Counter[str]]] = {}
    for member in members:
        for one in member.required:
            _, numbers = found.setdefault(one.name, (one, Counter()))
            if one.applies is Applies.YES:
                numbers.update({"of": 1, one.state.value: 1, "flawed": bool(one.flaws)})
    rows = [
        Lack(name, one.block, one.condition, numbers[_MISSING], numbers[_ASSUMED], numbers["flawed"], numbers["of"])
        for name, (one, numbers) in found.items()
        if numbers[_MISSING] or numbers[_ASSUMED] or numbers["flawed"]
    ]
    return tuple(sorted(rows, key=lambda row: (-row.missing, -row.assumed, row.name)))


_MISSING: Final = State.MISSING.value
_ASSUMED: Final = State.ASSUMED.value
