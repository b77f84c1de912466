"""StartTransaction and StopTransaction as TransactionEvents (1.6 §4.8, §4.10; 2.0.1 part E).

`shadow.station.starts` and `stops` make the messages; the tables say what becomes of each field.
"""

from __future__ import annotations

from typing import Final

from shadow.mapping.connectors import EVSE, placed
from shadow.mapping.metering import EVENT, METER_VALUE
from shadow.mapping.rules import ANSWER, FROM_STATION, REQUEST, Rule, Table, fixed, group, made, moved, same
from shadow.mapping.tokens import id_tag, id_tag_info
from shadow.mapping.values import INTEGER, NUMBER, one_of
from shadow.message import Provenance
from shadow.station.tables import STOP_REASONS

__all__ = ["TABLES"]

_MESSAGE: Final = "TransactionEvent"
_VALUE: Final = "meterValue.sampledValue"


def _register(source: str, context: str, why: str) -> tuple[Rule, ...]:
    """MeterStart or meterStop as a sampled value."""
    return (
        moved(source, f"{_VALUE}.value", NUMBER, why=why),
        made("meterValue.timestamp", provenance=Provenance.OBSERVED, why="that of the message"),
        fixed(f"{_VALUE}.context", context),
        fixed(f"{_VALUE}.measurand", "Energy.Active.Import.Register"),
        fixed(f"{_VALUE}.location", "Outlet"),
        fixed(f"{_VALUE}.unitOfMeasure.unit", "Wh", why="1.6 §4.8, §4.10: whole Wh"),
    )


_START: Final = (
    fixed("eventType", "Started", why="with other start points than PowerPathClosed it may be Updated"),
    placed(
        "connectorId", "evse", EVSE, why="in the first event after the EV is connected, and in no other (E01.FR.16)"
    ),
    *id_tag("idTag", "idToken"),
    *_register(
        "meterStart", "Transaction.Begin", "not rebased (E01.FR.09, J02.FR.17); a placeholder is named and left out"
    ),
    same("reservationId", INTEGER, why="E01.FR.13; 0, which many stations always send, reserves nothing"),
    same("timestamp", why="the time of receipt where it cannot be read"),
    made(
        "transactionInfo.chargingState",
        provenance=Provenance.DERIVED,
        why="EVConnected: the power path is closed and no status said more (E01.FR.18)",
    ),
    made("transactionInfo.remoteStartId", why="of the RemoteStartTransaction that it follows (F01.FR.19, F02.FR.21)"),
    *EVENT,
)

_STOP: Final = (
    fixed("eventType", "Ended", why="with TxStopPoint EVConnected alone it is Updated, and Ended comes with the cable"),
    moved(
        "idTag",
        "idToken",
        lossy=True,
        why="where it ends the authorization (E07.FR.02); lost with Remote, resets (§1.60.1) and all other reasons",
    ),
    made("idToken.type", why="as in Started (C01.FR.25)"),
    *_register("meterStop", "Transaction.End", "not rebased (E06.FR.11); a placeholder is named and left out"),
    same("timestamp", why="the time of receipt where it cannot be read"),
    moved(
        "transactionId",
        "transactionInfo.transactionId",
        why="the station's own id, of which the primary's integer is an alias",
    ),
    moved(
        "reason",
        "transactionInfo.stoppedReason",
        one_of({name: stopped for name, (stopped, _) in STOP_REASONS.items()}),
        lossy=True,
        why="Local is left out (E06.FR.08); UnlockCommand is a triggerReason, and Other as a stoppedReason",
    ),
    group("transactionData", "meterValue", *METER_VALUE, why="only Ended may span several intervals (J02.FR.10)"),
    made(
        "transactionInfo.chargingState",
        provenance=Provenance.DERIVED,
        why="Idle where the cable is out, else EVConnected",
    ),
    *(rule for rule in EVENT if rule.target != "transactionInfo.transactionId"),
)

TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="StartTransaction",
        part=REQUEST,
        directions=FROM_STATION,
        message=_MESSAGE,
        rules=_START,
        also=("StatusNotification",),
        why="StatusNotification Occupied where no status said so before: a cable is in (G01.FR.03)",
    ),
    Table(
        action="StartTransaction",
        part=ANSWER,
        directions=FROM_STATION,
        message=_MESSAGE,
        rules=(
            moved("transactionId", "", lossy=True, why="2.0.1 has the station's own id (E01.FR.08); kept as an alias"),
            id_tag_info(),
        ),
    ),
    Table(action="StopTransaction", part=REQUEST, directions=FROM_STATION, message=_MESSAGE, rules=_STOP),
    Table(action="StopTransaction", part=ANSWER, directions=FROM_STATION, message=_MESSAGE, rules=(id_tag_info(),)),
)
