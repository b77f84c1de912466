"""One session: both pictures of it on one time axis, and the frames it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial

import streamlit as st
from streamlit.column_config import LinkColumn, NumberColumn, TextColumn

from dashboard import bills, data, lanes, links, parts, rawframes, states, supposing, words
from diff.store import queries
from diff.store.queries import Filter, FrameLine, MessageLine, Occurrence, SessionLine, Window
from diff.store.queries.readings import power_points

__all__ = ["asked", "show"]

_LISTED = 200
_FRAMES = 2000
_DISCREPANCIES = 200


def asked(given: Mapping[str, str]) -> list[data.Question]:
    """What the page will ask, by the parameters of its address."""
    if wanted := given.get("id"):
        found = data.question(queries.occurrences, Filter(session_id=wanted), limit=_DISCREPANCIES)
        return [data.question(queries.session, wanted), data.question(queries.pulse), found]
    return [_list(given.get("charger", ""), given.get("only", "")), data.question(queries.pulse)]


def _list(charger: str | None, only: str | None) -> data.Question:
    named, kind = (charger or "").strip(), "" if only == "all" else only or ""
    return data.question(queries.latest_sessions, charger=named, only=kind, limit=_LISTED)


def show() -> None:
    """Draw the session that the address names, or the list to choose one from."""
    wanted = st.query_params.get("id")
    with data.or_a_sentence():
        data.ahead(*asked(st.query_params))
        if not wanted:
            _picker()
            return
        line = data.load(queries.session, wanted)
        if line is None:
            st.title("Session", anchor=False)
            st.warning(f"The store holds no session {words.escaped(wanted[:40])}. It may be older than what is kept.")
            st.page_link("views/session.py", label="Latest sessions", icon=":material/arrow_back:")
            return
        _session(line)


def _picker() -> None:
    st.title("Sessions", anchor=False)
    strip = st.container()
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    charger = left.text_input("Charger", key="charger", bind="query-params", placeholder="id, * for any text")
    only = right.segmented_control(
        "Show", ["all", "differing", "compared"], default="all", required=True, key="only", bind="query-params"
    )
    question = _list(charger, only)
    data.ahead(question)
    with strip:
        parts.strip(data.load(queries.pulse))
    found = data.load(question.query, **question.kwargs)
    if not found:
        if charger or only != "all":
            states.filtered("**No session meets these filters.**")
        elif data.load(queries.denominators).mirrored:
            states.blind(
                "**No session has been seen yet.** One appears with the first StartTransaction that is mirrored."
            )
        else:
            states.first_run()
        return
    st.caption(
        f"The latest {words.count(len(found))} of {words.plural(found[0].total, 'session')};"
        f" times in {parts.zone_name()}"
    )
    rows = [_listed(line) for line in found]
    parts.table(rows, _SESSION_COLUMNS, height=560)
    parts.export("sessions", rows)


def _listed(line: SessionLine) -> dict[str, object]:
    return {
        "session": links.address(links.SESSION, id=line.session_id, tz=parts.zone_parameter()),
        "charger": line.charger_id,
        "connector": line.connector_id,
        "started": words.when(line.started_at, parts.zone()),
        "stopped": words.when(line.stopped_at, parts.zone()),
        "primary": words.energy(line.primary_energy_wh),
        "shadow": words.energy(line.shadow_energy_wh),
        "delta": words.energy(_delta(line), signed=True),
        "worst": parts.severity_chip(line.worst) if line.worst else [],
        "open": line.open,
        "state": _state(line),
        "transaction": line.primary_transaction_id,
        "model": " ".join(part for part in (line.vendor, line.model, line.firmware) if part),
    }


_SESSION_COLUMNS: parts.Columns = {
    "session": LinkColumn("session", display_text=links.FROM_ID, width=85, help="Opens the session"),
    "connector": NumberColumn("connector", width=75),
    "worst": parts.severity_column("worst"),
    "open": NumberColumn("open", width=55, help="Open discrepancies"),
    "primary": TextColumn("primary", width=85, alignment="right", help="Energy that the primary bills"),
    "shadow": TextColumn("shadow", width=85, alignment="right", help="Energy of the 2.0.1 session"),
    "delta": TextColumn("delta", width=125, alignment="right", help="Shadow minus primary"),
    "state": TextColumn("state", width=95),
}


def _state(line: SessionLine) -> str:
    if not line.judged:
        return "not enrolled"
    if line.compared:
        return "compared"
    return "open" if line.stopped_at is None else "one side only"


def _delta(line: SessionLine) -> Decimal | None:
    if line.primary_energy_wh is None or line.shadow_energy_wh is None:
        return None
    return line.shadow_energy_wh - line.primary_energy_wh


def _session(line: SessionLine) -> None:
    st.title(f"Session on {words.escaped(line.charger_id)}", anchor=False)
    parts.strip(data.load(queries.pulse))
    messages = data.load(queries.messages_of, line)
    found = data.load(queries.occurrences, Filter(session_id=line.session_id), limit=_DISCREPANCIES)
    window = queries.window_of(line, messages)
    proofs = tuple(sorted({frame for one in found for frame in one.frames}))
    frames = data.load(queries.frames_between, line.charger_id, window.since, window.until, also=proofs, limit=_FRAMES)
    _facts(line)
    _chart(line, frames, messages, set(proofs), window)
    parts.let_it_draw()
    _discrepancies(line, found)
    bills.draw(line)
    _ids(line, messages)
    supposing.draw(line, window)
    _replay(line, window)
    rawframes.draw(line, frames, messages, found)


def _facts(line: SessionLine) -> None:
    places = st.columns([3, 3, 3, 3])
    zone = parts.zone()
    with places[0].container(border=True, height="stretch"):
        st.caption("Energy: primary / shadow / delta")
        st.markdown(
            f"**{words.energy(line.primary_energy_wh)}** / **{words.energy(line.shadow_energy_wh)}** /"
            f" **{words.energy(_delta(line), signed=True)}**"
        )
        st.caption(f"{_state(line)}, {'complete' if line.complete else 'not complete'}")
    with places[1].container(border=True, height="stretch"):
        st.caption(f"Start and stop, charger's clock ({parts.zone_name()})")
        st.markdown(f"**{words.when(line.started_at, zone)}**  \n**{words.when(line.stopped_at, zone)}**")
        st.caption(f"reason: {words.escaped(line.stop_reason or words.NEVER)}")
    with places[2].container(border=True, height="stretch"):
        st.caption("Transaction ids: 1.6 and 2.0.1")
        parts.verbatim(
            f"{line.primary_transaction_id or words.NEVER}\n{line.shadow_transaction_id or words.NEVER}", key="ids"
        )
    with places[3].container(border=True, height="stretch"):
        st.caption("Where and who")
        st.text(
            f"connector {_or_never(line.connector_id)} → EVSE {_or_never(line.evse_id)}\n"
            f"token {line.id_token or words.NEVER} (pseudonym{f', key {line.key_version}' if line.key_version else ''})"
        )
        kind = " ".join(part for part in (line.vendor, line.model, line.firmware) if part)
        st.page_link(
            "views/charger.py",
            label=words.escaped(kind) or "make not seen: no BootNotification was mirrored",
            icon=":material/ev_charger:",
            query_params={"id": line.charger_id},
        )


def _or_never(number: int | None) -> str:
    return words.NEVER if number is None else str(number)


def _chart(
    line: SessionLine,
    frames: Sequence[FrameLine],
    messages: Sequence[MessageLine],
    proofs: set[str],
    window: Window,
) -> None:
    if not frames and not messages:
        st.info("The frames of this session are no longer kept, or were never mirrored.")
        return
    messages = lanes.as_caused(messages, frames)
    points = queries.energy_points(messages, window)
    watts = power_points(messages, window)
    drawn = lanes.chart(line, frames, messages, points, proofs, parts.zone(), ink=parts.ink(), power=watts)
    # A stretched chart of several parts is as wide as its place without the labels left of it: those need the rest.
    st.columns([7, 1])[0].vega_lite_chart(spec=drawn, width="stretch", key="lanes")
    st.caption(
        f"Times of the tap's clock in {parts.zone_name()}. ▶ sent by the charger, ◀ by the CSMS. Ringed: frames that"
        " prove a discrepancy. Pale: traffic of the charger around the session. A 2.0.1 message stands where the frame"
        " came that it was made of. Readings stand where the charger's own clock puts them within their message."
    )


def _discrepancies(line: SessionLine, found: Sequence[Occurrence]) -> None:
    st.subheader("Discrepancies", anchor=False)
    if not found:
        if line.compared and line.judged:
            st.success("None: both sides ended and agree.", icon=":material/check_circle:")
        else:
            st.warning("None so far, and that says little: the session was not compared.")
        return
    rows = [_discrepancy(one) for one in found]
    parts.table(rows, _DISCREPANCY_COLUMNS, height=260)
    parts.export("discrepancies-of-session", rows)


def _ids(line: SessionLine, messages: Sequence[MessageLine]) -> None:
    """Which name each side has for the same thing."""
    sequence = [message for message in messages if message.own and message.event_type]
    rows: list[dict[str, object]] = [
        {
            "what": "transaction",
            "1.6": f"transactionId {line.primary_transaction_id or words.NEVER}",
            "2.0.1": f"transactionInfo.transactionId {line.shadow_transaction_id or words.NEVER}",
        },
        {
            "what": "place",
            "1.6": f"connectorId {_or_never(line.connector_id)}",
            "2.0.1": f"evse.id {_or_never(line.evse_id)}",
        },
        {"what": "token", "1.6": f"idTag {line.id_token or words.NEVER}", "2.0.1": "idToken, the same pseudonym"},
        {
            "what": "messages",
            "1.6": words.plural(len({frame for one in sequence for frame in one.caused_by}), "frame"),
            "2.0.1": words.plural(len(sequence), "TransactionEvent"),
        },
    ]
    parts.fold("Id map: 1.6 and 2.0.1", partial(_id_map, rows), key="id-map", icon=":material/swap_horiz:")


def _id_map(rows: Sequence[dict[str, object]]) -> None:
    parts.table(rows, {"1.6": TextColumn("1.6", width=380), "2.0.1": TextColumn("2.0.1", width=460)})
    parts.export("id-map", rows)


def _replay(line: SessionLine, window: Window) -> None:
    st.subheader("Replay this", anchor=False)
    left, right = st.columns([4, 1], vertical_alignment="center")
    name = f"session-{line.session_id}.jsonl"
    with left:
        parts.verbatim(f"shadow-csms replay {name}", key="replay")
    right.download_button(
        "Recording",
        lambda: data.load(queries.recording, line.charger_id, window.since, window.until),
        file_name=name,
        mime="application/jsonl",
        icon=":material/download:",
        help="The frames of this session as the file that the command judges again",
        on_click="ignore",
        width="stretch",
    )


def _discrepancy(one: Occurrence) -> dict[str, object]:
    return {
        "severity": parts.severity_chip(one.severity),
        "code": links.address(
            links.DISCREPANCIES, code=one.code, status="all", fp=one.fingerprint, occ=one.id, tz=parts.zone_parameter()
        ),
        "primary": one.primary,
        "shadow": one.shadow,
        "delta": words.energy(one.delta, one.unit, signed=True),
        "status": one.status,
        "path": one.path,
        "frames": ", ".join(one.frames),
        "detail": one.detail,
    }


_DISCREPANCY_COLUMNS: parts.Columns = {
    "severity": parts.severity_column(),
    "code": LinkColumn("code", display_text=links.FROM_CODE, width=200, help="Opens the fingerprint"),
    "delta": TextColumn("delta", width=125, alignment="right"),
    "status": TextColumn("status", width=85),
}


if __name__ == "__main__":
    show()
