"""Charts in Vega-Lite's own words (https://vega.github.io/vega-lite/docs/), as the browser gets them.

Altair, which has objects for these words, makes every visitor of a session wait half a second for them.
Data stands within the parts of a chart: what stands at its top Streamlit would make a table of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["Spec", "axis_time", "field", "layers", "mark", "tips"]

Spec = dict[str, Any]
"""A chart, or a part of one."""

_TYPES: Final[Mapping[str, str]] = {"T": "temporal", "N": "nominal", "O": "ordinal", "Q": "quantitative"}


def field(name: str, **more: Any) -> Spec:
    """A channel's definition: a field with the letter of its type, as in `at:T`, and what else is said of it."""
    what, _, kind = name.rpartition(":")
    return {"field": what, "type": _TYPES[kind], **more}


def tips(*names: str, **titles: str) -> list[Spec]:
    """What is said of a mark that is pointed at: fields with the letter of their type; `titles` by the field's name."""
    return [
        field(name, title=titles[what]) if (what := name.partition(":")[0]) in titles else field(name) for name in names
    ]


def mark(kind: str, encoding: Spec, *, where: str = "", **more: Any) -> Spec:
    """A mark with its channels; `where`: the rows that get one."""
    drawn: Spec = {"mark": {"type": kind, **more}, "encoding": encoding}
    return {"transform": [{"filter": where}], **drawn} if where else drawn


def layers(rows: Sequence[Mapping[str, Any]], *marks: Spec, height: int, **more: Any) -> Spec:
    """Marks of the same rows on top of each other; `height` in pixels."""
    drawn = marks[0] if len(marks) == 1 else {"layer": list(marks)}
    return {"data": {"values": list(rows)}, **drawn, "height": height, **more}


def axis_time(span: Sequence[str], **axis: Any) -> Spec:
    """The channel of a time axis of wall clocks: Vega knows no zones, so it is told that they are UTC."""
    return field("at:T", title=None, scale={"type": "utc", "domain": list(span)}, axis=axis)
