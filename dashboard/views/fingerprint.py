"""One fingerprint: what it means, when and on which firmware it happens, what proves it, and who answers for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st
from streamlit.column_config import LinkColumn, NumberColumn, TextColumn

from dashboard import acknowledging, acting, data, evidence, links, parts, states, words
from dashboard.vega import field, layers, mark, tips
from diff.catalogue import CATALOGUE
from diff.store import queries
from diff.store.queries import Denominators, Filter, Occurrence
from diff.store.queries.causes import Cause, DayCount, acknowledged_of, causes, daily
from diff.store.queries.fingerprints import FingerprintLine, at_the_same_place

__all__ = ["asked", "show"]

_LATEST = 20
_BESIDE = 330
"""Pixels kept for the timeline and the firmwares, so that nothing moves when they come."""
_DAY = 86_400_000_000


def asked(given: Mapping[str, str]) -> list[data.Question]:
    """What the page will ask first, by the parameters of its address."""
    wanted = given.get("fp", "")
    if not wanted:
        return []
    chosen, until = Filter(fingerprint=wanted), data.minute_end()
    return [
        data.question(queries.occurrences, chosen, limit=_LATEST),
        data.question(causes, chosen, until, limit=1),
        data.question(queries.denominators),
        data.question(queries.pulse),
    ]


def show() -> None:
    """Draw the page."""
    wanted = st.query_params.get("fp", "")
    with data.or_a_sentence():
        chosen, until = Filter(fingerprint=wanted), data.minute_end()
        if wanted:
            data.ahead(*asked(st.query_params))
        found = data.load(causes, chosen, until, limit=1) if wanted else []
        if not found:
            _none(wanted)
            return
        _fingerprint(wanted, found[0], data.load(queries.denominators))


def _none(wanted: str) -> None:
    st.title("Fingerprint", anchor=False)
    if wanted:
        name = words.escaped(wanted[:40])
        st.warning(f"The store holds nothing of the fingerprint {name}. It may be older than what is kept.")
    else:
        st.info("**Which one?** The list of discrepancies leads to each fingerprint.", icon=":material/fingerprint:")
    st.page_link("views/discrepancies.py", label="All discrepancies", icon=":material/arrow_back:")


def _fingerprint(wanted: str, one: Cause, seen: Denominators) -> None:
    group = one.group
    ink = words.SEVERITY_INKS.get(group.severity, "gray")
    name = words.SEVERITY_NAMES.get(group.severity, group.severity)
    st.title(f":{ink}[{name}] {words.escaped(group.code)}", anchor=False)
    st.text(group.title)
    parts.strip(data.load(queries.pulse))
    _facts(one, seen)
    entry = CATALOGUE.get(group.code)
    if entry is not None:
        meaning, remedy = st.columns(2)
        meaning.markdown(f"**What it means.** {entry.meaning}")
        remedy.markdown(f"**What to do.** {entry.remedy}")
    told = data.load(acknowledged_of, wanted, data.minute_end())
    acknowledging.standing(told)
    latest = data.load(queries.occurrences, Filter(fingerprint=wanted), limit=_LATEST)
    parts.fold(
        "Acknowledge it",
        partial(acknowledging.form, wanted, latest[0] if latest else None),
        key="acknowledge",
        icon=":material/how_to_reg:",
    )
    left, right = (place.container(height=_BESIDE, border=False) for place in st.columns([4, 3]))
    shown = _occurrences(wanted, latest) if latest else None
    # Asked while the browser draws, and not before: the store would be slower with what it draws.
    elsewhere = [data.question(at_the_same_place, data.minute_end(), it.code, it.path) for it in latest[:1]]
    data.ahead(data.question(daily, wanted, data.minute_end()), *elsewhere)
    parts.let_it_draw()
    with left:
        _timeline(data.load(daily, wanted, data.minute_end()))
    if shown:
        evidence.draw(shown)
    acting.trail(wanted)
    with right:  # what is read longest comes last
        _firmwares(one, latest)


def _facts(one: Cause, seen: Denominators) -> None:
    group, zone = one.group, parts.zone()
    places = st.columns(4)
    with places[0].container(border=True, height="stretch"):
        st.caption("Status")
        st.markdown(f"**{words.escaped(words.STANDINGS.get(one.standing, one.standing))}**")
        st.caption(words.escaped(one.because))
    with places[1].container(border=True, height="stretch"):
        st.caption("Affected")
        st.markdown(f"**{words.of(group.chargers, seen.chargers, 'charger')}**")
        sessions = words.plural(group.sessions, "session")
        st.caption(f"{sessions}; {words.count(group.open)} open, {words.count(group.withdrawn)} withdrawn")
    with places[2].container(border=True, height="stretch"):
        st.caption("Rate per 1 000 comparisons")
        st.markdown(f"**{words.rate(one.per_thousand)}**")
        of = words.plural(one.comparisons, "comparison")
        st.caption(f"{words.count(one.open)} open of {of} on its vendor, model and firmware")
    with places[3].container(border=True, height="stretch"):
        st.caption(f"First and last seen ({parts.zone_name()})")
        st.markdown(f"**{words.when(group.first_seen, zone)}**  \n**{words.when(group.last_seen, zone)}**")
        st.caption(f"Σ |Wh| {words.energy(one.wh)}; Σ |money| {words.money(one.money)}")


def _timeline(found: Sequence[DayCount]) -> None:
    st.markdown("**Timeline**")
    if not found:
        st.caption("Nothing of it is stored.")
        return
    rows: list[dict[str, Any]] = [
        {
            "day": words.when(one.day * _DAY)[:10],
            "first seen on it": one.open,
            "withdrawn": one.withdrawn,
            "compared sessions": one.compared,
        }
        for one in found
    ]
    st.caption(
        f"First seen on each of {len(found)} days (UTC), above the sessions compared on its vendor, model and firmware:"
        " where nothing was compared, nothing could be seen."
    )
    axis = {"labelExpr": "substring(datum.label, 5, 10)", "labelAngle": 0, "values": [row["day"] for row in rows[::7]]}
    tip = tips("day:N", "first seen on it:Q", "withdrawn:Q", "compared sessions:Q")
    faults = {
        "x": field("day:O", title=None, axis=None),
        "y": field("first seen on it:Q", title="new", axis={"tickMinStep": 1, "tickCount": 3}),
        "tooltip": tip,
    }
    looked = {
        "x": field("day:O", title=None, axis=axis),
        "y": field("compared sessions:Q", title="compared", axis={"tickCount": 3}),
        "tooltip": tip,
    }
    both = [
        layers(rows, mark("bar", faults, color="#b35c00"), height=80, width=500),
        layers(rows, mark("bar", looked, color="#6b7684"), height=50, width=500),
    ]
    st.vega_lite_chart(spec={"vconcat": both, "spacing": 4}, width="content", key="timeline")


def _firmwares(one: Cause, latest: Sequence[Occurrence]) -> None:
    st.markdown("**By vendor, model and firmware**")
    if not latest:
        states.blind("No occurrence is stored any more.")
        return
    lines = data.load(at_the_same_place, data.minute_end(), one.group.code, latest[0].path)
    st.caption(
        f"The same code at the same place, {words.plural(len(lines), 'kind')} of charging station with open ones"
    )
    if not lines:
        st.caption("None is open." if one.standing != "expected" else "Expected losses are counted for no rate.")
        return
    parts.table([_firmware(line) for line in lines], _FIRMWARE_COLUMNS, height=200)
    parts.export("by-firmware", [_firmware_exported(line) for line in lines])


def _firmware(line: FingerprintLine) -> dict[str, object]:
    return {
        "kind": links.address(links.FINGERPRINT, fp=line.fingerprint, tz=parts.zone_parameter()),
        "vendor and model": f"{line.vendor} {line.model}".strip() or "unknown",
        "firmware": line.firmware or "unknown",
        "open": line.open,
        "rate": words.rate(line.per_thousand),
        "comparisons": line.comparisons,
        "status": words.STANDINGS.get(line.state, line.state),
    }


def _firmware_exported(line: FingerprintLine) -> dict[str, object]:
    return {
        "vendor": line.vendor,
        "model": line.model,
        "firmware": line.firmware,
        "open": line.open,
        "comparisons": line.comparisons,
        "per 1000 comparisons": "" if line.per_thousand is None else f"{line.per_thousand:.3f}",
        "status": line.state,
        "because": line.because,
        "fingerprint": line.fingerprint,
    }


_FIRMWARE_COLUMNS: parts.Columns = {
    "kind": LinkColumn("open it", display_text=r"fp=([^&]{1,8})", width=85, help="Opens that fingerprint"),
    "vendor and model": TextColumn("vendor and model", width=120),
    "firmware": TextColumn("firmware", width=70),
    "open": NumberColumn("open", width=50),
    "rate": TextColumn("per 1 000", width=70, alignment="right"),
    "comparisons": NumberColumn("comparisons", width=85),
    "status": TextColumn("status", width=100),
}


def _occurrences(wanted: str, found: Sequence[Occurrence]) -> Occurrence:
    """The table; returns the one whose evidence is to be shown."""
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(f"**The latest {words.plural(len(found), 'occurrence')}**")
    with right:
        parts.export("occurrences", [_exported(one) for one in found])
    ids = [one.id for one in found]
    picked = parts.pick("occ", ids, [_occurrence(one) for one in found], _OCCURRENCE_COLUMNS, height=240, scope=wanted)
    if picked:
        st.query_params["occ"] = picked
    return next((one for one in found if one.id == st.query_params.get("occ")), found[0])


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


def _exported(one: Occurrence) -> dict[str, object]:
    row = _occurrence(one) | {"session": one.session_id, "frames": list(one.frames), "discrepancy": one.id}
    return row | {"delta": "" if one.delta is None else f"{one.delta:f}", "unit": one.unit or ""}


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
