"""`report`: the evidence of a cohort out of the store, and the report that is made of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from app.settings import Settings
from app.sources import Source, count_stored
from app.storing import fault_line
from diff.audit.audit import Audit
from diff.audit.grounds import Known
from diff.certification import Certification
from diff.cohort import Member, members
from diff.evidence.pack import ModelPicture, Pack, Seen, StationSecurity
from diff.examined import Examination
from diff.gates.evidence import DAY, CohortEvidence
from diff.gates.verdict import decide
from diff.policy import JUDGING_RUN
from diff.records import SCHEMA_VERSION
from diff.store.client import Store
from diff.store.gating import chosen, read_cohorts, thresholds_in_force
from diff.store.queries.audits import audits
from diff.store.queries.evidence import (
    bills_of,
    certificate_exchanges,
    fingerprints_of,
    frames_of,
    security_events,
    stored_versions,
)
from diff.store.queries.gates import evidence_of, fleet_members
from diff.store.queries.verdicts import latest_verdict
from ingest.frame import Micros
from ingest.timestamps import format_micros
from shadow.config import MAPPER_VERSION

__all__ = ["ReportError", "Wanted", "gathered", "read_bytes", "read_text", "tool_version", "write"]

_MOST_CAUSES: Final = 50
_MOST_AUDITED: Final = 200
"""Charging stations that device models and security are looked at of."""
_MOST_PICTURES: Final = 4
_MOST_SIGHTS: Final = 10
_FAULTS: Final = 5


class ReportError(Exception):
    """There is nothing to report on, or a file cannot be read or written; the message says what to do."""


class Wanted(msgspec.Struct, frozen=True):
    """What was asked for."""

    cohort: str
    at: Micros
    made_at: Micros
    certification_days: int
    """How many days before `at` the certification checks look at; 0 leaves them out."""


def tool_version() -> str:
    """The version of this program."""
    return version("shadow-csms")


def gathered(store: Store, settings: Settings, wanted: Wanted) -> Pack:
    """Gather the evidence. Raises `GatingError`, `ReportError`, and what the store raises."""
    cohorts = read_cohorts(settings.cohort_file)
    (cohort,) = chosen(cohorts, [wanted.cohort] if wanted.cohort else [], everything=False)
    held = thresholds_in_force(settings.thresholds_file, store)
    if held.problem:
        print(f"{held.problem}; version {held.current.version} stays in force", file=sys.stderr)
    own, missing = members(cohort, cohorts, fleet_members(store))
    if not own:
        raise ReportError(
            f"no charging station that was seen belongs to {cohort.name!r}: there is nothing to report on"
        )
    evidence = evidence_of(store, cohort, cohorts, held.current, wanted.at)
    verdict = decide(evidence, held.current)
    ids = [one.charger_id for one in own]
    since, at = evidence.since, evidence.at
    causes, causes_total = fingerprints_of(store, ids, at, _MOST_CAUSES)
    found = audits(store, [Known(*msgspec.structs.astuple(one)) for one in own[:_MOST_AUDITED]], since, at,
                   settings.shadow_config())  # fmt: skip
    checks, read = _certified(store, settings, wanted, ids)
    policy, schema = stored_versions(store, ids, since, at)
    before = latest_verdict(store, cohort.name, at)
    return Pack(
        made_at=wanted.made_at,
        judging_run=JUDGING_RUN,
        cohort=cohort.name,
        verdict=verdict,
        previous="" if before is None else f"{before.outcome} about {format_micros(before.at)}",
        thresholds=held.current.model_dump(mode="json"),
        members=tuple(own),
        missing=tuple(missing),
        seen=_seen(store, evidence, ids),
        fingerprints=causes,
        fingerprints_total=causes_total,
        acknowledged=evidence.acknowledged,
        kinds=evidence.kinds,
        used=tuple(sorted(evidence.used)),
        sights=tuple(sorted(evidence.sights, key=lambda one: (one.bytes_parsed - one.bytes_forwarded, one.charger_id)))[
            :_MOST_SIGHTS
        ],
        certification=checks,
        certification_read=read,
        security=tuple(StationSecurity(one.charger_id, one.security) for one in found),
        security_events=security_events(store, ids, since, at),
        certificates=certificate_exchanges(store, ids, since, at),
        pictures=_pictures(found, own),
        audited=len(found),
        bills=bills_of(store, ids, since, at),
        noise=evidence.noise,
        versions={
            "shadow-csms": tool_version(),
            "mapper": MAPPER_VERSION,
            "mapper, of stored discrepancies": ", ".join(evidence.mapper_versions),
            "policy": settings.policy().version,
            "policy, of stored discrepancies": policy,
            "schemas": SCHEMA_VERSION,
            "schemas, of stored discrepancies": schema,
            "thresholds": held.current.version,
        },
    )


def _seen(store: Store, evidence: CohortEvidence, ids: Sequence[str]) -> Seen:
    frames, connections = frames_of(store, ids, evidence.since, evidence.at)
    return Seen(
        frames,
        connections,
        sum(one.bytes_forwarded for one in evidence.sights),
        sum(one.bytes_parsed for one in evidence.sights),
        evidence.sessions,
        evidence.weighed,
        evidence.comparisons,
    )


def _certified(
    store: Store, settings: Settings, wanted: Wanted, ids: Sequence[str]
) -> tuple[dict[str, Any] | None, str]:
    if not wanted.certification_days:
        return None, ""
    checks = Certification()
    examination = Examination(checks.take, settings.shadow_config(), settings.policy(), settle=False)
    since = max(wanted.at - wanted.certification_days * DAY, 0)
    read = count_stored(store, Source((), True, since, wanted.at, ids), examination)  # noqa: FBT003 - as it is declared
    for fault in examination.faults[:_FAULTS]:
        print(fault_line(fault), file=sys.stderr)
    return checks.document(), read


def _pictures(found: Sequence[Audit], own: Sequence[Member]) -> tuple[ModelPicture, ...]:
    """Of each kind the station that the most is known of, the most frequent kinds first."""
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for one in own:
        kinds.setdefault((one.vendor, one.model, one.firmware), []).append(one.charger_id)
    by_id = {one.charger_id: one for one in found}
    ranked = sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
    pictures = []
    for (vendor, model, firmware), ids in ranked[:_MOST_PICTURES]:
        known = [by_id[name] for name in ids if name in by_id]
        if known:
            best = max(known, key=lambda one: (_observed(one), one.charger_id))
            pictures.append(ModelPicture(vendor, model, firmware, best.charger_id, len(ids), best.tiers))
    return tuple(pictures)


def _observed(one: Audit) -> int:
    return sum(part.observed + part.derived for part in one.tiers.components)


def read_text(path: Path) -> str:
    """A report's text. Raises `ReportError`."""
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise ReportError(f"{path}: no report: it is not UTF-8") from None


def read_bytes(path: Path) -> bytes:
    """A file. Raises `ReportError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from None


def write(path: Path, data: bytes) -> None:
    """Write a file. Raises `ReportError`."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror}") from None
    print(f"written: {path}", file=sys.stderr)
