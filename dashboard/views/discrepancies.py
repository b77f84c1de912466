"""Discrepancies by fingerprint, and what speaks for one of them. The whole view is in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import LinkColumn, NumberColumn, TextColumn

from dashboard import chooser, data, evidence, links, parts, words
from dashboard.exports import to_csv
from diff.catalogue import CATALOGUE
from diff.store import queries
from diff.store.queries import Filter, Group, Occurrence, Overview

__all__ = ["show"]

_LISTED = 200
_LATEST = 20


def show() -> None:
    """Draw the page."""
    st.title("Discrepancies", anchor=False)
    with data.or_a_sentence():
        seen = data.load(queries.overview)
        parts.strip(data.load(queries.pulse))
        chosen = chooser.choose(data.load(queries.choices))
        found = data.load(queries.groups, chosen, limit=_LISTED)
        if not found:
            _nothing(seen, chosen)
        else:
            _groups(found, seen)
        wanted = st.query_params.get("fp")
        if wanted:
            _fingerprint(wanted, chosen)
        elif found:
            st.caption("Select a row to see what it means, what to do, and the frames that prove it.")


def _nothing(seen: Overview, chosen: Filter) -> None:
    """Three kinds of nothing: blind, clean, and filtered away."""
    if not seen.frames and not seen.sessions:
        st.info("**Nothing has been mirrored yet**, so this list is empty because the shadow is blind.")
    elif chosen != chooser.DEFAULT:
        st.info("**Nothing meets these filters.** Take one away to see more.")
    elif not seen.compared:
        st.warning("**No session was compared yet**: the list is empty, and that says nothing.")
    else:
        st.success(
            f"**No open discrepancy** in {words.plural(seen.compared, 'compared session')} of"
            f" {words.plural(seen.chargers, 'charger')}.",
            icon=":material/check_circle:",
        )


def _groups(found: Sequence[Group], seen: Overview) -> None:
    rows = [_row(group) for group in found]
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.caption(
        f"{words.count(len(found))} of {words.plural(found[0].total, 'fingerprint')} that meet the filters; "
        f"{words.plural(seen.compared, 'session')} compared, {words.plural(seen.chargers, 'charger')} seen; "
        f"times in {parts.zone_name()}"
    )
    right.download_button(
        "CSV",
        to_csv([_exported(group) for group in found]),
        file_name="discrepancies.csv",
        mime="text/csv",
        icon=":material/download:",
        width="stretch",
        on_click="ignore",
    )
    ids = [group.fingerprint for group in found]
    picked = parts.pick("fp", ids, rows, _COLUMNS, height=330)
    if picked:
        st.query_params["fp"] = picked


def _row(group: Group) -> dict[str, object]:
    status = f"{group.open} open" if group.open else ""
    if group.withdrawn:
        status = f"{status}, {group.withdrawn} withdrawn" if status else f"{group.withdrawn} withdrawn"
    return {
        "severity": parts.severity_chip(group.severity),
        "code": group.code,
        "title": group.title,
        "chargers": group.chargers,
        "sessions": group.sessions,
        "occurrences": group.occurrences,
        "delta": words.energy(group.delta, group.unit, signed=True),
        "status": status,
        "first seen": words.when(group.first_seen, parts.zone()),
        "last seen": words.when(group.last_seen, parts.zone()),
        "class": group.class_,
    }


def _exported(group: Group) -> dict[str, object]:
    """The row for other programs: exact numbers, units apart, the zone named in the head of the column."""
    zone = parts.zone_name()
    return {
        "severity": group.severity,
        "code": group.code,
        "class": group.class_,
        "title": group.title,
        "chargers": group.chargers,
        "sessions": group.sessions,
        "occurrences": group.occurrences,
        "open": group.open,
        "withdrawn": group.withdrawn,
        "delta": "" if group.delta is None else f"{group.delta:f}",
        "unit": group.unit or "",
        f"first seen ({zone})": words.when(group.first_seen, parts.zone()),
        f"last seen ({zone})": words.when(group.last_seen, parts.zone()),
        "fingerprint": group.fingerprint,
    }


_COLUMNS: parts.Columns = {
    "severity": parts.severity_column(),
    "code": TextColumn("code", width=170),
    "title": TextColumn("title", width=300),
    "chargers": NumberColumn("chargers", width=65),
    "sessions": NumberColumn("sessions", width=65),
    "occurrences": NumberColumn("seen", width=50, help="How often it was seen, over all its discrepancies"),
    "delta": TextColumn("Σ delta", width=135, alignment="right", help="Shadow minus primary, over the open ones"),
    "status": TextColumn("status", width=80),
    "first seen": TextColumn("first seen", width=140),
    "last seen": TextColumn("last seen", width=140),
}


def _fingerprint(wanted: str, chosen: Filter) -> None:
    """One fingerprint: by its id, whether or not it stands in the list."""
    found = data.load(queries.occurrences, chooser.narrowed(chosen, wanted), limit=_LATEST)
    outside = not found
    if outside:
        found = data.load(queries.occurrences, Filter(fingerprint=wanted), limit=_LATEST)
    if not found:
        name = words.escaped(wanted[:40])
        st.warning(f"The store holds nothing of the fingerprint {name}. It may be older than what is kept.")
        return
    first = found[0]
    entry = CATALOGUE.get(first.code)
    st.divider()
    ink = words.SEVERITY_INKS.get(first.severity, "gray")
    st.subheader(f":{ink}[{words.SEVERITY_NAMES.get(first.severity, first.severity)}] {first.code}", anchor=False)
    st.text(first.title)
    if outside:
        st.caption("It does not meet the filters above; all its occurrences are shown.")
    if entry is not None:
        meaning, remedy = st.columns(2)
        meaning.markdown(f"**What it means.** {entry.meaning}")
        remedy.markdown(f"**What to do.** {entry.remedy}")
    _occurrences(wanted, found)


def _occurrences(wanted: str, found: Sequence[Occurrence]) -> None:
    st.markdown(f"**The latest {words.plural(len(found), 'occurrence')}**")
    ids = [one.id for one in found]
    picked = parts.pick("occ", ids, [_occurrence(one) for one in found], _OCCURRENCE_COLUMNS, height=240, scope=wanted)
    if picked:
        st.query_params["occ"] = picked
    shown = next((one for one in found if one.id == st.query_params.get("occ")), found[0])
    evidence.draw(shown)


def _occurrence(one: Occurrence) -> dict[str, object]:
    zone = parts.zone_parameter()
    link = links.address(links.SESSION, id=one.session_id, tz=zone) if one.session_id else None
    return {
        "charger": one.charger_id,
        "session": link,
        "primary": one.primary,
        "shadow": one.shadow,
        "delta": words.energy(one.delta, one.unit, signed=True),
        "path": one.path,
        "status": one.status,
        "last seen": words.when(one.observed_at, parts.zone()),
        "charger's time": words.when(one.occurred_at, parts.zone()),
        "seen": one.occurrences,
        "frames": len(one.frames),
        "detail": one.detail,
    }


_OCCURRENCE_COLUMNS: parts.Columns = {
    "session": LinkColumn("session", display_text=links.FROM_ID, width=85, help="Opens the session"),
    "primary": TextColumn("primary", width=150),
    "shadow": TextColumn("shadow", width=150),
    "delta": TextColumn("delta", width=125, alignment="right"),
    "path": TextColumn("path", width=210),
    "frames": NumberColumn("frames", width=60, help="Frames that prove it; they stand below"),
}


if __name__ == "__main__":
    show()
