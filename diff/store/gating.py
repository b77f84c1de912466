"""Verdicts on cohorts: files and store in, verdicts out, each kept so that a flip is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from pydantic import ValidationError

from diff.cohort import FLEET, Cohort, CohortError, Cohorts, parse_cohorts
from diff.document import DocumentError
from diff.gates.gate import Outcome, worst
from diff.gates.thresholds import Thresholds, ThresholdsInForce
from diff.gates.verdict import Verdict, decide
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.gates import evidence_of
from diff.store.queries.verdicts import latest_verdict
from diff.store.tables import StoredVerdict
from diff.store.writer import Writer
from ingest.frame import Micros

__all__ = [
    "GatingError",
    "Given",
    "Previous",
    "Report",
    "chosen",
    "judge",
    "read_cohorts",
    "report",
    "thresholds_in_force",
]


class GatingError(Exception):
    """Verdicts cannot be given; the message is one line with the next step."""


class Previous(msgspec.Struct, frozen=True):
    """The verdict before this one."""

    outcome: str
    first: str
    at: Micros


class Given(msgspec.Struct, frozen=True):
    """A verdict, and what was said before."""

    verdict: Verdict
    previous: Previous | None

    @property
    def flipped(self) -> bool:
        """It is another one than the last time."""
        return self.previous is not None and self.previous.outcome != self.verdict.outcome


class Report(msgspec.Struct, frozen=True):
    """Verdicts on several cohorts about one time."""

    at: Micros
    outcome: Outcome
    """The worst of them."""
    thresholds_version: str
    problem: str
    """Why the file of thresholds was not followed; empty where it was."""
    verdicts: Sequence[Given]


def read_cohorts(path: Path | None) -> Cohorts:
    """The cohorts of a file; of none there is the fleet alone.

    Raises:
        GatingError: the file cannot be read or followed; says in which line.

    """
    if path is None:
        return Cohorts()
    try:
        return parse_cohorts(_text(path))
    except DocumentError as error:
        raise GatingError(f"cohort_file {path}: {error}; see docs/gates.md") from None


def chosen(cohorts: Cohorts, names: Sequence[str], *, everything: bool) -> list[Cohort]:
    """The cohorts that were asked for, all of them, or where nothing was asked the fleet.

    Raises:
        GatingError: there is none of that name.

    """
    try:
        found = [cohorts.named(name) for name in names]
    except CohortError as error:
        raise GatingError(str(error)) from None
    return [*cohorts.cohort, FLEET] if everything else found or [FLEET]


def thresholds_in_force(path: Path | None, store: Store) -> ThresholdsInForce:
    """The thresholds of a file. Of a broken one the last good ones stay in force: those of the latest verdict.

    Raises:
        GatingError: the file cannot be read, or it is broken and no verdict was ever given.

    """
    if path is None:
        return ThresholdsInForce()
    good = _last_good(store)
    held = ThresholdsInForce() if good is None else ThresholdsInForce(good)
    held.take(_text(path))
    if held.problem:
        held.problem = f"thresholds_file {path}: {held.problem}"
        if good is None:
            raise GatingError(f"{held.problem}; no good one is known yet, see docs/gates.md")
    return held


def report(
    store: Store,
    cohorts: Cohorts,
    wanted: Sequence[Cohort],
    held: ThresholdsInForce,
    at: Micros,
    decided_at: Micros,
    *,
    keep: bool,
) -> Report:
    """Give the verdicts about a time, and keep them unless told otherwise. Raises `StoreError`."""
    writer, given = Writer(store, judging_run=JUDGING_RUN), []
    for cohort in wanted:
        verdict = decide(evidence_of(store, cohort, cohorts, held.current, at), held.current)
        before = latest_verdict(store, cohort.name, at)
        given.append(Given(verdict, None if before is None else Previous(before.outcome, before.first, before.at)))
        if keep:
            writer.add_verdict(_stored(verdict, held.current, decided_at))
    writer.flush()
    outcome = worst(one.verdict.outcome for one in given)
    return Report(at, outcome, held.current.version, held.problem, given)


def judge(store: Store, cohort_file: Path | None, thresholds_file: Path | None, at: Micros, now: Micros) -> Report:
    """Give the verdicts on every cohort of a file and on the fleet, and keep them.

    Raises:
        GatingError: a file cannot be read or followed.
        StoreError: the store is away.

    """
    cohorts = read_cohorts(cohort_file)
    held = thresholds_in_force(thresholds_file, store)
    return report(store, cohorts, chosen(cohorts, (), everything=True), held, at, now, keep=True)


def _stored(verdict: Verdict, thresholds: Thresholds, decided_at: Micros) -> StoredVerdict:
    return StoredVerdict(
        verdict.cohort,
        verdict.at,
        verdict.outcome.value,
        verdict.first,
        verdict.because,
        verdict.change,
        verdict.chargers,
        verdict.sessions,
        verdict.mapper_version,
        verdict.thresholds_version,
        thresholds.model_dump_json(),
        msgspec.json.encode(verdict).decode(),
        decided_at,
    )


def _last_good(store: Store) -> Thresholds | None:
    latest = latest_verdict(store)
    if latest is None:
        return None
    try:
        return Thresholds.model_validate_json(latest.thresholds)
    except ValidationError:
        return None  # of another version of this program


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise GatingError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise GatingError(f"{path}: no TOML: byte {error.start} is not UTF-8; correct the file") from None
