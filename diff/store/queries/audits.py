"""Audits of stored charging stations: their evidence, the facts of their device models, and what follows from both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from diff.audit.audit import Audit
from diff.audit.grounds import Cohort, Known, audited
from diff.store.client import Store
from diff.store.queries.audit import FOREVER, evidence
from diff.store.queries.device import device_facts
from diff.store.queries.fleet import chargers
from ingest.frame import Micros
from shadow.config import DEFAULT, ShadowConfig

__all__ = ["audits", "members"]

MOST_STATIONS: Final = 5_000
_BATCH: Final = 50
"""Charging stations that one round of queries counts: their answer times are sorted in the server's memory."""


def members(store: Store, cohort: Cohort, limit: int = MOST_STATIONS) -> list[Known]:
    """The charging stations of a cohort that the store knows, in the order of their ids."""
    lines = chargers(store, limit=limit)
    known = [Known(line.charger_id, line.vendor, line.model, line.firmware) for line in lines]
    return sorted((one for one in known if cohort.holds(one)), key=lambda one: one.charger_id)


def audits(
    store: Store,
    known: Sequence[Known],
    since: Micros = 0,
    until: Micros = FOREVER,
    config: ShadowConfig = DEFAULT,
) -> list[Audit]:
    """The audits of some charging stations over their stored frames, in the order asked for."""
    done: list[Audit] = []
    for start in range(0, len(known), _BATCH):
        batch = known[start : start + _BATCH]
        seen = evidence(store, [one.charger_id for one in batch], since, until)
        for one, what in zip(batch, seen, strict=True):
            done.append(audited(one, device_facts(store, one.charger_id), what, config))
    return done
