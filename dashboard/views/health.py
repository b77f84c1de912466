"""Whether the tap hurts anybody, the shadow is blind, or anything is lost between the wire and the store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st
from streamlit.column_config import LinkColumn, NumberColumn, TextColumn

from dashboard import completeness, data, links, parts, states, watched, words
from dashboard.settings import DATA_DIR, WATCH
from dashboard.watched import Part, Standing
from diff.store import queries
from diff.store.errors import StoreError
from diff.store.queries import FOLLOWED, StateCount
from diff.store.queries.completeness import Chain
from diff.store.queries.gates import newest_noise_run
from diff.store.queries.wellbeing import Silence, dead_letters, gap_lines, silence
from ingest.frame import Micros
from shadow.config import MAPPER_VERSION

__all__ = ["asked", "show"]

_EVERY: Final = "5s"
_SPANS: Final = {"day": 1, "week": 7, "month": 28}
_DAY: Final[Micros] = 86_400_000_000
_STANDINGS: Final = {
    Standing.HEALTHY: ":green[✔ healthy]",
    Standing.DEGRADED: ":orange[▲ degraded: primary unaffected, shadow blind or behind]",
    Standing.UNHEALTHY: ":red[✖ unhealthy]",
    Standing.SILENT: ":red[✖ does not answer]",
    Standing.ENDED: ":orange[○ ended]",
}
_EXPECTED: Final = ("tap", "worker", "sink")


def asked(given: Mapping[str, str]) -> list[data.Question]:
    """What the page will ask, by the parameters of its address."""
    span = given.get("span", "day")
    since = data.minute() - _SPANS.get(span, 1) * _DAY
    return [
        data.question(queries.pulse),
        completeness.asked(since),
        data.question(queries.connection_states),
        data.question(silence, data.minute()),
        data.question(newest_noise_run, data.minute_end()),
        data.question(gap_lines, since),
        data.question(dead_letters, since),
    ]


def show() -> None:
    """Draw the parts, then what they kept."""
    st.title("Health", anchor=False)
    with data.or_a_sentence():
        data.ahead(*asked(st.query_params))
        parts.strip(data.load(queries.pulse))
        _parts()
        span = st.segmented_control(
            "Connections opened within the last",
            list(_SPANS),
            default="day",
            required=True,
            key="span",
            bind="query-params",
            width="content",
        )
        since = data.minute() - _SPANS[span or "day"] * _DAY
        chain, lacking = completeness.told(since)
        completeness.steps(chain, span or "day")
        completeness.unreconciled_connections(lacking)
        left, right = st.columns(2)
        with left:
            _states(data.load(queries.connection_states))
        with right:
            _silence(data.load(silence, data.minute()))
            _noise()
        _gaps(since, chain)
        _letters(since)


@st.fragment(run_every=_EVERY)
def _parts() -> None:
    """The processes. Draws itself anew; what has to be read in peace stands below it."""
    found = _looked()
    begin = time.perf_counter()
    try:
        pulse = data.fresh(queries.pulse)
        took = f"answers in {(time.perf_counter() - begin) * 1000:,.0f} ms, or from a moment's memory"
        newest = words.ago(pulse.last_judged_at, data.now())
        store = f":green[✔ healthy] {took}; newest judgement {newest}"
    except StoreError as error:
        store = f":red[✖ does not answer] {words.escaped(str(error))}"
    with st.container(border=True):
        for part in found:
            figures = " · ".join(f"{name} {value}" for name, value in part.figures)
            st.markdown(
                f"**{words.escaped(part.name)}** {_STANDINGS[part.standing]} {words.escaped(figures)}"
                f" :gray[{words.escaped(part.seen)}, {words.ago(part.at, data.now())}]"
            )
            for reason in part.reasons:
                st.caption(f"▲ {words.escaped(reason)}")
        st.markdown(f"**store** {store}")
        unseen = [name for name in _EXPECTED if name not in {part.name for part in found}]
        local = any(part.seen.endswith(".json") for part in found)
        if local:  # the embedded worker writes to the store itself
            unseen = [name for name in unseen if name != "sink"]
        if unseen:
            _unseen(unseen)


def _looked() -> list[Part]:
    return _ask(data.now() // 3_000_000)


@st.cache_data(ttl=3, max_entries=4, show_spinner=False)
def _ask(_now: int) -> list[Part]:
    return watched.look(data.now())


def _unseen(names: Sequence[str]) -> None:
    st.markdown(f"**{', '.join(names)}** :gray[○ not seen from here] That says nothing about how they are doing.")
    with st.expander("How to let this page see them", icon=":material/visibility:"):
        st.markdown(
            f"Tap, worker and sink answer `/readyz` and `/metrics` where they have a `monitor_port`. Name their"
            f" addresses in the setting `dashboard_watch` (`{WATCH}`), separated by commas, then start the pages again:"
        )
        parts.verbatim(f"{WATCH}=http://tap-1:9464,http://worker-1:9464,http://sink-1:9464", key="watch")
        st.markdown(
            "The embedded runtime (`shadow-csms run`) has no monitors: the page reads its files in `data_dir`"
            f" (`{DATA_DIR}`) when it runs on the same machine."
        )


def _states(found: Sequence[StateCount]) -> None:
    st.subheader("Connections", anchor=False)
    if not found:
        states.blind("No tap has reported: every zero here would mean that nobody looked.")
        return
    total = sum(one.connections for one in found)
    rows = [_state(one, total) for one in found]
    parts.table(rows, {"state": TextColumn("state", width=230), "gaps": NumberColumn("gaps", width=60)}, height=300)
    parts.export("connections", rows)


def _state(one: StateCount, total: int) -> dict[str, object]:
    return {
        "state": words.STATES.get(one.state, one.state),
        "connections": words.of(one.connections, total, "connection"),
        "stations": one.chargers,
        "parsed": words.share(one.bytes_parsed, one.bytes_forwarded) if one.state in FOLLOWED else "not wanted",
        "gaps": one.gaps,
        "newest frame": words.when(one.last_frame_at, parts.zone()),
    }


def _silence(one: Silence) -> None:
    st.subheader("Last heard of", anchor=False)
    if not one.chargers:
        states.blind("No frame of any charging station is kept.")
        return
    spans = (
        (":green[✔]", "within 15 minutes", one.quarter_hour),
        (":green[◌]", "within the hour", one.hour),
        (":orange[▲]", "within the day", one.day),
        (":red[✖]", "longer ago: the sight gate asks for every day", one.longer),
    )
    for sign, name, number in spans:
        st.markdown(f"{sign} **{words.of(number, one.chargers, 'station')}** {name}")


def _noise() -> None:
    st.subheader("Noise level", anchor=False)
    run = data.load(newest_noise_run, data.minute_end())
    if run is None:
        states.blind("Never measured: `shadow-csms noise --store` lives the same frames again and compares.")
        return
    when = words.ago(run.at, data.now())
    counted = f"{words.plural(run.frames, 'frame')} and {words.plural(run.sessions, 'session')} lived again {when}"
    if run.mapper_version != MAPPER_VERSION:
        states.blind(f"Measured with mapper {run.mapper_version}; this is {MAPPER_VERSION}. Run it again ({counted}).")
    elif run.differences:
        st.error(
            f"**{words.plural(run.differences, 'difference')}** in {counted}: {words.escaped(run.first[:300])}",
            icon=":material/error:",
        )
    else:
        states.clean(f"0 differences in {counted}.")


def _gaps(since: Micros, told: Chain) -> None:
    st.subheader("Drops and gaps", anchor=False)
    found = data.load(gap_lines, since)
    if not found:
        if told.connections:
            states.clean(f"No copy was cut among {words.plural(told.connections, 'connection')} of this time.")
        else:
            states.blind("No account of a connection in this time, so no gap could be told either.")
        return
    st.caption(
        f"{words.count(len(found))} of {words.plural(found[0].total, 'station')} with a gap, the most lost first"
    )
    rows: list[dict[str, object]] = [
        {
            "charger": links.address(links.CHARGER, id=one.charger_id, tz=parts.zone_parameter()),
            "gaps": one.gaps,
            "connections with a gap": one.connections,
            "not parsed": words.bytes_(one.bytes_lost),
            "account of": words.when(one.last_at, parts.zone()),
        }
        for one in found
    ]
    columns: parts.Columns = {"charger": LinkColumn("charger", display_text=r"id=([^&]*)", width=170)}
    parts.table(rows, columns, height=250)
    parts.export("gaps", rows)


def _letters(since: Micros) -> None:
    st.subheader("Dead letters", anchor=False)
    found = data.load(dead_letters, since)
    if not found:
        if data.load(queries.denominators).mirrored:
            states.clean("None in this time, and frames are kept: each that could not be taken would be named here.")
        else:
            states.blind("None, and no frame is kept either.")
        return
    rows: list[dict[str, object]] = [
        {
            "source": one.source,
            "reason": one.reason,
            "letters": words.of(one.letters, one.total, "letter"),
            "stations": one.chargers,
            "latest": words.when(one.last_at, parts.zone()),
        }
        for one in found
    ]
    parts.table(rows, {"reason": TextColumn("reason", width=480)}, height=250)
    parts.export("dead-letters", rows)


if __name__ == "__main__":
    show()
