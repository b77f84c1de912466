"""What was seen of OCPP in a stretch of time, by action; and frames of a few stations as a sample of fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.filters import pattern
from diff.store.queries.frames import newest_frames
from diff.store.queries.reading import read
from ingest.frame import Frame, Micros

__all__ = ["ActionCount", "Kind", "action_counts", "frames_of_sample", "known_chargers", "latest_chargers"]

_NATIVE: Final = "ocpp2.0.1"


class Kind(msgspec.Struct, frozen=True):
    """Which charging stations. Each pattern may hold `*`; empty allows everything."""

    charger: str = ""
    vendor: str = ""
    model: str = ""
    firmware: str = ""

    @property
    def everything(self) -> bool:
        """Whether it allows all of them."""
        return not (self.charger or self.vendor or self.model or self.firmware)

    def condition(self) -> tuple[str, dict[str, object]]:
        """The condition on `charger_id`, and its parameters."""
        parts, params = ["charger_id != ''"], dict[str, object]()
        if self.charger:
            operator, params["charger"] = pattern(self.charger)
            parts.append(f"charger_id {operator} %(charger)s")
        named = []
        for column in ("vendor", "model", "firmware"):
            if value := getattr(self, column):
                operator, params[column] = pattern(value)
                named.append(f"AND {column} {operator} %({column})s")
        if named:
            of_kind = f"SELECT charger_id FROM chargers FINAL WHERE judging_run = %(run)s {' '.join(named)}"
            parts.append(f"charger_id IN ({of_kind})")
        return " AND ".join(parts), params


class ActionCount(msgspec.Struct, frozen=True):
    """How often one action was called in a stretch of time."""

    action: str
    direction: str
    """Who called: `cp>cs` or `cs>cp`."""
    calls: int
    """Frames as they were written, one that was written twice twice: none at all is exact."""
    results: int
    errors: int
    chargers: int
    native: int
    """Of the calls, those of charging stations that spoke 2.0.1 on a connection of their own."""


def action_counts(store: Store, kind: Kind, since: Micros, until: Micros, run: str = JUDGING_RUN) -> list[ActionCount]:
    """Calls, answers and stations by action and caller, the most frequent first."""
    condition, params = kind.condition()
    native = "0"
    # Looked up by every frame, so only where there is one at all.
    if store.execute("SELECT 1 FROM connections WHERE subprotocol = %(native)s LIMIT 1", {"native": _NATIVE}):
        native = "charger_id IN (SELECT DISTINCT charger_id FROM connections WHERE subprotocol = %(native)s)"
    # By one column, and callers as columns of each row: by both it takes twice as long.
    counts = ", ".join(_COUNTS.format(native=native, by_station=by_station) for by_station in (1, 0))
    query = f"""
    SELECT action, {counts} FROM (
        SELECT action, message_type, charger_id, (message_type = 'call') = (direction = 'cp>cs') AS by_station
        FROM frames WHERE action != '' AND received_at > fromUnixTimestamp64Micro(%(since)s, 'UTC')
            AND received_at <= fromUnixTimestamp64Micro(%(until)s, 'UTC') AND {condition}
    ) GROUP BY action ORDER BY count() DESC, action LIMIT {_MOST}"""
    params |= {"since": since, "until": until, "run": run, "native": _NATIVE}
    found = list[ActionCount]()
    for action, *both in read(store, query, params):
        for caller, counted in (("cp>cs", both[:5]), ("cs>cp", both[5:])):
            if any(counted):
                found.append(ActionCount(action, caller, *counted))
    return sorted(found, key=lambda one: (-one.calls, one.action, one.direction))[:_MOST]


def known_chargers(store: Store, kind: Kind, run: str = JUDGING_RUN) -> int:
    """How many charging stations are known of a kind: the denominator of what was seen."""
    condition, params = kind.condition()
    query = f"SELECT uniqExact(charger_id) FROM chargers WHERE judging_run = %(run)s AND {condition}"
    return int(read(store, query, params | {"run": run})[0][0])


def latest_chargers(store: Store, kind: Kind, limit: int, run: str = JUDGING_RUN) -> list[str]:
    """The charging stations that were heard of last, the latest first."""
    condition, params = kind.condition()
    query = f"""
    SELECT charger_id FROM frame_counts WHERE {condition}
    GROUP BY charger_id ORDER BY max(last_received_at) DESC, charger_id LIMIT %(limit)s"""
    return [row[0] for row in read(store, query, params | {"run": run, "limit": limit})]


def frames_of_sample(store: Store, chargers: Sequence[str], limit: int) -> Mapping[str, list[Frame]]:
    """The newest frames of some charging stations, `limit` over all of them, each station's in canonical order."""
    return newest_frames(store, chargers, max(limit // max(len(chargers), 1), 1))


_MOST: Final = 500
_COUNTS: Final = """countIf(message_type = 'call' AND by_station = {by_station}),
            countIf(message_type = 'result' AND by_station = {by_station}),
            countIf(message_type = 'error' AND by_station = {by_station}),
            uniqIf(charger_id, by_station = {by_station}),
            countIf(message_type = 'call' AND by_station = {by_station} AND {native})"""
