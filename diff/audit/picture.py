"""The three-tier model of a charging station as a picture (SVG): station, EVSEs, connectors, components at their tier.

The same tiers give the same bytes. It needs nothing from outside, follows the reader's light or dark, and says with a
sign and a number what it says with a colour. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import msgspec

from diff.audit.document import clean
from diff.audit.tiers import ComponentCount, Tiers

__all__ = ["MOST_COMPONENTS", "MOST_CONNECTORS", "MOST_EVSES", "picture"]

MOST_EVSES: Final = 24
MOST_CONNECTORS: Final = 8
"""Of an EVSE."""
MOST_COMPONENTS: Final = 60
"""At one tier. What is beyond these limits is counted in a line of its own."""

_WIDTH: Final = 1080
_MARGIN: Final = 16
_PAD: Final = 14
_GAP: Final = 10
_HEAD: Final = 34
_CHIP: Final = 46
_NARROWEST_CHIP: Final = 196
_NARROWEST_BOX: Final = 236
_LETTER: Final = 7
"""Width of a letter of 13 pixels, on the safe side."""
_LEGEND: Final = 46

_KINDS: Final = (
    ("observed", "●", "observed on the wire"),
    ("derived", "◐", "follows from it"),
    ("assumed", "○", "assumed"),
    ("unset", "\N{EN DASH}", "without a value"),
    ("missing", "✗", "required and missing"),
)
"""Fields of `ComponentCount`, their signs and their words."""

_STYLE: Final = """
.tiers{--paper:#ffffff;--ink:#1a2330;--soft:#5b6673;--line:#c9d1da;--station:#f3f5f8;--evse:#e6eef7;
--connector:#d8e6f4;--chip:#ffffff;--observed:#1f6f4a;--derived:#1f5fa8;--assumed:#b35c00;--unset:#8a94a0;
--flaw:#b3261e}
@media (prefers-color-scheme:dark){.tiers{--paper:#10151c;--ink:#e6ebf1;--soft:#a3afbd;--line:#3a4756;
--station:#161d27;--evse:#1b2735;--connector:#223247;--chip:#10151c;--observed:#5fbf8a;--derived:#6aa9e9;
--assumed:#e0a34a;--unset:#77828f;--flaw:#ff8a80}}
.tiers text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:13px;
fill:var(--ink)}
.tiers .t0{font-size:17px;font-weight:650}.tiers .t1{font-size:15px;font-weight:650}
.tiers .t2{font-size:14px;font-weight:650}.tiers .sum,.tiers .num{font-size:12px;fill:var(--soft)}
.tiers .box{stroke:var(--line)}.tiers .b0{fill:var(--station)}.tiers .b1{fill:var(--evse)}
.tiers .b2{fill:var(--connector)}.tiers .chip{fill:var(--chip);stroke:var(--line)}.tiers .paper{fill:var(--paper)}
.tiers .observed{fill:var(--observed)}.tiers .derived{fill:var(--derived)}.tiers .assumed{fill:var(--assumed)}
.tiers .unset{fill:var(--unset)}.tiers .missing,.tiers .flaw{fill:var(--flaw)}
.tiers .flaw{font-weight:650}
"""


class _Box(msgspec.Struct):
    title: str
    tier: int
    chips: tuple[ComponentCount, ...]
    inside: list[_Box]
    remark: str = ""


def picture(tiers: Tiers, title: str) -> str:
    """Draw the tiers of a charging station. `title` is shown in the station's head and read aloud."""
    station = _station(tiers, title)
    width = _WIDTH - 2 * _MARGIN
    height = _height(station, width) + 2 * _MARGIN + _LEGEND
    said = escape(_said(tiers, title))
    size = f'viewBox="0 0 {_WIDTH} {height}" style="width:100%;max-width:{_WIDTH}px;height:auto"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tiers" {size} role="img" aria-label="{said}">',
        f"<title>{said}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="10"/>',
        *_draw(station, _MARGIN, _MARGIN, width, _height(station, width)),
        *_legend(_MARGIN, height - _MARGIN - 8),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _said(tiers: Tiers, title: str) -> str:
    connectors = sum(len(evse.connectors) for evse in tiers.evses)
    return (
        f"Device model of {clean(title)}: {len(tiers.components)} components of the station,"
        f" {len(tiers.evses)} EVSEs, {connectors} connectors"
    )


def _station(tiers: Tiers, title: str) -> _Box:
    boxes = []
    for evse in tiers.evses[:MOST_EVSES]:
        lines = [
            _Box(f"Connector {one.connector_id}", 2, one.components, []) for one in evse.connectors[:MOST_CONNECTORS]
        ]
        more = len(evse.connectors) - len(lines)
        remark = f"and {more} more connectors" if more else ""
        boxes.append(_Box(f"EVSE {evse.evse_id}", 1, evse.components, lines, remark))
    more = len(tiers.evses) - len(boxes)
    remark = f"and {more} more EVSEs, not drawn" if more else ""
    return _Box(f"Charging station {clean(title)}", 0, tiers.components, boxes, remark)


# -- sizes ---------------------------------------------------------------------------------------------------------


def _columns(width: int, narrowest: int, number: int) -> int:
    return max(1, min((width + _GAP) // (narrowest + _GAP), number))


def _rows(box: _Box, width: int) -> list[list[_Box]]:
    """The boxes inside, in rows of one height."""
    across = _columns(width - 2 * _PAD, _NARROWEST_BOX, min(len(box.inside), 4))
    return [box.inside[start : start + across] for start in range(0, len(box.inside), across)]


def _share(width: int, number: int) -> int:
    """The width of each of so many beside each other."""
    return (width - 2 * _PAD - (number - 1) * _GAP) // number


def _height(box: _Box, width: int) -> int:
    height = _HEAD + _PAD // 2
    chips = len(box.chips[:MOST_COMPONENTS])
    if chips:
        across = _columns(width - 2 * _PAD, _NARROWEST_CHIP, 4)
        height += -(-chips // across) * (_CHIP + _GAP)
    rows = _rows(box, width)
    for row in rows:
        inner = _share(width, len(rows[0]))
        height += max(_height(one, inner) for one in row) + _GAP
    return height + 20 * bool(_remark(box))


def _remark(box: _Box) -> str:
    more = len(box.chips) - MOST_COMPONENTS
    parts = [f"and {more} more components" if more > 0 else "", box.remark]
    return ", ".join(part for part in parts if part)


# -- drawing -------------------------------------------------------------------------------------------------------


def _draw(box: _Box, x: int, y: int, width: int, height: int) -> Iterator[str]:
    yield f'<rect class="box b{box.tier}" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
    total = sum(_total(one) for one in box.chips)
    summary = "1 variable" if total == 1 else f"{total} variables" if total else "no variables"
    missing = sum(one.missing for one in box.chips)
    summary += f", {missing} missing" if missing else ""
    letters = (width - 2 * _PAD - len(summary) * _LETTER) // (_LETTER + 3)
    yield f'<text class="t{box.tier}" x="{x + _PAD}" y="{y + 23}">{_fitted(box.title, letters)}</text>'
    yield f'<text class="sum" x="{x + width - _PAD}" y="{y + 23}" text-anchor="end">{summary}</text>'
    at = y + _HEAD
    chips = box.chips[:MOST_COMPONENTS]
    across = _columns(width - 2 * _PAD, _NARROWEST_CHIP, 4)
    chip = _share(width, across)
    for place, one in enumerate(chips):
        row, column = divmod(place, across)
        yield from _chip(one, x + _PAD + column * (chip + _GAP), at + row * (_CHIP + _GAP), chip)
    at += -(-len(chips) // across) * (_CHIP + _GAP)
    rows = _rows(box, width)
    for boxes in rows:
        inner = _share(width, len(rows[0]))
        tallest = max(_height(one, inner) for one in boxes)
        for column, child in enumerate(boxes):
            yield from _draw(child, x + _PAD + column * (inner + _GAP), at, inner, tallest)
        at += tallest + _GAP
    if _remark(box):
        yield f'<text class="sum" x="{x + _PAD}" y="{at + 10}">{escape(_remark(box))}</text>'


def _chip(one: ComponentCount, x: int, y: int, width: int) -> Iterator[str]:
    counts = [(kind, sign, getattr(one, kind)) for kind, sign, _ in _KINDS]
    words = ", ".join(f"{number} {word}" for (_, _, word), (_, _, number) in zip(_KINDS, counts, strict=True) if number)
    flaws = f"; {one.flawed} not allowed by the standard" if one.flawed else ""
    yield f"<g><title>{escape(clean(one.name))}: {words}{flaws}</title>"
    yield f'<rect class="chip" x="{x}" y="{y}" width="{width}" height="{_CHIP}" rx="6"/>'
    yield f'<text x="{x + 10}" y="{y + 18}">{_fitted(clean(one.name), (width - 20) // _LETTER)}</text>'
    numbers = "".join(f'<tspan class="{kind}">{sign}</tspan> {number}  ' for kind, sign, number in counts if number)
    flaw = f'<tspan class="flaw">! {one.flawed}</tspan>' if one.flawed else ""
    yield f'<text class="num" x="{x + 10}" y="{y + 34}" xml:space="preserve">{numbers}{flaw}</text>'
    yield from _bar(counts, x + 10, y + _CHIP - 7, width - 20)
    yield "</g>"


def _bar(counts: Sequence[tuple[str, str, int]], x: int, y: int, width: int) -> Iterator[str]:
    """The counts as shares of a line; each that is there can be seen."""
    total = sum(number for _, _, number in counts)
    begin = 0
    for kind, _, number in counts:
        if number:
            start, end = begin * width // total, (begin + number) * width // total
            yield f'<rect class="{kind}" x="{x + start}" y="{y}" width="{max(end - start - 1, 1)}" height="3"/>'
        begin += number


def _legend(x: int, y: int) -> Iterator[str]:
    at = x + _PAD
    for kind, sign, word in (*_KINDS, ("flaw", "!", "not allowed by the standard")):
        yield f'<text x="{at}" y="{y}"><tspan class="{kind}">{sign}</tspan> {word}</text>'
        at += (len(word) + 6) * _LETTER


def _total(one: ComponentCount) -> int:
    return one.observed + one.derived + one.assumed + one.unset


def _fitted(text: str, letters: int) -> str:
    return escape(text if len(text) <= letters else f"{text[: max(letters - 1, 1)]}…")
