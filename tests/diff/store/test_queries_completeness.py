"""Completeness from the wire to the store."""

import time
from collections import Counter
from collections.abc import Iterable

from diff.applied import AppliedFrames, FrameRange
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.completeness import SETTLE, WINDOW, Chain, Outcome, completeness, reconciled, unreconciled
from diff.store.tables import ConnectionAccount
from diff.store.writer import Writer
from ingest.frame import Direction, Frame

SECOND = 1_000_000
TODAY = time.time_ns() // 1000
NOW = TODAY + 86_400 * SECOND
"""Tomorrow, so that connections of today were opened before anybody told what was applied, by the store's clock."""
OLD = NOW - 2 * SETTLE
BEFORE = {"opened_at": TODAY - 3600 * SECOND}
"""Of a connection that was opened before workers told what they lived."""
YOUNG = {"last_frame_at": NOW - SECOND}


def _account(number: int, **changes: object) -> ConnectionAccount:
    fields = {
        "charger_id": f"CP-{number}", "connection_id": f"c{number}", "state": "closed", "subprotocol": "ocpp1.6",
        "compression": False, "opened_at": OLD - SECOND, "closed_at": OLD, "last_frame_at": OLD,
        "bytes_forwarded": 1000, "bytes_mirrored": 1000, "bytes_parsed": 1000, "frames": 3, "gaps": 0, "at": NOW,
        "frames_published": 3,
    }  # fmt: skip
    return ConnectionAccount(**fields | changes)  # type: ignore[arg-type]


Case = tuple[ConnectionAccount, Iterable[int], Iterable[int]]
"""An account, and the numbers of the frames that were applied and stored."""


def _write(store: Store, *cases: Case) -> None:
    for _ in "twice":  # what is delivered again counts once
        writer = Writer(store, judging_run=JUDGING_RUN)
        for account, applied, stored in cases:
            name, at = account.connection_id, account.opened_at
            writer.add_connections([account])
            for seq in stored:
                writer.add_frame(Frame(account.charger_id, name, seq, at, direction=Direction.CP_TO_CS, text="[]"))
            ranges = tuple(FrameRange(name, seq, seq) for seq in applied)
            writer.add_applied(AppliedFrames(account.charger_id, at, ranges))
        writer.flush()


ALL = (0, 1, 2)
CASES: tuple[tuple[dict[str, object], tuple[int, ...], tuple[int, ...], Outcome | None], ...] = (
    ({}, ALL, ALL, Outcome.RECONCILED),
    ({"state": "mirrored", "bytes_parsed": 990, "closed_at": None}, ALL, ALL, Outcome.RECONCILED),
    ({"frames": 2, "frames_published": 2}, ALL, ALL, Outcome.RECONCILED),
    ({"bytes_mirrored": 900, "bytes_parsed": 900, "gaps": 1}, ALL, ALL, Outcome.EXPLAINED),
    ({"bytes_parsed": 900, "gaps": 1}, ALL, ALL, Outcome.EXPLAINED),
    (YOUNG, ALL, (0, 1), Outcome.SETTLING),
    ({}, ALL, (1,), Outcome.UNSTORED),
    ({}, ALL, (), Outcome.UNSTORED),
    ({"bytes_mirrored": 800, "bytes_parsed": 800}, ALL, ALL, Outcome.UNEXPLAINED),
    ({"bytes_parsed": 900}, ALL, ALL, Outcome.UNEXPLAINED),
    # The first step where numbers part is named, whatever parts behind it.
    ({"frames_published": 2}, (0, 1), (0, 1), Outcome.UNPUBLISHED),
    ({"frames_published": 0}, (), (), Outcome.UNPUBLISHED),
    ({}, (0, 2), ALL, Outcome.UNAPPLIED),
    ({}, (0, 2), (0,), Outcome.UNAPPLIED),
    ({}, (), ALL, Outcome.UNAPPLIED),
    # An account that was given before the last acknowledgement is overtaken by what was stored or applied.
    ({"frames_published": 1}, ALL, ALL, Outcome.RECONCILED),
    ({"frames_published": 1}, ALL, (0, 1), Outcome.UNSTORED),
    # What is at the end may be on its way; what is missing before other frames is not.
    ({**YOUNG, "frames_published": 2}, (0, 1), (0, 1), Outcome.SETTLING),
    (YOUNG, (0,), (0,), Outcome.SETTLING),
    (YOUNG, (0, 2), ALL, Outcome.UNAPPLIED),
    (YOUNG, (1, 2), ALL, Outcome.UNAPPLIED),
    (YOUNG, ALL, (0, 2), Outcome.UNSTORED),
    # Nobody told: that step is passed over, and the others are not.
    ({"frames_published": None}, ALL, ALL, Outcome.RECONCILED),
    ({"frames_published": None}, (0, 1), (0, 1), Outcome.UNAPPLIED),
    (BEFORE, (), ALL, Outcome.RECONCILED),
    (BEFORE, (), (0, 1), Outcome.UNSTORED),
    (BEFORE, (2,), ALL, Outcome.RECONCILED),
    ({**BEFORE, "frames": 4, "frames_published": 4}, (1, 3), (0, 1, 2, 3), Outcome.UNAPPLIED),
    # No part of the balance: not followed, nothing written, older than the counts of stored frames.
    ({"state": "not-enrolled"}, (), (), None),
    ({"frames": 0}, (), (), None),
    ({"opened_at": NOW - WINDOW - SECOND}, (), (), None),
)  # fmt: skip


