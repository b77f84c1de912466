"""Charging profiles (K01, K08, K10): what is said of them, and which ones the station has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ingest.exchange import PendingCall
from ingest.frame import Direction
from ingest.ocppj import Call, CallError
from shadow.mapping.charging_profiles import PURPOSES
from shadow.station import observed, profile_rules, relay, transactions
from shadow.station.fields import integer, objects, text
from shadow.station.outbox import Outbox
from shadow.station.state import InstalledProfile, Transaction

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS", "sayable_schedule"]

_MAX_PROFILES: Final = 16
"""Remembered per station. A runtime writes them with every frame; stations hold few more (MaxChargingProfiles…)."""
_MOST_PERIODS: Final = 1024
_SET: Final = "SetChargingProfile.csChargingProfiles"


def sayable_schedule(out: Outbox, where: str, profile: Any) -> dict[str, Any] | None:
    """A profile whose schedule has between one and 1024 periods, cut where it has more; None where it has none.

    1.6 gives no bounds; 2.0.1 does (ChargingScheduleType), and cannot say a schedule of nothing.
    """
    if not isinstance(profile, dict) or not isinstance(profile.get("chargingSchedule"), dict):
        out.unmapped(where)
        return None
    schedule = profile["chargingSchedule"]
    periods = objects(schedule.get("chargingSchedulePeriod"))
    path = f"{where}.chargingSchedule.chargingSchedulePeriod"
    if not periods:
        detail = "a schedule without a period: 2.0.1 asks for one at least"
        out.find("profile.unmappable", path, found="0 periods", expected="1 to 1024 periods", detail=detail)
        return None
    if len(periods) <= _MOST_PERIODS:
        return profile
    found = f"{len(periods)} periods"
    out.find("profile.unmappable", path, found=found, expected="1 to 1024 periods", detail="those behind are cut")
    cut = {**schedule, "chargingSchedulePeriod": periods[:_MOST_PERIODS]}
    return {**profile, "chargingSchedule": cut}


# -- SetChargingProfile ------------------------------------------------------------------------------------------------


def _set(out: Outbox, call: Call) -> None:
    """SetChargingProfile (K01), and every rule of 2.0.1 that it breaks."""
    profile = sayable_schedule(out, _SET, call.payload.get("csChargingProfiles"))
    if profile is None:
        return
    given: dict[str, Any] = {"chargingProfile.chargingSchedule.id": integer(profile, "chargingProfileId")}
    new = _read(out, call.payload)
    if new is not None:
        profile_rules.check_shape(out, _SET, profile)
        _forget_ended(out)
        profile_rules.check_conflicts(out, _SET, new, out.station.profiles)
        _check_transaction(out, call.payload, new)
        if integer(profile, "transactionId") is None and new.purpose == "TxProfile":
            given["chargingProfile.transactionId"] = new.transaction_id
    relay.request(
        out, replace(call, payload={**call.payload, "csChargingProfiles": profile}), Direction.CS_TO_CP, given
    )


def _set_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    if not out.was_asked(request, "SetChargingProfile"):
        return  # a schedule of nothing was not said
    status = text(answer, "status")
    new = _read(out, request.call.payload)
    if status == "Accepted" and new is not None:
        _forget_ended(out)
        kept = [one for one in out.station.profiles if not _replaces(new, one)]
        out.station.profiles = [*kept, new][-_MAX_PROFILES:]
        observed.note_profiles(out)
    given = {}
    if status == "NotSupported":
        given["statusInfo.reasonCode"] = "UnsupportedRequest"
        detail = "said as Rejected with reasonCode UnsupportedRequest; a 2.0.1 station sends a CALLERROR (K01.FR.29)"
        where = "SetChargingProfile.conf.status"
        out.find("profile.unmappable", where, found=status, expected="Rejected", detail=detail)
    relay.answer(out, request, answer, given)


def _read(out: Outbox, payload: dict[str, Any]) -> InstalledProfile | None:
    """The profile as far as conflicts go; None where it lacks what identifies it."""
    profile = payload.get("csChargingProfiles")
    number = integer(payload, "connectorId")
    if not isinstance(profile, dict) or number is None:
        return None
    profile_id, stack_level = integer(profile, "chargingProfileId"), integer(profile, "stackLevel")
    purpose = PURPOSES.get(text(profile, "chargingProfilePurpose") or "")
    if profile_id is None or stack_level is None or purpose is None:
        return None
    running = _transaction(out, number, integer(profile, "transactionId"))
    return InstalledProfile(
        profile_id,
        out.place(number).evse_id if number > 0 else number,
        purpose,
        stack_level,
        profile_rules.moment(profile, "validFrom"),
        profile_rules.moment(profile, "validTo"),
        running.transaction_id if running is not None and purpose == "TxProfile" else None,
    )


def _transaction(out: Outbox, number: int, primary_id: int | None) -> Transaction | None:
    """The transaction that a TxProfile is for: the one it names, or the one that runs on the EVSE."""
    if primary_id is not None:
        return transactions.find_by_primary(out, primary_id)
    running = [transactions.open_on(out, one) for one in (number, *out.siblings(number))]
    return next((one for one in running if one is not None), None)


def _check_transaction(out: Outbox, payload: dict[str, Any], new: InstalledProfile) -> None:
    """A TxProfile needs a transaction, and an EVSE."""
    number = integer(payload, "connectorId") or 0
    if new.purpose != "TxProfile":
        return
    if number < 1:
        profile_rules.name(out, _SET, "K01.FR.16", new, "one EVSE", "a TxProfile is never for the whole station")
        return
    connector = out.station.connectors.get(number)
    if connector is None or connector.seen_since is None:
        return  # one may run there that began before the first frame
    running = out.station.transactions.get(new.transaction_id or "")
    if running is None or running.ended:
        named = integer(payload["csChargingProfiles"], "transactionId") is not None
        rule = "K01.FR.33" if named else "K01.FR.09"
        detail = "no such transaction runs: a 2.0.1 station rejects the profile"
        profile_rules.name(out, _SET, rule, new, "a running transaction", detail)


def _forget_ended(out: Outbox) -> None:
    """A TxProfile ends with its transaction (1.6 §3.13.1)."""
    running = {one.transaction_id for one in transactions.open_transactions(out)}
    profiles = out.station.profiles
    if any(one.purpose == "TxProfile" and one.transaction_id not in running for one in profiles):
        out.station.profiles = [one for one in profiles if one.purpose != "TxProfile" or one.transaction_id in running]


def _replaces(new: InstalledProfile, old: InstalledProfile) -> bool:
    """1.6 §5.16: a profile takes the place of one with its id, or with its purpose and stack level on its connector."""
    if new.profile_id == old.profile_id:
        return True
    return (new.purpose, new.stack_level, new.evse_id) == (old.purpose, old.stack_level, old.evse_id)


# -- ClearChargingProfile ----------------------------------------------------------------------------------------------

_CRITERIA: Final = ("connectorId", "chargingProfilePurpose", "stackLevel")


def _clear(out: Outbox, call: Call) -> None:
    """ClearChargingProfile (K10): an id, or criteria (K10.FR.02)."""
    payload = call.payload
    if integer(payload, "id") is None:
        if not any(name in payload for name in _CRITERIA):
            detail = "without a criterion it clears all; 2.0.1 asks for an id or one criterion (K10.FR.02)"
            out.find(
                "profile.unmappable", "ClearChargingProfile", found="nothing", expected="one criterion", detail=detail
            )
        relay.request(out, call, Direction.CS_TO_CP)
        return
    for name in _CRITERIA:
        if name in payload:
            detail = "with an id no criteria are sent in 2.0.1 (K10.FR.02)"
            where = f"ClearChargingProfile.{name}"
            out.find("profile.unmappable", where, found=payload[name], expected="the id alone", detail=detail)
    relay.request(out, replace(call, payload={"id": payload["id"]}), Direction.CS_TO_CP)


def _clear_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    if text(answer, "status") == "Accepted":
        wanted = request.call.payload
        out.station.profiles = [one for one in out.station.profiles if not _is_cleared(out, one, wanted)]
        observed.note_profiles(out)
    relay.answer(out, request, answer)


def _is_cleared(out: Outbox, one: InstalledProfile, wanted: dict[str, Any]) -> bool:
    profile_id = integer(wanted, "id")
    if profile_id is not None:
        return one.profile_id == profile_id
    number, stack_level = integer(wanted, "connectorId"), integer(wanted, "stackLevel")
    purpose = PURPOSES.get(text(wanted, "chargingProfilePurpose") or "")
    evse_id = number if number is None or number < 1 else out.place(number).evse_id
    pairs = ((evse_id, one.evse_id), (purpose, one.purpose), (stack_level, one.stack_level))
    return all(asked is None or asked == has for asked, has in pairs)


# -- GetCompositeSchedule ----------------------------------------------------------------------------------------------

_OF_SCHEDULE: Final = ("connectorId", "scheduleStart", "chargingSchedule")


def _composite_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """GetCompositeSchedule.conf (K08): four fields that 1.6 may leave out are required where there is a schedule."""
    asked = request.call.payload
    number, duration = integer(asked, "connectorId"), integer(asked, "duration")
    if number is None or duration is None:
        return  # nothing was asked for
    schedule = answer.get("chargingSchedule")
    if not isinstance(schedule, dict) or not objects(schedule.get("chargingSchedulePeriod")):
        _name_beside_none(out, number, answer)
        relay.answer(out, request, {name: value for name, value in answer.items() if name not in _OF_SCHEDULE})
        return
    answer = _with_one_start(answer, schedule)
    given: dict[str, Any] = {}
    if integer(answer, "connectorId") is None:
        given["schedule.evseId"] = number if number < 1 else out.place(number).evse_id
    if profile_rules.moment(answer, "scheduleStart") is None:
        given["schedule.scheduleStart"] = out.now_text
    if integer(schedule, "duration") is None:
        given["schedule.duration"] = duration
    relay.answer(out, request, answer, given)


def _name_beside_none(out: Outbox, number: int, answer: dict[str, Any]) -> None:
    """Name what is said of a schedule where there is none; the connector that was asked for says nothing new."""
    for name in _OF_SCHEDULE:
        if name in answer and not (name == "connectorId" and integer(answer, name) == number):
            detail = "without a schedule 2.0.1 has no place for it; a schedule has one period at least"
            out.lost(f"GetCompositeSchedule.conf.{name}", answer[name], detail=detail)


def _with_one_start(answer: dict[str, Any], schedule: dict[str, Any]) -> dict[str, Any]:
    """With the startSchedule as scheduleStart where that is missing, and without it where both say one moment."""
    inner = profile_rules.moment(schedule, "startSchedule")
    outer = profile_rules.moment(answer, "scheduleStart")
    if inner is None or outer not in (None, inner):
        return answer
    bare = {name: value for name, value in schedule.items() if name != "startSchedule"}
    start = answer["scheduleStart"] if outer is not None else schedule["startSchedule"]
    return {**answer, "scheduleStart": start, "chargingSchedule": bare}


CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
"""Requests of the station."""

COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {
    "SetChargingProfile": _set,
    "ClearChargingProfile": _clear,
}
"""Requests of the CSMS, by 1.6 action."""

ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {
    "SetChargingProfile": _set_answer,
    "ClearChargingProfile": _clear_answer,
    "GetCompositeSchedule": _composite_answer,
}
"""The station's answers to them."""

REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {}
"""What a CALLERROR ends, where that is more than the table of the answer says."""
