"""What if the station had other start and stop points: this session lived again, as `shadow-csms whatif` does."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st
from msgspec.structs import replace

from dashboard import data, parts, states, words
from dashboard.settings import read_settings
from diff.store.client import Store
from diff.store.queries import SessionLine, Window
from diff.store.queries.frames import stored_frames
from diff.whatif.comparing import WhatIf
from diff.whatif.life import Setting
from ingest.frame import Micros
from shadow.config import DEFAULT, ShadowConfig, checked
from shadow.station.points import FALSE_WITH, TRUE_WITH

__all__ = ["draw"]

_MOST_FRAMES: Final = 5_000
_BEFORE: Final[Micros] = 600_000_000
"""An Authorize or a plugged cable may come long before the StartTransaction that it belongs to."""


def draw(line: SessionLine, window: Window) -> None:
    """The choice of points, and how the session would move; the choice stands in the address."""
    st.subheader("What if", anchor=False)
    now = _now()
    left, right = st.columns(2)
    start = left.multiselect(
        "TxStartPoint", sorted(TRUE_WITH), key="tx_start", bind="query-params", placeholder=_said(now.tx_start_points)
    )
    stop = right.multiselect(
        "TxStopPoint", sorted(FALSE_WITH), key="tx_stop", bind="query-params", placeholder=_said(now.tx_stop_points)
    )
    if not start and not stop:
        st.caption(
            "Choose other points, and this session is lived again under them; nothing is changed anywhere. Sessions of"
            " a cohort: `shadow-csms whatif --store`."
        )
        return
    try:
        after = checked(
            replace(
                now,
                tx_start_points=frozenset(start) or now.tx_start_points,
                tx_stop_points=frozenset(stop) or now.tx_stop_points,
            )
        )
    except ValueError as error:
        st.warning(f"{words.escaped(str(error))}.", icon=":material/error:")
        return
    since, until = max(window.since - _BEFORE, 0), window.until
    points = (tuple(sorted(after.tx_start_points)), tuple(sorted(after.tx_stop_points)))
    found = data.load(_lived, line.charger_id, since, until, now, *points)
    _moves(line, found, after)


def _moves(line: SessionLine, found: dict[str, Any], after: ShadowConfig) -> None:
    sums = next(iter(found["cohorts"].values()), None)
    counted = 0 if sums is None else sums["sessions"] + sums["unfinished"]
    st.caption(
        f"From {_both(_now())} to {_both(after)}; {words.plural(counted, 'session')} in the"
        f" {words.plural(found['frames'], 'frame')} around it lived twice."
    )
    if sums is None or not counted:
        states.blind("Its frames are no longer kept whole, so it cannot be lived again.")
        return
    own = next((row for row in found["sessions"] if row["session_id"] == line.session_id), None)
    if own is None:
        if sums["only_before"] or sums["only_after"]:
            st.warning("Under one of the two settings a session of this stretch is missing.", icon=":material/warning:")
        elif sums["unfinished"]:
            states.blind("It has not ended in the frames that are kept, so how it would move cannot be told.")
        else:
            states.clean(f"It would not move: start, stop, idle time and energy of {counted} lived stay the same.")
        return
    rows = [_side(name, own[name]) for name in ("before", "after")]
    parts.table(rows, {})
    st.markdown(
        f"Moves by **{own['start_seconds'] or 0} s** at the start, **{own['stop_seconds'] or 0} s** at the stop,"
        f" **{own['idle_seconds'] or 0} s** idle, **{own['energy_wh'] or 0} Wh**."
    )
    parts.export("what-if", rows)


def _side(name: str, side: dict[str, Any]) -> dict[str, object]:
    return {"": name, **{key: words.NEVER if value is None else str(value) for key, value in side.items()}}


def _lived(
    store: Store,
    charger_id: str,
    since: Micros,
    until: Micros,
    now: ShadowConfig,
    start: tuple[str, ...],
    stop: tuple[str, ...],
) -> dict[str, Any]:
    after = replace(now, tx_start_points=frozenset(start), tx_stop_points=frozenset(stop))
    both = WhatIf(Setting(now), Setting(after))
    frames = stored_frames(store, charger_id, (since, "", 0), until, _MOST_FRAMES)
    for frame in frames:
        both.feed(frame)
    both.end()
    return {**both.document(), "frames": len(frames)}


def _now() -> ShadowConfig:
    """The points that the stored sessions were lived by, as the settings say."""
    given = read_settings()
    return replace(
        DEFAULT,
        tx_start_points=frozenset(filter(None, given.tx_start.split(","))) or DEFAULT.tx_start_points,
        tx_stop_points=frozenset(filter(None, given.tx_stop.split(","))) or DEFAULT.tx_stop_points,
    )


def _said(points: frozenset[str]) -> str:
    return ", ".join(sorted(points))


def _both(one: ShadowConfig) -> str:
    return f"TxStartPoint {_said(one.tx_start_points)}, TxStopPoint {_said(one.tx_stop_points)}"
