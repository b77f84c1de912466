"""The audit of many charging stations as a document. Pure."""

from __future__ import annotations

from typing import Final

from diff.audit.cohort import CohortAudit, Kept, Station
from diff.audit.content import measure_rows, profiles, work_table
from diff.audit.document import Cell, Document, Facts, Mark, Section, Sentence, Table, Tone, clean

__all__ = ["document"]

_MOST_ROWS: Final = 500
"""Rows of a table about single stations; JSON has all of them."""


def document(audit: CohortAudit) -> Document:
    """The whole audit, in the order in which it is talked over."""
    return Document(
        f"Gap audit of {clean(audit.name)}",
        (
            Section("Summary", (Facts(_figures(audit)), Sentence(_kept(audit)))),
            Section("Work left", (work_table(audit.work),)),
            Section("Functional blocks", (_blocks(audit),)),
            Section("Required variables", _required(audit)),
            Section("Security profile", (_security(audit),)),
            Section("Keep on 1.6 for now", _keep(audit.keep)),
            Section("Charging stations", _stations(audit.stations)),
        ),
    )


def _figures(audit: CohortAudit) -> tuple[tuple[str, str], ...]:
    models = sorted({f"{one.vendor} {one.model} {one.firmware}".strip() or "unknown" for one in audit.stations})
    named = ", ".join(models[:5]) + (f" and {len(models) - 5} more" if len(models) > 5 else "")
    return (
        ("Charging stations", f"{len(audit.stations):,}"),
        ("Models and firmware", clean(named) or "none"),
        ("Seen", f"{audit.frames:,} frames, {audit.transactions:,} transactions, {audit.days:,} charger-days"),
    )


def _kept(audit: CohortAudit) -> str:
    of = len(audit.stations)
    return (
        f"{len(audit.keep)} of {of} stations are better kept on 1.6 for now; nothing is known of the hardware of"
        f" {audit.unjudged} of {of}."
    )


def _blocks(audit: CohortAudit) -> Table:
    head = ("Block", "Certification", "Evidenced", "Derivable", "Missing", "Unknown", "Accepted")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            f"{one.letter} {one.name}",
            profiles(one.profiles),
            str(one.evidenced),
            str(one.derivable),
            _bad(one.missing),
            str(one.unknown),
            f"{one.accepted:,} of {one.calls:,}",
        )
        for one in audit.blocks
    )
    return Table(f"Functional blocks: stations of {len(audit.stations)}", head, rows)


def _bad(number: int) -> Cell:
    return Mark(f"{number} missing", Tone.BAD) if number else "0"


def _required(audit: CohortAudit) -> tuple[Sentence | Table, ...]:
    if not audit.required_of:
        return (Sentence("No required variables were looked for."),)
    if not audit.required:
        return (Sentence(f"Every station has all of the {audit.required_of} required variables that apply to it."),)
    head = ("Variable", "Block", "Missing", "Assumed", "Not allowed", "Of stations", "Remarks")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.name,
            one.block or "all",
            _bad(one.missing),
            str(one.assumed),
            str(one.flawed),
            str(one.of),
            clean(one.condition),
        )
        for one in audit.required
    )
    whole = (
        f"Of {audit.required_of} required variables {len(rows)} are missing, assumed or not allowed on some station."
    )
    return Sentence(whole), Table("Required variables that stations lack", head, rows)


def _security(audit: CohortAudit) -> Table:
    rows = tuple((name, str(number)) for name, number in audit.security)
    return Table("Security profile now", ("Profile", "Stations"), rows)


def _keep(kept: tuple[Kept, ...]) -> tuple[Sentence | Table, ...]:
    if not kept:
        return (Sentence("No measure of any station is beyond its threshold."),)
    head = ("Charging station", "Measure", "Value", "Threshold", "Over", "Standing", "Remarks")
    rows = tuple((clean(one.charger_id), *row) for one in kept for row in measure_rows(one.reasons))
    cut = _cut(len(rows))
    return (*cut, Table("Reasons to keep stations on 1.6", head, rows[:_MOST_ROWS]))


def _stations(stations: tuple[Station, ...]) -> tuple[Sentence | Table, ...]:
    head = (
        "Charging station", "Vendor and model", "Firmware", "Evidenced", "Derivable", "Missing", "Unknown",
        "Variables missing", "Security profile", "On 1.6 for now", "Frames", "Transactions", "Days",
    )  # fmt: skip
    return *_cut(len(stations)), Table("Charging stations", head, tuple(_station(one) for one in stations[:_MOST_ROWS]))


def _station(one: Station) -> tuple[Cell, ...]:
    return (
        clean(one.charger_id),
        clean(f"{one.vendor} {one.model}".strip()) or "unknown",
        clean(one.firmware) or "unknown",
        str(one.evidenced),
        str(one.derivable),
        str(one.missing),
        str(one.unknown),
        str(one.lacking),
        "unknown" if one.security is None else str(one.security),
        Mark("keep", Tone.BAD) if one.keep else "no",
        f"{one.frames:,}",
        f"{one.transactions:,}",
        f"{one.days:,}",
    )


def _cut(number: int) -> tuple[Sentence, ...]:
    if number <= _MOST_ROWS:
        return ()
    return (Sentence(f"The first {_MOST_ROWS} of {number:,} rows; the JSON document has all of them."),)
