"""The chart of a session: 1.6 as it happened, 2.0.1 as the shadow would have had it, and the energy, on one time axis.

Vega knows no time zones, so times go in as wall clocks of the chosen zone and the axis is told that they are UTC.
Floats stand here for places on the screen only; tooltips carry the exact texts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Any, Final

import altair as alt
from msgspec.structs import replace

from dashboard import curves, words
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
) -> alt.VConcatChart:
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
    scale = alt.Scale(type="utc", domain=span)
    bare = alt.X("at:T", title=None, scale=scale, axis=alt.Axis(labels=False, ticks=False, domain=False))
    axis = alt.X("at:T", title=None, scale=scale, axis=alt.Axis(format="%H:%M:%S", labelOverlap=True))
    layers: list[Any] = [_lanes(rows, bare if points or power else axis, ink)]
    if points:
        layers.append(_curve(session, points, bare if power else axis, zone, ink))
    if power:
        layers.append(curves.power(power, axis, zone, _ROOM))
    drawn: alt.VConcatChart = alt.vconcat(*layers, spacing=8).resolve_scale(x="shared", color="independent")
    return drawn


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


def _lanes(rows: list[dict[str, Any]], axis: alt.X, ink: str) -> Any:
    base = _chart(rows).encode(
        x=axis,
        y=alt.Y(
            "lane:N",
            title=None,
            sort=[_LANE_16, _LANE_201],
            axis=alt.Axis(domain=False, ticks=False, minExtent=_ROOM, maxExtent=_ROOM),
        ),
        yOffset=alt.YOffset("from:N", sort=[_FROM_CHARGER, _FROM_CSMS]),
        tooltip=[
            alt.Tooltip("time:N", title="at"),
            alt.Tooltip("lane:N"),
            alt.Tooltip("from:N"),
            alt.Tooltip("what:N"),
            alt.Tooltip("more:N", title="more"),
            alt.Tooltip("id:N", title="frames"),
        ],
    )
    points = base.mark_point(filled=True, size=70).encode(
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=list(KINDS)),
            legend=alt.Legend(orient="top", title=None, symbolOpacity=1, labelLimit=200),
        ),
        shape=alt.Shape(
            "from:N",
            scale=alt.Scale(domain=[_FROM_CHARGER, _FROM_CSMS], range=["triangle-right", "triangle-left"]),
            legend=None,
        ),
        opacity=alt.Opacity("weight:Q", scale=None, legend=None),
    )
    rings = (
        base.transform_filter("datum.proves")
        .mark_point(filled=False, size=220, strokeWidth=2, shape="circle", aria=False)
        .encode(color=alt.value(_RING))
    )
    names = (
        base.transform_filter("datum.landmark != '' && datum.weight == 1")
        .mark_text(dy=-11, fontSize=11, align="center", fontWeight="bold", color=ink, aria=False)
        .encode(text="landmark:N")
    )
    return alt.layer(points, rings, names).properties(height=170)


def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(rows))


def _curve(session: SessionLine, points: Sequence[EnergyPoint], axis: alt.X, zone: tzinfo, ink: str) -> Any:
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
    line = (
        _chart(rows)
        .mark_line(point=alt.OverlayMarkDef(size=45), interpolate="linear")
        .encode(
            x=axis,
            y=alt.Y("energy:Q", title=f"{unit} since first reading", axis=alt.Axis(minExtent=_ROOM, maxExtent=_ROOM)),
            tooltip=[
                alt.Tooltip("time:N", title="at"),
                alt.Tooltip("since:N", title="since the first reading"),
                alt.Tooltip("register:N"),
                alt.Tooltip("context:N"),
                alt.Tooltip("stamped:N", title="charger's stamp"),
            ],
        )
    )
    layers: list[alt.Chart] = [line]
    if billed is not None:
        level = _chart([{"energy": float(billed.scaleb(scale)), "says": f"primary bills {words.energy(billed)}"}])
        layers.append(
            level.mark_rule(strokeDash=[5, 4], color=words.SEVERITY_COLOURS["info"]).encode(
                y="energy:Q", tooltip="says:N"
            )
        )
        layers.append(
            level.mark_text(align="left", x=4, dy=-6, fontSize=11, color=ink).encode(y="energy:Q", text="says:N")
        )
    return alt.layer(*layers).properties(height=150)
