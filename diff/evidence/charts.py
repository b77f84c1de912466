"""Charts of the report as SVG: small, light or dark as the reader's page, and with their numbers as text. Pure.

Nothing is said by colour alone: each bar has its number, each chart a title and a description that is read aloud, and
the table beside it holds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from diff.audit.document import Chart, clean
from diff.gates.evidence import Day
from diff.gates.words import count

__all__ = ["by_day", "by_name"]

_WIDTH: Final = 760
_STYLE: Final = """
.chart{--ink:#1a2330;--soft:#566270;--line:#d5dbe2;--one:#1f5fa8;--two:#a3211a}
@media (prefers-color-scheme:dark){.chart{--ink:#e6ebf1;--soft:#a3afbd;--line:#2d3947;--one:#6aa9e9;--two:#ff9d94}}
.chart text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
.chart .soft{fill:var(--soft)}.chart .line{stroke:var(--line)}.chart .one{fill:var(--one)}.chart .two{fill:var(--two)}
"""
_LABEL: Final = 330
_ROW: Final = 24
_BARS: Final = 70
"""Height of a row of bars."""
_LETTERS: Final = 46


def by_day(days: Sequence[Day]) -> Chart:
    """Compared sessions, and below them critical and major discrepancies, by day; the latest day stands right."""
    ordered = list(reversed(days))
    sessions = [day.sessions for day in ordered]
    faults = [day.critical + day.major for day in ordered]
    said = (
        f"{count(len(days), 'day')}: {count(sum(sessions), 'compared session')}, {min(sessions, default=0):,} to"
        f" {max(sessions, default=0):,} a day; {sum(faults):,} critical and major discrepancies"
    )
    height = 2 * (_BARS + 52)
    lines = [
        *_bars("compared sessions a day", sessions, "one", 0),
        *_bars("critical and major discrepancies a day", faults, "two", _BARS + 52),
    ]
    return Chart(
        "Sessions and discrepancies by day", said, _svg("Sessions and discrepancies by day", said, height, lines)
    )


def by_name(title: str, rows: Sequence[tuple[str, int]]) -> Chart:
    """Names and numbers as lines, the first on top."""
    most = max((number for _, number in rows), default=0)
    said = "; ".join(f"{clean(name)}: {number:,}" for name, number in rows) or "nothing"
    lines = []
    for place, (name, number) in enumerate(rows):
        y = 4 + place * _ROW
        width = _share(number, most, _WIDTH - _LABEL - 80)
        lines.append(f'<text x="0" y="{y + 14}">{escape(_cut(clean(name)))}</text>')
        lines.append(f'<rect class="one" x="{_LABEL}" y="{y + 2}" width="{width}" height="{_ROW - 8}" rx="2"/>')
        lines.append(f'<text class="soft" x="{_LABEL + width + 6}" y="{y + 14}">{number:,}</text>')
    return Chart(title, said, _svg(title, said, 8 + _ROW * max(len(rows), 1), lines))


def _bars(title: str, numbers: Sequence[int], colour: str, top: int) -> Iterator[str]:
    most = max(numbers, default=0)
    step = _WIDTH // max(len(numbers), 1)
    floor = top + 34 + _BARS
    yield f'<text class="soft" x="0" y="{top + 14}">{title}, at most {most:,}</text>'
    yield f'<line class="line" x1="0" y1="{floor}" x2="{_WIDTH}" y2="{floor}"/>'
    for place, number in enumerate(numbers):
        height = _share(number, most, _BARS)
        x, y = place * step, floor - height
        width = max(step - 4, 1)
        if number:
            yield f'<rect class="{colour}" x="{x}" y="{y}" width="{width}" height="{height}" rx="2"/>'
        if step >= 30:
            yield f'<text class="soft" x="{x + width // 2}" y="{y - 3}" text-anchor="middle">{number:,}</text>'


def _share(number: int, most: int, whole: int) -> int:
    """What is there can be seen."""
    return max(number * whole // most, 2) if number and most else 0


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _svg(title: str, said: str, height: int, lines: Sequence[str]) -> str:
    size = f'viewBox="0 0 {_WIDTH} {height}" style="width:100%;max-width:{_WIDTH}px;height:auto"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(said)}</desc>",
            f"<style>{_STYLE}</style>",
            *lines,
            "</svg>",
        )
    )
