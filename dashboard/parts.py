"""Parts that several pages draw."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from functools import cache
from hashlib import blake2b
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import streamlit as st
from streamlit.column_config import MultiselectColumn
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard import access, data, words
from dashboard.exports import to_csv
from diff.store import queries
from diff.store.errors import StoreError
from diff.store.queries import SEVERITIES, Pulse

__all__ = [
    "Columns",
    "choose_zone",
    "copied",
    "export",
    "fold",
    "let_it_draw",
    "pick",
    "severity_chip",
    "severity_column",
    "strip",
    "table",
    "verbatim",
    "zone",
    "zone_name",
    "zone_parameter",
]

Columns = dict[str, ColumnConfig | str | None]
"""How the columns of a table are drawn, by name."""

_EVERY = "5s"
_DRAWN = "drawn"
_STRIP = "strip"
MOMENT = 0.5
"""Seconds that a browser gets for the upper part of its first page."""


def tighten() -> None:
    """Less empty space, so that a laptop shows a page's verdict without scrolling."""
    st.html(
        "<style>.stMainBlockContainer{padding:2.4rem 2.5rem 3rem}"
        # As Streamlit has them, captions are too pale to be read by everybody (WCAG 2.1, 1.4.3).
        "[data-testid=stCaptionContainer]{opacity:.92}"
        "[data-testid=stMetricValue]{font-size:1.7rem}[data-testid=stVerticalBlock]{gap:.7rem}"
        "[class*=st-key-verbatim] :is([data-testid=stText],[data-testid=stText] *){white-space:pre-wrap;"
        "font-family:'Source Code Pro',monospace;font-size:.875rem;overflow-wrap:anywhere}</style>"
    )


def choose_zone() -> None:
    """The box in the sidebar that every page obeys."""
    st.sidebar.selectbox("Time zone", _zones(), key="tz", bind="query-params")


@cache
def _zones() -> tuple[str, ...]:
    """Every zone that this machine knows. Finding them opens some six hundred files."""
    return ("UTC", *sorted(name for name in available_timezones() - {"UTC"} if "/" in name))


def zone_name() -> str:
    """The chosen time zone."""
    return str(st.session_state.get("tz") or "UTC")


def zone_parameter() -> str | None:
    """The chosen time zone as a parameter of a link; UTC needs none."""
    name = zone_name()
    return None if name == "UTC" else name


def zone() -> tzinfo:
    """The chosen time zone, for reckoning."""
    return ZoneInfo(zone_name())


def let_it_draw() -> None:
    """Wait a moment below what a page is opened for, where it is the first that a browser opens.

    A browser draws what it was sent as one: with all that stands below the screen's edge the chart or table at the top
    would be there half a second to a whole one later. Whoever goes from page to page does not wait.
    """
    if not st.session_state.get(_DRAWN):
        st.session_state[_DRAWN] = True
        time.sleep(MOMENT)


@st.fragment(run_every=_EVERY)
def strip(drawn: Pulse) -> None:
    """The age of what is shown. Draws itself anew; the page below it does not move under the reader's hands."""
    access.again()
    left, right = st.columns([5, 1], vertical_alignment="center")
    try:
        # A browser's first page was asked for a moment ago.
        pulse = data.fresh(queries.pulse) if st.session_state.get(_STRIP) else drawn
        st.session_state[_STRIP] = True
    except StoreError:
        pulse = drawn
        left.caption(f":orange[▲ The store does not answer.] What stands below was read before. {_looked()}")
    else:
        frame = _freshness("Newest frame", pulse.last_frame_at)
        left.caption(f"{frame} · {_freshness('tap report', pulse.last_account_at)} · {_looked()}")
    news = max(pulse.discrepancies - drawn.discrepancies, 0) + max(pulse.sessions - drawn.sessions, 0)
    label = f"{words.count(news)} new: refresh" if news else "Refresh"
    if right.button(label, key="refresh", icon=":material/refresh:", width="stretch"):
        data.forget()
        st.rerun()


@st.fragment
def fold(label: str, draw: Callable[[], None], *, key: str, icon: str | None = None, expanded: bool = False) -> None:
    """What is drawn when somebody opens it, so that a page whose folds are closed does not pay for them."""
    access.again()
    with st.expander(label, key=key, icon=icon, expanded=expanded, on_change="rerun") as box:
        if box.open:
            draw()


