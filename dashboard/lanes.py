"""The chart of a session: 1.6 as it happened, 2.0.1 as the shadow would have had it, and the energy, on one time axis.

Vega knows no time zones, so times go in as wall clocks of the chosen zone and the axis is told that they are UTC.
Floats stand here for places on the screen only; tooltips carry the exact texts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from dashboard import curves, words
from dashboard.vega import Spec, axis_time, field, layers, mark, tips
from diff.store.queries import EnergyPoint, FrameLine, MessageLine, SessionLine
from diff.store.queries.readings import PowerPoint

__all__ = ["KINDS", "as_caused", "chart", "kind_of"]

KINDS: Final = ("transaction", "meter values", "authorization", "status", "commands and other")
"""What the colours of the points mean."""

_LANE_16: Final = "1.6 as it happened"
_LANE_201: Final = "2.0.1 in the shadow"
_FROM_CHARGER: Final = "charger → CSMS"
_FROM_CSMS: Final = "CSMS → charger"
_SHORT: Final = Decimal(10_000)
"""Wh up to which an axis is in Wh."""

_RING: Final = "#e5484d"
_ROOM: Final = 104
"""Room left of both charts, alike so that their times stand below each other."""

_LEAST_PAD: Final = 500_000

_KIND_OF: Final = {
    "StartTransaction": "transaction",
    "StopTransaction": "transaction",
    "TransactionEvent": "transaction",
    "MeterValues": "meter values",
    "Authorize": "authorization",
    "StatusNotification": "status",
    "BootNotification": "status",
    "Heartbeat": "status",
    "NotifyEvent": "status",
}
_LANDMARKS: Final = frozenset({"StartTransaction", "StopTransaction", "Started", "Ended"})


def kind_of(action: str, trigger: str = "") -> str:
    """The colour of an action; a TransactionEvent that only carries values counts as those."""
    return "meter values" if trigger.startswith("MeterValue") else _KIND_OF.get(action, KINDS[-1])


def as_caused(messages: Sequence[MessageLine], frames: Sequence[FrameLine]) -> list[MessageLine]:
    """The messages at the receipt of the frame that brought them about, where it is among those shown.

    A TransactionEvent waits for the reorder horizon before it is numbered: drawn when it was said, it would look late.
    """
    received = {frame.frame_id: frame.received_at for frame in frames}
    return [replace(one, at=received.get(one.caused_by[-1], one.at)) if one.caused_by else one for one in messages]


def chart(
    session: SessionLine,
    frames: Sequence[FrameLine],
    messages: Sequence[MessageLine],
    points: Sequence[EnergyPoint],
    evidence: Collection[str],
    zone: tzinfo,
    *,
    ink: str = "#1a2330",
    power: Sequence[PowerPoint] = (),
) -> Spec:
    """Both lanes, and below them energy and power where there are readings. There is at least one frame or message.

    `ink`: the colour of words on the chart.
    """
    own = {frame for message in messages if message.own for frame in message.caused_by}
    rows = [_frame(line, line.frame_id in own, line.frame_id in evidence, zone) for line in frames if line.action]
    rows += [_message(message, zone) for message in messages]
    moments = [line.received_at for line in frames] + [message.at for message in messages]
    moments += [point.at for point in points] + [point.at for point in power]
    pad = max((max(moments) - min(moments)) // 50, _LEAST_PAD)
    span = [words.clock(min(moments) - pad, zone), words.clock(max(moments) + pad, zone)]
    bare = axis_time(span, labels=False, ticks=False, domain=False)
    axis = axis_time(span, format="%H:%M:%S", labelOverlap=True)
    drawn = [_lanes(rows, bare if points or power else axis, ink)]
    if points:
        drawn.append(_curve(session, points, bare if power else axis, zone, ink))
    if power:
        drawn.append(curves.power(power, axis, zone, _ROOM))
    return {"vconcat": drawn, "spacing": 8, "resolve": {"scale": {"x": "shared", "color": "independent"}}}


def _frame(line: FrameLine, own: bool, proves: bool, zone: tzinfo) -> dict[str, Any]:  # noqa: FBT001 - both are said by name where it is called
    return {
        "at": words.clock(line.received_at, zone),
        "time": words.when(line.received_at, zone, fraction=True),
        "lane": _LANE_16,
        "from": _FROM_CHARGER if line.direction == "cp>cs" else _FROM_CSMS,
        "kind": kind_of(line.action),
        "what": f"{line.action} {line.message_type}",
        "landmark": line.action if line.action in _LANDMARKS and line.message_type == "call" else "",
        "more": "proves a discrepancy" if proves else "",
        "id": line.frame_id,
        "weight": 1.0 if own or proves else 0.35,
        "proves": proves,
    }


def _message(message: MessageLine, zone: tzinfo) -> dict[str, Any]:
    return {
        "at": words.clock(message.at, zone),
        "time": words.when(message.at, zone, fraction=True),
        "lane": _LANE_201,
        "from": _FROM_CHARGER if message.direction == "cp>cs" else _FROM_CSMS,
        "kind": kind_of(message.action, message.trigger_reason),
        "what": f"{message.action} {message.type}",
        "landmark": message.event_type if message.event_type in _LANDMARKS else "",
        "more": " · ".join(part for part in (message.event_type, message.trigger_reason) if part),
        "id": f"made of {', '.join(message.caused_by[:4])}",
        "weight": 1.0 if message.own else 0.35,
        "proves": False,
    }


def _lanes(rows: list[dict[str, Any]], axis: Spec, ink: str) -> Spec:
    place = {
        "x": axis,
        "y": field(
            "lane:N",
            title=None,
            sort=[_LANE_16, _LANE_201],
            axis={"domain": False, "ticks": False, "minExtent": _ROOM, "maxExtent": _ROOM},
        ),
        "yOffset": field("from:N", sort=[_FROM_CHARGER, _FROM_CSMS]),
        "tooltip": tips("time:N", "lane:N", "from:N", "what:N", "more:N", "id:N", time="at", more="more", id="frames"),
    }
    look = {
        "color": field(
            "kind:N",
            scale={"domain": list(KINDS)},
            legend={"orient": "top", "title": None, "symbolOpacity": 1, "labelLimit": 200},
        ),
        "shape": field(
            "from:N",
            scale={"domain": [_FROM_CHARGER, _FROM_CSMS], "range": ["triangle-right", "triangle-left"]},
            legend=None,
        ),
        "opacity": field("weight:Q", scale=None, legend=None),
    }
    ring = {"filled": False, "size": 220, "strokeWidth": 2, "shape": "circle", "aria": False}
    name = {"dy": -11, "fontSize": 11, "align": "center", "fontWeight": "bold", "color": ink, "aria": False}
    return layers(
        rows,
        mark("point", place | look, filled=True, size=70),
        mark("point", place | {"color": {"value": _RING}}, where="datum.proves", **ring),
        mark(
            "text",
            place | {"text": field("landmark:N")},
            where="datum.landmark != '' && datum.weight == 1",
            **name,
        ),
        height=170,
    )


def _curve(session: SessionLine, points: Sequence[EnergyPoint], axis: Spec, zone: tzinfo, ink: str) -> Spec:
    ordered = sorted(points, key=lambda point: point.at)
    first = ordered[0].wh
    billed = session.primary_energy_wh
    largest = max([abs(point.wh - first) for point in ordered] + ([] if billed is None else [billed]))
    unit, scale = ("Wh", 0) if largest < _SHORT else ("kWh", -3)
    rows = [
        {
            "at": words.clock(point.at, zone),
            "time": words.when(point.at, zone, fraction=True),
            "energy": float((point.wh - first).scaleb(scale)),
            "since": words.energy(point.wh - first, signed=True),
            "register": words.energy(point.wh),
            "stamped": point.stamped,
            "context": point.context,
        }
        for point in ordered
    ]
    line = mark(
        "line",
        {
            "x": axis,
            "y": field(
                "energy:Q",
                title=f"{unit} since first reading",
                axis={"minExtent": _ROOM, "maxExtent": _ROOM},
            ),
            "tooltip": tips(
                "time:N",
                "since:N",
                "register:N",
                "context:N",
                "stamped:N",
                time="at",
                since="since the first reading",
                stamped="charger's stamp",
            ),
        },
        point={"size": 45},
        interpolate="linear",
    )
    drawn = [line]
    if billed is not None:
        level = {"values": [{"energy": float(billed.scaleb(scale)), "says": f"primary bills {words.energy(billed)}"}]}
        place = {"y": field("energy:Q")}
        rule = mark(
            "rule",
            place | {"tooltip": field("says:N")},
            strokeDash=[5, 4],
            color=words.SEVERITY_COLOURS["info"],
        )
        says = mark("text", place | {"text": field("says:N")}, align="left", x=4, dy=-6, fontSize=11, color=ink)
        drawn += [{"data": level, **rule}, {"data": level, **says}]
    return layers(rows, *drawn, height=150)
