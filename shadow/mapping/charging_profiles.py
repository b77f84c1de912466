"""Smart charging (2.0.1 part K): charging profiles field by field, and composite schedules."""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.connectors import EVSE_ID, placed
from shadow.mapping.rules import (
    ANSWER,
    FROM_CSMS,
    REQUEST,
    Handling,
    Rule,
    Table,
    group,
    listed,
    lost,
    made,
    moved,
    same,
)
from shadow.mapping.values import INTEGER, NUMBER, TIME, one_of
from shadow.message import Provenance
from shadow.station import fields
from shadow.station.outbox import Outbox
from shadow.station.transactions import find_by_primary

__all__ = ["PURPOSES", "START_PROFILE", "TABLES", "transaction_id"]

PURPOSES: Final = {
    # ChargingProfilePurposeType → ChargingProfilePurposeEnumType; ChargingStationExternalConstraints has no source.
    "ChargePointMaxProfile": "ChargingStationMaxProfile",
    "TxDefaultProfile": "TxDefaultProfile",
    "TxProfile": "TxProfile",
}
_KINDS: Final = {name: name for name in ("Absolute", "Recurring", "Relative")}
_RECURRENCIES: Final = {name: name for name in ("Daily", "Weekly")}
_UNITS: Final = {name: name for name in ("A", "W")}
_MOST_PERIODS: Final = 1024
_BESIDE_AN_ID: Final = "beside an id it is named and left out (K10.FR.02)"


def transaction_id(out: Outbox, _where: str, value: Any) -> str | None:
    """The station's own transactionId for the primary's; its number as text where the transaction is not known."""
    primary_id = fields.integer({"": value}, "")
    if primary_id is None:
        return None
    known = find_by_primary(out, primary_id)
    return str(primary_id)[:36] if known is None else known.transaction_id


def _only_for_the_transaction(out: Outbox, where: str, value: Any) -> str | None:
    """F01.FR.09: with a start goes a TxProfile, and nothing else (1.6 §5.11 asks for the same)."""
    if not isinstance(value, str) or value not in PURPOSES:
        return None  # the schema check has named it
    if value != "TxProfile":
        detail = "a profile that comes with a start is a TxProfile (F01.FR.09)"
        out.find("profile.unmappable", where, found=value, expected="TxProfile", detail=detail)
    return "TxProfile"


def _second_start(out: Outbox, where: str, value: Any) -> None:
    """Of a composite schedule, where scheduleStart says another moment."""
    out.lost(where, value, detail="CompositeScheduleType has one time only, its scheduleStart")


def _periods(most: int | None) -> Rule:
    """ChargingSchedulePeriod: the same three fields; phaseToUse has no 1.6 source and stays out (K01.FR.19)."""
    inside = (same("startPeriod", INTEGER), same("limit", NUMBER), same("numberPhases", INTEGER))
    why = "" if most is None else f"2.0.1 takes {most} at most: what is over it is cut, and the loss is named"
    return group("chargingSchedulePeriod", "chargingSchedulePeriod", *inside, why=why)


_SCHEDULE: Final = listed(
    "chargingSchedule",
    "chargingSchedule",
    made("id", why="1.6 schedules have none: the chargingProfileId, as one profile has one schedule"),
    same("duration", INTEGER),
    same("startSchedule", TIME),
    same("chargingRateUnit", one_of(_UNITS)),
    _periods(_MOST_PERIODS),
    same("minChargingRate", NUMBER),
    why="2.0.1 takes up to three, for ISO 15118 alone (K01.FR.34)",
)


def _profile(transaction: Rule, purpose: Rule) -> tuple[Rule, ...]:
    return (
        moved("chargingProfileId", "id", INTEGER),
        transaction,
        same("stackLevel", INTEGER),
        purpose,
        same("chargingProfileKind", one_of(_KINDS)),
        same("recurrencyKind", one_of(_RECURRENCIES)),
        same("validFrom", TIME),
        same("validTo", TIME),
        _SCHEDULE,
    )


START_PROFILE: Final = _profile(
    lost("transactionId", why="a profile that comes with a start names no transaction (F01.FR.11)"),
    Rule(
        source="chargingProfilePurpose",
        target="chargingProfilePurpose",
        read=_only_for_the_transaction,
        handling=Handling.LOSSY,
        provenance=Provenance.DERIVED,
        why="always TxProfile (F01.FR.09); 1.6 §5.11",
    ),
)
"""Of RemoteStartTransaction."""

