"""Judging a range again in canonical order: what of the first outcome has to be corrected. Pure.

The first outcome was made from frames as they came. The second is made from the same frames as the store holds them,
in canonical order. Where the two differ in what they say, the row gets a newer version; a row that the second outcome
does not know is withdrawn. Rows that say the same are left alone, so that judging again twice writes nothing.

How far back the second outcome may be trusted depends on the frames that are still stored:

* A session is corrected where its first evidence is not older than the first stored frame: what begins before is seen
  by half here.
* A discrepancy without a session is counted over the whole life of its charging station. It is corrected where the
  store still holds that life, or where all its evidence lies in the range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from diff.discrepancy import Discrepancy, JudgedSession, Status
from diff.fleet import Fault, Fleet
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from ingest.frame import Frame, FrameKind, Micros
from shadow.config import DEFAULT, ShadowConfig

__all__ = ["Corrections", "Outcome", "RejudgeRequest", "correct", "judge_again", "merged"]

_NOTE: Final = "judged again in canonical order: not so"


class RejudgeRequest(msgspec.Struct, frozen=True):
    """Frames of a charging station came late: a range is to be judged again."""

    charger_id: str
    since: Micros
    """Tap clock: the earliest of the late frames."""
    until: Micros
    """Tap clock: how far the charging station had been lived."""
    late: int
    """How many frames came late."""
    frame_id: str
    """The last frame that was lived."""


class Outcome(msgspec.Struct, frozen=True):
    """Newest versions by id."""

    sessions: Mapping[str, JudgedSession]
    discrepancies: Mapping[str, Discrepancy]

    @property
    def latest(self) -> Micros:
        """The newest evidence in it; 0 of none."""
        heard = (session.last_received_at for session in self.sessions.values())
        observed = (row.observed_at for row in self.discrepancies.values())
        return max((*heard, *observed), default=0)


class Corrections(msgspec.Struct, frozen=True):
    """What is to be written so that the second outcome holds."""

    sessions: tuple[JudgedSession, ...]
    discrepancies: tuple[Discrepancy, ...]


def merged(requests: Iterable[RejudgeRequest]) -> list[RejudgeRequest]:
    """One request for each charging station, over all the ranges that are asked for; the last names its frame."""
    found: dict[str, RejudgeRequest] = {}
    for one in requests:
        known = found.get(one.charger_id, one)
        since, until = min(known.since, one.since), max(known.until, one.until)
        found[one.charger_id] = replace(one, since=since, until=until, late=max(known.late, one.late))
    return list(found.values())


def judge_again(
    frames: Iterable[Frame],
    until: Micros,
    config: ShadowConfig = DEFAULT,
    policy: Policy = DEFAULT_POLICY,
    faults: list[Fault] | None = None,
) -> Outcome:
    """Live and judge one charging station's frames, sorted here; what is due by `until` falls due.

    `faults`: takes the frames that could not be judged because of an error in this program.
    """
    fleet = Fleet(config, policy)
    sessions: dict[str, JudgedSession] = {}
    discrepancies: dict[str, Discrepancy] = {}
    ordered = sorted(frames, key=lambda frame: frame.order_key)
    for frame in (*ordered, Frame("", "", 0, until, FrameKind.TICK)):
        for judgement in fleet.feed(frame):
            sessions.update((row.session_id, row) for row in judgement.sessions)
            discrepancies.update((row.id, row) for row in judgement.discrepancies)
    if faults is not None:
        faults += fleet.take_faults()
    return Outcome(sessions, discrepancies)


def correct(
    request: RejudgeRequest, stored: Outcome, again: Outcome, stored_from: Micros, *, whole_life: bool
) -> Corrections:
    """Compare the outcome as it is stored with the one in canonical order.

    Only rows are corrected whose evidence lies in the range, at least in part. `stored_from`: when the first stored
    frame came. `whole_life`: nothing came before it.
    """
    sessions = []
    for key in sorted({*stored.sessions, *again.sessions}):
        session = _session(stored.sessions.get(key), again.sessions.get(key), request)
        if session is not None and (whole_life or session.first_received_at > stored_from):
            sessions.append(session)
    discrepancies = []
    for key in sorted({*stored.discrepancies, *again.discrepancies}):
        row = _discrepancy(stored.discrepancies.get(key), again.discrepancies.get(key), request)
        if row is not None and (whole_life or _within(row, request, stored_from)):
            discrepancies.append(row)
    return Corrections(tuple(sessions), tuple(discrepancies))


def _outside(first: Micros, last: Micros, request: RejudgeRequest) -> bool:
    return last < request.since or first > request.until


def _within(row: Discrepancy, request: RejudgeRequest, stored_from: Micros) -> bool:
    return row.first_received_at >= (request.since if row.session_id is None else stored_from)


def _session(old: JudgedSession | None, new: JudgedSession | None, request: RejudgeRequest) -> JudgedSession | None:
    if old is None or new is None:
        one = old or new
        if one is None or (one is old and one.status is Status.WITHDRAWN):
            return None
        if _outside(one.first_received_at, one.last_received_at, request):
            return None
        return one if one is new else replace(one, status=Status.WITHDRAWN, version=one.version + 1)
    if _outside(new.first_received_at, new.last_received_at, request) or replace(new, version=old.version) == old:
        return None
    return replace(new, version=max(new.version, old.version + 1))


def _discrepancy(old: Discrepancy | None, new: Discrepancy | None, request: RejudgeRequest) -> Discrepancy | None:
    if old is None or new is None:
        one = old or new
        if one is None or one.status is Status.WITHDRAWN:
            return None
        if _outside(one.first_received_at, one.observed_at, request):
            return None
        if one is new:
            return one
        return replace(one, status=Status.WITHDRAWN, detail=_NOTE, occurrences=0, version=one.version + 1)
    if new.status is old.status is Status.WITHDRAWN or replace(new, version=old.version) == old:
        return None
    if _outside(new.first_received_at, max(new.observed_at, old.observed_at), request):
        return None
    return replace(new, version=max(new.version, old.version + 1))
