"""Judging runs: which one counts when, and what a run writes beside the live one. Pure.

A run is current for a range of time. A row belongs to the time at which its first evidence came, and of a row that the
live run has too, that is the live run's: so of one row exactly one run's is current, and nothing counts twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from diff.discrepancy import Discrepancy, JudgedSession, Status
from diff.policy import JUDGING_RUN
from diff.rejudge import Corrections, Outcome
from ingest.frame import Micros

__all__ = ["CURRENT", "FOREVER", "Decision", "JudgingRun", "Placed", "Stretch", "in_force", "name_of", "rows_of_run"]

CURRENT: Final = "current"
"""Asks for whatever run is current, range by range. No run is called so."""
FOREVER: Final[Micros] = 4_102_444_800_000_000
"""The year 2100: the end of what is decided for good."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")
_NOTE: Final = "judged again in this run: not so"


class JudgingRun(msgspec.Struct, frozen=True):
    """Stored frames, judged anew."""

    name: str
    since: Micros
    until: Micros
    """The range that was judged, its end left out: rows whose first evidence came in it."""
    only: tuple[str, ...]
    """The charging stations that were judged; none: all."""
    policy_version: str
    mapper_version: str
    schema_version: str
    config_digest: str
    """Of everything else that decides what the shadow believes."""
    lived_until: Micros = 0
    """The newest frame that was lived."""
    chargers: int = 0
    frames: int = 0
    sessions: int = 0
    """Open rows."""
    discrepancies: int = 0
    """Open rows."""
    faults: int = 0
    """Frames that could not be judged because of an error in this program."""
    finished: bool = False
    dropped: bool = False
    said_by: str = ""
    at: Micros = 0
    """When it was judged last."""

    @property
    def terms(self) -> tuple[object, ...]:
        """What makes it this run: one name stands for one of them. Its range may grow, at its end."""
        versions = (self.policy_version, self.mapper_version, self.schema_version, self.config_digest)
        return (self.since, self.only, *versions)


class Decision(msgspec.Struct, frozen=True):
    """Somebody made a run current for a range, its end left out."""

    at: Micros
    run: str
    since: Micros
    until: Micros
    said_by: str = ""


class Stretch(msgspec.Struct, frozen=True):
    """A range in which another run than the live one is current, its end left out."""

    since: Micros
    until: Micros
    run: str


class Placed(msgspec.Struct, frozen=True):
    """When the first evidence of the live run's rows came, by session id and by discrepancy id."""

    sessions: Mapping[str, Micros]
    discrepancies: Mapping[str, Micros]


def name_of(text: str) -> str:
    """A name that a run may have.

    Raises:
        ValueError: it may not; says which ones may.

    """
    if _NAME.match(text) is None or text in (JUDGING_RUN, CURRENT):
        raise ValueError(
            f"{text[:80]!r} is no name for a run: up to 64 letters, digits and . _ + -, and neither"
            f" {JUDGING_RUN!r} nor {CURRENT!r}"
        )
    return text


def in_force(decisions: Iterable[Decision]) -> tuple[Stretch, ...]:
    """What is current after all decisions, in order of time and without overlaps; elsewhere the live run is."""
    found: list[Stretch] = []
    for one in sorted(decisions, key=lambda decision: decision.at):
        if one.since >= one.until:
            continue
        left = []
        for old in found:
            pieces = (replace(old, until=min(old.until, one.since)), replace(old, since=max(old.since, one.until)))
            left += [piece for piece in pieces if piece.since < piece.until]
        found = left if one.run == JUDGING_RUN else [*left, Stretch(one.since, one.until, one.run)]
    return tuple(sorted(found, key=lambda stretch: stretch.since))


def rows_of_run(run: JudgingRun, outcome: Outcome, live: Placed, stored: Outcome | None = None) -> Corrections:
    """What is to be written so that the run holds an outcome.

    `stored`: what it holds already, where it was judged before. Rows that say the same are not written again, and those
    that are not so any more are withdrawn: judging twice changes nothing.
    """
    before = Outcome({}, {}) if stored is None else stored
    sessions = [
        replace(row, judging_run=run.name, first_received_at=live.sessions.get(key, row.first_received_at))
        for key, row in sorted(outcome.sessions.items())
    ]
    discrepancies = [
        replace(row, judging_run=run.name, first_received_at=live.discrepancies.get(key, row.first_received_at))
        for key, row in sorted(outcome.discrepancies.items())
    ]
    inside = {row.session_id: row for row in sessions if run.since <= row.first_received_at < run.until}
    found = {row.id: row for row in discrepancies if run.since <= row.first_received_at < run.until}
    return Corrections(_sessions(inside, before.sessions), _discrepancies(found, before.discrepancies))


def _sessions(found: Mapping[str, JudgedSession], before: Mapping[str, JudgedSession]) -> tuple[JudgedSession, ...]:
    rows: list[JudgedSession] = []
    for key, row in found.items():
        old = before.get(key)
        if old is None:
            rows.append(row)
        elif replace(row, version=old.version) != old:
            rows.append(replace(row, version=max(row.version, old.version + 1)))
    gone = (row for key, row in before.items() if key not in found and row.status is not Status.WITHDRAWN)
    rows += [replace(row, status=Status.WITHDRAWN, version=row.version + 1) for row in gone]
    return tuple(rows)


def _discrepancies(found: Mapping[str, Discrepancy], before: Mapping[str, Discrepancy]) -> tuple[Discrepancy, ...]:
    rows: list[Discrepancy] = []
    for key, row in found.items():
        old = before.get(key)
        if old is None:
            rows.append(row)
        elif replace(row, version=old.version) != old:
            rows.append(replace(row, version=max(row.version, old.version + 1)))
    gone = (row for key, row in before.items() if key not in found and row.status is not Status.WITHDRAWN)
    rows += [
        replace(row, status=Status.WITHDRAWN, detail=_NOTE, occurrences=0, version=row.version + 1) for row in gone
    ]
    return tuple(rows)
