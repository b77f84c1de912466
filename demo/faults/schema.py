"""Messages that break the schema of 1.6."""

from __future__ import annotations

from typing import Final

from demo.faults.kinds import Extra, Fault, Moment, Set, Strike, status

__all__ = ["SCHEMA"]

SCHEMA: Final[tuple[Fault, ...]] = (
    Fault(
        name="status-outside-enumeration",
        codes=("schema.v16",),
        also=("schema.v201", "status.illegal-transition", "status.unmappable"),
        detail='StatusNotification with status "Occupied", which 1.5 and 2.0.1 know and 1.6 does not',
        extras=(Extra(moment=Moment.CHARGING, action="StatusNotification", payload=status("Occupied")),),
    ),
    Fault(
        name="status-empty",
        codes=("schema.v16",),
        also=("schema.v201", "status.illegal-transition", "status.unmappable"),
        detail="StatusNotification with an empty status",
        extras=(Extra(moment=Moment.CHARGING, action="StatusNotification", payload=status("")),),
    ),
    Fault(
        name="frequency-in-hertz",
        codes=("schema.v16",),
        also=("meter.unit-unknown",),
        detail="unit Hz on Frequency: 1.6 has no unit for it",
        strikes=(
            Strike(
                action="MeterValues",
                nth=3,
                edits=(
                    Set(
                        "meterValue.0.sampledValue.1",
                        {"value": "50.01", "context": "Sample.Periodic", "measurand": "Frequency", "unit": "Hz"},
                    ),
                ),
            ),
        ),
    ),
    Fault(
        name="number-for-string",
        codes=("schema.v16",),
        detail="sampledValue.value is a JSON number",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Set("meterValue.0.sampledValue.1.value", 7400),)),),
    ),
)
