"""An audit's document as one HTML file: nothing from outside; to be printed, or read in the dark. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Final

from diff.audit.document import Cell, Chart, Document, Facts, Mark, Picture, Sentence, Table
from diff.audit.markdown import SIGNS
from diff.audit.picture import picture

__all__ = ["render"]

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The file loads nothing and runs nothing, whatever a charging station has written into its values."""

_BREAKS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z\[])|(?<=[/.,_])(?=\w)", re.ASCII)
"""Where a long name may break: between its words, and never inside an escaped character."""
_STYLE: Final = """
:root{color-scheme:light dark;--paper:#ffffff;--ink:#1a2330;--soft:#566270;--line:#d5dbe2;--head:#f3f5f8;--link:#1f5fa8;
--good:#1f6f4a;--good-bg:#e5f3ec;--part:#8a4b00;--part-bg:#fbf0de;--bad:#a3211a;--bad-bg:#fbe9e7;--open:#46525f;
--open-bg:#eceff3}
@media (prefers-color-scheme:dark){:root{--paper:#10151c;--ink:#e6ebf1;--soft:#a3afbd;--line:#2d3947;--head:#1a222d;
--link:#86bbf2;--good:#7fd3a5;--good-bg:#16301f;--part:#f0bd6f;--part-bg:#35270f;--bad:#ff9d94;--bad-bg:#3a1a18;
--open:#b9c3ce;--open-bg:#232d39}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:2.2rem 1.6rem 4rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.4rem 0 .7rem;padding-top:.9rem;border-top:1px solid var(--line)}
p{max-width:75ch;margin:.6rem 0;overflow-wrap:anywhere}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;margin:0;padding:0;font-size:.9rem}
a{color:var(--link)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:.8rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:.9rem 0 1.2rem}
table{border-collapse:collapse;width:100%;font-size:.86rem}
caption{text-align:left;color:var(--soft);padding:0 0 .45rem;font-size:.9rem}
th,td{border-bottom:1px solid var(--line);padding:.42rem .6rem .42rem 0;text-align:left;vertical-align:top;
overflow-wrap:anywhere;min-width:4.2rem}
thead th{background:var(--head);padding-left:.5rem;border-bottom:2px solid var(--line);white-space:nowrap}
tbody th{font-weight:600;padding-left:.5rem;min-width:9rem}
tbody tr:hover{background:var(--head)}
.mark{display:inline-block;white-space:nowrap;border-radius:1em;padding:.05em .65em;font-weight:600;font-size:.82rem}
.good{color:var(--good);background:var(--good-bg)}.part{color:var(--part);background:var(--part-bg)}
.bad{color:var(--bad);background:var(--bad-bg)}.open{color:var(--open);background:var(--open-bg)}
figure{margin:1rem 0}figcaption{color:var(--soft);font-size:.86rem;overflow-wrap:anywhere}
@media print{main{max-width:none;padding:0}nav{display:none}h2{break-after:avoid}tr,figure{break-inside:avoid}
thead{display:table-header-group}body{font-size:11px}table{font-size:9.5px}.mark{border:1px solid currentColor}
.scroll{overflow:visible}}
@page{margin:14mm}
"""


def render(document: Document) -> str:
    """The document as one text. Everything that came from outside is escaped."""
    title = escape(document.title)
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{title}</h1>",
        '<nav aria-label="Sections"><ul>',
        *(f'<li><a href="#s{number}">{escape(one.title)}</a></li>' for number, one in enumerate(document.sections)),
        "</ul></nav>",
    ]
    for number, section in enumerate(document.sections):
        lines.append(f'<section aria-labelledby="s{number}">')
        lines.append(f'<h2 id="s{number}">{escape(section.title)}</h2>')
        for part in section.parts:
            lines += _part(part)
        lines.append("</section>")
    lines += ["</main>", "</body>", "</html>"]
    return "\n".join(lines) + "\n"


def _part(part: Sentence | Facts | Table | Picture | Chart) -> Iterator[str]:
    match part:
        case Sentence(text=text):
            yield f"<p>{escape(text)}</p>"
        case Facts(rows=rows):
            yield "<dl>"
            yield from (f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in rows)
            yield "</dl>"
        case Table():
            yield from _table(part)
        case Picture(tiers=tiers, title=title):
            yield f"<figure>{picture(tiers, title)}</figure>"
        case Chart(title=title, said=said, svg=svg):
            yield f"<figure>{svg}<figcaption>{escape(title)}. {escape(said)}.</figcaption></figure>"


def _table(table: Table) -> Iterator[str]:
    # A table that is wider than the page scrolls, and has to be reachable by keyboard then.
    yield f'<div class="scroll" role="region" aria-label="{escape(table.caption)}" tabindex="0"><table>'
    yield f"<caption>{escape(table.caption)}</caption>"
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    for first, *rest in table.rows:
        cells = "".join(f"<td>{_cell(cell)}</td>" for cell in rest)
        yield f'<tr><th scope="row">{_cell(first)}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Mark):
        return f'<span class="mark {cell.tone.value}">{SIGNS[cell.tone]} {escape(cell.word)}</span>'
    return _BREAKS.sub("<wbr>", escape(cell))
