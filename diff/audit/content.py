"""The audit of one charging station as a document. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from diff.audit.audit import Audit, Work
from diff.audit.document import (
    Cell,
    Document,
    Facts,
    Picture,
    Section,
    Sentence,
    Table,
    clean,
    mark,
    moment,
)
from diff.audit.evidence import Evidence
from diff.audit.inventory import connections_of, keys_of, transfers_of
from diff.audit.readiness import Measure, Standing
from diff.audit.required import Applies, Requirement, State
from diff.audit.security import Have
from diff.audit.statements import Verdict
from diff.audit.tiers import ComponentCount

__all__ = ["document", "measure_rows", "profiles", "work_table"]

_NOTHING: Final = "\N{EN DASH}"
_LONGEST_REASON: Final = 1500
_TIER_HEAD: Final = ("Tier", "Component", "Observed", "Derived", "Assumed", "Without a value", "Missing", "Not allowed")


def document(audit: Audit) -> Document:
    """The whole audit, in the order in which it is talked over."""
    return Document(
        f"Gap audit of {clean(audit.charger_id)}",
        (
            Section("Summary", (Facts(_who(audit)), *_summary(audit))),
            Section("Work left", (work_table(audit.work),)),
            Section("What was seen", (Facts(_seen(audit.evidence)), Sentence(_BLIND))),
            Section("Functional blocks", (Sentence(_BLOCKS), _blocks(audit))),
            Section("Required variables", _required(audit)),
            Section("Device model", _tiers(audit)),
            Section("Security profile", _security(audit)),
            Section("Hardware readiness", (_readiness(audit.readiness),)),
            Section("Configuration keys", keys_of(audit)),
            Section("DataTransfer", transfers_of(audit.evidence)),
            Section("Firmware and connections", connections_of(audit.evidence)),
        ),
    )


_BLIND: Final = (
    "What was not seen is unknown, and unknown is not missing: a zero stands for nothing where nothing was looked at."
)
_BLOCKS: Final = (
    "Evidenced: its traffic shows the function. Derivable: nothing shows it, its configuration says that it is there."
    " Missing: it said that it has no such thing. Unknown: neither was seen. Each functional block of 2.0.1 has the"
    " certification profiles that test it; what a 1.6 station does shows the function, not that it speaks 2.0.1."
)


def _who(audit: Audit) -> tuple[tuple[str, str], ...]:
    return (
        ("Charging station", clean(audit.charger_id)),
        ("Vendor and model", clean(f"{audit.vendor or 'unknown'} {audit.model or 'unknown'}")),
        ("Firmware", clean(audit.firmware or "unknown")),
        ("Speaks", "OCPP 2.0.1 (reported)" if audit.native else "OCPP 1.6 (predicted from it)"),
        ("Configuration", "asked for as a whole" if audit.asked_all else "never asked for as a whole"),
    )


def _summary(audit: Audit) -> tuple[Sentence, ...]:
    verdicts = Counter(statement.verdict for statement in audit.blocks)
    asked = [one for one in audit.required if one.applies is Applies.YES]
    states = Counter(one.state for one in asked)
    blocks = ", ".join(f"{verdicts[verdict]} {verdict.value}" for verdict in Verdict)
    variables = ", ".join(f"{states[state]} {state.value}" for state in State)
    unknown = sum(one.standing is Standing.UNKNOWN for one in audit.readiness)
    of = len(audit.readiness)
    if audit.keep:
        kept = "Keep it on 1.6 for now: " + "; ".join(
            f"{one.name} is {one.value} ({one.threshold})" for one in audit.keep
        )
    else:
        kept = f"No measure speaks for keeping it on 1.6: {of - unknown} of {of} are within their thresholds"
    return (
        Sentence(f"Of {len(audit.blocks)} functional blocks {blocks}."),
        Sentence(
            f"Of {len(asked)} required variables that apply {variables}."
            if asked
            else "No required variables were looked for."
        ),
        Sentence(clean(f"{kept}; {unknown} of {of} measures are unknown.", _LONGEST_REASON)),
    )


def _seen(seen: Evidence) -> tuple[tuple[str, str], ...]:
    if seen.bytes_forwarded is None or seen.bytes_parsed is None:
        of_bytes = "unknown: no tap gives an account, so nobody knows what was not seen"
    else:
        of_bytes = f"{seen.bytes_parsed:,} parsed of {seen.bytes_forwarded:,} forwarded"
    return (
        ("Frames", f"{seen.frames:,}, {seen.messages:,} of them messages, {seen.unreadable:,} unreadable"),
        (
            "Time",
            f"{moment(seen.first_at)} to {moment(seen.last_at)}, days with frames: {seen.days:,}",
        ),
        ("Transactions", f"{seen.transactions:,}"),
        ("Gaps", f"{seen.gaps:,}, at least {seen.gap_bytes:,} bytes missing"),
        ("Bytes", of_bytes),
    )


def work_table(work: Sequence[Work]) -> Table:
    """What is left, as counts."""
    rows = tuple((one.name, str(one.count), f"of {one.of}") for one in work)
    return Table("What is left to do, and of how many", ("Work", "Count", "Of"), rows)


def profiles(names: Sequence[str]) -> str:
    """Certification profiles in a cell."""
    return ", ".join(names)


def _blocks(audit: Audit) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in audit.blocks:
        counted = f"{one.accepted} of {one.calls}" if one.calls else _NOTHING
        reason = clean(one.reason, _LONGEST_REASON)
        rows.append(
            (
                f"{one.letter} {one.name}",
                profiles(one.profiles),
                mark(one.verdict),
                counted,
                reason,
                one.needs or _NOTHING,
            )
        )
    head = ("Block", "Certification", "Statement", "Accepted", "Why", "2.0.1 asks besides for")
    return Table("The functional blocks of OCPP 2.0.1 part 2", head, tuple(rows))


_BY_NEED: Final = {state: place for place, state in enumerate((*reversed(State),))}


def _required(audit: Audit) -> tuple[Sentence | Table, ...]:
    if not audit.required:
        return (Sentence("No required variables were looked for."),)
    # The value of Applies reads yes, unknown, no: what applies comes first, and of that what is missing.
    order = list(Applies)
    rows = sorted(audit.required, key=lambda one: (order.index(one.applies), _BY_NEED[one.state], one.name))
    said = (
        "Required of a station are the variables of every functional block that it implements (Part 1 section 4.6)."
        " Assumed: nothing that it said gives the value; it is a setting of this product, or what the standard says."
    )
    head = ("Variable", "Block", "Applies", "State", "Value", "From", "Places", "Remarks")
    return Sentence(said), Table(
        "Required variables, the missing ones first", head, tuple(_variable(one) for one in rows)
    )


def _variable(one: Requirement) -> tuple[Cell, ...]:
    return (
        one.name,
        one.block or "all",
        one.applies.value,
        mark(one.state),
        _NOTHING if one.value is None else clean(one.value),
        clean(one.origin) or _NOTHING,
        f"{one.there} of {one.places}",
        clean("; ".join(_remarks(one))),
    )


def _remarks(one: Requirement) -> Iterator[str]:
    if one.condition:
        yield one.condition
    if one.documents:
        yield f"required by {', '.join(one.documents)}, and not by others"
    yield from one.flaws


def _tiers(audit: Audit) -> tuple[Sentence | Picture | Table, ...]:
    tiers = audit.tiers
    rows = [("Station", one) for one in tiers.components]
    for evse in tiers.evses:
        rows += [(f"EVSE {evse.evse_id}", one) for one in evse.components]
        for line in evse.connectors:
            rows += [(f"EVSE {evse.evse_id} connector {line.connector_id}", one) for one in line.components]
    if not rows:
        return (Sentence("Nothing of its device model is known."),)
    table = Table(
        "Components by tier, and how sure their variables are", _TIER_HEAD, tuple(_component(*row) for row in rows)
    )
    return Picture(tiers, clean(audit.charger_id)), table


def _component(tier: str, one: ComponentCount) -> tuple[Cell, ...]:
    numbers = (one.observed, one.derived, one.assumed, one.unset, one.missing, one.flawed)
    return (tier, clean(one.name), *map(str, numbers))


def _security(audit: Audit) -> tuple[Sentence | Facts | Table, ...]:
    one = audit.security
    wire = " or ".join(map(str, one.wire)) or "unknown"
    facts = (
        ("Profile now", "unknown" if one.now is None else str(one.now)),
        ("By the handshakes", f"{wire}: {one.wire_reason}"),
        ("By its own word", "unknown" if one.said is None else f"SecurityProfile {one.said}"),
        ("Next", _next(one.now, one.next)),
    )
    parts: list[Sentence | Facts | Table] = [Facts(facts)]
    if one.conflict:
        parts.append(Sentence(f"They disagree: {one.conflict}."))
    if one.needs:
        head = ("What it needs", "Requirement", "State", "Why")
        rows = tuple((need.text, need.rule, mark(need.have), clean(need.reason, _LONGEST_REASON)) for need in one.needs)
        there = sum(need.have is Have.THERE for need in one.needs)
        parts.append(Table(f"Needs of security profile {one.next}: {there} of {len(rows)} are there", head, rows))
    return tuple(parts)


def _next(now: int | None, target: int | None) -> str:
    if target is None:
        return "none: it is on the highest" if now == 3 else "unknown"
    return f"{target}; a profile is never lowered again (A05)"


def _readiness(measures: Sequence[Measure]) -> Table:
    head = ("Measure", "Value", "Threshold", "Over", "Standing", "Remarks")
    return Table("As far as the wire shows it", head, measure_rows(measures))


def measure_rows(measures: Sequence[Measure]) -> tuple[tuple[Cell, ...], ...]:
    """Measures as rows."""
    return tuple(
        (
            one.name,
            clean(one.value) or _NOTHING,
            one.threshold,
            f"{one.n:,}",
            mark(one.standing),
            clean(one.note, _LONGEST_REASON),
        )
        for one in measures
    )
