"""The filters of the discrepancies page, each bound to a parameter of the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec
import streamlit as st

from dashboard import data, parts
from diff.catalogue import CATALOGUE
from diff.discrepancy import Class, Status
from diff.store.queries import SEVERITIES, Choices, Filter
from diff.store.queries.causes import STANDINGS
from ingest.frame import Micros

__all__ = ["DEFAULT", "Chosen", "choose"]

_ALL: Final = "all"
_RANGES: Final = {"any": 0, "hour": 3_600, "day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400, "dates": 0}
"""Seconds back from now. These words, like all options here, stand in the address as they are."""
_SECOND: Final = 1_000_000
_LISTS: Final = ("code", "class", "action", "vendor", "model", "firmware", "site")

DEFAULT: Final = Filter(status=Status.OPEN.value)
"""What is shown where the address says nothing."""


class Chosen(msgspec.Struct, frozen=True):
    """What the filters say."""

    filter: Filter
    standings: tuple[str, ...]
    sites: tuple[str, ...]


def choose(choices: Callable[[], Choices], sites: Sequence[str]) -> Chosen:
    """Draw the filters and return what they say. `choices`: asked for where the lists are open.

    `sites`: those that the cohort file names.
    """
    severity, status, charger, span = st.columns([4, 3, 2, 2], vertical_alignment="bottom")
    with severity:
        severities = st.pills(
            "Severity",
            SEVERITIES,
            selection_mode="multi",
            key="severity",
            bind="query-params",
        )
    with status:
        standing = st.segmented_control(
            "Evidence",
            [Status.OPEN.value, Status.WITHDRAWN.value, _ALL],
            default=Status.OPEN.value,
            required=True,
            key="status",
            bind="query-params",
        )
    with charger:
        charger_id = st.text_input("Charger", key="charger", bind="query-params", placeholder="id, * for any text")
    with span:
        since, until = _span()
    history, toggle = st.columns([4, 1], vertical_alignment="bottom")
    with history:
        standings = st.pills("Status", STANDINGS, selection_mode="multi", key="standing", bind="query-params")
    with toggle:
        losses = st.toggle(
            "Expected losses too",
            key="losses",
            bind="query-params",
            help="What 1.6 says and 2.0.1 cannot, or says elsewhere: known beforehand, counted, not a fault.",
        )
    code, class_, action, vendor, model, firmware, site = _lists(choices, sites)
    found = Filter(
        severities=tuple(severities),
        losses=losses or "expected" in standings,
        status="" if standing == _ALL else standing or "",
        charger=(charger_id or "").strip(),
        since=since,
        until=until,
        codes=code,
        classes=class_,
        actions=action,
        vendors=vendor,
        models=model,
        firmwares=firmware,
    )
    return Chosen(found, tuple(standings), site)


def _lists(choices: Callable[[], Choices], sites: Sequence[str]) -> list[tuple[str, ...]]:
    """The lists with many entries, folded away and not drawn while none is used: seven of them cost every visitor time.

    Values that the store lacks are allowed, so that a link keeps what it says.
    """
    used = any(name in st.query_params or st.session_state.get(name) for name in _LISTS)
    picked: list[tuple[str, ...]] = []
    words = "Code, class, action, vendor, model, firmware, site"
    with st.expander(words, expanded=used, key="lists", on_change="rerun") as box:
        if not box.open and not used:
            return [()] * len(_LISTS)
        known = choices()
        catalogued = (tuple(CATALOGUE), tuple(member.value for member in Class))
        options_of = (*catalogued, known.actions, known.vendors, known.models, known.firmwares, tuple(sites))
        for place, name, options in zip(st.columns(len(_LISTS)), _LISTS, options_of, strict=True):
            values = place.multiselect(
                name.capitalize(), options, key=name, bind="query-params", accept_new_options=True, placeholder="any"
            )
            picked.append(tuple(values))
    return picked


def _span() -> tuple[Micros | None, Micros | None]:
    chosen = st.selectbox("Last seen within", list(_RANGES), key="range", bind="query-params")
    if chosen == "dates":
        start = st.datetime_input("From", None, key="from", bind="query-params")
        end = st.datetime_input("To", None, key="to", bind="query-params")
        return _micros(start, parts.zone()), _micros(end, parts.zone())
    seconds = _RANGES[chosen or "any"]
    return (data.minute() - seconds * _SECOND if seconds else None), None


def _micros(moment: datetime | None, zone: tzinfo) -> Micros | None:
    return None if moment is None else int(moment.replace(tzinfo=zone).timestamp()) * _SECOND