def test_every_connection_reconciles_or_is_named_at_the_step_where_it_misses(store: Store) -> None:
    """Bytes and frames of a connection reconcile, are explained by a gap, are on their way, or are named."""
    assert completeness(store, NOW) == []
    _write(store, *((_account(number, **case[0]), *case[1:3]) for number, case in enumerate(CASES)))
    named = {one.connection_id: one for one in unreconciled(store, NOW)}
    assert {name: one.outcome for name, one in named.items()} == {
        f"c{number}": outcome
        for number, (*_, outcome) in enumerate(CASES)
        if outcome not in (None, Outcome.RECONCILED, Outcome.EXPLAINED, Outcome.SETTLING)
    }
    found = {one.outcome: one for one in completeness(store, NOW)}
    wanted = Counter(outcome for *_, outcome in CASES if outcome is not None)
    assert {outcome: one.connections for outcome, one in found.items()} == wanted


def test_the_numbers_of_each_step_are_told(store: Store) -> None:
    """By connection, those that miss most first; as sums, each with how many frames it is of, and step by step."""
    _write(
        store,
        (_account(0), ALL, ALL),
        (_account(1, **BEFORE, frames_published=None), (), (0,)),
        (_account(2), (0, 1), (0, 1)),
        (_account(3), ALL, (0, 2)),
    )
    rows = [
        (one.connection_id, one.outcome, one.frames, one.frames_published, one.frames_applied, one.frames_stored)
        for one in unreconciled(store, NOW)
    ]
    assert rows == [
        ("c1", Outcome.UNSTORED, 3, None, None, 1),
        ("c2", Outcome.UNAPPLIED, 3, 3, 2, 2),
        ("c3", Outcome.UNSTORED, 3, 3, 3, 2),
    ]
    assert [one.connection_id for one in unreconciled(store, NOW, limit=1)] == ["c1"]
    assert [one.connection_id for one in unreconciled(store, NOW, since=TODAY)] == ["c2", "c3"]
    whole, lacking = reconciled(store, NOW, TODAY - 7200 * SECOND)
    assert lacking == unreconciled(store, NOW, since=TODAY - 7200 * SECOND)
    assert [one.connection_id for one in lacking] == ["c1", "c2", "c3"]
    assert reconciled(store, NOW, TODAY - 7200 * SECOND, limit=2) == (whole, lacking[:2])
    assert reconciled(store, NOW, NOW) == (Chain(*([0] * 14), None), [])
    assert (whole.connections, whole.frames_parsed, whole.behind) == (4, 12, 3)
    assert (whole.to_publish, whole.frames_published) == (9, 9)
    assert (whole.to_apply, whole.frames_applied) == (9, 8)
    assert (whole.to_store, whole.frames_stored) == (11, 8)
    sums = {
        one.outcome: (one.frames, one.frames_published, one.published_of, one.frames_applied, one.applied_of)
        for one in completeness(store, NOW)
    }
    assert sums == {
        Outcome.RECONCILED: (3, 3, 3, 3, 3),
        Outcome.UNAPPLIED: (3, 3, 3, 2, 3),
        Outcome.UNSTORED: (6, 3, 3, 3, 3),
    }


def test_a_store_where_no_worker_ever_told_judges_no_step_of_it(store: Store) -> None:
    """A worker of the release before lives frames and says nothing of it: nothing is missing."""
    _write(store, (_account(0), (), ALL))
    (balance,) = completeness(store, NOW)
    assert (balance.outcome, balance.applied_of) == (Outcome.RECONCILED, 0)
