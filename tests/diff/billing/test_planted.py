"""A fleet's bills with planted faults: each is found where it was planted, nothing else is, and amounts are exact."""

from decimal import Decimal
from random import Random

import pytest

from demo.billing import BillingFault, cdrs, evse_map, record_frames
from demo.books import Billed
from demo.lived import Lived
from demo.traffic import Traffic
from diff.discrepancy import Status
from diff.policy import SECOND, Policy
from ingest.frame import Frame, FrameKind

POLICY = Policy(records_expected=True)
TELLS = {
    BillingFault.WRONG_ENERGY: {"session.energy"},
    BillingFault.MISSING: {"session.missing-in-primary"},
    BillingFault.DUPLICATE: {"session.duplicate-record"},
    BillingFault.CREDITED: set[str](),
    BillingFault.FOREIGN_TOKEN: {"session.token"},
    BillingFault.LATE: {"session.late-record"},
    BillingFault.WRONG_AMOUNT: {"session.record-amount"},
}
"""The others want idle times of hours between sessions: tests/demo/test_seeded.py has them."""


@pytest.fixture(scope="module")
def fleet() -> tuple[list[Frame], list[Billed]]:
    """Six charging stations, ten sessions each, all of them as they should be on the wire."""
    traffic = Traffic(seed=11, chargers=6, sessions_per_charger=10, fault_share=0.0)
    frames = list(traffic)
    return frames, traffic.books.ledger


def _planted(billed: list[Billed]) -> dict[int, BillingFault]:
    """Every third session has a fault, each kind in turn; sessions without energy are left alone."""
    worth = [row.transaction_id for row in billed if row.energy_wh]
    kinds = list(TELLS)
    return {one: kinds[number % len(kinds)] for number, one in enumerate(worth[::3])}


def _lived(frames: list[Frame]) -> Lived:
    return Lived(policy=POLICY).feed(frames).settle().settle()


def _told(lived: Lived) -> dict[str, set[str]]:
    """The codes that stand, by the primary's transactionId."""
    ids = {one.session_id: one.primary_transaction_id or "" for one in lived.sessions.values()}
    told: dict[str, set[str]] = {}
    for row in lived.discrepancies.values():
        if row.status is Status.OPEN and row.path.startswith("CDR"):
            told.setdefault(ids[row.session_id or ""], set()).add(row.code)
    return told


def test_every_planted_fault_is_found_and_nothing_else(fleet: tuple[list[Frame], list[Billed]]) -> None:
    """By session and code; of a bill that was credited and written anew nothing stands."""
    frames, billed = fleet
    faults = _planted(billed)
    records = record_frames(cdrs(billed, faults), evse_map(billed))
    lived = _lived(sorted([*frames, *records], key=lambda frame: frame.order_key))
    expected = {str(one): TELLS[fault] for one, fault in faults.items() if TELLS[fault]}
    assert len(expected) >= 15
    assert _told(lived) == expected


def test_amounts_are_exact_to_the_cent(fleet: tuple[list[Frame], list[Billed]]) -> None:
    """The demo's primary reckons on its own: what it bills for a right session is what the shadow's costs."""
    frames, billed = fleet
    records = record_frames(cdrs(billed), evse_map(billed))
    lived = _lived(sorted([*frames, *records], key=lambda frame: frame.order_key))
    rows = [row for row in lived.sessions.values() if row.record_id is not None]
    assert len(rows) == len(cdrs(billed))
    assert all(row.shadow_amount == row.record_amount for row in rows)
    assert {row.amount_delta for row in rows} == {Decimal(0)}


def test_order_repetition_and_ticks_do_not_change_what_stands(fleet: tuple[list[Frame], list[Billed]]) -> None:
    """Records shuffled within their time and delivered twice, with ticks anywhere between: the same codes stand."""
    frames, billed = fleet
    faults = {one: kind for one, kind in _planted(billed).items() if kind is not BillingFault.LATE}
    records = record_frames(cdrs(billed, faults), evse_map(billed))
    end = max(frame.received_at for frame in frames) + SECOND
    random = Random(5)
    expected = None
    for _ in range(3):
        mixed = [*records, *random.sample(records, len(records) // 2)]
        random.shuffle(mixed)
        moved = [
            Frame(one.charger_id, one.connection_id, 0, end + number, FrameKind.RECORD, text=one.text)
            for number, one in enumerate(mixed)
        ]
        ticks = [Frame("", "t", 0, random.randrange(frames[0].received_at, end), FrameKind.TICK) for _ in range(50)]
        lived = _lived(sorted([*frames, *moved, *ticks], key=lambda frame: frame.order_key))
        expected = expected or _told(lived)
        assert _told(lived) == expected
    assert expected == {str(one): TELLS[fault] for one, fault in faults.items() if TELLS[fault]}
