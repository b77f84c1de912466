"""The planted misbehaviours, as data: what is done, and to which discrepancy codes it must lead.

Every entry is something that real equipment does. `codes` are the codes that the product must find on that charging
station; `also` are codes that the same misbehaviour may rightly lead to. Any other code on it is a false alarm.
"""

from __future__ import annotations

from typing import Final

from demo.faults.clock import CLOCK
from demo.faults.kinds import (
    Add,
    Edit,
    Extra,
    Fault,
    Flow,
    Keep,
    Moment,
    Planted,
    Restamp,
    Scale,
    Set,
    Shift,
    Strike,
)
from demo.faults.meter import METER
from demo.faults.rpc import RPC
from demo.faults.schema import SCHEMA
from demo.faults.session import SESSION

__all__ = [
    "BY_NAME",
    "FAULTS",
    "Add",
    "Edit",
    "Extra",
    "Fault",
    "Flow",
    "Keep",
    "Moment",
    "Planted",
    "Restamp",
    "Scale",
    "Set",
    "Shift",
    "Strike",
]

FAULTS: Final[tuple[Fault, ...]] = (*SESSION, *METER, *CLOCK, *SCHEMA, *RPC)
"""Every fault that can be planted through the acts of a simulated charging station and its primary."""

BY_NAME: Final[dict[str, Fault]] = {fault.name: fault for fault in FAULTS}
