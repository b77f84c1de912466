"""The bills of one charging station of the seeded fleet: which are wrong, and what the core makes of them. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Final

from demo import billing
from demo.billing import BillingFault
from demo.books import Billed
from demo.lived import Lived
from demo.seeded.outcome import CONFIG, Member, Money, Outcome, Row, ordinary
from diff.discrepancy import Discrepancy, JudgedSession, Status
from diff.policy import Policy
from ingest.frame import Frame

__all__ = ["BILL_CODES", "live"]

_BILLED: Final = Policy(records_expected=True)
_EVERY: Final = 3
_OF_RECORD: Final = re.compile(r"F\d{4}-\d{4}-(\d+)")
"""The transaction that the id of a CDR of the demo names."""

BILL_CODES: Final[dict[BillingFault, tuple[str, ...]]] = {
    BillingFault.WRONG_ENERGY: ("session.energy",),
    BillingFault.MISSING: ("session.missing-in-primary",),
    BillingFault.DUPLICATE: ("session.duplicate-record",),
    BillingFault.CREDITED: (),
    BillingFault.FOREIGN_TOKEN: ("session.token",),
    BillingFault.LATE: ("session.late-record",),
    BillingFault.WRONG_TIMES: ("session.start-time", "session.stop-time"),
    BillingFault.WRONG_AMOUNT: ("session.record-amount",),
    BillingFault.NO_SESSION: ("session.missing-in-shadow",),
    BillingFault.UNPRICEABLE: ("session.unjudged-record",),
}
"""What each fault of a bill must lead to; of a bill that was credited and written anew nothing stands."""


def live(member: Member, frames: list[Frame], ledger: list[Billed]) -> Outcome:
    """Live its frames with its records. Every third session has a bill with a fault, each kind in turn."""
    kinds = list(BILL_CODES)
    random = Random(f"{member.seed}/{member.number}/bills")
    # Stations begin one after the other at each kind, so that few stations with few sessions have all of them.
    first = member.number // 4 * (member.days // 2 + 1) + member.seed
    worth = [row for row in ledger if row.energy_wh]
    struck = worth[random.randrange(min(2, len(worth))) :: _EVERY]
    faults = {row.transaction_id: kinds[(first + place) % len(kinds)] for place, row in enumerate(struck)}
    records = billing.record_frames(billing.cdrs(ledger, faults), billing.evse_map(ledger))
    whole = sorted([*frames, *records], key=lambda frame: frame.order_key)
    lived = Lived(CONFIG, _BILLED).feed(whole).settle().settle()
    outcome = Outcome(len(whole), sum(row.shadow_transaction_id is not None for row in lived.sessions.values()))
    _hold(outcome, lived, frames[0].charger_id, faults)
    _weigh(outcome, lived, {row.transaction_id: row for row in ledger}, faults)
    return outcome


def _hold(outcome: Outcome, lived: Lived, charger_id: str, faults: Mapping[int, BillingFault]) -> None:
    """By session and code: what must stand, and what must not."""
    standing: dict[int, set[str]] = defaultdict(set)
    for row in lived.discrepancies.values():
        if row.status is not Status.OPEN or ordinary(row):
            continue
        for number in _bills_of(row, lived):
            standing[number].add(row.code)
            fault = faults.get(number)
            if fault is None or row.code not in BILL_CODES[fault]:
                outcome.false.append(Row(charger_id, "" if fault is None else fault.value, row.code, row.path))
    for number, fault in faults.items():
        planted = [Row(charger_id, fault.value, code) for code in BILL_CODES[fault]]
        outcome.planted += planted
        outcome.missed += [one for one in planted if one.code not in standing[number]]


def _bills_of(row: Discrepancy, lived: Lived) -> set[int]:
    """The transactions whose bills it is about; 0 where it is about none."""
    session = lived.sessions.get(row.session_id or "")
    if session is not None:
        return {_transaction(session)}
    return {int(found[1]) for frame in row.frames if (found := _OF_RECORD.search(frame))} or {0}


def _transaction(session: JudgedSession) -> int:
    if session.primary_transaction_id:
        return int(session.primary_transaction_id)
    found = _OF_RECORD.match(session.record_id or "")
    return 0 if found is None else int(found[1])


def _weigh(outcome: Outcome, lived: Lived, ledger: Mapping[int, Billed], faults: Mapping[int, BillingFault]) -> None:
    """Hold every amount that was planted against the one that was found; what was not planted has to be nothing."""
    found: dict[tuple[int, BillingFault | None], Decimal] = {}
    for session in lived.sessions.values():
        number = _transaction(session)
        if session.shadow_transaction_id is None and session.record_amount is not None:
            found[number, BillingFault.NO_SESSION] = -session.record_amount
        elif session.amount_delta:
            found[number, BillingFault.WRONG_ENERGY] = session.amount_delta
    for row in lived.rows("session.record-amount"):
        for number in _bills_of(row, lived):
            if row.status is Status.OPEN and row.delta is not None:
                found[number, BillingFault.WRONG_AMOUNT] = row.delta
    charger_id = next(iter(ledger.values())).charger_id
    for number, fault in faults.items():
        planted = _planted(fault, ledger[number])
        if planted is not None:
            outcome.money.append(Money(charger_id, fault.value, planted, found.pop((number, fault), None)))
    outcome.money += [Money(charger_id, "none", Decimal(0), amount) for amount in found.values()]


def _planted(fault: BillingFault, row: Billed) -> Decimal | None:
    """What the driver would pay more by what was lived; None where the fault is none of the amount."""
    energy = row.energy_wh or 0
    match fault:
        case BillingFault.WRONG_ENERGY:
            return billing.amount(energy) - billing.amount(energy + billing.WRONG_WH)
        case BillingFault.WRONG_AMOUNT:
            return -billing.WRONG_AMOUNT
        case BillingFault.NO_SESSION:
            return -billing.amount(billing.NOBODYS_WH)
        case _:
            return None
