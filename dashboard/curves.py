"""The curve of power below the lanes of a session, on the same time axis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Final

from dashboard import words
from dashboard.vega import Spec, field, layers, mark, tips
from diff.store.queries.readings import PowerPoint

__all__ = ["power"]

_KILO: Final = Decimal(1000)


def power(points: Sequence[PowerPoint], axis: Spec, zone: tzinfo, room: int) -> Spec:
    """Measured power as a line; means between readings as steps, which is what they are. `room`: left of the chart."""
    largest = max(abs(point.watts) for point in points)
    unit, scale = ("W", 0) if largest < _KILO else ("kW", -3)
    measured = points[0].measured
    rows = [
        {
            "at": words.clock(point.at, zone),
            "time": words.when(point.at, zone, fraction=True),
            "power": float(point.watts.scaleb(scale)),
            "exact": words.energy(point.watts, "W"),
            "how": "measured by the station" if point.measured else "mean since the reading before",
        }
        for point in points
    ]
    curve = mark(
        "line",
        {
            "x": axis,
            "y": field(
                "power:Q",
                title=f"{unit}, {'measured' if measured else 'mean'}",
                axis={"minExtent": room, "maxExtent": room},
            ),
            "tooltip": tips("time:N", "exact:N", "how:N", time="at", exact="power"),
        },
        point={"size": 30},
        interpolate="linear" if measured else "step-before",
        color="#b35c00",
    )
    return layers(rows, curve, height=110)