_SET_PROFILE: Final = (
    *_profile(
        Rule(
            source="transactionId",
            target="transactionId",
            read=transaction_id,
            provenance=Provenance.DERIVED,
            why="the station's own id; a TxProfile that names none is for the one that runs (K01.FR.03)",
        ),
        same("chargingProfilePurpose", one_of(PURPOSES)),
    ),
    made(
        "transactionId",
        provenance=Provenance.DERIVED,
        why="K01.FR.03 asks for it; a TxProfile of 1.6 may leave it out, then it is the one on the connector",
    ),
)

_COMPOSITE: Final = group(
    "chargingSchedule",
    "schedule",
    same("duration", INTEGER),
    Rule(
        source="startSchedule",
        handling=Handling.LOSSY,
        read=_second_start,
        why="CompositeScheduleType has one time only: it is the scheduleStart where 1.6 gives none, and else is named",
    ),
    same("chargingRateUnit", one_of(_UNITS)),
    _periods(None),
    lost("minChargingRate", why="CompositeScheduleType has no such field"),
    made("duration", provenance=Provenance.DERIVED, why="required in 2.0.1: of the request, where 1.6 leaves it out"),
)

TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="SetChargingProfile",
        part=REQUEST,
        directions=FROM_CSMS,
        message="SetChargingProfile",
        rules=(
            placed("connectorId", "evseId", EVSE_ID, why="0 is the whole station in both versions"),
            group("csChargingProfiles", "chargingProfile", *_SET_PROFILE),
        ),
    ),
    Table(
        action="SetChargingProfile",
        part=ANSWER,
        directions=FROM_CSMS,
        message="SetChargingProfile",
        rules=(
            same(
                "status",
                one_of({"Accepted": "Accepted", "Rejected": "Rejected", "NotSupported": "Rejected"}),
                lossy=True,
                why="NotSupported has no value: Rejected with a reason, named profile.unmappable",
            ),
            made("statusInfo.reasonCode", why="UnsupportedRequest, for NotSupported (Appendices, reason codes)"),
        ),
    ),
    Table(
        action="ClearChargingProfile",
        part=REQUEST,
        directions=FROM_CSMS,
        message="ClearChargingProfile",
        rules=(
            moved("id", "chargingProfileId", INTEGER, why="with an id no criteria are sent (K10.FR.02)"),
            placed(
                "connectorId",
                "chargingProfileCriteria.evseId",
                EVSE_ID,
                lossy=True,
                why=f"0 is the whole station in both; {_BESIDE_AN_ID}",
            ),
            moved(
                "chargingProfilePurpose",
                "chargingProfileCriteria.chargingProfilePurpose",
                one_of(PURPOSES),
                lossy=True,
                why=_BESIDE_AN_ID,
            ),
            moved("stackLevel", "chargingProfileCriteria.stackLevel", INTEGER, lossy=True, why=_BESIDE_AN_ID),
        ),
    ),
    Table(
        action="ClearChargingProfile",
        part=ANSWER,
        directions=FROM_CSMS,
        message="ClearChargingProfile",
        rules=(same("status", one_of({"Accepted": "Accepted", "Unknown": "Unknown"})),),
    ),
    Table(
        action="GetCompositeSchedule",
        part=REQUEST,
        directions=FROM_CSMS,
        message="GetCompositeSchedule",
        rules=(
            placed("connectorId", "evseId", EVSE_ID, why="0 is the whole station in both versions (K08.FR.03)"),
            same("duration", INTEGER),
            same("chargingRateUnit", one_of(_UNITS)),
        ),
    ),
    Table(
        action="GetCompositeSchedule",
        part=ANSWER,
        directions=FROM_CSMS,
        message="GetCompositeSchedule",
        rules=(
            same("status", one_of({"Accepted": "Accepted", "Rejected": "Rejected"})),
            _COMPOSITE,
            placed("connectorId", "schedule.evseId", EVSE_ID),
            moved("scheduleStart", "schedule.scheduleStart", TIME),
            made("schedule.evseId", provenance=Provenance.DERIVED, why="of the request, where the answer names none"),
            made("schedule.scheduleStart", why="required in 2.0.1: the time of the answer, where 1.6 leaves it out"),
        ),
    ),
)
