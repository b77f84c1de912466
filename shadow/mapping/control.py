"""What a CSMS commands: remote start and stop, reset, unlock, availability, triggers, cache (parts B, C, F and G)."""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.charging_profiles import START_PROFILE, transaction_id
from shadow.mapping.connectors import EVSE, EVSE_ONLY, name_unknown, placed
from shadow.mapping.rules import ANSWER, FROM_CSMS, REQUEST, Handling, Rule, Table, group, made, moved, same
from shadow.mapping.tokens import id_tag
from shadow.mapping.values import one_of
from shadow.message import Provenance
from shadow.station import fields
from shadow.station.outbox import Outbox
from shadow.station.tables import (
    AVAILABILITY_TYPES,
    EXTENDED_TRIGGERS,
    RESET_TYPES,
    TRIGGERS,
    UNLOCK_STATUSES,
)
from shadow.station.transactions import open_transactions

__all__ = ["TABLES"]

_RESET_TYPE: Final = one_of(RESET_TYPES)
_UNLOCK_STATUS: Final = one_of(UNLOCK_STATUSES)


def _same_words(*words: str, but: str = "") -> Rule:
    """A status whose words are the same in both; `but` says when a 2.0.1 station would have used another one."""
    return same("status", one_of({word: word for word in words}), lossy=bool(but), why=but)


def _reset_type(out: Outbox, where: str, value: Any) -> Any:
    """A 1.6 Soft reset stops what runs (§5.14); OnIdle would wait until it has ended (B12.FR.01)."""
    if value == "Soft" and open_transactions(out):
        out.lost(where, value, detail="said as Immediate: OnIdle would wait for the running transaction (B12.FR.01)")
        return "Immediate"
    return _RESET_TYPE(out, where, value)


def _unlock_status(out: Outbox, where: str, value: Any) -> Any:
    if value == "NotSupported":
        out.lost(where, value, detail="said as UnknownConnector: 2.0.1 has no status for a connector without a lock")
    return _UNLOCK_STATUS(out, where, value)


def _locked_evse(out: Outbox, where: str, value: Any) -> int | None:
    number = fields.integer({"": value}, "")
    if number is None:
        return None
    name_unknown(out, where, number, least=1)
    return out.place(number).evse_id


def _command(action: str, message: str, request: tuple[Rule, ...], answer: tuple[Rule, ...]) -> tuple[Table, Table]:
    return (
        Table(action=action, part=REQUEST, directions=FROM_CSMS, message=message, rules=request),
        Table(action=action, part=ANSWER, directions=FROM_CSMS, message=message, rules=answer),
    )


def _triggers(action: str, names: dict[str, str]) -> tuple[Table, Table]:
    """Both trigger messages of 1.6 are one in 2.0.1."""
    return _command(
        action,
        "TriggerMessage",
        (
            same(
                "requestedMessage",
                one_of(names),
                lossy=True,
                why="MeterValues are those of AlignedDataMeasurands in 2.0.1 (F06.FR.06), which is named",
            ),
            placed(
                "connectorId",
                "evse",
                EVSE,
                lossy=True,
                why="absent is all: one message for each, of StatusNotification (F06.FR.12, F06.FR.13); 0 is lost",
            ),
        ),
        (
            _same_words(
                "Accepted",
                "Rejected",
                "NotImplemented",
                but="Accepted of a BootNotification is named once one was accepted: 2.0.1 rejects it (F06.FR.17)",
            ),
        ),
    )


TABLES: Final[tuple[Table, ...]] = (
    *_command(
        "RemoteStartTransaction",
        "RequestStartTransaction",
        (
            placed(
                "connectorId",
                "evseId",
                EVSE_ONLY,
                lossy=True,
                why="the EVSE, and not which of its connectors, which is named where it has several (F01.FR.06)",
            ),
            *id_tag("idTag", "idToken"),
            made("remoteStartId", why="1.6 has none; unique per station, and back in the transaction (F01.FR.25)"),
            group("chargingProfile", "chargingProfile", *START_PROFILE),
        ),
        (
            _same_words(
                "Accepted",
                "Rejected",
                but="Accepted is named where an authorized transaction runs: 2.0.1 rejects it (F01.FR.24)",
            ),
            made(
                "transactionId",
                provenance=Provenance.DERIVED,
                why="where it was begun before the answer, or was there and not authorized (F01.FR.13)",
            ),
        ),
    ),
    *_command(
        "RemoteStopTransaction",
        "RequestStopTransaction",
        (
            Rule(
                source="transactionId",
                target="transactionId",
                read=transaction_id,
                provenance=Provenance.DERIVED,
                why="the station's own id; the primary's as text where no transaction is known by it (F03)",
            ),
        ),
        (_same_words("Accepted", "Rejected"),),
    ),
    *_command(
        "Reset",
        "Reset",
        (
            Rule(
                source="type",
                target="type",
                read=_reset_type,
                handling=Handling.LOSSY,
                provenance=Provenance.DERIVED,
                why="Hard is Immediate; Soft is OnIdle, and Immediate while a transaction runs (B11, B12.FR.01)",
            ),
        ),
        (_same_words("Accepted", "Rejected"),),
    ),
    *_command(
        "UnlockConnector",
        "UnlockConnector",
        (
            placed(
                "connectorId",
                "evseId",
                _locked_evse,
                lossy=True,
                why="the topology gives both ids; named where a transaction runs, which 1.6 stops and 2.0.1 leaves"
                " alone (F05.FR.02)",
            ),
            made("connectorId", provenance=Provenance.CONFIGURED, why="of the EVSE, from the topology"),
        ),
        (
            same(
                "status",
                _unlock_status,
                lossy=True,
                why="NotSupported is a connector without a lock: UnknownConnector, which is named (F05.FR.03)",
            ),
        ),
    ),
    *_command(
        "ChangeAvailability",
        "ChangeAvailability",
        (
            placed("connectorId", "evse", EVSE, why="0 is the station, which 2.0.1 says by naming no EVSE (G03, G04)"),
            moved("type", "operationalStatus", one_of(AVAILABILITY_TYPES)),
        ),
        (_same_words("Accepted", "Rejected", "Scheduled"),),
    ),
    *_command("ClearCache", "ClearCache", (), (_same_words("Accepted", "Rejected"),)),
    *_triggers("TriggerMessage", TRIGGERS),
    *_triggers("ExtendedTriggerMessage", EXTENDED_TRIGGERS),
)
