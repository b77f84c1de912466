"""The chart of a charging station: what was seen of it, where the shadow was blind, and its sessions, on one time axis.

As in `dashboard.lanes` times go in as wall clocks of the chosen zone, and floats are places on the screen only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any, Final

from dashboard import words
from dashboard.vega import Spec, field, layers, mark, tips
from diff.blindness import Sight, Stretch
from diff.store.queries import SessionLine
from ingest.frame import Micros

__all__ = ["SIGHTS", "chart"]

SIGHTS: Final = {
    Sight.SEEN: "✔ seen",
    Sight.BLIND: "✖ blind",
    Sight.AWAY: "○ not connected",
}
"""Sign and word of each sight."""
_COLOURS: Final = {Sight.SEEN: "#2e7d32", Sight.BLIND: "#b3261e", Sight.AWAY: "#8a94a0"}
_CONNECTION: Final = "connection"
_SESSION: Final = "session"
_BILLED: Final = "#1f5fa8"
_AXIS: Final[Spec] = {"labelOverlap": True, "format": "%d %b %H:%M", "tickCount": 8}


def chart(
    stretches: Sequence[Stretch], sessions: Sequence[SessionLine], since: Micros, until: Micros, zone: tzinfo
) -> Spec:
    """One lane for what was seen, one for each connector that charged."""
    span = [words.clock(since, zone), words.clock(until, zone)]
    rows = [_stretch(one, zone) for one in stretches]
    for line in sessions:
        begin, end = max(line.first_received_at, since), min(line.last_received_at, until)
        if end >= begin:
            rows.append(_session(line, begin, end, zone))
    lanes = [_CONNECTION, *sorted({row["lane"] for row in rows} - {_CONNECTION})]
    names = [*SIGHTS.values(), _SESSION]
    bars = mark(
        "bar",
        {
            "x": field("begin:T", title=None, scale={"type": "utc", "domain": span}, axis=_AXIS),
            "x2": {"field": "end"},
            "y": field("lane:N", title=None, sort=lanes, axis={"domain": False, "ticks": False, "minExtent": 90}),
            "color": field(
                "what:N",
                scale={"domain": names, "range": [*_COLOURS.values(), _BILLED]},
                legend={"orient": "top", "title": None},
            ),
            "tooltip": tips("what:N", "from:N", "to:N", "why:N", "id:N", what="what"),
        },
        height=16,
        cornerRadius=2,
    )
    return {"vconcat": [layers(rows, bars, height=34 * len(lanes))]}


def _stretch(one: Stretch, zone: tzinfo) -> dict[str, Any]:
    row = {"lane": _CONNECTION, "what": SIGHTS[one.sight], "why": one.why, "id": one.connection_id}
    return row | _times(one.begin, one.end, zone)


def _session(line: SessionLine, begin: Micros, end: Micros, zone: tzinfo) -> dict[str, Any]:
    why = f"{words.energy(line.primary_energy_wh)} / {words.energy(line.shadow_energy_wh)}"
    lane = f"connector {line.connector_id if line.connector_id is not None else words.NEVER}"
    return {"lane": lane, "what": _SESSION, "why": why, "id": line.session_id} | _times(begin, end, zone)


def _times(begin: Micros, end: Micros, zone: tzinfo) -> dict[str, Any]:
    return {
        "begin": words.clock(begin, zone),
        "end": words.clock(end, zone),
        "from": words.when(begin, zone),
        "to": words.when(end, zone),
    }
