"""Rules of remote control and charging profiles (2.0.1 Part 2, functional blocks E14, F and K)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from ingest.frame import Micros
from shadow.native.reading import integer, listed, nested, text
from shadow.native.rule import ANSWER, REQUEST, Fault, Rule, Said
from shadow.native.state import NativeState, NativeTransaction

__all__ = ["RULES"]

_CABLE_WINDOW: Final[Micros] = 120_000_000
"""How long an accepted request surely waits for the cable: EVConnectionTimeOut (F02.FR.07) is not known, and longer."""


def _remote_start_told(facts: NativeState, said: Said) -> Fault | None:
    """The next event after an accepted RequestStartTransaction: of the transaction named, or the one of its token."""
    event, known = said.event, said.transaction
    due = _remote_start_due(facts, said)
    if event is None or due is None or event.remote_start_id == due or (known is not None and said.is_late):
        return None
    found = None if event.remote_start_id is None else str(event.remote_start_id)
    return Fault(found, str(due), "a RequestStartTransaction was accepted just before")


def _remote_start_reason(facts: NativeState, said: Said) -> Fault | None:
    event = said.event
    due = _remote_start_due(facts, said)
    if event is None or due is None or event.trigger == "RemoteStart" or said.is_late:
        return None
    return Fault(event.trigger, "RemoteStart", "a RequestStartTransaction was accepted just before")


def _remote_start_due(facts: NativeState, said: Said) -> int | None:
    event, known = said.event, said.transaction
    if event is None:
        return None
    if known is not None:
        return known.remote_start_id
    if event.kind != "Started" or event.id_token is None:
        return None
    for number, start in facts.remote_starts.items():
        if said.at - start.accepted_at > _CABLE_WINDOW:
            continue
        here = start.evse_id is None or event.evse_id is None or start.evse_id == event.evse_id
        if start.id_token == event.id_token and here:
            return number
    return None


def _remote_start_id(_facts: NativeState, said: Said) -> Fault | None:
    event = said.event
    if event is not None and event.trigger == "RemoteStart" and event.remote_start_id is None:
        return Fault(None, "remoteStartId", "triggerReason RemoteStart, and not by which request")
    return None


def _remote_start_id_new(facts: NativeState, said: Said) -> Fault | None:
    number = integer(said.payload, "remoteStartId")
    if number is not None and number in facts.remote_start_ids:
        return Fault(str(number), "a new remoteStartId", "an earlier request had it: its transaction cannot be told")
    return None


def _profile_of_start(_facts: NativeState, said: Said) -> Fault | None:
    purpose = text(nested(said.payload, "chargingProfile"), "chargingProfilePurpose")
    return None if purpose in (None, "TxProfile") else Fault(purpose, "TxProfile")


def _profile_without_transaction(_facts: NativeState, said: Said) -> Fault | None:
    named = text(nested(said.payload, "chargingProfile"), "transactionId")
    return None if named is None else Fault(named, "no transactionId", "the transaction is yet to come")


def _asked_transaction(facts: NativeState, said: Said) -> NativeTransaction | None:
    named = None if said.request is None else text(said.request, "transactionId")
    return None if named is None else facts.transactions.get(named)


def _stop_of_running(facts: NativeState, said: Said) -> Fault | None:
    known, status = _asked_transaction(facts, said), text(said.payload, "status")
    if known is not None and known.whole and not known.ended and status == "Rejected":
        return Fault(status, "Accepted", "the transaction runs")
    return None


def _stop_of_ended(facts: NativeState, said: Said) -> Fault | None:
    known, status = _asked_transaction(facts, said), text(said.payload, "status")
    return Fault(status, "Rejected", "the transaction has ended") if _ended(known) and status == "Accepted" else None


def _ended(known: NativeTransaction | None) -> bool:
    return known is not None and known.ended


def _ongoing(facts: NativeState, said: Said) -> Fault | None:
    known, told = _asked_transaction(facts, said), said.payload.get("ongoingIndicator")
    if known is not None and known.whole and not known.ended and told is not True:
        return Fault(_word(told), "true", "the transaction runs")
    return None


def _not_ongoing(facts: NativeState, said: Said) -> Fault | None:
    known, told = _asked_transaction(facts, said), said.payload.get("ongoingIndicator")
    return Fault("true", "false", "the transaction has ended") if _ended(known) and told is True else None


def _word(value: Any) -> str | None:
    return None if value is None else str(value)[:40].lower()


def _ongoing_of_none(_facts: NativeState, said: Said) -> Fault | None:
    if said.request is not None and "transactionId" not in said.request and "ongoingIndicator" in said.payload:
        return Fault(_word(said.payload["ongoingIndicator"]), "no ongoingIndicator", "no transaction was asked for")
    return None


def _unlock(facts: NativeState, said: Said) -> Fault | None:
    status, request = text(said.payload, "status"), said.request or {}
    place = (integer(request, "evseId"), integer(request, "connectorId"))
    if status in (None, "OngoingAuthorizedTransaction") or None in place:
        return None
    for known in facts.transactions.values():
        authorized = known.id_token is not None and not known.stop_authorized
        if known.whole and not known.ended and authorized and (known.evse_id, known.connector_id) == place:
            return Fault(status, "OngoingAuthorizedTransaction", "an authorized transaction runs on the connector")
    return None


def _status_of_connector(_facts: NativeState, said: Said) -> Fault | None:
    wanted = text(said.payload, "requestedMessage") == "StatusNotification"
    if wanted and integer(nested(said.payload, "evse"), "connectorId") is None:
        return Fault(None, "evse.connectorId", "a status is asked for of a connector")
    return None


def _criterion(_facts: NativeState, said: Said) -> Fault | None:
    given = nested(said.payload, "chargingProfile")
    others = {"chargingProfilePurpose", "stackLevel", "chargingLimitSource"} & set(given)
    if ("chargingProfileId" in given) == bool(others):
        return Fault(", ".join(sorted(given)) or None, "either chargingProfileId or other criteria")
    return None


def _clears_something(_facts: NativeState, said: Said) -> Fault | None:
    if "chargingProfileId" in said.payload or nested(said.payload, "chargingProfileCriteria"):
        return None
    return Fault(None, "chargingProfileId or chargingProfileCriteria")


_OfProfile = Callable[[dict[str, Any], int | None], Fault | None]


def _of_profile(check: _OfProfile) -> Callable[[NativeState, Said], Fault | None]:
    """A check of the profile that SetChargingProfile or RequestStartTransaction carries."""

    def checked(_facts: NativeState, said: Said) -> Fault | None:
        profile = nested(said.payload, "chargingProfile")
        return check(profile, integer(said.payload, "evseId")) if profile else None

    return checked


def _tx_profile_has_transaction(profile: dict[str, Any], _evse_id: int | None) -> Fault | None:
    if text(profile, "chargingProfilePurpose") == "TxProfile" and text(profile, "transactionId") is None:
        return Fault(None, "transactionId", "a TxProfile is of one transaction")
    return None


def _tx_profile_has_evse(profile: dict[str, Any], evse_id: int | None) -> Fault | None:
    if text(profile, "chargingProfilePurpose") == "TxProfile" and evse_id == 0:
        return Fault("0", "an EVSE", "a TxProfile is of one transaction")
    return None


def _no_external_constraints(profile: dict[str, Any], _evse_id: int | None) -> Fault | None:
    purpose = text(profile, "chargingProfilePurpose")
    return Fault(purpose, "another purpose") if purpose == "ChargingStationExternalConstraints" else None


def _begins_at_zero(profile: dict[str, Any], _evse_id: int | None) -> Fault | None:
    for schedule in listed(profile, "chargingSchedule"):
        starts = [integer(period, "startPeriod") for period in listed(schedule, "chargingSchedulePeriod")]
        if starts and starts[0] not in (None, 0):
            return Fault(str(starts[0]), "0", "the first period begins the schedule")
    return None


def _periods_rise(profile: dict[str, Any], _evse_id: int | None) -> Fault | None:
    for schedule in listed(profile, "chargingSchedule"):
        given = (integer(period, "startPeriod") for period in listed(schedule, "chargingSchedulePeriod"))
        starts = [start for start in given if start is not None]
        for before, after in pairwise(starts):
            if after <= before:
                return Fault(str(after), f"more than {before}", "periods in the order of time")
    return None


def _maximum_is_not_relative(profile: dict[str, Any], _evse_id: int | None) -> Fault | None:
    purpose, kind = text(profile, "chargingProfilePurpose"), text(profile, "chargingProfileKind")
    return Fault(kind, "Absolute or Recurring", purpose or "") if _is_maximum(purpose) and kind == "Relative" else None


def _is_maximum(purpose: str | None) -> bool:
    return purpose == "ChargingStationMaxProfile"


def _absolute_has_start(profile: dict[str, Any], _evse_id: int | None) -> Fault | None:
    kind = text(profile, "chargingProfileKind")
    schedules = listed(profile, "chargingSchedule")
    if kind in ("Absolute", "Recurring") and any("startSchedule" not in one for one in schedules):
        return Fault(None, "startSchedule", f"chargingProfileKind {kind}")
    return None


def _relative_has_no_start(profile: dict[str, Any], _evse_id: int | None) -> Fault | None:
    relative = text(profile, "chargingProfileKind") == "Relative"
    started = [one for one in listed(profile, "chargingSchedule") if "startSchedule" in one]
    if relative and started:
        return Fault(text(started[0], "startSchedule"), "no startSchedule", "it begins when it becomes active")
    return None


_P: Final = "chargingProfile."
_PERIOD: Final = _P + "chargingSchedule.chargingSchedulePeriod.startPeriod"


def _profile_rule(number: str, fields: tuple[str, ...], words: str, check: _OfProfile) -> Rule:
    return Rule(number, "SetChargingProfile", REQUEST, fields, words, _of_profile(check))


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "F01.FR.25", "TransactionEvent", REQUEST, ("transactionInfo.remoteStartId",),
        "The next event after an accepted RequestStartTransaction carries its remoteStartId (F02.FR.01).",
        _remote_start_told,
    ),
    Rule(
        "F01.FR.19", "TransactionEvent", REQUEST, ("triggerReason",),
        "The next event after an accepted RequestStartTransaction has triggerReason RemoteStart.",
        _remote_start_reason,
    ),
    Rule(
        "F02.FR.21", "TransactionEvent", REQUEST, ("transactionInfo.remoteStartId", "triggerReason"),
        "An event with triggerReason RemoteStart carries the remoteStartId.", _remote_start_id,
    ),
    Rule(
        "1.44.1", "RequestStartTransaction", REQUEST, ("remoteStartId",),
        "A remoteStartId is of one request: the CSMS knows by it which transaction was started.",
        _remote_start_id_new,
    ),
    Rule(
        "F01.FR.09", "RequestStartTransaction", REQUEST, (_P + "chargingProfilePurpose",),
        "The profile of a RequestStartTransaction is a TxProfile (F02.FR.17).", _profile_of_start,
    ),
    Rule(
        "F01.FR.11", "RequestStartTransaction", REQUEST, (_P + "transactionId",),
        "The profile of a RequestStartTransaction names no transaction (F02.FR.19).", _profile_without_transaction,
    ),
    Rule(
        "F03.FR.07", "RequestStopTransaction", ANSWER, ("status",),
        "A request to stop a transaction that runs is accepted.", _stop_of_running,
    ),
    Rule(
        "F03.FR.08", "RequestStopTransaction", ANSWER, ("status",),
        "A request to stop a transaction that does not run is rejected.", _stop_of_ended,
    ),
    Rule(
        "E14.FR.02", "GetTransactionStatus", ANSWER, ("ongoingIndicator",),
        "A transaction that runs is told to be ongoing.", _ongoing,
    ),
    Rule(
        "E14.FR.03", "GetTransactionStatus", ANSWER, ("ongoingIndicator",),
        "A transaction that has ended is not told to be ongoing.", _not_ongoing,
    ),
    Rule(
        "E14.FR.06", "GetTransactionStatus", ANSWER, ("ongoingIndicator",),
        "Where no transaction was asked for none is told to be ongoing.", _ongoing_of_none,
    ),
    Rule(
        "F05.FR.02", "UnlockConnector", ANSWER, ("status",),
        "A connector with an authorized transaction is not unlocked.", _unlock,
    ),
    Rule(
        "F06.FR.13", "TriggerMessage", REQUEST, ("evse.connectorId", "requestedMessage"),
        "A status is asked for of a connector.", _status_of_connector,
    ),
    Rule(
        "K09.FR.03", "GetChargingProfiles", REQUEST,
        (_P + "chargingProfileId", _P + "chargingProfilePurpose", _P + "stackLevel", _P + "chargingLimitSource"),
        "Profiles are asked for by their ids or by other criteria.", _criterion,
    ),
    Rule(
        "K10.FR.02", "ClearChargingProfile", REQUEST, ("chargingProfileId", "chargingProfileCriteria"),
        "What is to be cleared is named by its id or by criteria.", _clears_something,
    ),
    _profile_rule(
        "K01.FR.03", (_P + "transactionId", _P + "chargingProfilePurpose"),
        "A TxProfile names its transaction.", _tx_profile_has_transaction,
    ),
    _profile_rule(
        "K01.FR.16", ("evseId", _P + "chargingProfilePurpose"),
        "A TxProfile is set on an EVSE.", _tx_profile_has_evse,
    ),
    _profile_rule(
        "K01.FR.22", (_P + "chargingProfilePurpose",),
        "The CSMS sets no ChargingStationExternalConstraints.", _no_external_constraints,
    ),
    _profile_rule("K01.FR.31", (_PERIOD,), "The first period of a schedule begins at 0.", _begins_at_zero),
    _profile_rule("K01.FR.35", (_PERIOD,), "The periods of a schedule stand in the order of time.", _periods_rise),
    _profile_rule(
        "K01.FR.38", (_P + "chargingProfileKind", _P + "chargingProfilePurpose"),
        "A ChargingStationMaxProfile is not Relative.", _maximum_is_not_relative,
    ),
    _profile_rule(
        "K01.FR.40", (_P + "chargingSchedule.startSchedule", _P + "chargingProfileKind"),
        "An Absolute or Recurring profile says when its schedule begins.", _absolute_has_start,
    ),
    _profile_rule(
        "K01.FR.41", (_P + "chargingSchedule.startSchedule", _P + "chargingProfileKind"),
        "A Relative profile does not say when its schedule begins.", _relative_has_no_start,
    ),
)  # fmt: skip
"""In the order in which they are asked."""
