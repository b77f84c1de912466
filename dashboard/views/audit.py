"""Gap audit: what a charging station, or a cohort, has of 2.0.1, and what is left to do before it moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.column_config import LinkColumn, TextColumn

from dashboard import data, links, parts, words
from diff.audit.audit import Audit
from diff.audit.document import Cell, Document, Facts, Mark, Picture, Section, Sentence, Table
from diff.audit.grounds import Cohort, Known
from diff.audit.markdown import SIGNS
from diff.audit.picture import picture
from diff.audit.written import Form, told, written
from diff.store import queries

__all__ = ["show"]

# No strings below constants here: Streamlit would write them on the page.
_MOST: Final = 200  # charging stations that are audited at once: each is counted over all of its stored frames
_ABOVE: Final = 1  # the summary stands above the tabs
_FORMS: Final = {Form.HTML: "text/html", Form.MARKDOWN: "text/markdown", Form.JSON: "application/json"}


def show() -> None:
    """Draw the page."""
    st.title("Gap audit", anchor=False)
    with data.or_a_sentence():
        cohort = _choose()
        known = data.load(queries.members, cohort)
        if not known:
            _nothing(cohort)
            return
        if len(known) > _MOST:
            st.caption(
                f"The first {words.count(_MOST)} of {words.count(len(known))} charging stations; narrow it down."
            )
        found = data.load(queries.audits, tuple(known[:_MOST]))
    if not any(one.evidence.frames for one in found):
        st.warning("No frame of it is stored (any more): what stands below is blindness, not a gap.")
    _draw(told(found, cohort.title))
    _downloads(found, cohort)
    if len(found) > 1:
        _members(known[:_MOST])


def _choose() -> Cohort:
    """The boxes that say which charging stations, each bound to a parameter of the address."""
    places = st.columns(4)
    names = ("charger", "vendor", "model", "firmware")
    values = {}
    for place, name in zip(places, names, strict=True):
        text = place.text_input(name.capitalize(), key=name, bind="query-params", placeholder="any, * for any text")
        values[name] = (text or "").strip()
    charger = values.pop("charger")
    patterns = {name: value or "*" for name, value in values.items()}
    return Cohort((charger,) if charger else (), **patterns)


def _nothing(cohort: Cohort) -> None:
    if cohort != Cohort():
        st.info(f"**No charging station fits:** {words.escaped(cohort.title)}.")
        return
    st.info("**No charging station has been seen yet,** so there is nothing to audit.")
    st.markdown(
        "Put the tap before the primary (`shadow-csms run`), or audit a recording: `shadow-csms audit RECORDING`."
    )


def _draw(document: Document) -> None:
    for section in document.sections[:_ABOVE]:
        _section(section)
    rest = document.sections[_ABOVE:]
    for place, section in zip(st.tabs([section.title for section in rest]), rest, strict=True):
        with place:
            _parts(section)


def _section(section: Section) -> None:
    st.subheader(section.title, anchor=False)
    _parts(section)


def _parts(section: Section) -> None:
    for part in section.parts:
        match part:
            case Sentence(text=text):
                st.markdown(words.escaped(text))
            case Facts(rows=rows):
                st.markdown("\n".join(f"- **{words.escaped(term)}:** {words.escaped(text)}" for term, text in rows))
            case Table():
                _table(part)
            case Picture(tiers=tiers, title=title):
                st.image(picture(tiers, title), width="stretch")


def _table(table: Table) -> None:
    st.caption(words.escaped(table.caption))
    rows: list[dict[str, object]] = [dict(zip(table.head, map(_cell, row), strict=True)) for row in table.rows]
    parts.table(rows, {name: TextColumn(name) for name in table.head}, height=640)


def _cell(cell: Cell) -> str:
    return f"{SIGNS[cell.tone]} {cell.word}" if isinstance(cell, Mark) else cell


def _downloads(found: Sequence[Audit], cohort: Cohort) -> None:
    """The same document to take along."""
    st.subheader("Take it along", anchor=False)
    one = found[0] if len(found) == 1 else None
    name = f"audit-{_file_name(one.charger_id)}" if one is not None else "audit-cohort"
    places = st.columns(4)
    for place, (form, kind) in zip(places, _FORMS.items(), strict=False):
        place.download_button(
            f"Download {form.name.capitalize() if form is Form.MARKDOWN else form.name}",
            written(found, cohort.title, form),
            f"{name}.{form.value}",
            kind,
            key=f"download-{form.value}",
            on_click="ignore",
            width="stretch",
        )
    if one is not None:
        places[-1].download_button(
            "Download picture",
            picture(one.tiers, one.charger_id),
            f"{name}.svg",
            "image/svg+xml",
            key="download-svg",
            on_click="ignore",
            width="stretch",
        )


def _file_name(charger_id: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in charger_id)[:80]


def _members(known: Sequence[Known]) -> None:
    st.subheader("One by one", anchor=False)
    rows: list[dict[str, object]] = [
        {
            "charger": links.address(links.AUDIT, charger=one.charger_id, tz=parts.zone_parameter()),
            "vendor": one.vendor,
            "model": one.model,
            "firmware": one.firmware,
        }
        for one in known
    ]
    parts.table(rows, {"charger": LinkColumn("charger", display_text=links.FROM_CHARGER, help="Opens its audit")})


if __name__ == "__main__":
    show()
