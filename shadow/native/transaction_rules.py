"""Rules of transactions (2.0.1 Part 2, functional block E; §1.3.2 and §1.5 of its introduction).

Order of delivery is free (Part 6): rules about what comes after what are not asked of an event that comes late, and
not of a transaction whose beginning was not seen.
"""

from __future__ import annotations

from typing import Final

from shadow.native.reading import Event, token
from shadow.native.rule import ANSWER, REQUEST, Fault, Rule, Said, of_event
from shadow.native.state import NativeState, NativeTransaction

__all__ = ["RULES"]

_CONNECTED: Final = frozenset({"EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE"})
"""ChargingStateEnumType (§3.16): those with a connection between EV and EVSE."""
_BY_DRIVER: Final = frozenset({"StopAuthorized", "EVCommunicationLost", "EVDeparted", "ChargingStateChanged"})
"""Triggers of an Ended that may be the driver's doing: with a StopAuthorized before them the reason may be left out."""
_NOT_BY_DRIVER: Final = frozenset(
    {
        "RemoteStop", "ResetCommand", "Deauthorized", "EVCommunicationLost", "EVDeparted", "EVConnectTimeout",
        "AbnormalCondition", "EnergyLimitReached", "TimeLimitReached",
    }
)  # fmt: skip
_ABNORMAL: Final = frozenset({"EmergencyStop", "GroundFault", "OvercurrentFault", "PowerLoss", "PowerQuality"})
_WITH_TOKEN: Final = frozenset({"Authorized", "StopAuthorized", "RemoteStart", "Deauthorized", "CablePluggedIn"})


