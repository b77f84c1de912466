"""What the sample weighs on the wire: 1.6 beside the 2.0.1 that the shadow made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.column_config import TextColumn

from dashboard import parts, words
from diff.seen import Weighed
from shadow.weighing import document

__all__ = ["draw"]


def draw(found: Weighed) -> None:
    """The ratio over all, a session and a charger-day; below them each action."""
    figures = document(found.weight)
    per_day, per_session = figures["per_charger_day"], figures["per_session"]
    places = st.columns(3)
    total = figures["total"]
    _ratio(places[0], "All messages of the sample", total)
    _ratio(places[1], f"A session ({words.count(figures['sessions'])} in the sample)", per_session)
    _ratio(places[2], f"A charger-day ({figures['charger_days']} observed)", per_day)
    rows = [_weighed(name, beside) for name, beside in figures["actions"].items()]
    parts.table(rows, {"action": TextColumn("action", width=240)}, height=400)
    st.caption(
        "Bytes of the messages in their WebSocket frames, plain and through permessage-deflate; an answer counts under"
        f" its action. {words.plural(figures['assumed_answers'], 'answer')} of 2.0.1 that 1.6 has no content for are"
        " counted as empty. Method and limits: docs/weight.md."
    )
    parts.export("coverage-weight", rows)


def _ratio(place: Any, name: str, beside: Mapping[str, Any]) -> None:
    ratio, old, new = beside["ratio"]["plain_bytes"], beside["1.6"]["plain_bytes"], beside["2.0.1"]["plain_bytes"]
    with place.container(border=True):
        st.caption(name)
        if ratio is None:
            st.markdown(f"**{words.NEVER}** nothing to divide by")
            return
        st.markdown(f"**2.0.1 weighs {ratio:.2f} times 1.6**")
        st.caption(
            f"{words.bytes_(int(new))} against {words.bytes_(int(old))} plain;"
            f" {beside['ratio']['deflated_bytes'] or 0:.2f} times compressed"
        )


def _weighed(name: str, beside: Mapping[str, Any]) -> dict[str, object]:
    row: dict[str, object] = {"action": name}
    for version in ("1.6", "2.0.1"):
        row |= {
            f"{version} messages": beside[version]["messages"],
            f"{version} plain": beside[version]["plain_bytes"],
            f"{version} compressed": beside[version]["deflated_bytes"],
        }
    return row | {"ratio plain": beside["ratio"]["plain_bytes"], "ratio compressed": beside["ratio"]["deflated_bytes"]}
