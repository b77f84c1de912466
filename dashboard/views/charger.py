"""One charging station: when it was seen, what each side says of its connectors, what its device model is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st
from streamlit.column_config import LinkColumn, NumberColumn, TextColumn

from dashboard import acting, data, enrolling, links, modelled, parts, states, timeline, words
from diff.blindness import Cut, Link, Sight, Stretch, blind_for, stretches
from diff.store import queries
from diff.store.queries import ChargerLine, SessionLine
from diff.store.queries.charger import SaidStatus, cuts_of, links_of, said_statuses
from ingest.frame import Micros
from shadow.device_model.fact import Fact, Source
from shadow.device_model.inventory import build
from shadow.device_model.model import DeviceModel

__all__ = ["asked", "show"]

_LISTED: Final = 200
_SESSIONS: Final = 200
_SPANS: Final = {"hour": 3_600, "day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400}
_SECOND: Final = 1_000_000
_TABS: Final = ("timeline", "statuses", "device model", "keys of 1.6", "enrolment")


def asked(given: Mapping[str, str]) -> list[data.Question]:
    """What the page will ask, by the parameters of its address."""
    wanted, named = given.get("id", ""), given.get("charger", "").strip()
    if not wanted:
        return [data.question(queries.chargers, charger=named, limit=_LISTED), data.question(queries.pulse)]
    return [
        data.question(queries.chargers, charger=wanted.replace("*", ""), limit=1),
        data.question(queries.pulse),
        data.question(queries.latest_sessions, charger=wanted, limit=_SESSIONS),
    ]


def show() -> None:
    """Draw the station that the address names, or the list to choose one from."""
    wanted = st.query_params.get("id")
    with data.or_a_sentence():
        data.ahead(*asked(st.query_params))
        if not wanted:
            _picker()
            return
        found = data.load(queries.chargers, charger=wanted.replace("*", ""), limit=1)
        if not found:
            st.title("Charging station", anchor=False)
            st.warning(
                f"The store knows no charging station {words.escaped(wanted[:80])}. Ids are compared letter by letter.",
                icon=":material/search_off:",
            )
            st.page_link("views/charger.py", label="All charging stations", icon=":material/arrow_back:")
            return
        _station(found[0])


def _picker() -> None:
    st.title("Charging stations", anchor=False)
    strip = st.container()
    wanted = st.text_input("Charger", key="charger", bind="query-params", placeholder="id, * for any text")
    named = (wanted or "").strip()
    data.ahead(data.question(queries.pulse), data.question(queries.chargers, charger=named, limit=_LISTED))
    with strip:
        parts.strip(data.load(queries.pulse))
    found = data.load(queries.chargers, charger=named, limit=_LISTED)
    if not found:
        if wanted:
            states.filtered(
                f"**No charging station is named {words.escaped(wanted[:80])}.** Try `*` before or after it."
            )
        else:
            states.first_run()
        return
    st.caption(
        f"{words.count(len(found))} of {words.plural(found[0].total, 'charging station')}, the worst first; times in"
        f" {parts.zone_name()}"
    )
    rows = [_listed(line) for line in found]
    parts.table(rows, _PICKER_COLUMNS, height=560)
    parts.export("chargers", rows)


def _listed(line: ChargerLine) -> dict[str, object]:
    return {
        "charger": links.address(links.CHARGER, id=line.charger_id, tz=parts.zone_parameter()),
        "model": _kind(line),
        "state": words.STATES.get(line.state, line.state),
        "newest frame": words.when(line.last_frame_at, parts.zone()),
        "compared": line.compared,
        "sessions": line.sessions,
        "critical": line.critical,
        "major": line.major,
        "gaps": line.gaps,
    }


_FROM_ID: Final = r"id=([^&]*)"
_PICKER_COLUMNS: parts.Columns = {
    "charger": LinkColumn("charger", display_text=_FROM_ID, width=160, help="Opens the charging station"),
    "compared": NumberColumn("compared", width=90, help="Of its sessions, those that both sides ended"),
    "critical": NumberColumn("▲ critical", width=90),
    "major": NumberColumn("◆ major", width=90),
}


def _kind(line: ChargerLine) -> str:
    return " ".join(part for part in (line.vendor, line.model, line.firmware) if part)


def _station(line: ChargerLine) -> None:
    st.title(f"Charger {words.escaped(line.charger_id)}", anchor=False)
    parts.strip(data.load(queries.pulse))
    span = st.segmented_control(
        "Stretch", list(_SPANS), default="week", required=True, key="span", bind="query-params", width="content"
    )
    # Up to the newest word about it: a station that has been silent for a month is looked at where it was not.
    until = max(line.last_frame_at or 0, data.minute() if line.state in ("mirrored", "pending") else 0)
    until = (until or data.minute()) // 60_000_000 * 60_000_000 + 60_000_000
    since = until - _SPANS[span or "week"] * _SECOND
    told = data.load(links_of, line.charger_id, since, until)
    cuts = data.load(cuts_of, line.charger_id, since, until)
    seen = stretches(told, cuts, since, until)
    _facts(line, told, seen)
    tab = st.segmented_control(
        "Part", _TABS, default=_TABS[0], required=True, key="part", bind="query-params", width="content"
    )
    if tab == "statuses":
        _statuses(line)
    elif tab == "device model":
        modelled.variables(_model(line.charger_id))
    elif tab == "keys of 1.6":
        modelled.keys(_model(line.charger_id))
    elif tab == "enrolment":
        enrolling.draw(line)
        acting.trail(line.charger_id)
    else:
        _timeline(line, told, cuts, seen, since, until)


def _facts(line: ChargerLine, told: Sequence[Link], seen: Sequence[Stretch]) -> None:
    places = st.columns(4)
    with places[0].container(border=True, height="stretch"):
        st.caption("Connection")
        st.markdown(f"**{words.STATES.get(line.state, line.state) or 'no account of a tap'}**")
        st.caption(f"newest frame {words.ago(line.last_frame_at, data.now())}" if line.last_frame_at else "no frame")
    with places[1].container(border=True, height="stretch"):
        st.caption("Blind while it was connected")
        blind, there = blind_for(seen)
        if there:
            sign = ":green[✔]" if not blind else ":red[✖]"
            minutes = (blind // 60_000_000, there // 60_000_000)
            st.markdown(f"{sign} **{words.share(blind, there)}** ({words.count(minutes[0])} of {minutes[1]:,} min)")
            st.caption(f"{words.plural(len(told), 'connection')}, {words.plural(line.gaps, 'gap')} ever")
        else:
            st.markdown("**unknown**")
            st.caption("no tap gave an account of it in this stretch")
    with places[2].container(border=True, height="stretch"):
        st.caption("Open discrepancies")
        worst = f"▲ {line.critical} critical · ◆ {line.major} major · ● {line.minor} · ○ {line.info}"
        st.markdown(f"**{worst}**")
        st.caption(f"{words.of(line.compared, line.sessions, 'session')} compared")
        st.page_link(
            "views/discrepancies.py",
            label="Show them",
            icon=":material/difference:",
            query_params={"charger": line.charger_id},
        )
    with places[3].container(border=True, height="stretch"):
        st.caption("Make")
        st.markdown(f"**{words.escaped(_kind(line)) or 'not seen'}**")
        st.caption("of its latest BootNotification" if _kind(line) else "no BootNotification was mirrored")


def _timeline(
    line: ChargerLine, told: Sequence[Link], cuts: Sequence[Cut], seen: Sequence[Stretch], since: Micros, until: Micros
) -> None:
    sessions = data.load(queries.latest_sessions, charger=line.charger_id, limit=_SESSIONS)
    within = [one for one in sessions if one.last_received_at >= since and one.first_received_at <= until]
    if not told:
        states.blind(
            "No tap gave an account of this station's connections in this stretch, as after a replay of recordings:"
            " whether it was away or nobody looked cannot be told."
        )
    if told or within:
        drawn = timeline.chart(seen, within, since, until, parts.zone())
        st.columns([9, 1])[0].vega_lite_chart(spec=drawn, width="stretch", key="timeline")
        parts.let_it_draw()
    st.subheader("Blindness", anchor=False)
    blind = [one for one in seen if one.sight is Sight.BLIND]
    if told and not blind:
        states.clean(
            f"Never blind: {words.plural(len(told), 'connection')} in this stretch, all mirrored, no gap among"
            f" {words.plural(sum(one.frames for one in told), 'frame')}."
        )
    elif blind:
        missing = {cut.connection_id: cut for cut in cuts}
        rows = [_blind(one, missing.get(one.connection_id)) for one in reversed(blind)]
        parts.table(rows, {"connection": TextColumn("connection", width=300)}, height=250)
        parts.export("blindness", rows)
    st.subheader("Sessions", anchor=False)
    if not within:
        states.filtered(f"No session in this stretch; {words.plural(line.sessions, 'session')} in all.")
        return
    rows = [_session(one) for one in within]
    parts.table(rows, _SESSION_COLUMNS, height=300)
    parts.export("sessions", rows)


def _blind(one: Stretch, cut: Cut | None) -> dict[str, object]:
    return {
        "from": words.when(one.begin, parts.zone()),
        "to": words.when(one.end, parts.zone()),
        "minutes": f"{(one.end - one.begin) // 6_000_000 / 10:,.1f}",
        "why": words.STATES.get(one.why, one.why),
        "bytes missing, at least": words.bytes_(cut.bytes_missing) if cut else words.NEVER,
        "connection": one.connection_id,
    }


def _session(line: SessionLine) -> dict[str, object]:
    return {
        "session": links.address(links.SESSION, id=line.session_id, tz=parts.zone_parameter()),
        "connector": line.connector_id,
        "started": words.when(line.started_at, parts.zone()),
        "stopped": words.when(line.stopped_at, parts.zone()),
        "primary": words.energy(line.primary_energy_wh),
        "shadow": words.energy(line.shadow_energy_wh),
        "worst": parts.severity_chip(line.worst) if line.worst else [],
        "open": line.open,
    }


_SESSION_COLUMNS: parts.Columns = {
    "session": LinkColumn("session", display_text=links.FROM_ID, width=85, help="Opens the session"),
    "connector": NumberColumn("connector", width=80),
    "primary": TextColumn("primary", width=95, alignment="right"),
    "shadow": TextColumn("shadow", width=95, alignment="right"),
    "worst": parts.severity_column("worst"),
    "open": NumberColumn("open", width=60, help="Open discrepancies"),
}


def _statuses(line: ChargerLine) -> None:
    said16 = {fact.connector_id: fact for fact in _stored(line.charger_id) if fact.source is Source.STATUS}
    said201 = data.load(said_statuses, line.charger_id)
    if not said16 and not said201:
        states.blind("Neither side has said a status: no StatusNotification was mirrored.")
        return
    st.caption("1.6 has one status a connector; 2.0.1 has the connector's and, in a transaction, its charging state.")
    rows = [
        _status(connector, fact, said201) for connector, fact in sorted(said16.items(), key=lambda one: one[0] or 0)
    ]
    rows += [_status(None, None, [one]) for one in said201 if one.evse_id not in said16]
    parts.table(rows, {}, height=350)
    parts.export("statuses", rows)


def _status(connector: int | None, fact: Fact | None, said: Sequence[SaidStatus]) -> dict[str, object]:
    # The default topology: a connector of 1.6 is an EVSE of its own (docs/topology.md).
    one = next((each for each in said if connector is None or each.evse_id == connector), None)
    charging = "" if one is None else one.charging_state
    if one is not None and one.event == "Ended":
        charging = f"transaction ended ({charging})" if charging else "transaction ended"
    return {
        "connector, 1.6": words.NEVER if connector is None else "station" if connector == 0 else str(connector),
        "status, 1.6": words.NEVER if fact is None else f"{fact.value} {fact.detail.get('error_code', '')}".strip(),
        "since, 1.6": words.when(fact.at if fact else None, parts.zone()),
        "EVSE, 2.0.1": words.NEVER if one is None else f"{one.evse_id}.{one.connector_id or 1}",
        "connector status, 2.0.1": (one.status if one else "") or words.NEVER,
        "charging state, 2.0.1": charging or words.NEVER,
        "since, 2.0.1": words.when(max(one.status_at or 0, one.charging_at or 0) if one else None, parts.zone()),
    }


def _stored(charger_id: str) -> list[Fact]:
    return data.load(queries.device_facts, charger_id)


def _model(charger_id: str) -> DeviceModel:
    return build(charger_id, _stored(charger_id))


if __name__ == "__main__":
    show()
