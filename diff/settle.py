"""Settling: a lack is judged only when it had its time to be made good; the verdict carries its deadline's time."""

from __future__ import annotations

from bisect import insort
from enum import StrEnum
from typing import Final

import msgspec

from diff.pairs import Pair
from diff.policy import Policy
from diff.primary import State
from ingest.frame import Micros

__all__ = ["Deadline", "Kind", "Lack", "arm", "disarm", "judge_lack", "take_due"]

_MAX_DEADLINES: Final = 512


class Kind(StrEnum):
    """What was waited for."""

    MISSING_IN_PRIMARY = "missing-in-primary"
    """The primary's answer to the start."""
    MISSING_IN_SHADOW = "missing-in-shadow"
    """A session of the shadow for a transaction of the primary."""
    UNSTOPPED = "unstopped"
    """The primary's end of a session that the shadow has ended."""
    NOT_RESUMED = "not-resumed"
    """Anything of a session after a reboot."""
    SILENT = "silent"
    """Anything of an open session at all."""


class Deadline(msgspec.Struct, frozen=True, order=True):
    """When a lack of something will be judged."""

    due: Micros
    kind: Kind
    session_id: str


class Lack(msgspec.Struct, frozen=True):
    """What is lacking, to be raised as a discrepancy."""

    code: str
    path: str
    frames: tuple[str, ...]
    primary: str | None
    detail: str


def arm(deadlines: list[Deadline], deadline: Deadline) -> None:
    """Add a deadline in its place."""
    insort(deadlines, deadline)
    del deadlines[_MAX_DEADLINES:]


def disarm(deadlines: list[Deadline], kind: Kind, session_id: str) -> None:
    """Take back what needs no waiting any more."""
    deadlines[:] = [one for one in deadlines if one.kind is not kind or one.session_id != session_id]


def take_due(deadlines: list[Deadline], now: Micros) -> list[Deadline]:
    """Take out what is due, in order."""
    taken = 0
    while taken < len(deadlines) and deadlines[taken].due <= now:
        taken += 1
    due, deadlines[:taken] = deadlines[:taken], []
    return due


def judge_lack(deadline: Deadline, pair: Pair, policy: Policy) -> Lack | None:
    """What is lacking at this deadline, None where it came in time."""
    primary = pair.primary
    settled = primary is not None and primary.state is not State.PROPOSED
    ended = primary is not None and primary.state is State.ENDED
    named = None if primary is None else primary.transaction_id
    frames = (pair.opened_by,) if primary is None else primary.frames
    match deadline.kind:
        case Kind.MISSING_IN_PRIMARY if not settled and _is_owed(pair):
            energy = "the primary never answered its start with a transaction"
            return Lack("session.missing-in-primary", "session", frames, None, energy)
        case Kind.MISSING_IN_SHADOW if (
            pair.shadow is None and settled and primary is not None and (ended or not primary.adopted)
        ):
            billed = None if primary.billed_wh is None else f"{primary.billed_wh:f}"
            return Lack("session.missing-in-shadow", "session", frames, billed, f"the primary's transaction {named}")
        case Kind.UNSTOPPED if settled and primary is not None and primary.state is State.OPEN and not pair.superseded:
            detail = "the stop ended the shadow's session and no transaction of the primary"
            return Lack("session.misattributed", "StopTransaction.transactionId", frames, named, detail)
        case Kind.NOT_RESUMED if _not_resumed(deadline, pair, policy) and (
            pair.open or (pair.superseded and not ended)
        ):
            detail = "a reboot, and nothing of the session since"
            proof = (*frames, *(frame for frame in pair.frames if frame not in frames))
            return Lack("session.never-ended", "TransactionEvent.Ended", proof, named, detail)
        case Kind.SILENT if pair.open and pair.heard_at + policy.settle_silence <= deadline.due:
            return Lack("session.never-ended", "TransactionEvent.Ended", frames, named, "silent since its last event")
        case _:
            return None


def _not_resumed(deadline: Deadline, pair: Pair, policy: Policy) -> bool:
    """Nothing came since the reboot that this deadline was armed for; a later reboot has a deadline of its own."""
    return pair.rebooted_at is not None and pair.rebooted_at + policy.settle_reboot <= deadline.due


def _is_owed(pair: Pair) -> bool:
    """Whether the primary should have a transaction for it: its beginning was seen, and no refusal that held.

    2.0.1 has a transaction for a token that is refused, 1.6 need not: without energy nobody is owed anything.
    """
    shadow, primary = pair.shadow, pair.primary
    if shadow is None or shadow.started_at is None:
        return False
    refused = primary is not None and primary.authorization not in (None, "Accepted")
    return not (refused and shadow.energy_wh in (None, 0))
