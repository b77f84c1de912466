"""StartTransaction: a new transaction, or an old one again (DESIGN §3, sessions)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ingest.exchange import PendingCall
from ingest.frame import Micros
from ingest.ocppj import Call
from ingest.timestamps import format_micros
from shadow.quantities import whole_wh
from shadow.station import boundaries, events, ordering, registers, samples, transactions
from shadow.station.authorization import id_token_info
from shadow.station.fields import integer, text
from shadow.station.outbox import Outbox
from shadow.station.points import Stimulus, begins
from shadow.station.state import PendingStart, Transaction
from shadow.station.status import say_status
from shadow.station.tables import CHARGING_STATES, STOP_REASONS

__all__ = ["on_start", "on_start_answer"]


def on_start(out: Outbox, call: Call, frame_id: str) -> None:
    """StartTransaction.req (1.6 §4.8) → TransactionEventRequest Started (E01, E02, E03)."""
    payload = call.payload
    number = integer(payload, "connectorId")
    if number is None or number < 1 or transactions.connector_of(out, number) is None:
        out.unmapped("StartTransaction.connectorId")
        return
    tag = text(payload, "idTag") or ""
    meter_start = whole_wh(payload.get("meterStart"))
    stamp_text = text(payload, "timestamp") or ""
    at, plausible = out.stamp("StartTransaction", payload.get("timestamp"), number)
    again = _retried(out, number, tag, meter_start, stamp_text, call.message_id, plausible=plausible)
    if again is not None:
        out.obs.repeated.append((again.transaction_id, frame_id))
        if again.primary_ids:
            # Before its answer a start may be sent again (1.6 §3.7.1); after it there is nothing to repeat.
            out.find(
                "session.duplicate-start",
                "StartTransaction",
                connector_id=number,
                transaction_id=again.transaction_id,
                frames=(again.joined_by or again.opened_by, frame_id),
                found=", ".join(again.primary_ids),
                expected=again.transaction_id,
                detail=f"message ids {again.message_id[:40]} and {call.message_id[:40]}",
                occurred_at=at,
            )
        return
    known = {
        "message_id": call.message_id,
        "id_token": tag,
        "started_text": stamp_text,
        "started_at": at,
        "plausible_start": plausible,
        "meter_start": meter_start,
        "key_version": out.key_version,
    }
    early = boundaries.to_join(out, number, tag)
    if early is not None:
        _join(out, early, number, at, payload, known)
        return
    running = _displaced(out, number, at)
    latent = not begins(out.config.tx_start_points, Stimulus.START)
    started = transactions.new_transaction(out, number, latent=latent, **known)
    if running is not None:
        named = running.primary_ids[-1] if running.primary_ids else "one that the primary has given no id yet"
        out.find(
            "session.overlap",
            "StartTransaction",
            connector_id=number,
            transaction_id=running.transaction_id,
            frames=(running.opened_by, frame_id),
            found=f"{named} and the one that begins",
            expected=started.transaction_id,
            occurred_at=at,
        )
    _say_started(out, started, at, payload)


def _displaced(out: Outbox, number: int, at: Micros) -> Transaction | None:
    """End what runs on the EVSE, on whichever connector (E01.FR.14), and give it back where 1.6 has it open."""
    displaced = None
    for connector in (number, *out.siblings(number)):
        running = transactions.open_on(out, connector)
        if running is not None and transactions.is_void(running):
            events.end(out, running, at, STOP_REASONS["DeAuthorized"])
        elif running is not None:
            events.close_open(out, running, at)
            displaced = displaced or (None if running.early else running)  # 1.6 knows nothing of an early one
    return displaced


def _say_started(out: Outbox, started: Transaction, at: Micros, payload: dict[str, Any]) -> None:
    number, meter_start = started.connector_id, started.meter_start
    _report_cable(out, number, at)
    trigger, remote = _trigger(out, number, started.id_token or "")
    remote_start_id = None if remote is None else remote.remote_start_id  # F01.FR.25, F02.FR.01
    reservation_id = integer(payload, "reservationId") or None  # many stations always send 0, which reserves nothing
    values = []
    if meter_start is not None and registers.begin_register(out, started, meter_start, at):
        values = [samples.register_sample(meter_start, "Transaction.Begin", at)]
    if started.latent:
        started.charging_state = "EVConnected"
        started.remote_start_id, started.reservation_id = remote_start_id, reservation_id
    else:
        info = {} if remote_start_id is None else {"remoteStartId": remote_start_id}
        events.start(out, started, at, trigger, "EVConnected", info=info, values=values, reservation_id=reservation_id)
    _report_state(out, started, at)


def _report_cable(out: Outbox, number: int, at: Micros) -> None:
    """The power path is closed, so a cable is in: G01.FR.03 asks for Occupied, before or after Started."""
    connector = out.station.connectors[number]
    if connector.reported != "Occupied":
        connector.reported = "Occupied"
        say_status(out, number, "Occupied", format_micros(at))


def _report_state(out: Outbox, started: Transaction, at: Micros) -> None:
    """A status may come before its StartTransaction: E02.FR.13 wants the change reported within the transaction."""
    state = CHARGING_STATES.get(out.station.connectors[started.connector_id].status or "")
    if state in (None, "EVConnected", started.charging_state):
        return
    if state == "Charging":
        boundaries.on_energy(out, started, at)
    if started.charging_state != state:
        events.update(out, started, at, "ChargingStateChanged", charging_state=state)


def _join(
    out: Outbox, early: Transaction, number: int, at: Micros, payload: dict[str, Any], known: dict[str, Any]
) -> None:
    """StartTransaction of a transaction that began before it, with the cable or with the token.

    It brings what is new: the token (E02.FR.01), or the cable with its EVSE (E01.FR.16, E02.FR.17), and the register,
    which goes with it as Transaction.Begin (E02.FR.21).
    """
    out.obs.repeated.append((early.transaction_id, out.frame_id))
    authorized, placed = early.id_token is not None, early.connector_id > 0
    early.early, early.joined_by, early.received_at = False, out.frame_id, out.at
    for name, value in known.items():
        setattr(early, name, value)
    _report_cable(out, number, at)
    early.connector_id = number
    out.station.connectors[number].transaction_id = early.transaction_id
    trigger, remote = _trigger(out, number, early.id_token or "")
    more: dict[str, Any] = {}
    if early.meter_start is not None and registers.begin_register(out, early, early.meter_start, at):
        more["meterValue"] = [samples.register_sample(early.meter_start, "Transaction.Begin", at)]
    if reservation_id := integer(payload, "reservationId"):
        more["reservationId"] = reservation_id
    if placed and not authorized:
        remote_start_id = None if remote is None else remote.remote_start_id
        reason = "Authorized" if remote is None else trigger
        events.update(out, early, at, reason, tag=early.id_token, more=more, remote_start_id=remote_start_id)
    else:
        events.update(out, early, at, "CablePluggedIn", charging_state="EVConnected", more=more)
    _report_state(out, early, at)


def _retried(
    out: Outbox,
    number: int,
    tag: str,
    meter_start: Decimal | None,
    stamp_text: str,
    message_id: str,
    *,
    plausible: bool,
) -> Transaction | None:
    """The transaction that this start repeats.

    Connector, token and meter must agree, and one thing more that strangers cannot share: a plausible timestamp, or
    that the first one is still open and either has the same message id and no answer yet, or one of the two clocks was
    never set. Message ids begin anew after a boot and registers may stand at zero: alone they prove nothing.
    """
    for known in reversed(out.station.transactions.values()):
        same = (
            known.connector_id == number
            and not known.adopted
            and known.meter_start == meter_start
            and transactions.may_have_token(out, known, tag)
        )
        if not same:
            continue
        set_clocks = plausible and known.plausible_start
        if plausible and known.started_text == stamp_text:
            return known
        unanswered = known.message_id == message_id and not known.primary_ids
        if not known.ended and (unanswered or not set_clocks):
            return known
    return None


def _trigger(out: Outbox, number: int, tag: str) -> tuple[str, PendingStart | None]:
    """TriggerReason of Started: the more specific wins (E02.FR.17, F01.FR.19)."""
    since = out.at - out.config.connection_timeout
    starts = out.station.remote_starts
    for start in starts:
        fits = start.id_token.lower() == tag.lower() and start.connector_id in (None, number)
        if fits and start.accepted_at >= since:
            starts.remove(start)
            out.station.authorized.pop(tag.lower(), None)
            return "RemoteStart", start
    for key, start in out.station.commanded_starts.items():
        # The start may overtake the answer to the command that it follows.
        if (
            start.id_token.lower() == tag.lower()
            and start.connector_id in (None, number)
            and start.accepted_at >= since
        ):
            del out.station.commanded_starts[key]
            out.station.authorized.pop(tag.lower(), None)
            return "RemoteStart", start
    authorized_at = out.station.authorized.pop(tag.lower(), None)
    preparing_at = out.station.connectors[number].preparing_at
    if authorized_at is not None and authorized_at >= since and preparing_at is not None:
        return ("CablePluggedIn" if preparing_at > authorized_at else "Authorized"), None
    return "Authorized", None


def on_start_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """StartTransaction.conf → TransactionEventResponse; its integer becomes an alias (P2 §1.2)."""
    started = _of_call(out, request)
    primary_id = integer(answer, "transactionId")
    info = id_token_info(out, answer.get("idTagInfo"))
    first = None
    if started is not None:
        told_by = started.joined_by or started.opened_by
        if not started.primary_ids and told_by != request.frame_id:
            first = told_by
        if primary_id is not None:
            transactions.alias(out, started, primary_id)
        if info is not None and info["status"] != "Accepted":
            started.refused = True
    if started is not None and started.latent:
        started.token_info = info
    if info is not None:
        ordering.answer(out, request, {"idTokenInfo": info}, first)


def _of_call(out: Outbox, request: PendingCall) -> Transaction | None:
    """The transaction that a StartTransaction call opened or repeated."""
    known = list(out.station.transactions.values())
    opened = next((one for one in known if request.frame_id in (one.opened_by, one.joined_by)), None)
    if opened is not None:
        return opened
    tag = text(request.call.payload, "idTag") or ""
    number = integer(request.call.payload, "connectorId")
    meter_start = whole_wh(request.call.payload.get("meterStart"))
    for one in reversed(known):
        same = one.connector_id == number and transactions.may_have_token(out, one, tag)
        if same and one.meter_start == meter_start and not one.adopted:
            return one
    return None
