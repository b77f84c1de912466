"""The rows of an export, streamed: however large a table is, a block of it at a time is in memory here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from diff.exports.columns import DATASETS, Column, Dataset, Kind
from diff.exports.selection import Selection
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.acknowledgements import acknowledgement_report
from diff.store.queries.completeness import counted
from diff.store.queries.filters import Filter, pattern
from diff.store.queries.fingerprints import fingerprint_lines
from diff.store.queries.gates import fleet_members
from diff.store.queries.reading import stream
from diff.store.queries.runs import counting
from ingest.frame import Micros

__all__ = ["exported"]

Row = Sequence[Any]

_MOST_FINGERPRINTS: Final = 100_000


def exported(store: Store, dataset: Dataset, chosen: Selection, at: Micros) -> Iterator[Row]:
    """The rows of a table, values in the order of its columns. `at`: what time standings and states are about.

    Raises what `Store` raises, also while it is read.
    """
    match dataset.name:
        case "fingerprints":
            return _fingerprints(store, chosen, at)
        case "acknowledgements":
            return _acknowledgements(store, at)
        case "discrepancies":
            where, params = _filter(chosen).where(counting(store, chosen.run))
        case name:
            where, params = _where(store, name, chosen)
    rows = f"{dataset.name} AS t FINAL WHERE {where}"
    if dataset.name == "connections":
        rows, params = f"({_COUNTED.format(counted=counted(where))}) AS t", {"since": 0, **params}
    query = f"""
    SELECT {", ".join(map(_selected, dataset.columns))} FROM {rows}
    ORDER BY {_ORDER[dataset.name]}"""
    return stream(store, query, params)


def _filter(chosen: Selection) -> Filter:
    return Filter(
        run=chosen.run,
        severities=chosen.severities,
        status=chosen.status,
        codes=chosen.codes,
        classes=chosen.classes,
        losses=not chosen.faults,
        charger=chosen.charger,
        vendors=chosen.vendors,
        models=chosen.models,
        firmwares=chosen.firmwares,
        since=chosen.since,
        until=chosen.until,
        fingerprint=chosen.fingerprint,
        session_id=chosen.session_id,
    )


def _selected(column: Column) -> str:
    return f"toUnixTimestamp64Micro(t.{column.name})" if column.kind is Kind.TIME else f"t.{column.name}"


def _where(store: Store, name: str, chosen: Selection) -> tuple[str, dict[str, object]]:
    filters = DATASETS[name].filters
    parts: list[str] = []
    params: dict[str, object] = {}
    if "run" in filters:
        parts.append(counting(store, chosen.run) if name == "sessions" else f"t.judging_run = '{JUDGING_RUN}'")
    plain = {"status": "status", "session_id": "session_id", "cohort": "cohort"}
    for field, column in plain.items():
        if field in filters and getattr(chosen, field):
            parts.append(f"t.{column} = %({field})s")
            params[field] = getattr(chosen, field)
    for field, column in (("vendors", "vendor"), ("models", "model"), ("firmwares", "firmware")):
        if getattr(chosen, field):
            parts.append(f"t.{column} IN %({field})s")
            params[field] = getattr(chosen, field)
    if chosen.charger:
        operator, params["charger"] = pattern(chosen.charger)
        parts.append(f"t.charger_id {operator} %(charger)s")
    if name in _SPANS:
        first, last = _SPANS[name]
        for field, comparison in (("since", f"{last} >="), ("until", f"{first} <")):
            if getattr(chosen, field) is not None:
                parts.append(f"t.{comparison} fromUnixTimestamp64Micro(%({field})s, 'UTC')")
                params[field] = getattr(chosen, field)
    return " AND ".join(parts) or "1", params


def _fingerprints(store: Store, chosen: Selection, at: Micros) -> Iterator[Row]:
    named = None
    if chosen.charger:
        found = fleet_members(store)
        named = [one.charger_id for one in found if fnmatchcase(one.charger_id, _glob(chosen.charger))]
    lines = fingerprint_lines(store, at, chosen.run, chargers=named, limit=_MOST_FINGERPRINTS)
    wanted = (
        ("vendor", chosen.vendors),
        ("model", chosen.models),
        ("firmware", chosen.firmwares),
        ("severity", chosen.severities),
        ("code", chosen.codes),
    )
    for line in lines:
        if all(not values or getattr(line, field) in values for field, values in wanted):
            yield [getattr(line, _FIELDS.get(column.name, column.name)) for column in DATASETS["fingerprints"].columns]


def _acknowledgements(store: Store, at: Micros) -> Iterator[Row]:
    for one in acknowledgement_report(store, at):
        told, seen = one.acknowledgement, one.occurring
        yield (
            told.id, told.fingerprint, one.title, told.vendor, told.model, told.firmware, told.charger, told.reason,
            told.owner, told.by, told.at, told.expires, one.standing.value, one.because, seen.open, seen.chargers,
            seen.first_seen, seen.last_seen, seen.compared_since,
        )  # fmt: skip


def _glob(text: str) -> str:
    """Only `*` stands for anything here, as in SQL."""
    return "".join(f"[{letter}]" if letter in "?[" else letter for letter in text)


_COUNTED: Final = """
    SELECT * REPLACE (if(published IS NULL, NULL, least(published, frames)) AS frames_published),
        opened_at > now() - INTERVAL 29 DAY AS still_counted,
        if(still_counted AND applied IS NOT NULL, least(applied, frames), NULL) AS frames_applied,
        if(still_counted, least(stored, frames), NULL) AS frames_stored
    FROM ({counted})"""
"""Accounts are kept for longer than what is counted of frames."""
_FIELDS: Final = {"class": "class_"}
_ORDER: Final = {
    "discrepancies": "t.charger_id, t.code, t.judging_run, t.id",
    "sessions": "t.charger_id, t.judging_run, t.session_id",
    "verdicts": "t.cohort, t.at",
    "chargers": "t.charger_id, t.judging_run",
    "connections": "t.charger_id, t.connection_id",
}
"""As the tables are sorted: rows are read in that order, nothing has to be sorted anew."""
_SPANS: Final = {
    "sessions": ("first_received_at", "last_received_at"),
    "verdicts": ("at", "at"),
    "connections": ("opened_at", "at"),
}
"""Columns that say since when and until when a row was seen."""
