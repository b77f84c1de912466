"""The energy meter of one connector, and what it says in sampled values. Integers only. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from demo.plan import Persona, Register
from ingest.frame import Micros

__all__ = ["Meter"]

_MICROS_PER_HOUR: Final = 3_600_000_000
_WRITTEN: Final[dict[Register, Callable[[int], str]]] = {
    Register.WH: str,
    Register.WH_HUNDREDTHS: lambda wh: f"{wh}.00",
    Register.KWH: lambda wh: f"{wh // 1000}.{wh % 1000:03d}",
}
_VOLTS: Final = 230
_DC_VOLTS: Final = 400


class Meter:
    """A register that rises with the power that flows. It never runs backwards."""

    def __init__(self, persona: Persona, register_wh: int) -> None:
        self._persona = persona
        self._power_w = 0
        self._since: Micros = 0
        self._micro_wh = register_wh * 1_000_000
        self._begun_micro_wh = self._micro_wh

    def flow(self, now: Micros, power_w: int) -> None:
        """From now on so much power flows; 0 stops the register."""
        self._micro_wh = self._at(now)
        self._since = now
        if not self._power_w:
            self._begun_micro_wh = self._micro_wh
        self._power_w = power_w

    def jump(self, energy_wh: int) -> None:
        """Energy that flowed while nobody was looking."""
        self._micro_wh += energy_wh * 1_000_000

    def register_wh(self, now: Micros) -> int:
        """The register in whole Wh, as meterStart and meterStop want it."""
        return self._at(now) // 1_000_000

    def energy(self, register_wh: int, context: str) -> dict[str, Any]:
        """The register as a sampled value, exact in either unit."""
        form = self._persona.register
        return {
            "value": _WRITTEN[form](register_wh),
            "context": context,
            "format": "Raw",
            "measurand": "Energy.Active.Import.Register",
            "location": "Outlet",
            "unit": "kWh" if form is Register.KWH else "Wh",
        }

    def sample(self, now: Micros, context: str) -> list[dict[str, Any]]:
        """All measurands of the product at one moment: energy first, power second."""
        values = [
            self.energy(self.register_wh(now), context),
            _value(self._power_w, "Power.Active.Import", "W", context),
        ]
        phases = self._persona.phases
        if not phases:
            deci_amps = self._power_w * 10 // _DC_VOLTS
            values.append(_value(_tenths(deci_amps), "Current.Import", "A", context))
            values.append(_value(_DC_VOLTS, "Voltage", "V", context))
            soc = min(80, 20 + (self._at(now) - self._begun_micro_wh) // 500_000_000)
            values.append(_value(soc, "SoC", "Percent", context) | {"location": "EV"})
            return values
        deci_amps = self._power_w * 10 // (_VOLTS * phases)
        for phase in range(1, phases + 1):
            values.append(_value(_tenths(deci_amps), "Current.Import", "A", context) | {"phase": f"L{phase}"})
            values.append(_value(_VOLTS, "Voltage", "V", context) | {"phase": f"L{phase}-N"})
        return values

    def _at(self, now: Micros) -> int:
        return self._micro_wh + self._power_w * (now - self._since) * 1_000_000 // _MICROS_PER_HOUR


def _tenths(number: int) -> str:
    return f"{number // 10}.{number % 10}"


def _value(value: object, measurand: str, unit: str, context: str) -> dict[str, Any]:
    return {
        "value": str(value),
        "context": context,
        "format": "Raw",
        "measurand": measurand,
        "location": "Outlet",
        "unit": unit,
    }
