"""MeterValues, and what a meterValue element is wherever it stands (1.6 §4.7, §7.43; 2.0.1 part J).

`shadow.station.metering` and `samples` make the messages: which one carries an element depends on its context and on
the transaction. The table says what becomes of each field.
"""

from __future__ import annotations

from typing import Final

from shadow.mapping.connectors import EVSE_ID, placed
from shadow.mapping.rules import ANSWER, FROM_STATION, REQUEST, Rule, Table, group, made, moved, same
from shadow.mapping.values import NUMBER, one_of
from shadow.message import Provenance
from shadow.station.samples import CONTEXTS, LOCATIONS, PHASES
from shadow.station.tables import LOST_MEASURANDS, MEASURANDS

__all__ = ["EVENT", "METER_VALUE", "TABLES"]

_MEASURANDS: Final[dict[str, str | None]] = {
    **{name: name for name in sorted(MEASURANDS)},
    **dict.fromkeys(sorted(LOST_MEASURANDS)),
}
_DERIVED: Final = Provenance.DERIVED

METER_VALUE: Final[tuple[Rule, ...]] = (
    same("timestamp", why="the time of receipt where it cannot be read"),
    group(
        "sampledValue",
        "sampledValue",
        moved(
            "value", "value", NUMBER, why="a string becomes the same decimal number; what is none is named and left out"
        ),
        same("context", one_of({name: name for name in sorted(CONTEXTS)}), why="the same eight, the same default"),
        moved(
            "format",
            "signedMeterValue.signedMeterData",
            why="SignedData: the value in Base64, byte for byte; lost beyond 2500 characters: cut, no signature holds",
            lossy=True,
        ),
        same(
            "measurand",
            one_of(_MEASURANDS),
            lossy=True,
            why="20 are the same; Temperature and RPM are variables of the device model (TemperatureSensor, FanSpeed)",
        ),
        same("phase", one_of({name: name for name in sorted(PHASES)})),
        same("location", one_of({name: name for name in sorted(LOCATIONS)}), why="the same five, the same default"),
        moved(
            "unit", "unitOfMeasure.unit", why="Celcius, as the 1.6 schema spells it, is Celsius; Hertz, or none, is Hz"
        ),
        made("signedMeterValue.signingMethod", why="empty unless the value is the JSON that the OCA note asks for"),
        made("signedMeterValue.encodingMethod", why="the same: OCMF and its like say it themselves"),
        made("signedMeterValue.publicKey", why="MeterPublicKey where the station told it, else empty"),
    ),
)
"""MeterValueType (2.0.1 §2.27) of one element."""

EVENT: Final[tuple[Rule, ...]] = (
    made(
        "seqNo", why="one more than the last of the transaction, by the station's time (`station.ordering`; §1.3.2.1)"
    ),
    made("triggerReason", provenance=_DERIVED, why="the stimulus; the more specific wins (E01.FR.15, E02.FR.17)"),
    made("transactionInfo.transactionId", why="the station's own: from the charger and the opening frame (E01.FR.08)"),
    made("offline", provenance=_DERIVED, why="from connection gaps and the age of the message (E04.FR.01)"),
)
"""What each TransactionEvent has and 1.6 has not."""

_IN_A_TRANSACTION: Final = tuple(
    Rule(target=f"TransactionEvent.{rule.target}", handling=rule.handling, provenance=rule.provenance, why=rule.why)
    for rule in (
        made("eventType", why="Updated; samples of the begin and the end are merged into Started and Ended"),
        *EVENT,
    )
)

TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="MeterValues",
        part=REQUEST,
        directions=FROM_STATION,
        message="MeterValues",
        also=("TransactionEvent",),
        why="TransactionEvent Updated in a transaction (J02.FR.11), MeterValues outside of it, for what is triggered"
        " (F06.FR.06) and always for connector 0, the main meter (J01.FR.14)",
        rules=(
            placed(
                "connectorId", "evseId", EVSE_ID, why="0 is the main meter (J01); TransactionEvents need not repeat it"
            ),
            moved(
                "transactionId",
                "",
                lossy=True,
                why="decides which message carries the values: an alias of the transactionId; MeterValues has none",
            ),
            group("meterValue", "meterValue", *METER_VALUE, why="one Updated for each element (J02.FR.10)"),
            *_IN_A_TRANSACTION,
        ),
    ),
    Table(
        action="MeterValues", part=ANSWER, directions=FROM_STATION, message="MeterValues", also=("TransactionEvent",)
    ),
)
