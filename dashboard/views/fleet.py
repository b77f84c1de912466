"""Fleet overview: what is seen, what was compared, what differs, what it may cost."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import streamlit as st
from streamlit.column_config import LinkColumn, NumberColumn, TextColumn

from dashboard import data, links, parts, words
from dashboard.settings import Settings, read_settings
from diff.store import queries
from diff.store.errors import StoreError
from diff.store.queries import FOLLOWED, SEVERITIES, ChargerLine, Money, Overview, SeverityCount, StateCount

__all__ = ["show"]

_LISTED = 500
_EVERY = "10s"
_LAST = "figures"


def show() -> None:
    """Draw the page."""
    st.title("Fleet overview", anchor=False)
    with data.or_a_sentence():
        figures = _read()
        parts.strip(data.load(queries.pulse))
        _figures(figures)
        if figures.seen.chargers:
            _chargers(data.load(queries.chargers, limit=_LISTED))
            _connections(figures.states)


class _Figures(msgspec.Struct, frozen=True):
    """What the strips of the page are drawn of."""

    seen: Overview
    states: list[StateCount]
    found: list[SeverityCount]
    money: Money


def _read() -> _Figures:
    price = read_settings().price_per_kwh or queries.NO_PRICE
    return _Figures(
        data.fresh(queries.overview),
        data.fresh(queries.connection_states),
        data.fresh(queries.severities),
        data.fresh(queries.money_at_stake, price),
    )


@st.fragment(run_every=_EVERY)
def _figures(drawn: _Figures) -> None:
    """The figures, drawn anew every few seconds. Where the store is away the last ones stay; the strip says so."""
    try:
        figures = _read()
    except StoreError:
        figures = st.session_state.get(_LAST, drawn)
    st.session_state[_LAST] = figures
    if not figures.seen.chargers:
        _nothing_yet()
        return
    if not drawn.seen.chargers:
        data.forget()
        st.rerun()  # the first frame has come: the tables belong below now
    _headline(figures, read_settings())
    _severities(figures.seen, figures.found)


def _nothing_yet() -> None:
    st.info("**Nothing has been mirrored yet.** A zero on this page would mean nothing, so none is shown.")
    st.markdown(
        "- Put the tap before the primary: `shadow-csms run --upstream ws://primary.example/ocpp`\n"
        "- or have a recording judged: `shadow-csms replay RECORDING --store`\n"
        "- or look at a simulated fleet: `shadow-csms demo`"
    )


def _headline(figures: _Figures, settings: Settings) -> None:
    seen, states = figures.seen, figures.states
    followed = [state for state in states if state.state in FOLLOWED]
    places = st.columns(4)
    with places[0].container(border=True, height="stretch"):
        open_now = {state.state: state.connections for state in states}
        st.metric("Chargers seen", words.count(seen.chargers))
        st.caption(_connections_in_words(open_now) if states else "no tap has reported: these are recordings")
    with places[1].container(border=True, height="stretch"):
        _sight(seen, followed)
    with places[2].container(border=True, height="stretch"):
        st.metric("Sessions compared", f"{words.count(seen.compared)} of {words.count(seen.judged)}")
        st.caption(
            f"{words.share(seen.compared, seen.judged)} of the judged ones; {words.count(seen.complete)} complete; "
            f"{words.plural(seen.sessions - seen.judged, 'other')} not enrolled for judgement"
        )
    with places[3].container(border=True, height="stretch"):
        _money(seen, figures.money, settings)


def _connections_in_words(counts: dict[str, int]) -> str:
    names = ("mirrored", "pending", "not-enrolled", "unparsable")
    return "connections: " + ", ".join(f"{words.count(counts.get(name, 0))} {name}" for name in names)


def _sight(seen: Overview, followed: Sequence[StateCount]) -> None:
    """Blindness, in bytes. Where no tap has reported, completeness is unknown, which is not 100 %."""
    forwarded = sum(state.bytes_forwarded for state in followed)
    parsed = sum(state.bytes_parsed for state in followed)
    gaps = sum(state.gaps for state in followed) if followed else seen.gap_frames
    if not forwarded:
        st.metric("Seen of what was forwarded", words.NEVER)
        st.caption(
            f"unknown: the tap gives no account. {words.plural(seen.frames, 'frame')} stored, "
            f"{words.plural(gaps, 'gap')} among them"
        )
        return
    mirrored = sum(state.bytes_mirrored for state in followed)
    st.metric("Seen of what was forwarded", words.share(parsed, forwarded))
    st.caption(
        f"{words.bytes_(parsed)} parsed and {words.bytes_(mirrored)} mirrored of {words.bytes_(forwarded)} forwarded; "
        f"{words.plural(gaps, 'gap')}"
    )


def _money(seen: Overview, money: Money, settings: Settings) -> None:
    if not seen.compared:
        st.metric("Money at stake", words.NEVER)
        st.caption("unknown: no session was compared yet")
        return
    price = settings.price_per_kwh
    gross = money.more_wh + money.less_wh
    value = words.energy(gross) if price is None else words.amount(money.amount, settings.currency)
    st.metric("Money at stake" if price is not None else "Energy at stake", value)
    of = f"{words.count(money.sessions)} of {words.plural(money.compared, 'compared session')}"
    if price is None:
        st.caption(f"{of} differ. {settings.complaint}")
        return
    if not money.sessions:
        st.caption(f"none of {words.plural(money.compared, 'compared session')} differs beyond the tolerance")
        return
    unknown = f", {words.count(money.unknown)} without an amount" if money.unknown else ""
    largest = f"; the largest is {words.energy(money.largest_wh)}" if money.sessions > 1 else ""
    st.caption(
        f"{of} differ{unknown}: {words.energy(money.more_wh)} more, {words.energy(money.less_wh)} less under 2.0.1"
        f"{largest}. Σ|ΔWh| ÷ 1000 · {price:f} {settings.currency}/kWh"
    )


def _severities(seen: Overview, found: Sequence[SeverityCount]) -> None:
    by_name = {count.severity: count for count in found}
    st.subheader("Open discrepancies", anchor=False)
    if not seen.compared:
        st.warning("No session was compared yet: an empty list below is blindness, not cleanness.")
    for place, severity in zip(st.columns(len(SEVERITIES)), SEVERITIES, strict=True):
        with place.container(border=True, height="stretch"):
            _severity(severity, by_name.get(severity), seen)


def _severity(severity: str, count: SeverityCount | None, seen: Overview) -> None:
    name = words.SEVERITY_NAMES[severity]
    colour = words.SEVERITY_INKS[severity]
    if count is None or not count.open:
        nothing = "0" if seen.compared else words.NEVER
        st.metric(f":gray[{name}]", nothing)
        st.caption(f"none in {words.plural(seen.compared, 'compared session')}" if seen.compared else "not known yet")
        return
    st.metric(f":{colour}[**{name}**]", words.count(count.open))
    withdrawn = f"; {words.count(count.withdrawn)} withdrawn" if count.withdrawn else ""
    st.caption(
        f"{words.plural(count.fingerprints, 'fingerprint')}, {words.count(count.chargers)} of "
        f"{words.plural(seen.chargers, 'charger')}{withdrawn}"
    )
    st.page_link(
        "views/discrepancies.py",
        label=f"Show {severity}",
        icon=":material/arrow_forward:",
        query_params={"severity": severity},  # the box of the time zone adds its own
    )


def _chargers(lines: Sequence[ChargerLine]) -> None:
    st.subheader("Chargers", anchor=False)
    total = lines[0].total if lines else 0
    if total > len(lines):
        st.caption(f"The worst {words.count(len(lines))} of {words.count(total)}.")
    parts.table([_charger(line) for line in lines], _CHARGER_COLUMNS)


def _charger(line: ChargerLine) -> dict[str, object]:
    return {
        "charger": links.address(links.DISCREPANCIES, charger=line.charger_id, tz=parts.zone_parameter()),
        "state": words.STATES.get(line.state, line.state) if line.state else "no account",
        "last frame": words.age(line.last_frame_at, data.now()),
        "seen": words.share(line.bytes_parsed, line.bytes_forwarded),
        "gaps": line.gaps,
        "sessions": line.sessions,
        "compared": line.compared,
        **{
            severity: getattr(line, severity) if line.compared or getattr(line, severity) else None
            for severity in SEVERITIES
        },
        "vendor": line.vendor,
        "model": line.model,
        "firmware": line.firmware,
    }


_CHARGER_COLUMNS: parts.Columns = {
    "charger": LinkColumn("charger", display_text=links.FROM_CHARGER, width=130, help="Opens its discrepancies"),
    "state": TextColumn("connection", width=110, help="State of its newest connection, as the tap reports it"),
    "last frame": TextColumn("last frame", width=90, help="Age of the newest frame, by the tap's clock"),
    "seen": TextColumn("seen", width=70, help="Bytes parsed of bytes forwarded, over all its connections"),
    "gaps": NumberColumn("gaps", width=50),
    "sessions": NumberColumn("sessions", width=70),
    "compared": NumberColumn("compared", width=75, help="Sessions that ended on both sides and were compared"),
    **{
        severity: NumberColumn(
            words.SEVERITY_NAMES[severity], width=75, help="Open discrepancies; empty where nothing was compared"
        )
        for severity in SEVERITIES
    },
}


def _connections(states: Sequence[StateCount]) -> None:
    st.subheader("What the tap accounts for", anchor=False)
    if not states:
        st.caption("No tap has reported to this store, so how much was forwarded unseen is unknown.")
        return
    rows: list[dict[str, object]] = [
        {
            "connections are": words.STATES.get(state.state, state.state),
            "connections": state.connections,
            "chargers": state.chargers,
            "forwarded": words.bytes_(state.bytes_forwarded),
            "mirrored": _bytes_of(state.bytes_mirrored, state),
            "parsed": _bytes_of(state.bytes_parsed, state),
            "frames": state.frames,
            "gaps": state.gaps,
            "last frame": words.age(state.last_frame_at, data.now()),
        }
        for state in states
    ]
    parts.table(rows, {})
    st.caption("Connections of chargers that are not enrolled are forwarded and not parsed: that is no gap.")


def _bytes_of(part: int, state: StateCount) -> str:
    return f"{words.bytes_(part)} ({words.share(part, state.bytes_forwarded)})"


if __name__ == "__main__":
    show()
