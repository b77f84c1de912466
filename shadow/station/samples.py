"""One SampledValue of 1.6 (§7.43) as a SampledValueType of 2.0.1 (§2.43)."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from ingest.frame import Micros
from ingest.timestamps import format_micros
from shadow.quantities import ENERGY_REGISTER, Reading, decimal_of, energy_reading
from shadow.station.outbox import Outbox
from shadow.station.state import Transaction
from shadow.station.tables import LOST_MEASURANDS, MEASURANDS, UNITS

__all__ = ["CONTEXTS", "LOCATIONS", "PHASES", "WH", "is_total_register", "register_of", "register_sample", "translate"]

WH: Final = {"unit": "Wh"}
CONTEXTS: Final = frozenset(
    {
        "Interruption.Begin", "Interruption.End", "Other", "Sample.Clock", "Sample.Periodic",
        "Transaction.Begin", "Transaction.End", "Trigger",
    }
)  # fmt: skip
PHASES: Final = frozenset({"L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"})
LOCATIONS: Final = frozenset({"Body", "Cable", "EV", "Inlet", "Outlet"})
_ENUMS: Final = (("context", CONTEXTS), ("phase", PHASES), ("location", LOCATIONS))
_BILLED_AT: Final = frozenset({"Outlet", "Cable", "Body"})
"""Locations whose register is the session's; Inlet is the grid side, EV the car's own."""
_KILO: Final = {"kW": 3, "kVA": 3, "W": 0, "VA": 0}


@lru_cache(maxsize=1024)
def _unit(measurand: str, unit: str | None, bare: bool) -> tuple[dict[str, str] | None, str]:  # noqa: FBT001
    """UnitOfMeasureType and the code of its flaw, if it has one. `bare`: the sample names no measurand either."""
    allowed = next((units for prefix, units in UNITS.items() if measurand.startswith(prefix)), ())
    if unit is None or (unit == "" and allowed):
        if allowed and allowed[0] not in ("Wh", "Hz", ""):
            return {"unit": allowed[0]}, "meter.unit-assumed"
        flaw = "meter.unit-assumed" if bare else ""
        return ({"unit": allowed[0]} if allowed and allowed[0] not in ("Wh", "") else None), flaw
    if unit in allowed:
        # Frequency is in Hz; Celcius is how the 1.6 schema spells it.
        return {"unit": {"Hertz": "Hz", "Celcius": "Celsius"}.get(unit, unit)}, ""
    return {"unit": unit[:20]}, "meter.unit-unknown"


def _allowed(measurand: str) -> str:
    """The units that a measurand may have, in words."""
    units = next((units for prefix, units in UNITS.items() if measurand.startswith(prefix)), ())
    return ", ".join(unit for unit in units if unit) or "none"


def translate(
    out: Outbox, action: str, raw: dict[str, Any], transaction: Transaction | None, number: int | None
) -> dict[str, Any] | None:
    """One sample; None where 2.0.1 has no value for it, which is named or counted."""
    get = raw.get
    given = get("measurand")
    measurand = given if isinstance(given, str) else ENERGY_REGISTER
    if given is not None and not isinstance(given, str):
        out.unmapped(f"{action}.measurand={given}"[:80])
        return None  # what it measures is not known: never take it for the register that is billed
    if measurand not in MEASURANDS:
        if measurand in LOST_MEASURANDS:
            detail = "2.0.1 has it as a variable of the device model and not among its measurands"
            out.lost(f"{action}.measurand={measurand}", measurand, detail=detail, connector_id=number)
        else:
            out.unmapped(f"{action}.measurand={measurand}"[:80])
        return None
    value = decimal_of(get("value"))
    if value is None:
        out.find(
            "meter.unparseable",
            f"{action}.{measurand}",
            connector_id=number,
            found=get("value"),
            transaction_id=None if transaction is None else transaction.transaction_id,
        )
        return None
    unit = get("unit")
    unit_of_measure, flaw = _unit(measurand, unit[:20] if isinstance(unit, str) else None, given is None)
    if flaw:
        assumed = flaw == "meter.unit-assumed"
        read_as = WH if unit_of_measure is None else unit_of_measure
        out.find(
            flaw,
            f"{action}.{measurand}",
            connector_id=number,
            found=get("value") if assumed else unit,
            expected=f"{value:f} {read_as['unit']}" if assumed else _allowed(measurand),
            transaction_id=None if transaction is None else transaction.transaction_id,
        )
    sample: dict[str, Any] = {"value": value}
    if given is not None:
        sample["measurand"] = measurand
    for key, allowed in _ENUMS:
        word = get(key)
        if word is None:
            continue
        if word in allowed:
            sample[key] = word
        else:
            out.unmapped(f"{action}.{key}={word}"[:80])
    if unit_of_measure is not None:
        sample["unitOfMeasure"] = unit_of_measure
    if measurand == "Power.Active.Import":
        _check_power(out, action, value, unit_of_measure, number, transaction)
    return sample


def is_total_register(sample: dict[str, Any]) -> bool:
    """Whether it is the register that is billed: the import register of all phases at the outlet."""
    return (
        sample.get("measurand", ENERGY_REGISTER) == ENERGY_REGISTER
        and "phase" not in sample
        and sample.get("location", "Outlet") in _BILLED_AT
    )


def register_of(sample: dict[str, Any]) -> Reading | None:
    """The reading of the register that is billed, where a sample is one."""
    unit = sample.get("unitOfMeasure")
    return (
        energy_reading(sample["value"], None if unit is None else unit["unit"]) if is_total_register(sample) else None
    )


def register_sample(wh: Decimal, context: str, at: Micros) -> dict[str, Any]:
    """MeterValueType for meterStart or meterStop (E01.FR.09, E06.FR.11). Not rebased (J02.FR.17)."""
    sample = {"value": wh, "context": context, "measurand": ENERGY_REGISTER, "location": "Outlet"}
    return {"timestamp": format_micros(at), "sampledValue": [{**sample, "unitOfMeasure": WH}]}


def _check_power(
    out: Outbox,
    action: str,
    value: Decimal,
    unit: dict[str, str] | None,
    number: int | None,
    transaction: Transaction | None,
) -> None:
    scale = _KILO.get(unit["unit"]) if unit is not None else None
    if scale is not None and abs(value.scaleb(scale)) > out.config.largest_power_w:
        out.find(
            "meter.implausible",
            f"{action}.Power.Active.Import",
            connector_id=number,
            found=f"{value.scaleb(scale):f} W",
            expected=f"at most {out.config.largest_power_w:f} W",
            transaction_id=None if transaction is None else transaction.transaction_id,
        )
