"""What was observed of the charging stations' device models, as it was written."""

from __future__ import annotations

from typing import Final

from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.filters import pattern
from diff.store.queries.reading import read
from diff.store.rows import NO_CONNECTOR
from ingest.frame import Micros
from shadow.device_model.fact import Fact, Source

__all__ = ["chargers_with_facts", "device_facts"]

_MOST_CHARGERS: Final = 100_000


def device_facts(store: Store, charger_id: str) -> list[Fact]:
    """The newest fact of each name of a charging station, by source, connector and name."""
    query = """
    SELECT source, name, connector_id, value, toUnixTimestamp64Micro(at), frame_id, detail
    FROM device_facts FINAL WHERE charger_id = %(charger)s
    ORDER BY source, connector_id, name"""
    return [_fact(charger_id, *row) for row in read(store, query, {"charger": charger_id})]


def chargers_with_facts(
    store: Store,
    run: str = JUDGING_RUN,
    *,
    vendor: str = "",
    model: str = "",
    firmware: str = "",
    limit: int = _MOST_CHARGERS,
) -> list[str]:
    """Charging stations that anything was observed of, in order; each pattern may hold `*`, and empty is all.

    Vendor, model and firmware are those of the table of charging stations, which the latest boot says.
    """
    params: dict[str, object] = {"run": run, "limit": limit}
    conditions = []
    for column, wanted in (("vendor", vendor), ("model", model), ("firmware", firmware)):
        if wanted:
            operator, params[column] = pattern(wanted)
            conditions.append(f"AND {column} {operator} %({column})s")
    chosen = ""
    if conditions:
        known = f"SELECT charger_id FROM chargers FINAL WHERE judging_run = %(run)s {' '.join(conditions)}"
        chosen = f"WHERE charger_id IN ({known})"
    query = f"SELECT DISTINCT charger_id FROM device_facts {chosen} ORDER BY charger_id LIMIT %(limit)s"
    return [row[0] for row in read(store, query, params)]


def _fact(
    charger_id: str,
    source: str,
    name: str,
    connector_id: int,
    value: str | None,
    at: Micros,
    frame_id: str,
    detail: dict[str, str],
) -> Fact:
    number = None if connector_id == NO_CONNECTOR else connector_id
    return Fact(charger_id, Source(source), name, number, value, at, frame_id, dict(detail))
