"""Reservations (H01 to H04), and the ReservationStatusUpdate that 1.6 does not have.

What the station accepted is remembered until a transaction uses it, it is cancelled, or it is over. Its end shows in
the status of its connector: Reserved → Available after its expiry is Expired (H04.FR.01), Faulted and Unavailable are
Removed (H01.FR.16, H01.FR.17), and after a CancelReservation nothing is told (H02.FR.03 to 06, errata 2.31).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.frame import Direction, Micros
from ingest.key_ring import comparable
from ingest.ocppj import Call, CallError
from ingest.timestamps import parse_stamp
from shadow.message import Provenance
from shadow.station import relay
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.state import MAX_RESERVATIONS, Reservation

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS", "is_presented", "on_status", "on_token"]

_UPDATE: Final = {
    "reservationId": Provenance.DERIVED,
    "reservationUpdateStatus": Provenance.DERIVED,
}
_LONGEST_STAMP: Final = 64
_FORGOTTEN_AFTER: Final[Micros] = 86_400_000_000
"""A reservation whose end was never seen is let go of so long after its expiry."""


def _reserve_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """ReserveNow.conf; an accepted one replaces the reservation with the same id (H01.FR.02)."""
    relay.answer(out, request, answer)
    asked = request.call.payload
    reservation_id, number = integer(asked, "reservationId"), integer(asked, "connectorId")
    stamp = parse_stamp((text(asked, "expiryDate") or "")[:_LONGEST_STAMP])
    if text(answer, "status") != "Accepted" or reservation_id is None or number is None or stamp.at is None:
        return
    known = out.station.reservations
    known.pop(reservation_id, None)
    for old, one in list(known.items()):
        if len(known) >= MAX_RESERVATIONS or out.at > one.expires_at + _FORGOTTEN_AFTER:
            del known[old]
    tag, parent = text(asked, "idTag") or "", text(asked, "parentIdTag") or ""
    known[reservation_id] = Reservation(number, tag[:36], stamp.at, out.at, parent[:36], key_version=out.key_version)


def _cancel(out: Outbox, call: Call) -> None:
    """CancelReservation.req; the connector may be Available before the answer comes."""
    relay.request(out, call, Direction.CS_TO_CP)
    one = _named(out, call)
    if one is not None:
        one.cancelling = True


def _cancel_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    relay.answer(out, request, answer)
    _cancelled(out, request, accepted=text(answer, "status") == "Accepted")


def _cancel_refused(out: Outbox, request: PendingCall, error: CallError) -> None:
    relay.refuse(out, request, error)
    _cancelled(out, request, accepted=False)


def _cancelled(out: Outbox, request: PendingCall, *, accepted: bool) -> None:
    one = _named(out, request.call)
    if one is None:
        return
    one.cancelling = False
    if accepted:
        known = out.station.reservations
        out.station.reservations = {key: other for key, other in known.items() if other is not one}


def _named(out: Outbox, call: Call) -> Reservation | None:
    """The reservation that a CancelReservation names, where it is known."""
    reservation_id = integer(call.payload, "reservationId")
    return None if reservation_id is None else out.station.reservations.get(reservation_id)


def on_token(out: Outbox, tag: str, parent: str) -> list[int]:
    """A token was accepted. Returns the connectors that were reserved for it or for its group (H03.FR.07)."""
    numbers = []
    for one in out.station.reservations.values():
        if not comparable(one.key_version, out.key_version):
            continue
        if _same(tag, one.id_token) or (one.parent and _same(parent, one.parent)):
            one.presented_at = out.at
            numbers.append(one.connector_id)
    return numbers


def is_presented(out: Outbox, number: int) -> bool:
    """Whether a token waits for its start that this connector is reserved for.

    Where the reservation was made unseen any token counts: 1.6 leaves Reserved for Preparing with the right one (G2).
    """
    since = out.at - out.config.connection_timeout
    waiting = [start.id_token for start in out.station.remote_starts if start.accepted_at >= since]
    known = [one for one in out.station.reservations.values() if one.connector_id in (0, number)]
    if not known:
        return bool(waiting) or any(at >= since for at in out.station.authorized.values())
    return any(
        (one.presented_at is not None and one.presented_at >= since)
        or (comparable(one.key_version, out.key_version) and any(_same(tag, one.id_token) for tag in waiting))
        for one in known
    )


def on_status(out: Outbox, number: int, status: str, *, was_reserved: bool) -> None:
    """A 1.6 status of a connector (0 is the station): the end of a reservation may show in it."""
    for reservation_id, one in list(out.station.reservations.items()):
        if _is_used(out, one):
            del out.station.reservations[reservation_id]
        elif one.cancelling:
            continue
        elif status in ("Faulted", "Unavailable") and number == one.connector_id:
            _update(out, reservation_id, "Removed")
        elif status == "Available" and was_reserved and one.connector_id in (0, number) and _is_over(out, one):
            _update(out, reservation_id, "Expired")


def _is_used(out: Outbox, one: Reservation) -> bool:
    """Whether a transaction has begun that the reservation was for: on its connector, or with its token on any."""
    for transaction in out.station.transactions.values():
        if transaction.received_at < one.accepted_at:
            continue
        alike = comparable(transaction.key_version, one.key_version)
        if transaction.connector_id == one.connector_id or (alike and _same(transaction.id_token or "", one.id_token)):
            return True
    return False


def _is_over(out: Outbox, one: Reservation) -> bool:
    return out.at + out.config.skew_limit >= one.expires_at


def _update(out: Outbox, reservation_id: int, status: str) -> None:
    del out.station.reservations[reservation_id]
    out.say("ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": status}, _UPDATE)


def _same(one: str, other: str) -> bool:
    """Tokens are compared without regard to case (2.0.1 §2.31 IdTokenType)."""
    return one.lower() == other.lower()


CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {"CancelReservation": _cancel}
ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "CancelReservation": _cancel_answer,
    "ReserveNow": _reserve_answer,
}
REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {"CancelReservation": _cancel_refused}
"""Where a refusal takes something back that the request began."""