def verbatim(text: str, *, key: str, height: int | None = None) -> None:
    """Text as it stands, to be read and selected; in a box of its own where it may be `height` pixels tall.

    Streamlit's way to show code brings the grammars of all languages into the browser, 1.5 MB, and costs it half a
    second to a whole one: it comes with `copied` only.
    """
    with st.container(key=f"verbatim-{key}", border=True, height=height or "content"):
        st.text(text)


@st.fragment
def copied(text: str, *, key: str, height: int | None = None) -> None:
    """A button that opens the text with Streamlit's own sign to copy it."""
    access.again()
    with st.popover("Copy", key=f"copy-{key}", icon=":material/content_copy:", on_change="rerun") as box:
        if box.open:
            st.code(text, language=None, wrap_lines=True, height=height or "content")


def ink() -> str:
    """The colour of words in the theme that the browser shows, for charts that do not follow it."""
    return "#e6ebf1" if st.context.theme.type == "dark" else "#1a2330"


def severity_chip(severity: str) -> list[str]:
    """What a severity column holds."""
    return [words.SEVERITY_NAMES.get(severity, severity)]


def severity_column(label: str = "severity") -> ColumnConfig:
    """A column of coloured chips with sign and word."""
    return MultiselectColumn(
        label,
        width=105,
        options=[words.SEVERITY_NAMES[severity] for severity in SEVERITIES],
        color=[words.SEVERITY_COLOURS[severity] for severity in SEVERITIES],
    )


def table(rows: Sequence[dict[str, object]], columns: Columns, *, height: int | None = None) -> None:
    """A table to be read, as tall as its rows up to a limit."""
    fitting = min(38 + 35 * max(len(rows), 1), height or 420)
    st.dataframe(list(rows), column_config=columns, hide_index=True, height=fitting, placeholder=words.NEVER)


def export(name: str, rows: Sequence[Mapping[str, object]], *, document: str = "") -> None:
    """Buttons for what is on the screen: CSV and JSON of the rows, and a text of its own (Markdown) where one is given.

    The JSON says beside the rows how the view is addressed, in which zone, and when it was looked at.
    """
    kinds = {"CSV": ("csv", "text/csv", to_csv(rows)), "JSON": ("json", "application/json", _json(name, rows))}
    if document:
        kinds["Markdown"] = ("md", "text/markdown", document.encode())
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        for kind, (ending, mime, content) in kinds.items():
            st.download_button(
                kind,
                content,
                file_name=f"{name}.{ending}",
                mime=mime,
                icon=":material/download:",
                key=f"export-{name}-{ending}",
                on_click="ignore",
                help=f"What is on the screen, as {kind}",
            )


def _json(name: str, rows: Sequence[Mapping[str, object]]) -> bytes:
    view = {key: st.query_params.get_all(key) for key in st.query_params}
    head = {"view": name, "parameters": view, "zone": zone_name(), "looked_at": words.when(data.now())}
    return msgspec.json.format(msgspec.json.encode({**head, "rows": rows}, enc_hook=str), indent=1)


def pick(
    parameter: str,
    ids: Sequence[str],
    rows: Sequence[dict[str, object]],
    columns: Columns,
    *,
    height: int,
    scope: str = "",
) -> str | None:
    """A table of which one row can be chosen; returns the id of the row that was chosen just now, or None.

    Streamlit knows rows by their place only, so the table is another one when its ids change, and the choice is
    taken up again from the address, by id.
    """
    named = st.query_params.get(parameter)
    digest = blake2b("\x1f".join((scope, *ids)).encode(), digest_size=6).hexdigest()
    rows_chosen = [ids.index(named)] if named in ids else []
    event = st.dataframe(
        list(rows),
        column_config=columns,
        hide_index=True,
        placeholder=words.NEVER,
        height=min(38 + 35 * max(len(rows), 1), height),
        key=f"{parameter}-{digest}",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": rows_chosen}},
    )
    places = event["selection"]["rows"]
    picked = ids[places[0]] if places and places[0] < len(ids) else None
    return picked if picked != named else None


def _looked() -> str:
    return f"looked at {words.when(data.now(), zone())} {zone_name()}"


def _freshness(name: str, at: int | None) -> str:
    return f"{name}: never" if at is None else f"{name} {words.ago(at, data.now())}"
