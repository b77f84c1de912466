"""Reservations (2.0.1 part H). ReservationStatusUpdate has no message of 1.6: `station.reservation` makes it."""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.connectors import name_unknown, placed
from shadow.mapping.rules import ANSWER, FROM_CSMS, REQUEST, Rule, Table, moved, same
from shadow.mapping.tokens import group_token, id_tag
from shadow.mapping.values import INTEGER, TIME, one_of
from shadow.station import fields
from shadow.station.outbox import Outbox

__all__ = ["TABLES"]


def _evse_id(out: Outbox, where: str, value: Any) -> int | None:
    """The EVSE to be reserved; 0 is any of them, which 2.0.1 says by naming none."""
    number = fields.integer({"": value}, "")
    if number is None:
        return None
    name_unknown(out, where, number)
    if number < 1:
        return None
    if out.siblings(number):
        out.lost(where, number, detail="2.0.1 reserves the EVSE and not one of its connectors", connector_id=number)
    return out.place(number).evse_id


def _words(*words: str) -> tuple[Rule, ...]:
    return (same("status", one_of({word: word for word in words})),)


TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="ReserveNow",
        part=REQUEST,
        directions=FROM_CSMS,
        message="ReserveNow",
        rules=(
            moved("reservationId", "id", INTEGER),
            moved("expiryDate", "expiryDateTime", TIME),
            placed(
                "connectorId",
                "evseId",
                _evse_id,
                why="absent for 0; which connector of an EVSE cannot be said, only its type (H01)",
            ),
            *id_tag("idTag", "idToken"),
            *group_token("groupIdToken"),
        ),
    ),
    Table(
        action="ReserveNow",
        part=ANSWER,
        directions=FROM_CSMS,
        message="ReserveNow",
        rules=_words("Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"),
    ),
    Table(
        action="CancelReservation",
        part=REQUEST,
        directions=FROM_CSMS,
        message="CancelReservation",
        rules=(same("reservationId", INTEGER),),
    ),
    Table(
        action="CancelReservation",
        part=ANSWER,
        directions=FROM_CSMS,
        message="CancelReservation",
        rules=_words("Accepted", "Rejected"),
    ),
)
