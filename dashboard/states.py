"""The ways in which there is nothing to see, each with its own sign: clean, blind, filtered away, not begun."""

from __future__ import annotations

import streamlit as st

__all__ = ["blind", "clean", "filtered", "first_run", "stale"]


def clean(text: str) -> None:
    """Zero because it was looked at and is clean. The text holds what was looked at: the denominator."""
    st.success(text, icon=":material/check_circle:")


def blind(text: str) -> None:
    """Zero because nobody looked, or could."""
    st.warning(text, icon=":material/visibility_off:")


def filtered(text: str) -> None:
    """Nothing is left by what was chosen."""
    st.info(text, icon=":material/filter_alt:")


def stale(text: str) -> None:
    """It was read or reckoned a while ago."""
    st.caption(f":orange[:material/schedule: {text}]")


def first_run() -> None:
    """What to do where nothing is mirrored yet."""
    st.info(
        "**Nothing has been mirrored yet.** A zero on this page would mean nothing, so none is shown.",
        icon=":material/start:",
    )
    with st.container(border=True):
        st.markdown("**Three ways to begin**")
        st.markdown(_WAYS)
    with st.container(border=True):
        st.markdown("**Then, until the first verdict**")
        st.markdown(_STEPS)


_WAYS = """
1. **Mirror the fleet.** Put the tap before the primary and point charging stations (or your proxy) at it; what they and
   the primary say to each other is passed on unchanged: `shadow-csms run --upstream wss://primary.example/ocpp`
2. **Judge what was recorded.** A recording or a log of the primary: `shadow-csms replay RECORDING --store`
3. **See it work first.** A simulated fleet with planted faults: `shadow-csms demo`
"""
_STEPS = """
1. Enrol a few charging stations of one model first; the *Fleet* page shows what the tap sees of them.
2. Name your cohorts and sites in a file and give it as `cohort_file`; without one there is the fleet alone.
3. Let them charge: a verdict needs compared sessions (300 for the money gate) and seven days without anything critical.
4. Have the same frames lived again (`shadow-csms noise --store`): the noise gate asks for it on each version.
"""