def _started_once(event: Event, known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.kind == "Started" and known is not None and known.started and not known.ended:
        return Fault("Started", "Started once", f"seqNo {event.seq_no} says that it starts a second time")
    return None


def _ended_once(event: Event, known: NativeTransaction | None, said: Said) -> Fault | None:
    if known is None or not known.ended or event.kind == "Started":
        return None
    if event.kind == "Ended" or not said.is_late:
        return Fault(event.kind, "nothing after Ended", f"seqNo {event.seq_no} after Ended")
    return None


def _id_reused(event: Event, known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.kind == "Started" and known is not None and known.started and known.ended:
        return Fault(event.transaction_id, "a new transactionId", "another transaction had it, and has ended")
    return None


def _number_again(event: Event, known: NativeTransaction | None, _said: Said) -> Fault | None:
    if known is None or event.seq_no is None or event.seq_no > known.seq_no or event.seq_no in known.missing:
        return None
    if event.kind == "Started" and known.ended:
        return None  # the transactionId is reused: E01.FR.08 says all of it
    if event.seq_no in known.recent or known.whole:
        expected = f"{known.seq_no + 1}"
        return Fault(str(event.seq_no), expected, "this number stood on another event of the transaction")
    return None


def _number_left_out(event: Event, known: NativeTransaction | None, _said: Said) -> Fault | None:
    if known is None or event.seq_no is None:
        return None
    if event.seq_no in known.missing:
        # One finding was made of each hole: it is taken back with the hole's last number.
        filled = event.seq_no - 1 not in known.missing and event.seq_no + 1 not in known.missing
        return Fault(str(event.seq_no), detail="the missing numbers came late", withdrawn=True) if filled else None
    jumped = event.seq_no > known.seq_no + 1 and not known.ended
    if jumped and not known.interrupted and not event.offline:
        return Fault(str(event.seq_no), str(known.seq_no + 1), "numbers are left out, and it never was offline")
    return None


def _one_per_evse(facts: NativeState, said: Said) -> Fault | None:
    event = said.event
    if event is None or event.kind != "Started" or event.evse_id is None or event.offline:
        return None
    for other_id, other in facts.transactions.items():
        runs = other.whole and not other.ended and not other.interrupted
        if runs and other.evse_id == event.evse_id and other_id != event.transaction_id:
            detail = f"EVSE {event.evse_id} still runs another transaction"
            return Fault(str(event.evse_id), "the other transaction ended", detail)
    return None


def _evse(event: Event, known: NativeTransaction | None, said: Said) -> Fault | None:
    connected = event.charging_state in _CONNECTED or event.trigger == "CablePluggedIn"
    if not connected or said.is_late or (known is not None and (known.connector_id is not None or known.asked_evse)):
        return None
    if event.evse_id is not None and event.connector_id is not None:
        return None
    if event.has_evse:
        return Fault(None, "evse.connectorId", "evse without connectorId", "evse.connectorId")
    if event.kind == "Started" or (known is not None and known.whole):
        return Fault(None, "evse", "the EV is connected, and no event said to which EVSE")
    return None


def _charging_state_of_start(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.kind == "Started" and event.charging_state is None:
        return Fault(None, "chargingState", "with Started the charging state goes from none to a value")
    return None


def _charging_state_of_change(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.trigger == "ChargingStateChanged" and event.charging_state is None:
        return Fault(None, "chargingState", "triggerReason ChargingStateChanged, and not to which state")
    return None


def _change_of_nothing(event: Event, known: NativeTransaction | None, said: Said) -> Fault | None:
    if known is None or event.trigger != "ChargingStateChanged" or event.kind != "Updated" or said.is_late:
        return None
    follows = event.seq_no == known.seq_no + 1
    if follows and event.charging_state is not None and event.charging_state == known.charging_state:
        return Fault(event.charging_state, "another chargingState", "the charging state did not change")
    return None


def _authorized_has_token(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.trigger == "Authorized" and event.id_token is None:
        return Fault(None, "idToken", "triggerReason Authorized without the token that was authorized")
    return None


def _token_before_energy(event: Event, known: NativeTransaction | None, said: Said) -> Fault | None:
    if event.charging_state != "Charging" or event.id_token is not None or said.is_late:
        return None
    sure = event.kind == "Started" if known is None else known.whole
    if sure and (known is None or known.id_token is None):
        return Fault(None, "idToken", "energy flows, and no event said by whose authorization")
    return None


def _token_again(event: Event, known: NativeTransaction | None, said: Said) -> Fault | None:
    if known is None or event.id_token is None or event.kind == "Started" or said.is_late:
        return None
    if event.kind == "Updated" and event.id_token == known.id_token and event.trigger not in _WITH_TOKEN:
        return Fault(event.trigger, "no idToken", "the token is told once when it is authorized, and once at the stop")
    return None


def _no_token_at_remote_end(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.kind == "Ended" and event.trigger in ("RemoteStop", "ResetCommand") and event.id_token is not None:
        return Fault(event.trigger, "no idToken", "no token stopped it")
    return None


def _reason_is_told(event: Event, known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.kind != "Ended" or event.trigger not in _NOT_BY_DRIVER or event.stopped_reason is not None:
        return None
    if known is None or not known.whole:
        return None
    if event.trigger in _BY_DRIVER and known.stop_authorized:
        return None  # E06.FR.09: the driver stopped it, and left afterwards
    return Fault(None, "stoppedReason", f"ended by {event.trigger}: an absent reason means Local")


def _reason_of_trigger(trigger: str, reason: str) -> Rule:
    """The rules that join one triggerReason of Ended with one stoppedReason."""
    number, words = _REASONS[trigger]

    def check(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
        ended = event.kind == "Ended" and event.trigger == trigger
        if ended and event.stopped_reason not in (None, reason):
            return Fault(event.stopped_reason, reason, f"triggerReason {trigger}")
        return None

    fields = ("transactionInfo.stoppedReason", "triggerReason", "eventType")
    return Rule(number, "TransactionEvent", REQUEST, fields, words, of_event(check))


_REASONS: Final = {
    "RemoteStop": ("F03.FR.03", "A transaction that RequestStopTransaction ended has stoppedReason Remote."),
    "Deauthorized": ("E05.FR.10", "A transaction ended by a refused token has stoppedReason DeAuthorized."),
    "ResetCommand": ("B12.FR.04", "A transaction that a reset ended has stoppedReason ImmediateReset."),
    "EVConnectTimeout": ("E03.FR.05", "A transaction that waited in vain for the cable has stoppedReason Timeout."),
}


def _abnormal_end(event: Event, known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.kind != "Ended" or event.stopped_reason not in _ABNORMAL or event.trigger == "AbnormalCondition":
        return None
    if known is None or not known.whole or known.abnormal:
        return None
    return Fault(event.trigger, "AbnormalCondition", f"stoppedReason {event.stopped_reason}")


def _offline(event: Event, _known: NativeTransaction | None, said: Said) -> Fault | None:
    if said.queued and not event.offline:
        return Fault("false", "true", "it happened before the connection was opened")
    return None


def _state_when_triggered(event: Event, _known: NativeTransaction | None, _said: Said) -> Fault | None:
    if event.trigger == "Trigger" and event.charging_state is None:
        return Fault(None, "chargingState", "an event that was asked for tells at least the charging state")
    return None


def _reservation(facts: NativeState, said: Said) -> Fault | None:
    event = said.event
    if event is None or event.id_token is None or event.kind == "Ended" or "reservationId" in event.payload:
        return None
    if said.transaction is not None and said.transaction.id_token is not None:
        return None  # the event that consumes the reservation was the first with the token
    evse_id = event.evse_id if said.transaction is None else event.evse_id or said.transaction.evse_id
    for number, reserved in facts.reservations.items():
        if reserved.id_token == event.id_token and (reserved.evse_id is None or reserved.evse_id == evse_id):
            return Fault(None, str(number), "its token has a reservation here")
    return None


def _answer_has_status(_facts: NativeState, said: Said) -> Fault | None:
    asked = said.request is not None and token(said.request) is not None
    if asked and not isinstance(said.payload.get("idTokenInfo"), dict):
        return Fault(None, "idTokenInfo", "the request carried an idToken")
    return None


_INFO: Final = "transactionInfo."
_EVENT: Final = ("TransactionEvent", REQUEST)

RULES: Final[tuple[Rule, ...]] = (
    Rule("2.6.4", *_EVENT, ("eventType",), "A transaction starts once.", of_event(_started_once)),
    Rule("2.6.5", *_EVENT, ("eventType",), "A transaction ends once, and nothing follows.", of_event(_ended_once)),
    Rule(
        "1.3.2.1", *_EVENT, ("seqNo", "offline"),
        "Each event's seqNo is one more than the one before; only while offline may events be dropped (E04.FR.07).",
        of_event(_number_left_out),
    ),
    Rule(
        "E01.FR.07", *_EVENT, ("seqNo",),
        "A seqNo of a transaction is given once: it does not restart within it.",
        of_event(_number_again),
    ),
    Rule(
        "E01.FR.08", *_EVENT, (_INFO + "transactionId",),
        "A charging station never gives a transactionId a second time.",
        of_event(_id_reused),
    ),
    Rule(
        "E01.FR.14", *_EVENT, ("evse.id", "eventType"),
        "An EVSE starts no transaction while another one runs on it.",
        _one_per_evse,
    ),
    Rule(
        "E01.FR.16", *_EVENT, ("evse", "evse.id", "evse.connectorId"),
        "The first event after the EV is connected names EVSE and connector; that later ones repeat it breaks nothing.",
        of_event(_evse),
    ),
    Rule(
        "E01.FR.18", *_EVENT, (_INFO + "chargingState", "eventType"),
        "Started tells the charging state, which has just come to be.",
        of_event(_charging_state_of_start),
    ),
    Rule(
        "E02.FR.13", *_EVENT, (_INFO + "chargingState", "triggerReason"),
        "An event that says that the charging state changed says to which.",
        of_event(_charging_state_of_change),
    ),
    Rule(
        "E02.FR.17", *_EVENT, ("triggerReason", _INFO + "chargingState"),
        "The triggerReason is what happened: without a change of state it is not ChargingStateChanged.",
        of_event(_change_of_nothing),
    ),
    Rule(
        "E02.FR.01", *_EVENT, ("idToken", "triggerReason"),
        "The event that says Authorized carries the token that was authorized (E02.FR.20).",
        of_event(_authorized_has_token),
    ),
    Rule(
        "E01.FR.10", *_EVENT, ("idToken", _INFO + "chargingState"),
        "Once the driver is authorized an event carries the token: before energy flows.",
        of_event(_token_before_energy),
    ),
    Rule(
        "E03.FR.01", *_EVENT, ("idToken",),
        "The token is told once when it becomes known, and once at the stop; it is not repeated (§1.5).",
        of_event(_token_again),
    ),
    Rule(
        "1.60.1", *_EVENT, ("idToken", "triggerReason"),
        "A transaction that the CSMS stopped or a reset ended names no token in Ended.",
        of_event(_no_token_at_remote_end),
    ),
    Rule(
        "E06.FR.08", *_EVENT, (_INFO + "stoppedReason", "triggerReason"),
        "Ended tells why, unless the driver stopped it at the station (E06.FR.09).",
        of_event(_reason_is_told),
    ),
    _reason_of_trigger("RemoteStop", "Remote"),
    _reason_of_trigger("Deauthorized", "DeAuthorized"),
    _reason_of_trigger("ResetCommand", "ImmediateReset"),
    _reason_of_trigger("EVConnectTimeout", "Timeout"),
    Rule(
        "E06.FR.16", *_EVENT, ("triggerReason", _INFO + "stoppedReason"),
        "A transaction that a fault ended has triggerReason AbnormalCondition.",
        of_event(_abnormal_end),
    ),
    Rule(
        "E04.FR.03", *_EVENT, ("offline", "timestamp"),
        "An event that happened while the station was offline says so.",
        of_event(_offline),
    ),
    Rule(
        "F06.FR.07", *_EVENT, (_INFO + "chargingState", "triggerReason"),
        "A TransactionEvent that TriggerMessage asked for tells at least the charging state.",
        of_event(_state_when_triggered),
    ),
    Rule(
        "E01.FR.13", *_EVENT, ("reservationId", "idToken"),
        "The event that consumes a reservation names it (H01.FR.15).",
        _reservation,
    ),
    Rule(
        "E01.FR.12", "TransactionEvent", ANSWER, ("idTokenInfo", "idTokenInfo.status"),
        "The answer to an event with a token says what the token is worth (§1.60.2).",
        _answer_has_status,
    ),
)  # fmt: skip
"""In the order in which they are asked."""
