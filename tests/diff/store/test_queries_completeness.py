"""Completeness from the wire to the store."""

from collections import Counter

from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.completeness import SETTLE, WINDOW, Outcome, completeness, unreconciled
from diff.store.tables import ConnectionAccount
from diff.store.writer import Writer
from ingest.frame import Direction, Frame

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
OLD = NOW - 2 * SETTLE


def _account(number: int, **changes: object) -> ConnectionAccount:
    fields = {
        "charger_id": f"CP-{number}", "connection_id": f"c{number}", "state": "closed", "subprotocol": "ocpp1.6",
        "compression": False, "opened_at": OLD - SECOND, "closed_at": OLD, "last_frame_at": OLD,
        "bytes_forwarded": 1000, "bytes_mirrored": 1000, "bytes_parsed": 1000, "frames": 3, "gaps": 0, "at": NOW,
    }  # fmt: skip
    return ConnectionAccount(**fields | changes)  # type: ignore[arg-type]


def _write(store: Store, account: ConnectionAccount, stored: int) -> None:
    writer = Writer(store, judging_run=JUDGING_RUN)
    writer.add_connections([account])
    for seq in range(stored):
        name = account.connection_id
        frame = Frame(account.charger_id, name, seq, account.opened_at, direction=Direction.CP_TO_CS, text="[]")
        writer.add_frame(frame)
        writer.add_frame(frame)  # delivered twice, it counts once
    writer.flush()


CASES: tuple[tuple[dict[str, object], int, Outcome | None], ...] = (
    ({}, 3, Outcome.RECONCILED),
    ({"state": "mirrored", "bytes_parsed": 990, "closed_at": None}, 3, Outcome.RECONCILED),
    ({"frames": 2}, 3, Outcome.RECONCILED),
    ({"bytes_mirrored": 900, "bytes_parsed": 900, "gaps": 1}, 3, Outcome.EXPLAINED),
    ({"bytes_parsed": 900, "gaps": 1}, 3, Outcome.EXPLAINED),
    ({"last_frame_at": NOW - SECOND}, 2, Outcome.SETTLING),
    ({}, 1, Outcome.UNSTORED),
    ({}, 0, Outcome.UNSTORED),
    ({"bytes_mirrored": 800, "bytes_parsed": 800}, 3, Outcome.UNEXPLAINED),
    ({"bytes_parsed": 900}, 3, Outcome.UNEXPLAINED),
    # No part of the balance: not followed, nothing written, older than the counts of stored frames.
    ({"state": "not-enrolled"}, 0, None),
    ({"frames": 0}, 0, None),
    ({"opened_at": NOW - WINDOW - SECOND}, 0, None),
)


def test_every_connection_reconciles_or_is_named(store: Store) -> None:
    """Bytes and frames of a connection reconcile, are explained by a gap, are on their way, or are named."""
    assert completeness(store, NOW) == []
    for number, (changes, stored, _) in enumerate(CASES):
        _write(store, _account(number, **changes), stored)
    found = {one.outcome: one for one in completeness(store, NOW)}
    wanted = Counter(outcome for _, _, outcome in CASES if outcome is not None)
    assert {outcome: one.connections for outcome, one in found.items()} == wanted
    assert found[Outcome.UNSTORED].frames - found[Outcome.UNSTORED].frames_stored == 5
    assert found[Outcome.RECONCILED].frames_stored == found[Outcome.RECONCILED].frames
    named = unreconciled(store, NOW)
    assert [(one.connection_id, one.outcome) for one in named] == [
        ("c8", Outcome.UNEXPLAINED), ("c9", Outcome.UNEXPLAINED), ("c7", Outcome.UNSTORED), ("c6", Outcome.UNSTORED),
    ]  # fmt: skip
    assert unreconciled(store, NOW, limit=1) == named[:1]
