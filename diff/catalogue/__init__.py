"""The catalogue of discrepancy codes: what can disagree, how much it matters, and what to do about it.

A code is stable and never reused: dashboards, acknowledgements and stored rows are keyed by it. A code whose meaning
would have to change is left in place and a new one is added.

Two conventions hold for every code. The *primary* value is what the 1.6 side says: the primary's ledger, or, where a
rule was broken, the value as it stood on the wire. The *shadow* value is what the 2.0.1 side says: its session, or what
the rule asks for. `delta` is shadow minus primary in `unit`, so that a positive delta means that the shadow has more.
"""

from __future__ import annotations

from typing import Final

from diff.catalogue.device import DEVICE, SECURITY, VENDOR
from diff.catalogue.entry import Code, Values
from diff.catalogue.mapping import MESSAGE, PROFILE, STATUS, TOPOLOGY
from diff.catalogue.readings import CLOCK, METER
from diff.catalogue.sessions import SESSION
from diff.catalogue.wire import KEEPALIVE, ROLLOUT, RPC, RULE, SCHEMA, TAP

__all__ = ["CATALOGUE", "Code", "Values"]

_FAMILIES: Final = (
    *(SESSION, METER, CLOCK),
    *(SCHEMA, RULE, RPC, KEEPALIVE, TAP, ROLLOUT),
    *(MESSAGE, STATUS, TOPOLOGY, PROFILE),
    *(DEVICE, VENDOR, SECURITY),
)

CATALOGUE: Final[dict[str, Code]] = {entry.code: entry for family in _FAMILIES for entry in family}
"""Every code, in the order of the page that describes them."""
