"""What an audit stands on besides traffic: the device model that facts give, and what the standard requires. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec
from msgspec.structs import replace

import shadow.config
from diff.audit.audit import Audit, audit
from diff.audit.evidence import Evidence
from diff.audit.readiness import DEFAULT, Thresholds
from diff.audit.required import RequiredVariable
from shadow.config import ShadowConfig
from shadow.device_model.blocks import BLOCKS
from shadow.device_model.fact import Fact
from shadow.device_model.inventory import build
from shadow.device_model.model import DeviceModel
from shadow.device_model.standard import Reading, Variable, required

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


def audited(
    known: Known,
    facts: Iterable[Fact],
    evidence: Evidence,
    config: ShadowConfig = shadow.config.DEFAULT,
    thresholds: Thresholds = DEFAULT,
) -> Audit:
    """The audit of one charging station, out of what was kept of it."""
    return audit(device_model(known, facts, config), evidence, required_variables(), thresholds)


def device_model(known: Known, facts: Iterable[Fact], config: ShadowConfig = shadow.config.DEFAULT) -> DeviceModel:
    """The device model that the facts of one charging station give; who it is may be known without a fact."""
    built = build(known.charger_id, facts, config)
    return replace(
        built,
        vendor=built.vendor or known.vendor,
        model=built.model or known.model,
        firmware=built.firmware or known.firmware,
    )


@lru_cache(maxsize=1)
def required_variables() -> tuple[RequiredVariable, ...]:
    """Every variable that a document of 2.0.1 requires, of all functional blocks, in the registry's order."""
    return tuple(_row(one) for one in required(tuple(BLOCKS)))


def _row(one: Variable) -> RequiredVariable:
    told = [one.said[document] for document in Reading.ANY.documents if document in one.said]
    documents = () if all(told) else tuple(document.value for document in one.required_by())
    return RequiredVariable(one.component, one.name, one.instance, one.condition, documents)
