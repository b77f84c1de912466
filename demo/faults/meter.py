"""Registers and samples that say what cannot be."""

from __future__ import annotations

from typing import Final

from demo.faults.kinds import ENERGY, Add, Fault, Keep, Scale, Set, Strike

__all__ = ["METER"]

_SLIP_ALSO: Final = ("meter.regression", "meter.implausible")

METER: Final[tuple[Fault, ...]] = (
    Fault(
        name="stop-in-kwh",
        codes=("session.energy", "meter.register-vs-samples"),
        also=_SLIP_ALSO,
        detail="meterStop in kWh, everything else in Wh",
        fine_samples=True,
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Scale("meterStop", 1, 1000),)),),
    ),
    Fault(
        name="stop-times-thousand",
        codes=("session.energy", "meter.register-vs-samples"),
        also=(*_SLIP_ALSO, "meter.placeholder"),
        detail="meterStop a thousand times too large",
        fine_samples=True,
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Scale("meterStop", 1000),)),),
    ),
    Fault(
        name="register-backwards",
        codes=("meter.regression",),
        also=("meter.implausible",),
        detail="one periodic reading falls 100 kWh back",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Add(f"{ENERGY}.value", -100_000),)),),
    ),
    Fault(
        name="stop-placeholder-minus-one",
        codes=("meter.placeholder",),
        also=("session.energy", "meter.register-vs-samples", *_SLIP_ALSO),
        detail="meterStop -1",
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Set("meterStop", -1),)),),
    ),
    Fault(
        name="stop-placeholder-maximum",
        codes=("meter.placeholder",),
        also=("session.energy", "meter.register-vs-samples", *_SLIP_ALSO),
        detail="meterStop 2147483647",
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Set("meterStop", 2_147_483_647),)),),
    ),
    Fault(
        name="value-no-number",
        codes=("meter.unparseable",),
        also=("schema.v16", "schema.v201"),
        detail='"VV:1230" as a sampled value',
        strikes=(Strike(action="MeterValues", nth=3, edits=(Set("meterValue.0.sampledValue.1.value", "VV:1230"),)),),
    ),
    Fault(
        name="energy-in-hertz",
        codes=("meter.unit-unknown", "schema.v16"),
        detail="unit Hz on an energy register, which is outside the enumeration as well",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Set(f"{ENERGY}.unit", "Hz"),)),),
    ),
    Fault(
        name="bare-value",
        codes=("meter.unit-assumed",),
        detail="a sampled value without unit, measurand and context",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Keep(ENERGY, ("value",)),)),),
    ),
    Fault(
        name="power-beyond-any-cable",
        codes=("meter.implausible",),
        detail="Power.Active.Import of 99 MW",
        strikes=(Strike(action="MeterValues", nth=3, edits=(Set("meterValue.0.sampledValue.1.value", "99000000"),)),),
    ),
)
