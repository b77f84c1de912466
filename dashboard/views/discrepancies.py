"""Discrepancies by fingerprint. The whole view is in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from dashboard import chooser, data, judging, links, parts, states, words
from diff.catalogue import CATALOGUE
from diff.store import queries
from diff.store.gating import GatingError
from diff.store.queries import Choices, Denominators, Filter
from diff.store.queries.causes import Cause, causes
from diff.store.queries.rollout import site_chargers

__all__ = ["asked", "show"]

_LISTED = 100
"""Rows of the list, and how many more the button below it adds: counting exactly whom each row is about costs most."""
_MOST = 2_000
_DIGITS = 9
_NO_FILTERS = {"fp", "tz", "rows"}


def asked(given: Mapping[str, str]) -> list[data.Question]:
    """What the page will ask, by the parameters of its address; the list itself where no filter is set."""
    found = [data.question(queries.denominators), data.question(queries.pulse)]
    if set(given) <= _NO_FILTERS:
        found.append(data.question(causes, chooser.DEFAULT, data.minute_end(), (), limit=_rows(given)))
    return found


def show() -> None:
    """Draw the page."""
    st.title("Discrepancies", anchor=False)
    with data.or_a_sentence():
        data.ahead(*asked(st.query_params))
        strip, until, rows = st.container(), data.minute_end(), _rows(st.query_params)
        chosen = _choose()
        data.ahead(data.question(causes, chosen.filter, until, chosen.standings, limit=rows))
        with strip:
            parts.strip(data.load(queries.pulse))
        seen = data.load(queries.denominators)
        found = data.load(causes, chosen.filter, until, chosen.standings, limit=rows)
        if not found:
            _nothing(seen, chosen)
        else:
            _causes(found, seen)
            _more(len(found), found[0].total)
        wanted = st.query_params.get("fp")
        if wanted:
            _one(wanted, found)
        elif found:
            st.caption("Select a row to see what it means and what to do; its own page has the evidence.")


def _rows(given: Mapping[str, str]) -> int:
    """How many fingerprints the address asks for."""
    text = given.get("rows", "")
    return min(max(int(text), 1), _MOST) if text.isascii() and text.isdigit() and len(text) < _DIGITS else _LISTED


def _choose() -> chooser.Chosen:
    """The filters; a site stands for its charging stations."""
    try:
        known = judging.cohorts()
    except GatingError as error:
        st.caption(f":orange[:material/edit_document: {words.escaped(str(error))}] So there is no site to choose.")
        return chooser.choose(_choices, ())
    chosen = chooser.choose(_choices, tuple(known.sites))
    if not chosen.sites:
        return chosen
    ids = data.load(site_chargers, known, chosen.sites)
    return msgspec.structs.replace(chosen, filter=msgspec.structs.replace(chosen.filter, chargers=ids))


def _choices() -> Choices:
    return data.load(queries.choices)


def _nothing(seen: Denominators, chosen: chooser.Chosen) -> None:
    """Three kinds of nothing: blind, clean, and filtered away."""
    if not seen.mirrored and not seen.sessions:
        states.blind("**Nothing has been mirrored yet**, so this list is empty because the shadow is blind.")
        st.page_link("views/rollout.py", label="How to begin", icon=":material/start:")
    elif chosen.filter != chooser.DEFAULT or chosen.standings:
        states.filtered("**Nothing meets these filters.** Take one away to see more.")
    elif not seen.compared:
        states.blind("**No session was compared yet**: the list is empty, and that says nothing.")
    else:
        states.clean(
            f"**No open discrepancy** in {words.plural(seen.compared, 'compared session')} of"
            f" {words.plural(seen.chargers, 'charger')}."
        )


def _causes(found: Sequence[Cause], seen: Denominators) -> None:
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(
        f"{words.count(len(found))} of {words.plural(found[0].total, 'fingerprint')} that meet the filters; "
        f"{words.plural(seen.compared, 'session')} compared, {words.plural(seen.chargers, 'charger')} seen; "
        f"times in {parts.zone_name()}"
    )
    with right:
        parts.export("discrepancies", [_exported(one) for one in found])
    ids = [one.group.fingerprint for one in found]
    picked = parts.pick("fp", ids, [_row(one, seen) for one in found], _COLUMNS, height=320)
    if picked:
        st.query_params["fp"] = picked


def _more(listed: int, total: int) -> None:
    if listed >= min(total, _MOST):
        return
    further = min(listed + _LISTED, total, _MOST)
    st.button(
        f"List {words.count(further - listed)} more",
        key="more",
        icon=":material/expand_more:",
        on_click=partial(st.query_params.__setitem__, "rows", str(further)),
    )


def _row(one: Cause, seen: Denominators) -> dict[str, object]:
    group = one.group
    return {
        "severity": parts.severity_chip(group.severity),
        "status": words.STANDINGS.get(one.standing, one.standing),
        "code": group.code,
        "title": group.title,
        "affected": f"{words.count(group.chargers)} of {words.count(seen.chargers)}",
        "sessions": group.sessions,
        "rate": words.rate(one.per_thousand),
        "of": one.comparisons,
        "wh": words.energy(one.wh),
        "money": words.money(one.money),
        "evidence": _evidence(one),
        "first seen": words.when(group.first_seen, parts.zone()),
        "last seen": words.when(group.last_seen, parts.zone()),
        "class": group.class_,
        "because": one.because,
    }


def _evidence(one: Cause) -> str:
    told = [f"{words.count(one.group.open)} open"] if one.group.open else []
    told += [f"{words.count(one.group.withdrawn)} withdrawn"] if one.group.withdrawn else []
    return ", ".join(told)


def _exported(one: Cause) -> dict[str, object]:
    """The row for other programs: exact numbers, units apart, the zone named in the head of the column."""
    zone, group = parts.zone_name(), one.group
    return {
        "severity": group.severity,
        "status": one.standing,
        "history": one.history,
        "because": one.because,
        "code": group.code,
        "class": group.class_,
        "title": group.title,
        "chargers": group.chargers,
        "sessions": group.sessions,
        "occurrences": group.occurrences,
        "open": group.open,
        "withdrawn": group.withdrawn,
        "per 1000 comparisons": "" if one.per_thousand is None else f"{one.per_thousand:.3f}",
        "comparisons": one.comparisons,
        "absolute Wh": "" if one.wh is None else f"{one.wh:f}",
        "absolute money": "; ".join(f"{amount:f} {currency}" for currency, amount in sorted(one.money.items())),
        "delta": "" if group.delta is None else f"{group.delta:f}",
        "unit": group.unit or "",
        f"first seen ({zone})": words.when(group.first_seen, parts.zone()),
        f"last seen ({zone})": words.when(group.last_seen, parts.zone()),
        "fingerprint": group.fingerprint,
    }


_COLUMNS: parts.Columns = {
    "severity": parts.severity_column(),
    "status": TextColumn("status", width=115, help="Its history, or that somebody answers for it"),
    "code": TextColumn("code", width=150),
    "title": TextColumn("title", width=260),
    "affected": TextColumn("chargers", width=75, alignment="right", help="Affected, of all charging stations seen"),
    "sessions": NumberColumn("sessions", width=65),
    "rate": TextColumn("per 1 000", width=70, alignment="right", help="Open ones per 1,000 comparisons"),
    "of": NumberColumn("comparisons", width=85, help="Fields compared on its vendor, model and firmware"),
    "wh": TextColumn(
        "Σ |Wh|", width=95, alignment="right", help="Differences in energy without their signs, open ones"
    ),
    "money": TextColumn(
        "Σ |money|", width=95, alignment="right", help="What its sessions are billed otherwise, by records and tariffs"
    ),
    "evidence": TextColumn("evidence", width=110),
    "first seen": TextColumn("first seen", width=140),
    "last seen": TextColumn("last seen", width=140),
    "because": TextColumn("why this status", width=230),
}


def _one(wanted: str, found: Sequence[Cause]) -> None:
    """The chosen fingerprint in short, whether or not it stands in the list."""
    listed = next((one.group for one in found if one.group.fingerprint == wanted), None)
    group = listed
    if group is None:
        every = data.load(queries.groups, Filter(fingerprint=wanted), limit=1)
        group = every[0] if every else None
    if group is None:
        name = words.escaped(wanted[:40])
        st.warning(f"The store holds nothing of the fingerprint {name}. It may be older than what is kept.")
        return
    entry = CATALOGUE.get(group.code)
    ink = words.SEVERITY_INKS.get(group.severity, "gray")
    with st.container(border=True):
        st.subheader(f":{ink}[{words.SEVERITY_NAMES.get(group.severity, group.severity)}] {group.code}", anchor=False)
        st.text(group.title)
        if listed is None:
            st.caption("It does not meet the filters above; all its occurrences are shown on its page.")
        if entry is not None:
            meaning, remedy = st.columns(2)
            meaning.markdown(f"**What it means.** {entry.meaning}")
            remedy.markdown(f"**What to do.** {entry.remedy}")
        st.page_link(
            f"views/{links.FINGERPRINT}.py",
            label="Open it: timeline, firmware, evidence, acknowledge",
            icon=":material/arrow_forward:",
            query_params={"fp": wanted},
        )


if __name__ == "__main__":
    show()
